"""`type: demo.count_rows` looks whether a table is long enough; `${demo.json:FILE#KEY}` reads a JSON file."""

import csv
import json

from pydantic import BaseModel, ConfigDict

from hfdeploy_core.api import (
    ConnectorContext,
    StepContext,
    StepFailed,
    register_connector,
    register_step,
)


class CountRows(BaseModel):
    """What the step asks for."""

    model_config = ConfigDict(extra="forbid")

    file: str
    at_least: int = 1


def count_rows(asked: CountRows, context: StepContext) -> None:
    """Fail where a CSV file has fewer rows than it should, its head not among them."""
    try:
        with (context.folder / asked.file).open(newline="", encoding="utf-8") as table:
            rows = max(sum(1 for _ in csv.reader(table)) - 1, 0)
    except OSError as error:
        raise StepFailed(
            f"{asked.file} cannot be read: {error.strerror}.", "Name a file that is there."
        ) from error
    context.tell(f"{asked.file} has {rows} rows")
    if rows < asked.at_least:
        raise StepFailed(f"{asked.file} has {rows} rows, not {asked.at_least}.", "Look where the others are.")


def read_json(words: str, context: ConnectorContext) -> str:
    """The value of a key at the top of a JSON file."""
    file, _, key = words.partition("#")
    held = json.loads((context.folder / file).read_text(encoding="utf-8"))
    if key not in held:
        raise ValueError(f"{file} has no {key!r}")
    return str(held[key])


def register() -> None:
    """The entry point."""
    register_step("count_rows", model=CountRows, run=count_rows, api_version=1)
    register_connector("json", find=read_json, api_version=1)
