"""The README says what is: its examples run, its files are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hfdeploy_localhub import LocalHub

from .conftest import ROOT, Command

README = (ROOT / "README.md").read_text()
EXAMPLES = {
    page: re.findall(r"```python\n(.*?def test_.*?)```", (ROOT / page).read_text(), re.DOTALL)
    for page in ("README.md", "packages/hfdeploy-localhub/README.md")
}


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_test_examples_pass(page: str, tmp_path: Path) -> None:
    assert EXAMPLES[page]
    for number, example in enumerate(EXAMPLES[page]):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        tmp_path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert f"{len(EXAMPLES[page])} passed" in done.stdout


def test_the_deploy_example_works(run: Command, hub: LocalHub, tmp_path: Path) -> None:
    # The one with a relay is that of test_relaying.py.
    line, _ = re.findall(r"^hfdeploy deploy (.*)$", README, re.MULTILINE)
    (tmp_path / "app").mkdir()
    (tmp_path / "app/README.md").write_text("---\nsdk: docker\n---\n")
    (tmp_path / "app/Dockerfile").write_text(
        'FROM python:3.11\nCMD ["python", "-m", "http.server", "7860"]\n'
    )
    arguments = line.replace("./app", str(tmp_path / "app")).replace("me/app", "alice/app").split()
    assert run("hfdeploy", "deploy", *arguments).returncode == 0


def test_the_two_commands_are_targets_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_map_and_the_links_lead_somewhere() -> None:
    tree = README.split("```text")[-1].split("```")[0]
    for line in tree.strip().splitlines():
        for name in line.split("   ")[0].split(", "):
            assert (ROOT / name.strip()).exists(), name
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md"), ROOT / "AGENTS.md"):
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_distribution_is_on_the_map() -> None:
    for member in ROOT.glob("packages/*/pyproject.toml"):
        assert f"packages/{member.parent.name} " in README
        assert member.parent.name in (ROOT / "docs/architecture.md").read_text()
