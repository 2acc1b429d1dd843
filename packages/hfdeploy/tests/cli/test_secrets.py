import pytest

from hfdeploy.cli.secrets import check_outside, find_secrets, read_secrets
from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.model import Plan, RepoRef, RepoType, SetSecret

LINES = """
# a comment
A=1
export B = two words
C="quoted # no comment"
D='x'
E=a=b
"""


def test_values_come_from_the_file_and_the_environment_wins(tmp_path) -> None:
    (tmp_path / "secrets").write_text(LINES)
    values = read_secrets(["A", "Z"], str(tmp_path / "secrets"), {"A": "mine", "Z": "26", "B": "not asked"})
    assert values == {
        "A": "mine",
        "B": "two words",
        "C": "quoted # no comment",
        "D": "x",
        "E": "a=b",
        "Z": "26",
    }


def test_a_plan_finds_the_values_of_its_own_secrets_only(tmp_path) -> None:
    (tmp_path / "secrets").write_text("A=1\nX=2\n")
    names = tuple(SetSecret(name, replaces=False) for name in ("A", "B"))
    plan = Plan(RepoRef(RepoType.SPACE, "alice", "app"), None, names)
    assert find_secrets(plan, str(tmp_path / "secrets"), {"B": "b"}) == {"A": "1", "B": "b"}
    with pytest.raises(SettingInvalid, match="secret B is not set"):
        find_secrets(plan, str(tmp_path / "secrets"), {})


@pytest.mark.parametrize(
    ("content", "says"), [(b"A=1\nnonsense", "Line 2 of"), (b"\xff", "not UTF-8"), (None, "cannot be read")]
)
def test_a_file_that_cannot_be_read_is_told_without_its_text(tmp_path, content, says: str) -> None:
    if content is not None:
        (tmp_path / "secrets").write_bytes(content)
    with pytest.raises(SettingInvalid, match=says) as caught:
        read_secrets([], str(tmp_path / "secrets"), {})
    assert "nonsense" not in str(caught.value)


def test_a_file_that_would_be_deployed_is_refused(tmp_path) -> None:
    check_outside(str(tmp_path / "secrets"), str(tmp_path / "source"))
    check_outside(str(tmp_path / "source" / ".env"), str(tmp_path / "source"))
    with pytest.raises(SettingInvalid, match="would be deployed"):
        check_outside(str(tmp_path / "source" / "secrets"), str(tmp_path / "source"))
