"""Trusted publishers (pure): whose CI may act for which repo."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.model import TYPES_BY_PREFIX, GitType


@dataclass(frozen=True, slots=True)
class Publisher:
    """A job with exactly these claims acts for the repo, in the name of that user."""

    user_id: int
    claims: Mapping[str, str]


def decide_publisher(publishers: Iterable[Publisher], claims: Mapping[str, str]) -> Publisher | None:
    """The first publisher all of whose claims the identity has, to the letter."""
    for publisher in publishers:
        if publisher.claims and all(claims.get(key) == value for key, value in publisher.claims.items()):
            return publisher
    return None


def parse_resource(resource: str) -> tuple[GitType, str, str]:
    """``ns/name`` or ``spaces/ns/name`` taken apart. Raises BadRequest."""
    prefix, *names = resource.split("/")
    if prefix in TYPES_BY_PREFIX and len(names) == 2:
        return TYPES_BY_PREFIX[prefix], names[0], names[1]
    if len(names) == 1 and prefix and names[0]:
        return "model", prefix, names[0]
    raise BadRequest(f"Not a repo: {resource!r}. Expected namespace/name, or spaces/namespace/name.")
