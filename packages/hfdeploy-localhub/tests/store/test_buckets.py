from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfdeploy_localhub.model import Repo
from hfdeploy_localhub.store.buckets import BucketFile, BucketFolder, Buckets, BucketSize, end_of
from hfdeploy_localhub.store.database import Database
from hfdeploy_localhub.store.repos import Repos

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARTS = st.sampled_from(["a", "b", "a.txt", "a b", "ab", "é", "0"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "db", durable=False)
    yield opened
    opened.close()


def make_bucket(database: Database, name: str = "b") -> Repo:
    repos = Repos(database)
    return repos.add("bucket", "alice", name, visibility="public", creator=None, now=NOW)


def show(entry: BucketFile | BucketFolder) -> str:
    return entry.path if isinstance(entry, BucketFile) else f"{entry.path}/"


def list_all(buckets: Buckets, bucket: Repo, prefix: str, *, recursive: bool, limit: int) -> list[str]:
    """Page by page, as a client goes on."""
    found, after = list[str](), ""
    while page := buckets.page(bucket, prefix, recursive=recursive, after=after, limit=limit):
        assert len(page) <= limit
        found += [show(entry) for entry in page]
        last = page[-1]
        after = last.path if isinstance(last, BucketFile) else end_of(last.path)
    return found


def expect(paths: set[str], prefix: str, *, recursive: bool) -> set[str]:
    chosen = {path for path in paths if path.startswith(prefix)}
    if recursive:
        return chosen
    entries = set()
    for path in chosen:
        start = len(prefix) + 1 if prefix and path[len(prefix) :].startswith("/") else len(prefix)
        rest = path[start:]
        entries.add(path[:start] + rest.partition("/")[0] + ("/" if "/" in rest else ""))
    return entries


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    paths=st.sets(PATHS, max_size=12),
    prefix=st.sampled_from(["", "a", "a/", "a/b", "zz"]),
    recursive=st.booleans(),
    limit=st.integers(1, 5),
)
def test_all_entries_are_listed_once_however_they_are_paged(
    database: Database, paths: set[str], prefix: str, recursive: bool, limit: int
) -> None:
    with database.transaction() as connection:
        connection.execute("DELETE FROM repos")
    bucket, buckets = make_bucket(database), Buckets(database)
    for path in paths:
        buckets.put(bucket, path, "ab", 1, None, NOW)
    found = list_all(buckets, bucket, prefix, recursive=recursive, limit=limit)
    assert len(found) == len(set(found))
    assert set(found) == expect(paths, prefix, recursive=recursive)


def test_a_folder_costs_one_query_whatever_it_holds(database: Database) -> None:
    bucket, buckets = make_bucket(database), Buckets(database)
    with database.transaction():
        for number in range(5_000):
            buckets.put(bucket, f"f{number % 5}/{number}", "ab", 1, None, NOW)
    asked: list[str] = []
    database._connection.set_trace_callback(asked.append)
    page = buckets.page(bucket, "", recursive=False, after="", limit=1000)
    assert [entry.path for entry in page] == ["f0", "f1", "f2", "f3", "f4"]
    assert len(asked) <= 11


def test_a_bucket_has_what_was_put_last(database: Database) -> None:
    bucket, other, buckets = make_bucket(database), make_bucket(database, "c"), Buckets(database)
    assert buckets.measure(bucket) == BucketSize(0, 0, None)
    buckets.put(bucket, "a", "11", 5, None, NOW)
    buckets.put(bucket, "b/c", "22", 7, 1_700_000_000_123, NOW + timedelta(seconds=1))
    buckets.put(bucket, "a", "33", 6, None, NOW)
    buckets.put(other, "a", "44", 1, None, NOW)
    assert [file.hash for file in buckets.find(bucket, ["b/c", "nope", "a"])] == ["22", "33"]
    assert buckets.measure(bucket) == BucketSize(2, 13, "2026-01-01T00:00:01.000Z")
    buckets.drop(bucket, "a")
    buckets.drop(bucket, "a")
    assert buckets.find(bucket, ["a"]) == []
    assert [file.hash for file in buckets.find(other, ["a"])] == ["44"]
