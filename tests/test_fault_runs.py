"""Deploys over a Hub that fails: seeded schedules of faults, over random trees.

Each deploy ends in the exact tree, or in a clear error with the files as they were; a run without faults then
always leads to the tree, and not to a second commit. Nothing else on the Hub is touched, and no run asks for
more than its budget. Spaces have their settings as well, and end like a twin that nothing happened to. `make
fuzz` runs many more of them.
"""

import hashlib
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

import hfdeploy_core
from hfdeploy_core.errors import AnswerLost, DeployError
from hfdeploy_core.hub.client import HubClient
from hfdeploy_core.hub.retry import Budget
from hfdeploy_core.planning.trailers import DIGEST, read_trailers
from hfdeploy_core.testing import FakeClock
from hfdeploy_localhub import LocalHub

SCHEDULES = int(os.environ.get("HFDEPLOY_SCHEDULES", "40"))
SPACE_SCHEDULES = SCHEDULES // 10
MOST_TRIES = 4
# An undisturbed deploy asks for about ten things, one that is planned three times for twenty.
MOST_REQUESTS = 60
# With every setting there are twenty more.
MOST_SPACE_REQUESTS = 110

Files = dict[str, bytes]

_ROUTES = (
    "* /api/**",
    "* /**",
    "GET /api/models/*/*",
    "GET /api/**/commits/*",
    "GET /api/**/tree/**",
    "GET /api/**/auth-check/*",
    "POST /api/**/preupload/*",
    "POST /api/**/commit/*",
    "POST /api/**/commit/*",
    "POST|PUT|DELETE /api/**",
    "POST /api/repos/create",
    "* /**/info/lfs/**",
    "GET /api/**/xet-write-token/*",
)
_SPACE_ROUTES = (
    *_ROUTES,
    "POST|DELETE /api/spaces/*/*/variables",
    "POST|DELETE /api/spaces/*/*/secrets",
    "GET /api/spaces/*/*/variables",
    "GET /api/spaces/*/*/secrets",
    "POST /api/spaces/*/*/hardware",
    "POST /api/spaces/*/*/sleeptime",
    "PUT /api/spaces/*/*/settings",
)
_FAULTS = (
    "status=429 retry_after_seconds=7",
    "status=429 retry_after_seconds=100000",
    "status=500",
    "status=502",
    "status=503",
    "status=503 retry_after_seconds=3",
    "status=504",
    "reset=before",
    "reset=after",
    "reset=after",
    "truncate_bytes=0",
    "truncate_bytes=9",
    "head=moved",
    "token=expired",
)
_PATHS = ("a.txt", "b/c.txt", "b/d e.txt", "b/f/g.json", "h", "i.txt", "w.bin", "b/x.bin")


@dataclass(frozen=True)
class Schedule:
    """What the repo holds (None: there is none), what it shall hold, what goes wrong, and who meddles.

    `meddling` are files that somebody else commits right before the first commit.
    """

    held: Files | None
    wanted: Files
    rules: tuple[str, ...]
    mirror: bool
    meddling: Files


def draw(seed: int) -> Schedule:
    dice = random.Random(seed)
    held = None if dice.random() < 0.3 else draw_files(dice)
    wanted = draw_files(dice)
    if held and dice.random() < 0.3:
        wanted = dict(dice.sample(sorted(held.items()), k=dice.randint(1, len(held))))
    rules = tuple(draw_rule(dice) for _ in range(dice.randint(1, 3)))
    meddling = draw_files(dice) if dice.random() < 0.2 else {}
    return Schedule(held, wanted, rules, dice.random() < 0.5, meddling)


def draw_files(dice: random.Random) -> Files:
    paths = dice.sample(_PATHS, k=dice.randint(1, 6))
    return {path: dice.randbytes(dice.choice((0, 1, 300, 20_000))) for path in paths}


def draw_rule(dice: random.Random, routes: Sequence[str] = _ROUTES) -> str:
    count = "" if dice.random() < 0.15 else f" count={dice.choice((1, 1, 2, 3, 9))}"
    return f"{dice.choice(routes)} {dice.choice(_FAULTS)}{count} skip={dice.choice((0, 0, 0, 1, 2, 5))}"


class Meddled:
    """The Hub, where somebody else commits right before the first commit."""

    def __init__(self, hub: HubClient, meddle: Callable[[], Any] | None) -> None:
        self._hub = hub
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hub, name)

    def commit(self, *arguments: Any, **options: Any) -> str:
        if self._meddle is not None:
            meddle, self._meddle = self._meddle, None
            meddle()
        return self._hub.commit(*arguments, **options)


