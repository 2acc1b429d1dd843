import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.heartbeat import beat

NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def test_a_file_holds_the_time(tmp_path: Path) -> None:
    beat(str(tmp_path / "beat"), NOW)
    assert (tmp_path / "beat").read_text() == "2026-01-01T12:30:00+00:00\n"
    with pytest.raises(RuleInvalid, match="cannot be written"):
        beat(str(tmp_path / "none/beat"), NOW)


def test_a_url_that_does_not_answer_is_told() -> None:
    with pytest.raises(RuleInvalid, match="not taken"):
        beat("http://127.0.0.1:9/", NOW)


def test_a_heartbeats_url_is_called_and_never_told() -> None:
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200 if "good" in self.path else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        beat(f"{address}/good", NOW)
        with pytest.raises(RuleInvalid, match="answered with 404") as caught:
            beat(f"{address}/secret-word", NOW)
        assert "secret-word" not in str(caught.value)
    finally:
        server.shutdown()
        server.server_close()
    assert paths == ["/good", "/secret-word"]
