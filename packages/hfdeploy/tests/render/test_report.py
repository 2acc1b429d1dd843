import json
import re
from html.parser import HTMLParser
from pathlib import Path

from hfdeploy.render.report import render_report

EVIL = '<script>alert("x")</script>'


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_a_run_is_told_with_its_targets_times_logs_and_failure() -> None:
    planned = {
        "event": "planned",
        "target": "app",
        "repo_id": "a/app",
        "files_added": 3,
        "bytes_to_send": 1200,
    }
    change = {"change": "set_hardware", "hourly_micro_usd": 30_000}
    report = {
        "started_at": "2026-01-01T00:00:00+00:00",
        "records": [
            {"at_seconds": 0.5, **planned},
            {"at_seconds": 0.6, "event": "plan", "target": "app", "changes": [change]},
            {"at_seconds": 1.0, "event": "log", "target": "app", "log": "run", "text": EVIL},
            {
                "at_seconds": 2.0,
                "event": "target_failed",
                "target": "app",
                "message": EVIL,
                "remedy": "Mend it.",
            },
            {"at_seconds": 2.0, "event": "target_left", "target": "relay", "because": ["app"]},
            {
                "at_seconds": 4.0,
                "event": "error",
                "message": EVIL,
                "remedy": "Mend it.",
                "exit_code": 51,
                "log": [EVIL],
            },
        ],
    }
    page = render_report(report)
    reader = read(page)
    assert "script" not in reader.tags
    assert reader.links == []
    for told in ("failed (51)", "1.2 kB", "+$0.03 an hour", "+3", "left alone", "0.5 to 2.0 s", EVIL):
        assert told in reader.text
    assert "default-src 'none'" in page
    assert "left:12.50%;width:37.50%" in page


def test_a_relay_has_a_row_of_its_own_and_what_is_somewhere_is_linked() -> None:
    """As a deploy of one repo tells it, which names no target."""
    records = [
        {"event": "planned", "repo_id": "a/app", "files_added": 5, "bytes_to_send": 3_000},
        {"event": "planned", "repo_id": "a/app-proxy", "files_added": 55, "bytes_to_send": 292_000},
        {"event": "live", "repo_id": "a/app-proxy", "commit": "fedcba9876543210"},
        {
            "event": "outcome",
            "repo_id": "a/app",
            "repo_url": "https://hub.test/spaces/a/app",
            "space_url": "https://app.test",
            "proxy_url": "https://relay.test/?a=1&b=2",
            "commit": "0123456789abcdef",
            "changed": True,
        },
    ]
    page = render_report({"started_at": "now", "records": [{"at_seconds": 1.0, **r} for r in records]})
    reader = read(page)
    assert reader.links == [
        "https://hub.test/spaces/a/app",
        "https://app.test",
        "https://relay.test/?a=1&b=2",
    ]
    table = page[page.index("<table>") : page.index("Timeline")]
    main, relay = (re.sub("<[^>]+>", " ", row).split() for row in table.split("<tr>")[2:])
    assert main == ["a/app", "a/app", "app", "changed", "0123456789", "+5", "3.0", "kB"]
    assert relay == ["a/app-proxy", "app", "its", "relay", "fedcba9876", "+55", "292.0", "kB"]
    assert "hfdeploy: a/app" in reader.text


def test_a_run_that_told_nothing_has_a_report_too() -> None:
    assert "done" in read(render_report({"started_at": "now", "records": []})).text


def test_a_deploy_writes_a_page_or_json_however_it_ends(run, source: Path, tmp_path: Path) -> None:
    page, facts = tmp_path / "report.html", tmp_path / "report.json"
    assert run("deploy", source, "alice/app", "--report", page).exit_code == 0
    assert "alice/app" in read(page.read_text()).text
    (source / "index.html").unlink()
    (source / "README.md").unlink()
    assert run("deploy", source, "alice/app", "--report", facts).exit_code == 12
    (error,) = [record for record in json.loads(facts.read_text())["records"] if record["event"] == "error"]
    assert error["exit_code"] == 12
    assert run("deploy", source, "alice/app", "--report", "report.txt").exit_code == 2
    done = run("deploy", source, "alice/app", "--report", tmp_path / "nowhere" / "report.html")
    assert (done.exit_code, "cannot be written" in done.stderr) == (12, True)
