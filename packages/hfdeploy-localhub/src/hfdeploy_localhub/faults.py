"""Faults on demand: which request is to go wrong, and how (pure, but for the board that remembers).

A rule is one line: ``METHOD PATTERN WORD=VALUE ...``, such as

    POST /api/models/*/*/commit/* status=503 count=2
    GET /**/resolve/** truncate_bytes=1000 probability=0.2 seed=7
"""

import hashlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from hfdeploy_localhub.routes import matches_method, matches_route

Moment = Literal["before", "after"]
_METHODS = re.compile(r"\*|[A-Z]+(\|[A-Z]+)*")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request. Delays go with everything; of the others a rule has one."""

    latency_seconds: float = 0.0
    """Waits before anything else."""
    bytes_per_second: int | None = None
    """How fast the body comes in, and the answer goes out."""
    head: Literal["moved"] | None = None
    """Somebody else commits to the branch just before the request is handled."""
    status: int | None = None
    """Answers so, without handling the request."""
    retry_after_seconds: int | None = None
    """What ``Retry-After`` and the rate limit's headers say, with ``status``."""
    token: Literal["expired"] | None = None
    """Answers as to an expired token. Requests without one are passed over."""
    reset: Moment | None = None
    """The connection breaks before the request is handled, or afterwards with the answer lost."""
    truncate_bytes: int | None = None
    """The answer breaks off after so many bytes of its body."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a fault strikes: the first ``skip`` requests pass, then ``count`` (None: all) are struck, each
    with ``probability``, which ``seed`` makes the same in every run.
    """

    methods: str
    pattern: str
    fault: Fault
    count: int | None = None
    skip: int = 0
    probability: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ArmedRule:
    """A rule at work: how many requests it has met, and how many of them it struck."""

    id: int
    rule: Rule
    met: int = 0
    struck: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a request before it is handled."""

    method: str
    path: str
    has_token: bool = False


def decide_fault(rules: Sequence[ArmedRule], arrival: Arrival) -> tuple[Fault | None, tuple[ArmedRule, ...]]:
    """The fault of the first rule that strikes, and all rules as they stand afterwards."""
    seen = list[ArmedRule]()
    for number, armed in enumerate(rules):
        if not _concerns(armed.rule, arrival):
            seen.append(armed)
        elif _strikes(armed):
            hit = replace(armed, met=armed.met + 1, struck=armed.struck + 1)
            return armed.rule.fault, (*seen, hit, *rules[number + 1 :])
        else:
            seen.append(replace(armed, met=armed.met + 1))
    return None, tuple(seen)


def _concerns(rule: Rule, arrival: Arrival) -> bool:
    if rule.fault.token is not None and not arrival.has_token:
        return False
    return matches_method(rule.methods, arrival.method) and matches_route(rule.pattern, arrival.path)


def _strikes(armed: ArmedRule) -> bool:
    rule = armed.rule
    if armed.met < rule.skip or (rule.count is not None and armed.struck >= rule.count):
        return False
    return draw(rule.seed, armed.met) < rule.probability


def draw(seed: int, number: int) -> float:
    """The ``number``-th of the random numbers in [0, 1) that follow from ``seed``."""
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


def plan_headers(fault: Fault) -> dict[str, str]:
    """The headers of an answer with ``fault.status``: a 429 tells its limit in both families of headers."""
    seconds = fault.retry_after_seconds
    if fault.status != 429:
        return {} if seconds is None else {"Retry-After": str(seconds)}
    seconds = 1 if seconds is None else seconds
    return {
        "RateLimit": f'"api";r=0;t={seconds}',
        "RateLimit-Policy": '"fixed window";"api";q=500;w=300',
        "Retry-After": str(seconds),
    }


def parse_rule(text: str) -> Rule:
    """The rule that ``text`` spells. Raises ValueError with a sentence that says what is expected."""
    methods, pattern, *words = text.split() if len(text.split()) > 1 else ("", "")
    if not _METHODS.fullmatch(methods) or not pattern.startswith(("/", "*")):
        raise ValueError(
            f"{text!r} does not begin with a method (or *) and a path, as `POST /api/** ...` does"
        )
    when, what = dict[str, Any](), dict[str, Any]()
    for word in words:
        key, equals, value = word.partition("=")
        if key not in _READERS or not equals:
            raise ValueError(f"{word!r} is none of {', '.join(f'{known}=' for known in _READERS)}")
        if key in when or key in what:
            raise ValueError(f"{key}= is there twice")
        (when if key in _WHEN else what)[key] = _read(key, value)
    return check_rule(Rule(methods, pattern, Fault(**what), **when))


def check_rule(rule: Rule) -> Rule:
    """The rule itself, if it does something and its parts go together. Raises ValueError."""
    fault = rule.fault
    ends = [name for name in _ENDS if getattr(fault, name) is not None]
    if len(ends) > 1:
        raise ValueError(f"{' and '.join(ends)} exclude each other")
    if fault.retry_after_seconds is not None and fault.status is None:
        raise ValueError("retry_after_seconds= goes with status=")
    if fault == Fault():
        raise ValueError(f"a rule needs a fault: one of {', '.join(f'{name}=' for name in _FAULT_WORDS)}")
    return rule


def format_rule(rule: Rule) -> str:
    """The line that ``parse_rule`` takes back."""
    words = [rule.methods, rule.pattern]
    for value, plain, names in ((rule.fault, Fault(), _FAULT_WORDS), (rule, Rule("", "", Fault()), _WHEN)):
        for name in names:
            if getattr(value, name) != getattr(plain, name):
                words.append(f"{name}={getattr(value, name)}")
    return " ".join(words)


def _read(key: str, value: str) -> Any:
    expected, read = _READERS[key]
    try:
        return read(value)
    except ValueError:
        raise ValueError(f"{key}={value}: expected {expected}") from None


def _number(least: float, most: float = float("inf")) -> Callable[[str], float]:
    def read(value: str) -> float:
        if not least <= (found := float(value)) <= most:  # NaN is neither
            raise ValueError
        return found

    return read


def _whole(least: int, most: float = float("inf")) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not least <= (found := int(value)) <= most:
            raise ValueError
        return found

    return read


def _one_of(*known: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in known:
            raise ValueError
        return value

    return read


_FAULT_WORDS = tuple(field.name for field in fields(Fault))
_ENDS = ("status", "token", "reset", "truncate_bytes")
_WHEN = ("count", "skip", "probability", "seed")
_READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "status": ("a status from 400 to 599", _whole(400, 599)),
    "retry_after_seconds": ("whole seconds", _whole(0)),
    "latency_seconds": ("seconds", _number(0, 3600)),
    "bytes_per_second": ("a number of bytes from 1 on", _whole(1)),
    "reset": ("before or after", _one_of(*get_args(Moment))),
    "truncate_bytes": ("a number of bytes", _whole(0)),
    "token": ("expired", _one_of("expired")),
    "head": ("moved", _one_of("moved")),
    "count": ("how many requests to strike", _whole(1)),
    "skip": ("how many requests to let pass first", _whole(0)),
    "probability": ("a number from 0 to 1", _number(0, 1)),
    "seed": ("a whole number", _whole(-(2**63), 2**63)),
}


class Faults:
    """The rules of one hub, in the order in which they are tried. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: tuple[ArmedRule, ...] = ()
        self._last_id = 0

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, rule: str | Rule) -> int:
        """Arms a rule; returns the number by which ``remove`` knows it. Raises ValueError."""
        parsed = parse_rule(rule) if isinstance(rule, str) else check_rule(rule)
        with self._lock:
            self._last_id += 1
            self._rules = (*self._rules, ArmedRule(self._last_id, parsed))
            return self._last_id

    def rules(self) -> tuple[ArmedRule, ...]:
        """The rules with what they met so far."""
        return self._rules

    def remove(self, id: int) -> None:
        """Forgets one rule. Raises KeyError if there is none of that number."""
        with self._lock:
            kept = tuple(armed for armed in self._rules if armed.id != id)
            if len(kept) == len(self._rules):
                raise KeyError(id)
            self._rules = kept

    def clear(self) -> None:
        """Forgets all rules."""
        with self._lock:
            self._rules = ()

    def take(self, arrival: Arrival) -> Fault | None:
        """The fault that strikes this request, if any."""
        with self._lock:
            fault, self._rules = decide_fault(self._rules, arrival)
            return fault
