import json
from io import StringIO

from hfdeploy.render.json_lines import JsonLines
from hfdeploy_core.errors import SdkMissing, SourceEmpty, gather
from hfdeploy_core.events import Finished, Scanned
from hfdeploy_core.model import Outcome, RepoType


def test_each_event_is_an_object_on_a_line_of_its_own() -> None:
    out = StringIO()
    with JsonLines(out) as renderer:
        renderer.show(Scanned("line\nbreak", 1, 2, 1, ("dist/",)))
        renderer.show(Finished(Outcome("a/b", RepoType.SPACE, "https://hub.test", "abc")))
        renderer.fail(SourceEmpty("Nothing."), "SourceEmpty", 12)
        renderer.fail(gather([SourceEmpty("Nothing."), SdkMissing("No sdk.")]), "SeveralFaults", 79)
    scanned, outcome, error, several = map(json.loads, out.getvalue().splitlines())
    assert scanned == {
        "event": "scanned",
        "source": "line\nbreak",
        "files": 1,
        "size_bytes": 2,
        "ignored": 1,
        "ignored_paths": ["dist/"],
    }
    assert (outcome["event"], outcome["repo_type"], outcome["commit"]) == ("outcome", "space", "abc")
    assert (error["event"], error["error"], error["exit_code"]) == ("error", "SourceEmpty", 12)
    assert [(fault["error"], fault["message"]) for fault in several["faults"]] == [
        ("SourceEmpty", "Nothing."),
        ("SdkMissing", "No sdk."),
    ]
