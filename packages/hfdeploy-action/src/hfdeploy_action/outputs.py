"""What the runner reads back: outputs and the summary, appended to the files that it names."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from hfdeploy_core import Outcome, RepoType, redact

_MOST_SUMMARY_BYTES = 1_000_000


def list_outputs(
    outcome: Outcome | None,
    *,
    plan: str = "",
    changed: bool = False,
    logs: str = "",
    skipped: bool = False,
    targets: Mapping[str, Outcome] = MappingProxyType({}),
) -> dict[str, str]:
    """Every output of the action, empty where there is nothing to tell.

    `targets` are those of a manifest: told as JSON, for `fromJSON`.
    """
    told = outcome or Outcome("", RepoType.SPACE, "", "")
    return {
        "repo_id": told.repo_id,
        "repo_url": told.repo_url,
        "space_url": told.space_url or "",
        "proxy_enabled": _say_flag(told.proxy_enabled),
        "proxy_repo_id": told.proxy_repo_id or "",
        "proxy_url": told.proxy_url or "",
        "commit": told.commit,
        "plan": plan,
        "changed": _say_flag(told.changed or changed),
        "logs": logs,
        "skipped": _say_flag(skipped),
        "targets": json.dumps({name: _describe(told) for name, told in targets.items()}) if targets else "",
    }


def write_outputs(outputs: Mapping[str, str], file: Path) -> None:
    """Append them to GITHUB_OUTPUT; a delimiter that nobody can guess keeps one value one."""
    with file.open("a", encoding="utf-8", newline="\n") as stream:
        for name, value in outputs.items():
            delimiter = f"hfdeploy-{secrets.token_hex(16)}"
            stream.write(f"{name}<<{delimiter}\n{redact(value)}\n{delimiter}\n")


def write_summary(text: str, file: Path) -> None:
    """Append it to GITHUB_STEP_SUMMARY, which takes no more than a megabyte."""
    content = redact(text).encode(errors="replace")[:_MOST_SUMMARY_BYTES].decode(errors="ignore")
    with file.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(content)


def _describe(outcome: Outcome) -> dict[str, str | bool]:
    """What one target came to, by the names of the outputs."""
    return {
        "repo_id": outcome.repo_id,
        "repo_url": outcome.repo_url,
        "space_url": outcome.space_url or "",
        "proxy_repo_id": outcome.proxy_repo_id,
        "proxy_url": outcome.proxy_url,
        "commit": outcome.commit,
        "changed": outcome.changed,
    }


def _say_flag(is_set: bool) -> str:
    return "true" if is_set else "false"
