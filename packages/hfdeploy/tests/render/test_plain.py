from io import StringIO

from hfdeploy.render.plain import PlainLines
from hfdeploy_core.errors import SourceEmpty
from hfdeploy_core.events import Committed, Uploading, Waiting, Warned


def test_warnings_waits_and_errors_go_to_the_other_stream() -> None:
    out, err = StringIO(), StringIO()
    with PlainLines(out, err) as renderer:
        renderer.show(Warned("w"))
        renderer.show(Waiting(1, "r"))
        renderer.show(Committed("a/b", "abc"))
        renderer.fail(SourceEmpty("Nothing."), "SourceEmpty", 12)
    assert out.getvalue() == "Committed abc\n"
    assert [line.split()[0] for line in err.getvalue().splitlines()] == ["warning:", "Waiting", "error:"]


def test_progress_is_told_in_tenths_and_no_line_twice() -> None:
    out = StringIO()
    with PlainLines(out, StringIO()) as renderer:
        for done in range(0, 100_001, 100):
            renderer.show(Uploading(1, done * 1000, 100_000_000))
        renderer.show(Uploading(1, 100_000_000, 100_000_000))
    lines = out.getvalue().splitlines()
    assert len(lines) == 11
    assert (lines[0][-15:], lines[-1][-20:]) == ("0 B of 100.0 MB", "100.0 MB of 100.0 MB")
