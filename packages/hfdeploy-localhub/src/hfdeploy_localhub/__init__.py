"""The Hugging Face Hub on this machine: API, git objects, xet, LFS and running Spaces, offline."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfdeploy_localhub.seed import Organisation, Reach, Token, TrustedPublisher, User
    from hfdeploy_localhub.serving import LocalHub

__all__ = ["LocalHub", "Organisation", "Reach", "Token", "TrustedPublisher", "User"]


def __getattr__(name: str) -> Any:
    """Imported when asked for: pytest opens this package, for its plugin, in runs that need no hub."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "serving" if name == "LocalHub" else "seed"
    return getattr(import_module(f"{__name__}.{module}"), name)
