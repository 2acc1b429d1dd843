from pathlib import Path

import pytest

from hfdeploy_localhub.spaces.image import Copy
from hfdeploy_localhub.spaces.rootfs import Root, apply_copy
from hfdeploy_localhub.spaces.stages import BuildError


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt", "sub/c.txt"):
        path = tmp_path / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "context"


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("sources", "destination", "result"),
    [
        ((".",), "/app/", ["app/a.txt", "app/b.txt", "app/sub/c.txt"]),
        ((".",), "/app", ["app/a.txt", "app/b.txt", "app/sub/c.txt"]),
        (("a.txt",), "/app/x.txt", ["app/x.txt"]),
        (("./a.txt",), "/app/", ["app/a.txt"]),
        (("*.txt",), "/app", ["app/a.txt", "app/b.txt"]),
        (("sub",), "/app", ["app/c.txt"]),
        (("../../a.txt",), "/x", ["x"]),
    ],
)
def test_copies(
    context: Path, tmp_path: Path, sources: tuple[str, ...], destination: str, result: list[str]
) -> None:
    root = Root(tmp_path / "root")
    assert apply_copy(Copy(sources, destination), context, root) == []
    assert tree(root.folder) == result


def test_a_mode_and_a_document(context: Path, tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    apply_copy(Copy(("a.txt",), "/x/", mode=0o755, documents=(("EOF", "text"),)), context, root)
    assert (root.folder / "x/a.txt").stat().st_mode & 0o777 == 0o755
    assert (root.folder / "x/EOF").read_text() == "text\n"


def test_a_missing_file_is_an_error_and_from_another_stage_it_is_told(context: Path, tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    root.folder.mkdir()
    with pytest.raises(BuildError, match=r"COPY no\.txt"):
        apply_copy(Copy(("no.txt",), "/x"), context, root)
    assert apply_copy(Copy(("/built",), "/x", from_image=True), context, root) == ["/built"]


def test_links_lead_nowhere_else(context: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (context / "out").symlink_to(outside)
    (context / "secret").symlink_to("/etc/passwd")
    root = Root(tmp_path / "root")
    with pytest.raises(BuildError, match="COPY secret"):
        apply_copy(Copy(("secret",), "/x"), context, root)
    apply_copy(Copy((".",), "/app/"), context, root)
    with pytest.raises(BuildError, match="outside"):
        apply_copy(Copy(("a.txt",), "/app/out/"), context, root)
    with pytest.raises(BuildError, match="outside"):
        apply_copy(Copy(("sub",), "/app/out/made"), context, root)
    assert list(outside.iterdir()) == []
