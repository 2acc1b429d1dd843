"""Spaces with requirements, by real uv from wheels made here: no network, stand-ins for the SDKs."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hfdeploy_localhub.spaces import Spaces, Stage

from .conftest import (
    ECHO_APP,
    FolderSource,
    docker_space,
    get,
    log_text,
    make_wheel,
    readme,
    settle,
    started,
)

pytestmark = pytest.mark.anyio

SPACE = "me/app"
SERVE = f"VERSION = 1\ndef serve():\n    exec({ECHO_APP!r}, {{'VERSION': 1}})\n"
STREAMLIT = "import os, sys\ndef main():\n    os.environ['ARGUMENTS'] = ' '.join(sys.argv[1:])\n"
STREAMLIT += "    exec(open(sys.argv[2]).read(), {'VERSION': 1})\n"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("5.9", "5.10"):
        make_wheel(folder, "gradio", version, f"__version__ = {version!r}\n{SERVE}")
    make_wheel(folder, "streamlit", "1.0", STREAMLIT, command=True)
    make_wheel(folder, "tiny", "1.0", SERVE)
    make_wheel(folder, "tiny", "2.0", SERVE)
    return folder


@pytest.fixture
async def spaces(
    tmp_path: Path, source: FolderSource, wheels: Path, anyio_backend: str
) -> AsyncIterator[Spaces]:
    environment = {"PATH": os.environ["PATH"], "UV_FIND_LINKS": str(wheels), "UV_OFFLINE": "1"}
    environment["UV_CACHE_DIR"] = str(tmp_path / "uv")  # not the machine's, which may know the real ones
    room = Spaces(source, tmp_path / "data", tmp_path / "venvs", environment=environment, grace_seconds=1)
    async with started(room) as running:
        yield running


async def push(spaces: Spaces, source: FolderSource, files: dict[str, str], space: str = SPACE) -> Stage:
    source.commit(space, files)
    await spaces.pushed(space)
    return (await settle(spaces, space)).stage


async def test_gradio_in_the_version_of_the_card(spaces: Spaces, source: FolderSource) -> None:
    app = "import gradio, os, tiny\nos.environ['GRADIO'] = gradio.__version__\n"
    app += "os.environ['PORT'] = os.environ['GRADIO_SERVER_PORT']\ngradio.serve()\n"
    files = {"README.md": readme("gradio", sdk_version="5.9", app_file="src/main.py"), "src/main.py": app}
    files |= {"requirements.txt": "-r more.txt\n", "more.txt": "tiny<2\n", "packages.txt": "ffmpeg\n"}
    assert await push(spaces, source, files) is Stage.RUNNING, log_text(spaces, SPACE, "build")
    environment = json.loads((await get(spaces.host(SPACE)))[1])["environment"]
    assert environment["GRADIO"] == "5.9"
    log = log_text(spaces, SPACE, "build")
    assert " + tiny==1.0\n" in log
    assert "Not carried out: the Debian packages" in log


async def test_streamlit_is_told_its_port(spaces: Spaces, source: FolderSource) -> None:
    files = {"README.md": readme("streamlit"), "app.py": ECHO_APP}
    assert await push(spaces, source, files) is Stage.RUNNING, log_text(spaces, SPACE, "build")
    environment = json.loads((await get(spaces.host(SPACE)))[1])["environment"]
    assert f"--server.port {environment['PORT']} " in environment["ARGUMENTS"]


TYPICAL = """\
FROM python:3.11-slim
RUN useradd -m -u 1000 user
USER user
ENV PATH="/home/user/.local/bin:$PATH"
WORKDIR /app
COPY --chown=user ./requirements.txt requirements.txt
RUN pip install --no-cache-dir --upgrade -r requirements.txt
COPY --chown=user . /app
CMD ["python", "/app/app.py", "--port", "7860"]
"""


async def test_the_requirements_of_a_dockerfile(spaces: Spaces, source: FolderSource) -> None:
    files = docker_space("import tiny; tiny.serve()", TYPICAL)
    assert await push(spaces, source, {**files, "requirements.txt": "tiny==1.0\n"}) is Stage.RUNNING
    first = json.loads((await get(spaces.host(SPACE)))[1])["environment"]["VIRTUAL_ENV"]
    # The same requirements in another Space: the same environment.
    other = {**files, "requirements.txt": "tiny==1.0\n", "more.txt": ""}
    assert await push(spaces, source, other, "me/other") is Stage.RUNNING
    assert json.loads((await get(spaces.host("me/other")))[1])["environment"]["VIRTUAL_ENV"] == first
    assert "cached" in log_text(spaces, "me/other", "build")
    # Other requirements: another one.
    assert await push(spaces, source, {**files, "requirements.txt": "tiny==2.0\n"}) is Stage.RUNNING
    assert json.loads((await get(spaces.host(SPACE)))[1])["environment"]["VIRTUAL_ENV"] != first


async def test_the_repository_itself_can_be_installed(
    spaces: Spaces, source: FolderSource, wheels: Path
) -> None:
    dockerfile = TYPICAL.replace("-r requirements.txt", "/app/tiny-1.0-py3-none-any.whl").replace(
        "./requirements.txt requirements.txt", "*.whl ./"
    )
    files = docker_space("import tiny; tiny.serve()", dockerfile)
    commit = source.commit(SPACE, files)
    (source.folder / commit / "tiny-1.0-py3-none-any.whl").write_bytes(
        (wheels / "tiny-1.0-py3-none-any.whl").read_bytes()
    )
    await spaces.pushed(SPACE)
    assert (await settle(spaces, SPACE)).stage is Stage.RUNNING, log_text(spaces, SPACE, "build")


async def test_an_install_that_fails_is_a_build_error(spaces: Spaces, source: FolderSource) -> None:
    files = docker_space("", TYPICAL)
    assert await push(spaces, source, {**files, "requirements.txt": "no-such-thing==1"}) is Stage.BUILD_ERROR
    message = spaces.runtime(SPACE).error_message
    assert message
    assert "no-such-thing" in message


async def test_requirements_are_not_read_from_elsewhere(spaces: Spaces, source: FolderSource) -> None:
    files = docker_space("", TYPICAL)
    for text in ("-r /etc/hostname", "-r ../../../../../../../etc/hostname"):
        assert await push(spaces, source, {**files, "requirements.txt": text}) is Stage.BUILD_ERROR
        assert "outside the repository" in log_text(spaces, SPACE, "build")
