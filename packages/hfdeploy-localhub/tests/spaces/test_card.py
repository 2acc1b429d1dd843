import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.spaces.card import Card, read_card
from hfdeploy_localhub.spaces.stages import ConfigError


def front(*lines: str) -> str:
    return "---\n" + "\n".join(lines) + "\n---\ntext\n"


def test_defaults_of_each_sdk() -> None:
    assert read_card(front("sdk: docker")) == Card("docker", "Dockerfile", 7860)
    assert read_card(front("sdk: gradio")).app_file == "app.py"
    assert read_card(front("sdk: streamlit")).app_file == "app.py"
    assert read_card(front("sdk: static")).app_file == "index.html"


def test_versions_stay_as_they_are_written() -> None:
    card = read_card(
        front("sdk: gradio", "sdk_version: 5.10", "python_version: 3.10", "app_file: src/main.py")
    )
    assert (card.sdk_version, card.python_version, card.app_file) == ("5.10", "3.10", "src/main.py")


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("1h", 3600), ("90s", 90), ("1.5h", 5400)])
def test_startup_timeout(text: str, seconds: float) -> None:
    assert (
        read_card(front("sdk: docker", f"startup_duration_timeout: {text}")).startup_timeout_seconds
        == seconds
    )


def test_windows_line_ends_and_leading_blank_lines() -> None:
    assert read_card("\n\n---\r\nsdk: docker\r\napp_port: 8000\r\n---\r\n").app_port == 8000


@pytest.mark.parametrize(
    ("readme", "told"),
    [
        (None, "README.md is missing"),
        ("# Title\n", "no front matter"),
        (front("title: x"), "has no `sdk`"),
        (front("sdk: flask"), "unknown sdk 'flask'"),
        (front("sdk: [docker]"), "`sdk` must be a plain value"),
        (front("- sdk"), "not a list of"),
        (front("sdk: docker", "app_port: 70000"), "`app_port` must be"),
        (front("sdk: docker", "app_port: web"), "`app_port` must be"),
        (front("sdk: gradio", "app_file: ../app.py"), "`app_file` must be"),
        (front("sdk: gradio", "app_file: /etc/passwd"), "`app_file` must be"),
        (front("sdk: gradio", "sdk_version: '5 ; x'"), "`sdk_version` must be"),
        (front("sdk: docker", "startup_duration_timeout: soon"), "must look like 30m"),
        (front("sdk: 'docker"), "not valid YAML"),
        (front("sdk: " + "[" * 500), "not valid YAML"),
    ],
)
def test_what_is_wrong_is_said(readme: str | None, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_card(readme)


@given(st.text())
def test_any_text_is_a_card_or_a_config_error(text: str) -> None:
    for readme in (text, f"---\n{text}\n---\n"):
        with contextlib.suppress(ConfigError):
            assert read_card(readme).sdk
