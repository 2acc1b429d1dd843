"""What a Dockerfile asks for, as steps that can be carried out without a container: copies, installs, a
command. Pure.

The last stage counts, with the earlier ones it is made from (`FROM stage`, `COPY --from=stage`). All of them
share one root folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from posixpath import join, normpath

from hfdeploy_localhub.spaces.dockerfile import Instruction, parse_dockerfile
from hfdeploy_localhub.spaces.installs import Install, Skipped, read_command, split_commands
from hfdeploy_localhub.spaces.stages import BuildError
from hfdeploy_localhub.spaces.words import expand, split_words

# Stands for the machine's own PATH until the command is started: see `launch`.
SEARCH_PATH = "<machine PATH>"

_SHELL_FORM = (
    "Dockerfile line {line}: {name} is in the shell form, which the local hub does not run. "
    'Use the exec form: {name} ["program", "argument"].'
)


@dataclass(frozen=True, slots=True)
class Copy:
    """COPY or ADD: from the repository (`from_image`: the root folder) to an absolute path of the image."""

    sources: tuple[str, ...]
    destination: str
    from_image: bool = False
    mode: int | None = None
    documents: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """WORKDIR makes its folder."""

    path: str


Step = Copy | MakeFolder | Install | Skipped


@dataclass(frozen=True, slots=True)
class Image:
    """A whole Dockerfile, planned. `folders` are the absolute paths that belong to the image."""

    steps: tuple[Step, ...]
    environment: Mapping[str, str]
    folder: str
    command: tuple[str, ...]
    base: str
    folders: frozenset[str]


@dataclass(slots=True)
class _Part:
    """One stage of the Dockerfile while it is read."""

    base: str
    environment: dict[str, str]
    arguments: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    command_is_inherited: bool = False
    steps: list[Step] = field(default_factory=list)
    shell_form: str | None = None

    @property
    def variables(self) -> dict[str, str]:
        return self.arguments | self.environment

    def path(self, text: str) -> str:
        """An absolute path of the image; `normpath` keeps `..` from leaving it."""
        return normpath(join("/", self.folder, text)).replace("//", "/")


def plan_image(text: str, arguments: Mapping[str, str] | None = None) -> Image:
    """Plan a Dockerfile; `arguments` are build arguments by name, which its ARG lines take up.

    Raises BuildError when it cannot be built here: no stage, no command, a command in the shell form.
    """
    reader = _Reader(arguments or {})
    for instruction in parse_dockerfile(text):
        try:
            reader.read(instruction)
        except ValueError as error:
            raise BuildError(f"Dockerfile line {instruction.line}: {error}.") from None
    return reader.image()


class _Reader:
    def __init__(self, arguments: Mapping[str, str]) -> None:
        self._given = arguments
        self._global: dict[str, str] = {}
        self._parts: dict[str, _Part] = {}
        self._part: _Part | None = None
        self._count = 0

    def read(self, instruction: Instruction) -> None:
        if instruction.name == "FROM":
            self._read_from(instruction)
        elif self._part is None:
            if instruction.name != "ARG":
                raise BuildError(
                    f"Dockerfile line {instruction.line}: {instruction.name} before the first FROM."
                )
            self._global |= self._arguments(instruction, self._global)
        else:
            self._read_in(self._part, instruction)

    def image(self) -> Image:
        part = self._part
        if part is None:
            raise BuildError("Dockerfile: there is no FROM.")
        if part.shell_form:
            raise BuildError(part.shell_form)
        command = part.entrypoint + part.command
        if not command:
            raise BuildError('Dockerfile: there is no CMD. Say what to run: CMD ["python", "app.py"].')
        folders = {step.path for step in part.steps if isinstance(step, MakeFolder)}
        folders |= {step.destination for step in part.steps if isinstance(step, Copy)}
        return Image(
            tuple(part.steps), part.environment, part.folder, command, part.base, frozenset(folders) - {"/"}
        )

    def _read_from(self, instruction: Instruction) -> None:
        words = split_words(instruction.text, self._global)
        if not words:
            raise BuildError(f"Dockerfile line {instruction.line}: FROM names no image.")
        earlier = self._parts.get(words[0].lower())
        if earlier:
            environment, steps = dict(earlier.environment), list(earlier.steps)
            part = replace(
                earlier, environment=environment, arguments={}, steps=steps, command_is_inherited=True
            )
        else:
            part = _Part(words[0], {"PATH": SEARCH_PATH})
        self._parts[str(self._count)] = part
        self._count += 1
        if len(words) == 3 and words[1].lower() == "as":
            self._parts[words[2].lower()] = part
        self._part = part

    def _arguments(self, instruction: Instruction, variables: Mapping[str, str]) -> dict[str, str]:
        """ARG: a given value, else the default, else that of an ARG before the first FROM."""
        read: dict[str, str] = {}
        for word in split_words(instruction.text, variables):
            name, _, default = word.partition("=")
            read[name] = self._given.get(name, default or self._global.get(name, ""))
        return read

    def _read_in(self, part: _Part, instruction: Instruction) -> None:
        match instruction.name:
            case "ARG":
                part.arguments |= self._arguments(instruction, part.variables)
            case "ENV":
                part.environment |= _environment(instruction, part.variables)
            case "WORKDIR":
                part.folder = part.path(" ".join(split_words(instruction.text, part.variables)))
                part.steps.append(MakeFolder(part.folder))
            case "COPY" | "ADD":
                self._read_copy(part, instruction)
            case "RUN":
                part.steps += _run(part, instruction)
            case "CMD":
                part.command, part.command_is_inherited = _exec_form(part, instruction), False
            case "ENTRYPOINT":
                part.entrypoint = _exec_form(part, instruction)
                part.command = () if part.command_is_inherited else part.command

    def _read_copy(self, part: _Part, instruction: Instruction) -> None:
        listed = instruction.json_list()
        words = (
            [expand(word, part.variables) for word in listed]
            if listed
            else split_words(instruction.text, part.variables)
        )
        if len(words) < 2:
            raise BuildError(
                f"Dockerfile line {instruction.line}: {instruction.name} needs a source and a destination."
            )
        *sources, destination = words
        stage = instruction.flag("from")
        known = self._parts.get(stage.lower()) if stage else None
        remote = [source for source in sources if source.startswith(("http://", "https://", "git@"))]
        if remote or (stage and not known):
            part.steps.append(Skipped(f"{instruction.name} {instruction.text}"))
            return
        if known and known is not part:
            part.steps = [*(step for step in known.steps if step not in part.steps), *part.steps]
        part.steps.append(_copy(part, instruction, sources, destination, bool(known)))


def _copy(
    part: _Part, instruction: Instruction, sources: list[str], destination: str, from_image: bool
) -> Copy:
    mode = instruction.flag("chmod")
    documents = [source for source in sources if source.startswith("<<")]
    names_folder = destination in (".", "..") or destination.endswith(("/", "/."))
    return Copy(
        sources=tuple(source for source in sources if source not in documents),
        # A slash at the end says "into this folder" even where there is none yet.
        destination=part.path(destination).rstrip("/") + ("/" if names_folder else ""),
        from_image=from_image,
        mode=int(mode, 8) if mode and mode.isdecimal() else None,
        documents=tuple(
            zip(
                (name.lstrip("<-'\"").rstrip("'\"") for name in documents),
                instruction.documents,
                strict=False,
            )
        ),
    )


def _environment(instruction: Instruction, variables: Mapping[str, str]) -> dict[str, str]:
    words = split_words(instruction.text, variables)
    if words and "=" not in instruction.text.split()[0]:  # the old form: ENV NAME the rest of the line
        name, _, rest = instruction.text.partition(" ")
        return {name: " ".join(split_words(rest, variables))}
    pairs = [word.partition("=") for word in words]
    if any(not separator for _, separator, _ in pairs):
        raise ValueError("ENV needs NAME=value")
    return {name: value for name, _, value in pairs}


def _exec_form(part: _Part, instruction: Instruction) -> tuple[str, ...]:
    command = instruction.json_list()
    if command is None:
        part.shell_form = _SHELL_FORM.format(line=instruction.line, name=instruction.name)
    elif part.shell_form and instruction.name in part.shell_form:
        part.shell_form = None  # a later line of the same kind replaces the earlier one
    return command or ()


def _run(part: _Part, instruction: Instruction) -> list[Step]:
    listed = instruction.json_list()
    texts = instruction.documents or (instruction.text,)
    commands = [" ".join(listed)] if listed else [c for text in texts for c in split_commands(text)]
    mounts = tuple(_mounts(part, instruction))
    return [read_command(command, part.folder, part.variables, mounts) for command in commands]


def _mounts(part: _Part, instruction: Instruction) -> list[tuple[str, str]]:
    """`--mount=type=bind,source=a,target=b` lets a RUN see a file of the repository without a COPY."""
    mounts = []
    for flag in instruction.flags:
        if flag.startswith("--mount="):
            options = dict(option.partition("=")[::2] for option in flag.removeprefix("--mount=").split(","))
            target = next((options[key] for key in ("target", "dst", "destination") if key in options), None)
            if options.get("type", "bind") == "bind" and target and "from" not in options:
                mounts.append((part.path(target), options.get("source", options.get("src", "."))))
    return mounts
