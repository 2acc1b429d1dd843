"""What somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_FEW = 8


def suggest(word: str, known: Iterable[str]) -> str:
    """How a sentence about an unknown word ends: with the closest one known, or all if they are few."""
    names = sorted(map(str, known))
    if close := get_close_matches(word, names, n=1, cutoff=0.5):
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(names)}." if 0 < len(names) <= _FEW else "."
