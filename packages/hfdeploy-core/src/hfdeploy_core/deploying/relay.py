"""The relay of a deploy: a second repo, planned with the first and carried out after it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from hfdeploy_core.applying.apply import Applied
from hfdeploy_core.deploying.execution import carry_out, carry_out_or_plan_again
from hfdeploy_core.deploying.preparation import check_creation, describe, find_settled_changes, place, prepare
from hfdeploy_core.deploying.run import Prepared, Run
from hfdeploy_core.errors import SettingInvalid, TokenRejected
from hfdeploy_core.events import Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import Marker, Plan, RelayPlan, RepoInfo, RepoRef, Source, Target, Visibility
from hfdeploy_core.options import Relay, check_secrets
from hfdeploy_core.planning.exposure import may_protect
from hfdeploy_core.planning.freshness import renew_entries
from hfdeploy_core.planning.relay import (
    TOKEN,
    check_relay_token,
    check_relayed,
    name_relay,
    plan_relay,
    recommend_token,
)
from hfdeploy_core.source.cache import STATE_FOLDER
from hfdeploy_core.source.given import lay_out
from hfdeploy_core.source.opening import OpenSource
from hfdeploy_core.source.overlay import CARD
from hfdeploy_core.source.scan import scan
from hfdeploy_core.source.tagging import add_tags


@dataclass(frozen=True, slots=True)
class Relaying:
    """The relay of a deploy. `target` is what it is planned from again, None where the plan was saved."""

    relay: Relay
    run: Run
    prepared: Prepared
    target: Target | None = None
    settled: frozenset[int] = frozenset()

    def carry_out(self) -> Applied:
        if self.target is None:
            return carry_out(self.run, self.prepared, self.settled)
        return carry_out_or_plan_again(self.run, self.target, self.prepared)[1]

    def join(self, plan: Plan) -> Plan:
        """The plan of the Space together with that of its relay."""
        terms = RelayPlan(self.prepared.plan, self.relay.token_name, self.relay.is_strict)
        return replace(plan, relay=terms)


def expose(hub: Hub, target: Target, relay: Relay | None) -> tuple[Target, Relay | None]:
    """How callers get to an app where that is left to us: a spare relay is for plans without another way."""
    if relay is None or not relay.is_spare:
        return target, relay
    account = hub.whoami()
    placed = target if target.repo.namespace else place(target, account)
    if may_protect(account, placed.repo):
        return replace(placed, visibility=Visibility.PROTECTED), None
    return replace(placed, visibility=Visibility.PRIVATE), relay


@contextmanager
def prepare_relay(
    run: Run, relay: Relay | None, asked: Target, prepared: Prepared
) -> Iterator[Relaying | None]:
    """The relay in front of what is prepared, planned as far as it can be before that is there."""
    if relay is None:
        yield None
        return
    upstream = prepared.plan.repo
    check_relayed(replace(asked, repo=upstream), prepared.info)
    repo = name_relay(replace(asked.repo, namespace=asked.repo.namespace or upstream.namespace), relay.suffix)
    token = _find_relay_token(run, relay, upstream, is_there=prepared.info is not None)
    content = relay.make(upstream.id)
    target = plan_relay(
        repo,
        upstream,
        relay.target_url or (prepared.info.app_url if prepared.info else None),
        variables=content.variables,
        marker=Marker(relay.marker_name, upstream.id, relay.marker_file),
        title=asked.title,
    )
    with lay_out(_tag(content.files, run.source.asked.tags)) as root:
        snapshot = scan(root, root / STATE_FOLDER)
        beside = replace(run, source=OpenSource(Source(""), snapshot), secrets={TOKEN: token})
        yield Relaying(relay, beside, prepare(beside, target, snapshot), target)


@contextmanager
def recall_relay(
    run: Run, relay: Relay | None, plan: Plan, info: RepoInfo | None
) -> Iterator[Relaying | None]:
    """The relay of a saved plan, whose files have to be what they were."""
    if plan.relay is None:
        yield None
        return
    if relay is None:
        raise SettingInvalid(
            f"The plan makes the relay {plan.relay.plan.repo}, and nothing is given to make it."
        )
    relay = replace(relay, is_strict=plan.relay.is_strict)
    made = plan.relay.plan
    secrets = {TOKEN: _find_relay_token(run, relay, plan.repo, is_there=info is not None)}
    with lay_out(_tag(relay.make(plan.repo.id).files, plan.source.tags)) as root:
        snapshot = scan(root, root / STATE_FOLDER)
        beside = replace(run, source=OpenSource(Source(""), snapshot), secrets=secrets)
        made = renew_entries(made, snapshot)
        there = run.hub.find_repo(made.repo)
        settled = find_settled_changes(beside, made, there)
        if there is None:
            check_creation(run.hub, made.repo)
        run.on_event(describe(made))
        yield Relaying(relay, beside, Prepared(made, snapshot, there), settled=settled)


def _tag(files: Mapping[str, bytes], tags: Sequence[str]) -> Mapping[str, bytes]:
    """The files of a relay, its card with the tags of its Space's: both expire together."""
    return {**files, CARD: add_tags(files[CARD].decode(), tags).encode()} if tags else files


def _find_relay_token(run: Run, relay: Relay, upstream: RepoRef, *, is_there: bool) -> str:
    """What the relay opens the Space with: a token of its own, known to the Hub and good enough, or ours."""
    if relay.token is None:
        if relay.is_strict:
            check_relay_token(run.hub.whoami(), upstream, named="The token that deploys", is_strict=True)
        run.on_event(Warned(recommend_token(upstream)))
        return run.hub.lend_token()
    check_secrets({relay.token_name: relay.token})
    named = f"The token in {relay.token_name}"
    try:
        with run.hub.speak_as(relay.token) as other:
            check_relay_token(other.whoami(), upstream, named=named, is_strict=relay.is_strict)
            if is_there and other.find_repo(upstream) is None:
                raise SettingInvalid(f"{named} may not read {upstream}.", "Let it read that Space.")
    except TokenRejected:
        raise SettingInvalid(f"{named} is none that the Hub knows.", "Make a new one.") from None
    return relay.token
