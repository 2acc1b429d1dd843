import pytest

from hfdeploy.render.words import count, format_bytes, say, say_error
from hfdeploy_core.errors import SourceEmpty
from hfdeploy_core.events import (
    Committed,
    Finished,
    Planned,
    RepoCreated,
    Scanned,
    SettingRemoved,
    Uploading,
    VisibilityChanged,
    Waiting,
    Warned,
)
from hfdeploy_core.model import Outcome, RepoType

NOTHING = Planned("a/b", "space", False, None, 0, 0, 0, 1200, 0, "d")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Scanned("app", 1, 2500), "Read 1 file (2.5 kB) from app"),
        (Warned("Careful."), "warning: Careful."),
        (Waiting(1.25, "it answered 503"), "Waiting 1.2 s for the Hub: it answered 503"),
        (NOTHING, "Plan for space a/b: nothing to do, 1,200 files unchanged"),
        (
            Planned("a/b", "model", True, "private", 3, 0, 0, 0, 9, "d"),
            "Plan for model a/b: create it, make it private, add 3 files",
        ),
        (
            Planned("a/b", "model", False, None, 1, 2, 3, 4, 9, "d"),
            "Plan for model a/b: add 1 file, update 2 files, delete 3 files, leave 4 unchanged",
        ),
        (RepoCreated("a/b", "https://hub.test/a/b"), "Created https://hub.test/a/b"),
        (VisibilityChanged("a/b", "public"), "Made a/b public"),
        (SettingRemoved("a/b", "secret KEY"), "Removed secret KEY of a/b"),
        (Uploading(2, 1_500_000, 3_000_000), "Uploading 2 files: 1.5 MB of 3.0 MB"),
        (Committed("a/b", "abc"), "Committed abc"),
        (
            Finished(Outcome("a/b", RepoType.MODEL, "https://hub.test/a/b", "abc", elapsed_seconds=1.25)),
            "Nothing to do in 1.2 s\n  repo    a/b\n  url     https://hub.test/a/b\n  commit  abc",
        ),
    ],
)
def test_every_event_has_words(event, line: str) -> None:
    assert say(event) == line


def test_an_error_says_what_and_what_to_do() -> None:
    assert say_error(SourceEmpty("There is nothing.", "Add it.")) == "error: There is nothing. Add it."


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5_250_000, "5.2 MB"), (3e12, "3.0 TB")]
)
def test_bytes_are_told_in_powers_of_a_thousand(size: float, text: str) -> None:
    assert format_bytes(size) == text


def test_one_is_singular() -> None:
    assert (count(1, "file"), count(0, "file")) == ("1 file", "0 files")
