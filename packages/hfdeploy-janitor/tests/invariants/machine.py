"""Histories: repos come, age and change, janitors sweep, Hubs fail, processes die. What must hold holds.

The numbers are those of the list of invariants in docs/architecture.md.
"""

import json
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hfdeploy_core.errors import DeployError
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.errors import ClockSkewed
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.model import Fate, Plan, Report, Result
from hfdeploy_janitor.report import render_json, render_table
from hfdeploy_janitor.rules import REPO_KINDS, Kind, Policy, Rule
from hfdeploy_janitor.sweep import apply_plan, make_plan, settle

from .oracle import is_put_away, may_go
from .worlds import ERRORS, FakeWorld, Killed, Truth, Witness, World

NAMES = ["test-1", "test-2", "test-3", "test.4", "test-keep-1", "tests-1", "testing", "mine"]
HOURS = st.sampled_from([30.0, 30.0, 6.1, 5.9, 2.1, 1.9, 0.5, 0.0])
KINDS = st.sampled_from(REPO_KINDS)
TAGS = st.sampled_from(
    ["hfdeploy-keep", "hfdeploy-expires-2026-01-01T03:00:00Z", "hfdeploy-expires-soon", "pet"]
)
CHANGES = st.sampled_from(["rename", "recreate", "edit", "tag", "duplicate", "remove"])

