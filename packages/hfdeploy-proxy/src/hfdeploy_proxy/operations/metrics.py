"""The relay's numbers as Prometheus reads them, of all its workers together."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from hfdeploy_proxy.relay.tally import SECONDS, Tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SHARE_SECONDS = 1.0


class Metrics(Collector):
    """Reads the tally of this process, and those that other workers leave in ``folder``."""

    def __init__(self, tally: Tally, folder: Path | None) -> None:
        self._tally = tally
        self._folder = folder
        self._registry = CollectorRegistry()
        self._registry.register(self)
        if folder is None:
            ProcessCollector(registry=self._registry)

    @property
    def is_shared(self) -> bool:
        """Whether there are other workers."""
        return self._folder is not None

    def render(self) -> bytes:
        """In the text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus-client."""
        others = read_others(self._folder) if self._folder is not None else []
        return describe([self._tally.snapshot(), *others])

    async def share(self) -> None:
        """Leave the numbers where the other workers find them, again and again."""
        assert self._folder is not None
        file = self._folder / f"{os.getpid()}.json"
        while True:
            new = file.with_suffix(".new")
            new.write_text(json.dumps(self._tally.snapshot()))
            new.replace(file)
            await asyncio.sleep(_SHARE_SECONDS)


def read_others(folder: Path, is_alive: Callable[[int], bool] | None = None) -> list[dict[str, Any]]:
    """The numbers of the other workers; of one that has died, what it has counted, but nothing as open."""
    found = []
    for file in folder.glob("*.json"):
        worker = int(file.stem)
        if worker != os.getpid():
            snapshot = json.loads(file.read_text())
            if not (is_alive or _is_alive)(worker):
                snapshot |= {"open_requests": 0, "open_sockets": 0}
            found.append(snapshot)
    return found


def _is_alive(worker: int) -> bool:
    try:
        os.kill(worker, 0)
    except OSError:
        return False
    return True


def describe(snapshots: Iterable[dict[str, Any]]) -> Iterator[Metric]:
    """The sums, with names and help texts."""
    taken = [*snapshots]

    def total(member: str) -> float:
        return float(sum(snapshot[member] for snapshot in taken))

    def by_label(member: str) -> dict[str, int]:
        sums: dict[str, int] = {}
        for snapshot in taken:
            for label, count in snapshot[member].items():
                sums[label] = sums.get(label, 0) + count
        return dict(sorted(sums.items()))

    yield CounterMetricFamily("relay_requests", "HTTP requests.", value=total("requests"))
    yield CounterMetricFamily("relay_websockets", "WebSockets.", value=total("sockets"))
    yield GaugeMetricFamily("relay_open_requests", "HTTP requests under way.", value=total("open_requests"))
    yield GaugeMetricFamily("relay_open_websockets", "WebSockets under way.", value=total("open_sockets"))
    answers = CounterMetricFamily("relay_answers", "Answers of the upstream.", labels=["status"])
    for status, count in by_label("statuses").items():
        answers.add_metric([status], count)
    yield answers
    problems = CounterMetricFamily(
        "relay_problems", "Requests refused or failed, by problem.", labels=["name"]
    )
    for name, count in by_label("problems").items():
        problems.add_metric([name], count)
    yield problems
    counts = accumulate(sum(column) for column in zip(*(each["buckets"] for each in taken), strict=True))
    bounds = [*(str(bound) for bound in SECONDS), "+Inf"]
    yield HistogramMetricFamily(
        "relay_answer_seconds",
        "How long it took until the upstream's answer began.",
        buckets=[*zip(bounds, counts, strict=True)],
        sum_value=total("seconds"),
    )
