"""A run's report as a page: pure. It loads nothing from anywhere, and everything in it is escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from hfdeploy.render.words import format_bytes, format_price

_TAIL_LINES = 30
_HIDDEN = ("at_seconds", "event", "target")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .3rem .6rem; vertical-align: top; border-bottom: 1px solid #ddd }
pre { font: 13px/1.4 ui-monospace, monospace; background: #f6f6f6; padding: .6rem; overflow-x: auto }
.bad { color: #b00020 }
.lane { background: #f2f2f2; height: 1rem; position: relative }
.bar { background: #4a7; height: 1rem; position: absolute; min-width: 2px }
.bar.bad { background: #b00020 }
"""
_COLUMNS = ("target", "repo", "what became of it", "commit", "files", "to send", "costs")

Record = Mapping[str, Any]


def render_report(report: Record) -> str:
    """The whole page."""
    records: list[Record] = report["records"]
    error = next((record for record in reversed(records) if record["event"] == "error"), None)
    names = list(dict.fromkeys(name for record in records if (name := _name(record)) is not None))
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>hfdeploy</title>",
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<style>{_STYLE}</style></head><body><h1>hfdeploy</h1>",
        f"<p>Began {_text(report['started_at'])}, took {records[-1]['at_seconds'] if records else 0:.1f} s: ",
        f"<b class=bad>failed ({error['exit_code']})</b></p>" if error else "<b>done</b></p>",
        "" if error is None else _show_error(error),
        "<h2>Targets</h2><table><tr>" + "".join(f"<th>{column}" for column in _COLUMNS),
        *(_show_target(name, records) for name in names),
        "</table><h2>Timeline</h2><table>",
        *(_show_lane(name, records) for name in names),
        "</table><h2>Logs</h2>",
        *_show_logs(records),
        "<h2>Events</h2><details><summary>All of them</summary><table>",
        *(_show_record(record) for record in records if record["event"] != "plan"),
        "</table></details></body></html>",
    ]
    return "\n".join(part for part in parts if part)


def _name(record: Record) -> str | None:
    """The target that a record is about: of a deploy of one repo, that."""
    name = record.get("target") or record.get("repo_id")
    return None if name is None else str(name)


def _of(name: str, records: Iterable[Record]) -> list[Record]:
    return [record for record in records if _name(record) == name]


def _last(records: Iterable[Record], *events: str) -> Record:
    return next((record for record in reversed(list(records)) if record["event"] in events), {})


def _show_target(name: str, records: list[Record]) -> str:
    mine = _of(name, records)
    planned, outcome = _last(mine, "planned"), _last(mine, "outcome")
    failed, kept = _last(mine, "target_failed"), _last(mine, "target_left", "target_left_out")
    if failed:
        fate = f"<span class=bad>{_text(failed['message'])} {_text(failed['remedy'])}</span>"
    elif outcome:
        fate = "changed" if outcome["changed"] else "unchanged"
    else:
        fate = _text(kept.get("reason") or ("left alone" if kept else "unchanged"))
    facts = outcome or planned
    files = " ".join(
        f"{sign}{facts[key]}"
        for sign, key in (("+", "files_added"), ("~", "files_updated"), ("-", "files_deleted"))
        if facts.get(key)
    )
    costs = [
        format_price(change["hourly_micro_usd"])
        for plan in mine
        if plan["event"] == "plan"
        for change in plan["changes"]
        if change["change"] == "set_hardware"
    ]
    sent = format_bytes(planned.get("bytes_to_send", 0))
    cells = (
        name,
        facts.get("repo_id", ""),
        fate,
        outcome.get("commit", "")[:10],
        files,
        sent,
        ", ".join(costs[:1]),
    )
    return "<tr>" + "".join(f"<td>{cell if cell is fate else _text(cell)}" for cell in cells)


def _show_lane(name: str, records: list[Record]) -> str:
    whole = max((record["at_seconds"] for record in records), default=0) or 1
    mine = _of(name, records)
    first, last = mine[0]["at_seconds"], mine[-1]["at_seconds"]
    kind = "bar bad" if _last(mine, "target_failed") else "bar"
    style = f"left:{100 * first / whole:.2f}%;width:{100 * (last - first) / whole:.2f}%"
    told = f"{first:.1f} to {last:.1f} s"
    bar = f'<div class=lane><div class="{kind}" style="{style}"></div></div>'
    return f"<tr><td>{_text(name)}<td width=70%>{bar}<td>{told}"


def _show_logs(records: list[Record]) -> Iterable[str]:
    logs: dict[str, list[str]] = {}
    for record in records:
        if record["event"] in ("log", "step_told"):
            source = record.get("log") or record.get("step")
            title = " ".join(filter(None, [_name(record), str(source)]))
            logs.setdefault(title, []).append(str(record["text"]))
    for title, lines in logs.items():
        shown = "\n".join(lines[-_TAIL_LINES:])
        head = f"<summary>{_text(title)} ({len(lines)} lines)</summary>"
        yield f"<details>{head}<pre>{_text(shown)}</pre></details>"
    if not logs:
        yield "<p>None."


def _show_error(error: Record) -> str:
    log = "\n".join(error.get("log", ()))
    return f"<p class=bad>{_text(error['message'])} {_text(error['remedy'])}" + (
        f"<pre>{_text(log)}</pre>" if log else ""
    )


def _show_record(record: Record) -> str:
    facts = ", ".join(
        f"{key}: {value}" for key, value in record.items() if key not in _HIDDEN and value != ""
    )
    cells = (f"{record['at_seconds']:.1f}", record.get("target", ""), record["event"], facts)
    return "<tr>" + "".join(f"<td>{_text(cell)}" for cell in cells)


def _text(value: object) -> str:
    return escape(str(value))
