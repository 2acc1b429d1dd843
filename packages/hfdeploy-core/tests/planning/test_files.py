import hashlib

from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.model import FileEntry, RemoteFile
from hfdeploy_core.planning.files import find_foreign, plan_files

Tree = dict[str, bytes]


def is_consistent(tree: Tree) -> bool:
    """Whether git could hold it: no path is both a file and a folder."""
    return not any(other.startswith(f"{path}/") for path in tree for other in tree)


PATHS = st.lists(st.sampled_from(["a", "b", ".c"]), min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.sampled_from([b"", b"x", b"y", b"long" * 10]), max_size=6).filter(
    is_consistent
)


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def entries(tree: Tree) -> list[FileEntry]:
    return [
        FileEntry(path, len(content), blob_id(content), hashlib.sha256(content).hexdigest())
        for path, content in tree.items()
    ]


def remote(tree: Tree) -> list[RemoteFile]:
    """As the Hub tells it: what is long is named by sha256, its blob id is that of a pointer."""
    return [
        RemoteFile(path, len(content), "f" * 40, hashlib.sha256(content).hexdigest())
        if len(content) > 10
        else RemoteFile(path, len(content), blob_id(content))
        for path, content in tree.items()
    ]


def carry_out(source: Tree, held: Tree, **options) -> Tree:
    changes = plan_files(entries(source), remote(held), **options)
    after = {path: content for path, content in held.items() if path not in changes.deletions}
    after |= {put.entry.path: source[put.entry.path] for put in changes.puts}
    assert all((put.entry.path in held) is put.replaces for put in changes.puts)
    assert changes.unchanged_files + len(changes.puts) == len(source)
    return after


@given(TREES, TREES)
def test_a_mirror_leads_exactly_to_the_source(source: Tree, held: Tree) -> None:
    assert carry_out(source, held, mirror=True) == source


@given(TREES, TREES)
def test_without_mirror_what_is_not_in_the_way_stays(source: Tree, held: Tree) -> None:
    after = carry_out(source, held)
    assert is_consistent(after)
    assert source.items() <= after.items()
    kept = {path: content for path, content in held.items() if path not in source}
    assert all(
        after.get(path) == content
        for path, content in kept.items()
        if is_consistent({**source, path: content})
    )


@given(TREES)
def test_the_plan_of_equal_is_empty(tree: Tree) -> None:
    changes = plan_files(entries(tree), remote(tree), mirror=True)
    assert (changes.puts, changes.deletions, changes.unchanged_files) == ((), (), len(tree))


@given(TREES, TREES, st.randoms())
def test_the_order_of_the_listings_does_not_matter(source: Tree, held: Tree, random) -> None:
    wanted, listed = entries(source), remote(held)
    plan = plan_files(wanted, listed, mirror=True)
    random.shuffle(wanted)
    random.shuffle(listed)
    assert plan_files(wanted, listed, mirror=True) == plan


@given(TREES, TREES)
def test_what_is_spared_is_not_mirrored_away(source: Tree, held: Tree) -> None:
    spared = frozenset(path for path in held if is_consistent({**source, path: b""}))
    assert carry_out(source, held, mirror=True, spared=spared).keys() >= spared


@given(TREES, TREES)
def test_what_somebody_else_changed_is_told_by_two_trees(before: Tree, after: Tree) -> None:
    assert find_foreign(remote(before), remote(after)) == {
        path for path in before.keys() | after if before.get(path) != after.get(path)
    }
