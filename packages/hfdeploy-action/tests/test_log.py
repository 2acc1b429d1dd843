from io import StringIO
from pathlib import Path

from hfdeploy_action.log import WorkflowLog, find_places
from hfdeploy_core.errors import (
    BuildFailed,
    CardInvalid,
    ManifestInvalid,
    RunFailed,
    SdkMissing,
    ValueMissing,
    gather,
)
from hfdeploy_core.events import (
    Committed,
    Logged,
    Scanned,
    StageChanged,
    TargetFailed,
    TargetTold,
    Uploading,
    Warned,
)


def shown(*events: object, source: str = ".") -> list[str]:
    out = StringIO()
    with WorkflowLog(out, source) as log:
        for event in events:
            log.show(event)  # type: ignore[arg-type]
    return out.getvalue().splitlines()


def test_each_log_is_a_group_of_its_own() -> None:
    lines = shown(
        StageChanged("alice/app", "BUILDING", None),
        Logged("build", "Step 1"),
        Logged("build", "::error::not ours"),
        Logged("run", "started"),
        Committed("alice/app", "c0ffee"),
        Logged("run", "bye"),
    )
    assert lines == [
        "alice/app is BUILDING",
        "::group::The build log",
        "Step 1",
        ": :error::not ours",
        "::endgroup::",
        "::group::The run log",
        "started",
        "::endgroup::",
        "Committed c0ffee",
        "::group::The run log",
        "bye",
        "::endgroup::",
    ]


def test_a_warning_is_an_annotation_and_progress_comes_in_tenths() -> None:
    lines = shown(Warned("50% gone\nor so"), *(Uploading(1, done, 1000) for done in range(0, 1001, 10)))
    assert lines[0] == "::warning title=hfdeploy::50%25 gone%0Aor so"
    assert len(lines) == 1 + 11


def test_a_failure_names_the_line_of_the_card() -> None:
    out = StringIO()
    with WorkflowLog(out, "app/") as log:
        log.show(Logged("build", "x"))
        log.fail(CardInvalid("It is wrong.", "Correct it.", line=3), "CardInvalid", 23)
    assert out.getvalue().splitlines()[-2:] == [
        "::endgroup::",
        "::error title=hfdeploy%3A CardInvalid,file=app/README.md,line=3::It is wrong.%0ACorrect it.",
    ]
    assert find_places(CardInvalid("x", line=3), "y", ".") == [("y", {"file": "README.md", "line": 3})]
    ((_, place),) = find_places(CardInvalid("x", file=".gitignore"), "x", "a\\b")
    assert place == {"file": "a/b/.gitignore", "line": None}
    assert find_places(SdkMissing("x"), "x", ".") == [("x", {})]


def test_each_of_several_faults_is_annotated_with_its_remedy() -> None:
    error = gather([SdkMissing("No sdk.", "Set it."), CardInvalid("Bad card.", "Mend it.", line=3)])
    assert find_places(error, error.message, "app") == [
        ("No sdk. Set it.", {}),
        ("Bad card. Mend it.", {"file": "app/README.md", "line": 3}),
    ]


def test_a_secret_is_masked_line_by_line_unless_it_is_too_short() -> None:
    out = StringIO()
    WorkflowLog(out, ".").mask("-----BEGIN\nabc%\n1\n\nlonger")
    assert out.getvalue().splitlines() == [
        "::add-mask::-----BEGIN",
        "::add-mask::abc%25",
        "::add-mask::longer",
    ]


def test_each_fault_of_a_manifest_is_annotated_where_it_is() -> None:
    error = ManifestInvalid("hfdeploy.yaml:3:5: no such key.\nhfdeploy.yaml:12:1: C:\\x: not a folder.")
    assert find_places(error, error.message, ".") == [
        ("no such key.", {"file": "hfdeploy.yaml", "line": "3", "col": "5"}),
        ("C:\\x: not a folder.", {"file": "hfdeploy.yaml", "line": "12", "col": "1"}),
    ]


def test_a_value_that_is_missing_is_annotated_where_it_is_asked_for() -> None:
    error = ValueMissing("hfdeploy.yaml:3:5: the environment variable KEY is not set.")
    ((message, place),) = find_places(error, error.message, ".")
    assert (message, place["line"]) == ("the environment variable KEY is not set.", "3")


def test_what_targets_tell_is_told_by_their_names() -> None:
    lines = shown(
        TargetTold("app", Logged("build", "Step 1")),
        TargetTold("other", Logged("build", "Step 1")),
        TargetTold("app", Warned("careful")),
        TargetFailed("app", "BuildFailed", "It cannot be built.", "Mend it.", 50),
    )
    assert lines == [
        "::group::The build log of app",
        "Step 1",
        "::endgroup::",
        "::group::The build log of other",
        "Step 1",
        "::endgroup::",
        "::warning title=hfdeploy%3A app::careful",
        "[app] failed: It cannot be built. Mend it.",
    ]


def test_of_several_targets_that_failed_each_is_annotated_and_of_one_that_alone() -> None:
    out = StringIO()
    log = WorkflowLog(out, ".")
    log.show(TargetTold("app", Scanned(str(Path("site").absolute()), 1, 1)))
    log.show(TargetFailed("app", "CardInvalid", "Wrong.", "Mend it.", 23))
    log.fail(CardInvalid("Wrong.", "Mend it.", line=3), "CardInvalid", 23)
    assert out.getvalue().splitlines()[-1] == (
        "::error title=hfdeploy%3A CardInvalid,file=site/README.md,line=3::Wrong.%0AMend it."
    )
    log.show(TargetFailed("other", "BuildFailed", "It cannot be built.", "Mend it.", 50))
    log.fail(RunFailed("2 of 2 targets failed: app, other."), "RunFailed", 63)
    annotations = [line for line in out.getvalue().splitlines() if line.startswith("::error")]
    assert annotations[1:3] == [
        "::error title=hfdeploy%3A app::Wrong.%0AMend it.",
        "::error title=hfdeploy%3A other::It cannot be built.%0AMend it.",
    ]


def test_the_last_lines_of_a_log_come_before_the_failure() -> None:
    error = BuildFailed("It cannot be built.")
    error.log = ("one", "##[error]two")
    out = StringIO()
    WorkflowLog(out, ".").fail(error, "BuildFailed", 50)
    assert out.getvalue().splitlines()[:4] == [
        "::group::The last lines of the log",
        "one",
        "## [error]two",
        "::endgroup::",
    ]
