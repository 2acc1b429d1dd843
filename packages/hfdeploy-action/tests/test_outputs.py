from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_action.outputs import list_outputs, write_outputs, write_summary
from hfdeploy_core import Outcome, RepoType

from .conftest import read_outputs

NAMES = {
    *("repo_id", "repo_url", "space_url", "proxy_enabled", "proxy_repo_id", "proxy_url"),
    *("commit", "plan", "changed", "logs", "skipped", "targets"),
}


def test_every_output_is_there_and_empty_when_off() -> None:
    outputs = list_outputs(None)
    assert outputs.keys() == NAMES
    told = {name: value for name, value in outputs.items() if value}
    assert told == {"proxy_enabled": "false", "changed": "false", "skipped": "false"}


def test_an_outcome_is_told_by_its_own_names() -> None:
    outcome = Outcome("alice/app", RepoType.SPACE, "https://hub/alice/app", "c0ffee", "https://app", "d1")
    outputs = list_outputs(outcome, plan="d1", logs="/tmp/x")
    assert outputs.keys() == NAMES
    assert (outputs["repo_id"], outputs["space_url"], outputs["commit"]) == (
        "alice/app",
        "https://app",
        "c0ffee",
    )
    assert (outputs["plan"], outputs["logs"]) == ("d1", "/tmp/x")


@given(
    st.dictionaries(
        st.sampled_from(sorted(NAMES)),
        st.text(st.characters(codec="ascii", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e")),
    )
)
def test_a_value_stays_one_value(tmp_path_factory: object, values: dict[str, str]) -> None:
    file = Path(tmp_path_factory.mktemp("outputs")) / "output"  # type: ignore[attr-defined]
    write_outputs(values, file)
    assert read_outputs(file.read_text()) == values


def test_they_are_appended(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("of_another=1\n")
    write_outputs({"commit": "c"}, tmp_path / "output")
    assert (tmp_path / "output").read_text().startswith("of_another=1\ncommit<<hfdeploy-")


def test_a_summary_that_is_too_long_is_cut(tmp_path: Path) -> None:
    write_summary("é" * 600_000, tmp_path / "summary")
    assert (tmp_path / "summary").read_text() == "é" * 500_000
