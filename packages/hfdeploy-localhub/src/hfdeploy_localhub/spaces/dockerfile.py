"""A Dockerfile as a list of instructions, without comments, continued lines and here-documents. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hfdeploy_localhub.spaces.stages import BuildError

_INSTRUCTION = re.compile(
    "ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER"
    "|VOLUME|WORKDIR"
)
_HEREDOC = re.compile(r"""<<-?\s*(["']?)([A-Za-z_]\w*)\1""")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals, its `--flags`, what follows, and the bodies of its
    here-documents.
    """

    name: str
    text: str
    line: int
    flags: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()

    def json_list(self) -> tuple[str, ...] | None:
        """The exec form (`["a", "b"]`) as a tuple, or None when this is the shell form."""
        if not self.text.startswith("["):
            return None
        try:
            value = json.loads(self.text)
        except ValueError:
            return None
        return tuple(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else None

    def flag(self, name: str) -> str | None:
        """The value of `--name=value`, or None."""
        start = f"--{name}="
        return next((flag.removeprefix(start) for flag in self.flags if flag.startswith(start)), None)


def parse_dockerfile(text: str) -> list[Instruction]:
    """Take a Dockerfile apart. Raises BuildError naming the line that is not one."""
    lines = text.lstrip("\ufeff").splitlines()
    escape = _escape(lines)
    instructions = []
    numbered = iter(enumerate(lines, 1))
    for number, line in numbered:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if whole := _continued(line, numbered, escape):
            instructions.append(_instruction(whole, number, numbered))
    return instructions


def _escape(lines: list[str]) -> str:
    """The character that continues a line: a parser directive at the very top may name the backtick."""
    for line in lines:
        found = re.fullmatch(r"#\s*(\w+)\s*=\s*(\S+)\s*", line.strip())
        if found is None:
            break
        if found[1].lower() == "escape":
            return found[2]
    return "\\"


def _continued(line: str, following: Iterator[tuple[int, str]], escape: str) -> str:
    whole = line.strip()
    while whole.endswith(escape):
        whole = whole[: -len(escape)]
        # Docker skips comments and empty lines inside a continued instruction.
        rest = next(
            (text for _, text in following if text.strip() and not text.lstrip().startswith("#")), None
        )
        if rest is None:
            break
        whole += rest.rstrip()
    return whole.strip()


def _instruction(whole: str, number: int, following: Iterator[tuple[int, str]]) -> Instruction:
    name, rest = (*whole.split(None, 1), "")[:2]
    if not _INSTRUCTION.fullmatch(name.upper()):
        raise BuildError(f"Dockerfile line {number}: unknown instruction {name!r}.")
    flags = []
    rest = rest.strip()
    while found := re.match(r"--[a-z][\w.-]*(=\S*)?(\s+|$)", rest):
        flags.append(found[0].strip())
        rest = rest[found.end() :]
    documents: list[str] = []
    if name.upper() in ("RUN", "COPY", "ADD"):
        documents = [_document(word, number, following) for _, word in _HEREDOC.findall(rest)]
    return Instruction(name.upper(), rest, number, tuple(flags), tuple(documents))


def _document(word: str, number: int, following: Iterator[tuple[int, str]]) -> str:
    body: list[str] = []
    for _, line in following:
        if line.strip() == word:
            return "\n".join(body)
        body.append(line)
    raise BuildError(f"Dockerfile line {number}: the here-document {word} is never closed.")
