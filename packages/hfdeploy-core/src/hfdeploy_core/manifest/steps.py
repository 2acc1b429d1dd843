"""What a manifest may say of steps: what is done before or after a target, or all of them."""

import shlex
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

PLUGIN_STEP_PATTERN = r"^[A-Za-z][\w-]*\.[A-Za-z][\w-]*$"

Text = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, strict=False)]


class StepFile(BaseModel):
    """What every step has."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    name: Text | None = None
    """What to call it."""
    when: Text | None = None
    """A condition in CEL over branch, profile, target, result, previous and changed.

    Without it: if all before went well.
    """
    skip: bool = False
    """Leave it out."""


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ValueError(f"{str(error).lower()}.") from None


class RunFile(StepFile):
    """Run a program, which no shell reads."""

    type: Literal["run"]
    command: Annotated[
        list[str], Field(min_length=1), BeforeValidator(_split, json_schema_input_type=list[str] | str)
    ]
    """The program and its arguments; one text is split at blanks, quotes respected."""
    folder: Text = "."
    """Where it runs, as seen from the manifest."""
    environment: list[Text] = []
    """Variables that it gets, besides PATH, HOME and the like."""
    timeout_seconds: Seconds = 600


class HttpFile(StepFile):
    """Ask a URL, and fail unless it answers well."""

    type: Literal["http"]
    url: Text
    status: int = 200
    """What it has to answer."""
    text: Text | None = None
    """What its answer has to hold."""
    tries: Annotated[int, Field(ge=1)] = 5
    """How often it is asked until it does: a second apart at first, then more, eight at most."""
    timeout_seconds: Seconds = 15


class NotifyFile(StepFile):
    """Tell people, by apprise."""

    type: Literal["notify"]
    url: Text
    """An address as apprise writes it: a reference, since it holds secrets."""
    text: Text
    title: str = ""


class ArchiveFile(StepFile):
    """Pack a folder into one file."""

    type: Literal["archive"]
    source: Text
    to: Annotated[str, Field(pattern=r"\.(zip|tar|tar\.gz)$")]
    """The file: .zip, .tar or .tar.gz."""


class PythonFile(StepFile):
    """Call a function of Python's: it gets the step's context and these arguments."""

    type: Literal["python"]
    function: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    """MODULE:NAME, of what is installed or beside the manifest."""
    arguments: dict[Text, str] = {}


class PluginFile(StepFile):
    """A step of a plugin's."""

    type: Annotated[str, Field(pattern=PLUGIN_STEP_PATTERN)]
    """PLUGIN.STEP, as `hfdeploy plugins list` shows them."""
    arguments: dict[Text, Any] = {}
    """What the step asks for."""


STEP_KINDS: dict[str, type[StepFile]] = {
    "archive": ArchiveFile,
    "http": HttpFile,
    "notify": NotifyFile,
    "python": PythonFile,
    "run": RunFile,
}


def _tell_kind(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    if not isinstance(kind, str):
        return None
    return "plugin" if "." in kind else kind


AnyStep = Annotated[
    Annotated[ArchiveFile, Tag("archive")]
    | Annotated[HttpFile, Tag("http")]
    | Annotated[NotifyFile, Tag("notify")]
    | Annotated[PythonFile, Tag("python")]
    | Annotated[RunFile, Tag("run")]
    | Annotated[PluginFile, Tag("plugin")],
    Discriminator(_tell_kind),
]


class StepsFile(BaseModel):
    """What is done before and after."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    before: list[AnyStep] = []
    after: list[AnyStep] = []
