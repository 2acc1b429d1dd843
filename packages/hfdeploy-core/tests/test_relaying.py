"""A deploy with a relay, over the Hub in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hfdeploy_core import Plan, Relay, apply, deploy, load_plan, plan, save_plan
from hfdeploy_core.errors import (
    AppFailed,
    HubUnreachable,
    NameTaken,
    PaymentRequired,
    PlanStale,
    RepoNameInvalid,
    SettingInvalid,
)
from hfdeploy_core.events import Event, Warned
from hfdeploy_core.model import Account, RepoRef, RepoType, Sdk, SetUpstream, Variable, Visibility
from hfdeploy_core.planning.digest import digest_plan
from hfdeploy_core.planning.gate import Gate
from hfdeploy_core.planning.probes import parse_probe
from hfdeploy_core.space import AppReply, Runtime
from hfdeploy_core.testing import FakeClock, FakeHub

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
RELAY = RepoRef(RepoType.SPACE, "alice", "app-proxy")
CARD = "---\nsdk: docker\n---\n"
READER = "hf_readerreaderreader"
WRITER = "hf_writerwriterwriter"


@dataclass(frozen=True)
class Content:
    files: Mapping[str, bytes]
    variables: Mapping[str, str] = field(default_factory=dict)


def make(target: str) -> Content:
    files = {"README.md": CARD.encode(), "relay.json": target.encode(), "pkg/relay.py": b"relay"}
    return Content(files, {"TARGET_SPACE": target})


PLAIN = Relay(make, "RELAY_OF", "relay.json", probes=(parse_probe("/ready"),))
OWN = replace(PLAIN, token=READER, token_name="RELAY_TOKEN", is_strict=True)


@pytest.fixture
def hub() -> FakeHub:
    hub = FakeHub()
    hub.tokens = {READER: Account("alice", "read"), WRITER: Account("alice", "write")}
    return hub


@pytest.fixture
def root(write):
    return write({"README.md": CARD, "app.py": "1"})


def strangers(hub: FakeHub, **variables: str) -> None:
    hub.create_repo(RELAY, Visibility.PUBLIC, Sdk.STATIC, [Variable(*item) for item in variables.items()])
    hub.push(RELAY, {"index.html": b"<p>mine"})
    hub.calls.clear()


def test_it_is_made_after_the_space_and_opened_last(hub: FakeHub, root) -> None:
    outcome = deploy(root, "app", visibility="private", relay=OWN, hub=hub)
    made = hub.repos[RELAY]
    assert hub.repos[SPACE].visibility is Visibility.PRIVATE
    assert made.visibility is Visibility.PUBLIC
    assert made.variables == {
        "RELAY_OF": "alice/app",
        "TARGET_SPACE": "alice/app",
        "TARGET_URL": "https://alice-app.space.test",
    }
    assert {name: value for name, (value, _) in made.secrets.items()} == {"HF_TOKEN": READER}
    assert made.files["relay.json"] == b"alice/app"
    assert (outcome.proxy_enabled, outcome.proxy_repo_id) == (True, "alice/app-proxy")
    assert outcome.proxy_url == "https://alice-app-proxy.space.test"
    of_the_relay = hub.writes[hub.writes.index("commit") + 1 :]
    assert of_the_relay == [
        "create_repo",
        *["set_variable"] * 2,
        "set_secret",
        "stage",
        "commit",
        "set_visibility",
    ]


def test_the_second_time_there_is_nothing_to_do(hub: FakeHub, root) -> None:
    first = deploy(root, "app", visibility="private", relay=OWN, hub=hub)
    hub.calls.clear()
    second = deploy(root, "app", relay=OWN, hub=hub)
    assert (hub.writes, second.changed) == ([], False)
    assert (second.proxy_url, second.commit) == (first.proxy_url, first.commit)


def test_without_one_nothing_is_asked_about_it(hub: FakeHub, root) -> None:
    strangers(hub)
    outcome = deploy(root, "app", visibility="private", hub=hub)
    assert RELAY in hub.repos
    assert (outcome.proxy_enabled, outcome.proxy_repo_id, outcome.proxy_url) == (False, "", "")
    assert {"lend_token", "list_variables", "list_secrets"}.isdisjoint(hub.calls)


def test_without_a_token_of_its_own_it_gets_that_of_the_deploy_and_says_so(
    hub: FakeHub, root, told: list[Event]
) -> None:
    deploy(root, "app", visibility="private", relay=PLAIN, on_event=told.append, hub=hub)
    assert hub.repos[RELAY].secrets["HF_TOKEN"][0] == hub.token
    warnings = [event.message for event in told if isinstance(event, Warned)]
    assert any("--proxy-token-env" in warning for warning in warnings)
    assert hub.token not in str(told)


@pytest.mark.parametrize(
    ("relay", "options", "kind", "says"),
    [
        (replace(PLAIN, is_strict=True), {}, SettingInvalid, "token that deploys may write"),
        (replace(OWN, token=WRITER), {}, SettingInvalid, "RELAY_TOKEN may write"),
        (replace(OWN, token="hf_nobodynobodynobody"), {}, SettingInvalid, "RELAY_TOKEN is none"),
        (replace(OWN, token=""), {}, SettingInvalid, "RELAY_TOKEN is empty"),
        (replace(OWN, suffix="--x"), {}, RepoNameInvalid, "cannot be called"),
        (OWN, {"visibility": "public"}, SettingInvalid, "is public"),
        (OWN, {"visibility": None}, SettingInvalid, "Nothing says who sees alice/app"),
        (OWN, {"repo_type": "dataset"}, SettingInvalid, "no app"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    hub: FakeHub, root, relay: Relay, options: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        deploy(root, "app", relay=relay, hub=hub, **{"visibility": "private", **options})
    assert hub.writes == []


@pytest.mark.parametrize("marks", [{}, {"RELAY_OF": "alice/app"}, {"RELAY_OF": "bob/other"}])
def test_a_stranger_of_its_name_is_not_touched(hub: FakeHub, root, marks: dict[str, str]) -> None:
    strangers(hub, **marks)
    with pytest.raises(NameTaken):
        deploy(root, "app", visibility="private", relay=OWN, hub=hub)
    assert hub.writes == []
    assert hub.repos[RELAY].files == {"index.html": b"<p>mine"}


def test_one_that_appears_while_it_is_made_is_not_touched(hub: FakeHub, root, monkeypatch) -> None:
    create = hub.create_repo

    def race(repo: RepoRef, *rest: Any) -> None:
        if repo == RELAY:
            create(RELAY, Visibility.PUBLIC, Sdk.STATIC)
        create(repo, *rest)

    monkeypatch.setattr(hub, "create_repo", race)
    with pytest.raises(NameTaken, match="meanwhile"):
        deploy(root, "app", visibility="private", relay=OWN, hub=hub)
    assert (hub.repos[RELAY].variables, len(hub.repos[RELAY].commits)) == ({}, 1)


@pytest.mark.parametrize("method", ["create_repo", "set_variable", "set_secret", "commit", "set_visibility"])
def test_what_broke_off_is_gone_on_with(hub: FakeHub, root, method: str) -> None:
    deploy(root, "app", visibility="private", hub=hub)
    hub.fail(method, HubUnreachable("Away."), after_effect=True)
    with pytest.raises(HubUnreachable):
        deploy(root, "app", relay=OWN, hub=hub)
    deploy(root, "app", relay=OWN, hub=hub)
    held = hub.repos[RELAY]
    assert (held.visibility, held.files["pkg/relay.py"]) == (Visibility.PUBLIC, b"relay")
    assert held.variables["TARGET_URL"] == "https://alice-app.space.test"
    assert held.secrets["HF_TOKEN"][0] == READER


def test_the_hub_may_want_money_for_it(hub: FakeHub, root) -> None:
    deploy(root, "app", visibility="private", hub=hub)
    hub.fail("create_repo", PaymentRequired("Cannot create it without a paid plan."))
    with pytest.raises(PaymentRequired, match="run hfdeploy-proxy elsewhere"):
        deploy(root, "app", relay=OWN, hub=hub)


def test_the_gate_asks_the_relay_what_it_asks_the_space(hub: FakeHub, root, told: list[Event]) -> None:
    hub.replies = [AppReply(200), AppReply(200), AppReply(200)]
    gate = Gate(probes=(parse_probe("/health"),))
    deploy(
        root,
        "app",
        visibility="private",
        relay=OWN,
        gate=gate,
        on_event=told.append,
        hub=hub,
        clock=FakeClock(),
    )
    probed = [(event.repo_id, event.path) for event in told if event.name == "probed"]
    assert probed == [("alice/app", "/health"), ("alice/app-proxy", "/ready"), ("alice/app-proxy", "/health")]
    # Its token is shown to what is private only.
    assert [is_open for _, is_open in hub.visits] == [False, True, True]


def test_a_saved_plan_has_the_relay_in_it(hub: FakeHub, root, tmp_path) -> None:
    made = plan(root, "app", visibility="private", relay=OWN, hub=hub)
    assert hub.writes == []
    assert made.relay is not None
    assert SetUpstream(SPACE, None) in made.relay.plan.changes
    save_plan(made, tmp_path / "plan.json")
    saved = load_plan(tmp_path / "plan.json")
    assert READER not in (tmp_path / "plan.json").read_text()
    with pytest.raises(SettingInvalid, match="nothing is given"):
        apply(saved, hub=hub)
    other = replace(OWN, make=lambda target: Content({"README.md": CARD.encode(), "relay.json": b"2"}))
    with pytest.raises(PlanStale):
        apply(saved, relay=other, hub=hub)
    with pytest.raises(SettingInvalid, match="may write"):
        apply(saved, relay=replace(OWN, token=WRITER, is_strict=False), hub=hub)
    assert hub.writes == []
    hub.fail("set_visibility", HubUnreachable("Away."))
    with pytest.raises(HubUnreachable):
        apply(saved, relay=OWN, hub=hub)
    for is_changed in (True, False):
        outcome = apply(saved, relay=OWN, hub=hub)
        assert outcome.changed is is_changed
    assert hub.repos[RELAY].variables["TARGET_URL"] == "https://alice-app.space.test"
    assert len(hub.repos[RELAY].commits) == 2


@pytest.mark.parametrize("method", ["create_repo", "set_variable", "set_secret", "commit"])
def test_a_saved_plan_that_broke_off_is_gone_on_with(hub: FakeHub, root, tmp_path, method: str) -> None:
    save_plan(plan(root, "app", visibility="private", relay=OWN, hub=hub), tmp_path / "plan.json")
    saved = load_plan(tmp_path / "plan.json")
    create = hub.create_repo

    def break_off(repo: RepoRef, *rest: Any) -> None:
        create(repo, *rest)
        if repo == RELAY:
            hub.fail(method, HubUnreachable("Away."), after_effect=method == "create_repo")
            hub._raise("create_repo", after_effect=True)

    hub.create_repo = break_off  # type: ignore[method-assign]
    with pytest.raises(HubUnreachable):
        apply(saved, relay=OWN, hub=hub)
    hub.create_repo = create  # type: ignore[method-assign]
    assert apply(saved, relay=OWN, hub=hub).changed
    made = hub.repos[RELAY]
    assert made.variables["TARGET_URL"] == "https://alice-app.space.test"
    assert (made.secrets["HF_TOKEN"][0], made.visibility) == (READER, Visibility.PUBLIC)
    assert made.files["pkg/relay.py"] == b"relay"


def test_the_digest_names_the_relay_too(hub: FakeHub, root) -> None:
    def digest(**options: Any) -> str:
        made: Plan = plan(root, "app", visibility="private", hub=hub, **options)
        return digest_plan(made)

    assert len({digest(), digest(relay=PLAIN), digest(relay=OWN)}) == 3


def test_a_space_that_was_renamed_keeps_its_relay(hub: FakeHub, root) -> None:
    deploy(root, "old", visibility="private", relay=replace(OWN, suffix="-door"), hub=hub)
    old = RepoRef(RepoType.SPACE, "alice", "old")
    # As the Hub has it: the former name leads to the Space under its new one.
    hub.repos[SPACE] = hub.repos[old]
    hub.repos[SPACE].ref = SPACE
    outcome = deploy(root, "old", relay=replace(OWN, suffix="-door"), hub=hub)
    door = hub.repos[RepoRef(RepoType.SPACE, "alice", "old-door")]
    assert outcome.proxy_repo_id == "alice/old-door"
    assert door.variables["RELAY_OF"] == "alice/app"
    assert door.variables["TARGET_URL"] == outcome.space_url


@pytest.mark.parametrize("is_pro", [True, False])
def test_a_spare_one_is_made_where_spaces_cannot_be_protected(hub: FakeHub, root, is_pro: bool) -> None:
    hub.account = Account("alice", "write", is_pro=is_pro)
    outcome = deploy(root, "app", relay=replace(OWN, is_spare=True), hub=hub)
    assert outcome.proxy_enabled is not is_pro
    assert hub.repos[SPACE].visibility is (Visibility.PROTECTED if is_pro else Visibility.PRIVATE)
    assert (RELAY in hub.repos) is not is_pro


def test_a_relay_that_does_not_get_live_takes_both_back(hub: FakeHub, root, write, told: list[Event]) -> None:
    deploy(root, "app", visibility="private", relay=OWN, hub=hub)
    before = [dict(hub.repos[repo].files) for repo in (SPACE, RELAY)]
    push, stages = hub.push, ["RUNTIME_ERROR"]

    def moved(repo: RepoRef, *rest: Any, **options: Any) -> str:
        commit = push(repo, *rest, **options)
        stage = stages.pop() if repo == RELAY and stages else "RUNNING"
        hub.repos[repo].runtimes = [Runtime(stage, commit)]
        return commit

    hub.push = moved  # type: ignore[method-assign]
    hub.replies = [AppReply(200)]
    newer = replace(OWN, make=lambda target: Content({**make(target).files, "pkg/relay.py": b"broken"}))
    with pytest.raises(AppFailed, match=r"alice/app holds again .* alice/app-proxy holds again"):
        deploy(
            write({"app.py": "2"}),
            "app",
            relay=newer,
            gate=Gate(rolls_back=True),
            on_event=told.append,
            hub=hub,
            clock=FakeClock(),
        )
    assert [hub.repos[repo].files for repo in (SPACE, RELAY)] == before
    assert [event.repo_id for event in told if event.name == "rolled_back"] == [
        "alice/app",
        "alice/app-proxy",
    ]
