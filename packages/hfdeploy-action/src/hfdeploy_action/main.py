"""The action: inputs in, a deploy by core, and then outputs, summary and annotations out."""

import json
import os
import secrets
import signal
import sys
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import hfdeploy_core
from hfdeploy.cli.expiring import tell_expiry
from hfdeploy.cli.manifest import make_declared_relay
from hfdeploy.render.json_lines import JsonLines
from hfdeploy_action.checkout import check_out, is_needed
from hfdeploy_action.comment import tell_pull_request
from hfdeploy_action.errors import CommentFailed, SecretsAbsent, reword
from hfdeploy_action.event import Event, read_event
from hfdeploy_action.identity import advise, ask_identity, name_resource, read_claims
from hfdeploy_action.inputs import Inputs, read_inputs
from hfdeploy_action.log import WorkflowLog
from hfdeploy_action.outputs import list_outputs, write_outputs, write_summary
from hfdeploy_action.report import Recorder, write_report, write_skipped
from hfdeploy_core import DeployError, Outcome, Plan, redact
from hfdeploy_core.clock import SystemClock
from hfdeploy_core.errors import RepoNotFound, TokenRejected
from hfdeploy_core.events import Event as DeployEvent
from hfdeploy_core.hub.credentials import find_endpoint, find_token
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.planning.digest import digest_plan, digest_plans
from hfdeploy_core.redact import remember_secret

