"""Events and errors in words: pure, shared by the faces that people read."""

from collections.abc import Iterator

from hfdeploy_core import DeployError, Outcome, Plan
from hfdeploy_core.events import (
    Committed,
    Deleted,
    DeletionPlanned,
    Event,
    Finished,
    Logged,
    Planned,
    Probed,
    RepoCreated,
    RolledBack,
    RunFinished,
    Scanned,
    SettingChanged,
    SettingRemoved,
    StageChanged,
    StepFinished,
    StepLeftOut,
    StepStarted,
    StepTold,
    TargetFailed,
    TargetLeft,
    TargetLeftOut,
    TargetTold,
    Unlocked,
    Uploading,
    Validated,
    VisibilityChanged,
    Waiting,
    Warned,
    WentLive,
)
from hfdeploy_core.model import (
    Change,
    CommitFiles,
    CreateRepo,
    RemoveSecret,
    RemoveVariable,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    SetUpstream,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Volume,
)
from hfdeploy_core.planning.digest import digest_plan


def say(event: Event) -> str:
    """One event as a line; the outcome as several."""
    match event:
        case Scanned():
            read = f"Read {count(event.files, 'file')} ({format_bytes(event.size_bytes)}) from {event.source}"
            return read + _say_ignored(event)
        case Warned():
            return f"warning: {event.message}"
        case Waiting():
            return f"Waiting {event.seconds:.1f} s for the Hub: {event.reason}"
        case Planned():
            return f"Plan for {event.repo_type} {event.repo_id}: {_say_planned(event)}"
        case RepoCreated():
            return f"Created {event.repo_url}"
        case VisibilityChanged():
            return f"Made {event.repo_id} {event.visibility}"
        case SettingChanged(value=None):
            return f"Set {event.setting} of {event.repo_id}"
        case SettingChanged():
            return f"Set {event.setting} of {event.repo_id} to {event.value}"
        case SettingRemoved():
            return f"Removed {event.setting} of {event.repo_id}"
        case Uploading():
            sent = f"{format_bytes(event.bytes_done)} of {format_bytes(event.bytes_total)}"
            return f"Uploading {count(event.files, 'file')}: {sent}"
        case Committed():
            return f"Committed {event.commit}"
        case StageChanged():
            return f"{event.repo_id} is {event.stage}" + (f" at {event.commit[:7]}" if event.commit else "")
        case Logged():
            return f"[{event.log}] {event.text}"
        case Probed():
            return f"{event.repo_id} answered {event.path} with {event.status}"
        case WentLive():
            return f"{event.repo_id} is live at {event.commit[:7]} after {event.elapsed_seconds:.1f} s"
        case RolledBack():
            return f"{event.repo_id} is back at what it held at {event.restores[:7]}"
        case DeletionPlanned():
            return f"- {event.repo_type} {event.repo_id} ({event.repo_url})"
        case Deleted():
            return f"Deleted {event.repo_type} {event.repo_id}"
        case Finished():
            return say_outcome(event.outcome)
        case TargetTold(event=Finished(outcome)):
            return f"[{event.target}] {_say_verb(outcome)}: {outcome.repo_id} is at {outcome.commit[:7]}"
        case TargetTold():
            return f"[{event.target}] {say(event.event)}"
        case TargetFailed():
            return f"[{event.target}] failed: {event.message} {event.remedy}"
        case TargetLeft():
            return f"[{event.target}] left alone: it needs {', '.join(event.because)}"
        case TargetLeftOut():
            return f"[{event.target}] left out: {event.reason}"
        case StepStarted():
            return f"Step {event.step}"
        case StepTold():
            return f"  | {event.text}"
        case StepFinished():
            return f"Step {event.step} is done after {event.elapsed_seconds:.1f} s"
        case StepLeftOut():
            return f"Step {event.step} is left out: {event.reason}"
        case Validated():
            named = f", {count(len(event.profiles), 'profile')}" if event.profiles else ""
            return f"{event.file} is valid: {count(len(event.targets), 'target')}{named}"
        case Unlocked():
            return f"The lock of {event.holder} is taken away"
        case RunFinished():
            return _say_run(event)


def say_outcome(outcome: Outcome) -> str:
    """The end of a deploy that went well."""
    lines = [f"{_say_verb(outcome)} in {outcome.elapsed_seconds:.1f} s", f"  repo    {outcome.repo_id}"]
    lines.append(f"  url     {outcome.repo_url}")
    if outcome.space_url:
        lines.append(f"  app     {outcome.space_url}")
    if outcome.proxy_enabled:
        lines.append(f"  relay   {outcome.proxy_url}")
    lines.append(f"  commit  {outcome.commit}")
    return "\n".join(lines)


def say_plan(plan: Plan, target: str | None = None) -> str:
    """All that a plan would change, a line each; what comes below is true of the whole."""
    lines = [f"{target}: {plan.repo}"] if target is not None else []
    lines += _list_changes(plan)
    if plan.relay is not None:
        lines += [f"relay   {plan.relay.plan.repo.id}", *_list_relay_changes(plan.relay.plan)]
    if plan.source.card_file is not None or plan.source.front_matter is not None:
        lines.append(f"card    {plan.source.card_file or 'given'}, laid over README.md")
    relay_bytes = 0 if plan.relay is None else plan.relay.plan.bytes_to_send
    lines.append(f"{format_bytes(plan.bytes_to_send + relay_bytes)} to send at most")
    lines.append(f"head    {plan.base or 'none: the repo is created'}")
    lines.append(f"digest  {digest_plan(plan)}")
    return "\n".join(lines)


