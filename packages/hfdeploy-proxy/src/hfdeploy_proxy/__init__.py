"""A relay in front of a private Hugging Face Space."""

from typing import TYPE_CHECKING, Any

from hfdeploy_proxy.settings import Settings, SettingsInvalid

if TYPE_CHECKING:
    from hfdeploy_proxy.application import Application, create_app

    app: Application

__all__ = ["Application", "Settings", "SettingsInvalid", "create_app"]


def __getattr__(name: str) -> Any:
    """What serves is imported when it is asked for: whoever deploys the relay's Space needs no framework.

    ``app`` is made when a server asks for it: it needs settings, and importing the package does not.
    """
    if name in ("Application", "create_app", "app"):
        from hfdeploy_proxy import application

        return application.create_app() if name == "app" else getattr(application, name)
    raise AttributeError(name)
