"""Saved plans of manifests, after a run of theirs was cut short."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hfdeploy_core import Relay, project
from hfdeploy_core.errors import PlanStale
from hfdeploy_core.testing import FakeHub

STEPS = ", steps: {before: [{type: run, command: 'true'}]}"


@pytest.mark.parametrize("more", ["", STEPS])
def test_what_was_begun_is_gone_on_with_and_what_others_did_is_not(
    tmp_path: Path, hub: FakeHub, more: str
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "notes.txt").write_text("notes")
    file, saved = tmp_path / "hfdeploy.yaml", tmp_path / "saved.json"
    file.write_text(f"version: 1\ntargets:\n  m: {{type: model, repo: alice/m, source: files{more}}}\n")
    loaded = project.load_project(file)
    project.save_project_plan(project.plan_project(loaded, hub=hub), str(file), saved)
    plan = project.load_project_plan(saved)
    commit, hub.commit = hub.commit, lambda *given, **named: stop()  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        project.apply_project(project.recall_project_plan(plan, loaded, hub=hub), hub=hub)
    hub.commit = commit  # type: ignore[method-assign]
    project.apply_project(project.recall_project_plan(plan, loaded, hub=hub), hub=hub)
    (repo,) = hub.repos.values()
    assert repo.files["notes.txt"] == b"notes"
    (tmp_path / "files" / "notes.txt").write_text("others")
    with pytest.raises(PlanStale, match="changed of m is another by now"):
        project.recall_project_plan(plan, loaded, hub=hub)


APP = """version: 1
targets:
  app: {type: space, repo: alice/app, source: app, sdk: static}
  client:
    type: space
    repo: alice/client
    source: app
    sdk: static
    visibility: private
    message: "beside ${targets.app.commit}"
    variables: {APP: "https://${targets.app.host}/api", AT: "${targets.app.commit}"}
  door: {type: relay, upstream: client, allow_origins: "${targets.app.space_url}"}
"""


@dataclass(frozen=True)
class Content:
    files: Mapping[str, bytes]
    variables: Mapping[str, str]


def make_relay(environment: Mapping[str, str], *, allow_origins: str, **asked: object) -> Relay:
    files = {"README.md": b"---\nsdk: docker\n---\n", "relay.json": b"{}"}
    return Relay(lambda target: Content(files, {"ORIGINS": allow_origins}), "RELAY_OF", "relay.json")


class Killing(FakeHub):
    """A Hub whose nth moment around a write is the last one of who asks."""

    moments = 0

    def _call_after(self, method: str) -> None:
        super()._call_after(method)
        if method in self.writes and method != "stage":
            self.moments -= 1
            if self.moments == 0:
                stop()


def test_what_is_known_after_apply_only_is_gone_on_with_wherever_it_was_killed(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "index.html").write_text("hello")
    file, saved = tmp_path / "hfdeploy.yaml", tmp_path / "saved.json"
    file.write_text(APP)
    loaded = project.load_project(file, make_relay=make_relay)
    for moments in range(1, 40, 3):
        shutil.rmtree(tmp_path / ".hfdeploy", ignore_errors=True)
        hub = Killing()
        project.save_project_plan(project.plan_project(loaded, hub=hub), str(file), saved)
        plan = project.load_project_plan(saved)
        hub.moments = moments
        try:
            project.apply_project(project.recall_project_plan(plan, loaded, hub=hub), hub=hub)
        except KeyboardInterrupt:
            project.apply_project(project.recall_project_plan(plan, loaded, hub=hub), hub=hub)
        app, client, door = hub.repos.values()
        commit = app.commits[-1].id
        assert client.variables == {"APP": "https://alice-app.space.test/api", "AT": commit}
        assert client.commits[-1].title == f"beside {commit}"
        assert (door.variables["ORIGINS"], door.visibility) == ("https://alice-app.space.test", "public")
        assert [len(repo.commits) for repo in (app, client, door)] == [2, 2, 2]
        if hub.moments > 0:
            break
    assert moments > 10


def stop() -> None:
    raise KeyboardInterrupt
