"""What a manifest may say: pydantic models, from which its JSON Schema is made."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hfdeploy_core.manifest.steps import StepsFile, Text
from hfdeploy_core.planning.gate import Gate
from hfdeploy_core.planning.previews import MOST_PREVIEWS

NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_-]*$"
VERSION = 1

Name = Annotated[str, Field(pattern=NAME_PATTERN)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class GateFile(_Strict):
    """Go on only when the Space runs the very commit that was made."""

    wait_seconds: Annotated[float, Field(gt=0, strict=False)] = Gate().wait_seconds
    """How long to wait for it."""
    probes: list[Text] = []
    """What to ask the app then: PATH, PATH=STATUS, 'PATH text=WORDS', 'PATH json={...}' or ws:PATH."""
    rollback_on_failure: bool = False
    """Put back what was there before if it does not come to that."""


class PreviewsFile(_Strict):
    """Short-lived Spaces beside it: those that `hfdeploy apply --preview ID` makes."""

    ttl: Annotated[str, Field(pattern=r"^[0-9]+[smhdw]$")] = "3d"
    """How long the janitor leaves one that is not deployed again, at least."""
    most: Annotated[int, Field(ge=1)] = MOST_PREVIEWS
    """How many there may be."""


def _read_asked(value: Any) -> Any:
    return ({} if value else None) if isinstance(value, bool) else value


_Gate = Annotated[
    GateFile | None, BeforeValidator(_read_asked, json_schema_input_type=GateFile | bool | None)
]
_Previews = Annotated[
    PreviewsFile | None, BeforeValidator(_read_asked, json_schema_input_type=PreviewsFile | bool | None)
]


def _read_number(value: Any) -> Any:
    return str(value) if type(value) is int else value


class SettingsFile(_Strict):
    """What every repo can be asked for; what is not asked for stays as it is."""

    visibility: Literal["public", "private", "protected"] | None = None
    """Who sees it; protected is for Spaces only."""
    gated: Literal["none", "auto", "manual"] | None = None
    """Whether readers must ask, and who answers: the Hub or you."""
    message: Text | None = None
    """The commit's message."""
    mirror: bool = False
    """Delete remote files that the source lacks."""
    max_delete: Annotated[
        str | None, BeforeValidator(_read_number, json_schema_input_type=int | str | None)
    ] = None
    """How many of them: a number or a percentage."""
    keep: list[Text] = []
    """Remote files that are not deleted, as patterns."""
    include: list[Text] = []
    """What is deployed even if .gitignore or .hfignore names it, as patterns."""
    exclude: list[Text] = []
    """What is not deployed, whatever else says so, as patterns."""
    allow_secrets: list[Text] = []
    """Files that are deployed although they look as if they held secrets, as patterns."""
    rev: Text | None = None
    """A git revision, which is deployed in place of the source's files."""
    card: Text | dict[str, Any] | None = None
    """What is laid over the front matter of README.md, or a YAML file that says it."""
    allow_partial: bool = False
    """Make several commits where the Hub does not take all in one."""


class SpaceSettingsFile(SettingsFile):
    """What a Space can be asked for."""

    sdk: Literal["gradio", "streamlit", "docker", "static"] | None = None
    """What runs it; else what README.md says."""
    hardware: Text | None = None
    """What it runs on."""
    sleep_seconds: int | None = None
    """When it sleeps if idle; -1: never."""
    volumes: list[Text] | None = None
    """What is mounted, hf://[TYPE/]SOURCE:/PATH[:ro] each; these are all that is mounted then."""
    variables: dict[str, str] = {}
    """Variables of its environment, for everybody to see."""
    secrets: dict[str, Text] = {}
    """Secrets of its environment: references such as ${env:NAME}, never the values themselves."""
    remove_variables: list[Text] = []
    """Variables that it shall not have any more."""
    remove_secrets: list[Text] = []
    """Secrets that it shall not have any more."""
    gate: _Gate = None
    previews: _Previews = None


