"""What can be asked of the relay: the options of `--proxy`, and what hfdeploy-proxy makes of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

import click

from hfdeploy_core import Plan, Relay, parse_probe
from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.options import SpaceContent

Command = Callable[..., Any]

_OPTIONS = (
    click.option(
        "--proxy", "is_relayed", is_flag=True, help="Put a public relay in front of a private Space."
    ),
    click.option(
        "--proxy-suffix", metavar="TEXT", help="What the relay's name has more than REPO; -proxy by default."
    ),
    click.option(
        "--proxy-token-env",
        metavar="NAME",
        help="The environment variable with the relay's token, which needs to read REPO only.",
    ),
    click.option(
        "--proxy-target-url", metavar="URL", help="Where the relay finds REPO, if not where the Hub says."
    ),
    click.option(
        "--proxy-allow-origins",
        metavar="ORIGINS",
        help="Whose pages may call the relay: https://a.com,https://*.b.com, or *.",
    ),
    click.option("--strict", "is_strict", is_flag=True, help="Refuse a token for the relay that may write."),
)
_NAMES = ("proxy_suffix", "proxy_token_env", "proxy_target_url", "proxy_allow_origins", "is_strict")


def relaying_options(command: Command) -> Command:
    """Whether there is to be a relay, and what it is like."""
    return reduce(lambda decorated, decorator: decorator(decorated), reversed(_OPTIONS), command)


def take_relay(asked: dict[str, Any], environment: Mapping[str, str]) -> Relay | None:
    """The relay that is asked for, its options taken out of all that is. Raises SettingInvalid."""
    is_relayed, is_spare = asked.pop("is_relayed"), asked.pop("is_spare")
    given = {name: asked.pop(name) for name in _NAMES}
    if is_relayed:
        return replace(make_relay(environment, **given), is_spare=is_spare)
    for name, value in given.items():
        if value:
            option = "--strict" if name == "is_strict" else f"--{name.replace('_', '-')}"
            raise SettingInvalid(f"{option} is about the relay, and none is asked for.", "Add --proxy.")
    return None


def recall_relay(plan: Plan, environment: Mapping[str, str]) -> Relay | None:
    """What makes the relay that a saved plan has, if it has one. Raises SettingInvalid."""
    if plan.relay is None:
        return None
    return make_relay(environment, proxy_token_env=plan.relay.token_name or None)


def make_relay(
    environment: Mapping[str, str],
    *,
    proxy_suffix: str | None = None,
    proxy_token_env: str | None = None,
    proxy_target_url: str | None = None,
    proxy_allow_origins: str | None = None,
    is_strict: bool = False,
) -> Relay:
    """A relay as hfdeploy-proxy has it. Raises SettingInvalid."""
    # Imported here: it is not wanted by most deploys, and takes half a second.
    from hfdeploy_proxy.space import MARKER_FILE, MARKER_VARIABLE

    if proxy_token_env is not None and not environment.get(proxy_token_env):
        raise SettingInvalid(
            f"The relay's token {proxy_token_env} is not set in the environment.",
            f"Set the environment variable {proxy_token_env}.",
        )
    given = {
        "target_url": proxy_target_url,
        "allow_origins": proxy_allow_origins,
        # Where the Hub is another one, the relay has to know.
        "hf_endpoint": environment.get("HF_ENDPOINT"),
    }
    settings = {name: value for name, value in given.items() if value}
    return Relay(
        make=lambda target: _plan_space(target, settings),
        marker_name=MARKER_VARIABLE,
        marker_file=MARKER_FILE,
        suffix="-proxy" if proxy_suffix is None else proxy_suffix,
        target_url=proxy_target_url,
        token=environment[proxy_token_env] if proxy_token_env else None,
        token_name=proxy_token_env or "",
        is_strict=is_strict,
        probes=(parse_probe("/_relay/readyz"),),
    )


def _plan_space(target: str, settings: Mapping[str, str]) -> SpaceContent:
    from hfdeploy_proxy import SettingsInvalid
    from hfdeploy_proxy.space import plan_space

    try:
        return plan_space(target, **settings)
    except SettingsInvalid as error:
        raise SettingInvalid(
            f"The relay would not start: {'; '.join(error.faults)}.", "Correct what is asked for the relay."
        ) from None
