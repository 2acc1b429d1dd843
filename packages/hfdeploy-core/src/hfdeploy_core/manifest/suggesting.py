"""What somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_FEW = 8


def suggest(word: str, known: Iterable[str]) -> str:
    """How a sentence about an unknown word ends: with the closest one known, or all if they are few."""
    names = sorted(map(str, known))
    small = {name.lower(): name for name in names}
    begun = [name for name in small if word and name.startswith(word.lower())]
    if close := begun or get_close_matches(word.lower(), small, n=1):
        return f"; did you mean {small[close[0]]!r}?"
    return f"; there are {', '.join(names)}." if 0 < len(names) <= _FEW else "."
