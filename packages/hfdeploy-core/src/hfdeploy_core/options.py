"""What a deploy can be asked for, and how it becomes a Target: the same for `plan` and `deploy`."""

from enum import StrEnum
from typing import TypedDict, TypeVar

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.model import RepoRef, RepoType, Sdk, Target, Visibility
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.planning.settings import check_settings
from hfdeploy_core.redact import redact

DEFAULT_TITLE = "Deploy with hfdeploy"

Choice = TypeVar("Choice", bound=StrEnum)


class Options(TypedDict, total=False):
    """What is not asked for stays as it is: `visibility` of an existing repo, and every file that the source
    lacks but with `mirror`. `message` is the commit's title and, after its first line, its description.
    """

    repo_type: RepoType | str
    sdk: Sdk | str | None
    visibility: Visibility | str | None
    message: str | None
    mirror: bool


def read_target(repo: str, options: Options) -> Target:
    """The target that is asked for; its namespace is empty where only the token can tell it.

    Raises a RequestError.
    """
    namespace, name = parse_repo_id(repo)
    title, description = _read_message(options.get("message"))
    sdk, visibility = options.get("sdk"), options.get("visibility")
    target = Target(
        RepoRef(_choose(RepoType, options.get("repo_type", RepoType.SPACE), "type"), namespace or "", name),
        title,
        description,
        None if sdk is None else _choose(Sdk, sdk, "sdk"),
        None if visibility is None else _choose(Visibility, visibility, "visibility"),
        options.get("mirror", False),
    )
    check_settings(target)
    return target


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
