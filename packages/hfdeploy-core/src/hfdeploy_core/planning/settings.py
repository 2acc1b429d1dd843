"""Which settings a repo needs: what was asked for, else what its card says, else what it has."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from hfdeploy_core.errors import CardInvalid, SdkMissing, SettingInvalid
from hfdeploy_core.model import (
    Card,
    CreateRepo,
    Gated,
    Hardware,
    HeldSecret,
    Remote,
    RemoveSecret,
    RemoveVariable,
    RepoInfo,
    RepoType,
    Sdk,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    Setting,
    SetUpstream,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Target,
    Variable,
    Visibility,
)
from hfdeploy_core.planning.relay import ADDRESS
from hfdeploy_core.redact import redact

NEVER_SLEEPS = -1
# What a Space gets that asks for nothing, and that costs nothing.
BASIC_HARDWARE = "cpu-basic"

# The higher, the fewer see it.
_TIGHTNESS = {Visibility.PUBLIC: 0, Visibility.PROTECTED: 1, Visibility.PRIVATE: 2}
_STRICTNESS = {Gated.NONE: 0, Gated.AUTO: 1, Gated.MANUAL: 2}
# hub-api 8.3: which names variables and secrets may have.
_NAME = re.compile(r"[a-zA-Z][_a-zA-Z0-9]*")


@dataclass(frozen=True, slots=True)
class SettingChanges:
    """Which settings change before the files do, and which after them.

    Before: what hides the repo, what the Hub may refuse, and what the app needs when it starts with the new
    files. After: what opens it, so that nobody sees what is not right yet.
    """

    before: tuple[Setting, ...] = ()
    after: tuple[Setting, ...] = ()


def check_settings(target: Target) -> None:
    """Raise SettingInvalid for settings that no repo of this type can have."""
    _check_names(target)
    if target.sleep_seconds is not None and target.sleep_seconds != NEVER_SLEEPS and target.sleep_seconds < 1:
        raise SettingInvalid(
            f"A Space cannot sleep after {target.sleep_seconds} seconds.",
            f"Use a number of seconds above 0, or {NEVER_SLEEPS} for never.",
        )
    if target.repo.type is RepoType.SPACE:
        return
    for what, is_asked in _list_of_spaces(target):
        if is_asked:
            raise SettingInvalid(
                f"A {target.repo.type} has no {what}.", f"Drop --{what}, or deploy with --type space."
            )
    if target.visibility is Visibility.PROTECTED:
        raise SettingInvalid(
            f"A {target.repo.type} cannot be protected, only a Space can.", "Use --private or --public."
        )


def _list_of_spaces(target: Target) -> Iterator[tuple[str, bool]]:
    """What only Spaces have, by the names of the options, and whether it is asked for."""
    yield "sdk", target.sdk is not None
    yield "hardware", target.hardware is not None
    yield "sleep-time", target.sleep_seconds is not None
    yield "volume", target.volumes is not None
    yield "variable", bool(target.variables)
    yield "secret", bool(target.secrets)
    yield "remove-variable", bool(target.removed_variables)
    yield "remove-secret", bool(target.removed_secrets)


def _check_names(target: Target) -> None:
    names = [*(variable.name for variable in target.variables), *target.secrets]
    for name, times in Counter(names).items():
        if not _NAME.fullmatch(name):
            raise SettingInvalid(
                f"{name!r} cannot be the name of a variable or secret.",
                "Use letters, digits and '_', a letter first.",
            )
        if times > 1:
            raise SettingInvalid(f"{name} is asked for twice.", "Keep one of them, variable or secret.")
    for what, wanted, removed in (
        ("variable", {variable.name for variable in target.variables}, target.removed_variables),
        ("secret", set(target.secrets), target.removed_secrets),
    ):
        for name in sorted(wanted.intersection(removed)):
            raise SettingInvalid(
                f"The {what} {name} is to be set and to be removed.", f"Drop --{what} or --remove-{what}."
            )
    for variable in target.variables:
        if redact(variable.value) != variable.value:
            raise SettingInvalid(
                f"The value of the variable {variable.name} looks like a token, and variables are public.",
                f"Pass it by the environment, as a secret: --secret {variable.name}.",
            )


def decide_sdk(asked: Sdk | None, card: Card | None, current: str | None) -> Sdk | None:
    """The sdk that a Space will run with; None for an existing one whose sdk this version does not know.

    `card` is the source's README.md, which will be the Space's; without one the Space keeps the README that
    it has or is created with. Raises SdkMissing, CardInvalid or SettingInvalid.
    """
    if card is not None:
        return _read_sdk(asked, card)
    if asked is not None and current is not None and asked != current:
        raise SettingInvalid(
            f"The Space runs {current}, and only its README.md can change that to {asked}.",
            f"Add a README.md to the source whose front matter says `sdk: {asked}`.",
        )
    if asked is None and current is None:
        raise SdkMissing("Nothing says what runs this Space: --sdk is missing and so is README.md.")
    return asked or (Sdk(current) if current in set(Sdk) else None)


def _read_sdk(asked: Sdk | None, card: Card) -> Sdk:
    wanted = asked or "gradio"
    if not card.has_front_matter:
        raise CardInvalid(
            "README.md has no front matter, without which a Space does not start.",
            f"Begin README.md with three lines: '---', 'sdk: {wanted}', '---'; or write them into a file of "
            "their own, and name it by --card.",
        )
    if card.sdk is None:
        raise SdkMissing(
            "The front matter of README.md names no sdk.",
            f"Add the line `sdk: {wanted}` to the front matter.",
        )
    if card.sdk not in set(Sdk):
        raise CardInvalid(
            f"README.md names an unknown sdk: {card.sdk!r}.",
            f"Use one of {', '.join(Sdk)} in its front matter.",
            line=field.line if (field := card.find("sdk")) else None,
        )
    if asked is not None and asked != card.sdk:
        raise SettingInvalid(
            f"--sdk {asked} contradicts README.md, which says {card.sdk}.",
            "Drop --sdk, or change the front matter of README.md.",
        )
    return Sdk(card.sdk)


def plan_creation(target: Target, card: Card | None) -> CreateRepo:
    """How to make a repo that does not exist: what shall be open is opened when its files are there."""
    is_space = target.repo.type is RepoType.SPACE
    visibility = target.visibility and Visibility.PRIVATE
    sdk = decide_sdk(target.sdk, card, None) if is_space else None
    return CreateRepo(visibility, sdk, target.marker)


def plan_settings(
    target: Target,
    remote: Remote | None,
    *,
    sdk: Sdk | None,
    hardware: Iterable[Hardware] = (),
    known_secrets: Container[str] = frozenset(),
) -> SettingChanges:
    """The settings that were asked for and are not so: of `remote`, or of a repo that is made (None).

    `sdk` is what the Space will run with, `hardware` what the Hub rents out. `known_secrets` are names whose
    value is known to be the one that the Hub has. Raises SettingInvalid.
    """
    held = remote.info if remote is not None else _fresh(target, sdk)
    if sdk is Sdk.STATIC:
        _check_static(target)
    _check_taken(target, remote)
    before: list[Setting] = []
    after: list[Setting] = []
    if target.visibility not in (None, held.visibility):
        seen = SetVisibility(target.visibility, held.visibility)
        (before if _tightens(seen) else after).append(seen)
    if target.gated not in (None, held.gated):
        asked = SetGated(target.gated, held.gated)
        (before if _STRICTNESS[asked.gated] > _STRICTNESS[asked.before] else after).append(asked)
    before += _plan_machine(target, held, hardware)
    # What the app that runs still reads goes last; but a name goes before the other kind takes it.
    taken = {variable.name for variable in target.variables} | set(target.secrets)
    for removal in _plan_removals(target, remote):
        (before if removal.name in taken else after).append(removal)
    before += _plan_variables(target, remote.variables if remote else _list_born(target))
    before += _plan_secrets(target, remote.secrets if remote else (), known_secrets)
    return SettingChanges(tuple(before), tuple(after))


def _fresh(target: Target, sdk: Sdk | None) -> RepoInfo:
    """What a repo will be that is made for this target."""
    rented = BASIC_HARDWARE if target.repo.type is RepoType.SPACE and sdk is not Sdk.STATIC else None
    return RepoInfo(target.repo, "", "", Visibility.PRIVATE, sdk, hardware=rented)


def _tightens(change: SetVisibility) -> bool:
    return _TIGHTNESS[change.visibility] > _TIGHTNESS[change.before]


def _plan_machine(target: Target, held: RepoInfo, hardware: Iterable[Hardware]) -> Iterator[Setting]:
    """What the Space runs on, when it sleeps and what is mounted."""
    moves = target.hardware not in (None, held.hardware)
    if target.hardware is not None and moves:
        prices = {item.name: item.hourly_micro_usd for item in hardware}
        if prices and target.hardware not in prices:
            raise SettingInvalid(
                f"The Hub has no hardware {target.hardware!r}.", f"Use one of {', '.join(prices)}."
            )
        price, price_before = prices.get(target.hardware), prices.get(held.hardware or BASIC_HARDWARE)
        more = price - price_before if price is not None and price_before is not None else None
        yield SetHardware(target.hardware, held.hardware, more)
    sleeps = held.sleep_seconds
    if sleeps is None and held.hardware != BASIC_HARDWARE:
        # As the Hub's client has it: rented hardware without a time never sleeps.
        sleeps = NEVER_SLEEPS
    # Other hardware may come with a time of its own.
    if target.sleep_seconds is not None and (moves or target.sleep_seconds != sleeps):
        yield SetSleep(target.sleep_seconds, held.sleep_seconds)
    if target.volumes is not None and set(target.volumes) != set(held.volumes):
        yield SetVolumes(target.volumes, held.volumes)


def _plan_variables(target: Target, held: Iterable[Variable]) -> Iterator[Setting]:
    values = {variable.name: variable.value for variable in held}
    for variable in sorted(target.variables, key=lambda variable: variable.name):
        if values.get(variable.name) != variable.value:
            yield SetVariable(variable.name, variable.value, values.get(variable.name))
    if target.upstream is not None:
        yield SetUpstream(target.upstream, values.get(ADDRESS))


def _list_born(target: Target) -> tuple[Variable, ...]:
    """The variables that a new Space has from the start."""
    return (Variable(target.marker.name, target.marker.value),) if target.marker else ()


def _plan_removals(target: Target, remote: Remote | None) -> Iterator[RemoveVariable | RemoveSecret]:
    if remote is None:
        return
    values = {variable.name: variable.value for variable in remote.variables}
    updates = {secret.name: secret.updated_at for secret in remote.secrets}
    for name in sorted(values.keys() & set(target.removed_variables)):
        yield RemoveVariable(name, values[name])
    for name in sorted(updates.keys() & set(target.removed_secrets)):
        yield RemoveSecret(name, updates[name])


def _plan_secrets(target: Target, held: Iterable[HeldSecret], known: Container[str]) -> Iterator[Setting]:
    secrets = {secret.name: secret for secret in held}
    for name in sorted(target.secrets):
        if name not in secrets:
            yield SetSecret(name, replaces=False)
        elif name not in known:
            yield SetSecret(name, replaces=True, updated_at=secrets[name].updated_at)


def _check_static(target: Target) -> None:
    for what, asked in (
        ("hardware", target.hardware),
        ("sleep-time", target.sleep_seconds),
        ("volume", target.volumes),
    ):
        if asked is not None:
            raise SettingInvalid(f"A static Space runs on nothing: it has no {what}.", f"Drop --{what}.")


def _check_taken(target: Target, remote: Remote | None) -> None:
    """A Space does not start where a variable and a secret share a name."""
    if remote is None:
        return
    variables = {variable.name for variable in remote.variables}.difference(target.removed_variables)
    secrets = {secret.name for secret in remote.secrets}.difference(target.removed_secrets)
    for asked, taken, kind in (
        ({variable.name for variable in target.variables}, secrets, "secret"),
        (set(target.secrets), variables, "variable"),
    ):
        for name in sorted(asked & taken):
            raise SettingInvalid(
                f"{remote.info.repo} has a {kind} {name} already.",
                f"Pass --remove-{kind} {name} too, or use another name.",
            )
