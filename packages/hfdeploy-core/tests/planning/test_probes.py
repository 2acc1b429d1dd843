import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.planning.probes import Probe, find_fault, parse_probe
from hfdeploy_core.space import AppReply

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("/", Probe("/")),
        (" /health ", Probe("/health")),
        ("/health=200", Probe("/health", 200)),
        ("/gone=404", Probe("/gone", 404)),
        ("/find?q=200", Probe("/find?q", 200)),
        ("/find?q=a", Probe("/find?q=a")),
        ("/find?q=a=204", Probe("/find?q=a", 204)),
        ("/health text=all is well", Probe("/health", text="all is well")),
        ('/s=200 json={"ok": true}', Probe("/s", 200, fields={"ok": True})),
        ("ws:/socket", Probe("/socket", is_websocket=True)),
    ],
)
def test_probes_are_written_shortly(text: str, probe: Probe) -> None:
    assert parse_probe(text) == probe


@pytest.mark.parametrize(
    "text",
    ["", "health", "http://x/", "/a b", "/a text=", "/a json={", "/a html=x", "ws:/a=200", "ws:/a text=b"],
)
def test_what_is_no_probe_says_how_to_write_one(text: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        parse_probe(text)
    assert "--probe /health=200" in caught.value.remedy


@pytest.mark.parametrize(
    ("probe", "reply", "fault"),
    [
        ("/", AppReply(204), None),
        ("/", AppReply(302), "/ answered 302"),
        ("/=302", AppReply(302), None),
        ("/=200", AppReply(503), "/ answered 503, not 200"),
        ("/ text=ok", AppReply(200, "it is ok"), None),
        ("/ text=ok", AppReply(200, "no\n way"), "/ answered without 'ok': 'no way'"),
        ('/ json={"a":{"b":1}}', AppReply(200, '{"a": {"b": 1, "c": 2}, "d": 3}'), None),
        ('/ json={"a":1}', AppReply(200, '{"a": 2}'), """/ answered without {"a": 1}: '{"a": 2}'"""),
        ('/ json={"a":1}', AppReply(200, "<html>"), """/ answered without {"a": 1}: '<html>'"""),
        ("ws:/s", AppReply(101), None),
        ("ws:/s", AppReply(200), "/s answered 200, not a WebSocket"),
    ],
)
def test_an_answer_will_do_or_the_fault_is_told(probe: str, reply: AppReply, fault: str | None) -> None:
    assert find_fault(parse_probe(probe), reply) == fault


def test_a_long_answer_is_cut() -> None:
    fault = find_fault(Probe("/", text="x"), AppReply(200, "y" * 10_000))
    assert fault is not None
    assert len(fault) < 300


@given(json_values)
def test_every_value_holds_itself(value: object) -> None:
    import json

    assert find_fault(Probe("/", fields=value), AppReply(200, json.dumps(value))) is None
