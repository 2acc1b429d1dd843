"""Pointing an app that names its port at the free one it was given. Pure."""

import re
from collections.abc import Mapping, Sequence

PORT_VARIABLES = ("PORT", "GRADIO_SERVER_PORT", "STREAMLIT_SERVER_PORT")


def point_text(text: str, app_port: int, port: int) -> str:
    """`text` with `app_port` replaced by `port` where it stands as a port: `7860`, `--port=7860`,
    `0.0.0.0:7860`, `-p7860`, `http://0.0.0.0:7860/x`, or as a word of a longer text (`sh -c "uvicorn app:app
    --port 7860"`).
    """
    pattern = rf"(?:(?<=^)|(?<=[\s=:,'\"])|(?<=^-[a-zA-Z])){app_port}(?=$|[\s/,?'\";])"
    return re.sub(pattern, str(port), text)


def point_arguments(arguments: Sequence[str], app_port: int, port: int) -> tuple[str, ...]:
    """A command's arguments with `app_port` replaced by `port`; its first word is left alone."""
    return (*arguments[:1], *(point_text(argument, app_port, port) for argument in arguments[1:]))


def point_environment(environment: Mapping[str, str], app_port: int, port: int) -> dict[str, str]:
    """An environment whose values name `port` in place of `app_port`, and the well-known port variables."""
    pointed = {name: point_text(value, app_port, port) for name, value in environment.items()}
    return pointed | dict.fromkeys(PORT_VARIABLES, str(port))
