"""`hfdeploy plugins list`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer

if TYPE_CHECKING:
    from hfdeploy_core.running.registry import Plugin


@dataclass(frozen=True, slots=True)
class _Listed:
    plugins: "tuple[Plugin, ...]"


@click.group(no_args_is_help=True)
def plugins() -> None:
    """What adds steps and connectors to hfdeploy.yaml."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def list_(as_json: bool, debug: bool) -> None:
    """Show the plugins that are installed, and what they add."""
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        from hfdeploy_core.running.registry import list_plugins

        found = list_plugins()
        told = "\n".join(map(_say, found)) or "No plugin is installed."
        renderer.show_answer("plugins", _Listed(found), told)


def _say(plugin: "Plugin") -> str:
    lines = [f"{plugin.name} ({plugin.distribution} {plugin.version})"]
    lines += [f"  step       {name}" for name in plugin.steps]
    lines += [f"  connector  {name}" for name in plugin.connectors]
    lines += [f"  cannot be used: {plugin.fault}"] if plugin.fault else []
    return "\n".join(lines)
