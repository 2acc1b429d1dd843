from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import CardInvalid, DeployError, SdkMissing, SettingInvalid
from hfdeploy_core.model import (
    Card,
    Gated,
    Hardware,
    HeldSecret,
    Remote,
    RemoveSecret,
    RemoveVariable,
    RepoInfo,
    RepoRef,
    RepoType,
    Sdk,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Target,
    Variable,
    Visibility,
    Volume,
    VolumeType,
)
from hfdeploy_core.planning.settings import SettingChanges, check_settings, decide_sdk, plan_settings

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
        (None, BARE, "gradio", CardInvalid, "by --card"),
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


VOLUME = Volume(VolumeType.BUCKET, "a/b", "/data", read_only=False)
OF_SPACES = [
    {"sdk": Sdk.GRADIO},
    {"visibility": Visibility.PROTECTED},
    {"hardware": "cpu-upgrade"},
    {"sleep_seconds": 60},
    {"volumes": (VOLUME,)},
    {"variables": (Variable("A", "1"),)},
    {"secrets": ("A",)},
]


@pytest.mark.parametrize("settings", OF_SPACES, ids=lambda settings: next(iter(settings)))
@pytest.mark.parametrize("repo_type", [RepoType.MODEL, RepoType.DATASET])
def test_what_only_spaces_have_is_refused_elsewhere(repo_type: RepoType, settings) -> None:
    check_settings(target(**settings))
    with pytest.raises(SettingInvalid):
        check_settings(target(repo_type=repo_type, **settings))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"secrets": ("1A",)}, "cannot be the name"),
        ({"variables": (Variable("A-B", ""),)}, "cannot be the name"),
        ({"variables": (Variable("A", "1"),), "secrets": ("A",)}, "asked for twice"),
        ({"variables": (Variable("A", "hf_abcdefghijklmnop"),)}, "looks like a token"),
        ({"sleep_seconds": 0}, "cannot sleep"),
        ({"sleep_seconds": -2}, "cannot sleep"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, says: str) -> None:
    with pytest.raises(SettingInvalid, match=says) as caught:
        check_settings(target(**settings))
    assert caught.value.remedy
    assert "hf_abc" not in str(caught.value)


def remote(visibility: Visibility = Visibility.PRIVATE, *, variables=(), secrets=(), **facts) -> Remote:
    repo = RepoRef(RepoType.SPACE, "alice", "app")
    info = RepoInfo(repo, "https://hub.test", "0" * 40, visibility, "docker", **facts)
    return Remote(info, (), variables=variables, secrets=secrets)


def plan(held: Remote | None = None, *, sdk: Sdk = Sdk.DOCKER, hardware=(), known=(), **settings):
    return plan_settings(target(**settings), held, sdk=sdk, hardware=hardware, known_secrets=known)


@pytest.mark.parametrize("current", Visibility)
def test_visibility_changes_only_when_asked(current: Visibility) -> None:
    assert plan(remote(current)) == SettingChanges()
    for asked in Visibility:
        changes = plan(remote(current), visibility=asked)
        expected = () if asked is current else (SetVisibility(asked, current),)
        assert changes.before + changes.after == expected


@pytest.mark.parametrize(
    ("tight", "loose"),
    [
        ({"visibility": Visibility.PRIVATE}, {"visibility": Visibility.PROTECTED}),
        ({"visibility": Visibility.PROTECTED}, {"visibility": Visibility.PUBLIC}),
        ({"gated": Gated.MANUAL}, {"gated": Gated.AUTO}),
        ({"gated": Gated.AUTO}, {"gated": Gated.NONE}),
    ],
)
def test_what_hides_comes_before_the_files_and_what_opens_after_them(tight, loose) -> None:
    closing, opening = plan(remote(**loose), **tight), plan(remote(**tight), **loose)
    assert (len(closing.before), closing.after) == (1, ())
    assert (opening.before, len(opening.after)) == ((), 1)


def test_what_the_app_needs_is_there_before_it_starts_and_it_is_opened_last() -> None:
    changes = plan(
        None,
        visibility=Visibility.PUBLIC,
        gated=Gated.AUTO,
        hardware=[Hardware("cpu-basic", 0), Hardware("t4-small", 400_000)],
        volumes=(VOLUME,),
        variables=(Variable("B", "2"), Variable("A", "1")),
        secrets=("S",),
    )
    assert changes.before == (
        SetGated(Gated.AUTO, Gated.NONE),
        SetVolumes((VOLUME,), ()),
        SetVariable("A", "1", None),
        SetVariable("B", "2", None),
        SetSecret("S", replaces=False),
    )
    assert changes.after == (SetVisibility(Visibility.PUBLIC, Visibility.PRIVATE),)


PRICES = (Hardware("cpu-basic", 0), Hardware("cpu-upgrade", 30_000), Hardware("odd"))


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ("cpu-basic", "cpu-upgrade", 30_000),
        ("cpu-upgrade", "cpu-basic", -30_000),
        (None, "cpu-upgrade", 30_000),
        ("cpu-basic", "odd", None),
        ("gone", "cpu-basic", None),
    ],
)
def test_hardware_tells_how_much_more_an_hour_costs(before: str | None, after: str, more: int | None) -> None:
    wanted = replace(target(), hardware=after)
    changes = plan_settings(wanted, remote(hardware=before), sdk=Sdk.DOCKER, hardware=PRICES)
    assert changes.before == (SetHardware(after, before, more),)


