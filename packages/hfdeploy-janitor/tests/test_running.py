"""Jobs, scheduled jobs and inference endpoints: made by the stock client, found and ended by a sweep."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from hfdeploy_core.errors import PermissionRefused
from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.client import HubClient
from hfdeploy_janitor.decide import KEEP_TAG
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.listing import list_kind
from hfdeploy_janitor.mark import Mark, Seal, write_mark
from hfdeploy_janitor.model import Fate, Plan, Thing
from hfdeploy_janitor.rules import RUNNING_KINDS, Kind, Policy, Rule
from hfdeploy_janitor.sweep import apply_plan, make_plan
from hfdeploy_janitor.testing import FakeHub

from .running_service import RunningService, serving

HOUR = 3600.0
START = datetime(2026, 1, 2, tzinfo=UTC)


class World:
    """A service whose clock is moved by hand, the stock client of it, and the janitor's."""

    def __init__(self, endpoint: str, service: RunningService, clock: FakeClock, token: str) -> None:
        self.service = service
        self.clock = clock
        self.api = HfApi(endpoint=endpoint, token=token)
        self.hub = HubClient(clock, Budget(clock), endpoint=endpoint, token=token)
        self.seal = Seal(endpoint, b"a key for tests")
        self.minted = 0

    def mark(self, kind: Kind, *, ttl_hours: float = 1, namespace: str = "alice") -> str:
        now = self.clock.now()
        self.minted += 1
        said = Mark(f"r{self.minted}", now, now + timedelta(hours=ttl_hours))
        return write_mark(self.seal, kind, namespace, "ci-", said)

    def make(
        self, kind: Kind, mark: str, *, name: str | None = None, labels: dict[str, str] | None = None
    ) -> None:
        match kind:
            case Kind.JOB:
                self.api.run_job(image="x", command=["true"], name=mark, labels=labels, namespace="alice")
            case Kind.SCHEDULED_JOB:
                self.api.create_scheduled_job(
                    image="x",
                    command=["true"],
                    schedule="@hourly",
                    name=mark,
                    labels=labels,
                    namespace="alice",
                )
            case _:
                self.api.create_inference_endpoint(
                    name or f"ci-{len(self.service.items)}",
                    repository="r",
                    framework="pytorch",
                    accelerator="cpu",
                    instance_size="x1",
                    instance_type="t",
                    region="r",
                    vendor="v",
                    tags=[mark, *(labels or ())],
                    namespace="alice",
                )

    def plan(self, kind: Kind, **limits: object) -> Plan:
        policy = Policy((Rule("alice", "ci-", 2 * HOUR, (kind,), marked=True),))
        return make_plan(self.hub, replace(policy, **limits), self.clock, self.seal)  # type: ignore[arg-type]

    def list(self, kind: Kind) -> tuple[Thing, ...]:
        listing = list_kind(self.hub, kind, "alice", self.clock)
        assert listing.failure is None
        return listing.things


