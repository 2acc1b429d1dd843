"""Sets the version of all distributions at once: ``python scripts/bump.py 0.2.0``.

VERSION and the literal ``==`` pins between members move together; a test checks that they agree.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")
_PIN = re.compile(r'("hfdeploy(?:-[a-z]+)?(?:\[[a-z,]+\])?==)[^"]+(")')


def set_pins(pyproject: str, version: str) -> str:
    """The text of a member's pyproject.toml with every pin on a sibling at ``version``."""
    return _PIN.sub(rf"\g<1>{version}\g<2>", pyproject)


def bump(root: Path, version: str) -> list[Path]:
    """Writes VERSION and the members' pins; returns the files that changed."""
    texts = {root / "VERSION": f"{version}\n"}
    for path in sorted(root.glob("packages/*/pyproject.toml")):
        texts[path] = set_pins(path.read_text(), version)
    changed = [path for path, text in texts.items() if path.read_text() != text]
    for path in changed:
        path.write_text(texts[path])
    return changed


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not _VERSION.fullmatch(arguments[0]):
        print("usage: python scripts/bump.py X.Y.Z[aN|bN|rcN]", file=sys.stderr)
        return 2
    for path in bump(ROOT, arguments[0]):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