class FlowFile(_Strict):
    """When a target has its turn, and what is done before and after."""

    when: Text | None = None
    """A condition in CEL over branch, profile, target, previous and changed: else it is planned only."""
    skip: bool = False
    """Plan it only."""
    steps: StepsFile = StepsFile()


class DefaultsFile(SpaceSettingsFile):
    """What holds for every target that does not say otherwise and can be asked for it."""


class OverlayFile(FlowFile, SpaceSettingsFile):
    """What is another for a target."""

    type: Literal["model", "dataset", "space", "relay"] | None = None
    upstream: Name | None = None
    suffix: Text | None = None
    token_env: Text | None = None
    target_url: Text | None = None
    allow_origins: Text | None = None
    strict: bool = False
    repo: Text | None = None
    source: Text | None = None
    depends_on: list[str] | None = None


class _TargetFile(FlowFile):
    repo: Text
    """NAMESPACE/NAME, or NAME for your own namespace."""
    source: Text
    """The folder to deploy, as seen from the manifest."""
    depends_on: list[str] = []
    """Targets that come first."""


class ModelFile(_TargetFile, SettingsFile):
    """A model repo."""

    type: Literal["model"]


class DatasetFile(_TargetFile, SettingsFile):
    """A dataset repo."""

    type: Literal["dataset"]


class SpaceFile(_TargetFile, SpaceSettingsFile):
    """A Space."""

    type: Literal["space"]


class RelayFile(_Strict):
    """The public relay in front of a private Space: planned and applied together with it."""

    type: Literal["relay"]
    upstream: Name
    """The target that it stands in front of."""
    suffix: Text | None = None
    """What its name has more than the Space's; -proxy by default."""
    token_env: Text | None = None
    """The environment variable with its token, which needs to read the Space only."""
    target_url: Text | None = None
    """Where it finds the Space, if not where the Hub says."""
    allow_origins: Text | None = None
    """Whose pages may call it: https://a.com,https://*.b.com, or *."""
    strict: bool = False
    """Refuse a token that may write."""


RepoFile = ModelFile | DatasetFile | SpaceFile
TargetFile = RepoFile | RelayFile


class StateFile(_Strict):
    """Where runs write down what they have applied, for a team to share; beside the manifest without it."""

    repo: Text
    """A private dataset; it is made if it is missing."""
    name: Name = "state"
    """What to call it there: another for each manifest that keeps its state in that dataset."""


class ProfileFile(_Strict):
    """What is another in this profile: mappings are merged, everything else is replaced."""

    env_files: list[Text] | None = None
    state: StateFile | None = None
    allow_plugins: list[Text] | None = None
    steps: StepsFile = StepsFile()
    defaults: DefaultsFile = DefaultsFile()
    targets: dict[Name, OverlayFile] = {}


class ManifestFile(_Strict):
    """Several repos on the Hub, deployed in one run."""

    model_config = ConfigDict(title="hfdeploy.yaml")

    version: Literal[1]
    """The version of this format."""
    env_files: list[Text] = []
    """Files of NAME=VALUE lines, for ${env:NAME}; the environment itself wins, then the last file."""
    allow_commands: bool = False
    """Whether ${cmd:WORDS} may run commands."""
    allow_plugins: list[Text] | None = None
    """The plugins whose steps and connectors may be used; all that are installed without it."""
    steps: StepsFile = StepsFile()
    """What is done before and after all targets."""
    state: StateFile | None = None
    defaults: DefaultsFile = DefaultsFile()
    targets: dict[Name, Annotated[TargetFile, Field(discriminator="type")]]
    profiles: dict[Name, ProfileFile] = {}


TARGET_KINDS: dict[str, type[TargetFile]] = {
    "model": ModelFile,
    "dataset": DatasetFile,
    "space": SpaceFile,
    "relay": RelayFile,
}
