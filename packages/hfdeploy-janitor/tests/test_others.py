"""What is no repo, on the local hub: listed, looked at, deleted, and swept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_core.errors import PermissionRefused
from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.client import HubClient
from hfdeploy_janitor.decide import decide
from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.listing import list_kind
from hfdeploy_janitor.mark import Mark, Seal, write_mark
from hfdeploy_janitor.model import Delete, Fate, Keep, Thing
from hfdeploy_janitor.rules import REPO_KINDS, RUNNING_KINDS, Kind, Policy, Rule, check_policy
from hfdeploy_janitor.sweep import apply_plan, make_plan
from hfdeploy_localhub import LocalHub

from .conftest import Past

OTHERS = [kind for kind in Kind if kind not in (*REPO_KINDS, *RUNNING_KINDS)]
WITHIN = {
    Kind.BRANCH: "models/alice/repo",
    Kind.TAG: "models/alice/repo",
    Kind.PULL_REQUEST: "models/alice/repo",
}


def name_of(seal: Seal, kind: Kind, at: datetime, *, within: str | None = None) -> str:
    mark = Mark("r.1", at, at + timedelta(hours=1))
    return write_mark(seal, kind, within or WITHIN.get(kind, "alice"), "ci-", mark)


def create(api: HfApi, kind: Kind, name: str) -> None:
    match kind:
        case Kind.BRANCH:
            api.create_branch("alice/repo", branch=name)
        case Kind.TAG:
            api.create_tag("alice/repo", tag=name)
        case Kind.PULL_REQUEST:
            api.create_pull_request("alice/repo", title=name)
        case Kind.COLLECTION:
            api.create_collection(title=name, namespace="alice")
        case Kind.WEBHOOK:
            watched = [{"type": "user", "name": "alice"}]
            api.create_webhook(url=f"https://hooks.test/{name}?x=1", watched=watched)
        case Kind.BUCKET:
            api.create_bucket(f"alice/{name}")


def create_marked(api: HfApi, seal: Seal, past: Past, kind: Kind, hours: float) -> str:
    """What was made so long ago, under a mark of that time."""
    past.ahead = -timedelta(hours=hours)
    name = name_of(seal, kind, past())
    create(api, kind, name)
    past.ahead = timedelta()
    return name


@pytest.fixture
def ours(local: LocalHub) -> Seal:
    return Seal(local.endpoint, b"a key for tests")


@pytest.fixture
def hub(local: LocalHub, api: HfApi, past: Past) -> HubClient:
    api.create_repo("alice/repo")
    api.create_repo("alice/data", repo_type="dataset")
    api.create_repo("acme/repo")
    clock = FakeClock(past())
    return HubClient(clock, Budget(clock))


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_old_and_marked_goes_and_nothing_else(
    hub: HubClient, api: HfApi, ours: Seal, past: Past, tmp_path: Path, kind: Kind
) -> None:
    old, young = (create_marked(api, ours, past, kind, hours) for hours in (7, 1.5))
    # Marked for another place: copied there by hand.
    foreign = name_of(ours, kind, past() - timedelta(hours=7), within="models/alice/else")
    for name in (foreign, "ci-1"):
        create(api, kind, name)
    clock = FakeClock(past())
    policy = Policy((Rule("alice", "ci-", 7200.0, (kind,), marked=True),))
    plan = make_plan(hub, policy, clock, ours)
    assert [target.thing.name for target in plan.targets] == [old]
    report = apply_plan(plan, hub, clock, Journal(tmp_path, hub.endpoint), seal=ours)
    assert [result.fate for result in report.results] == [Fate.DELETED], report
    assert report.exit_code == 0
    left = {thing.name for thing in list_kind(hub, kind, "alice", clock).things}
    assert left == {young, foreign, "ci-1"}
    assert (
        apply_plan(plan, hub, clock, Journal(tmp_path, hub.endpoint), seal=ours).results[0].fate is Fate.GONE
    )


@pytest.mark.parametrize("kind", [Kind.BRANCH, Kind.TAG])
def test_a_ref_that_moved_is_spared(
    hub: HubClient, api: HfApi, ours: Seal, past: Past, tmp_path: Path, kind: Kind
) -> None:
    name = create_marked(api, ours, past, kind, 7)
    clock = FakeClock(past())
    plan = make_plan(hub, Policy((Rule("alice", "ci-", 7200.0, (kind,), marked=True),)), clock, ours)
    if kind is Kind.BRANCH:
        api.upload_file(path_or_fileobj=b"", path_in_repo="new", repo_id="alice/repo", revision=name)
    else:
        api.upload_file(path_or_fileobj=b"", path_in_repo="new", repo_id="alice/repo")
        api.delete_tag("alice/repo", tag=name)
        create(api, kind, name)
    (result,) = apply_plan(plan, hub, clock, Journal(tmp_path, hub.endpoint), seal=ours).results
    assert result.fate is Fate.SPARED


@pytest.mark.parametrize("kind", [Kind.BUCKET, Kind.PULL_REQUEST])
def test_a_name_that_was_used_again_is_kept(
    hub: HubClient, api: HfApi, ours: Seal, past: Past, kind: Kind
) -> None:
    create(api, kind, name_of(ours, kind, past() - timedelta(hours=7)))
    plan = make_plan(
        hub, Policy((Rule("alice", "ci-", 7200.0, (kind,), marked=True),)), FakeClock(past()), ours
    )
    assert plan.targets == ()
    assert "used again" in plan.kept[0].reason


def test_a_collection_that_was_changed_lately_is_kept(
    hub: HubClient, api: HfApi, ours: Seal, past: Past
) -> None:
    name = create_marked(api, ours, past, Kind.COLLECTION, 7)
    (found,) = list_kind(hub, Kind.COLLECTION, "alice", FakeClock(past())).things
    api.update_collection_metadata(found.handle or "", description="still in use")
    policy = Policy((Rule("alice", "ci-", 7200.0, (Kind.COLLECTION,), marked=True),))
    (kept,) = make_plan(hub, policy, FakeClock(past()), ours).kept
    assert kept.thing.name == name
    assert "within the minimum age" in kept.reason


def test_a_bucket_that_was_filled_or_moved_is_spared(
    hub: HubClient, api: HfApi, ours: Seal, past: Past, tmp_path: Path
) -> None:
    filled, moved = (create_marked(api, ours, past, Kind.BUCKET, hours) for hours in (7, 8))
    clock = FakeClock(past())
    policy = Policy((Rule("alice", "ci-", 7200.0, (Kind.BUCKET,), marked=True),))
    plan = make_plan(hub, policy, clock, ours)
    assert len(plan.targets) == 2
    api.batch_bucket_files(f"alice/{filled}", add=[(b"x", "file")])
    api.move_bucket(f"alice/{moved}", "alice/kept")
    results = apply_plan(plan, hub, clock, Journal(tmp_path, hub.endpoint), seal=ours).results
    words = {result.target.thing.name: (result.fate, result.words) for result in results}
    assert words[filled] == (Fate.SPARED, "It was changed since the plan.")
    assert words[moved][0] is Fate.SPARED
    assert "alice/kept" in words[moved][1]


def test_an_answer_that_cannot_be_understood_makes_it_incomplete(
    hub: HubClient, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(api, Kind.COLLECTION, "ci-1")
    monkeypatch.setattr("hfdeploy_janitor.others.read_json", lambda answer, doing: [{"slug": None}])
    listing = list_kind(hub, Kind.COLLECTION, "alice", FakeClock(datetime.now(UTC)))
    assert "cannot be understood" in (listing.failure or "")


@pytest.mark.parametrize("kind", OTHERS)
def test_a_refusal_is_no_absence(hub: HubClient, api: HfApi, local: LocalHub, ours: Seal, kind: Kind) -> None:
    create(api, kind, "ci-1")
    clock = FakeClock(datetime.now(UTC))
    (thing,) = list_kind(hub, kind, "alice", clock).things
    assert hub.look(thing).thing == thing
    local.faults.add("* ** status=403")
    for ask in (hub.look, hub.delete):
        with pytest.raises(PermissionRefused):
            ask(thing)
    assert list_kind(hub, kind, "alice", clock).failure


def test_the_branches_of_a_repo_that_is_gone_are_gone(hub: HubClient, api: HfApi) -> None:
    create(api, Kind.BRANCH, "ci-1")
    (thing,) = list_kind(hub, Kind.BRANCH, "alice", FakeClock(datetime.now(UTC))).things
    api.delete_repo("alice/repo")
    assert hub.look(thing).thing is None
    assert hub.delete(thing) is False


def test_webhooks_of_somebody_else_cannot_be_listed(hub: HubClient) -> None:
    assert "alice's" in (list_kind(hub, Kind.WEBHOOK, "acme", FakeClock(datetime.now(UTC))).failure or "")


def test_without_marks_only_repos_are_deleted(ours: Seal) -> None:
    with pytest.raises(RuleInvalid, match="branch, which go by their marks alone"):
        check_policy(Policy((Rule("alice", "ci-", 7200.0, (Kind.MODEL, Kind.BRANCH)),)))
    policy = Policy((Rule("alice", "ci-", 7200.0, (Kind.BRANCH,), marked=True),))
    now = datetime.now(UTC)
    name = name_of(ours, Kind.BRANCH, now - timedelta(hours=7))
    branch = Thing(Kind.BRANCH, "alice", name, "x", None, None, within="models/alice/repo")
    assert isinstance(decide(branch, policy, now, ours), Delete)
    assert isinstance(decide(branch, policy, now), Keep)
    assert isinstance(decide(branch, Policy(policy.rules, ("ci-*",)), now, ours), Keep)
    assert isinstance(decide(branch, policy, now - timedelta(hours=5.5), ours), Keep)
    assert isinstance(decide(branch, Policy(policy.rules, min_age_seconds=8 * 3600.0), now, ours), Keep)
