import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import PathInvalid
from hfdeploy_core.model import Source
from hfdeploy_core.source.ignore import Rules, check_path, decide_skip, find_collisions

FILES = ["a.py", "b.log", "dist/a.js", "dist/deep/b.log", "lib/dist/c.js", "lib/b.log", ".env", "lib/id_rsa"]
PATTERNS = [
    *("*.log", "dist/", "/lib", "*.js", "dist/deep", "a.py", "*", ".env", "id_rsa", "dist/**", "*/", "lib/*"),
    *("**/deep", "dist/**/b.log", "deep/b.log"),
]
GLOBS = st.lists(st.sampled_from(PATTERNS), max_size=3)
IGNORES = st.dictionaries(
    st.sampled_from([".gitignore", ".hfignore", "dist/.gitignore", "lib/.hfignore"]),
    st.lists(st.sampled_from(PATTERNS + [f"!{pattern}" for pattern in PATTERNS]), max_size=4).map("\n".join),
)


def decide(ignores: dict[str, str], *, include=(), exclude=(), allow=(), above=()) -> set[str]:
    """The files that are deployed."""
    rules = Rules(Source("", None, tuple(include), tuple(exclude), tuple(allow)), ignores.get, above)
    return {path for path in FILES if rules.decide(path) is None}


@pytest.mark.parametrize(
    "path", [".git", "lib/.git", ".GIT", ".hfdeploy", "a/__pycache__", ".DS_Store", ".hfignore"]
)
def test_what_is_of_no_use_is_left_out_silently(path: str) -> None:
    assert decide_skip(path) == ""


@pytest.mark.parametrize(
    "path", [".env", ".env.local", "conf/.env.production", ".envrc", ".cache", "a/id_rsa", "x.p12", ".netrc"]
)
def test_secrets_and_caches_are_left_out_aloud(path: str) -> None:
    assert decide_skip(path)


@pytest.mark.parametrize(
    "path", ["app.py", ".gitattributes", ".env.example", "environment", "a/.github", "id_rsa.pub", "ca.pem"]
)
def test_all_else_is_kept(path: str) -> None:
    assert decide_skip(path) is None


@pytest.mark.parametrize("path", ["a\\b", "a\nb", "a\x7f", "bad\udcff", "x" * 256, "a/" + "ü" * 128])
def test_names_that_git_or_the_hub_refuse_are_refused_first(path: str) -> None:
    with pytest.raises(PathInvalid) as caught:
        check_path(path)
    assert "Rename" in caught.value.remedy


def test_spaces_and_other_scripts_are_fine() -> None:
    check_path("mein Ordner/日本語 🙂.txt")
    check_path("a/" * 200 + "b")


def test_ignore_files_of_every_folder_count_and_the_later_has_the_last_word() -> None:
    everything = {path for path in FILES if "rsa" not in path and path != ".env"}
    assert decide({}) == everything
    assert decide({".gitignore": "*.log\ndist/"}) == {"a.py"}
    assert decide({".gitignore": "*.log\ndist/", ".hfignore": "!/dist/"}) == {"a.py", "dist/a.js"}
    assert decide({"lib/.gitignore": "*"}) == {"a.py", "b.log", "dist/a.js", "dist/deep/b.log"}
    assert decide({".gitignore": "*.log", "lib/.hfignore": "!b.log"}) == everything - {
        "b.log",
        "dist/deep/b.log",
    }
    assert decide({}, above=[("app", "/app/lib\n*.log")]) == {"a.py", "dist/a.js"}
    assert decide({".gitignore": "[\n\\\n*.log"}) == everything - {"b.log", "lib/b.log", "dist/deep/b.log"}


def test_include_and_exclude_come_on_top() -> None:
    ignored = {".gitignore": "dist/\n*.log"}
    assert decide(ignored, include=["/dist"]) == {"a.py", "dist/a.js", "dist/deep/b.log"}
    assert decide(ignored, include=["/dist"], exclude=["*.log"]) == {"a.py", "dist/a.js"}
    assert decide({}, include=[".env", "id_rsa"]) == decide({})
    assert decide({}, allow=[".env"]) == decide({}) | {".env"}


