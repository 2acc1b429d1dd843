import json
import re

import pytest

from hfdeploy_core.model import Account, RepoRef, RepoType, Visibility

RELAY = RepoRef(RepoType.SPACE, "alice", "app-proxy")
READER = "hf_readerreaderreader"


@pytest.fixture(autouse=True)
def _reader(hub, monkeypatch) -> None:
    hub.tokens = {READER: Account("alice", "read")}
    monkeypatch.setenv("RELAY_TOKEN", READER)
    monkeypatch.delenv("HF_ENDPOINT")


def test_a_relay_as_hfdeploy_proxy_has_it(run, hub, source) -> None:
    options = ["--proxy-token-env", "RELAY_TOKEN", "--strict", "--proxy-allow-origins", "https://a.com"]
    done = run("deploy", source, "alice/app", "--private", "--proxy", *options, "--json")
    assert done.exit_code == 0
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert (outcome["proxy_enabled"], outcome["proxy_repo_id"]) == (True, "alice/app-proxy")
    assert outcome["proxy_url"] == "https://alice-app-proxy.space.test"
    made = hub.repos[RELAY]
    assert made.visibility is Visibility.PUBLIC
    assert made.variables == {
        "ALLOW_ORIGINS": "https://a.com",
        "HFDEPLOY_RELAY_OF": "alice/app",
        "TARGET_SPACE": "alice/app",
        "TARGET_URL": "https://alice-app.space.test",
    }
    assert made.secrets["HF_TOKEN"][0] == READER
    assert "hfdeploy_proxy/application.py" in made.files
    assert READER not in done.output


def test_a_plan_shows_it_and_apply_makes_it(run, hub, source, tmp_path) -> None:
    file = tmp_path / "plan.json"
    asked = ["--private", "--proxy", "--proxy-token-env", "RELAY_TOKEN", "--proxy-suffix", "-door"]
    shown = run("plan", source, "alice/app", *asked, "--out", file)
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    below = lines[lines.index("relay   alice/app-door") :]
    assert "  + variable TARGET_URL: the address of alice/app, once it is there" in below
    assert "  + secret HF_TOKEN" in below
    # A line for all of its code, which nobody reads here.
    own = next(line for line in below if line.startswith("  + its own code: "))
    assert re.fullmatch(r"  \+ its own code: \d+ files \([\d.]+ kB\)", own)
    assert not any("hfdeploy_proxy/" in line for line in below)
    assert any(re.fullmatch(r"[\d.]+ kB to send at most", line) for line in below)
    assert hub.writes == []
    applied = run("apply", file)
    assert applied.exit_code == 0
    assert "  relay   https://alice-app-door.space.test" in applied.stdout.splitlines()


def test_an_address_of_ones_own(run, hub, source) -> None:
    url = "https://app.example.com"
    asked = ["--private", "--proxy", "--proxy-token-env", "RELAY_TOKEN", "--proxy-target-url", url]
    assert run("deploy", source, "app", *asked).exit_code == 0
    assert hub.repos[RELAY].variables["TARGET_URL"] == url


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--strict"], "--strict is about the relay"),
        (["--proxy-suffix", "-x"], "--proxy-suffix is about the relay"),
        (["--proxy", "--proxy-token-env", "NOTHING"], "NOTHING is not set"),
        (["--proxy", "--proxy-target-url", "https://u:p@x.com/a"], "TARGET_URL: an address is"),
        (["--proxy", "--proxy-allow-origins", "a.com"], "or *. Correct what is asked for the relay."),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(run, hub, source, options, says) -> None:
    done = run("deploy", source, "app", "--private", *options)
    assert done.exit_code == 21
    assert says in done.stderr
    assert hub.writes == []


@pytest.mark.parametrize(
    ("exposure", "is_pro", "visibility", "is_relayed"),
    [
        ("private", True, Visibility.PRIVATE, False),
        ("protected", False, Visibility.PROTECTED, False),
        ("public", False, Visibility.PUBLIC, False),
        ("relay", True, Visibility.PRIVATE, True),
        ("auto", True, Visibility.PROTECTED, False),
        ("auto", False, Visibility.PRIVATE, True),
    ],
)
def test_exposure_in_one_word(run, hub, source, exposure, is_pro, visibility, is_relayed) -> None:
    hub.account = Account("alice", "write", is_pro=is_pro)
    assert run("deploy", source, "app", "--exposure", exposure).exit_code == 0
    assert hub.repos[RepoRef(RepoType.SPACE, "alice", "app")].visibility is visibility
    assert (RELAY in hub.repos) is is_relayed


@pytest.mark.parametrize(
    "options",
    [
        ["--exposure", "private", "--public"],
        ["--exposure", "auto", "--private"],
        ["--exposure", "public", "--proxy"],
    ],
)
def test_exposures_that_contradict_each_other(run, hub, source, options) -> None:
    done = run("deploy", source, "app", *options)
    assert done.exit_code == 21
    assert "contradict" in done.stderr
    assert hub.calls == []
