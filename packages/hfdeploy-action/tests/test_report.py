from hfdeploy_action.report import Recorder, Report, write_report, write_skipped
from hfdeploy_core import Outcome, RepoType
from hfdeploy_core.errors import BuildFailed, SdkMissing
from hfdeploy_core.events import (
    Committed,
    Finished,
    Planned,
    RunFinished,
    TargetFailed,
    TargetLeft,
    TargetTold,
    Warned,
    WentLive,
)
from hfdeploy_core.testing import FakeClock

PLANNED = Planned("alice/app", "space", True, None, 12, 3, 1, 4, 48_200, "d1", 2)
OUTCOME = Outcome(
    "alice/app", RepoType.SPACE, "https://hub/alice/app", "c0ffee", "https://app", "d1", changed=True
)


def test_it_says_what_was_deployed_where_and_how_long_it_took() -> None:
    clock = FakeClock()
    recorder = Recorder(clock)
    for seconds, event in (
        (1, PLANNED),
        (2.5, Committed("alice/app", "c0ffee")),
        (60, WentLive("alice/app", "c0ffee", 60)),
    ):
        clock.sleep(seconds)
        recorder.show(event)
    told = write_report(recorder.conclude("alice/app", OUTCOME))
    assert told.startswith("### ✅ alice/app was deployed\n")
    assert "| app | https://app |" in told
    assert "| commit | `c0ffee` |" in told
    assert "| alice/app | 12 added, 3 updated, 1 deleted, 4 unchanged, 2 settings changed | 48.2 kB |" in told
    assert "| read and plan | 1.0 s |\n| upload and commit | 2.5 s |\n| until it was live | 60.0 s |" in told


def test_a_failure_has_its_remedy_and_the_log() -> None:
    error = BuildFailed("It cannot be built.")
    error.log = ("``` <b>", "::error::x")
    told = write_report(Report("alice/app", error))
    assert "### ❌ alice/app was not deployed\n\nIt cannot be built.\n\nMend what the build log names" in told
    assert "    ``` <b>\n    ::error::x\n" in told


def test_a_remedy_speaks_of_inputs() -> None:
    told = write_report(Report("alice/app", SdkMissing("Nothing says what runs it: --sdk is missing.")))
    assert "--sdk" not in told
    assert "space\\_sdk is missing" in told
    assert "Set \\`space\\_sdk\\`, or name it" in told


def test_targets_of_a_manifest_have_a_row_each() -> None:
    recorder = Recorder(FakeClock())
    recorder.show(TargetTold("app", PLANNED))
    recorder.show(TargetTold("app", Finished(OUTCOME)))
    recorder.show(TargetFailed("weights", "RateLimited", "Too many.", "Wait.", 41))
    recorder.show(TargetLeft("docs", ("weights",)))
    recorder.show(RunFinished(("app",), (), ("weights",), ("docs",), 3.0))
    told = write_report(recorder.conclude("hfdeploy.yaml", None))
    assert told.startswith("### ✅ hfdeploy.yaml was carried out\n")
    assert "| app | ✅ [alice/app](https://hub/alice/app) |" in told
    assert "| weights | ❌ Too many. Wait. |\n| docs | left alone: it needs weights |" in told
    assert "| alice/app | 12 added" in told
    assert "| carry it out | 3.0 s |" in told


def test_text_of_others_is_no_markup() -> None:
    recorder = Recorder(FakeClock())
    recorder.show(Warned("a|b <script> [x](y)\n# z"))
    told = write_report(recorder.conclude("alice/app", OUTCOME))
    assert "a\\|b \\<script\\> \\[x\\](y) \\# z" in told
    assert write_skipped("No *secrets*.") == "### Not deployed\n\nNo \\*secrets\\*.\n"
