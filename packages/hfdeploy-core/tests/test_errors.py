import re
from collections.abc import Iterator

import pytest

from hfdeploy_core import errors
from hfdeploy_core.errors import DeployError


def leaves(kind: type[DeployError]) -> Iterator[type[DeployError]]:
    for child in kind.__subclasses__():
        if "exit_code" in vars(child) and child.__module__ == errors.__name__:
            yield child
        yield from leaves(child)


ALL = list(leaves(DeployError))


def test_every_exit_code_is_its_own_and_neither_generic_nor_usage() -> None:
    codes = [kind.exit_code for kind in ALL]
    assert len(set(codes)) == len(codes)
    assert all(10 <= code < 126 for code in codes)


def test_the_tree_in_the_docstring_is_true() -> None:
    drawn = dict(re.findall(r"── (\w+) +(\d+) ", errors.__doc__ or ""))
    drawn.pop("AnswerLost")
    assert drawn == {kind.__name__: str(kind.exit_code) for kind in ALL}


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_a_remedy_of_its_own_in_a_sentence(kind: type[DeployError]) -> None:
    error = kind("It is wrong.")
    assert error.remedy != DeployError.advice
    assert error.remedy.endswith((".", ")."))
    assert str(error) == f"It is wrong. {error.remedy}"


def test_no_error_holds_a_token() -> None:
    error = DeployError("The token hf_abcdefghijk is wrong.", "Try hf_klmnopqrstu.")
    assert "hf_" not in f"{error} {error!r} {error.message} {error.remedy}"
