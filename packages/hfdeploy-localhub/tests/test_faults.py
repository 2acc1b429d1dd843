import json
import re
import subprocess
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub import LocalHub
from hfdeploy_localhub.faults import (
    ArmedRule,
    Arrival,
    Fault,
    Faults,
    Rule,
    decide_fault,
    draw,
    format_rule,
    parse_rule,
    plan_headers,
)

BROKEN = Fault(status=503)
DELAYS = {"latency_seconds": st.floats(0, 3600), "bytes_per_second": st.none() | st.integers(1)}
ENDS = st.one_of(
    st.fixed_dictionaries(
        {"status": st.integers(400, 599)}, optional={"retry_after_seconds": st.integers(0, 999)}
    ),
    st.sampled_from([{"token": "expired"}, {"reset": "before"}, {"reset": "after"}, {"head": "moved"}]),
    st.builds(lambda count: {"truncate_bytes": count}, st.integers(0)),
)
RULES = st.builds(
    lambda methods, delays, end, when: Rule(methods, "/api/**", Fault(**delays, **end), **when),
    st.sampled_from(["*", "GET", "GET|HEAD"]),
    st.fixed_dictionaries(DELAYS),
    ENDS,
    st.fixed_dictionaries(
        {},
        optional={
            "count": st.integers(1),
            "skip": st.integers(0),
            "probability": st.floats(0, 1),
            "seed": st.integers(-(2**63), 2**63),
        },
    ),
)


def strikes(rule: Rule, times: int) -> list[bool]:
    rules: tuple[ArmedRule, ...] = (ArmedRule(1, rule),)
    struck = []
    for _ in range(times):
        fault, rules = decide_fault(rules, Arrival("GET", "/api/models"))
        struck.append(fault is not None)
    assert (rules[0].met, rules[0].struck) == (times, sum(struck))
    return struck


@given(RULES)
def test_a_rule_is_what_it_is_written_as(rule: Rule) -> None:
    assert parse_rule(format_rule(rule)) == rule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with a method"),
        ("POST", "does not begin with a method"),
        ("post /x status=500", "does not begin with a method"),
        ("POST x status=500", "does not begin with a method"),
        ("POST /x", "needs a fault"),
        ("POST /x count=2", "needs a fault"),
        ("POST /x status=200", "from 400 to 599"),
        ("POST /x status=abc", "from 400 to 599"),
        ("POST /x stats=500", "none of status="),
        ("POST /x status", "none of status="),
        ("POST /x status=500 status=501", "twice"),
        ("POST /x status=500 reset=after", "exclude each other"),
        ("POST /x reset=sometimes", "before or after"),
        ("POST /x latency_seconds=nan", "expected seconds"),
        ("POST /x reset=after probability=2", "from 0 to 1"),
        ("POST /x reset=after retry_after_seconds=1", "goes with status="),
    ],
)
def test_rules_that_cannot_be_say_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_rule(text)


@given(st.integers(0, 8), st.none() | st.integers(1, 8), st.integers(0, 20))
def test_skip_and_count(skip: int, count: int | None, times: int) -> None:
    struck = strikes(Rule("*", "**", BROKEN, count=count, skip=skip), times)
    expected = [number >= skip and (count is None or number < skip + count) for number in range(times)]
    assert struck == expected


def test_chance_follows_from_the_seed() -> None:
    first = strikes(Rule("*", "**", BROKEN, probability=0.3, seed=1), 2000)
    assert first == strikes(Rule("*", "**", BROKEN, probability=0.3, seed=1), 2000)
    assert first != strikes(Rule("*", "**", BROKEN, probability=0.3, seed=2), 2000)
    assert 500 < sum(first) < 700
    assert not any(strikes(Rule("*", "**", BROKEN, probability=0), 50))
    assert all(strikes(Rule("*", "**", BROKEN, probability=1), 50))


@given(st.integers(), st.integers(0))
def test_a_draw_is_below_one(seed: int, number: int) -> None:
    assert 0 <= draw(seed, number) < 1


def test_the_first_that_strikes_wins_and_later_ones_do_not_know() -> None:
    rules = (
        ArmedRule(1, Rule("POST", "**", BROKEN)),
        ArmedRule(2, Rule("*", "**", Fault(status=500), count=1)),
        ArmedRule(3, Rule("*", "**", Fault(status=502))),
    )
    fault, rules = decide_fault(rules, Arrival("GET", "/x"))
    assert fault == Fault(status=500)
    assert [(armed.met, armed.struck) for armed in rules] == [(0, 0), (1, 1), (0, 0)]
    fault, rules = decide_fault(rules, Arrival("GET", "/x"))
    assert fault == Fault(status=502)
    assert [(armed.met, armed.struck) for armed in rules] == [(0, 0), (2, 1), (1, 1)]


def test_only_a_token_can_expire() -> None:
    rules = (ArmedRule(1, parse_rule("* ** token=expired")),)
    assert decide_fault(rules, Arrival("GET", "/x"))[0] is None
    assert decide_fault(rules, Arrival("GET", "/x", has_token=True))[0] is not None