def test_hardware_that_the_hub_does_not_have_is_refused_and_what_is_rented_stays() -> None:
    held = remote(hardware="cpu-upgrade")
    with pytest.raises(SettingInvalid, match="no hardware 'x'") as caught:
        plan_settings(replace(target(), hardware="x"), held, sdk=Sdk.DOCKER, hardware=PRICES)
    assert "cpu-basic, cpu-upgrade" in caught.value.remedy
    same = replace(target(), hardware="cpu-upgrade")
    assert plan_settings(same, held, sdk=Sdk.DOCKER) == SettingChanges()


def test_the_time_to_sleep_is_set_again_where_the_hardware_changes() -> None:
    wanted = replace(target(), hardware="cpu-upgrade", sleep_seconds=60)
    held = remote(hardware="cpu-basic", sleep_seconds=60)
    changes = plan_settings(wanted, held, sdk=Sdk.DOCKER, hardware=PRICES)
    assert changes.before == (SetHardware("cpu-upgrade", "cpu-basic", 30_000), SetSleep(60, 60))
    assert plan(remote(hardware="cpu-basic", sleep_seconds=60), sleep_seconds=60) == SettingChanges()
    assert plan(remote(hardware="cpu-upgrade"), sleep_seconds=-1) == SettingChanges()
    assert plan(remote(hardware="cpu-basic"), sleep_seconds=-1).before == (SetSleep(-1, None),)


def test_variables_are_compared_and_others_stay() -> None:
    held = remote(variables=(Variable("A", "1"), Variable("B", "2"), Variable("C", "3")))
    changes = plan(held, variables=(Variable("A", "1"), Variable("B", "x"), Variable("D", "4")))
    assert changes.before == (SetVariable("B", "x", "2"), SetVariable("D", "4", None))


def test_a_secret_is_sent_again_unless_it_is_known() -> None:
    held = remote(secrets=(HeldSecret("A", "then"), HeldSecret("B", "then"), HeldSecret("C")))
    changes = plan(held, known={"A", "D"}, secrets=("A", "B", "D"))
    assert changes.before == (
        SetSecret("B", replaces=True, updated_at="then"),
        SetSecret("D", replaces=False),
    )


def test_a_name_that_the_other_kind_has_is_refused() -> None:
    with pytest.raises(SettingInvalid, match="has a secret A already"):
        plan(remote(secrets=(HeldSecret("A"),)), variables=(Variable("A", "1"),))
    with pytest.raises(SettingInvalid, match="has a variable A already"):
        plan(remote(variables=(Variable("A", "1"),)), secrets=("A",))


@pytest.mark.parametrize("settings", OF_SPACES[2:5], ids=lambda settings: next(iter(settings)))
def test_a_static_space_runs_on_nothing(settings) -> None:
    with pytest.raises(SettingInvalid, match="runs on nothing"):
        plan_settings(target(**settings), None, sdk=Sdk.STATIC)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "visibility": st.sampled_from(Visibility),
        "gated": st.sampled_from(Gated),
        "hardware": st.sampled_from(["cpu-basic", "cpu-upgrade"]),
        "sleep_seconds": st.sampled_from([-1, 60]),
        "volumes": st.sets(st.sampled_from([VOLUME, replace(VOLUME, mount_path="/x")])).map(tuple),
        "variables": st.dictionaries(st.sampled_from("AB"), st.sampled_from("12")).map(
            lambda values: tuple(Variable(name, value) for name, value in values.items())
        ),
    },
)


def carry_out(changes: SettingChanges, held: Remote) -> Remote:
    """The remote after the changes, as a Hub would have it."""
    for change in (*changes.before, *changes.after):
        match change:
            case SetVariable(name=name, value=value):
                others = tuple(variable for variable in held.variables if variable.name != name)
                held = replace(held, variables=(*others, Variable(name, value)))
            case SetVisibility() | SetGated() | SetHardware() | SetSleep() | SetVolumes():
                field = fields(change)[0].name
                held = replace(held, info=replace(held.info, **{field: getattr(change, field)}))
    return held


@given(SETTINGS, SETTINGS)
def test_the_changes_lead_to_what_was_asked_and_then_to_none(before, after) -> None:
    def settle(held: Remote, asked) -> Remote:
        wanted = replace(target(), **asked)
        changes = plan_settings(wanted, held, sdk=Sdk.DOCKER, hardware=PRICES)
        held = carry_out(changes, held)
        assert plan_settings(wanted, held, sdk=Sdk.DOCKER, hardware=PRICES) == SettingChanges()
        return held

    settle(settle(remote(hardware="cpu-basic"), before), after)


def test_what_is_removed_goes_last_and_what_is_not_there_needs_nothing() -> None:
    held = remote(variables=(Variable("A", "1"), Variable("B", "2")), secrets=(HeldSecret("C", "then"),))
    changes = plan(held, removed_variables=("A", "X"), removed_secrets=("C", "X"))
    assert changes == SettingChanges((), (RemoveVariable("A", "1"), RemoveSecret("C", "then")))
    assert plan_settings(target(removed_variables=("A",)), None, sdk=Sdk.DOCKER) == SettingChanges()


def test_a_name_goes_before_the_other_kind_takes_it() -> None:
    held = remote(variables=(Variable("A", "1"),))
    changes = plan(held, removed_variables=("A",), secrets=("A",))
    assert changes.before == (RemoveVariable("A", "1"), SetSecret("A", replaces=False))


@pytest.mark.parametrize(
    "settings",
    [
        {"variables": (Variable("A", "1"),), "removed_variables": ("A",)},
        {"secrets": ("A",), "removed_secrets": ("A",)},
    ],
)
def test_what_is_set_and_removed_is_refused(settings) -> None:
    with pytest.raises(SettingInvalid, match="to be set and to be removed"):
        check_settings(target(**settings))