@pytest.fixture
def world(canary: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    clock = FakeClock(START)
    service = RunningService(clock.now)
    with serving(service) as endpoint:
        monkeypatch.setattr(constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{endpoint}/v2")
        yield World(endpoint, service, clock, canary)


@pytest.mark.parametrize("kind", RUNNING_KINDS)
def test_what_is_old_and_marked_is_ended_and_nothing_else(world: World, tmp_path: Path, kind: Kind) -> None:
    used_again = world.mark(kind)
    world.make(kind, world.mark(kind))
    world.make(kind, world.mark(kind, namespace="bob"))
    world.make(kind, world.mark(kind), labels={KEEP_TAG: ""})
    world.make(kind, "ci-unmarked")
    world.clock.sleep(6 * HOUR)
    world.make(kind, world.mark(kind))
    world.make(kind, used_again)
    world.clock.sleep(1.5 * HOUR)
    plan = world.plan(kind)
    assert len(plan.targets) == 1, plan
    reasons = " ".join(kept.reason for kept in plan.kept)
    for words in ("mac that does not fit", "tagged", "carries no mark", "it expires at", "used again"):
        assert words in reasons
    before = world.list(kind)
    report = apply_plan(plan, world.hub, world.clock, Journal(tmp_path, world.hub.endpoint), seal=world.seal)
    assert [result.fate for result in report.results] == [Fate.DELETED], report
    assert report.exit_code == 0
    assert set(before) - set(world.list(kind)) == {plan.targets[0].thing}
    assert (
        apply_plan(plan, world.hub, world.clock, Journal(tmp_path, world.hub.endpoint), seal=world.seal)
        .results[0]
        .fate
        is Fate.GONE
    )
    events = Journal(tmp_path, world.hub.endpoint).path.read_text().splitlines()
    assert '"intent"' in events[0]
    assert '"deleted"' in events[1]


def test_a_job_is_cancelled_and_its_history_stays(world: World, tmp_path: Path) -> None:
    world.make(Kind.JOB, world.mark(Kind.JOB))
    world.clock.sleep(3 * HOUR)
    apply_plan(
        world.plan(Kind.JOB), world.hub, world.clock, Journal(tmp_path, world.hub.endpoint), seal=world.seal
    )
    (job,) = world.api.list_jobs(namespace="alice")
    assert job.status.stage == "CANCELED"
    assert world.list(Kind.JOB) == ()


def test_a_job_that_was_run_again_does_not_save_the_first(world: World, tmp_path: Path) -> None:
    mark = world.mark(Kind.JOB)
    world.make(Kind.JOB, mark)
    world.clock.sleep(6 * HOUR)
    world.make(Kind.JOB, mark)
    world.clock.sleep(2 * HOUR)
    plan = world.plan(Kind.JOB)
    assert len(plan.targets) == 1
    apply_plan(plan, world.hub, world.clock, Journal(tmp_path, world.hub.endpoint), seal=world.seal)
    (left,) = world.list(Kind.JOB)
    assert left.created_at == START + timedelta(hours=6)


def test_an_inference_endpoint_is_protected_by_its_own_name(world: World) -> None:
    world.make(Kind.INFERENCE_ENDPOINT, world.mark(Kind.INFERENCE_ENDPOINT), name="ci-golden")
    world.make(Kind.INFERENCE_ENDPOINT, world.mark(Kind.INFERENCE_ENDPOINT), name="production")
    world.clock.sleep(3 * HOUR)
    plan = world.plan(Kind.INFERENCE_ENDPOINT, protect=("*golden",))
    assert plan.targets == ()
    assert {kept.reason for kept in plan.kept} == {"it is protected by '*golden'", "no rule covers it"}


def test_the_latest_of_its_marks_counts(world: World) -> None:
    kind = Kind.INFERENCE_ENDPOINT
    world.make(kind, world.mark(kind), labels={world.mark(kind, ttl_hours=9): ""})
    world.clock.sleep(8 * HOUR)
    assert world.plan(kind).targets == ()
    world.clock.sleep(2 * HOUR)
    assert len(world.plan(kind).targets) == 1


@pytest.mark.parametrize("kind", [Kind.INFERENCE_ENDPOINT, Kind.SCHEDULED_JOB])
def test_what_was_changed_since_the_plan_is_spared(world: World, tmp_path: Path, kind: Kind) -> None:
    world.make(kind, world.mark(kind))
    world.clock.sleep(3 * HOUR)
    plan = world.plan(kind)
    (item,) = world.service.items.values()
    if kind is Kind.SCHEDULED_JOB:
        item["schedule"] = "@daily"
    else:
        item["status"]["updatedAt"] = world.clock.now().isoformat()
    (result,) = apply_plan(
        plan, world.hub, world.clock, Journal(tmp_path, world.hub.endpoint), seal=world.seal
    ).results
    assert result.fate is Fate.SPARED
    if kind is Kind.INFERENCE_ENDPOINT:
        assert "within the minimum age" in world.plan(kind).kept[0].reason


def test_an_inference_endpoint_that_was_made_again_is_spared(world: World, tmp_path: Path) -> None:
    kind = Kind.INFERENCE_ENDPOINT
    world.make(kind, world.mark(kind), name="ci-1")
    world.clock.sleep(3 * HOUR)
    plan = world.plan(kind)
    world.api.delete_inference_endpoint("ci-1", namespace="alice")
    world.make(kind, world.mark(kind), name="ci-1")
    (result,) = apply_plan(
        plan, world.hub, world.clock, Journal(tmp_path, world.hub.endpoint), seal=world.seal
    ).results
    assert (result.fate, result.words) == (Fate.SPARED, "It is another one of the same name.")


@pytest.mark.parametrize("kind", RUNNING_KINDS)
def test_a_refusal_is_no_absence(world: World, kind: Kind) -> None:
    world.make(kind, world.mark(kind))
    (thing,) = world.list(kind)
    assert world.hub.look(thing).thing == thing
    world.service.status = 403
    for ask in (world.hub.look, world.hub.delete):
        with pytest.raises(PermissionRefused):
            ask(thing)
    assert list_kind(world.hub, kind, "alice", world.clock).failure


@pytest.mark.parametrize("kind", RUNNING_KINDS)
def test_over_the_maximum_nothing_is_ended(world: World, tmp_path: Path, kind: Kind) -> None:
    for _ in range(3):
        world.make(kind, world.mark(kind))
    world.clock.sleep(3 * HOUR)
    plan = world.plan(kind, max_deletes=2)
    assert plan.refusal is not None
    assert (
        apply_plan(
            plan, world.hub, world.clock, Journal(tmp_path, world.hub.endpoint), seal=world.seal
        ).exit_code
        == 5
    )
    assert len(world.list(kind)) == 3


def test_the_token_does_not_leave_for_the_inference_endpoints_of_another_hub(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = len(world.service.requests)
    monkeypatch.setattr(constants, "INFERENCE_ENDPOINTS_ENDPOINT", "https://elsewhere.test/v2")
    listing = list_kind(world.hub, Kind.INFERENCE_ENDPOINT, "alice", world.clock)
    assert "belong to https://huggingface.co" in (listing.failure or "")
    assert len(world.service.requests) == asked


@pytest.mark.parametrize("kind", RUNNING_KINDS)
def test_over_the_port_as_well(
    clock: FakeClock, hub: FakeHub, seal: Seal, tmp_path: Path, kind: Kind
) -> None:
    said = Mark("r1", clock.now(), clock.now() + timedelta(hours=1))
    mark = write_mark(seal, kind, "alice", "ci-", said)
    made = hub.add(kind, mark)
    hub.add(kind, "ci-unmarked")
    clock.sleep(3 * HOUR)
    policy = Policy((Rule("alice", "ci-", 2 * HOUR, (kind,), marked=True),))
    plan = make_plan(hub, policy, clock, seal)
    assert [target.thing for target in plan.targets] == [made]
    assert apply_plan(plan, hub, clock, Journal(tmp_path, hub.endpoint), seal=seal).count(Fate.DELETED) == 1
    assert hub.deleted == [made]
