import pytest

from hfdeploy_core.errors import PathInvalid
from hfdeploy_core.source.ignore import check_path, decide_skip


@pytest.mark.parametrize("path", [".git", "lib/.git", ".GIT", ".hfdeploy", "a/__pycache__", ".DS_Store"])
def test_what_is_of_no_use_is_left_out_silently(path: str) -> None:
    assert decide_skip(path) == ""


@pytest.mark.parametrize("path", [".env", ".env.local", "conf/.env.production", ".envrc", ".cache"])
def test_secrets_and_caches_are_left_out_aloud(path: str) -> None:
    assert decide_skip(path)


@pytest.mark.parametrize("path", ["app.py", ".gitattributes", ".env.example", "environment", "a/.github"])
def test_all_else_is_kept(path: str) -> None:
    assert decide_skip(path) is None


@pytest.mark.parametrize("path", ["a\\b", "a\nb", "a\x7f", "bad\udcff"])
def test_names_that_git_or_the_hub_refuse_are_refused_first(path: str) -> None:
    with pytest.raises(PathInvalid):
        check_path(path)


def test_spaces_and_other_scripts_are_fine() -> None:
    check_path("mein Ordner/日本語 🙂.txt")
