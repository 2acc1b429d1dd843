import sys

import pytest

from hfdeploy.render import open_renderer
from hfdeploy.render.json_lines import JsonLines
from hfdeploy.render.plain import PlainLines
from hfdeploy.render.terminal import Terminal


@pytest.mark.parametrize(
    ("as_json", "is_tty", "kind"),
    [(True, True, JsonLines), (True, False, JsonLines), (False, True, Terminal), (False, False, PlainLines)],
)
def test_the_face_fits_the_output(monkeypatch: pytest.MonkeyPatch, as_json, is_tty, kind) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_tty)
    assert type(open_renderer(as_json=as_json)) is kind
