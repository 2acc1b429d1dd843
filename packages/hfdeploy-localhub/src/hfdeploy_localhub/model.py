"""The things a hub holds, as frozen values, and the pure rules about them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Literal, get_args

from hfdeploy_localhub.errors import BadRequest, InvalidPath

RepoType = Literal["model", "dataset", "space"]
Visibility = Literal["public", "private", "protected"]
Role = Literal["read", "contributor", "write", "admin"]
Sdk = Literal["gradio", "streamlit", "docker", "static"]

REPO_TYPES: tuple[RepoType, ...] = get_args(RepoType)
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
    """A user or an organisation."""

    id: int
    name: str
    kind: Literal["user", "org"]
    full_name: str

    @property
    def public_id(self) -> str:
        return public_id("account", self.id)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: a user by one of his tokens, or a stranger (``user`` is None)."""

    user: Account | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Lower-cased organisation name -> role in it."""
    token_role: Literal["read", "write"] = "read"
    token_name: str = ""

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

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def web_path(self) -> str:
        """Path of the repo's page: models have no prefix."""
        return self.full_name if self.type == "model" else f"{self.type}s/{self.full_name}"

    @property
    def public_id(self) -> str:
        return public_id("repo", self.id)


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file kept outside git; git holds a pointer to it."""

    sha256: str
    size: int


def decide_right(caller: Caller, repo: Repo) -> Right:
    """What ``caller`` may do with ``repo``: the owner and organisation writers write, the public reads."""
    namespace = repo.namespace.lower()
    right = Right.READ if repo.visibility == "public" else Right.NONE
    if caller.user is not None:
        if caller.user.name.lower() == namespace:
            right = Right.WRITE
        elif role := caller.roles.get(namespace):
            right = Right.WRITE if role in ("write", "admin") else Right.READ
    return min(right, Right.READ) if caller.token_role == "read" else right


def decide_create(caller: Caller, namespace: str) -> bool:
    """Whether ``caller`` may create repos in ``namespace``."""
    if caller.user is None or caller.token_role == "read":
        return False
    name = namespace.lower()
    return caller.user.name.lower() == name or caller.roles.get(name) in ("contributor", "write", "admin")


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


def format_time(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``, as the client parses it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