def test_consent_to_secrets_is_none_to_what_is_never_deployed() -> None:
    rules = Rules(Source("", allow_secrets=("*",), include=("*",)), lambda path: None)
    for path in (".git", "a/.cache", "__pycache__"):
        assert rules.decide(path, is_folder=True) is not None
        assert rules.decide(f"{path}/x") is not None


@given(IGNORES, GLOBS, GLOBS, GLOBS, GLOBS)
def test_more_includes_or_consents_only_add_and_more_excludes_only_take(
    ignores, include, exclude, allow, more
) -> None:
    deployed = decide(ignores, include=include, exclude=exclude, allow=allow)
    assert deployed <= decide(ignores, include=include + more, exclude=exclude, allow=allow)
    assert deployed <= decide(ignores, include=include, exclude=exclude, allow=allow + more)
    assert deployed >= decide(ignores, include=include, exclude=exclude + more, allow=allow)


@given(IGNORES, GLOBS, GLOBS)
def test_the_walk_and_a_single_question_agree(ignores, include, exclude) -> None:
    """What lies in a folder that is left out is left out, so that a walk need not go there."""
    rules = Rules(Source("", None, tuple(include), tuple(exclude)), ignores.get)
    for path in FILES:
        folders = [path[:place] for place, character in enumerate(path) if character == "/"]
        if any(rules.decide(folder, is_folder=True) for folder in folders):
            assert rules.decide(path) is not None


def test_git_ignores_the_same(tmp_path: Path) -> None:
    """Over many sets of patterns, each in a folder of one repository; names that hide secrets aside."""
    names = [path for path in FILES if decide_skip(path) is None]
    cases: dict[str, set[str]] = {}

    @given(IGNORES)
    def collect(ignores: dict[str, str]) -> None:
        ignores = {path: text for path, text in ignores.items() if path.endswith(".gitignore")}
        folder = f"case{len(cases)}"
        for path, text in ignores.items():
            (tmp_path / folder / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / path).write_text(f"{text}\n")
        cases[folder] = decide(ignores)

    collect()
    for arguments in (["init", "-q"], ["config", "core.excludesFile", "/dev/null"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    asked = "".join(f"{folder}/{name}\0" for folder in cases for name in names)
    command = ["git", "check-ignore", "-z", "--stdin", "--no-index"]
    told = subprocess.run(command, cwd=tmp_path, input=asked, capture_output=True, text=True)
    ignored = set(told.stdout.split("\0"))
    for folder, deployed in cases.items():
        assert {name for name in names if f"{folder}/{name}" not in ignored} == deployed


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        (["README.md", "readme.md"], "README.md, readme.md"),
        (["a/X", "a/x", "a/y"], "a/X, a/x"),
        (["docs", "Docs/a/b"], "Docs/, docs"),
        (["e\u0301.txt", "\u00e9.txt"], "e\u0301.txt, \u00e9.txt"),
    ],
)
def test_names_that_differ_in_case_only_are_told_together(paths: list[str], named: str) -> None:
    (fault,) = find_collisions(paths)
    assert named in fault.message
    assert "--exclude" in fault.remedy


@given(st.sets(st.sampled_from(["a", "A", "b/c", "B/c", "b/C", "B", "ß", "x/y/z"])))
def test_names_that_collide_collide_in_any_order(paths: set[str]) -> None:
    folded = [path.casefold() for path in paths]
    prefixes = {
        "/".join(path.split("/")[:n]).casefold() for path in paths for n in range(1, path.count("/") + 1)
    }
    collides = len(set(folded)) < len(folded) or bool(prefixes & set(folded))
    assert bool(list(find_collisions(sorted(paths)))) is collides
    assert bool(list(find_collisions(sorted(paths, reverse=True)))) is collides
