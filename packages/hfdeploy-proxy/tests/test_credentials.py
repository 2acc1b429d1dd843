from pathlib import Path

import pytest

from hfdeploy_proxy.credentials import Credentials
from hfdeploy_proxy.rules.errors import TokenMissing


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    now = 0.0
    file = tmp_path / "token"
    file.write_text("first\n")
    credentials = Credentials(None, file, "authorization", lambda: now)
    assert credentials.header() == (b"authorization", b"Bearer first")
    (tmp_path / "next").write_text("second\n")
    (tmp_path / "next").replace(file)
    assert credentials.header()[1] == b"Bearer first"
    now = 1.0
    assert credentials.header()[1] == b"Bearer second"
    file.unlink()
    now = 2.0
    with pytest.raises(TokenMissing):
        credentials.header()
    file.write_text("two words")
    now = 3.0
    with pytest.raises(TokenMissing):
        credentials.header()
    file.write_text("third")
    now = 4.0
    assert credentials.header()[1] == b"Bearer third"


def test_the_mode_names_the_header() -> None:
    credentials = Credentials("x", None, "x-hf-authorization", lambda: 0.0)
    assert credentials.header() == (b"x-hf-authorization", b"Bearer x")
    with pytest.raises(TokenMissing):
        Credentials(None, None, "authorization", lambda: 0.0).header()
