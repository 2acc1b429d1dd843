"""A report in the forms that people and programs read. Pure: values in, text out."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from hfdeploy_core import redact
from hfdeploy_janitor.model import Fate, Report, Thing
from hfdeploy_janitor.rules import Policy

# A step's summary may have a megabyte.
_MOST_ROWS = 1000
_DONE = (Fate.DELETED, Fate.QUARANTINED)


def render_table(report: Report) -> Iterator[str]:
    """Lines for a terminal, one by one as there may be many: what becomes of each thing and why, the sum."""
    fates = max((len(fate) for fate, _, _ in _tell_all(report)), default=0)
    things = max((len(_flatten(f"{thing}")) for _, thing, _ in _tell_all(report)), default=0)
    for fate, thing, reason in _tell_all(report):
        yield redact(f"{fate:{fates}}  {_flatten(f'{thing}'):{things}}  {_flatten(reason)}".rstrip())
    for words in report.plan.incomplete:
        yield redact(f"incomplete: {_flatten(words)}; nothing of it is deleted")
    yield render_summary(report)


def render_summary(report: Report) -> str:
    """One sentence or two: the sum of it all."""
    counts = Counter(fate for fate, _, _ in _tell_all(report))
    told = ", ".join(f"{count} {fate}" for fate, count in sorted(counts.items())) or (
        "nothing was listed" if report.plan.incomplete else "nothing there"
    )
    sentences = [f"{told}."]
    if report.plan.refusal:
        sentences.append(f"Nothing is deleted: {report.plan.refusal}.")
    elif not report.applied and report.plan.targets:
        sentences.append("Nothing was deleted: this was a dry run.")
    if report.stopped:
        sentences.append(f"Stopped early: {report.stopped}")
    return redact(" ".join(sentences))


def render_json(report: Report) -> str:
    """All of it, for programs."""
    return redact(json.dumps(_describe(report), indent=2))


def render_junit(report: Report) -> str:
    """A test case for each target and each trouble: what failed, is unknown or incomplete has failed; what
    was left for good reason is skipped.
    """
    suite = ElementTree.Element("testsuite", name="hfdeploy-janitor")
    wrong = skipped = 0
    for fate, thing, reason in _tell_all(report):
        if fate == "kept":
            continue
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{thing.kind}", name=_clean(thing.full_name)
        )
        if fate in (Fate.FAILED, Fate.UNKNOWN):
            ElementTree.SubElement(case, "failure", message=_clean(reason), type=fate)
            wrong += 1
        elif fate in (Fate.SPARED, Fate.POSTPONED):
            ElementTree.SubElement(case, "skipped", message=_clean(reason))
            skipped += 1
    troubles = [*report.plan.incomplete, report.plan.refusal, report.stopped]
    for trouble in filter(None, troubles):
        case = ElementTree.SubElement(suite, "testcase", classname="sweep", name=_clean(trouble))
        ElementTree.SubElement(case, "failure", message=_clean(trouble))
        wrong += 1
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(wrong))
    suite.set("skipped", str(skipped))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def render_markdown(report: Report) -> str:
    """For the summary of a GitHub step: the sum, and what was or would be done."""
    lines = [f"### hfdeploy-janitor\n\n{render_summary(report)}\n"]
    rows = [row for row in _tell_all(report) if row[0] != "kept"]
    if rows:
        lines.append("| fate | what | why |\n| --- | --- | --- |")
        lines += [
            f"| {fate} | {_escape(f'{thing}')} | {_escape(reason)} |"
            for fate, thing, reason in rows[:_MOST_ROWS]
        ]
    if len(rows) > _MOST_ROWS:
        lines.append(f"\n... and {len(rows) - _MOST_ROWS} more.")
    lines += [f"- incomplete: {_escape(words)}" for words in report.plan.incomplete]
    return redact("\n".join(lines) + "\n")


def find_weak_rules(policy: Policy) -> tuple[str, ...]:
    """Sentences about rules that go by a prefix alone."""
    return tuple(
        f"The rule for {rule} goes by the name alone, which is weaker than marks: whatever is called so is"
        " deleted when it is old enough, whoever made it."
        for rule in policy.rules
        if not rule.marked
    )


def _describe(report: Report) -> dict[str, Any]:
    plan = report.plan
    return {
        "endpoint": plan.endpoint,
        "made_at": plan.made_at.isoformat(),
        "digest": plan.digest,
        "applied": report.applied,
        "exit_code": report.exit_code,
        "refusal": plan.refusal,
        "stopped": report.stopped,
        "incomplete": list(plan.incomplete),
        "things": [
            {"fate": fate, "type": thing.kind, "name": thing.full_name, "id": thing.id, "reason": reason}
            for fate, thing, reason in _tell_all(report)
        ],
    }


def _tell_all(report: Report) -> Iterator[tuple[str, Thing, str]]:
    """Each thing once: its fate or what would be done, and why."""
    for kept in report.plan.kept:
        yield "kept", kept.thing, kept.reason
    if report.results:
        for result in report.results:
            reason = result.target.reason if result.fate in _DONE else result.words
            yield result.fate.value, result.target.thing, reason
        return
    for target in report.plan.targets:
        fate = "would delete" if target.trash_name is None else "would quarantine"
        if report.plan.refusal:
            yield "kept", target.thing, f"there would be too many: {target.reason}"
        else:
            yield fate, target.thing, target.reason


def _escape(text: str) -> str:
    return _flatten(text).replace("|", "\\|").replace("<", "&lt;")


def _flatten(text: str) -> str:
    """In one line, and no command to a terminal or a workflow's log: strangers may name a pull request."""
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def _clean(text: str) -> str:
    """Without what XML cannot hold, and without secrets."""
    return redact(_flatten(text))