policies = st.builds(
    lambda rules, protect, deletes, percent, quarantine: Policy(
        tuple(rules), protect, 3600.0, deletes, percent, quarantine
    ),
    st.lists(
        st.builds(
            Rule,
            st.just("alice"),
            st.sampled_from(["test-", "test", "test-k"]),
            st.sampled_from([7200.0, 21600.0]),
            st.sampled_from([REPO_KINDS, (Kind.MODEL,)]),
            st.sampled_from([False, False, True]),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([(), ("*keep*",), ("alice/TEST-1",)]),
    st.sampled_from([1, 3, 100, 100]),
    st.sampled_from([None, None, 50.0]),
    st.sampled_from([None, None, 10800.0]),
)


class Histories(RuleBasedStateMachine):
    """One world, and what happens in it."""

    def make_world(self) -> World:
        return FakeWorld()

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()
        self.truth = Truth(self.world)
        self.folder = tempfile.TemporaryDirectory(prefix="hfdeploy-test-", dir=_fast_place())
        self.minted = 0
        self.saved: Plan | None = None

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize(
        policy=policies,
        budget=st.sampled_from([40, 1000]),
        things=st.lists(st.tuples(KINDS, st.sampled_from(NAMES), HOURS), min_size=2, max_size=6),
        marked=st.lists(st.tuples(KINDS, HOURS, st.sampled_from([1.0, 9.0])), max_size=3),
    )
    def begin(
        self,
        policy: Policy,
        budget: int,
        things: list[tuple[Kind, str, float]],
        marked: list[tuple[Kind, float, float]],
    ) -> None:
        rules = tuple(replace(rule, namespace=self.world.namespace) for rule in policy.rules)
        protect = tuple(pattern.replace("alice", self.world.namespace) for pattern in policy.protect)
        self.policy = replace(policy, rules=rules, protect=protect)
        self.limit = budget
        self.budget = Budget(self.world.clock, budget)
        self.sent: list[float] = []
        for kind, name, hours in things:
            self.world.add(kind, name, timedelta(hours=hours))
        for kind, hours, ttl in marked:
            self.a_test_creates_what_is_marked(kind, hours, ttl, 0)

    # What others do

    @rule(kind=KINDS, name=st.sampled_from(NAMES), hours=HOURS)
    def somebody_creates(self, kind: Kind, name: str, hours: float) -> None:
        self.world.add(kind, name, timedelta(hours=hours))

    @rule(kind=KINDS, hours=HOURS, ttl=st.sampled_from([1.0, 3.0, 9.0]), late=st.sampled_from([0, 0, 0, 20]))
    def a_test_creates_what_is_marked(self, kind: Kind, hours: float, ttl: float, late: int) -> None:
        self.minted += 1
        age = timedelta(hours=hours, minutes=late)
        name = self.truth.mint(kind, age, timedelta(hours=ttl), self.minted)
        self.world.add(kind, name, timedelta(hours=hours))

    @rule(at=st.integers(0, 20), what=CHANGES, name=st.sampled_from(NAMES), tag=TAGS)
    def somebody_changes(self, at: int, what: str, name: str, tag: str) -> None:
        things = [thing for _, thing in sorted(self.world.things().items())]
        if not things:
            return
        thing = things[at % len(things)]
        match what:
            case "rename":
                self.world.rename(thing, name)
            case "recreate":
                self.world.remove(thing)
                self.world.add(thing.kind, thing.name, timedelta())
            case "edit":
                self.world.edit(thing)
            case "tag":
                self.world.tag(thing, tag)
            case "duplicate":
                self.world.duplicate(thing, name)
            case "remove":
                self.world.remove(thing)

    @precondition(lambda self: isinstance(self.world, FakeWorld))
    @rule(
        at=st.integers(0, 20), what=st.sampled_from(["missing", "naive", "future", "id", "tags", "changed"])
    )
    def the_hub_tells_nonsense(self, at: int, what: str) -> None:
        assert isinstance(self.world, FakeWorld)
        things = [thing for _, thing in sorted(self.world.things().items())]
        if not things:
            return
        thing = things[at % len(things)]
        now = self.world.clock.now()
        changes: dict[str, dict[str, Any]] = {
            "missing": {"created_at": None},
            "naive": {"created_at": (thing.created_at or now).replace(tzinfo=None)},
            "future": {"created_at": now + timedelta(hours=1)},
            "changed": {"changed_at": None},
            "id": {"id": f"0{thing.id[1:]}"},
            "tags": {"tags": None},
        }
        self.world.distort(thing, **changes[what])

    @rule(hours=st.sampled_from([0.1, 1.0, 6.0]))
    def time_passes(self, hours: float) -> None:
        self.world.clock.sleep(hours * 3600)

    # What janitors do

    @rule()
    def a_dry_run(self) -> None:
        """2: it sends nothing that changes something. 4, 5: what it may not touch is no target."""
        self.leave_something()
        before = self.world.things()
        witness = self.witness()
        with suppress(DeployError):
            self.saved = self.plan(witness)
        assert witness.writes == 0
        assert self.world.things() == before

    @precondition(lambda self: self.saved is not None)
    @rule()
    def an_old_plan_is_applied(self) -> None:
        """6, 7: only what the plan names and nobody changed since, whatever has happened meanwhile."""
        assert self.saved is not None
        self.apply(self.witness(), self.saved)

    @rule(what=CHANGES, which=st.integers(0, 20), name=st.sampled_from(NAMES), tag=TAGS)
    def a_plan_waits_for_a_day(self, what: str, which: int, name: str, tag: str) -> None:
        """6: a change is a change, however old it has become."""
        self.leave_something()
        plan = self.plan(self.witness())
        self.somebody_changes(which, what, name, tag)
        self.world.clock.sleep(86400)
        self.apply(self.witness(), plan)

    @rule(
        method=st.sampled_from(["delete", "look", "list_page", "rename", "set_private"]),
        error=st.sampled_from(sorted(ERRORS)),
        skip=st.integers(0, 3),
        after_effect=st.booleans(),
    )
    def a_sweep_while_the_hub_fails(self, method: str, error: str, skip: int, after_effect: bool) -> None:
        """4, 9, 12: what broke is left alone, and told."""
        self.leave_something()
        lost = after_effect and method in ("delete", "rename") and error in ("500", "lost")
        self.world.fail(method, error, skip=skip, after_effect=lost)
        witness = self.witness()
        try:
            with suppress(DeployError):
                self.apply(witness, self.plan(witness))
        finally:
            self.world.calm()

    @rule(
        at=st.integers(1, 12), what=CHANGES, which=st.integers(0, 20), name=st.sampled_from(NAMES), tag=TAGS
    )
    def a_sweep_while_somebody_changes(self, at: int, what: str, which: int, name: str, tag: str) -> None:
        """6: the last look sees it. Between that look and the deletion nobody can."""
        self.leave_something()
        witness = self.witness()

        def interfere(method: str, number: int) -> None:
            if number == at and method in ("list_page", "look"):
                self.somebody_changes(which, what, name, tag)

        witness.before = interfere
        self.apply(witness, self.plan(witness))

    @rule(at=st.integers(0, 12), effect=st.booleans())
    def a_sweep_is_killed_and_run_again(self, at: int, effect: bool) -> None:
        """10: it ends where it would have ended without the kill."""
        self.leave_something()
        expected = self.expect()
        witness = self.witness()

        def kill(method: str, number: int) -> None:
            if number == at:
                raise Killed

        witness.after = kill if effect else witness.after
        witness.before = witness.before if effect else kill
        with suppress(Killed):
            self.apply(witness, self.plan(witness))
        self.check_taken(witness)
        self.sweep_calmly(expected)

    @rule(at=st.integers(0, 12))
    def two_janitors_sweep_at_once(self, at: int) -> None:
        """11: together they do what one does."""
        self.leave_something()
        expected = self.expect()
        rival = self.witness("rival", Budget(self.world.clock, self.limit))
        witness = self.witness()

        def interleave(method: str, number: int) -> None:
            if number == at:
                sent = list(self.sent)
                self.world.connect(Budget(self.world.clock, self.limit))
                self.apply(rival, self.plan(rival), "rival")
                self.world.connect(self.budget)
                self.sent = sent

        witness.before = interleave
        report = self.apply(witness, self.plan(witness))
        assert not report.count(Fate.FAILED)
        assert not report.count(Fate.UNKNOWN)
        self.sweep_calmly(expected)

    @precondition(lambda self: isinstance(self.world, FakeWorld))
    @rule(minutes=st.sampled_from([-120, -2, 2, 120]), begun=st.booleans())
    def a_sweep_with_a_wrong_clock(self, minutes: int, begun: bool) -> None:
        """8: nothing is deleted while the clocks disagree."""
        self.leave_something()
        assert isinstance(self.world, FakeWorld)
        witness = self.witness()
        plan = self.plan(witness) if begun else None
        self.world.hub.skew = timedelta(minutes=minutes)
        try:
            self.apply(witness, plan or self.plan(witness))
        except ClockSkewed:
            pass
        finally:
            self.world.hub.skew = timedelta()
        assert not witness.taken

    @rule()
    def a_calm_sweep(self) -> None:
        """1, 14: what may go goes, however small the budget, and nothing else."""
        self.leave_something()
        self.sweep_calmly(self.expect())

    @invariant()
    def the_budget_held(self) -> None:
        """13: no five minutes saw more requests than they may."""
        for number, moment in enumerate(self.sent):
            assert number < self.limit or moment - self.sent[number - self.limit] >= 300

    # How it is checked

    def leave_something(self) -> None:
        """Two that may go: a history in which sweeps find nothing to do shows nothing."""
        for _ in range(2):
            self.minted += 1
            kind = REPO_KINDS[self.minted % len(REPO_KINDS)]
            self.world.add(kind, f"test-left-{self.minted}", timedelta(hours=30))

    def witness(self, name: str = "janitor", budget: Budget | None = None) -> Witness:
        inner = self.world.connect(budget or self.budget)
        witness = Witness(self.world, inner)
        journal = Path(self.folder.name) / name / "janitor.jsonl"

        def check_intent(thing: Any) -> None:
            lines = [json.loads(line) for line in journal.read_text().splitlines()]
            assert [(line["event"], line["id"]) for line in lines[-1:]] == [("intent", thing.id)]

        witness.on_delete = check_intent
        return witness

    def plan(self, witness: Witness) -> Plan:
        before = len(witness.sent_seconds)
        try:
            plan = make_plan(witness, self.policy, self.world.clock, self.truth.seal)
        finally:
            self.sent += witness.sent_seconds[before:]
        broken = {about.split()[1] for about, _ in witness.refused if about.startswith("list_page")}
        assert not [target for target in plan.targets if target.thing.kind in broken]
        assert len(plan.incomplete) >= len(broken)
        assert plan.refusal or len(plan.targets) <= self.policy.max_deletes
        return plan

    def apply(self, witness: Witness, plan: Plan, name: str = "janitor") -> Report:
        journal = Journal(Path(self.folder.name) / name, self.world.endpoint)
        before = len(witness.sent_seconds)
        try:
            settle(witness, self.world.clock, journal)
            report = apply_plan(
                plan, witness, self.world.clock, journal, seal=self.truth.seal, on_result=self.check_result
            )
        finally:
            journal.close()
            self.sent += witness.sent_seconds[before:]
        self.check_report(report, witness)
        self.check_taken(witness)
        return report

    def check_taken(self, witness: Witness) -> None:
        """1, 3, 6, 7, and 9's other half: nothing else was ever taken away."""
        for asked, taken, now in witness.taken:
            assert taken.id == asked.id, f"{asked} was planned, {taken} was there"
            assert (taken.kind, taken.full_name) == (asked.kind, asked.full_name)
            assert (taken.changed_at, taken.version) == (asked.changed_at, asked.version)
            assert may_go(taken, self.policy, now, self.truth), taken
            assert self.policy.quarantine_seconds is None or is_put_away(taken)
        for thing, now in witness.put_away:
            assert may_go(thing, self.policy, now, self.truth), thing

    def check_report(self, report: Report, witness: Witness) -> None:
        """5, 9, 12: each target has one fate, and it is true."""
        plan = report.plan
        assert [result.target for result in report.results if result.target not in plan.targets] == []
        if plan.refusal:
            assert not report.results
            assert report.exit_code == 5
            return
        assert len(report.results) == len(plan.targets)
        wrong = report.count(Fate.FAILED) + report.count(Fate.UNKNOWN)
        assert (report.exit_code == 3) is bool(wrong or report.stopped)
        if plan.incomplete:
            assert report.exit_code in (3, 4)
        for text in ("\n".join(render_table(report)), render_json(report)):
            assert all(result.target.thing.full_name in text for result in report.results)

    def check_result(self, result: Result) -> None:
        """9: a fate is true at the moment it is told."""
        found = self.world.things().get(result.target.thing.id)
        match result.fate:
            case Fate.DELETED:
                assert found is None
            case Fate.QUARANTINED:
                assert found is not None
                assert is_put_away(found)
            case Fate.GONE:
                assert found is None or found.name != result.target.thing.name

    def expect(self) -> dict[str, bool]:
        """What an undisturbed sweep would leave, and whether that is in quarantine then."""
        things = self.world.things()
        now = self.world.clock.now()
        going = {id for id, thing in things.items() if may_go(thing, self.policy, now, self.truth)}
        kinds = {kind for rule in self.policy.rules for kind in rule.kinds}
        listed = [thing for thing in things.values() if thing.kind in kinds]
        if len(going) > self.policy.max_deletes:
            going.clear()
        if self.policy.max_percent is not None and len(going) * 100 > self.policy.max_percent * len(listed):
            going.clear()
        put = {id for id in going if self.policy.quarantine_seconds and not is_put_away(things[id])}
        return {id: id in put or is_put_away(things[id]) for id in things if id not in going or id in put}

    def sweep_calmly(self, expected: dict[str, bool]) -> None:
        """Sweep in one window of the budget after the other, never more often than there are things."""
        for _ in range(len(self.world.things()) + 1):
            if self.see() == expected:
                break
            self.sent, self.budget = [], Budget(self.world.clock, self.limit)
            witness = self.witness()
            self.apply(witness, self.plan(witness))
        assert self.see() == expected

    def see(self) -> dict[str, bool]:
        """What is there, and whether it is in quarantine."""
        return {id: is_put_away(thing) for id, thing in self.world.things().items()}


def _fast_place() -> str | None:
    """Journals are on a disk that forgets, where there is one: thousands of histories wait for theirs."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