def say_error(error: DeployError) -> str:
    """What is wrong, and what to do about it."""
    return f"error: {error.message} {error.remedy}"


def format_bytes(size_bytes: float) -> str:
    """Bytes for people, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _list_changes(plan: Plan) -> list[str]:
    return [f"  {line}" for change in plan.changes for line in _list_change(change)]


def _list_relay_changes(plan: Plan) -> list[str]:
    """The same of a relay; of its files, which nobody here has written, how many."""
    lines = []
    for change in plan.changes:
        told = _count_files(change) if isinstance(change, CommitFiles) else _list_change(change)
        lines += [f"  {line}" for line in told]
    return lines


def _count_files(change: CommitFiles) -> Iterator[str]:
    added = [put.entry.size_bytes for put in change.puts if not put.replaces]
    replaced = [put.entry.size_bytes for put in change.puts if put.replaces]
    for sign, sizes in (("+", added), ("~", replaced)):
        if sizes:
            yield f"{sign} its own code: {count(len(sizes), 'file')} ({format_bytes(sum(sizes))})"
    if change.deletions:
        yield f"- its own code: {count(len(change.deletions), 'file')}"


def _list_change(change: Change) -> Iterator[str]:
    match change:
        case CreateRepo(visibility=visibility, sdk=sdk):
            yield f"+ the repo ({', '.join(filter(None, [sdk, visibility or 'default visibility']))})"
        case SetVisibility(visibility=visibility, before=before):
            yield f"~ visibility: {before} -> {visibility}"
        case SetGated(gated=gated, before=before):
            yield f"~ gated: {before} -> {gated}"
        case SetHardware(hardware=hardware, before=rented, hourly_micro_usd=more):
            yield f"~ hardware: {rented or 'none'} -> {hardware} ({format_price(more)})"
        case SetSleep(sleep_seconds=seconds, before=slept):
            yield f"~ sleep time: {_say_sleep(slept)} -> {_say_sleep(seconds)}"
        case SetVolumes(volumes=volumes, before=mounted):
            yield from (f"- volume {_say_volume(volume)}" for volume in mounted if volume not in volumes)
            yield from (f"+ volume {_say_volume(volume)}" for volume in volumes if volume not in mounted)
        case SetVariable(name=name, value=value, before=valued):
            was = "" if valued is None else f"{valued!r} -> "
            yield f"{'+' if valued is None else '~'} variable {name}: {was}{value!r}"
        case SetUpstream(upstream=upstream, before=before):
            sign = "+" if before is None else "~"
            yield f"{sign} variable TARGET_URL: the address of {upstream.id}, once it is there"
        case RemoveVariable(name=name, before=value):
            yield f"- variable {name}: {value!r}"
        case RemoveSecret(name=name):
            yield f"- secret {name}"
        case SetSecret(name=name, replaces=replaces):
            yield f"{'~' if replaces else '+'} secret {name}"
        case CommitFiles():
            for put in change.puts:
                size = format_bytes(put.entry.size_bytes)
                yield f"{'~' if put.replaces else '+'} {put.entry.path} ({size})"
            yield from (f"- {path}" for path in change.deletions)
            if change.sdk is not None:
                yield f"~ sdk: {change.sdk_before or 'none'} -> {change.sdk} (by README.md)"


def _say_ignored(scanned: Scanned) -> str:
    if not scanned.ignored:
        return ""
    rest = scanned.ignored - len(scanned.ignored_paths)
    more = f" and {rest:,} more" if rest else ""
    return f"; left out {scanned.ignored:,} ignored: {', '.join(scanned.ignored_paths)}{more}"


def format_price(hourly_micro_usd: int | None) -> str:
    """What an hour costs more or less."""
    if hourly_micro_usd is None:
        return "at an unknown price"
    sign = "-" if hourly_micro_usd < 0 else "+"
    return f"{sign}${abs(hourly_micro_usd) / 1_000_000:.2f} an hour"


def _say_sleep(seconds: int | None) -> str:
    if seconds is None:
        return "the Hub's choice"
    return f"after {seconds} s" if seconds >= 0 else "never"


def _say_volume(volume: Volume) -> str:
    revision = f"@{volume.revision}" if volume.revision else ""
    path = f"/{volume.path}" if volume.path else ""
    mode = "ro" if volume.read_only else "rw"
    return f"hf://{volume.type}s/{volume.source}{revision}{path}:{volume.mount_path}:{mode}"


def _say_verb(outcome: Outcome) -> str:
    return "Deployed" if outcome.changed else "Nothing to do"


def _say_run(run: RunFinished) -> str:
    parts = {
        "changed": run.changed,
        "unchanged": run.unchanged,
        "failed": run.failed,
        "left alone": run.left,
    }
    told = ", ".join(f"{len(names)} {word}" for word, names in parts.items() if names)
    return f"{told or 'nothing to do'} in {run.elapsed_seconds:.1f} s"


def _say_planned(plan: Planned) -> str:
    parts = ["create it"] if plan.creates else []
    if plan.visibility:
        parts.append(f"make it {plan.visibility}")
    if plan.settings_changed:
        parts.append(f"set {count(plan.settings_changed, 'setting')}")
    numbers = {"add": plan.files_added, "update": plan.files_updated, "delete": plan.files_deleted}
    parts += [f"{verb} {count(number, 'file')}" for verb, number in numbers.items() if number]
    if not parts:
        return f"nothing to do, {count(plan.files_unchanged, 'file')} unchanged"
    if plan.files_unchanged:
        parts.append(f"leave {plan.files_unchanged:,} unchanged")
    return ", ".join(parts)
