"""Where a deploy ran, for whoever reads its journal later. No names, no tokens."""

import os
from collections.abc import Mapping

from hfdeploy_core.source.git import clean_url, find_run

_DISTRIBUTIONS = ("hfdeploy-core", "huggingface_hub", "hf-xet")


def describe_surroundings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What may explain later why something went as it did."""
    # Imported here, and below: a deploy that changes nothing tells nothing of the kind.
    import platform

    told = {name: _find_version(name) for name in _DISTRIBUTIONS}
    told |= {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    told |= {"hub": clean_url(environment.get("HF_ENDPOINT", "")), "run": find_run(environment)}
    return {name: value for name, value in told.items() if value}


def _find_version(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
