"""The `hfdeploy-janitor` command: one function a verb."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from hfdeploy_core import DeployError, redact
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.redact import remember_secret
from hfdeploy_janitor.budget import DEFAULT_REQUESTS, Budget
from hfdeploy_janitor.errors import KeyMissing, RuleInvalid
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.mark import Refusal, Seal, read_mark, verify
from hfdeploy_janitor.minting import DEFAULT_PREFIX, DEFAULT_TTL, find_seal, mark
from hfdeploy_janitor.model import Report
from hfdeploy_janitor.port import Hub
from hfdeploy_janitor.report import find_weak_rules, render_json, render_table
from hfdeploy_janitor.rules import (
    REPO_KINDS,
    Kind,
    Policy,
    Rule,
    check_policy,
    parse_duration,
)
from hfdeploy_janitor.sweep import apply_plan, make_plan, restore, settle

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


_ASKED = (
    click.option(
        "--config", type=click.Path(path_type=Path), help="A janitor.yaml; no other rule or limit then."
    ),
    click.option("--namespace", help="The user or organization whose repos are looked at."),
    click.option("--prefix", help="What the names of your tests' repos begin with."),
    click.option("--ttl", help="How long they may live: 90s, 30m, 6h, 2d, 1w."),
    click.option("--type", "kinds", type=_KIND, multiple=True, help="Only this type; may be repeated."),
    click.option("--marked", is_flag=True, help="Only names whose mark verifies (HFDEPLOY_JANITOR_KEY)."),
    click.option("--protect", multiple=True, metavar="PATTERN", help="Never touch these; * is a wildcard."),
    click.option("--min-age", help="Nothing younger is touched, nor changed since; 1h."),
    click.option("--max-deletes", type=int, help="If there are more, none is deleted; 100."),
    click.option("--max-percent", type=float, help="The same, as a part of all that is there."),
    click.option("--quarantine", help="Put it away for so long before it is deleted: 24h."),
)
_APPLY = click.option("--apply", "applies", is_flag=True, help="Delete. Without it, only say what would be.")
_OUT = click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
_STATE = click.option(
    "--state", default=STATE_FOLDER, show_default=True, metavar="DIR", help="Where the journal lies."
)
_TOLD = (
    click.option(
        "--budget", "requests", default=DEFAULT_REQUESTS, show_default=True, help="Requests per 5 minutes."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    _DEBUG,
)


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """All of these options, in their order."""
    return lambda command: reduce(lambda decorated, option: option(decorated), reversed(options), command)


@app.command()
@_options(*_ASKED, _APPLY, _STATE, *_TOLD)
def sweep(*, debug: bool, applies: bool, requests: int, state: str, as_json: bool, **asked: Any) -> None:
    """Say what would be deleted and why the rest is kept; with --apply, delete it."""
    with told_failures(debug=debug):
        policy, seal = prepare(**asked)
        clock = SystemClock()
        hub = connect(clock, Budget(clock, requests))
        if applies:
            show(clean(hub, policy, clock, Journal(Path(state)), seal), as_json=as_json)
        else:
            show(Report(make_plan(hub, policy, clock, seal)), as_json=as_json)


@app.command()
@_options(*_ASKED, _OUT, *_TOLD)
def plan(*, debug: bool, out: Path, requests: int, as_json: bool, **asked: Any) -> None:
    """Write down what a sweep would delete, to be looked at and applied later."""
    # Imported here and below, as pydantic takes its time.
    from hfdeploy_janitor.plan_file import write_plan

    with told_failures(debug=debug):
        policy, seal = prepare(**asked)
        clock = SystemClock()
        made = make_plan(connect(clock, Budget(clock, requests)), policy, clock, seal)
        write_plan(made, out)
        click.echo(f"{out}: {len(made.targets)} to delete, digest {made.digest}", err=True)
        show(Report(made), as_json=as_json)


@app.command("apply")
@click.argument("file", type=click.Path(path_type=Path), metavar="PLAN")
@_options(_STATE, *_TOLD)
def apply_file(*, debug: bool, file: Path, requests: int, state: str, as_json: bool) -> None:
    """Delete what the plan in a file says, as far as it is still what the plan saw."""
    from hfdeploy_janitor.plan_file import read_plan

    with told_failures(debug=debug):
        made = read_plan(file)
        seal = find_seal_if_any(must=any(rule.marked for rule in made.policy.rules))
        clock = SystemClock()
        hub = connect(clock, Budget(clock, requests))
        show(apply_plan(made, hub, clock, Journal(Path(state)), seal=seal), as_json=as_json)


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


@app.command("restore")
@click.argument("repo", metavar="NAMESPACE/NAME")
@click.option("--type", "kind", type=_KIND, default=Kind.MODEL.value, show_default=True)
@click.option("--as", "new_name", metavar="NAME", help="Its new name; else the one that the journal knows.")
@_STATE
@_DEBUG
def bring_back(*, debug: bool, repo: str, kind: str, new_name: str | None, state: str) -> None:
    """Bring back what is quarantined: REPO is what it is called, or was called before."""
    with told_failures(debug=debug):
        namespace, _, name = repo.partition("/")
        clock = SystemClock()
        hub = connect(clock, Budget(clock))
        result = restore(Kind(kind), namespace, name, hub, clock, Journal(Path(state)), new_name)
        click.echo(f"{result.target.thing} is back. {result.words}")
        click.echo("The next sweep takes it again, unless it is protected or tagged hfdeploy-keep.", err=True)


def clean(hub: Hub, policy: Policy, clock: Clock, journal: Journal, seal: Seal | None) -> Report:
    """A whole sweep: settle what was left open, list, decide, delete."""
    journal.open()
    settle(hub, clock, journal)
    return apply_plan(make_plan(hub, policy, clock, seal), hub, clock, journal, seal=seal)


def prepare(**asked: Any) -> tuple[Policy, Seal | None]:
    """The policy that is asked for and what verifies its marks; rules that are weak are named."""
    policy = check_policy(read_asked(**asked))
    seal = find_seal_if_any(must=any(rule.marked for rule in policy.rules))
    for words in find_weak_rules(policy):
        click.echo(words, err=True)
    return policy, seal


def read_asked(*, config: Path | None, kinds: tuple[str, ...], marked: bool, **asked: Any) -> Policy:
    """The policy that the options spell, or the file. Raises RuleInvalid."""
    given = {name: value for name, value in asked.items() if value is not None and value != ()}
    if config is not None:
        others = [*given, *(["type"] if kinds else []), *(["marked"] if marked else [])]
        if others:
            named = ", ".join(f"--{name.replace('_', '-')}" for name in others)
            raise RuleInvalid(f"{named} and --config contradict each other.", "Write it into the file.")
        from hfdeploy_janitor.configuration import load_policy

        return load_policy(config)
    if missing := [f"--{name}" for name in ("namespace", "prefix", "ttl") if name not in given]:
        raise RuleInvalid(f"A rule needs {', '.join(missing)}.", "Or name a file of rules with --config.")
    chosen = tuple(sorted({Kind(kind) for kind in kinds})) or REPO_KINDS
    rule = Rule(given.pop("namespace"), given.pop("prefix"), parse_duration(given.pop("ttl")), chosen, marked)
    if "min_age" in given:
        given["min_age_seconds"] = parse_duration(given.pop("min_age"))
    if "quarantine" in given:
        given["quarantine_seconds"] = parse_duration(given.pop("quarantine"))
    return Policy((rule,), **given)


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
