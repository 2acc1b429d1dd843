"""A relay in front of a private Hugging Face Space."""

from typing import TYPE_CHECKING, Any

from hfdeploy_proxy.application import Application, create_app
from hfdeploy_proxy.settings import Settings, SettingsInvalid

if TYPE_CHECKING:
    app: Application

__all__ = ["Application", "Settings", "SettingsInvalid", "create_app"]


def __getattr__(name: str) -> Any:
    """``app`` is made when a server asks for it: it needs settings, and importing the package does not."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
