"""Who and what a hub begins with: users, tokens, organisations. In Python, or in a YAML file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from hfdeploy_localhub.model import AccessToken, Entity, Role, Scope, TokenRole, Visibility
from hfdeploy_localhub.oidc import parse_resource
from hfdeploy_localhub.signing import Signer
from hfdeploy_localhub.store.store import Store

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Reach:
    """What a fine-grained token may do with one repo, or with all repos of one account.

    ``entity`` says what ``name`` names: a type of repo, ``user`` or ``org``;
    ``permissions`` are the Hub's: ``repo.content.read``, ``repo.write``.
    """

    __pydantic_config__ = _STRICT
    entity: Entity
    name: str
    permissions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Token:
    """A further token of a user. ``lifetime_seconds`` counts from the hub's start."""

    __pydantic_config__ = _STRICT
    token: str = field(repr=False)
    role: TokenRole = "write"
    name: str = "seeded"
    scopes: Sequence[Reach] = ()
    lifetime_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A user to have from the start. Without a token one is derived from the data folder's secret.

    ``organisations`` are names (he is admin there), or names with his role in each.
    """

    __pydantic_config__ = _STRICT
    name: str
    token: str | None = field(default=None, repr=False)
    organisations: Mapping[str, Role] | Sequence[str] = ()
    full_name: str | None = None
    tokens: Sequence[Token] = ()


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation; ``default_visibility`` is that of its repos when nothing else is asked for."""

    __pydantic_config__ = _STRICT
    name: str
    full_name: str | None = None
    default_visibility: Visibility = "public"


@dataclass(frozen=True, slots=True)
class TrustedPublisher:
    """A CI job whose identity has these claims acts for ``repo`` (``ns/name``, ``spaces/ns/name``).

    It does so in the name of ``user``, with a token that is good for that repo and for an hour.
    """

    __pydantic_config__ = _STRICT
    repo: str
    user: str
    claims: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seed:
    """All that a hub begins with."""

    __pydantic_config__ = _STRICT
    users: Sequence[User] = ()
    organisations: Sequence[Organisation] = ()
    trusted_publishers: Sequence[TrustedPublisher] = ()


def read_seed(path: Path) -> Seed:
    """The seed in a YAML file. Raises ValueError that says where it is wrong, OSError."""
    import yaml  # most hubs have no such file, and all of them should start quickly

    try:
        return TypeAdapter(Seed).validate_python(yaml.safe_load(path.read_text("utf-8")) or {})
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None
    except yaml.YAMLError as error:
        # Without the line itself, which may hold a token.
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ValueError(f"{path} is not YAML{where}: {getattr(error, 'problem', 'no text')}") from None
    except ValidationError as error:
        # Only the place and the kind of fault: the values may be tokens.
        faults = [f"{_tell_place(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise ValueError(f"{path}: {'; '.join(faults)}") from None


def _tell_place(place: Sequence[int | str]) -> str:
    """Without the names of the types that were tried there."""
    return ".".join(str(part) for part in place if "[" not in str(part))


def find_seed(folder: Path) -> Path | None:
    """The seed file that a project's pyproject.toml names in ``[tool.hfdeploy-localhub] seed``, if it does.

    Raises ValueError, OSError.
    """
    project = folder / "pyproject.toml"
    if not project.is_file():
        return None
    try:
        tools = tomllib.loads(project.read_text()).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{project} is not TOML: {error}") from None
    named = tools.get("hfdeploy-localhub", {}).get("seed")
    if named is None:
        return None
    if not isinstance(named, str):
        raise ValueError(f"{project}: tool.hfdeploy-localhub.seed: not the path of a file")
    return folder / named


def add_users(seed: Seed, asked: Sequence[User]) -> Seed:
    """The seed with these users first; who is in it already gets their token and organisations."""
    known = {user.name.lower(): user for user in seed.users}
    merged = [_merge(user, known.pop(user.name.lower(), None)) for user in asked]
    return replace(seed, users=[*merged, *known.values()])


def _merge(asked: User, known: User | None) -> User:
    if known is None:
        return asked
    organisations = _read_roles(known.organisations) | _read_roles(asked.organisations)
    return replace(known, token=asked.token or known.token, organisations=organisations)


def _read_roles(organisations: Mapping[str, Role] | Sequence[str]) -> dict[str, Role]:
    """Who is named without a role is admin."""
    if isinstance(organisations, Mapping):
        return dict(organisations)
    return dict.fromkeys(organisations, "admin")


def plant(store: Store, signer: Signer, seed: Seed) -> dict[str, str]:
    """Makes what is missing and brings the rest up to the seed; returns user name -> first token.

    Raises ValueError for a name that cannot be an account's, or is one of the other kind, and for a token
    that is there twice.
    """
    _check_tokens(seed.users)
    for organisation in seed.organisations:
        store.accounts.add_organisation(
            organisation.name,
            full_name=organisation.full_name,
            default_visibility=organisation.default_visibility,
        )
    tokens = dict(_plant_user(store, signer, user) for user in seed.users)
    for publisher in seed.trusted_publishers:
        account = store.accounts.find(publisher.user)
        if account is None or account.kind != "user":
            raise ValueError(
                f"The trusted publisher of {publisher.repo} names an unknown user: {publisher.user}"
            )
        store.publishers.add(*parse_resource(publisher.repo), account, publisher.claims)
    return tokens


def _check_tokens(users: Sequence[User]) -> None:
    holders = dict[str, str]()
    for user in users:
        for secret in filter(None, (user.token, *(token.token for token in user.tokens))):
            if secret in holders:
                raise ValueError(f"A token of {holders[secret]!r} is there again, as one of {user.name!r}")
            holders[secret] = user.name


def _plant_user(store: Store, signer: Signer, user: User) -> tuple[str, str]:
    account = store.accounts.add_user(user.name, full_name=user.full_name)
    secret = user.token or signer.derive_token(user.name)
    store.accounts.add_token(account, secret)
    for token in user.tokens:
        store.accounts.add_token(account, token.token, _access_token(token, store))
    for name, role in _read_roles(user.organisations).items():
        store.accounts.add_member(account, store.accounts.add_organisation(name), role)
    return account.name, secret


def _access_token(token: Token, store: Store) -> AccessToken:
    scopes = tuple(Scope(reach.entity, reach.name, frozenset(reach.permissions)) for reach in token.scopes)
    lifetime = token.lifetime_seconds
    expires_at = store.now() + timedelta(seconds=lifetime) if lifetime is not None else None
    return AccessToken(token.role, token.name, scopes, expires_at)
