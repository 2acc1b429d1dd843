import asyncio
import re
from pathlib import Path

import pytest

from hfdeploy_localhub.api import spaces
from hfdeploy_localhub.spaces.logs import LINE_LIMIT_CHARACTERS, Line, Log


def texts(lines: list[Line]) -> list[str]:
    return [line.data for line in lines]


def test_lines_have_a_newline_and_a_time(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.jsonl")
    log.begin()("a\nb")
    assert texts(log.lines()) == ["a\n", "b\n"]
    assert texts(log.lines(1)) == ["b\n"]
    assert texts(log.lines(0)) == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", log.lines()[0].timestamp)


def test_a_later_hub_shows_what_was_logged(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.jsonl")
    say = log.begin()
    say("é a")
    log.finish(say)
    with (tmp_path / "x.jsonl").open("a") as file:
        file.write('["2026-01-01T00:00')  # killed while writing
    assert texts(Log(tmp_path / "x.jsonl").lines()) == ["é a\n"]


def test_a_log_without_end_stays_small(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.jsonl", limit_bytes=20_000)
    say = log.begin()
    for number in range(2000):
        say(f"line {number} {'x' * 100}")
    assert texts(log.lines())[-1].startswith("line 1999 ")
    assert sum(len(line.data) for line in log.lines()) <= 20_000
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 45_000
    log.finish(say)
    assert texts(Log(tmp_path / "x.jsonl", limit_bytes=20_000).lines()) == texts(log.lines())


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.jsonl")
    say = log.begin()
    say("x" * 10 * LINE_LIMIT_CHARACTERS)
    assert len(log.lines()[0].data) == LINE_LIMIT_CHARACTERS + 1
    log.finish(say)


def test_who_wrote_before_cannot_write_into_the_next_session(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.jsonl")
    before = log.begin()
    before("old")
    now = log.begin()
    before("old")
    now("new")
    log.finish(before)
    assert log.is_open
    log.finish(now)
    now("late")
    assert texts(log.lines()) == ["new\n"]


@pytest.mark.anyio
async def test_following_ends_with_the_session(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.jsonl")
    say = log.begin()
    say("a\nb")
    heard: list[str] = []

    async def follow() -> None:
        async for line in log.follow(tail=1):
            heard.append(line.data)

    follower = asyncio.create_task(follow())
    await asyncio.sleep(0.01)
    assert heard == ["b\n"]
    say("c")
    await asyncio.sleep(0.01)
    assert heard == ["b\n", "c\n"]
    say("d")
    log.finish(say)
    await asyncio.wait_for(follower, 1)
    assert heard == ["b\n", "c\n", "d\n"]


@pytest.mark.anyio
async def test_following_ends_where_the_log_is_released(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.jsonl")
    say = log.begin()
    say("a")
    follower = log.follow()
    assert (await anext(follower)).data == "a\n"
    waiting = asyncio.ensure_future(anext(follower, None))
    await asyncio.sleep(0.01)
    log.release()
    assert await asyncio.wait_for(waiting, 1) is None
    assert [line.data async for line in log.follow()] == ["a\n"]


@pytest.mark.anyio
async def test_a_silent_log_keeps_its_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "_KEEP_ALIVE_SECONDS", 0.01)
    log = Log(tmp_path / "x.jsonl")
    say = log.begin()
    events = spaces.stream_events(log)
    assert await anext(events) == ": keep-alive\n\n"
    say("a")
    while (event := await anext(events)).startswith(":"):
        pass
    assert '"data": "a\\n"' in event
    log.finish(say)
    assert [event async for event in events if not event.startswith(":")] == []


@pytest.mark.anyio
async def test_a_slow_follower_misses_lines_and_goes_on(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.jsonl", limit_bytes=5000)
    say = log.begin()
    follower = log.follow()
    say("first")
    assert (await anext(follower)).data == "first\n"
    for number in range(1000):
        say(f"{number}")
    log.finish(say)
    rest = [line.data async for line in follower]
    assert rest[-1] == "999\n"
    assert len(rest) < 100
