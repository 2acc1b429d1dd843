"""What a deploy can be asked for, and how it becomes a Target: the same for `plan` and `deploy`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypedDict, TypeVar

from hfdeploy_core.errors import SettingInvalid, SourceMissing
from hfdeploy_core.globs import check_globs
from hfdeploy_core.model import Gated, Marker, RepoRef, RepoType, Sdk, Source, Target, Variable, Visibility
from hfdeploy_core.planning.deletions import parse_max_delete
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.planning.probes import Probe
from hfdeploy_core.planning.settings import check_settings
from hfdeploy_core.planning.volumes import parse_volume
from hfdeploy_core.redact import redact, remember_secret

DEFAULT_TITLE = "Deploy with hfdeploy"
_SHORTEST_MASKED = 4

Choice = TypeVar("Choice", bound=StrEnum)


class Options(TypedDict, total=False):
    """What is not asked for stays as it is: the settings of an existing repo, and every file that the source
    lacks but with `mirror`. That deletes no file that a pattern of `keep` matches, and no more of them than
    `max_delete`: a number or a percentage, by default 100 or 50%, whichever is more. `allow_partial` allows
    more than one commit where the Hub does not take all in one. `message` is the commit's title and, after
    its first line, its description.

    What .gitignore and .hfignore name is not deployed. `include`, `exclude` and `allow_secrets` are patterns
    as in these: for what is deployed all the same, what is not deployed either (this wins), and for files
    that look as if they held secrets and shall be deployed. `card` is laid over README.md's front matter: a
    mapping, or the path of a YAML file. `rev` is a git revision, which is deployed in place of the files.

    `gated` is none, auto or manual. Spaces only: `hardware`, `sleep_seconds` (-1 is never), `volumes` (all
    that shall be mounted, written as for the `hf` command), `variables` and `secrets` (values by name; others
    stay), `remove_variables` and `remove_secrets` (names; one that is not there is no fault). A secret's
    value is kept nowhere. `tags` are added to README.md's. A Space with a `marker` is only changed if it
    carries it, and made with it.
    """

    repo_type: RepoType | str
    sdk: Sdk | str | None
    visibility: Visibility | str | None
    message: str | None
    mirror: bool
    max_delete: int | str | None
    keep: Iterable[str]
    allow_partial: bool
    include: Iterable[str]
    exclude: Iterable[str]
    allow_secrets: Iterable[str]
    gated: Gated | str | None
    hardware: str | None
    sleep_seconds: int | None
    volumes: Iterable[str] | None
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    tags: Iterable[str]
    rev: str | None
    card: str | Mapping[str, Any] | None
    marker: Marker | None
    remove_variables: Iterable[str]
    remove_secrets: Iterable[str]


class SpaceContent(Protocol):
    """A Space that is no folder: its files by path, and its variables by name."""

    @property
    def files(self) -> Mapping[str, bytes]: ...

    @property
    def variables(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay to put in front of a private Space.

    `make` returns what it is made of, given the id of that Space. A Space of the relay's name is one of ours
    where the variable `marker_name` and the file `marker_file` are there. Without `target_url` it gets the
    address that the Hub tells. `token_name` says where its `token` was found; without one it gets the token
    that deploys. A gate asks it `probes` before its own. One that `is_spare` is made only where the
    account's plan has no protected Spaces: there the Space itself becomes protected.
    """

    make: Callable[[str], SpaceContent]
    marker_name: str
    marker_file: str
    suffix: str = "-proxy"
    target_url: str | None = None
    token: str | None = field(default=None, repr=False)
    token_name: str = ""
    is_strict: bool = False
    probes: Sequence[Probe] = ()
    is_spare: bool = False


def read_target(repo: str, options: Options) -> Target:
    """The target that is asked for; its namespace is empty where only the token can tell it.

    Raises a RequestError.
    """
    for option in options.keys() - Options.__annotations__.keys():
        raise SettingInvalid(
            f"There is no option {option!r}.", f"Use one of {', '.join(Options.__annotations__)}."
        )
    namespace, name = parse_repo_id(repo)
    title, description = _read_message(options.get("message"))
    sdk, visibility, gated = options.get("sdk"), options.get("visibility"), options.get("gated")
    volumes, secrets = options.get("volumes"), options.get("secrets", {})
    check_secrets(secrets)
    target = Target(
        RepoRef(_choose(RepoType, options.get("repo_type", RepoType.SPACE), "type"), namespace or "", name),
        title,
        description,
        None if sdk is None else _choose(Sdk, sdk, "sdk"),
        None if visibility is None else _choose(Visibility, visibility, "visibility"),
        options.get("mirror", False),
        options.get("allow_partial", False),
        None if gated is None else _choose(Gated, gated, "gated"),
        options.get("hardware"),
        options.get("sleep_seconds"),
        None if volumes is None else tuple(parse_volume(volume) for volume in volumes),
        tuple(Variable(name, value) for name, value in options.get("variables", {}).items()),
        tuple(secrets),
        parse_max_delete(options.get("max_delete")),
        check_globs("--keep", options.get("keep", ())),
        options.get("marker"),
        removed_variables=tuple(options.get("remove_variables", ())),
        removed_secrets=tuple(options.get("remove_secrets", ())),
    )
    check_settings(target)
    return target


def read_source(path: str, options: Options) -> Source:
    """The source that is asked for. Raises a SourceError or a RequestError."""
    if not path:
        # Path("") is the working directory, which nobody means by an unset variable.
        raise SourceMissing("The source is empty text.")
    return Source(
        path,
        options.get("rev"),
        check_globs("--include", options.get("include", ())),
        check_globs("--exclude", options.get("exclude", ())),
        check_globs("--allow-secrets", options.get("allow_secrets", ())),
        tuple(options.get("tags", ())),
        *_read_card(options.get("card")),
        Sdk(sdk) if options.get("tags") and (sdk := options.get("sdk")) else None,
    )


def _read_card(card: str | Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """The file that holds a card, or its own text."""
    if card is None or isinstance(card, str):
        return card, None
    # Imported here: most of what uses this library never writes a card.
    import yaml

    return None, yaml.safe_dump(dict(card), allow_unicode=True, sort_keys=False)


def check_secrets(secrets: Mapping[str, str]) -> None:
    """Mask the values wherever text leaves the process. Raises SettingInvalid for one without a value."""
    for name, value in secrets.items():
        if not value:
            raise SettingInvalid(f"The secret {name} is empty.", f"Set {name} in the environment.")
        # Shorter ones are no secrets, and masking them would leave no text readable.
        if len(value) >= _SHORTEST_MASKED:
            remember_secret(value)


def _read_message(message: str | None) -> tuple[str, str]:
    """Title and description of the commit. A token in it would be there for every reader to see: masked."""
    if message is None:
        return DEFAULT_TITLE, ""
    title, _, description = redact(message).strip().partition("\n")
    if not title:
        raise SettingInvalid("The commit message is empty.", "Say in a few words what is deployed.")
    return title.strip(), description.strip()


def _choose(choices: type[Choice], value: str, what: str) -> Choice:
    try:
        return choices(value)
    except ValueError:
        raise SettingInvalid(f"There is no {what} {value!r}.", f"Use one of {', '.join(choices)}.") from None
