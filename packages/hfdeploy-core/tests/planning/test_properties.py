"""What holds of every plan: carried out on a model of the repo, it makes of it what was asked for."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from hfdeploy_core.model import (
    Card,
    CommitFiles,
    FileEntry,
    Gated,
    HeldSecret,
    MaxDelete,
    Plan,
    Remote,
    RemoteFile,
    RemoveSecret,
    RemoveVariable,
    RepoInfo,
    RepoRef,
    RepoType,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Snapshot,
    Target,
    Variable,
    Visibility,
    Volume,
)
from hfdeploy_core.planning.deploy import plan_deploy
from hfdeploy_core.planning.digest import digest_plan

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
INFO = RepoInfo(SPACE, "", "h" * 40, Visibility.PRIVATE, "docker", hardware="cpu-basic")
# What no mirror deletes.
SPARED = {".gitattributes", "README.md"}

NAMES = st.sampled_from("ABCD")
TREES = st.dictionaries(
    # `d` and `d/a` cannot be in one tree.
    st.sampled_from(["a", "b", "README.md", ".gitattributes", "d/a", "d/b/c", "e"]),
    st.sampled_from("123"),
    max_size=6,
)
VALUES = st.dictionaries(NAMES, st.sampled_from("xyz"), max_size=3)
VOLUMES = st.lists(
    st.sampled_from([Volume("model", "a/b", "/m"), Volume("dataset", "a/c", "/d")]), unique=True
)


@dataclass
class Model:
    """A repo, reduced to what plans change: secrets are marked as `old` or `sent`."""

    files: dict[str, str]
    info: RepoInfo = INFO
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def show(self, *, backwards: bool = False) -> Remote:
        step = -1 if backwards else 1
        return Remote(
            replace(self.info, volumes=self.info.volumes[::step]),
            tuple(RemoteFile(path, 1, content * 40) for path, content in list(self.files.items())[::step]),
            variables=tuple(Variable(*item) for item in list(self.variables.items())[::step]),
            secrets=tuple(HeldSecret(name) for name in list(self.secrets)[::step]),
        )

    def carry_out(self, plan: Plan) -> None:
        for change in plan.changes:
            self._make(change)

    def _make(self, change: Any) -> None:
        match change:
            case CommitFiles():
                for path in change.deletions:
                    del self.files[path]
                for put in change.puts:
                    assert put.replaces == (put.entry.path in self.files)
                    self.files[put.entry.path] = put.entry.blob_id[0]
            case SetVisibility(visibility=after, before=before):
                self._set("visibility", before, after)
            case SetGated(gated=after, before=before):
                self._set("gated", before, after)
            case SetHardware(hardware=hardware, before=rented):
                self._set("hardware", rented, hardware)
            case SetSleep(sleep_seconds=seconds, before=slept):
                self._set("sleep_seconds", slept, seconds)
            case SetVolumes(volumes=mounted, before=unmounted):
                self._set("volumes", unmounted, mounted)
            case SetVariable(name=name, value=value, before=old):
                assert self.variables.get(name) == old
                assert name not in self.secrets
                self.variables[name] = value
            case RemoveVariable(name=name, before=old):
                assert self.variables.pop(name) == old
            case SetSecret(name=name, replaces=replaces):
                assert replaces == (name in self.secrets)
                assert name not in self.variables
                self.secrets[name] = "sent"
            case RemoveSecret(name=name):
                del self.secrets[name]
            case _:
                raise AssertionError(change)

    def _set(self, name: str, before: Any, after: Any) -> None:
        assert getattr(self.info, name) == before
        self.info = replace(self.info, **{name: after})


@st.composite
def models(draw: st.DrawFn) -> Model:
    variables, secrets = draw(VALUES), draw(st.sets(NAMES, max_size=3))
    info = replace(
        INFO,
        visibility=draw(st.sampled_from(Visibility)),
        gated=draw(st.sampled_from(Gated)),
        hardware=draw(st.sampled_from(["cpu-basic", "cpu-upgrade"])),
        sleep_seconds=draw(st.sampled_from([None, 60, 3600])),
        volumes=tuple(draw(VOLUMES)),
    )
    return Model(draw(TREES), info, variables, dict.fromkeys(secrets - variables.keys(), "old"))


@st.composite
def targets(draw: st.DrawFn) -> Target:
    variables, secrets = draw(VALUES), draw(st.sets(NAMES, max_size=2))
    secrets -= variables.keys()
    volumes = draw(st.none() | VOLUMES)
    return Target(
        SPACE,
        "title",
        visibility=draw(st.none() | st.sampled_from(Visibility)),
        mirror=draw(st.booleans()),
        max_delete=MaxDelete(0, 100),
        gated=draw(st.none() | st.sampled_from(Gated)),
        hardware=draw(st.none() | st.sampled_from(["cpu-basic", "cpu-upgrade"])),
        sleep_seconds=draw(st.none() | st.sampled_from([60, 3600])),
        volumes=None if volumes is None else tuple(volumes),
        variables=tuple(Variable(*item) for item in variables.items()),
        secrets=tuple(secrets),
        removed_variables=tuple(draw(st.sets(NAMES)) - variables.keys()),
        removed_secrets=tuple(draw(st.sets(NAMES)) - secrets),
    )


def snapshot(files: dict[str, str]) -> Snapshot:
    entries = [FileEntry(path, 1, content * 40, None) for path, content in sorted(files.items())]
    card = Card("", has_front_matter=True, sdk="docker") if "README.md" in files else None
    return Snapshot(Path("source"), tuple(entries), card=card)


def is_possible(model: Model, target: Target) -> bool:
    """Whether no name is to be a variable and a secret at once: such a plan is refused."""
    variables = {variable.name for variable in target.variables}
    held_variables = model.variables.keys() - set(target.removed_variables)
    held_secrets = model.secrets.keys() - set(target.removed_secrets)
    return not variables & held_secrets and not set(target.secrets) & held_variables


@given(models(), targets(), TREES)
def test_a_plan_that_is_carried_out_gives_the_target(
    model: Model, target: Target, files: dict[str, str]
) -> None:
    assume(files and is_possible(model, target))
    before = deepcopy(model)
    model.carry_out(plan_deploy(target, snapshot(files), model.show()))
    kept = {path: content for path, content in before.files.items() if not target.mirror or path in SPARED}
    assert model.files == {**kept, **files}
    for name in ("visibility", "gated", "hardware", "sleep_seconds"):
        asked = getattr(target, name)
        assert getattr(model.info, name) == (getattr(before.info, name) if asked is None else asked)
    assert set(model.info.volumes) == set(before.info.volumes if target.volumes is None else target.volumes)
    wanted = {variable.name: variable.value for variable in target.variables}
    stay = {n: v for n, v in before.variables.items() if n not in target.removed_variables}
    assert model.variables == {**stay, **wanted}
    held = {n: v for n, v in before.secrets.items() if n not in target.removed_secrets}
    assert model.secrets == {**held, **dict.fromkeys(target.secrets, "sent")}


@given(models(), targets(), TREES)
def test_a_plan_of_what_is_there_is_empty(model: Model, target: Target, files: dict[str, str]) -> None:
    assume(files and is_possible(model, target))
    model.carry_out(plan_deploy(target, snapshot(files), model.show()))
    again = plan_deploy(target, snapshot(files), model.show(), known_secrets=frozenset(target.secrets))
    assert again.changes == ()


@given(models(), targets(), TREES)
def test_the_order_of_what_is_listed_does_not_matter(
    model: Model, target: Target, files: dict[str, str]
) -> None:
    assume(files and is_possible(model, target))
    plan = plan_deploy(target, snapshot(files), model.show())
    turned = replace(
        target,
        variables=target.variables[::-1],
        secrets=target.secrets[::-1],
        removed_variables=target.removed_variables[::-1],
        removed_secrets=target.removed_secrets[::-1],
    )
    remote = replace(model.show(backwards=True), info=model.info)
    assert digest_plan(plan_deploy(turned, snapshot(files), remote)) == digest_plan(plan)
