import pytest

from hfdeploy_core import deploy, diagnose
from hfdeploy_core.errors import HubUnreachable, TokenMissing
from hfdeploy_core.hub.port import Connection
from hfdeploy_core.model import Account, Membership
from hfdeploy_core.planning.findings import Finding
from hfdeploy_core.testing import FakeHub


def look(hub: FakeHub, *arguments: str, **options: str) -> dict[str, Finding]:
    return {found.subject: found for found in diagnose(*arguments, hub=hub, **options)}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "token-of-this-test")


def test_all_is_well(hub: FakeHub) -> None:
    hub.account = Account("alice", "write", (Membership("acme", "admin"),))
    hub.connection = Connection("https://hub.test", 0.0421, 1.5, 900, 1000)
    found = look(hub, "acme/app")
    assert [(item.level, item.subject) for item in found.values()] == [
        ("ok", subject)
        for subject in ("versions", "network", "clock", "limits", "credential", "identity", "rights")
    ]
    assert "huggingface_hub 2." in found["versions"].words
    assert found["network"].words == "https://hub.test answers in 42 ms"
    assert found["credential"].words == "the environment variable HF_TOKEN"
    assert found["identity"].words == "alice, with a token of the role write; organizations: acme (admin)"
    assert found["rights"].words == "may create space acme/app, as far as can be told"
    assert hub.writes == []


def test_what_it_may_do_to_a_repo_is_asked(hub: FakeHub, write) -> None:
    deploy(write({"a": "1"}), "alice/m", repo_type="model", hub=hub)
    assert look(hub, "m", repo_type="model")["rights"].words == "may write to model alice/m"
    hub.account = Account("alice", "read")
    assert look(hub, "m", repo_type="model")["rights"].exit_code == 32
    assert look(hub, "mallory/m", repo_type="model")["rights"].exit_code == 32
    assert "rights" not in look(hub)


def test_without_the_hub_it_ends_there(hub: FakeHub) -> None:
    hub.fail("check_connection", HubUnreachable("No answer."))
    found = look(hub)
    assert list(found) == ["versions", "network"]
    assert (found["network"].exit_code, found["network"].words) == (40, "No answer.")


def test_without_a_token_the_remedy_is_told(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    hub.fail("whoami", TokenMissing("No token for the Hub was found."))
    found = look(hub, "app")
    assert list(found)[-1] == "identity"
    assert (found["credential"].words, found["identity"].exit_code) == ("none", 30)
    assert "hf auth login" in found["identity"].remedy
