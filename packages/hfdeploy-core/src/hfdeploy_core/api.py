"""The surface for authors of plugins: what is named here is kept stable, and nothing else is.

A plugin is a distribution with an entry point in the group `hfdeploy.plugins`. Its name is the plugin's; it
leads to a function without arguments, which registers steps and connectors. In a manifest they are
`type: PLUGIN.STEP` and `${PLUGIN.CONNECTOR:WORDS}`.

    def register() -> None:
        register_step("shout", model=Shout, run=shout, api_version=1)
        register_connector("vault", find=ask_vault, api_version=1)
"""

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.running.registry import (
    API_VERSION,
    list_connectors,
    list_steps,
    register_connector,
    register_step,
)
from hfdeploy_core.running.steps.context import Connector, ConnectorContext, StepContext, StepKind

__all__ = [
    "API_VERSION",
    "Connector",
    "ConnectorContext",
    "StepContext",
    "StepFailed",
    "StepKind",
    "list_connectors",
    "list_steps",
    "register_connector",
    "register_step",
]
