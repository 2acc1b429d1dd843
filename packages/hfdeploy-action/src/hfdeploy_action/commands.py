"""Workflow commands, and how text is printed that must not be one: pure."""

import re

_LONGEST_MESSAGE = 4096
# The runner obeys a line that begins with `::`, blanks before it or not, and `##[` anywhere.
_COMMAND = re.compile(r"^(\s*)::")


def write_command(name: str, message: str = "", **properties: str | int | None) -> str:
    """`::name key=value::message`, whatever the values hold; properties that are None are left out."""
    given = ",".join(
        f"{key}={_escape_property(str(value))}" for key, value in properties.items() if value is not None
    )
    return f"::{name}{' ' + given if given else ''}::{_escape(message[:_LONGEST_MESSAGE])}"


def tame(text: str) -> str:
    """The text as lines of which none is a command: what an app or a file's name says is not obeyed.

    Whatever somebody could take for the end of a line is one.
    """
    return "\n".join(_COMMAND.sub(r"\1: :", line).replace("##[", "## [") for line in text.splitlines())


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