def test_a_rate_limit_is_told_in_both_families_of_headers() -> None:
    assert plan_headers(Fault(status=429, retry_after_seconds=7)) == {
        "RateLimit": '"api";r=0;t=7',
        "RateLimit-Policy": '"fixed window";"api";q=500;w=300',
        "Retry-After": "7",
    }
    assert plan_headers(Fault(status=429))["Retry-After"] == "1"
    assert plan_headers(Fault(status=503)) == {}
    assert plan_headers(Fault(status=503, retry_after_seconds=2)) == {"Retry-After": "2"}


def test_the_readme_names_every_word_and_its_rules_are_rules() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    for field in (*fields(Fault), *fields(Rule)[3:]):
        assert f"`{field.name}=" in readme
    written = re.findall(r"--fault '(.*?)'|\"rule\": \"(.*?)\"|`(\w+=[\w.]+)`", readme)
    for line, rule, word in written:
        if not word.startswith(("count", "skip", "probability", "seed", "retry")):
            assert parse_rule(line or rule or f"* ** {word}")
    assert len(written) >= 12


def test_rules_come_and_go() -> None:
    faults = Faults()
    assert not faults
    first, second = faults.add("GET /a status=500"), faults.add("GET /b status=500")
    faults.remove(first)
    assert [armed.id for armed in faults.rules()] == [second]
    with pytest.raises(KeyError):
        faults.remove(first)
    faults.clear()
    assert not faults


# -- carried out, over HTTP ------------------------------------------------------------------------


@pytest.fixture
def client(localhub: LocalHub) -> Any:
    headers = {"Authorization": f"Bearer {localhub.token}"}
    with httpx.Client(base_url=localhub.endpoint, headers=headers, timeout=10) as client:
        client.post("/api/repos/create", json={"name": "m"})
        localhub.requests.clear()
        yield client


def commit(client: httpx.Client, text: str = "x", **header: Any) -> httpx.Response:
    lines = [
        {"key": "header", "value": {"summary": "change", **header}},
        {"key": "file", "value": {"path": "f.txt", "content": text}},
    ]
    return client.post("/api/models/local/m/commit/main", content="\n".join(map(json.dumps, lines)))


def head(client: httpx.Client) -> str:
    sha: str = client.get("/api/models/local/m").json()["sha"]
    return sha


