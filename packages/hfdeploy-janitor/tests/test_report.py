import json
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

from hfdeploy_janitor.model import Fate, Kept, Plan, Report, Result, Target, Thing
from hfdeploy_janitor.report import find_weak_rules, render_json, render_junit, render_markdown, render_table
from hfdeploy_janitor.rules import Kind, Policy, Rule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy((Rule("alice", "test-", 21600.0), Rule("alice", "marked-", 21600.0, marked=True)))
OLD, MINE = (Thing(Kind.MODEL, "alice", name, name, NOW, NOW) for name in ("test-1", "mine"))
TARGET = Target(OLD, "it expired", 0)
PLAN = Plan("https://hub.test", NOW, POLICY, (TARGET,), (Kept(MINE, "no rule covers it"),))


def test_a_dry_run_says_what_it_would_do() -> None:
    assert list(render_table(Report(PLAN))) == [
        "kept          model alice/mine    no rule covers it",
        "would delete  model alice/test-1  it expired",
        "1 kept, 1 would delete. Nothing was deleted: this was a dry run.",
    ]


def test_fates_and_what_is_incomplete_are_told() -> None:
    plan = Plan("", NOW, POLICY, (TARGET,), incomplete=("spaces of alice: broken",))
    report = Report(plan, (Result(TARGET, Fate.FAILED, "The Hub refused."),), applied=True, stopped="Skew.")
    assert list(render_table(report)) == [
        "failed  model alice/test-1  The Hub refused.",
        "incomplete: spaces of alice: broken; nothing of it is deleted",
        "1 failed. Stopped early: Skew.",
    ]


def test_what_could_not_be_listed_is_not_called_absent() -> None:
    plan = Plan("", NOW, POLICY, ())
    assert list(render_table(Report(plan))) == ["nothing there."]
    *_, last = render_table(Report(replace(plan, incomplete=("spaces of alice: broken",))))
    assert last == "nothing was listed."


def test_a_refusal_is_told() -> None:
    plan = Plan("", NOW, POLICY, (TARGET,), refusal="too many")
    assert list(render_table(Report(plan, applied=True))) == [
        "kept  model alice/test-1  there would be too many: it expired",
        "1 kept. Nothing is deleted: too many.",
    ]


def test_a_name_is_no_command_to_a_terminal_or_a_workflow() -> None:
    """Whoever may open a pull request chooses its title."""
    title = "x\n::error::y\x1b[31m|\u202e\x08<b>"
    evil = Thing(Kind.PULL_REQUEST, "alice", title, "1", NOW, None, within="models/alice/m")
    plan = Plan("", NOW, POLICY, (Target(evil, "it expired", 0),), (Kept(evil, f"{title}: odd"),))
    assert list(render_table(Report(plan)))[:2] == [
        "kept          pull-request models/alice/m/x::error::y[31m|<b>  x::error::y[31m|<b>: odd",
        "would delete  pull-request models/alice/m/x::error::y[31m|<b>  it expired",
    ]
    told = render_markdown(Report(plan))
    assert "| would delete | pull-request models/alice/m/x::error::y[31m\\|&lt;b> | it expired |" in told
    (case,) = ElementTree.fromstring(render_junit(Report(plan)))
    assert case.get("name") == "models/alice/m/x::error::y[31m|<b>"


def test_programs_read_all_of_it() -> None:
    told = json.loads(render_json(Report(PLAN, (Result(TARGET, Fate.DELETED),), applied=True)))
    assert told["digest"] == PLAN.digest
    assert told["exit_code"] == 0
    assert told["things"][1] == {
        "fate": "deleted",
        "type": "model",
        "name": "alice/test-1",
        "id": "test-1",
        "reason": "it expired",
    }


def test_no_token_shows_whatever_the_hub_says() -> None:
    result = Result(TARGET, Fate.FAILED, "The token hf_abcdefghijklmnop is bad.")
    for text in ("".join(render_table(Report(PLAN, (result,)))), render_json(Report(PLAN, (result,)))):
        assert "hf_abc" not in text
        assert "[redacted]" in text


def test_weak_rules_are_named() -> None:
    (words,) = find_weak_rules(POLICY)
    assert "alice/test-*" in words


def test_junit_has_a_case_for_each_target() -> None:
    plan = Plan("", NOW, POLICY, (TARGET,), (Kept(MINE, "kept"),), incomplete=("spaces: \x00broken",))
    suite = ElementTree.fromstring(render_junit(Report(plan, (Result(TARGET, Fate.UNKNOWN, "Lost."),))))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    first, second = suite
    assert (first.get("classname"), first.get("name")) == ("model", "alice/test-1")
    assert first[0].get("message") == "Lost."
    assert second.get("name") == "spaces: broken"
    clean = ElementTree.fromstring(render_junit(Report(plan=PLAN, results=(Result(TARGET, Fate.DELETED),))))
    assert (clean.get("tests"), clean.get("failures")) == ("1", "0")


def test_what_junit_should_not_take_for_done_is_skipped() -> None:
    for fate in (Fate.POSTPONED, Fate.SPARED):
        report = Report(PLAN, (Result(TARGET, fate, "Not now."),), applied=True)
        suite = ElementTree.fromstring(render_junit(report))
        assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1", "0", "1")
        assert suite[0][0].get("message") == "Not now."


def test_a_steps_summary_is_a_table_of_what_was_done() -> None:
    told = render_markdown(Report(PLAN, (Result(TARGET, Fate.FAILED, "a|b <c>"),), applied=True))
    assert "| failed | model alice/test-1 | a\\|b &lt;c> |" in told
    assert "mine" not in told
    many = Plan("", NOW, POLICY, (TARGET,) * 1500)
    assert "... and 500 more." in render_markdown(Report(many))
