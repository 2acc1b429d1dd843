"""Shows events: on a terminal, as plain lines, or as JSON one a line. Every face hears the same stream."""

import os
import sys
from contextlib import AbstractContextManager, suppress

from hfdeploy.render.port import Renderer

_TRACED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def open_renderer(*, as_json: bool, report: str | None = None) -> AbstractContextManager[Renderer]:
    """The renderer that fits standard output, which writes a `report` too; to be entered with `with`."""
    face = _choose_face(as_json=as_json)
    if report is not None:
        from hfdeploy.render.reporting import Reporting

        face = Reporting(face, report)
    if any(os.environ.get(name) for name in _TRACED):
        with suppress(ImportError):  # an extra, and these variables are there for other programs, too
            from hfdeploy.render.tracing import Tracing, make_provider

            face = Tracing(face, make_provider())
    return face


def _choose_face(*, as_json: bool) -> AbstractContextManager[Renderer]:
    if as_json:
        from hfdeploy.render.json_lines import JsonLines

        return JsonLines(sys.stdout)
    if sys.stdout.isatty():
        from hfdeploy.render.terminal import Terminal

        return Terminal()
    from hfdeploy.render.plain import PlainLines

    return PlainLines(sys.stdout, sys.stderr)
