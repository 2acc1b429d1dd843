"""A first manifest: from what is in a folder, and from repos that are there already."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from hfdeploy_core.model import Gated, HeldSecret, RepoInfo, RepoType, Variable, Volume

_WEIGHTS = (".safetensors", ".gguf", ".bin", ".onnx", ".pt", ".pth", ".ckpt", ".h5", ".keras")
_TABLES = (".csv", ".parquet", ".jsonl", ".arrow", ".tsv")
_APPS = frozenset({"Dockerfile", "app.py", "index.html"})
_MODEL_WORDS = frozenset({"pipeline_tag", "library_name", "base_model"})
_DATASET_WORDS = frozenset({"task_categories", "size_categories", "dataset_info", "configs"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A target that is to be written down."""

    name: str
    type: RepoType
    repo: str
    source: str
    settings: Mapping[str, Any]


def decide_type(names: Container[str], suffixes: Container[str], card: Container[str]) -> RepoType | None:
    """What a folder seems to hold: from its files' names, and the words in its README.md's front matter."""
    if "sdk" in card:
        return RepoType.SPACE
    for kind, words in ((RepoType.MODEL, _MODEL_WORDS), (RepoType.DATASET, _DATASET_WORDS)):
        if any(word in card for word in words):
            return kind
    if any(name in names for name in _APPS):
        return RepoType.SPACE
    if any(suffix in suffixes for suffix in _WEIGHTS):
        return RepoType.MODEL
    return RepoType.DATASET if any(suffix in suffixes for suffix in _TABLES) else None


def decide_sdk(names: Container[str], code: str, card: Container[str]) -> str | None:
    """What seems to run an app: from its files' names and its app.py; None where README.md says it."""
    if "sdk" in card:
        return None
    if "Dockerfile" in names:
        return "docker"
    if "app.py" in names:
        return "streamlit" if re.search(r"^\s*(?:import|from) streamlit\b", code, re.MULTILINE) else "gradio"
    return "static" if "index.html" in names else None


def draft_existing(
    info: RepoInfo, source: str, variables: Iterable[Variable], secrets: Iterable[HeldSecret]
) -> Draft:
    """A target that leaves a repo as it is: its settings are written down, of secrets only the names."""
    settings: dict[str, Any] = {"visibility": info.visibility.value}
    if info.gated is not Gated.NONE:
        settings["gated"] = info.gated.value
    if info.repo.type is RepoType.SPACE:
        settings |= {
            "sdk": info.sdk and str(info.sdk),
            "hardware": info.hardware,
            "sleep_seconds": info.sleep_seconds,
        }
        settings["volumes"] = [_write_volume(volume) for volume in info.volumes] or None
        settings["variables"] = {held.name: held.value.replace("${", "$${") for held in variables} or None
        settings["secrets"] = {held.name: f"${{env:{held.name}}}" for held in secrets} or None
    told = {key: value for key, value in settings.items() if value is not None}
    return Draft(info.repo.name, info.repo.type, info.repo.id, source, told)


def write_manifest(drafts: Iterable[Draft]) -> str:
    """The manifest of these targets; names that come twice are told apart by their type."""
    targets: dict[str, Any] = {}
    for draft in drafts:
        name = draft.name if draft.name not in targets else f"{draft.name}-{draft.type}"
        facts = {"type": draft.type.value, "repo": draft.repo, "source": draft.source}
        targets[name] = {**facts, **draft.settings}
    text: str = yaml.safe_dump(
        {"version": 1, "targets": targets}, sort_keys=False, allow_unicode=True, width=100
    )
    return text


def _write_volume(volume: Volume) -> str:
    revision = f"@{volume.revision}" if volume.revision else ""
    path = f"/{volume.path}" if volume.path else ""
    mode = ":ro" if volume.read_only else ""
    return f"hf://{volume.type}s/{volume.source}{revision}{path}:{volume.mount_path}{mode}"
