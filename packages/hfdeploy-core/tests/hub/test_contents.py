import json
from typing import Any

import pytest

from hfdeploy_core.errors import HubFailed, SourceChanged, SourceUnreadable
from hfdeploy_core.hub.contents import Mode, Upload, ask_modes, write_line
from hfdeploy_core.model import Source
from hfdeploy_core.source.scan import make_rules, scan


class Asked:
    """Answers preupload questions, and keeps them."""

    def __init__(self, *missing: str) -> None:
        self.questions: list[Any] = []
        self._missing = missing

    def ask_json(self, method: str, path: str, doing: str, *, content: Any) -> Any:
        self.questions.append(content)
        files = [
            {"path": file["path"], "uploadMode": "lfs", "shouldIgnore": file["path"].endswith(".log")}
            for file in content["files"]
            if file["path"] not in self._missing
        ]
        return {"files": files}


def ask(asked: Asked, root, include: tuple[str, ...] = ()) -> dict[str, Mode]:
    rules = make_rules(root, Source(str(root), include=include))
    return ask_modes(asked, "/preupload", "upload", root, scan(root, rules=rules).entries)  # type: ignore[arg-type]


def test_many_files_are_asked_for_in_batches(write) -> None:
    asked = Asked()
    modes = ask(asked, write({f"{number:03}.txt": "x" * 600 for number in range(300)}))
    assert len(modes) == 300
    assert sorted(len(question["files"]) for question in asked.questions) == [44, 256]
    assert all(len(file["sample"]) == 684 for question in asked.questions for file in question["files"])


def test_an_ignored_file_and_an_empty_one(write) -> None:
    asked = Asked()
    modes = ask(asked, write({".gitignore": "*.log\n", "a.log": "x", "empty": ""}), include=("a.log",))
    assert modes["a.log"].is_ignored
    assert not modes["empty"].is_large
    assert asked.questions[0]["gitIgnore"] == "*.log\n"


def test_a_file_that_the_hub_says_nothing_of(write) -> None:
    with pytest.raises(HubFailed, match=r"a\.txt"):
        ask(Asked("a.txt"), write({"a.txt": "x"}))


def test_what_is_sent_is_what_was_planned(write) -> None:
    root = write({"a.txt": "one"})
    (entry,) = scan(root).entries
    upload = Upload(entry, root / "a.txt", None)
    sent = {"content": "b25l", "path": "a.txt", "encoding": "base64"}
    assert json.loads(write_line(upload)) == {"key": "file", "value": sent}
    write({"a.txt": "two"})
    with pytest.raises(SourceChanged, match=r"a\.txt"):
        write_line(upload)
    (root / "a.txt").unlink()
    with pytest.raises(SourceUnreadable):
        write_line(upload)


def test_a_small_file_is_read_once_and_its_line_is_there_with_the_answer(write, monkeypatch) -> None:
    root = write({'odd "name".txt': "one", "big.txt": "x" * 70_000})
    entries = scan(root).entries

    class Regular(Asked):
        def ask_json(self, *arguments: Any, **options: Any) -> Any:
            answer = super().ask_json(*arguments, **options)
            return {"files": [{**file, "uploadMode": "regular"} for file in answer["files"]]}

    asked = Regular()
    modes = ask_modes(asked, "/preupload", "upload", root, entries)  # type: ignore[arg-type]
    line = modes['odd "name".txt'].line
    assert line is not None
    sent = {"content": "b25l", "path": 'odd "name".txt', "encoding": "base64"}
    assert json.loads(line) == {"key": "file", "value": sent}
    assert modes["big.txt"].line is None
    assert len(asked.questions[0]["files"][0]["sample"]) == 684
    write({'odd "name".txt': "two"})
    with pytest.raises(SourceChanged):
        ask_modes(asked, "/preupload", "upload", root, entries)  # type: ignore[arg-type]


def test_a_large_file_is_named_by_its_hash(write) -> None:
    root = write({"a.bin": "one"})
    (entry,) = scan(root).entries
    line = json.loads(write_line(Upload(entry, root / "gone", "2" * 64)))
    assert line == {
        "key": "lfsFile",
        "value": {"path": "a.bin", "algo": "sha256", "oid": "2" * 64, "size": 3},
    }
