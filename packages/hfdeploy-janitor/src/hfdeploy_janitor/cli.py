"""The `hfdeploy-janitor` command: one function a verb."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from hfdeploy_core import DeployError, redact
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.redact import remember_secret
from hfdeploy_janitor.budget import DEFAULT_REQUESTS, Budget
from hfdeploy_janitor.errors import KeyMissing
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.mark import Refusal, Seal, read_mark, verify
from hfdeploy_janitor.minting import DEFAULT_PREFIX, DEFAULT_TTL, find_seal, mark
from hfdeploy_janitor.model import Report
from hfdeploy_janitor.port import Hub
from hfdeploy_janitor.report import find_weak_rules, render_json, render_table
from hfdeploy_janitor.rules import (
    DEFAULT_MAX_DELETES,
    REPO_KINDS,
    Kind,
    Policy,
    Rule,
    check_policy,
    parse_duration,
)
from hfdeploy_janitor.sweep import apply_plan, make_plan, settle

INTERRUPTED_EXIT_CODE = 130
STATE_FOLDER = ".hfdeploy"


@click.group(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("hfdeploy-janitor"), message="hfdeploy-janitor %(version)s")
def app() -> None:
    """Delete what tests left behind on the Hugging Face Hub, and nothing else."""


def main() -> None:
    """Entry point."""
    app(prog_name="hfdeploy-janitor")


def connect(clock: Clock, budget: Budget) -> Hub:
    """The Hub that HF_ENDPOINT and HF_TOKEN name."""
    # Imported here: huggingface_hub takes most of a second.
    from hfdeploy_janitor.client import HubClient

    return HubClient(clock, budget)


_KIND = click.Choice([kind.value for kind in Kind])
_DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of a failure.")


@app.command()
@click.option("--namespace", required=True, help="The user or organization whose repos are looked at.")
@click.option("--prefix", required=True, help="What the names of your tests' repos begin with.")
@click.option("--ttl", required=True, help="How long they may live: 90s, 30m, 6h, 2d, 1w.")
@click.option("--type", "kinds", type=_KIND, multiple=True, help="Only this type; may be repeated.")
@click.option("--marked", is_flag=True, help="Only names with a mark that verifies (HFDEPLOY_JANITOR_KEY).")
@click.option("--protect", multiple=True, metavar="PATTERN", help="Never touch these names; * is a wildcard.")
@click.option(
    "--min-age", default="1h", show_default=True, help="Nothing younger is touched, nor changed since."
)
@click.option(
    "--max-deletes",
    default=DEFAULT_MAX_DELETES,
    show_default=True,
    help="If there are more, none is deleted.",
)
@click.option("--max-percent", type=float, help="The same, as a part of all that is there.")
@click.option("--apply", "applies", is_flag=True, help="Delete. Without it, only say what would be done.")
@click.option(
    "--budget", "requests", default=DEFAULT_REQUESTS, show_default=True, help="Requests per 5 minutes."
)
@click.option(
    "--state", default=STATE_FOLDER, show_default=True, metavar="DIR", help="Where the journal lies."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@_DEBUG
def sweep(*, debug: bool, applies: bool, requests: int, state: str, as_json: bool, **asked: Any) -> None:
    """Say what would be deleted and why the rest is kept; with --apply, delete it."""
    with told_failures(debug=debug):
        policy = check_policy(read_policy(**asked))
        seal = find_seal_if_any(must=any(rule.marked for rule in policy.rules))
        for words in find_weak_rules(policy):
            click.echo(words, err=True)
        clock = SystemClock()
        hub = connect(clock, Budget(clock, requests))
        journal = Journal(Path(state))
        if applies:
            journal.open()
            settle(hub, clock, journal)
        plan = make_plan(hub, policy, clock, seal)
        report = apply_plan(plan, hub, clock, journal, seal=seal) if applies else Report(plan)
        show(report, as_json=as_json)


@app.command("mark")
@click.option("--namespace", required=True, help="Where it will be created.")
@click.option("--type", "kind", type=_KIND, default=Kind.MODEL.value, show_default=True)
@click.option("--ttl", default=DEFAULT_TTL, show_default=True, help="How long it may live.")
@click.option("--prefix", default=DEFAULT_PREFIX, show_default=True)
@click.option("--run", help="Who makes it; else the CI run's number.")
@_DEBUG
def mint(*, debug: bool, namespace: str, kind: str, ttl: str, prefix: str, run: str | None) -> None:
    """Print a new marked name for a repo that is about to be created."""
    with told_failures(debug=debug):
        click.echo(mark(namespace, kind, ttl=ttl, prefix=prefix, run=run))


@app.command("verify")
@click.argument("repo", metavar="NAMESPACE/NAME")
@click.option("--type", "kind", type=_KIND, default=Kind.MODEL.value, show_default=True)
@_DEBUG
def verify_mark(*, debug: bool, repo: str, kind: str) -> None:
    """Say whether REPO on the Hub carries a mark that counts, and if not, why."""
    from hfdeploy_janitor.model import Thing

    with told_failures(debug=debug):
        namespace, _, name = repo.partition("/")
        seal = find_seal()
        clock = SystemClock()
        asked = Thing(Kind(kind), namespace, name, "", None, None)
        found = connect(clock, Budget(clock)).look(asked).thing
        verdict = verify(found or asked, seal)
        if isinstance(verdict, Refusal) or found is None:
            reason = verdict.reason if isinstance(verdict, Refusal) else "is not there"
            click.echo(f"{asked} {reason}.")
            raise click.exceptions.Exit(1)
        said = read_mark(name)
        assert said is not None
        click.echo(f"{asked} was made by run {said.run} and expires at {said.expires_at:%Y-%m-%d %H:%M} UTC.")


def read_policy(
    *,
    namespace: str,
    prefix: str,
    ttl: str,
    kinds: tuple[str, ...],
    marked: bool,
    protect: tuple[str, ...],
    min_age: str,
    max_deletes: int,
    max_percent: float | None,
) -> Policy:
    """The policy that the options spell: one rule. Raises RuleInvalid."""
    chosen = tuple(sorted({Kind(kind) for kind in kinds})) or REPO_KINDS
    rule = Rule(namespace, prefix, parse_duration(ttl), chosen, marked)
    return Policy((rule,), protect, parse_duration(min_age), max_deletes, max_percent)


def find_seal_if_any(*, must: bool) -> Seal | None:
    """The seal, or None where there is no key and none is needed."""
    try:
        seal = find_seal()
    except KeyMissing:
        if must:
            raise
        return None
    remember_secret(seal.key.decode())
    return seal


def show(report: Report, *, as_json: bool) -> None:
    """Print it and end with its exit code."""
    click.echo(render_json(report) if as_json else render_table(report))
    if report.exit_code:
        raise click.exceptions.Exit(report.exit_code)


@contextmanager
def told_failures(*, debug: bool) -> Iterator[None]:
    """Turn whatever is raised within into words and an exit code; with `debug`, the masked traceback."""
    try:
        yield
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("Interrupted. What was begun stands in the journal; run it again.", err=True)
        raise click.exceptions.Exit(INTERRUPTED_EXIT_CODE) from None
    except (click.exceptions.Exit, BrokenPipeError):
        raise
    except DeployError as error:
        _tell_traceback(debug)
        click.echo(f"{type(error).__name__}: {error.message}\n{error.remedy}", err=True)
        raise click.exceptions.Exit(error.exit_code) from None
    except Exception as error:
        _tell_traceback(debug)
        words = redact(f"Something unexpected happened: {type(error).__name__}: {error}.")
        click.echo(f"{words}\n{DeployError.advice}", err=True)
        raise click.exceptions.Exit(DeployError.exit_code) from None


def _tell_traceback(debug: bool) -> None:
    if debug:
        click.echo(redact(traceback.format_exc()), err=True)


if __name__ == "__main__":
    main()