def test_a_status_comes_as_often_as_asked_for(localhub: LocalHub, client: httpx.Client) -> None:
    localhub.faults.add("GET /api/models/*/* status=429 retry_after_seconds=3 skip=1 count=2")
    answers = [client.get("/api/models/local/m") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["RateLimit"] == '"api";r=0;t=3'
    assert answers[1].headers["Retry-After"] == "3"
    assert answers[1].headers["X-Request-Id"]
    assert answers[1].headers["Date"]
    assert answers[1].json() == {"error": "This is a fault on demand."}
    assert [entry.status for entry in localhub.requests] == [200, 429, 429, 200]


def test_latency(localhub: LocalHub, client: httpx.Client) -> None:
    localhub.faults.add("GET /api/models latency_seconds=0.3 count=1")
    started = time.perf_counter()
    assert client.get("/api/models").status_code == 200
    assert 0.3 <= time.perf_counter() - started < 2
    assert next(iter(localhub.requests)).seconds >= 0.3


def test_bandwidth_both_ways(localhub: LocalHub, client: httpx.Client) -> None:
    localhub.faults.add("* /**/f.txt bytes_per_second=40000")
    localhub.faults.add("POST /**/commit/* bytes_per_second=40000")
    started = time.perf_counter()
    assert commit(client, "x" * 16000).status_code == 200
    assert 0.4 <= time.perf_counter() - started < 3
    started = time.perf_counter()
    assert len(client.get("/local/m/resolve/main/f.txt").content) == 16000
    assert 0.4 <= time.perf_counter() - started < 3


def test_a_reset_before_the_effect_leaves_none(localhub: LocalHub, client: httpx.Client) -> None:
    localhub.faults.add("POST /**/commit/* reset=before count=1")
    before = head(client)
    with pytest.raises(httpx.TransportError):  # which one depends on how much the client had sent
        commit(client)
    assert head(client) == before
    assert [entry.status for entry in localhub.requests.find("POST")] == [None]
    assert commit(client).status_code == 200


def test_a_reset_after_the_effect_loses_the_answer_only(localhub: LocalHub, client: httpx.Client) -> None:
    localhub.faults.add("POST /**/commit/* reset=after count=1")
    before = head(client)
    with pytest.raises(httpx.ReadError):
        commit(client)
    assert head(client) != before
    assert client.get("/local/m/resolve/main/f.txt").text == "x"
    (entry,) = localhub.requests.find("POST")
    assert (entry.status, entry.sent_bytes) == (None, 0)
    assert entry.received_bytes > 0


def test_a_truncated_body_tells_its_whole_length(localhub: LocalHub, client: httpx.Client) -> None:
    commit(client, "x" * 5000)
    localhub.faults.add("GET /**/f.txt truncate_bytes=1200 count=1")
    got = list[bytes]()
    with client.stream("GET", "/local/m/resolve/main/f.txt") as answer:
        assert answer.headers["Content-Length"] == "5000"
        with pytest.raises(httpx.RemoteProtocolError):
            got.extend(answer.iter_raw(100))
    assert b"".join(got) == b"x" * 1200
    assert localhub.requests.find("GET", "/**/f.txt")[0].sent_bytes == 1200
    assert len(client.get("/local/m/resolve/main/f.txt").content) == 5000


def test_what_is_shorter_than_the_cut_passes_whole(localhub: LocalHub, client: httpx.Client) -> None:
    localhub.faults.add("GET /api/datasets truncate_bytes=2")
    assert client.get("/api/datasets").json() == []


def test_an_expired_token(localhub: LocalHub, client: httpx.Client) -> None:
    localhub.faults.add("* ** token=expired")
    refused = client.get("/api/whoami-v2")
    assert refused.status_code == 401
    assert refused.headers["X-Error-Message"] == "Invalid credentials in Authorization header"
    assert httpx.get(f"{localhub.endpoint}/api/models").status_code == 200


def test_a_head_that_moves_in_between(localhub: LocalHub, client: httpx.Client) -> None:
    before = head(client)
    localhub.faults.add("POST /**/commit/* head=moved count=1")
    refused = commit(client, parentCommit=before)
    assert refused.status_code == 412
    commits = client.get("/api/models/local/m/commits/main").json()
    assert [item["title"] for item in commits] == ["Somebody was faster", "initial commit"]
    assert commit(client, parentCommit=head(client)).status_code == 200


def test_a_push_by_git_can_be_too_late(localhub: LocalHub, client: httpx.Client, tmp_path: Any) -> None:
    def git(*words: str) -> subprocess.CompletedProcess[str]:
        names = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
        return subprocess.run(
            ["git", *names, *words], cwd=tmp_path, capture_output=True, text=True, timeout=30
        )

    url = f"{localhub.endpoint}/local/m".replace("://", f"://x:{localhub.token}@")
    assert git("clone", "-q", url, "c").returncode == 0
    assert git("-C", "c", "commit", "-q", "--allow-empty", "-m", "mine").returncode == 0
    localhub.faults.add("POST /**/git-receive-pack head=moved count=1")
    assert git("-C", "c", "push", "-q").returncode != 0
    assert client.get("/api/models/local/m/commits/main").json()[0]["title"] == "Somebody was faster"
    assert git("-C", "c", "pull", "-q", "--rebase").returncode == 0
    assert git("-C", "c", "push", "-q").returncode == 0


def test_rules_can_be_steered_over_http(localhub: LocalHub) -> None:
    with httpx.Client(base_url=localhub.endpoint + "/__localhub__") as control:
        made = control.post("/faults", json={"rule": "GET /api/* status=500 count=2"})
        assert made.status_code == 201
        control.post("/faults", json={"rule": "GET /x status=500"})
        assert httpx.get(f"{localhub.endpoint}/api/models").status_code == 500
        assert control.get("/faults").json()[0] == {
            "id": made.json()["id"],
            "rule": "GET /api/* status=500 count=2",
            "met": 1,
            "struck": 1,
        }
        assert control.delete(f"/faults/{made.json()['id']}").status_code == 204
        assert control.delete(f"/faults/{made.json()['id']}").status_code == 404
        assert httpx.get(f"{localhub.endpoint}/api/models").status_code == 200
        assert control.delete("/faults").status_code == 204
        assert control.get("/faults").json() == []
        wrong = control.post("/faults", json={"rule": "GET /x status=1"})
        assert (wrong.status_code, "from 400 to 599" in wrong.json()["error"]) == (400, True)


def test_no_rule_locks_its_maker_out(localhub: LocalHub) -> None:
    localhub.faults.add("* ** reset=before")
    assert httpx.delete(f"{localhub.endpoint}/__localhub__/faults").status_code == 204
    assert httpx.get(f"{localhub.endpoint}/api/models").status_code == 200


def test_no_repo_lies_where_the_hub_is_steered(localhub: LocalHub) -> None:
    with pytest.raises(ValueError, match="cannot be an account's name"):
        localhub.add_user("__localhub__")


def test_pages_of_other_sites_do_not_steer(localhub: LocalHub) -> None:
    url = f"{localhub.endpoint}/__localhub__/faults"
    body = '{"rule": "* ** status=500"}'
    assert httpx.post(url, content=body, headers={"Host": "attacker.example"}).status_code == 404
    assert httpx.post(url, content=body, headers={"Content-Type": "text/plain"}).status_code >= 400
    assert not localhub.faults
