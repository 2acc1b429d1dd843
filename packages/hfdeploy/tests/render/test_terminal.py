from io import StringIO

import pytest
from rich.console import Console

from hfdeploy.render.terminal import Terminal
from hfdeploy_core.errors import SourceEmpty
from hfdeploy_core.events import Committed, Planned, Uploading, Warned


def test_lines_stand_and_the_bar_goes(capsys: pytest.CaptureFixture[str]) -> None:
    out = StringIO()
    with Terminal(Console(file=out, force_terminal=True, width=120)) as renderer:
        renderer.show(Warned("[bold]file[/bold] is left out"))
        renderer.show(Planned("a/b", "space", False, None, 1, 0, 0, 0, 10, "d"))
        for done in (0, 5_000_000, 10_000_000):
            renderer.show(Uploading(1, done, 10_000_000))
        renderer.show(Committed("a/b", "abc"))
        renderer.fail(SourceEmpty("Nothing."), "SourceEmpty", 12)
    text = out.getvalue()
    assert "[bold]file[/bold] is left out" in text
    assert "Plan for space a/b: add 1 file" in text
    assert "Uploading 1 file" in text
    assert "10.0/10.0 MB" in text
    assert "Committed abc" in text
    assert "error: Nothing." in capsys.readouterr().err
