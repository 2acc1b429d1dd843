from pathlib import Path

import pytest

from hfdeploy_localhub.spaces.installs import (
    Install,
    Skipped,
    digest,
    is_local_text,
    read_command,
    read_requirements,
    split_commands,
)


@pytest.mark.parametrize(
    ("command", "arguments", "files"),
    [
        ("pip install flask", ("flask",), ()),
        ("pip3 install 'flask>=3' x==1", ("flask>=3", "x==1"), ()),
        ("python -m pip install -U flask", ("-U", "flask"), ()),
        ("python3.11 -m pip install flask", ("flask",), ()),
        ("/usr/bin/pip install -rreq.txt", (), ("req.txt",)),
        ("uv pip install --system --no-cache -r req.txt", (), ("req.txt",)),
        ("PIP_NO_CACHE_DIR=1 pip install --requirement=req.txt", (), ("req.txt",)),
        ("pip install torch --index-url https://x/y", ("torch", "--index-url", "https://x/y"), ()),
        ("pip install --timeout 100 --pre a", ("--prerelease=allow", "a"), ()),
        ("pip install -e .", (".",), ()),
        ("pip install $NAME", ("value",), ()),
    ],
)
def test_pip_in_all_its_spellings(command: str, arguments: tuple[str, ...], files: tuple[str, ...]) -> None:
    assert read_command(command, "/app", {"NAME": "value"}) == Install(arguments, files, "/app")


@pytest.mark.parametrize(
    "command",
    [
        "apt-get install -y git",
        "pip download x",
        "pip install --target=/x y",
        "pip install x | tee log",
        "pip install $(cat x)",
        "pip install x > log",
        "pip install 'x",
        "curl x | sh",
    ],
)
def test_everything_else_is_skipped(command: str) -> None:
    assert read_command(command, "/", {}) == Skipped(command)


def test_commands_of_a_line() -> None:
    assert split_commands("a && b 'x && y' ; c\nd \"e;f\"") == ["a", "b 'x && y'", "c", 'd "e;f"']


def test_what_a_file_depends_on_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n-r b.txt\n")
    (tmp_path / "b.txt").write_text("y\n-c a.txt\n")
    text = read_requirements(tmp_path / "a.txt", lambda folder, name: folder / name)
    assert "x" in text
    assert "y" in text


def test_local_requirements() -> None:
    assert is_local_text("flask\n./package\n")
    assert is_local_text("-e .")
    assert is_local_text("dist/x-1.whl")
    assert not is_local_text(
        "flask>=3 # ./x\nx @ https://a/b.whl\ngit+https://x/y\n--index-url https://a/b\n# .\n"
    )
    assert Install((".",)).is_local


def test_no_two_lists_have_one_digest() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"])
