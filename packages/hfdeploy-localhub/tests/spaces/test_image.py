import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.spaces.image import SEARCH_PATH, Copy, MakeFolder, plan_image
from hfdeploy_localhub.spaces.installs import Install, Skipped
from hfdeploy_localhub.spaces.stages import BuildError

TYPICAL = """\
# syntax=docker/dockerfile:1
FROM python:3.11-slim AS base

RUN useradd -m -u 1000 user
USER user
ENV HOME=/home/user \\
    # a comment in between
    PATH=/home/user/.local/bin:$PATH

WORKDIR $HOME/app
COPY --chown=user requirements.txt requirements.txt
RUN pip install --no-cache-dir --upgrade pip && \\
    pip install --no-cache-dir --upgrade -r requirements.txt
COPY --chown=user . $HOME/app
EXPOSE 7860
CMD ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "7860"]
"""


def test_a_typical_dockerfile() -> None:
    image = plan_image(TYPICAL)
    assert image.command == ("uvicorn", "app:app", "--host", "0.0.0.0", "--port", "7860")
    assert image.folder == "/home/user/app"
    assert image.environment == {"HOME": "/home/user", "PATH": f"/home/user/.local/bin:{SEARCH_PATH}"}
    assert image.steps == (
        Skipped("useradd -m -u 1000 user"),
        MakeFolder("/home/user/app"),
        Copy(("requirements.txt",), "/home/user/app/requirements.txt"),
        Install(("--upgrade", "pip"), (), "/home/user/app"),
        Install(("--upgrade",), ("requirements.txt",), "/home/user/app"),
        Copy((".",), "/home/user/app"),
    )


def command(*lines: str) -> tuple[str, ...]:
    return plan_image("\n".join(["FROM x", *lines])).command


def test_entrypoint_and_command() -> None:
    assert command('ENTRYPOINT ["a"]', 'CMD ["b"]') == ("a", "b")
    assert command('CMD ["b"]', 'ENTRYPOINT ["a"]') == ("a", "b")
    assert command('CMD ["a"]', 'CMD ["b"]') == ("b",)
    assert command("CMD a", 'CMD ["b"]') == ("b",)
    assert command('cmd ["b"]') == ("b",)
    assert command('CMD ["b"]', "\\") == ("b",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("FROM x\nCMD python app.py", "line 2: CMD is in the shell form.*Use the exec form"),
        ("FROM x\nENTRYPOINT python app.py", "line 2: ENTRYPOINT is in the shell form"),
        ("FROM x\nCMD [python]", "shell form"),
        ("FROM x\nCOPY . .", "there is no CMD"),
        ("", "there is no FROM"),
        ('CMD ["x"]', "line 1: CMD before the first FROM"),
        ("FROM x\nNONSENSE y", "line 2: unknown instruction 'NONSENSE'"),
        ("FROM x\nCOPY a", "needs a source and a destination"),
        ('FROM x\nENV A="b', 'line 2: a " is never closed'),
        ("FROM x\nRUN <<EOF\na", "EOF is never closed"),
    ],
)
def test_what_cannot_be_built_is_said(text: str, told: str) -> None:
    with pytest.raises(BuildError, match=told):
        plan_image(text)


def test_arguments_defaults_and_given_ones() -> None:
    text = 'ARG V=3\nFROM python:$V\nARG V\nARG P=80 NAME=x\nENV PORT=${P} WHO=$NAME V=$V\nCMD ["x"]'
    assert plan_image(text).base == "python:3"
    assert dict(plan_image(text, {"P": "81"}).environment) == {
        "PATH": SEARCH_PATH,
        "PORT": "81",
        "WHO": "x",
        "V": "3",
    }


def test_the_last_stage_counts_with_what_it_is_made_from() -> None:
    text = """
FROM python AS builder
WORKDIR /src
COPY . .
RUN pip install numpy
FROM node AS unused
RUN npm install
FROM python
WORKDIR /app
COPY --from=builder /src /app
COPY --from=alpine /x /y
CMD ["python", "a.py"]
"""
    steps = plan_image(text).steps
    assert Install(("numpy",), (), "/src") in steps
    assert Copy(("/src",), "/app", from_image=True) in steps
    assert Skipped("COPY /x /y") in steps
    assert Skipped("npm install") not in steps
    assert steps.index(Copy((".",), "/src/")) < steps.index(Copy(("/src",), "/app", from_image=True))


def test_a_stage_that_continues_another_inherits() -> None:
    image = plan_image('FROM a AS b\nENV X=1\nWORKDIR /w\nCMD ["b"]\nFROM b\nENTRYPOINT ["c"]\nCMD ["d"]')
    assert (image.folder, image.environment["X"], image.command) == ("/w", "1", ("c", "d"))


def test_here_documents() -> None:
    text = 'FROM x\nRUN <<EOF\npip install a\napt-get update\nEOF\nCOPY <<EOF /etc/y\nhello\nEOF\nCMD ["x"]'
    assert plan_image(text).steps == (
        Install(("a",), (), "/"),
        Skipped("apt-get update"),
        Copy((), "/etc/y", documents=(("EOF", "hello"),)),
    )


def test_a_mounted_requirement_file() -> None:
    text = (
        "FROM x\nWORKDIR /app\n"
        "RUN --mount=type=cache,target=/root/.cache --mount=target=requirements.txt,source=deps/r.txt "
        'pip install -r requirements.txt\nCMD ["x"]'
    )
    assert plan_image(text).steps[1] == Install(
        (), ("requirements.txt",), "/app", (("/app/requirements.txt", "deps/r.txt"),)
    )


def test_paths_never_leave_the_image() -> None:
    image = plan_image('FROM x\nWORKDIR ../../..\nCOPY a ../../b\nCMD ["x"]')
    assert image.folder == "/"
    assert image.steps[1] == Copy(("a",), "/b")


@given(
    st.lists(st.text(alphabet="aA=\"'\\$[]{}<# \n"), max_size=6),
    st.sampled_from(["RUN", "ENV", "COPY", "CMD", "ARG"]),
)
def test_any_dockerfile_is_planned_or_a_build_error(lines: list[str], name: str) -> None:
    with contextlib.suppress(BuildError):
        assert plan_image("FROM x\n" + "\n".join(f"{name} {line}" for line in lines)).command
