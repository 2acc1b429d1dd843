"""A comment on the pull request that says what was deployed: one for each repo, renewed in place."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from hfdeploy_action.errors import CommentFailed
from hfdeploy_core import redact

_LONGEST_BODY = 65_000
_A_PAGE = 100
_MOST_PAGES = 30
_TIMEOUT_SECONDS = 30


def tell_pull_request(text: str, name: str, repository: str, number: int, api: str, token: str) -> None:
    """Write or renew the comment about `name`. Raises CommentFailed."""
    marker = f"<!-- hfdeploy: {name} -->"
    body = {"body": f"{marker}\n{redact(text)[:_LONGEST_BODY]}"}
    comments = f"{api}/repos/{repository}/issues/{number}/comments"
    for comment in _list_comments(comments, token):
        if str(comment.get("body", "")).startswith(marker):
            _ask("PATCH", f"{api}/repos/{repository}/issues/comments/{int(comment['id'])}", token, body)
            return
    _ask("POST", comments, token, body)


def _list_comments(url: str, token: str) -> Iterator[dict[str, Any]]:
    for page in range(1, _MOST_PAGES + 1):
        comments = _ask("GET", f"{url}?per_page={_A_PAGE}&page={page}", token)
        yield from comments
        if len(comments) < _A_PAGE:
            return


def _ask(method: str, url: str, token: str, content: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310  the runner's own address
        url,
        method=method,
        data=None if content is None else json.dumps(content).encode(),
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            reason = f"GitHub answers {error.code}"
    except (OSError, ValueError) as error:
        reason = f"no answer from GitHub ({type(error).__name__})"
    raise CommentFailed(f"The pull request cannot be commented on: {reason}.")
