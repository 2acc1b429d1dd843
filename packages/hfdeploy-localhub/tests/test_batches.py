from typing import Any

import pytest

from hfdeploy_localhub.batches import Drop, Put, parse_change
from hfdeploy_localhub.errors import BadRequest


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ({"type": "addFile", "path": "a", "xetHash": "ab", "mtime": 5}, Put("a", "ab", 5)),
        ({"type": "addFile", "path": "a", "xetHash": "ab", "contentType": "x/y"}, Put("a", "ab", None)),
        (
            {
                "type": "copyFile",
                "path": "a",
                "xetHash": "ab",
                "mtime": 5,
                "sourceRepoType": "bucket",
                "sourceRepoId": "x/y",
            },
            Put("a", "ab", 5, ("bucket", "x/y")),
        ),
        ({"type": "deleteFile", "path": "a"}, Drop("a")),
    ],
)
def test_lines_are_changes(line: dict[str, Any], change: Put | Drop) -> None:
    assert parse_change(line) == change


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"type": "deleteFile"},
        {"type": "deleteFile", "path": 3},
        {"type": "moveFile", "path": "a"},
        {"type": "addFile", "path": "a"},
        {"type": "addFile", "path": "a", "xetHash": "ab", "mtime": "now"},
        {"type": "addFile", "path": "a", "xetHash": ["ab"]},
        {"type": "copyFile", "path": "a", "xetHash": "ab", "sourceRepoId": "x/y"},
        {
            "type": "copyFile",
            "path": "a",
            "xetHash": "ab",
            "sourceRepoType": ["model"],
            "sourceRepoId": "x/y",
        },
    ],
)
def test_other_lines_are_refused(line: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        parse_change(line)
