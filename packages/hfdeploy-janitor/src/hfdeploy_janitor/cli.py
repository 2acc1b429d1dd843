"""The `hfdeploy-janitor` command: one function a verb."""

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from threading import Event
from typing import Any

import click

from hfdeploy_core import DeployError, redact
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import HubFailed
from hfdeploy_core.redact import remember_secret
from hfdeploy_janitor.budget import DEFAULT_REQUESTS, Budget
from hfdeploy_janitor.errors import KeyMissing, RuleInvalid
from hfdeploy_janitor.heartbeat import VARIABLE as HEARTBEAT_VARIABLE
from hfdeploy_janitor.heartbeat import beat, is_url
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.listing import ShouldStop, list_kind, never
from hfdeploy_janitor.mark import Refusal, Seal, verify
from hfdeploy_janitor.minting import DEFAULT_PREFIX, DEFAULT_TTL, find_seal, mark
from hfdeploy_janitor.model import Report, Thing
from hfdeploy_janitor.notify import find_addresses, is_news, notify, open_ways
from hfdeploy_janitor.port import Hub
from hfdeploy_janitor.report import find_weak_rules, render_json, render_junit, render_markdown, render_table
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


# Where a job on GitHub wants to read what came of it.
_SUMMARY = "GITHUB_STEP_SUMMARY"
_KIND = click.Choice([kind.value for kind in Kind])
_REPO_KIND = click.Choice([kind.value for kind in REPO_KINDS])
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
_HEARTBEAT = click.option(
    "--heartbeat",
    envvar=HEARTBEAT_VARIABLE,
    metavar="FILE|URL",
    help="Told of each sweep that ended well.",
)
_OUT = click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
_STATE = click.option(
    "--state", default=STATE_FOLDER, show_default=True, metavar="DIR", help="Where the journal lies."
)
_TOLD = (
    click.option(
        "--budget",
        "requests",
        type=click.IntRange(min=1),
        default=DEFAULT_REQUESTS,
        show_default=True,
        help="Requests per 5 minutes.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    click.option("--junit", type=click.Path(path_type=Path), help="Write the report as JUnit's XML, too."),
    _DEBUG,
)


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """All of these options, in their order."""
    return lambda command: reduce(lambda decorated, option: option(decorated), reversed(options), command)


@app.command()
@_options(*_ASKED, _APPLY, _HEARTBEAT, _STATE, *_TOLD)
def sweep(
    *,
    debug: bool,
    applies: bool,
    requests: int,
    heartbeat: str | None,
    state: str,
    as_json: bool,
    junit: Path | None,
    **asked: Any,
) -> None:
    """Say what would be deleted; with --apply, delete it.

    Why the rest is kept is told, too.
    """
    with told_failures(debug=debug):
        check_ways_out(junit, heartbeat)
        policy, seal = prepare(**asked)
        clock = SystemClock()
        hub = connect(clock, Budget(clock, requests))
        if applies:
            report = clean(hub, policy, clock, Journal(Path(state), hub.endpoint), seal)
        else:
            report = Report(make_plan(hub, policy, clock, seal))
        publish(report, as_json=as_json, junit=junit)
        if not applies and report.plan.targets and not report.plan.refusal:
            click.echo("Run it again with --apply to do so.", err=True)
        if heartbeat and report.exit_code == 0:
            beat(heartbeat, clock.now())
        end(report)


@app.command()
@_options(*_ASKED, _OUT, *_TOLD)
def plan(*, debug: bool, out: Path, requests: int, as_json: bool, junit: Path | None, **asked: Any) -> None:
    """Write down what a sweep would delete.

    The plan can be looked at, and applied later.
    """
    # Imported here and below, as pydantic takes its time.
    from hfdeploy_janitor.plan_file import write_plan

    with told_failures(debug=debug):
        check_ways_out(junit, out)
        policy, seal = prepare(**asked)
        clock = SystemClock()
        made = make_plan(connect(clock, Budget(clock, requests)), policy, clock, seal)
        write_plan(made, out)
        report = Report(made)
        publish(report, as_json=as_json, junit=junit)
        click.echo(f"{out}: {len(made.targets)} to delete, digest {made.digest}", err=True)
        end(report)


@app.command("apply")
@click.argument("file", type=click.Path(path_type=Path), metavar="PLAN")
@_options(_STATE, *_TOLD)
def apply_file(
    *, debug: bool, file: Path, requests: int, state: str, as_json: bool, junit: Path | None
) -> None:
    """Delete what a plan says.

    What is not any more as the plan saw it is kept.
    """
    from hfdeploy_janitor.plan_file import read_plan

    with told_failures(debug=debug):
        check_ways_out(junit)
        made = read_plan(file)
        seal = find_seal_if_any(must=any(rule.marked for rule in made.policy.rules))
        clock = SystemClock()
        hub = connect(clock, Budget(clock, requests))
        report = apply_plan(made, hub, clock, Journal(Path(state), hub.endpoint), seal=seal)
        publish(report, as_json=as_json, junit=junit)
        end(report)


@app.command("mark")
@click.option("--namespace", required=True, help="Where it will be created.")
@click.option("--type", "kind", type=_KIND, default=Kind.MODEL.value, show_default=True)
@click.option("--ttl", default=DEFAULT_TTL, show_default=True, help="How long it may live.")
@click.option("--prefix", default=DEFAULT_PREFIX, show_default=True)
@click.option("--run", help="Who makes it; else the CI run's number.")
@click.option("--within", metavar="models/NAMESPACE/NAME", help="The repo that a branch, tag or PR lies in.")
@_DEBUG
def mint(*, debug: bool, kind: str, **asked: Any) -> None:
    """Print a new marked name for a repo that is about to be created."""
    with told_failures(debug=debug):
        click.echo(mark(asked.pop("namespace"), kind, **asked))


@app.command("verify")
@click.argument("named", metavar="NAMESPACE/NAME")
@click.option("--type", "kind", type=_KIND, default=Kind.MODEL.value, show_default=True)
@_DEBUG
def verify_mark(*, debug: bool, named: str, kind: str) -> None:
    """Say whether something carries a mark that counts.

    It is looked for on the Hub. If its mark does not count, the reason is told.
    """
    with told_failures(debug=debug):
        namespace, name = split_repo(named)
        seal = find_seal()
        clock = SystemClock()
        found = find_named(connect(clock, Budget(clock)), Kind(kind), namespace, name, clock)
        verdicts = [(thing, verify(thing, seal)) for thing in found]
        for thing, verdict in verdicts:
            if isinstance(verdict, Refusal):
                click.echo(f"{thing} {verdict.reason}.")
            else:
                expiry = f"{verdict.expires_at:%Y-%m-%d %H:%M} UTC"
                click.echo(f"{thing} was made by run {verdict.run} and expires at {expiry}.")
        if not found:
            click.echo(f"{kind} {named} is not there.")
        if not found or any(isinstance(verdict, Refusal) for _, verdict in verdicts):
            raise click.exceptions.Exit(1)


@app.command()
@click.option("--every", help="How long from turn to turn: 1h. The first is at once.")
@click.option("--cron", help='When the turns are, in UTC: "0 * * * *".')
@click.option("--jitter", default="0s", show_default=True, help="Up to so much later or earlier.")
@click.option("--listen", metavar="HOST:PORT", help="Serve /healthz and /metrics there.")
@_options(*_ASKED, _APPLY, _HEARTBEAT, _STATE, *_TOLD)
def run(
    *,
    debug: bool,
    applies: bool,
    requests: int,
    state: str,
    as_json: bool,
    junit: Path | None,
    every: str | None,
    cron: str | None,
    jitter: str,
    listen: str | None,
    heartbeat: str | None,
    **asked: Any,
) -> None:
    """Sweep again and again, until SIGTERM.

    What is being deleted then is brought to its end.
    """
    # Imported here: a single sweep needs no scheduler.
    from hfdeploy_janitor import schedule

    with told_failures(debug=debug):
        check_ways_out(junit, heartbeat)
        policy, seal = prepare(**asked)
        seconds = None if every is None else parse_duration(every)
        trigger = schedule.make_trigger(seconds, cron, parse_duration(jitter))
        clock = SystemClock()
        interval_seconds = schedule.find_interval_seconds(trigger, clock.now())
        hub = connect(clock, Budget(clock, requests))
        journal = Journal(Path(state), hub.endpoint)
        stop = Event()

        def sweep_once() -> Report:
            if not applies:
                return Report(make_plan(hub, policy, clock, seal, should_stop=stop.is_set))
            return clean(hub, policy, clock, journal, seal, stop.is_set)

        routine = schedule.Routine(
            sweep_once,
            hub,
            clock,
            interval_seconds,
            on_report=lambda report: publish(report, as_json=as_json, junit=junit),
            say=lambda words: click.echo(words, err=True),
            heartbeat=heartbeat or None,
        )
        # Waited for, not handled: every thread that starts from here on leaves them to this one.
        ends = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        with schedule.sweeping(routine, trigger, at_once=every is not None, listen=listen):
            signal.sigwait(ends)
            stop.set()


@app.command("restore")
@click.argument("repo", metavar="NAMESPACE/NAME")
@click.option("--type", "kind", type=_REPO_KIND, default=Kind.MODEL.value, show_default=True)
@click.option("--as", "new_name", metavar="NAME", help="Its new name; else the one that the journal knows.")
@_STATE
@_DEBUG
def bring_back(*, debug: bool, repo: str, kind: str, new_name: str | None, state: str) -> None:
    """Bring back what is quarantined.

    NAMESPACE/NAME is what it is called, or was called before.
    """
    with told_failures(debug=debug):
        namespace, name = split_repo(repo)
        if new_name is not None and "/" in new_name:
            other, new_name = split_repo(new_name)
            if other != namespace:
                raise RuleInvalid(f"{repo} stays in {namespace}.", "Say only its new name with --as.")
        clock = SystemClock()
        hub = connect(clock, Budget(clock))
        journal = Journal(Path(state), hub.endpoint)
        result = restore(Kind(kind), namespace, name, hub, clock, journal, new_name)
        click.echo(f"{result.target.thing} is back. {result.words}")
        click.echo("The next sweep takes it again, unless it is protected or tagged hfdeploy-keep.", err=True)


def clean(
    hub: Hub,
    policy: Policy,
    clock: Clock,
    journal: Journal,
    seal: Seal | None,
    should_stop: ShouldStop = never,
) -> Report:
    """A whole sweep: settle what was left open, list, decide, delete."""
    journal.open()
    settle(hub, clock, journal)
    plan = make_plan(hub, policy, clock, seal, should_stop=should_stop)
    return apply_plan(plan, hub, clock, journal, seal=seal, should_stop=should_stop)


def prepare(**asked: Any) -> tuple[Policy, Seal | None]:
    """The policy that is asked for and what verifies its marks; rules that are weak are named."""
    policy = check_policy(read_asked(**asked))
    seal = find_seal_if_any(must=any(rule.marked for rule in policy.rules))
    for words in find_weak_rules(policy):
        click.echo(words, err=True)
    return policy, seal


def find_named(hub: Hub, kind: Kind, namespace: str, name: str, clock: Clock) -> list[Thing]:
    """All things of that name: only repos can be asked for by it, and only of them there is one at most.

    Raises an AccessError or a HubError.
    """
    if kind in REPO_KINDS:
        found = hub.look(Thing(kind, namespace, name, "", None, None)).thing
        return [] if found is None else [found]
    listing = list_kind(hub, kind, namespace, clock)
    if listing.failure is not None:
        raise HubFailed(f"What there is cannot be told: {listing.failure}.")
    return [thing for thing in listing.things if thing.name == name]


def split_repo(repo: str) -> tuple[str, str]:
    """Namespace and name. Raises RuleInvalid."""
    namespace, _, name = repo.partition("/")
    if not namespace or not name or "/" in name:
        raise RuleInvalid(f"{repo!r} is no repo.", "Write NAMESPACE/NAME.")
    return namespace, name


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


def check_ways_out(*files: Path | str | None) -> None:
    """Raises RuleInvalid for what could not be told when all is done: a heartbeat may be a URL instead."""
    ways = (*files, os.environ.get(_SUMMARY))
    for path in (Path(file) for file in ways if file and not is_url(f"{file}")):
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise RuleInvalid(f"{path} cannot be written.", "Name another file.")
    if addresses := find_addresses():
        open_ways(addresses)


def publish(report: Report, *, as_json: bool, junit: Path | None) -> None:
    """Print it, and give it to whoever else waits for it."""
    for line in (render_json(report),) if as_json else render_table(report):
        click.echo(line)
    try:
        if junit is not None:
            junit.write_text(render_junit(report))
        if summary := os.environ.get(_SUMMARY):
            with Path(summary).open("a") as file:
                file.write(render_markdown(report))
    except OSError as error:
        raise RuleInvalid(
            f"{error.filename} cannot be written: {error.strerror}.", "Name another file."
        ) from None
    if (addresses := find_addresses()) and is_news(report):
        notify(report, addresses)


def end(report: Report) -> None:
    """End with its exit code."""
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
