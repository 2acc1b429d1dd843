"""Running Spaces: each as a child process or a folder of pages, behind a gateway port of its own.

`Spaces` is the front door; `SpaceSource` is what it asks of the store.
"""

from .logs import Line, Log
from .source import SpaceSettings, SpaceSource
from .stages import Runtime, Stage
from .supervisor import Spaces

__all__ = ["Line", "Log", "Runtime", "SpaceSettings", "SpaceSource", "Spaces", "Stage"]
