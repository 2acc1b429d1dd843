"""Running Spaces: each as a child process or a folder of pages, behind a gateway port of its own.

`Spaces` is the front door; `SpaceSource` is what it asks of the store.
"""

from hfdeploy_localhub.spaces.logs import Line, Log
from hfdeploy_localhub.spaces.source import SpaceSettings, SpaceSource
from hfdeploy_localhub.spaces.stages import Runtime, Stage
from hfdeploy_localhub.spaces.supervisor import Spaces

__all__ = ["Line", "Log", "Runtime", "SpaceSettings", "SpaceSource", "Spaces", "Stage"]
