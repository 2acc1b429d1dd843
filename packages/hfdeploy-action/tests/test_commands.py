import re

from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_action.commands import tame, write_command

# As the runner looks for them: a line of its own with `::` in front, or `##[` anywhere.
OBEYED = re.compile(r"(^|[\r\n])\s*::|##\[")


def test_a_command_with_properties() -> None:
    told = write_command("error", "50% of\r\nit", file="a,b:c.md", line=3, title=None)
    assert told == "::error file=a%2Cb%3Ac.md,line=3::50%25 of%0D%0Ait"
    assert write_command("endgroup") == "::endgroup::"


def test_a_message_is_no_longer_than_the_runner_takes() -> None:
    assert len(write_command("warning", "x" * 10_000)) == len("::warning::") + 4096


def test_lines_that_would_be_obeyed_are_not() -> None:
    assert tame("::set-output name=a::b") == ": :set-output name=a::b"
    assert tame("50%\r  ::add-path::/evil") == "50%\n  : :add-path::/evil"
    assert tame("x ##[error]y") == "x ## [error]y"
    assert tame("std::string") == "std::string"


@given(st.text(st.sampled_from(":# [x\t\r\n\v\u2028\x85")))
def test_nothing_that_is_said_is_obeyed(text: str) -> None:
    assert not OBEYED.search(tame(text))


@given(st.text(), st.text())
def test_a_command_is_one_line_whatever_it_carries(message: str, value: str) -> None:
    told = write_command("notice", message, title=value)
    assert "\n" not in told
    assert "\r" not in told
    assert told.count("::") - write_command("notice", message).count("::") == 0
