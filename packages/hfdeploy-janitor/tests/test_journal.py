import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hfdeploy_janitor.errors import JournalUnusable
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.model import Fate, Thing
from hfdeploy_janitor.rules import Kind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HUB = "https://hub.test"


def thing(number: int) -> Thing:
    return Thing(Kind.MODEL, "alice", f"test-{number}", f"{number:024x}", NOW, NOW)


def test_an_intent_is_unsettled_until_its_fate_is_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state", HUB)
    for number in (1, 2):
        journal.write_intent(thing(number), "old", None, NOW)
    journal.write_fate(thing(1), Fate.DELETED, "", NOW)
    assert [intent.thing.name for intent in Journal(tmp_path / "state", HUB).find_unsettled()] == ["test-2"]
    assert journal.count_attempts() == {thing(2).id: 1}
    journal.close()
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["intent", "intent", "deleted"]
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_kill_cut_off_is_passed_over_and_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HUB)
    journal.write_intent(thing(1), "old", None, NOW)
    journal.close()
    with journal.path.open("a") as file:
        file.write('{"event": "deleted", "kind": "mod')
    again = Journal(tmp_path, HUB)
    again.write_intent(thing(2), "old", None, NOW)
    again.close()
    assert [intent.thing.name for intent in again.find_unsettled()] == ["test-1", "test-2"]


def test_what_was_begun_on_another_hub_is_none_of_its_business(tmp_path: Path) -> None:
    elsewhere = Journal(tmp_path, "http://127.0.0.1:8787")
    elsewhere.write_intent(thing(1), "old", "trash-1", NOW)
    journal = Journal(tmp_path, HUB)
    journal.write_intent(thing(2), "old", None, NOW)
    assert [intent.thing.name for intent in journal.find_unsettled()] == ["test-2"]
    assert journal.count_attempts() == {thing(2).id: 1}
    assert journal.find_quarantine(Kind.MODEL, "alice", "test-1") is None
    assert elsewhere.find_quarantine(Kind.MODEL, "alice", "test-1") is not None


def test_lines_that_are_none_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HUB)
    journal.write_intent(thing(1), "old", None, NOW)
    with journal.path.open("a") as file:
        file.write('5\n[]\n\n{"endpoint": "https://hub.test"}\nx\n')
    assert len(journal.find_unsettled()) == 1
    assert len(journal.count_attempts()) == 1


def test_without_a_journal_there_is_nothing_to_settle(tmp_path: Path) -> None:
    assert Journal(tmp_path / "none", HUB).find_unsettled() == ()
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(JournalUnusable):
        Journal(tmp_path / "state", HUB).open()


def test_a_quarantine_is_found_by_both_names_until_it_is_undone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HUB)
    public = replace(thing(1), private=False)
    journal.write_intent(public, "old", "trash-1", NOW)
    journal.write_intent(replace(public, private=True), "old", "trash-2", NOW)
    journal.write_intent(thing(2), "old", None, NOW)
    for name in ("test-1", "trash-1"):
        found = journal.find_quarantine(Kind.MODEL, "alice", name)
        assert found is not None
        assert (found.thing.name, found.thing.private, found.trash_name) == ("test-1", False, "trash-2")
    assert journal.find_quarantine(Kind.MODEL, "alice", "test-2") is None
    assert journal.find_quarantine(Kind.DATASET, "alice", "test-1") is None
    assert journal.count_attempts()[public.id] == 2
    journal.write_fate(public, Fate.RESTORED, "", NOW)
    assert journal.find_quarantine(Kind.MODEL, "alice", "test-1") is None
    assert journal.count_attempts() == {thing(2).id: 1}
