"""How a verb ends badly: one clear sentence, the error's own exit code, no traceback unless asked for."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from hfdeploy.render.port import Renderer
from hfdeploy_core import DeployError, redact

INTERRUPTED_EXIT_CODE = 130


@contextmanager
def told_failures(renderer: Renderer, *, debug: bool, exit_code: int | None = None) -> Iterator[None]:
    """Turn whatever is raised within into words and an exit code; with `debug`, the masked traceback.

    `exit_code` takes the place of the error's own.
    """
    try:
        yield
    except KeyboardInterrupt:
        error = DeployError("Interrupted before it was done.", "Run it again: it goes on from where it was.")
        renderer.fail(error, "Interrupted", INTERRUPTED_EXIT_CODE)
        raise click.exceptions.Exit(INTERRUPTED_EXIT_CODE) from None
    except BrokenPipeError:
        raise
    except DeployError as error:
        _tell_traceback(debug)
        code = error.exit_code if exit_code is None else exit_code
        renderer.fail(error, type(error).__name__, code)
        raise click.exceptions.Exit(code) from None
    except Exception as error:
        _tell_traceback(debug)
        unexpected = DeployError(f"Something unexpected happened: {type(error).__name__}: {error}.")
        renderer.fail(unexpected, "Unexpected", DeployError.exit_code)
        raise click.exceptions.Exit(DeployError.exit_code) from None


def _tell_traceback(debug: bool) -> None:
    if debug:
        click.echo(redact(traceback.format_exc()), err=True)
