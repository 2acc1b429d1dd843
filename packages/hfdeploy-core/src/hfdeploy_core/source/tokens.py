"""What looks like a token or a private key in a text: where and of what kind, never itself (pure)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hfdeploy_core.redact import find_remembered

# Every text that a pattern could match has one of these: to look for them first is what makes it cheap.
_HINTS = (
    *(
        b"hf_",
        b"api_org_",
        b"gh",
        b"glpat-",
        b"AKIA",
        b"ASIA",
        b"PRIVATE KEY",
        b"AIza",
        b"xox",
        b"sk-",
        b"npm_",
    ),
    *(b"pypi-AgE", b"_live_", b"ecret_access_key", b"ECRET_ACCESS_KEY", b"ecretAccessKey"),
)
_KINDS = {
    "a Hugging Face token": rb"\b(?:hf|api_org)_(?:oauth_|jwt_)?[A-Za-z0-9]{24,}\b",
    "a GitHub token": rb"\b(?:gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b",
    "a GitLab token": rb"\bglpat-[A-Za-z0-9_-]{20,}",
    "an AWS access key": rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "an AWS secret key": rb"(?i:secret_?access_?key)[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}\b",
    "a Google API key": rb"\bAIza[A-Za-z0-9_-]{35}\b",
    "a Slack token": rb"\bxox[abeoprs]-[A-Za-z0-9-]{20,}",
    "an API key": rb"\bsk-[A-Za-z0-9_-]{32,}",
    "an npm token": rb"\bnpm_[A-Za-z0-9]{36}\b",
    "a PyPI token": rb"\bpypi-AgE[A-Za-z0-9_-]{40,}",
    "a Stripe key": rb"\b[rs]k_live_[A-Za-z0-9]{20,}",
    # With something of the key after it: code that looks for keys names the header alone.
    "a private key": rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|\s)+[A-Za-z0-9+/]",
}
# What people write where a token would stand has few characters over and over.
_FEWEST_DIFFERENT = 8


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A line that holds what looks like a token."""

    line: int
    kind: str


def find_tokens(content: bytes, lines_before: int = 0) -> Iterator[Suspicion]:
    """The first suspicious line of each kind in a text, counted from 1 after `lines_before`."""
    if (place := find_remembered(content)) is not None:
        yield Suspicion(lines_before + content.count(b"\n", 0, place) + 1, "a secret of this deploy")
    if not any(hint in content for hint in _HINTS):
        return
    # Compiled where there is a hint: a deploy that changes nothing has no time for it. re keeps them.
    for kind, pattern in _KINDS.items():
        for match in re.finditer(pattern, content):
            if len(set(match[0])) >= _FEWEST_DIFFERENT:
                yield Suspicion(lines_before + content.count(b"\n", 0, match.start()) + 1, kind)
                break
