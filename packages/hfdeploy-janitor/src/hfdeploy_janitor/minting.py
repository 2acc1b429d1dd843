"""Minting marks with this machine's clock, randomness and environment."""

import os
import re
import secrets
from datetime import UTC, datetime, timedelta

from hfdeploy_janitor.errors import KeyMissing, RuleInvalid
from hfdeploy_janitor.mark import Mark, Seal, write_mark
from hfdeploy_janitor.rules import (
    INNER_KINDS,
    REPO_KINDS,
    RUNNING_KINDS,
    Kind,
    check_namespace,
    check_prefix,
    parse_duration,
)

KEY_VARIABLE = "HFDEPLOY_JANITOR_KEY"
DEFAULT_PREFIX = "hfdeploy-test-"
DEFAULT_TTL = "2h"
_HUB = "https://huggingface.co"
_LONGEST_RUN = 16


def mark(
    namespace: str,
    type: Kind | str = Kind.MODEL,
    *,
    ttl: str = DEFAULT_TTL,
    prefix: str = DEFAULT_PREFIX,
    run: str | None = None,
    key: str | None = None,
    endpoint: str | None = None,
    within: str | None = None,
) -> str:
    """A new name for a repo of that type, to be created at once: it may be deleted when `ttl` is over.

    For a branch, a tag or a pull request `within` is the repo it lies in, as `models/me/repo`; the name of a
    collection or a pull request is its title, that of a webhook the last part of its URL, that of a job its
    label `name`. The name of an inference endpoint is too short: give it the mark as a tag.

    `run` says who made it, by default the CI run's number; `key` is HFDEPLOY_JANITOR_KEY by default and
    `endpoint` HF_ENDPOINT. No two calls return the same name. Raises KeyMissing or RuleInvalid.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    kind = find_kind(type)
    check_namespace(namespace)
    check_prefix(prefix)
    _check_within(kind, namespace, within)
    # What runs has its mark among its tags, where the Hub allows no dots.
    dot = "" if kind in RUNNING_KINDS else "."
    made_by = f"{clean_run(run)}{dot}{secrets.token_hex(3)}"
    said = Mark(made_by, now, now + timedelta(seconds=parse_duration(ttl)))
    return write_mark(find_seal(key, endpoint), kind, within or namespace, prefix, said)


def find_kind(type: str) -> Kind:
    """The kind of that name. Raises RuleInvalid."""
    if type not in set(Kind):
        raise RuleInvalid(f"{type!r} is no type.", f"Name one of {', '.join(Kind)}.")
    return Kind(type)


def _check_within(kind: Kind, namespace: str, within: str | None) -> None:
    if kind not in INNER_KINDS:
        if within is not None:
            raise RuleInvalid(f"No {kind} lies within a repo.", "Leave --within (within=) out.")
        return
    types = {f"{repo_kind}s" for repo_kind in REPO_KINDS}
    match (within or "").split("/"):
        case [type, owner, name] if type in types and owner.lower() == namespace.lower() and name:
            return
    raise RuleInvalid(
        f"A {kind} lies within a repo of {namespace}, and {within or 'nothing'} is none.",
        f"Name the repo by --within (within=): models/{namespace}/NAME.",
    )


def find_seal(key: str | None = None, endpoint: str | None = None) -> Seal:
    """What marks are sealed with here. Raises KeyMissing."""
    found = key or os.environ.get(KEY_VARIABLE, "")
    if not found.strip():
        raise KeyMissing("There is no key to make or verify marks with.")
    return Seal(endpoint or os.environ.get("HF_ENDPOINT") or _HUB, found.strip().encode())


def clean_run(run: str | None) -> str:
    """A run's name as a mark can hold it: that of the CI run where none is given."""
    named = run or os.environ.get("GITHUB_RUN_ID") or "local"
    return re.sub(r"[^a-z0-9]", "", named.lower())[-_LONGEST_RUN:] or "local"
