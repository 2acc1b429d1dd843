import pytest

from hfdeploy_core.errors import CardInvalid, DeployError, SdkMissing, SettingInvalid
from hfdeploy_core.model import Card, RepoInfo, RepoRef, RepoType, Sdk, SetVisibility, Target, Visibility
from hfdeploy_core.planning.settings import check_settings, decide_sdk, plan_visibility, tightens

DOCKER = Card("", has_front_matter=True, sdk="docker")
BARE = Card("", has_front_matter=False, sdk=None)
WITHOUT_SDK = Card("", has_front_matter=True, sdk=None)


@pytest.mark.parametrize(
    ("asked", "card", "current", "expected"),
    [
        (Sdk.GRADIO, None, None, Sdk.GRADIO),
        (None, DOCKER, None, Sdk.DOCKER),
        (Sdk.DOCKER, DOCKER, "gradio", Sdk.DOCKER),
        (None, None, "static", Sdk.STATIC),
        (Sdk.STATIC, None, "static", Sdk.STATIC),
        (None, None, "something new", None),
    ],
)
def test_the_flag_wins_then_the_card_then_the_repo(asked, card, current, expected) -> None:
    assert decide_sdk(asked, card, current) is expected


@pytest.mark.parametrize(
    ("asked", "card", "current", "kind", "remedy"),
    [
        (None, None, None, SdkMissing, "--sdk"),
        (None, WITHOUT_SDK, "gradio", SdkMissing, "sdk: gradio"),
        (Sdk.STATIC, WITHOUT_SDK, None, SdkMissing, "sdk: static"),
        (Sdk.STATIC, BARE, None, CardInvalid, "'sdk: static'"),
        (None, BARE, "gradio", CardInvalid, "---"),
        (None, Card("", has_front_matter=True, sdk="rust"), None, CardInvalid, "gradio, streamlit"),
        (Sdk.STATIC, DOCKER, None, SettingInvalid, "--sdk"),
        (Sdk.STATIC, None, "gradio", SettingInvalid, "README.md"),
    ],
)
def test_contradictions_are_refused_with_a_remedy(
    asked, card, current, kind: type[DeployError], remedy: str
) -> None:
    with pytest.raises(kind) as caught:
        decide_sdk(asked, card, current)
    assert remedy in caught.value.remedy


def target(**settings) -> Target:
    repo_type = settings.pop("repo_type", RepoType.SPACE)
    return Target(RepoRef(repo_type, "alice", "app"), "title", **settings)


@pytest.mark.parametrize("settings", [{"sdk": Sdk.GRADIO}, {"visibility": Visibility.PROTECTED}])
@pytest.mark.parametrize("repo_type", [RepoType.MODEL, RepoType.DATASET])
def test_only_spaces_have_an_sdk_and_may_be_protected(repo_type: RepoType, settings) -> None:
    check_settings(target(**settings))
    with pytest.raises(SettingInvalid):
        check_settings(target(repo_type=repo_type, **settings))


def info(visibility: Visibility) -> RepoInfo:
    return RepoInfo(RepoRef(RepoType.SPACE, "alice", "app"), "https://hub.test", "0" * 40, visibility)


@pytest.mark.parametrize("current", Visibility)
def test_visibility_changes_only_when_asked(current: Visibility) -> None:
    assert plan_visibility(target(), info(current)) is None
    for asked in Visibility:
        change = plan_visibility(target(visibility=asked), info(current))
        assert change == (None if asked is current else SetVisibility(asked))


def test_private_is_tighter_than_protected_is_tighter_than_public() -> None:
    assert tightens(SetVisibility(Visibility.PRIVATE), info(Visibility.PROTECTED))
    assert tightens(SetVisibility(Visibility.PROTECTED), info(Visibility.PUBLIC))
    assert not tightens(SetVisibility(Visibility.PUBLIC), info(Visibility.PRIVATE))