INTERRUPTED_EXIT_CODE = 130
_NOTHING_KNOWN = (
    "The manifest's state knows of no preview to delete. It has to be shared for that: `state: {repo: ...}`."
)
_NO_SECRETS = (
    "This pull request comes from a fork, which GitHub hands no secrets: there is no token to deploy with."
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How the step ends, and what it leaves for those after it."""

    exit_code: int
    outputs: Mapping[str, str]
    summary: str


@dataclass(frozen=True, slots=True)
class Result:
    """What was done, or with `plans` what would be; they go by the names of a manifest's targets, as
    `targets` does.
    """

    outcome: Outcome | None = None
    targets: Mapping[str, Outcome] = field(default_factory=dict)
    plans: tuple[tuple[str | None, Plan], ...] | None = None
    digest: str = ""
    changed: bool = False


def run() -> int:
    """The step as the runner starts it."""
    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    environment = dict(os.environ)
    for name in environment:
        # What was asked for is read; no child has to see it.
        if name.startswith("INPUT_"):
            del os.environ[name]
    return main(environment, sys.stdout)


def main(environment: Mapping[str, str], out: TextIO) -> int:
    """Do what the inputs ask for; the exit code of the step."""
    with ExitStack() as stack:
        log = stack.enter_context(WorkflowLog(out, environment.get("INPUT_SOURCE_DIR") or "."))
        file = _make_log_file(environment)
        lines = stack.enter_context(JsonLines(stack.enter_context(file.open("w", encoding="utf-8"))))
        ended = _deploy(environment, log, lines, str(file))
    if name := environment.get("GITHUB_OUTPUT"):
        write_outputs(ended.outputs, Path(name))
    if name := environment.get("GITHUB_STEP_SUMMARY"):
        write_summary(ended.summary, Path(name))
    return ended.exit_code


def _deploy(environment: Mapping[str, str], log: WorkflowLog, lines: JsonLines, logs: str) -> Ended:
    recorder = Recorder(SystemClock())

    def show(event: DeployEvent) -> None:
        for face in (log, lines, recorder):
            face.show(event)

    def fail(error: DeployError, name: str, exit_code: int) -> Ended:
        log.fail(error, name, exit_code)
        lines.fail(error, name, exit_code)
        asked = environment.get("INPUT_HUGGINGFACE_REPO") or environment.get("INPUT_MANIFEST", "")
        report = recorder.conclude(asked, error)
        outputs = list_outputs(None, changed=recorder.has_changed, logs=logs, targets=recorder.outcomes)
        return Ended(exit_code, outputs, write_report(report))

    try:
        event = read_event(environment, _load_payload(environment))
        inputs = read_inputs(environment, event)
        relay_token = (inputs.relay and inputs.relay.token) or ""
        for token in (inputs.token, relay_token):
            remember_secret(token)
            log.mask(token)
        for secret in inputs.options.get("secrets", {}).values():
            log.mask(secret)
        if not inputs.has_credentials:
            if inputs.fails_on_fork:
                raise SecretsAbsent(_NO_SECRETS)
            log.command("notice", _NO_SECRETS, title="hfdeploy: not deployed")
            return Ended(0, list_outputs(None, skipped=True), write_skipped(_NO_SECRETS))
        _fill_workspace(inputs, event, environment, log)
        result = _carry_out(inputs, event, environment, log, show)
    except KeyboardInterrupt:
        interrupted = DeployError(
            "Interrupted before it was done.", "Run it again: it goes on from where it was."
        )
        return fail(interrupted, "Interrupted", INTERRUPTED_EXIT_CODE)
    except DeployError as error:
        _tell_traceback(environment, log)
        return fail(error, type(error).__name__, error.exit_code)
    except Exception as error:
        _tell_traceback(environment, log)
        unexpected = DeployError(f"Something unexpected happened: {type(error).__name__}: {error}.")
        return fail(unexpected, "Unexpected", DeployError.exit_code)
    for target, plan in result.plans or ():
        log.show_plan(plan, target)
        lines.show_plan(plan, target)
    outputs = list_outputs(
        result.outcome, plan=result.digest, changed=result.changed, logs=logs, targets=result.targets
    )
    summary = write_report(recorder.conclude(inputs.manifest or inputs.repo, result.outcome, result.plans))
    if inputs.comments and event.pull_request is not None:
        _comment(summary, inputs.manifest or inputs.repo, event, environment, log)
    return Ended(0, outputs, summary)


def _carry_out(
    inputs: Inputs,
    event: Event,
    environment: Mapping[str, str],
    log: WorkflowLog,
    show: hfdeploy_core.events.OnEvent,
) -> Result:
    token = _exchange_identity(inputs, environment, log) if inputs.uses_identity else inputs.token
    with hfdeploy_core.connect(token=token, on_event=show) as hub:
        if inputs.manifest:
            return _carry_out_manifest(inputs, event, environment, hub, log, show)
        if inputs.preview is not None:
            return _carry_out_preview(inputs, inputs.preview, event, hub, log, show)
        if inputs.only_plans:
            plan = hfdeploy_core.plan(
                inputs.source, inputs.repo, relay=inputs.relay, on_event=show, hub=hub, **inputs.options
            )
            return Result(plans=((None, plan),), digest=digest_plan(plan))
        outcome = hfdeploy_core.deploy(
            inputs.source,
            inputs.repo,
            relay=inputs.relay,
            gate=inputs.gate,
            on_event=show,
            hub=hub,
            **inputs.options,
        )
        return Result(outcome, digest=outcome.plan_digest)


def _carry_out_preview(
    inputs: Inputs, preview: str, event: Event, hub: Hub, log: WorkflowLog, show: hfdeploy_core.events.OnEvent
) -> Result:
    """Deploy to the preview, or delete it where its pull request is closed."""
    if event.is_closed:
        try:
            plan = hfdeploy_core.plan_destroy_preview(
                inputs.repo, id=preview, relay=inputs.relay, on_event=show, hub=hub
            )
        except RepoNotFound as gone:
            log.command("notice", gone.message, title="hfdeploy: nothing to delete")
            return Result()
        hfdeploy_core.destroy(plan, on_event=show, hub=hub)
        return Result(changed=True)
    options = inputs.options.copy()
    options["tags"] = (tell_expiry(inputs.preview_ttl, datetime.now(UTC)),)
    outcome = hfdeploy_core.create_preview(
        inputs.source,
        inputs.repo,
        id=preview,
        relay=inputs.relay,
        gate=inputs.gate,
        on_event=show,
        hub=hub,
        **options,
    )
    return Result(outcome, digest=outcome.plan_digest)


def _carry_out_manifest(
    inputs: Inputs,
    event: Event,
    environment: Mapping[str, str],
    hub: Hub,
    log: WorkflowLog,
    show: hfdeploy_core.events.OnEvent,
) -> Result:
    # Imported here: pydantic takes longer than the deploy of one repo that changes nothing.
    from hfdeploy_core import project

    # What `${env:NAME}` may name is the job's own, not what this step was given.
    known = {name: value for name, value in environment.items() if not name.startswith("INPUT_")}
    loaded = project.load_project(
        inputs.manifest,
        profile=inputs.profile,
        environment=known,
        make_relay=make_declared_relay,
        preview=inputs.preview,
        tell_expiry=lambda ttl: tell_expiry(ttl, datetime.now(UTC)),
    )
    if inputs.preview is not None and event.is_closed:
        doomed = project.plan_destroy_project(loaded, on_event=show, hub=hub)
        if not doomed.repos:
            log.command("notice", _NOTHING_KNOWN, title="hfdeploy: nothing to delete")
        project.destroy_project(doomed, on_event=show, hub=hub)
        return Result(changed=bool(doomed.repos))
    made = project.plan_project(loaded, on_event=show, hub=hub)
    plans = {name: target.plan for name, target in made.targets.items()}
    digest = digest_plans(plans.values())
    if inputs.only_plans:
        meant = tuple((name, plans[name]) for name, target in made.targets.items() if not target.left_out)
        return Result(plans=meant, digest=digest)
    outcomes = project.apply_project(made, on_event=show, hub=hub)
    targets = {name: outcomes[name] or _describe_unchanged(plan, hub) for name, plan in plans.items()}
    return Result(
        targets=targets, digest=digest, changed=any(outcome.changed for outcome in targets.values())
    )


def _describe_unchanged(plan: Plan, hub: Hub) -> Outcome:
    """What is there of a target that there was nothing to do for."""
    info = hub.find_repo(plan.repo)
    relay = hub.find_repo(plan.relay.plan.repo) if plan.relay else None
    return Outcome(
        repo_id=plan.repo.id,
        repo_type=plan.repo.type,
        repo_url=info.url if info else "",
        commit=info.head if info else "",
        space_url=info.app_url if info else None,
        proxy_enabled=relay is not None,
        proxy_repo_id=relay.repo.id if relay else "",
        proxy_url=(relay.app_url or "") if relay else "",
    )


def _exchange_identity(inputs: Inputs, environment: Mapping[str, str], log: WorkflowLog) -> str:
    """A token for this one repo and an hour."""
    identity = ask_identity(environment, find_endpoint())
    log.mask(identity)
    remember_secret(identity)
    resource = name_resource(inputs.repo, inputs.repo_type)
    # huggingface_hub exchanges it, and reads both from there.
    os.environ |= {"HF_OIDC_RESOURCE": resource, "HF_OIDC_ID_TOKEN": identity}
    try:
        token = find_token() or ""
    except TokenRejected as refused:
        raise advise(refused, resource, read_claims(identity)) from None
    log.mask(token)
    return token


def _comment(text: str, name: str, event: Event, environment: Mapping[str, str], log: WorkflowLog) -> None:
    api, token = environment.get("GITHUB_API_URL", ""), environment.get("INPUT_GITHUB_TOKEN", "")
    try:
        tell_pull_request(text, name, event.repository, event.pull_request or 0, api, token)
    except CommentFailed as failed:
        log.command("warning", "\n".join(reword(failed)), title="hfdeploy: no comment")


def _fill_workspace(inputs: Inputs, event: Event, environment: Mapping[str, str], log: WorkflowLog) -> None:
    workspace = Path(environment.get("GITHUB_WORKSPACE") or ".")
    if not event.repository or not is_needed(workspace, inputs.source):
        return
    log.command(
        "notice", f"The workspace is empty: fetching {event.repository} at {event.commit}.", title="hfdeploy"
    )
    server, token = environment.get("GITHUB_SERVER_URL", ""), environment.get("INPUT_GITHUB_TOKEN", "")
    check_out(workspace, event.repository, event.commit, server, token, environment)


def _load_payload(environment: Mapping[str, str]) -> dict[str, Any]:
    try:
        payload = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _make_log_file(environment: Mapping[str, str]) -> Path:
    folder = Path(environment.get("RUNNER_TEMP") or tempfile.gettempdir(), "hfdeploy-action")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"events-{secrets.token_hex(4)}.jsonl"


def _tell_traceback(environment: Mapping[str, str], log: WorkflowLog) -> None:
    if environment.get("RUNNER_DEBUG") == "1":
        for line in redact(traceback.format_exc()).splitlines():
            log.command("debug", line)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
