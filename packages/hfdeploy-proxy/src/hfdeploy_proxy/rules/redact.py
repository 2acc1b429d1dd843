"""What may not stand in a log. Pure."""

import re

# Tokens of the Hub and keys of the relay, wherever somebody has put them.
_SECRET = re.compile(r"\b(hf|hfdp|api_org)_[A-Za-z0-9_-]{4,}")


def redact(text: str) -> str:
    """The text with every token in it masked."""
    return _SECRET.sub(r"\1_***", text)
