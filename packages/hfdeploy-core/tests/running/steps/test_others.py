"""`archive`, `python` and `notify`."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.steps import ArchiveFile, NotifyFile, PythonFile
from hfdeploy_core.redact import redact
from hfdeploy_core.running.steps.archive import archive
from hfdeploy_core.running.steps.context import StepContext
from hfdeploy_core.running.steps.notify import notify
from hfdeploy_core.running.steps.python import call_function


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "a.txt").write_text("a")
    (tmp_path / "data" / "deep" / "b.txt").write_text("b")
    (tmp_path / "data" / ".env").write_text("SECRET=1")
    return tmp_path


def list_names(file: Path) -> list[str]:
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as packed:
            return packed.namelist()
    with tarfile.open(file) as packed:
        return packed.getnames()


@pytest.mark.parametrize("to", ["out/x.zip", "data/x.tar", "x.tar.gz"])
def test_a_folder_is_packed_without_what_is_never_deployed(
    context: StepContext, lines: list[str], folder: Path, to: str
) -> None:
    asked = ArchiveFile.model_validate({"type": "archive", "source": "data", "to": to})
    archive(asked, context)
    assert sorted(list_names(folder / to)) == ["a.txt", "deep/b.txt"]
    assert lines == [f"{to} holds 2 files of data"]
    first = (folder / to).read_bytes()
    (folder / "data" / "a.txt").write_text("a")
    archive(asked, context)
    assert to.endswith(".gz") or (folder / to).read_bytes() == first


def test_what_cannot_be_packed_is_told(context: StepContext, folder: Path) -> None:
    with pytest.raises(StepFailed, match="nowhere is not a folder"):
        archive(ArchiveFile.model_validate({"type": "archive", "source": "nowhere", "to": "x.zip"}), context)
    (folder / "file").write_text("")
    with pytest.raises(StepFailed, match="cannot be written"):
        archive(
            ArchiveFile.model_validate({"type": "archive", "source": "data", "to": "file/x.zip"}), context
        )


def call(function: str, context: StepContext, **arguments: str) -> None:
    asked = {"type": "python", "function": function, "arguments": arguments}
    call_function(PythonFile.model_validate(asked), context)


def test_a_function_beside_the_manifest_gets_context_and_arguments(
    context, lines, tmp_path, monkeypatch
) -> None:
    code = "def shout(context, word):\n    context.tell(f'{word} for {context.target}')\n"
    (tmp_path / "steps_of_this_test.py").write_text(code + "def fail(context):\n    1 / 0\nnothing = 3\n")
    call("steps_of_this_test:shout", context, word="Hey")
    assert lines == ["Hey for app"]
    for function, told in (
        ("steps_of_this_test:fail", "ZeroDivisionError"),
        ("steps_of_this_test:shout", "TypeError"),
        ("steps_of_this_test:nothing", "is no function"),
        ("steps_of_this_test:none", "cannot be found"),
        ("no_such_module:x", "cannot be found"),
    ):
        with pytest.raises(StepFailed, match=told):
            call(function, context)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # apprise's own
def test_people_are_told_and_the_address_is_masked(context: StepContext, scripted_hub) -> None:
    pytest.importorskip("apprise")
    scripted_hub.on("POST /hook-of-this-test", {"status": 200})
    address = f"json://{scripted_hub.endpoint.removeprefix('http://')}/hook-of-this-test"
    asked = {"type": "notify", "url": address, "title": "Done", "text": "hf_abcdefghijklmnop is live"}
    notify(NotifyFile.model_validate(asked), context)
    (request,) = scripted_hub.requests
    assert (request.json()["title"], request.json()["message"]) == ("Done", "[redacted] is live")
    assert address not in redact(f"sent to {address}")
    scripted_hub.on("POST /hook-of-this-test", {"status": 500})
    with pytest.raises(StepFailed, match="was not taken"):
        notify(NotifyFile.model_validate(asked), context)
    with pytest.raises(StepFailed, match="none that apprise knows"):
        notify(NotifyFile.model_validate({**asked, "url": "nonsense"}), context)
