import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.globs import Globs, check_globs

PATHS = st.lists(st.sampled_from(["a", "b.log", ".c"]), min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(st.sampled_from(["*.log", "a/", "/a", "a/**/b.log", ".c"]))


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.log", "a/b.log", True),
        ("logs/", "x/logs/a", True),
        ("/logs", "x/logs", False),
        ("docs/*.md", "docs/a/b.md", False),
        ("docs/**/*.md", "docs/a/b.md", True),
        ("\\#a", "#a", True),
    ],
)
def test_patterns_are_those_of_a_gitignore(pattern: str, path: str, matches: bool) -> None:
    assert Globs(check_globs("--keep", [pattern])).match(path) is matches


def test_no_pattern_matches_nothing() -> None:
    assert not Globs(())
    assert not Globs(()).match("a")


@pytest.mark.parametrize("pattern", ["", "  ", "!a", "# a", "/"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(SettingInvalid, match="--keep"):
        check_globs("--keep", ["a", pattern])


@given(PATHS, PATTERNS, PATTERNS)
def test_more_patterns_match_more(path: str, patterns: list[str], more: list[str]) -> None:
    assert Globs(patterns + more).match(path) is (Globs(patterns).match(path) or Globs(more).match(path))
