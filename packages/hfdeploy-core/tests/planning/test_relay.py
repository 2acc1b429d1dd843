import pytest

from hfdeploy_core.errors import NameTaken, RepoNameInvalid, SettingInvalid
from hfdeploy_core.model import (
    Account,
    Marker,
    Remote,
    RemoteFile,
    RepoInfo,
    RepoRef,
    RepoType,
    Target,
    Variable,
    Visibility,
)
from hfdeploy_core.planning.relay import (
    check_marked,
    check_relayed,
    may_write,
    name_relay,
    plan_relay,
)

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
RELAY = RepoRef(RepoType.SPACE, "alice", "app-proxy")
MARKER = Marker("RELAY_OF", "alice/app", "relay.json")


def info(visibility: Visibility) -> RepoInfo:
    return RepoInfo(SPACE, "", "a" * 40, visibility)


def remote(told: str | None, *paths: str) -> Remote:
    variables = () if told is None else (Variable("RELAY_OF", told),)
    files = tuple(RemoteFile(path, 1, "b" * 40) for path in paths)
    return Remote(RepoInfo(RELAY, "", "a" * 40, Visibility.PUBLIC), files, variables=variables)


def test_the_relay_is_named_after_its_space() -> None:
    assert name_relay(SPACE, "-proxy") == RELAY


@pytest.mark.parametrize(
    ("suffix", "says"),
    [("", "a name of its own"), ("-", "not a repo id"), ("/x", "more than one"), ("-" + "x" * 90, "longer")],
)
def test_a_suffix_that_makes_no_name(suffix: str, says: str) -> None:
    with pytest.raises(RepoNameInvalid, match=says) as caught:
        name_relay(SPACE, suffix)
    assert "--proxy-suffix" in caught.value.remedy


@pytest.mark.parametrize(
    ("asked", "held", "says"),
    [
        (Visibility.PUBLIC, None, "is public"),
        (None, Visibility.PUBLIC, "is public"),
        (Visibility.PROTECTED, Visibility.PRIVATE, "is protected"),
        (None, None, "Nothing says"),
        (Visibility.PRIVATE, Visibility.PUBLIC, None),
        (None, Visibility.PRIVATE, None),
    ],
)
def test_only_what_is_private_needs_a_relay(
    asked: Visibility | None, held: Visibility | None, says: str | None
) -> None:
    target = Target(SPACE, "t", visibility=asked)
    there = info(held) if held else None
    if says is None:
        check_relayed(target, there)
        return
    with pytest.raises(SettingInvalid, match=says):
        check_relayed(target, there)


@pytest.mark.parametrize("kind", [RepoType.MODEL, RepoType.DATASET])
def test_what_has_no_app_has_no_relay(kind: RepoType) -> None:
    target = Target(RepoRef(kind, "alice", "app"), "t", visibility=Visibility.PRIVATE)
    with pytest.raises(SettingInvalid, match="no app"):
        check_relayed(target, None)


def test_the_relay_gets_the_address_that_the_hub_tells_or_will_tell() -> None:
    known = plan_relay(RELAY, SPACE, "https://x", variables={"A": "1"}, marker=MARKER, title="t")
    assert known.upstream is None
    assert known.variables == (
        Variable("A", "1"),
        Variable("RELAY_OF", "alice/app"),
        Variable("TARGET_URL", "https://x"),
    )
    assert (known.visibility, known.secrets, known.marker) == (Visibility.PUBLIC, ("HF_TOKEN",), MARKER)
    later = plan_relay(RELAY, SPACE, None, variables={}, marker=MARKER, title="t")
    assert (later.upstream, later.variables) == (SPACE, (Variable("RELAY_OF", "alice/app"),))


@pytest.mark.parametrize(
    ("found", "is_fresh", "owner", "says"),
    [
        (remote(None), True, None, "not made by hfdeploy"),
        (remote(None, "relay.json"), False, None, "not made by hfdeploy"),
        (remote("alice/app", "index.html"), False, None, "not made by hfdeploy"),
        (remote("alice/other", "relay.json"), False, None, "belongs to alice/other"),
        (remote("alice/other", "relay.json"), False, RELAY, "belongs to alice/other"),
        (remote("alice/old", "relay.json"), False, SPACE, None),
        (remote("alice/app", "relay.json"), False, None, None),
        (remote("alice/app", "README.md"), True, None, None),
    ],
)
def test_ours_is_what_carries_both_marks(
    found: Remote, is_fresh: bool, owner: RepoRef | None, says: str | None
) -> None:
    if says is None:
        check_marked(MARKER, found, is_fresh=is_fresh, owner=owner)
        return
    with pytest.raises(NameTaken, match=says):
        check_marked(MARKER, found, is_fresh=is_fresh, owner=owner)


@pytest.mark.parametrize(
    ("role", "permissions", "expected"),
    [
        ("write", (), True),
        ("read", (), False),
        (None, (), True),
        ("fineGrained", (), True),
        ("fineGrained", ("repo.content.read",), False),
        ("fineGrained", ("repo.content.read", "repo.write"), True),
        ("fineGrained", ("inference.endpoints.write",), True),
    ],
)
def test_who_may_write(role: str | None, permissions: tuple[str, ...], expected: bool) -> None:
    assert may_write(Account("alice", role, permissions=permissions)) is expected
