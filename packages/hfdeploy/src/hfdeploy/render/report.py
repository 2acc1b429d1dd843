"""A run's report as a page: pure. It loads nothing from anywhere, and everything in it is escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from hfdeploy.render.words import count, format_bytes, format_price

_TAIL_LINES = 30
_HIDDEN = ("at_seconds", "event", "target")
# What of a plan says that there is something to do.
_PLANNED = ("creates", "settings_changed", "visibility", "files_added", "files_updated", "files_deleted")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .3rem .6rem; vertical-align: top; border-bottom: 1px solid #ddd }
td { overflow-wrap: break-word }
td:first-child, .short { white-space: nowrap }
section { overflow-x: auto }
pre { font: 13px/1.4 ui-monospace, monospace; background: #f6f6f6; padding: .6rem; overflow-x: auto }
.bad { color: #b00020 }
.lane { background: #f2f2f2; height: 1rem; position: relative }
.bar { background: #4a7; height: 1rem; position: absolute; min-width: 2px }
.bar.bad { background: #b00020 }
"""
_COLUMNS = ("target", "repo", "what became of it", "commit", "files", "settings", "to send", "costs")

Record = Mapping[str, Any]


def render_report(report: Record) -> str:
    """The whole page."""
    records = _name_only_target(report["records"])
    error = next((record for record in reversed(records) if record["event"] == "error"), None)
    names = list(dict.fromkeys(name for record in records if (name := _name(record)) is not None))
    took_seconds = records[-1]["at_seconds"] if records else 0
    title = _text(", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""))
    parts = [
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>hfdeploy: {title}</title>",
        '<meta name=viewport content="width=device-width">',
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<style>{_STYLE}</style></head><body><h1>hfdeploy: {title}</h1>",
        f"<p>Began {_text(report['started_at'])}, took {took_seconds:.1f} s: ",
        f"<b class=bad>failed ({error['exit_code']})</b></p>" if error else "<b>done</b></p>",
        "" if error is None else _show_error(error),
        "<h2>Targets</h2><section><table><tr>" + "".join(f"<th>{column}" for column in _COLUMNS),
        *(row for name in names for row in _show_target(name, records)),
        "</table></section><h2>Timeline</h2><table>",
        *(_show_lane(name, records) for name in names),
        "</table><h2>Logs</h2>",
        *_show_logs(records),
        "<h2>Events</h2><details><summary>All of them</summary><section><table>",
        *(_show_record(record) for record in records if record["event"] != "plan"),
        "</table></section></details></body></html>",
    ]
    return "\n".join(part for part in parts if part)


def _name_only_target(records: list[Record]) -> list[Record]:
    """A deploy of one repo tells of no target: all that it tells is of that repo."""
    if any(record.get("target") for record in records):
        return records
    name = next((record["repo_id"] for record in records if "repo_id" in record), None)
    return [{**record, "target": name} for record in records]


def _name(record: Record) -> str | None:
    name = record.get("target")
    return None if not name else str(name)


def _of(name: str, records: Iterable[Record]) -> list[Record]:
    return [record for record in records if _name(record) == name]


def _last(records: Iterable[Record], *events: str) -> Record:
    return next((record for record in reversed(list(records)) if record["event"] in events), {})


def _show_target(name: str, records: list[Record]) -> Iterable[str]:
    """A row for its repo, and one for that of its relay if it has one."""
    mine = _of(name, records)
    outcome = _last(mine, "outcome")
    planned = {record["repo_id"]: record for record in mine if record["event"] == "planned"}
    main, *relays = planned.values() or [outcome]
    yield _show_repo(name, main, _show_link(main, outcome), _show_fate(mine), outcome, _find_costs(mine))
    for relay in relays:
        address = {"repo_id": relay["repo_id"], "space_url": outcome.get("proxy_url")}
        live = _last((record for record in mine if record.get("repo_id") == relay["repo_id"]), "live")
        yield _show_repo("", relay, _show_link(relay, address), "its relay", live, "")


def _show_repo(name: str, planned: Record, link: str, fate: str, outcome: Record, costs: str) -> str:
    files = " ".join(
        f"{sign}{planned[key]}"
        for sign, key in (("+", "files_added"), ("~", "files_updated"), ("-", "files_deleted"))
        if planned.get(key)
    )
    sent = format_bytes(planned.get("bytes_to_send", 0))
    commit, settings = outcome.get("commit", "")[:10], planned.get("settings_changed") or ""
    return f"<tr><td>{_text(name)}<td>{link}<td>{fate}" + "".join(
        f"<td class=short>{_text(cell)}" for cell in (commit, files, settings, sent, costs)
    )


def _show_link(planned: Record, outcome: Record) -> str:
    repo_id = _text(planned.get("repo_id", ""))
    if url := outcome.get("repo_url"):
        repo_id = f'<a href="{_text(url)}">{repo_id}</a>'
    if url := outcome.get("space_url"):
        repo_id += f' <a href="{_text(url)}">app</a>'
    return repo_id


def _show_fate(mine: list[Record]) -> str:
    failed, kept = _last(mine, "target_failed"), _last(mine, "target_left", "target_left_out")
    if failed:
        return f"<span class=bad>{_text(failed['message'])} {_text(failed['remedy'])}</span>"
    if outcome := _last(mine, "outcome"):
        return "changed" if outcome["changed"] else "unchanged"
    if kept:
        return _text(kept.get("reason") or "left alone")
    if _last(mine, "deleted"):
        return "deleted"
    planned = _last(mine, "planned")
    return "to be changed" if any(planned.get(key) for key in _PLANNED) else "unchanged"


def _find_costs(mine: list[Record]) -> str:
    costs = [
        format_price(change["hourly_micro_usd"])
        for plan in mine
        if plan["event"] == "plan"
        for change in plan["changes"]
        if change["change"] == "set_hardware"
    ]
    return costs[0] if costs else ""


def _show_lane(name: str, records: list[Record]) -> str:
    whole = max((record["at_seconds"] for record in records), default=0) or 1
    mine = _of(name, records)
    first, last = mine[0]["at_seconds"], mine[-1]["at_seconds"]
    kind = "bar bad" if _last(mine, "target_failed") else "bar"
    style = f"left:{100 * first / whole:.2f}%;width:{100 * (last - first) / whole:.2f}%"
    told = f"{first:.1f} to {last:.1f} s"
    bar = f'<div class=lane><div class="{kind}" style="{style}"></div></div>'
    return f"<tr><td>{_text(name)}<td width=70%>{bar}<td class=short>{told}"


def _show_logs(records: list[Record]) -> Iterable[str]:
    logs: dict[str, list[str]] = {}
    for record in records:
        if record["event"] in ("log", "step_told"):
            source = record.get("log") or record.get("step")
            title = " ".join(filter(None, [_name(record), str(source)]))
            logs.setdefault(title, []).append(str(record["text"]))
    for title, lines in logs.items():
        shown = "\n".join(lines[-_TAIL_LINES:])
        head = f"<summary>{_text(title)} ({count(len(lines), 'line')})</summary>"
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
