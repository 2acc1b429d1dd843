"""What the stage of a Space means for a request to it. Pure."""

from hfdeploy_proxy.rules.errors import (
    SpaceAsleep,
    SpaceBroken,
    SpaceBuilding,
    SpacePaused,
    SpaceStarting,
    SpaceUnavailable,
)

# Statuses that the Hub's edge answers in place of a Space; an application may answer them, too.
DOUBTFUL = frozenset((502, 503, 504))

_REASONS: dict[str, type[SpaceUnavailable]] = {
    "SLEEPING": SpaceAsleep,
    "BUILDING": SpaceBuilding,
    "APP_STARTING": SpaceStarting,
    "PAUSED": SpacePaused,
    "STOPPED": SpacePaused,
    "NO_APP_FILE": SpaceBroken,
    "CONFIG_ERROR": SpaceBroken,
    "BUILD_ERROR": SpaceBroken,
    "RUNTIME_ERROR": SpaceBroken,
    "DELETING": SpaceBroken,
}


def decide_reason(stage: str | None) -> type[SpaceUnavailable] | None:
    """Why a Space in this stage does not answer; None if it does, or if nobody knows."""
    return _REASONS.get(stage or "")
