"""``hfdeploy-proxy serve``: the relay as a command."""

import os
import secrets
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from hfdeploy_proxy.rules.guard import digest_key, parse_key
from hfdeploy_proxy.settings import CONFIG_VARIABLE, Settings, SettingsInvalid, load_settings

# A token in a command line is seen by everyone on the machine.
_NO_FLAG = frozenset(("hf_token", "rate_limit_storage"))
_KEY_BYTES = 32


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hfdeploy-proxy", message="hfdeploy-proxy %(version)s")
def main() -> None:
    """A relay in front of a private Space."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file with settings.")
def serve(host: str, port: int, config: Path | None, **given: Any) -> None:
    """Relay until interrupted.

    Every flag is a variable of the same name in capitals, too. The token has no flag, which others could see:
    it is HF_TOKEN.
    """
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config)
    try:
        settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    except SettingsInvalid as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    from hfdeploy_proxy.serving import bind

    try:
        listener = bind(host, port)
    except OSError as error:
        click.echo(
            f"error: Cannot listen on {host}:{port}: {error.strerror}. Choose another --host or --port.",
            err=True,
        )
        sys.exit(1)
    shown, number = listener.getsockname()[:2]
    click.echo(f"The relay listens on http://{f'[{shown}]' if ':' in shown else shown}:{number}")
    if settings.workers == 1:
        _serve(settings, listener)
        return
    from hfdeploy_proxy.workers import run_workers

    with tempfile.TemporaryDirectory(prefix="hfdeploy-proxy-") as shared:

        def work(lifeline: int) -> None:
            _serve(settings, listener, Path(shared), lifeline)

        run_workers(settings.workers, listener, work)


def _serve(
    settings: Settings, listener: socket.socket, shared: Path | None = None, lifeline: int | None = None
) -> None:
    from hfdeploy_proxy.application import Application
    from hfdeploy_proxy.serving import RelayServer, server_config

    config = server_config(
        Application(settings, shared=shared),
        websocket_max_bytes=settings.websocket_max_bytes,
        max_header_bytes=settings.max_header_bytes,
        header_timeout_seconds=settings.header_timeout_seconds,
        drain_seconds=settings.drain_seconds,
    )
    server = RelayServer(config)
    if lifeline is not None:
        server.watch(lifeline)
    server.run([listener])


@main.command()
@click.argument("name")
def key(name: str) -> None:
    """Make a new API key called NAME.

    Printed are the key, for its user, and the line for API_KEYS.
    """
    made = f"hfdp_{secrets.token_urlsafe(_KEY_BYTES)}"
    line = f"{name}:{digest_key(made.encode()).hex()}"
    try:
        parse_key(line)
    except ValueError:
        raise click.UsageError("A name has letters, digits and ._- only.") from None
    click.echo(f"key       {made}\nAPI_KEYS  {line}")


for _name, _field in Settings.model_fields.items():
    if _name not in _NO_FLAG:
        _flag = f"--{_name.replace('_', '-')}"
        if _field.annotation is bool:  # alone it says yes; `--metrics false` says no
            _option = click.Option([_flag], is_flag=False, flag_value="true", metavar="[true|false]")
        else:
            _option = click.Option([_flag])
        _option.help = _field.description
        serve.params.append(_option)
