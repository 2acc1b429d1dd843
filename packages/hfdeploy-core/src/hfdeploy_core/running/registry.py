"""Which kinds of steps and connectors there are: ours, and those of plugins, loaded when they are wanted."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from hfdeploy_core.errors import PluginInvalid
from hfdeploy_core.manifest.references import Kind
from hfdeploy_core.manifest.steps import ArchiveFile, HttpFile, NotifyFile, PythonFile, RunFile
from hfdeploy_core.manifest.suggesting import suggest
from hfdeploy_core.redact import redact
from hfdeploy_core.running.steps.archive import archive
from hfdeploy_core.running.steps.context import Connector, ConnectorContext, StepContext, StepKind
from hfdeploy_core.running.steps.http import ask_url
from hfdeploy_core.running.steps.notify import notify
from hfdeploy_core.running.steps.python import call_function
from hfdeploy_core.running.steps.run import run_program

API_VERSION = 1
GROUP = "hfdeploy.plugins"

_OURS = (
    StepKind("archive", ArchiveFile, archive),
    StepKind("http", HttpFile, ask_url),
    StepKind("notify", NotifyFile, notify),
    StepKind("python", PythonFile, call_function),
    StepKind("run", RunFile, run_program),
)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that is installed: what it registers, or why it cannot be used."""

    name: str
    distribution: str
    version: str
    steps: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    fault: str | None = None


class Registry:
    """All kinds that are known so far. Who registers one outside of a plugin's turn is refused."""

    def __init__(self, find_entries: Callable[[], list[EntryPoint]]) -> None:
        self.steps = {kind.name: kind for kind in _OURS}
        self.connectors: dict[str, Connector] = {}
        self._find_entries = find_entries
        self._loaded: dict[str, str | None] = {}
        self._turn: str | None = None

    def name(self, name: str, api_version: int) -> str:
        """What a manifest calls something that the plugin whose turn it is registers."""
        if self._turn is None:
            raise PluginInvalid(
                "Steps and connectors are registered by plugins only.", f"Add a {GROUP} entry."
            )
        if api_version != API_VERSION:
            told = f"{self._turn} is made for version {api_version} of the API, and this is {API_VERSION}."
            raise PluginInvalid(told, "Install a version of the plugin that fits.")
        return f"{self._turn}.{name}"

    def load(self, plugin: str) -> str | None:
        """Have a plugin register what it has, once: why that failed, if it did."""
        if plugin not in self._loaded:
            entries = {entry.name: entry for entry in self._find_entries()}
            if plugin not in entries:
                raise PluginInvalid(f"There is no plugin {plugin!r}{suggest(plugin, entries)}", "Install it.")
            self._turn = plugin
            try:
                entries[plugin].load()()
                self._loaded[plugin] = None
            except Exception as error:  # what strangers write may fail in any way
                self._loaded[plugin] = redact(f"{type(error).__name__}: {error}")
            finally:
                self._turn = None
        return self._loaded[plugin]

    def find(self, known: dict[str, Any], name: str, what: str) -> Any:
        """One of ours, or of a plugin that is loaded for it. Raises PluginInvalid."""
        plugin, dot, _ = name.partition(".")
        if dot and (fault := self.load(plugin)) is not None:
            raise PluginInvalid(f"The plugin {plugin!r} cannot be used: {fault.rstrip('.')}.")
        if name not in known:
            raise PluginInvalid(f"There is no {what} {name!r}{suggest(name, known)}")
        return known[name]

    def list_plugins(self) -> tuple[Plugin, ...]:
        """Every plugin that is installed, by name."""
        return tuple(self._describe(entry) for entry in sorted(self._find_entries(), key=lambda e: e.name))

    def _describe(self, entry: EntryPoint) -> Plugin:
        fault = self.load(entry.name)
        distribution = entry.dist.name if entry.dist else ""
        version = entry.dist.version if entry.dist else ""
        steps, connectors = (
            tuple(sorted(name for name in known if name.startswith(f"{entry.name}.")))
            for known in (self.steps, self.connectors)
        )
        return Plugin(entry.name, distribution, version, steps, connectors, fault)


REGISTRY = Registry(lambda: list(entry_points(group=GROUP)))


def register_step(
    name: str, *, model: type[BaseModel], run: Callable[[Any, StepContext], None], api_version: int
) -> None:
    """Make `type: PLUGIN.NAME` a step: `model` is what its `arguments` are, `run` does it."""
    full = REGISTRY.name(name, api_version)
    REGISTRY.steps[full] = StepKind(full, model, run)


def register_connector(name: str, *, find: Callable[[str, ConnectorContext], str], api_version: int) -> None:
    """Make `${PLUGIN.NAME:WORDS}` a reference: `find` returns its value, which is masked everywhere."""
    full = REGISTRY.name(name, api_version)
    REGISTRY.connectors[full] = Connector(full, find)


def list_steps() -> tuple[str, ...]:
    """Every kind of step there is, those of plugins included."""
    REGISTRY.list_plugins()
    return tuple(sorted(REGISTRY.steps))


def list_connectors() -> tuple[str, ...]:
    """Everything that a reference can begin with, that of plugins included."""
    REGISTRY.list_plugins()
    return tuple(sorted([*(kind for kind in Kind if kind is not Kind.PLUGIN), *REGISTRY.connectors]))


def list_plugins() -> tuple[Plugin, ...]:
    """Every plugin that is installed."""
    return REGISTRY.list_plugins()


def find_step(name: str) -> StepKind:
    """The kind of step of that name. Raises PluginInvalid where there is none."""
    kind: StepKind = REGISTRY.find(REGISTRY.steps, name, "step")
    return kind


def find_connector(name: str) -> Connector:
    """The connector of that name. Raises PluginInvalid where there is none."""
    connector: Connector = REGISTRY.find(REGISTRY.connectors, name, "connector")
    return connector


def check_allowed(name: str, allowed: Container[str] | None) -> None:
    """Raise PluginInvalid for a name of a plugin's that the manifest does not allow."""
    plugin, dot, _ = name.partition(".")
    if dot and allowed is not None and plugin not in allowed:
        raise PluginInvalid(f"The plugin {plugin!r} is not allowed here.", "Add it to `allow_plugins`.")
