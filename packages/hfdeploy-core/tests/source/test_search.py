from pathlib import Path

import pytest

from hfdeploy_core.errors import DeployError, PointerFound, SecretFound, SourceUnreadable
from hfdeploy_core.globs import Globs
from hfdeploy_core.source.scan import scan
from hfdeploy_core.source.search import search

from .test_tokens import TOKENS

TOKEN = TOKENS["a Hugging Face token"]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12\n"


def look(root: Path, *allowed: str) -> list[DeployError]:
    return list(search(root, scan(root).entries, Globs(allowed)))


def test_nothing_is_wrong_with_ordinary_files(write) -> None:
    assert look(write({"a.py": "print()", "b.bin": b"\0" + TOKEN.encode(), "empty": ""})) == []


def test_every_suspicious_file_is_in_one_fault_and_no_token_is(write) -> None:
    key = TOKENS["a private key"]
    (fault,) = look(write({"a.py": f"\n\nT = '{TOKEN}'\nK = '''{key}\n'''", "b/c.pem": key}))
    assert isinstance(fault, SecretFound)
    assert fault.message == (
        "These look like secrets: a.py line 3 (a Hugging Face token), a.py line 4 (a private key), "
        "b/c.pem line 1 (a private key)."
    )
    for word in ("--exclude", "--allow-secrets", "revoke"):
        assert word in fault.remedy


def test_what_is_allowed_is_not_told(write) -> None:
    root = write({"tests/a.py": TOKEN, "b.py": TOKEN})
    (fault,) = look(root, "tests/")
    assert "b.py" in fault.message
    assert "tests" not in fault.message
    assert look(root, "*.py") == []


def test_text_in_two_bytes_a_character_is_searched(write) -> None:
    (fault,) = look(write({"a.txt": TOKEN.encode("utf-16")}))
    assert "a.txt line 1" in fault.message


def test_a_token_between_two_blocks_is_found_once_and_lines_are_counted(write, monkeypatch) -> None:
    monkeypatch.setattr("hfdeploy_core.source.search._BLOCK_BYTES", 20_000)
    for offset in range(19_960, 20_001, 7):
        lines = "x\n" * (offset // 2) + "=" * (offset % 2)
        (fault,) = look(write({"a.txt": f"{lines}{TOKEN}\n" + "z\n" * 30_000}))
        assert fault.message.count("a.txt") == 1
        assert f"line {offset // 2 + 1} " in fault.message


def test_pointers_are_told_together_with_the_remedy(write) -> None:
    (fault,) = look(write({"a.bin": POINTER, "b/c.bin": POINTER, "d.txt": f"# about\n{POINTER}"}))
    assert isinstance(fault, PointerFound)
    assert "a.bin, b/c.bin." in fault.message
    assert "git lfs pull" in fault.remedy


def test_many_are_counted(write) -> None:
    (fault,) = look(write({f"{number:02}.bin": POINTER for number in range(13)}))
    assert fault.message.endswith("09.bin and 3 more.")


def test_a_file_that_went_away_is_told(write) -> None:
    root = write({"a": "x", "b": "y"})
    entries = scan(root).entries
    (root / "a").unlink()
    with pytest.raises(SourceUnreadable, match="a cannot be read"):
        list(search(root, entries, Globs(())))
