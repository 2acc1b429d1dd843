"""Finds the manifest of a folder, without reading more of it than has to be."""

from os import PathLike
from pathlib import Path

from hfdeploy_core.manifest.reading_toml import has_table

FILE = "hfdeploy.yaml"
PYPROJECT = "pyproject.toml"


def find_manifest(folder: str | PathLike[str] = ".") -> Path | None:
    """hfdeploy.yaml, or a pyproject.toml that holds `[tool.hfdeploy]`; None where there is neither."""
    root = Path(folder)
    if (root / FILE).exists():
        return root / FILE
    try:
        is_held = has_table((root / PYPROJECT).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return root / PYPROJECT if is_held else None
