import subprocess
import sys

import pytest

from hfdeploy_core.errors import SettingInvalid, ValueMissing
from hfdeploy_core.manifest.node import Position
from hfdeploy_core.manifest.references import list_references
from hfdeploy_core.redact import MASK, redact
from hfdeploy_core.running.values import find_values, read_environment

PRINT = f"{sys.executable} -c"


def find(text: str, folder, **environment: str) -> list[str]:
    references = list_references(text)
    values = find_values(references, {}, folder, environment)
    return [values[reference] for reference in references]


def test_values_come_from_the_environment_files_and_commands(tmp_path) -> None:
    (tmp_path / "note").write_text("from a file\n\n")
    command = f"""${{cmd:{PRINT} "import os; print(os.environ['B'])"}}"""
    text = f"${{env:A}} ${{file:note}} {command}"
    assert find(text, tmp_path, A="a", B="what a command says") == ["a", "from a file", "what a command says"]
    assert redact("It is what a command says.") == f"It is {MASK}."


def test_git_tells_its_commit_and_branch(tmp_path) -> None:
    for words in (["init", "-b", "main"], ["commit", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", *words], cwd=tmp_path, check=True)
    sha, branch = find("${git.sha} ${git.branch}", tmp_path)
    assert (len(sha), branch) == (40, "main")


def test_a_command_sees_no_token_and_no_shell(tmp_path) -> None:
    command = f"""${{cmd:{PRINT} "import os,sys; print(sorted(os.environ), sys.argv[1:])" $HOME;ls}}"""
    (told,) = find(command, tmp_path, HF_TOKEN="x" * 10, A="a")
    assert "HF_TOKEN" not in told
    assert "['$HOME;ls']" in told


def test_everything_that_is_missing_is_told_with_its_place(tmp_path) -> None:
    references = list_references(
        "${env:A} ${file:b} ${git.sha} ${cmd:/no/program x} ${cmd:false} ${cmd:true} ${targets.a.host}"
    )
    places = {reference: Position("f", 1, n) for n, reference in enumerate(references)}
    with pytest.raises(ValueMissing) as caught:
        find_values(references, places, tmp_path, {})
    assert set(caught.value.message.splitlines()) == {
        "f:1:0: the environment variable A is not set.",
        "f:1:1: the file b cannot be read: No such file or directory.",
        "f:1:2: git knows no sha here.",
        "f:1:3: the command '/no/program' cannot be run: No such file or directory.",
        "f:1:4: the command 'false' ended with 1.",
        "f:1:5: the command 'true' printed nothing.",
    }


def test_the_environment_wins_over_files_and_the_last_file_over_others(tmp_path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\nC='file'\n")
    (tmp_path / ".env.local").write_text("B=local\n")
    found = read_environment([".env", ".env.local"], tmp_path, {"A": "mine"})
    assert found == {"A": "mine", "B": "local", "C": "file"}
    with pytest.raises(ValueMissing, match=r"The file nowhere of env_files cannot be read"):
        read_environment(["nowhere"], tmp_path, {})
    (tmp_path / "bad").write_text("A=1\nhf_abcdefghijklmnop\n")
    with pytest.raises(SettingInvalid, match=r"Line 2 of bad is not NAME=VALUE.") as caught:
        read_environment(["bad"], tmp_path, {})
    assert "hf_" not in str(caught.value)
