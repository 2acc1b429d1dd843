"""Makes the environment that the action runs in, and runs the action there.

Started as a file by `start.sh`, with nothing but the standard library: `python -I -S environment.py`. What
the action needs is put into a folder of its own below RUNNER_TEMP, from locks with hashes. The runner's
Python, PATH and GITHUB_ENV stay as they are; a folder needs neither ensurepip nor a right to write there.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
LOCK = PACKAGE / "requirements.lock"
# What only manifests and relays need: to find it, pip takes longer than for all the rest.
SELDOM = PACKAGE / "seldom.lock"
# Our own distributions run from where the action was checked out: nothing has to be built.
SOURCES = ("hfdeploy-core", "hfdeploy-proxy", "hfdeploy-janitor", "hfdeploy", "hfdeploy-action")
_TIMEOUT_SECONDS = 600
_LONGEST_WORDS = 2000

# An installer gets what it needs to reach an index and to cache, and no other variable: neither a token nor a
# setting that would make it install elsewhere, from source or unchecked.
_KEPT = re.compile(
    r"PATH|HOME|TMPDIR|TEMP|TMP|LANG|LC_ALL|XDG_(CACHE|CONFIG)_HOME|NETRC"
    r"|SYSTEMROOT|SYSTEMDRIVE|USERPROFILE|(LOCAL)?APPDATA|PROGRAMDATA|COMSPEC|PATHEXT"
    r"|(HTTP|HTTPS|ALL|NO)_PROXY|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE"
    r"|PIP_((EXTRA_)?INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY|(NO_)?CACHE_DIR"
    r"|DEFAULT_TIMEOUT|RETRIES|CONFIG_FILE|KEYRING_PROVIDER)"
    r"|UV_((DEFAULT_)?INDEX|(EXTRA_)?INDEX_URL|INDEX_STRATEGY|INDEX_\w+_(USERNAME|PASSWORD)|FIND_LINKS|NO_INDEX"
    r"|INSECURE_HOST|NATIVE_TLS|SYSTEM_CERTS|CACHE_DIR|NO_CACHE|HTTP_TIMEOUT|OFFLINE|KEYRING_PROVIDER|LINK_MODE"
    r"|CONFIG_FILE)",
    re.IGNORECASE,
)
# A configuration file may ask for these too; the environment is stronger.
_OVERRIDES = {
    "PIP_USER": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


class InstallFailed(Exception):
    """The environment cannot be made; says why and what to do."""


def choose_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """What an installer is told of the job's environment; see `_KEPT`."""
    kept = {name: value for name, value in environment.items() if _KEPT.fullmatch(name)}
    # uv reads nothing of what is set for pip.
    if "PIP_INDEX_URL" in kept and not {"UV_INDEX_URL", "UV_DEFAULT_INDEX"} & kept.keys():
        kept["UV_DEFAULT_INDEX"] = kept["PIP_INDEX_URL"]
    if "PIP_CERT" in kept:
        kept.setdefault("SSL_CERT_FILE", kept["PIP_CERT"])
    return kept | _OVERRIDES


def choose_locks(environment: Mapping[str, str]) -> list[Path]:
    """What has to be installed for what the step is asked to do."""
    has_manifest = bool(environment.get("INPUT_MANIFEST", "").strip())
    has_relay = environment.get("INPUT_CREATE_PROXY", "").strip().lower() == "true"
    return [LOCK, SELDOM] if has_manifest or has_relay else [LOCK]


def choose_command(uv: str | None, python: str, locks: Sequence[Path], folder: Path) -> list[str]:
    """The command that puts all of the locks into the folder, checked against their hashes."""
    checked = ["--require-hashes", "--no-deps", "--target", str(folder)]
    checked += [word for lock in locks for word in ("--requirement", str(lock))]
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--no-build", "--python", python, *checked]
    quiet = ["--quiet", "--no-compile", "--no-warn-script-location", "--only-binary", ":all:"]
    return [python, "-I", "-m", "pip", "install", *quiet, *checked]


def name_environment(locks: Iterable[bytes], python: str) -> str:
    """One name for the same locks and Python: a second use in a job finds what the first one made."""
    return hashlib.sha256(b"\0".join([*locks, python.encode()])).hexdigest()[:16]


def prepare(parent: Path, environment: Mapping[str, str]) -> Path:
    """The folder with all packages that are needed, whole: it gets its name last. Raises InstallFailed."""
    locks = choose_locks(environment)
    version = (PACKAGE.parents[1] / "VERSION").read_text(encoding="utf-8").strip()
    folder = parent / name_environment(map(Path.read_bytes, locks), f"{version} {sys.version} {sys.platform}")
    if folder.is_dir():
        return folder
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="installing-") as place:
        variables = choose_variables(environment)
        uv = shutil.which("uv", path=variables.get("PATH"))
        made = Path(place, "packages")
        _install(choose_command(uv, sys.executable, locks, made), variables, Path(place))
        _tell_versions(made, version)
        try:
            made.rename(folder)
        except OSError:
            # Another use of the action at the same time was faster.
            if not folder.is_dir():
                raise
    return folder


def main() -> int:
    parent = Path(os.environ.get("RUNNER_TEMP") or tempfile.gettempdir(), "hfdeploy-action")
    try:
        packages = prepare(parent, os.environ)
    except InstallFailed as failed:
        told = str(failed).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        sys.stdout.write(f"::error title=Cannot set up hfdeploy::{told}\n")
        return 1
    sources = [str(PACKAGE.parent / name / "src") for name in SOURCES]
    sys.path[:0] = [*sources, str(packages)]
    from hfdeploy_action.main import run

    return run()


def _tell_versions(folder: Path, version: str) -> None:
    """Let importlib.metadata know our own distributions, which are run and not installed."""
    for name in SOURCES:
        facts = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")


def _install(command: list[str], variables: dict[str, str], folder: Path) -> None:
    try:
        # In a folder without anybody's configuration.
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, env=variables, capture_output=True, text=True, errors="replace",
            timeout=_TIMEOUT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InstallFailed(
            f"Installing took longer than {_TIMEOUT_SECONDS} s. Is the package index there?"
        ) from None
    if done.returncode == 0:
        return
    if "No module named pip" in done.stderr:
        raise InstallFailed(
            "This runner has neither uv nor pip."
            " Put a step with actions/setup-python or astral-sh/setup-uv before."
        )
    raise InstallFailed(
        f"What the action needs cannot be installed.\n{done.stderr.strip()[-_LONGEST_WORDS:]}"
    )


if __name__ == "__main__":
    sys.exit(main())
