"""janitor.yaml: several rules and what holds for all of them, validated, with the line of what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.rules import (
    DEFAULT_MAX_DELETES,
    DURATION_PATTERN,
    REPO_KINDS,
    Kind,
    Policy,
    Rule,
    check_policy,
    check_rule,
    parse_duration,
)

_Duration = Annotated[str, Field(pattern=f"^{DURATION_PATTERN}$", examples=["90s", "30m", "6h", "2d", "1w"])]
_Place = tuple[str | int, ...]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RuleFile(_Strict):
    """Things of these types in a namespace, whose name begins with the prefix, live so long."""

    namespace: str
    prefix: str
    ttl: _Duration
    types: Annotated[list[Annotated[Kind, Field(strict=False)]], Field(min_length=1)] = list(REPO_KINDS)
    """All types of repos, unless named; others only with marked: true."""
    marked: bool = False
    """Only names with a mark that verifies."""


class PolicyFile(_Strict):
    """What hfdeploy-janitor may delete."""

    rules: Annotated[list[RuleFile], Field(min_length=1)]
    protect: list[str] = []
    """Names never to touch, as NAME or NAMESPACE/NAME; * is a wildcard."""
    min_age: _Duration = "1h"
    """Nothing younger is touched, nor changed since; no ttl may be shorter."""
    max_deletes: Annotated[int, Field(ge=0)] = DEFAULT_MAX_DELETES
    """If a sweep would delete more, it deletes nothing."""
    max_percent: Annotated[float, Field(ge=0, le=100, strict=False)] | None = None
    """The same, as a part of all that is there."""
    quarantine: _Duration | None = None
    """Put away what expires for so long before it is deleted."""


def load_policy(path: Path) -> Policy:
    """The policy of a file. Raises RuleInvalid, with the line, for one that does not make sense."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleInvalid(f"The rules file {path} cannot be read.", "Check its path and rights.") from error
    return read_policy(text, str(path))


def read_policy(text: str, name: str) -> Policy:
    """The policy that a text spells; `name` is what to call it."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        if root is not None:
            _refuse_twins(root, name, set())
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "it"
        raise RuleInvalid(f"{name}: {where} is no YAML.", "Correct the syntax there.") from error
    try:
        read = PolicyFile.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        told = [(_find_line(root, fault["loc"]), _explain(fault["loc"], fault)) for fault in faults]
        words = "\n".join(f"{name}, line {line}: {what}." for line, what in sorted(told))
        raise RuleInvalid(words) from None
    return _check(_build(read, root, name), root, name)


def _explain(place: _Place, error: Mapping[str, Any]) -> str:
    """What is wrong there, in a sentence without its end."""
    what = ".".join(str(part) for part in place) or "the file"
    match error["type"]:
        case "extra_forbidden":
            return f"{what} is no key that is known"
        case "missing":
            return f"{what} is missing"
        case "model_type":
            return f"{what} is no mapping of keys to values"
        case "string_type" | "string_pattern_mismatch" if place[-1] in ("ttl", "min_age", "quarantine"):
            return f"{what} is no duration: write a number and its unit, 90s, 30m, 6h, 2d or 1w"
        case _:
            return f"{what}: {error['msg']}"


def _check(policy: Policy, root: yaml.Node | None, name: str) -> Policy:
    """The policy. Raises RuleInvalid with the line of what the schema alone does not see."""
    for number, rule in enumerate(policy.rules):
        with _told_where(root, name, ("rules", number)):
            check_rule(rule, policy.min_age_seconds)
    with _told_where(root, name, ("protect",)):
        check_policy(replace(policy, quarantine_seconds=None))
    with _told_where(root, name, ("quarantine",)):
        return check_policy(policy)


@contextmanager
def _told_where(root: yaml.Node | None, name: str, place: _Place) -> Iterator[None]:
    try:
        yield
    except RuleInvalid as error:
        words = f"{name}, line {_find_line(root, place)}: {error.message}"
        raise RuleInvalid(words, error.remedy) from None


def _build(read: PolicyFile, root: yaml.Node | None, name: str) -> Policy:
    def parse(text: str, *place: str | int) -> float:
        with _told_where(root, name, place):
            return parse_duration(text)

    rules = tuple(
        Rule(
            rule.namespace,
            rule.prefix,
            parse(rule.ttl, "rules", number, "ttl"),
            tuple(sorted(set(rule.types))),
            rule.marked,
        )
        for number, rule in enumerate(read.rules)
    )
    return Policy(
        rules,
        tuple(read.protect),
        parse(read.min_age, "min_age"),
        read.max_deletes,
        read.max_percent,
        None if read.quarantine is None else parse(read.quarantine, "quarantine"),
    )


def _refuse_twins(node: yaml.Node, name: str, done: set[int]) -> None:
    """YAML takes the last of two equal keys without a word: here that could drop a protection.

    An alias is the very node that it names, which is looked at once, and may lie within itself.
    """
    if id(node) in done:
        return
    done.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_twins(child, name, done)
    elif isinstance(node, yaml.MappingNode):
        seen = set[str]()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise RuleInvalid(f"{name}, line {line}: a key is no word.")
            if key.value in seen:
                raise RuleInvalid(f"{name}, line {line}: {key.value} is there twice.")
            seen.add(key.value)
            _refuse_twins(value, name, done)


def _find_line(root: yaml.Node | None, place: Sequence[str | int]) -> int:
    """The line of a place, or of the innermost part of it that is there."""
    node: Any = root
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == part]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
