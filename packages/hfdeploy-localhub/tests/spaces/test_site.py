import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.spaces.builder import Site
from hfdeploy_localhub.spaces.site import Redirect, StaticFile, find_file


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    (folder / "secret.txt").write_text("secret")
    tree = folder / "tree"
    (tree / "sub").mkdir(parents=True)
    for name in ("index.html", "a b.js", "x.wasm", "sub/index.html", "é.md", "data.bin", "a.tar.gz"):
        (tree / name).write_text(name)
    (tree / "link.txt").symlink_to(folder / "secret.txt")
    (tree / "loop").symlink_to(folder)
    return Site(tree, "index.html")


@pytest.mark.parametrize(
    ("target", "name", "content_type"),
    [
        (b"/", "index.html", "text/html; charset=utf-8"),
        (b"/?x=1", "index.html", "text/html; charset=utf-8"),
        (b"/a%20b.js", "a b.js", "text/javascript; charset=utf-8"),
        (b"/x.wasm", "x.wasm", "application/wasm"),
        (b"/sub/", "index.html", "text/html; charset=utf-8"),
        (b"/%C3%A9.md", "é.md", "text/markdown; charset=utf-8"),
        (b"/data.bin", "data.bin", "application/octet-stream"),
        (b"/a.tar.gz", "a.tar.gz", "application/octet-stream"),
    ],
)
def test_files_and_their_types(site: Site, target: bytes, name: str, content_type: str) -> None:
    found = find_file(site, target)
    assert isinstance(found, StaticFile)
    assert (found.path.name, found.content_type) == (name, content_type)


def test_a_folder_gets_its_slash(site: Site) -> None:
    assert find_file(site, b"/sub?q=1") == Redirect(b"/sub/?q=1")
    assert find_file(site, b"//sub") == Redirect(b"/sub/")  # never a redirect to another host


@pytest.mark.parametrize(
    "target",
    [
        b"/../secret.txt",
        b"/%2e%2e/secret.txt",
        b"/sub/../../secret.txt",
        b"/..%2fsecret.txt",
        b"/link.txt",
        b"/loop/secret.txt",
        b"/loop/",
        b"/loop",
        b"/no",
        b"/index.html/",
        b"/%ff",
        b"/%00",
        b"//etc/passwd",
    ],
)
def test_nothing_outside_is_found(site: Site, target: bytes) -> None:
    assert find_file(site, target) is None


@given(st.text(alphabet="./%2efé\\x", max_size=20))
def test_no_target_leads_out(site: Site, text: str) -> None:
    found = find_file(site, b"/" + text.encode())
    assert not isinstance(found, StaticFile) or found.path.is_relative_to(site.folder)
