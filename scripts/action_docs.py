"""Writes the tables of the action's README, from action.yml and the lock: ``python scripts/action_docs.py``.

A test checks that they are what this would write.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "packages/hfdeploy-action/README.md"
_LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==([^ \\]+)", re.MULTILINE)


def write_inputs(action: dict[str, Any]) -> str:
    """A row for each input."""
    rows = ["| input | default | meaning |", "| --- | --- | --- |"]
    for name, declared in action["inputs"].items():
        default = declared.get("default")
        shown = "required" if declared.get("required") else f"`{default}`" if default else ""
        rows.append(f"| `{name}` | {shown} | {declared['description']} |")
    return "\n".join(rows)


def write_outputs(action: dict[str, Any]) -> str:
    """A row for each output."""
    rows = ["| output | meaning |", "| --- | --- |"]
    return "\n".join(
        [*rows, *(f"| `{name}` | {told['description']} |" for name, told in action["outputs"].items())]
    )


def write_dependencies(root: Path) -> str:
    """What runs in a job: which versions are locked, and which distribution of ours asks for them."""
    askers: dict[str, list[str]] = {}
    for member in ("hfdeploy-core", "hfdeploy-proxy"):
        project = tomllib.loads((root / "packages" / member / "pyproject.toml").read_text())["project"]
        for wanted in project["dependencies"]:
            name = re.split(r"[<>=!~\[; ]", wanted)[0].lower().replace("_", "-")
            askers.setdefault(name, []).append(member)
    rows = ["| package | version | asked for by | when |", "| --- | --- | --- | --- |"]
    for file, when in (("requirements.lock", "always"), ("seldom.lock", "`manifest`, `create_proxy`")):
        lock = (root / "packages/hfdeploy-action" / file).read_text()
        for name, version in _LOCKED.findall(lock):
            rows.append(
                f"| {name} | {version} | {', '.join(askers.get(name, ['another package']))} | {when} |"
            )
    return "\n".join(rows)


def render(text: str, root: Path) -> str:
    """The README with its tables as they should be, each between its two marks."""
    action = yaml.safe_load((root / "action.yml").read_text())
    tables = {
        "inputs": write_inputs(action),
        "outputs": write_outputs(action),
        "dependencies": write_dependencies(root),
    }
    for name, table in tables.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text = marks.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)  # type: ignore[misc]
    return text


def main() -> int:
    README.write_text(render(README.read_text(), ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
