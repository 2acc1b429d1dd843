"""The things a hub holds, as frozen values, and the pure rules about them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Literal, get_args

from hfdeploy_localhub.errors import BadRequest, InvalidPath

GitType = Literal["model", "dataset", "space", "kernel"]
RepoType = Literal[GitType, "bucket"]
Entity = Literal[RepoType, "user", "org"]
Visibility = Literal["public", "private", "protected"]
Role = Literal["read", "contributor", "write", "admin"]
TokenRole = Literal["read", "write", "fineGrained"]
Sdk = Literal["gradio", "streamlit", "docker", "static"]

GIT_TYPES: tuple[GitType, ...] = get_args(GitType)
"""What has commits and branches; a bucket has files only."""

REPO_TYPES: tuple[RepoType, ...] = get_args(RepoType)
TYPES_BY_PREFIX: Mapping[str, GitType] = {f"{type}s": type for type in GIT_TYPES}
"""What paths call them."""

SDKS: tuple[Sdk, ...] = get_args(Sdk)
VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)

_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,96}")
_SETTING_KEY = re.compile(r"[a-zA-Z][_a-zA-Z0-9]*")


class Right(IntEnum):
    """What a caller may do with a repo; the order is meant."""

    NONE = 0
    READ = 1
    WRITE = 2


@dataclass(frozen=True, slots=True)
class Account:
    """A user or an organisation. ``default_visibility`` is that of repos created without one."""

    id: int
    name: str
    kind: Literal["user", "org"]
    full_name: str
    default_visibility: Visibility = "public"

    @property
    def public_id(self) -> str:
        return public_id("account", self.id)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a fine-grained token may do with one repo, or with all repos of one account.

    ``permissions`` are the Hub's names, of which ``repo.content.read``, ``repo.write`` and
    ``discussion.write`` decide here.
    """

    entity: Entity
    name: str
    permissions: frozenset[str]

    def covers(self, repo: "Repo") -> bool:
        name = repo.namespace if self.entity in ("user", "org") else repo.full_name
        return self.entity in ("user", "org", repo.type) and self.name.lower() == name.lower()


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a token allows. Only fine-grained ones have scopes; without ``expires_at`` it lasts."""

    role: TokenRole
    name: str
    scopes: tuple[Scope, ...] = ()
    expires_at: datetime | None = None

    def grants(self, repo: "Repo") -> set[str]:
        """The permissions that a fine-grained token has in a repo."""
        return {name for scope in self.scopes if scope.covers(repo) for name in scope.permissions}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: a user by one of his tokens, or a stranger (both are None)."""

    user: Account | None = None
    token: AccessToken | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Lower-cased organisation name -> role in it."""

    @property
    def anonymous(self) -> bool:
        return self.user is None


@dataclass(frozen=True, slots=True)
class Repo:
    """One repo's row. ``namespace`` and ``name`` keep the case they were created with."""

    id: int
    type: RepoType
    namespace: str
    name: str
    visibility: Visibility
    gated: Literal["auto", "manual"] | None
    created_at: datetime
    creator_id: int | None = None

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def web_path(self) -> str:
        """Path of the repo's page: models have no prefix."""
        return self.full_name if self.type == "model" else f"{self.type}s/{self.full_name}"

    @property
    def public_id(self) -> str:
        return object_id(self.created_at, "repo", self.id)


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file kept outside git; git holds a pointer to it."""

    sha256: str
    size: int


def decide_right(caller: Caller, repo: Repo) -> Right:
    """What ``caller`` may do with ``repo``: what the user may, as far as his token goes.

    The public reads; owners and an organisation's writers write; contributors write what they created.
    """
    right = Right.READ if repo.visibility == "public" else Right.NONE
    if caller.user is None or caller.token is None:
        return right
    namespace = repo.namespace.lower()
    if caller.user.name.lower() == namespace:
        right = Right.WRITE
    elif role := caller.roles.get(namespace):
        creator = role == "contributor" and repo.creator_id == caller.user.id
        right = Right.WRITE if role in ("write", "admin") or creator else Right.READ
    return min(right, _decide_reach(caller.token, repo))


def decide_propose(caller: Caller, repo: Repo) -> bool:
    """Whether ``caller`` may propose changes to a repo that he sees, so upload the content of one, and
    talk about it: any user may, but not by a token that only reads there.

    Content alone changes nothing: it shows once a commit names it, and that takes rights of its own.
    """
    if caller.token is None:
        return False
    if caller.token.role == "fineGrained":
        return not caller.token.grants(repo).isdisjoint({"repo.write", "discussion.write"})
    return caller.token.role == "write"


def decide_create(caller: Caller, namespace: str) -> bool:
    """Whether ``caller`` may create repos in ``namespace``."""
    if caller.user is None or caller.token is None:
        return False
    name = namespace.lower()
    member = caller.user.name.lower() == name or caller.roles.get(name) in ("contributor", "write", "admin")
    if caller.token.role != "fineGrained":
        return member and caller.token.role == "write"
    return member and any(
        scope.entity in ("user", "org") and scope.name.lower() == name and "repo.write" in scope.permissions
        for scope in caller.token.scopes
    )


def _decide_reach(token: AccessToken, repo: Repo) -> Right:
    """How far a token goes, whoever holds it. What the public reads, every token reads."""
    if token.role == "write":
        return Right.WRITE
    if token.role == "read":
        return Right.READ
    granted = token.grants(repo)
    if "repo.write" in granted:
        return Right.WRITE
    return Right.READ if "repo.content.read" in granted or repo.visibility == "public" else Right.NONE


def check_repo_name(name: str) -> str:
    """The name itself, if the Hub accepts it (``[\\w\\-.]{1,96}``, no ``--``, ``..``, trailing ``.git``)."""
    bad_edges = name.startswith(("-", ".")) or name.endswith(("-", "."))
    if not _NAME.fullmatch(name) or "--" in name or ".." in name or name.endswith(".git") or bad_edges:
        raise BadRequest(
            f"Invalid repo name: {name!r}. Use letters, digits, '-', '_' and '.', 96 at most, "
            "no '--' or '..', no '-' or '.' at either end, no '.git' at the end."
        )
    return name


def check_setting_key(key: str) -> str:
    """The key of a Space's variable or secret, if the Hub accepts it."""
    if not _SETTING_KEY.fullmatch(key):
        raise BadRequest(f"Invalid key {key!r}: use letters, digits and '_', beginning with a letter.")
    return key


def check_file_path(path: str) -> str:
    """The path of a file in a repo, if git and every client can hold it."""
    parts = path.split("/")
    unsafe = any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
    if unsafe or path.startswith("..\\") or "\0" in path or len(path.encode()) > 4096:
        raise InvalidPath(path)
    return path


def public_id(kind: str, row: int) -> str:
    """24 hex digits that stand for a row, as the Hub's own ids do."""
    return hashlib.sha256(f"{kind}:{row}".encode()).hexdigest()[:24]


def object_id(created_at: datetime, kind: str, row: int) -> str:
    """`public_id` as the Hub's database makes it: the first 8 digits are the second of creation."""
    return f"{int(created_at.timestamp()):08x}{public_id(kind, row)[8:]}"


def format_time(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``, as the client parses it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
