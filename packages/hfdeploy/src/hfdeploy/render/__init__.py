"""Shows events: on a terminal, as plain lines, or as JSON one a line. Every face hears the same stream."""

import sys
from contextlib import AbstractContextManager

from hfdeploy.render.port import Renderer


def open_renderer(*, as_json: bool, report: str | None = None) -> AbstractContextManager[Renderer]:
    """The renderer that fits standard output, which writes a `report` too; to be entered with `with`."""
    if report is not None:
        from hfdeploy.render.reporting import Reporting

        return Reporting(open_renderer(as_json=as_json), report)
    if as_json:
        from hfdeploy.render.json_lines import JsonLines

        return JsonLines(sys.stdout)
    if sys.stdout.isatty():
        from hfdeploy.render.terminal import Terminal

        return Terminal()
    from hfdeploy.render.plain import PlainLines

    return PlainLines(sys.stdout, sys.stderr)
