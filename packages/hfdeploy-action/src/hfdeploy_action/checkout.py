"""Fetches the repository into an empty workspace, for workflows without a checkout of their own."""

import base64
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hfdeploy_action.errors import CheckoutFailed
from hfdeploy_core import redact

_PASSED_ON = (
    "PATH",
    "HOME",
    "SYSTEMROOT",
    "USERPROFILE",
    "TMPDIR",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "https_proxy",
)
_TIMEOUT_SECONDS = 600
_LONGEST_WORDS = 500


def is_needed(workspace: Path, source: str) -> bool:
    """Whether there is nothing in the workspace, and the source is to be found there."""
    return not Path(source).is_absolute() and workspace.is_dir() and not any(workspace.iterdir())


def check_out(
    workspace: Path, repository: str, commit: str, server: str, token: str, environment: Mapping[str, str]
) -> None:
    """The commit of the repository, without its history. Raises CheckoutFailed.

    The token is told to git by its environment: it is in no argument, no URL and no `.git/config`.
    """
    server = server.rstrip("/")
    variables = {name: environment[name] for name in _PASSED_ON if name in environment}
    variables |= {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        variables |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
        }
    for command in (
        ("init", "--quiet"),
        ("remote", "add", "origin", f"{server}/{repository}"),
        ("fetch", "--quiet", "--depth=1", "--no-tags", "origin", commit),
        ("checkout", "--quiet", "--detach", "FETCH_HEAD"),
    ):
        _run_git(workspace, command, variables)


def _run_git(workspace: Path, command: tuple[str, ...], variables: dict[str, str]) -> None:
    doing = f"git {command[0]}"
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *command],  # noqa: S607
            cwd=workspace,
            env=variables,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise CheckoutFailed(
            "The workspace is empty, and this runner has no git to fetch the repository with."
        ) from None
    except subprocess.TimeoutExpired:
        raise CheckoutFailed(
            f"The workspace is empty, and {doing} takes longer than {_TIMEOUT_SECONDS} s."
        ) from None
    if done.returncode:
        words = redact(" ".join(done.stderr.split()))[-_LONGEST_WORDS:]
        raise CheckoutFailed(f"The workspace is empty, and {doing} failed: {words}")
