"""Which settings a repo needs: what was asked for, else what its card says, else what it has."""

from hfdeploy_core.errors import CardInvalid, SdkMissing, SettingInvalid
from hfdeploy_core.model import (
    Card,
    CreateRepo,
    RepoInfo,
    RepoType,
    Sdk,
    SetVisibility,
    Target,
    Visibility,
)

# The higher, the fewer see it.
_TIGHTNESS = {Visibility.PUBLIC: 0, Visibility.PROTECTED: 1, Visibility.PRIVATE: 2}


def check_settings(target: Target) -> None:
    """Raise SettingInvalid for settings that this type of repo does not have."""
    if target.repo.type is RepoType.SPACE:
        return
    if target.sdk is not None:
        raise SettingInvalid(f"A {target.repo.type} has no sdk.", "Drop --sdk, or deploy with --type space.")
    if target.visibility is Visibility.PROTECTED:
        raise SettingInvalid(
            f"A {target.repo.type} cannot be protected, only a Space can.", "Use --private or --public."
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
            f"Begin README.md with three lines: '---', 'sdk: {wanted}', '---'.",
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
        )
    if asked is not None and asked != card.sdk:
        raise SettingInvalid(
            f"--sdk {asked} contradicts README.md, which says {card.sdk}.",
            "Drop --sdk, or change the front matter of README.md.",
        )
    return Sdk(card.sdk)


def plan_creation(target: Target, card: Card | None) -> CreateRepo:
    """How to make a repo that does not exist."""
    is_space = target.repo.type is RepoType.SPACE
    return CreateRepo(target.visibility, decide_sdk(target.sdk, card, None) if is_space else None)


def plan_visibility(target: Target, info: RepoInfo) -> SetVisibility | None:
    """The change of visibility that was asked for, if it is one."""
    if target.visibility is None or target.visibility is info.visibility:
        return None
    return SetVisibility(target.visibility)


def tightens(change: SetVisibility, info: RepoInfo) -> bool:
    """Whether fewer will see the repo: then it comes before the files, else after them."""
    return _TIGHTNESS[change.visibility] > _TIGHTNESS[info.visibility]