def deploy(
    hub: LocalHub,
    token: str,
    source: Path,
    repo: str,
    options: dict[str, Any],
    rules: Sequence[str],
    meddle: Callable[[], Any] | None = None,
) -> DeployError | None:
    """Deploy once, while requests fail as the rules say; the error, if it ends in one."""
    for rule in rules:
        hub.faults.add(rule)
    hub.requests.clear()
    clock = FakeClock()
    try:
        with HubClient(
            endpoint=hub.endpoint,
            token=token,
            on_event=lambda event: None,
            budget=Budget(attempts=MOST_TRIES),
            clock=clock,
        ) as client:
            meddled: Any = Meddled(client, meddle)
            hfdeploy_core.deploy(source, repo, hub=meddled, clock=clock, **options)
    except DeployError as error:
        return error
    finally:
        hub.faults.clear()
    return None


@dataclass
class Stage:
    """A hub with one repo that is deployed to, and others that nobody asked to touch."""

    hub: LocalHub
    api: HfApi
    token: str
    schedule: Schedule
    source: Path
    meddled: Files = field(default_factory=dict)

    def prepare(self) -> None:
        self.api.create_repo("alice/m-other")
        self.api.create_repo("alice/m", repo_type="dataset")
        write(self.source, self.schedule.wanted)
        if self.schedule.held is not None:
            self.api.create_repo("alice/m")
            self.push(self.schedule.held)

    def push(self, files: Files) -> None:
        """Make the repo hold these files beside what it has, as somebody else."""
        additions = [CommitOperationAdd(path, content) for path, content in files.items()]
        self.api.create_commit("alice/m", additions, commit_message="Somebody else's")

    def deploy(self, *rules: str, meddle: Callable[[], Any] | None = None) -> DeployError | None:
        options: dict[str, Any] = {"repo_type": "model", "mirror": self.schedule.mirror, "max_delete": "100%"}
        return deploy(self.hub, self.token, self.source, "alice/m", options, rules, meddle)

    def meddle(self) -> None:
        self.hub.faults.clear()
        self.push(self.schedule.meddling)
        self.meddled = self.schedule.meddling

    @property
    def expected(self) -> Files:
        """All that the repo holds in the end."""
        schedule = self.schedule
        kept = {} if schedule.mirror else {**(schedule.held or {}), **self.meddled}
        return {**kept, **schedule.wanted}

    def look(self) -> dict[str, str]:
        """Path -> name of the content of all that the repo holds, but for what the Hub put there."""
        if not self.api.repo_exists("alice/m"):
            return {}
        info = self.api.model_info("alice/m", files_metadata=True)
        held = {file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id for file in info.siblings}
        return {path: name for path, name in held.items() if path != ".gitattributes"}

    def count_ours(self) -> int:
        """How many commits a deploy has made."""
        if not self.api.repo_exists("alice/m"):
            return 0
        commits = self.api.list_repo_commits("alice/m")
        return sum(DIGEST in read_trailers(commit.message) for commit in commits)

    def list_others(self) -> dict[str, str]:
        """The heads of all that is not deployed to."""
        models, datasets = self.api.list_models(full=True), self.api.list_datasets(full=True)
        heads = {
            f"{type(item).__name__} {item.id}": item.sha for items in (models, datasets) for item in items
        }
        heads.pop("ModelInfo alice/m", None)
        return heads


def write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def holds(found: dict[str, str], files: Files) -> bool:
    """Whether a repo holds these files, each by the name that the Hub gives its content."""
    return found.keys() == files.keys() and all(
        found[path] in name(content) for path, content in files.items()
    )


