"""Previews, over the Hub in memory."""

from types import SimpleNamespace

import pytest

from hfdeploy_core import (
    Relay,
    create_preview,
    deploy,
    destroy,
    list_previews,
    plan_destroy_preview,
    plan_promote,
    promote,
)
from hfdeploy_core.errors import (
    CardInvalid,
    NameTaken,
    RepoNameInvalid,
    RepoNotFound,
    SettingInvalid,
    TooManyPreviews,
)
from hfdeploy_core.model import RepoRef, RepoType, Sdk, Visibility
from hfdeploy_core.previewing import Preview
from hfdeploy_core.testing import FakeClock, FakeHub

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
PREVIEW = RepoRef(RepoType.SPACE, "alice", "app-pr-1")
CARD = "---\nsdk: docker\n---\n"
TAG = "expires-2026-11-25T00:00Z"


@pytest.fixture
def root(write):
    return write({"README.md": CARD, "app.py": "1"})


@pytest.fixture
def hub(root) -> FakeHub:
    hub = FakeHub()
    deploy(root, "app", visibility="public", hub=hub)
    hub.calls.clear()
    return hub


def test_a_preview_is_private_marked_and_tagged(hub: FakeHub, root) -> None:
    outcome = create_preview(root, "app", id="pr-1", tags=[TAG], variables={"MODE": "test"}, hub=hub)
    made = hub.repos[PREVIEW]
    assert outcome.repo_id == "alice/app-pr-1"
    assert made.visibility is Visibility.PRIVATE
    assert made.variables == {"HFDEPLOY_PREVIEW_OF": "alice/app", "MODE": "test"}
    assert TAG in made.files["README.md"].decode()
    assert TAG not in hub.repos[SPACE].files["README.md"].decode()
    assert "TAG" not in (root / "README.md").read_text()
    assert list_previews("app", hub=hub) == (Preview("pr-1", "alice/app-pr-1", (TAG,)),)


def test_the_next_push_uses_it_again(hub: FakeHub, root, write) -> None:
    create_preview(root, "app", id="pr-1", tags=[TAG], most=1, hub=hub)
    assert not create_preview(root, "app", id="pr-1", tags=[TAG], most=1, hub=hub).changed
    write({"app.py": "2"})
    again = create_preview(root, "app", id="pr-1", tags=[TAG], most=1, hub=hub)
    assert (again.changed, again.created) == (True, False)
    later = create_preview(root, "app", id="pr-1", tags=[TAG.replace("25", "28")], most=1, hub=hub)
    assert later.files_updated == 1


def test_it_can_be_told_to_be_public_and_costs_nothing_unless_told(hub: FakeHub, root) -> None:
    create_preview(root, "app", id="pr-1", visibility="public", hardware="t4-small", hub=hub)
    assert (hub.repos[PREVIEW].visibility, hub.repos[PREVIEW].hardware) == (Visibility.PUBLIC, "t4-small")
    create_preview(root, "app", id="pr-1", visibility="public", hub=hub)
    assert hub.repos[PREVIEW].hardware == "cpu-basic"


def test_there_are_no_more_than_allowed(hub: FakeHub, root) -> None:
    for number in (1, 2):
        create_preview(root, "app", id=f"pr-{number}", most=2, hub=hub)
    # A Space whose name is near is none of them.
    hub.create_repo(RepoRef(RepoType.SPACE, "alice", "app-two"), None, Sdk.STATIC)
    hub.calls.clear()
    with pytest.raises(TooManyPreviews, match=r"as many previews as are allowed \(2\): pr-1, pr-2"):
        create_preview(root, "app", id="pr-3", most=2, hub=hub)
    assert hub.writes == []
    create_preview(root, "app", id="pr-3", most=3, hub=hub)


def test_a_stranger_of_its_name_is_not_touched(hub: FakeHub, root) -> None:
    hub.create_repo(PREVIEW, None, Sdk.DOCKER)
    hub.calls.clear()
    with pytest.raises(NameTaken):
        create_preview(root, "app", id="pr-1", hub=hub)
    with pytest.raises(NameTaken):
        plan_destroy_preview("app", id="pr-1", hub=hub)
    assert hub.writes == []


def test_it_is_destroyed_alone(hub: FakeHub, root) -> None:
    for number in (1, 2):
        create_preview(root, "app", id=f"pr-{number}", hub=hub)
    destroy(plan_destroy_preview("app", id="pr-1", hub=hub), hub=hub, clock=FakeClock())
    assert [preview.id for preview in list_previews("alice/app", hub=hub)] == ["pr-2"]
    assert SPACE in hub.repos
    with pytest.raises(RepoNotFound):
        plan_destroy_preview("app", id="pr-1", hub=hub)


def test_its_expiry_does_not_come_to_stay(hub: FakeHub, root, write, tmp_path) -> None:
    write({"app.py": "2"})
    create_preview(root, "app", id="pr-1", tags=[TAG], hub=hub)
    with pytest.raises(SettingInvalid, match="is a preview of alice/app"):
        plan_promote("app-pr-1", "app", hub=hub)
    promote("app-pr-1", "app", drop_tags="expires-", state=tmp_path, hub=hub)
    held = hub.repos[SPACE].files
    assert (held["README.md"], held["app.py"]) == (CARD.encode(), b"2")
    # Known by its digest: the tree need not be asked for.
    hub.calls.clear()
    assert not deploy(root, "app", hub=hub).changed
    assert "list_files" not in hub.calls
    write({"README.md": CARD.replace("docker", "static")})
    create_preview(root, "app", id="pr-1", tags=[TAG], hub=hub)
    promote("app-pr-1", "app", drop_tags="expires-", state=tmp_path, hub=hub)
    assert held is not hub.repos[SPACE].files
    assert hub.repos[SPACE].files["README.md"] == CARD.replace("docker", "static").encode()


def test_its_relay_expires_with_it(hub: FakeHub, root) -> None:
    content = SimpleNamespace(files={"README.md": CARD.encode(), "relay.json": b"{}"}, variables={})
    relay = Relay(lambda target: content, "RELAY_OF", "relay.json")
    create_preview(root, "app", id="pr-1", tags=[TAG], relay=relay, hub=hub)
    made = RepoRef(RepoType.SPACE, "alice", "app-pr-1-proxy")
    assert hub.repos[made].files["README.md"] == hub.repos[PREVIEW].files["README.md"]
    assert not create_preview(root, "app", id="pr-1", tags=[TAG], relay=relay, hub=hub).changed


def test_a_source_without_a_card_gets_one(hub: FakeHub, tmp_path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "Dockerfile").write_text("FROM python")
    create_preview(tmp_path / "bare", "app", id="pr-1", tags=[TAG], sdk="docker", hub=hub)
    card = hub.repos[PREVIEW].files["README.md"].decode()
    assert card == f'---\nsdk: docker\ntags:\n- "{TAG}"\n---\n'
    with pytest.raises(CardInvalid, match="no README"):
        create_preview(tmp_path / "bare", "app", id="pr-1", tags=[TAG], hub=hub)


@pytest.mark.parametrize(
    ("id", "options", "kind"),
    [
        ("", {}, SettingInvalid),
        ("../x", {}, SettingInvalid),
        ("a--b", {}, RepoNameInvalid),
        ("x" * 95, {}, RepoNameInvalid),
        ("pr-1", {"repo_type": "model"}, SettingInvalid),
    ],
)
def test_what_cannot_be_a_preview(hub: FakeHub, root, id: str, options, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        create_preview(root, "alice/app", id=id, hub=hub, **options)
    assert hub.writes == []
