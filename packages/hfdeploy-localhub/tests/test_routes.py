import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.routes import matches_method, matches_route

PATHS = st.lists(st.text("ab.-_%[]", min_size=1, max_size=4), max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/api/models/*/*/commit/*", "/api/models/alice/m/commit/main", True),
        ("/api/models/*/*/commit/*", "/api/models/alice/m/commit/refs%2Fpr%2F1", True),
        ("/api/models/*/*/commit/*", "/api/models/alice/commit/main", False),
        ("/api/**/commit/*", "/api/models/alice/m/commit/main", True),
        ("/api/*", "/api/models/x", False),
        ("**", "/anything", True),
        ("/a.c", "/abc", False),
        ("/a", "/a/b", False),
    ],
)
def test_globs(pattern: str, path: str, matches: bool) -> None:
    assert matches_route(pattern, path) is matches


@given(PATHS)
def test_a_path_without_stars_covers_itself_alone(path: str) -> None:
    assert matches_route(path, path)
    assert not matches_route(path, path + "x")
    assert matches_route("**", path)
    assert matches_route(re.sub(r"[^/]+", "*", path), path)


@pytest.mark.parametrize(
    ("methods", "method", "matches"),
    [("*", "PUT", True), ("GET|HEAD", "HEAD", True), ("GET|HEAD", "POST", False), ("GETX", "GET", False)],
)
def test_methods(methods: str, method: str, matches: bool) -> None:
    assert matches_method(methods, method) is matches