def name(content: bytes) -> tuple[str, str]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return blob.hexdigest(), hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def hasty_xet(monkeypatch: pytest.MonkeyPatch) -> None:
    """hf_xet repeats requests of its own, by a clock that nobody can pass it."""
    monkeypatch.setenv("HF_XET_CLIENT_RETRY_MAX_ATTEMPTS", "2")
    monkeypatch.setenv("HF_XET_CLIENT_RETRY_BASE_DELAY", "10ms")


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_a_deploy_over_a_hub_that_fails(
    seed: int, hub: LocalHub, api: HfApi, canary: str, workspace: Path
) -> None:
    schedule = draw(seed)
    print(schedule.rules)
    stage = Stage(hub, api, canary, schedule, workspace / "source")
    stage.prepare()
    others = stage.list_others()
    before = schedule.held or {}

    error = stage.deploy(*schedule.rules, meddle=stage.meddle if schedule.meddling else None)
    assert len(hub.requests) <= MOST_REQUESTS
    found, made = stage.look(), stage.count_ours()
    if error is None:
        assert holds(found, stage.expected)
    elif isinstance(error, AnswerLost):
        assert made <= 1
    else:
        assert error.message
        assert error.remedy
        assert holds(found, {**before, **stage.meddled})
        assert made == 0

    assert stage.deploy() is None
    assert holds(stage.look(), stage.expected)
    assert stage.count_ours() <= 1
    assert stage.list_others() == others


def draw_space(dice: random.Random) -> dict[str, Any]:
    """What a Space is asked for, beside its files."""
    asked = {
        "visibility": dice.choice(("public", "private")),
        "gated": dice.choice(("none", "auto", "manual")),
        "hardware": dice.choice(("cpu-basic", "cpu-upgrade")),
        "sleep_seconds": dice.choice((600, 3600)),
        "variables": {name: dice.choice("12") for name in dice.sample("ABC", k=dice.randint(1, 3))},
        "secrets": {f"S{number}": f"secret {number} {dice.random()}" for number in range(dice.randint(0, 2))},
        "remove_variables": dice.sample("DE", k=dice.randint(0, 2)),
    }
    return {name: asked[name] for name in dice.sample(sorted(asked), k=dice.randint(3, len(asked)))}


@dataclass
class Spaces:
    """A Space that things happen to, and its twin."""

    hub: LocalHub
    api: HfApi
    token: str
    folder: Path

    def deploy(self, repo: str, files: Files, asked: dict[str, Any], *rules: str) -> DeployError | None:
        source = self.folder / repo
        write(source, {"README.md": b"---\nsdk: docker\n---\n", **files})
        return deploy(self.hub, self.token, source, f"alice/{repo}", asked, rules)

    def look(self, repo: str) -> dict[str, Any]:
        """All that a deploy is to bring about."""
        id = f"alice/{repo}"
        if not self.api.repo_exists(id, repo_type="space"):
            return {"files": {}, "private": True}
        info = self.api.space_info(id, files_metadata=True)
        commits = self.api.list_repo_commits(id, repo_type="space")
        held = {file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id for file in info.siblings}
        return {
            "files": held,
            "ours": sum(DIGEST in read_trailers(commit.message) for commit in commits),
            "private": info.private,
            "gated": info.gated,
            "hardware": info.runtime and info.runtime.requested_hardware,
            "sleep": info.runtime and info.runtime.sleep_time,
            "variables": {name: held.value for name, held in self.api.get_space_variables(id).items()},
            "secrets": set(self.api.get_space_secrets(id)),
        }


@pytest.mark.parametrize("seed", range(SPACE_SCHEDULES))
def test_a_space_and_its_settings_over_a_hub_that_fails(
    seed: int, hub: LocalHub, api: HfApi, canary: str, workspace: Path
) -> None:
    dice = random.Random(seed)
    spaces = Spaces(hub, api, canary, workspace)
    begins, rules = dice.random() < 0.6, [draw_rule(dice, _SPACE_ROUTES) for _ in range(dice.randint(1, 3))]
    earlier, later = [(draw_files(dice), draw_space(dice)) for _ in range(2)]
    earlier[1].update(variables={**earlier[1].get("variables", {}), "D": "4"}, remove_variables=[])
    print(rules, earlier[1], later[1])
    for name in ("app", "twin"):
        if begins:
            assert spaces.deploy(name, *earlier) is None
    before = spaces.look("app")
    assert spaces.deploy("twin", *later) is None
    after = spaces.look("twin")

    error = spaces.deploy("app", *later, *rules)
    assert len(hub.requests) <= MOST_SPACE_REQUESTS
    found = spaces.look("app")
    if error is None:
        assert found == after
    else:
        assert error.message
        assert error.remedy
        # A new Space has what the Hub puts there.
        assert found["files"] == after["files"] or before["files"].items() <= found["files"].items()
        # What is asked to be open is not before its files are there.
        is_opened = "visibility" in later[1] and before["private"] and not found["private"]
        assert found["files"] == after["files"] or not is_opened

    assert spaces.deploy("app", *later) is None
    assert spaces.look("app") == after
    assert spaces.look("twin") == after
