"""Prints what CHANGELOG.md says of the version in VERSION: ``python scripts/release_notes.py``."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def find_notes(changelog: str, version: str) -> str | None:
    """The section of that version, without its heading; None where there is none."""
    heading = rf"^## \[{re.escape(version)}\][^\n]*\n"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    return found[1].strip() if found and found[1].strip() else None


def main() -> int:
    version = (ROOT / "VERSION").read_text().strip()
    notes = find_notes((ROOT / "CHANGELOG.md").read_text(), version)
    if notes is None:
        print(
            f"CHANGELOG.md has no section [{version}]: call [Unreleased] that, with the date.",
            file=sys.stderr,
        )
        return 1
    print(notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
