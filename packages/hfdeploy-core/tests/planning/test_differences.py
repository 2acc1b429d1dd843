import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_core.planning.differences import describe_sizes, describe_text


def test_text_is_compared_line_by_line() -> None:
    assert describe_text("a.txt", b"one\ntwo\n", b"one\n2\n") == (
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2"
    )
    assert describe_text("a.txt", None, b"one\n") == "--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1 @@\n+one"
    assert describe_text("a.txt", b"one\n", None) == "--- a/a.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one"
    assert describe_text("a.txt", b"x", b"y\n") == (
        "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y"
    )


@pytest.mark.parametrize("content", [b"\0", b"\xff\xfe"])
def test_what_is_no_text_is_not_compared(content: bytes) -> None:
    assert describe_text("a", b"one\n", content) is None
    assert describe_text("a", content, None) is None


def test_sizes_are_told_instead() -> None:
    assert describe_sizes("big.bin", None, 5_000_000) == "big.bin: none -> 5,000,000 bytes"
    assert describe_sizes("big.bin", 10, None) == "big.bin: 10 bytes -> none"


TEXT = st.lists(st.sampled_from(["a", "b", "", "c d"]), max_size=6).map("\n".join)


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs the command patch")
@settings(max_examples=30, deadline=None)
@given(TEXT, TEXT)
def test_patch_makes_of_it_what_it_says(tmp_path_factory, before: str, after: str) -> None:
    folder: Path = tmp_path_factory.mktemp("patched")
    (folder / "f").write_text(before)
    text = describe_text("f", before.encode(), after.encode())
    if before == after:
        assert text == ""
        return
    subprocess.run(["patch", "-p1", "-s"], cwd=folder, input=f"{text}\n", text=True, check=True)
    assert (folder / "f").read_text() == after if after else True
