import io
import stat
import struct
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfdeploy_core.errors import (
    LinkRefused,
    PathInvalid,
    SourceEmpty,
    SourceError,
    SourceNotAFolder,
    SourceUnreadable,
)
from hfdeploy_core.model import Source
from hfdeploy_core.source.digest import FoundFile, hash_file
from hfdeploy_core.source.opening import open_source

Files = dict[str, bytes]
KINDS = ["zip", "whl", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def pack(place: Path, files: Files) -> Path:
    if place.suffix in (".zip", ".whl"):
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in files.items():
                archive.writestr(path, content)
    else:
        compression = "" if place.suffix == ".tar" else place.suffix[1:]
        with tarfile.open(place, f"w:{compression}") as archive:  # type: ignore[call-overload]
            for path, content in files.items():
                info = tarfile.TarInfo(path)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return place


def look(place: Path, **options) -> Files:
    with open_source(Source(str(place), **options), place.parent / "unused") as opened:
        if opened.faults:
            raise opened.faults[0]
        root = opened.snapshot.root
        for entry in opened.snapshot.entries:
            named = hash_file(FoundFile(entry.path, str(entry.locate(root))))
            assert (named.blob_id, named.sha256) == (entry.blob_id, entry.sha256)
        return {entry.path: entry.locate(root).read_bytes() for entry in opened.snapshot.entries}


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_deployed_as_what_it_holds(kind: str, tmp_path: Path) -> None:
    files = {
        "b.txt": b"x" * 5000,
        "./a/ü.py": b"",
        "a/.env": b"A=1",
        ".gitignore": b"*.log\n",
        "a/x.log": b"",
    }
    place = pack(tmp_path / f"source.{kind}", files)
    assert look(place) == {".gitignore": b"*.log\n", "a/ü.py": b"", "b.txt": b"x" * 5000}
    assert look(place, exclude=("a/", "/.gitignore")) == {"b.txt": b"x" * 5000}
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    with pytest.raises(SourceEmpty):
        look(place, exclude=("*",))


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out", "C:/out", "a\\out", "a/\x01"])
def test_names_that_lead_outside_are_refused(path: str, kind: str, tmp_path: Path) -> None:
    place = pack(tmp_path / f"source.{kind}", {"a": b"", path: b"x"})
    with pytest.raises(PathInvalid):
        look(place)
    assert [found.name for found in tmp_path.iterdir()] == [place.name]


def test_links_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        with tarfile.open(tmp_path / "source.tar", "w") as tar:
            link = tarfile.TarInfo("link")
            link.type, link.linkname = kind, "/etc/hostname"
            tar.addfile(link)
        with pytest.raises(LinkRefused, match="link is a link"):
            look(tmp_path / "source.tar")
    with zipfile.ZipFile(tmp_path / "source.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/hostname")
    with pytest.raises(LinkRefused, match="link is a link"):
        look(tmp_path / "source.zip")


def test_devices_and_pipes_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "source.tar", "w") as archive:
        pipe = tarfile.TarInfo("pipe")
        pipe.type = tarfile.FIFOTYPE
        archive.addfile(pipe)
    with pytest.raises(SourceUnreadable, match="pipe is neither"):
        look(tmp_path / "source.tar")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_bombs_are_refused_while_they_grow(kind: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("hfdeploy_core.source.archive._BOMB_BYTES", 100_000)
    place = pack(tmp_path / f"source.{kind}", {"zeros": b"\0" * 5_000_000})
    with pytest.raises(SourceUnreadable, match="more than 100 times its size") as caught:
        look(place)
    assert "unpack it yourself" in caught.value.remedy
    look(pack(tmp_path / f"fine.{kind}", {"zeros": b"\0" * 90_000}))


def test_a_packed_tar_is_not_even_listed_to_its_end_if_it_is_a_bomb(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("hfdeploy_core.source.archive._BOMB_BYTES", 100_000)
    place = pack(tmp_path / "source.tar.gz", {"a": b"", "zeros": b"\0" * 5_000_000})
    with pytest.raises(SourceUnreadable, match="more than 100 times its size"):
        look(place, exclude=("zeros",))


def test_what_a_zip_says_of_its_sizes_counts_for_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("hfdeploy_core.source.archive._BOMB_BYTES", 100_000)
    place = pack(tmp_path / "source.zip", {"zeros": b"\0" * 5_000_000})
    size = struct.pack("<I", 5_000_000)
    place.write_bytes(place.read_bytes().replace(size, struct.pack("<I", 10)))
    with pytest.raises(SourceUnreadable):
        look(place)


def test_a_path_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "source.tar", "w") as archive:
        for content in (b"1", b"2"):
            info = tarfile.TarInfo("a")
            info.size = 1
            archive.addfile(info, io.BytesIO(content))
    with pytest.raises(PathInvalid, match="a twice"):
        look(tmp_path / "source.tar")


def test_an_encrypted_archive_and_a_text_are_refused(tmp_path: Path) -> None:
    place = pack(tmp_path / "source.zip", {"a": b"secret"})
    content = bytearray(place.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    place.write_bytes(content)
    with pytest.raises(SourceUnreadable, match="is encrypted"):
        look(place)
    (tmp_path / "text").write_text("x")
    with pytest.raises(SourceNotAFolder) as caught:
        look(tmp_path / "text")
    assert "archive" in caught.value.remedy


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.sampled_from(["zip", "tar.gz", "tar"]), st.integers(0, 10_000), st.integers(0, 255), st.booleans())
def test_a_damaged_archive_is_unpacked_or_refused(tmp_path, kind, place, value, is_cut) -> None:
    file = pack(tmp_path / f"source.{kind}", {f"f{number}": bytes([number]) * 50 for number in range(9)})
    content = bytearray(file.read_bytes())
    place %= len(content)
    content[place] = value
    file.write_bytes(content[:place] if is_cut else content)
    with suppress(SourceError):
        look(file)
