import json
import os
from collections.abc import Callable
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from hfdeploy_proxy.operations.metrics import Metrics, read_others
from hfdeploy_proxy.relay.tally import Tally
from hfdeploy_proxy.rules.guard import digest_key

from ..conftest import Relay, Upstream


def samples(text: str) -> dict[str, float]:
    """Value by name and labels."""
    return {
        f"{sample.name}{json.dumps(sample.labels)}" if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_passes_is_counted(start_relay: Callable[..., Relay], upstream: Upstream, canary: str) -> None:
    relay = start_relay(allow_methods="GET")
    for _ in range(3):
        relay.ask("GET", "/")
    upstream.answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    relay.ask("GET", "/")
    relay.ask("POST", "/")
    shown = relay.ask("GET", "/_relay/metrics")
    assert shown.status == 200
    assert shown.values("content-type")[0].startswith("text/plain; version=0.0.4")
    assert canary.encode() not in shown.body
    found = samples(shown.body.decode())
    assert found["relay_requests_total"] == 5
    assert found["relay_open_requests"] == 0
    assert found['relay_answers_total{"status": "200"}'] == 3
    assert found['relay_answers_total{"status": "404"}'] == 1
    assert found['relay_problems_total{"name": "method-refused"}'] == 1
    assert found['relay_answer_seconds_bucket{"le": "+Inf"}'] == 4
    assert found["relay_answer_seconds_count"] == 4
    assert found["process_resident_memory_bytes"] > 0


def test_metrics_need_a_key_if_anything_does_and_can_be_off(start_relay: Callable[..., Relay]) -> None:
    key = "k" * 43
    relay = start_relay(api_keys=f"alice:{digest_key(key.encode()).hex()}")
    assert relay.ask("GET", "/_relay/metrics").problem() == "key-refused"
    assert relay.ask("GET", "/_relay/metrics", f"X-API-Key: {key}").status == 200
    assert relay.ask("GET", "/_relay/healthz").status == 200
    assert [relay.ask("HEAD", f"/_relay/{page}").status for page in ("healthz", "readyz")] == [200, 200]
    assert start_relay(metrics=False).ask("GET", "/_relay/metrics").status == 404


def test_docs_are_off_until_they_are_asked_for(start_relay: Callable[..., Relay]) -> None:
    assert start_relay().ask("GET", "/_relay/docs").status == 404
    assert start_relay(docs=True).ask("GET", "/_relay/docs").status == 200


def test_workers_are_summed_and_dead_ones_hold_nothing_open(tmp_path: Path) -> None:
    own, alive, dead = Tally(requests=1), Tally(), Tally()
    for other in (alive, dead):
        other.requests, other.open_requests = 10, 3
        other.answered(200, 0.02)
        other.failed("rate-limited")
    own.answered(200, 0.5)
    for worker, tally in ((1, alive), (2**22 + 1, dead), (os.getpid(), Tally(requests=10**6))):
        (tmp_path / f"{worker}.json").write_text(json.dumps(tally.snapshot()))
    others = read_others(tmp_path, lambda worker: worker == 1)
    assert sorted(other["open_requests"] for other in others) == [0, 3]
    found = samples(Metrics(own, tmp_path).render().decode())
    assert found["relay_requests_total"] == 21
    assert found["relay_open_requests"] == 3
    assert found['relay_answers_total{"status": "200"}'] == 3
    assert found['relay_problems_total{"name": "rate-limited"}'] == 2
    assert found['relay_answer_seconds_bucket{"le": "0.01"}'] == 0
    assert found['relay_answer_seconds_bucket{"le": "0.025"}'] == 2
    assert found['relay_answer_seconds_bucket{"le": "0.5"}'] == 3
    assert round(found["relay_answer_seconds_sum"], 6) == 0.54
