"""``hfdeploy-localhub serve``: the hub as a command."""

import json
import os
from collections.abc import Mapping, Sequence
from errno import EADDRINUSE
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import platformdirs
import typer
import uvicorn

from hfdeploy_localhub.faults import Rule, parse_rule
from hfdeploy_localhub.seed import Seed, User, add_users, find_seed, plant, read_seed
from hfdeploy_localhub.server import Application, create_app
from hfdeploy_localhub.serving import bind, endpoint_of, server_config
from hfdeploy_localhub.store.accounts import check_account_name

app = typer.Typer(
    name="hfdeploy-localhub",
    help="The Hugging Face Hub on this machine.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("hfdeploy-localhub"))
        raise typer.Exit


@app.callback()
def _main(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop."),
    ] = False,
) -> None: ...


def parse_user(text: str) -> User:
    """NAME, NAME:TOKEN or NAME:TOKEN:ORG,ORG... as a User; an empty TOKEN means one is made."""
    name, token, organisations = [*text.split(":", 2), "", ""][:3]
    names = tuple(part for part in organisations.split(",") if part)
    try:
        for account in (name, *names):
            check_account_name(account)
    except ValueError as error:
        raise typer.BadParameter(f"{error}. Expected NAME[:TOKEN[:ORG,...]].") from None
    return User(name, token or None, names)


@app.command()
def serve(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that holds everything; made if missing. [default: the user's data folder]"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but loopback lets others in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8787,
    user: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:TOKEN[:ORG,...]]", help="A user to have; repeatable. [default: local]"),
    ] = None,
    seed: Annotated[
        Path | None,
        typer.Option(
            help="YAML file with users, their tokens and roles, and organisations."
            " [default: what pyproject.toml in this folder names as tool.hfdeploy-localhub.seed]"
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="Let requests go wrong: 'METHOD PATH WORD=VALUE ...', such as"
            " 'POST /api/**/commit/* status=503 count=2'; repeatable."
            " In PATH, * stands for anything but /, ** for anything."
            " What happens: status= (400-599) with retry_after_seconds=; token=expired; reset=before or after"
            " the effect; truncate_bytes=; head=moved; latency_seconds=; bytes_per_second=."
            " When: count=, skip=, probability= (0-1) and seed=.",
        ),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Write endpoint, users and tokens to this file as JSON once the hub listens."),
    ] = None,
) -> None:
    """Serve a hub until it is interrupted."""
    people = _gather(user or [], seed)
    rules = [_parse_fault(text) for text in fault or ()]
    folder = data or platformdirs.user_data_path("hfdeploy-localhub")
    if ready_file:
        _clear_ready_file(ready_file)
    try:
        listener = bind(host, port)
    except OSError as error:
        remedy = "Choose another --port (0: any free one)" if error.errno == EADDRINUSE else "Look at --host"
        _fail(f"Cannot listen on {host}:{port}: {error.strerror}. {remedy}.")
    endpoint = endpoint_of(listener)
    try:
        application = create_app(folder, endpoint=endpoint)
    except OSError as error:
        _fail(f"The data folder {folder} cannot be used: {error.strerror}. Choose another with --data.")
    try:
        tokens = plant(application.hub.store, application.hub.signer, people)
    except ValueError as error:
        _fail(f"{error}. Choose another.")
    for rule in rules:
        application.hub.faults.add(rule)
    _Server(application, _describe(endpoint, tokens), ready_file).run([listener])


def _parse_fault(text: str) -> Rule:
    try:
        return parse_rule(text)
    except ValueError as error:
        raise typer.BadParameter(f"--fault: {error}.") from None


def _clear_ready_file(path: Path) -> None:
    """What an earlier hub wrote there would be taken for this one's."""
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        _fail(f"{path} cannot be written. Name a file in a folder of yours with --ready-file.")
    path.unlink(missing_ok=True)


def _gather(users: Sequence[str], path: Path | None) -> Seed:
    """The seed of the options and of the file together; the default user where neither names one."""
    try:
        path = path or find_seed(Path())
        seed = add_users(read_seed(path) if path else Seed(), [parse_user(text) for text in users])
    except OSError as error:
        _fail(f"{error.filename} cannot be read: {error.strerror}. Name another file with --seed.")
    except ValueError as error:
        _fail(f"{error}. Mend it, or name another file with --seed.")
    return seed if seed.users else Seed([User("local")], seed.organisations, seed.trusted_publishers)


class _Server(uvicorn.Server):
    """uvicorn, with word given once it listens."""

    def __init__(self, app: Application, ready: Mapping[str, Any], ready_file: Path | None) -> None:
        super().__init__(server_config(app))
        self._app = app
        self._ready = ready
        self._ready_file = ready_file

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self._ready_file:
            write_privately(self._ready_file, json.dumps(self._ready, indent=2) + "\n")
        typer.echo(f"The local hub listens on {self._ready['endpoint']}")
        for found in self._ready["users"]:
            typer.echo(f"  user {found['name']}  token {found['token']}")
        typer.echo(f"  export HF_ENDPOINT={self._ready['endpoint']} HF_TOKEN=<a token from above>")

    async def shutdown(self, sockets: Any = None) -> None:
        self._app.hub.spaces.release_followers()
        await super().shutdown(sockets)


def write_privately(path: Path, text: str) -> None:
    """The file appears whole, readable to its owner only: it holds tokens."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


def _describe(endpoint: str, tokens: Mapping[str, str]) -> dict[str, Any]:
    users = [{"name": name, "token": token} for name, token in tokens.items()]
    return {"endpoint": endpoint, "users": users, "pid": os.getpid()}


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
