"""Every error of a manifest, with its line and column."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from hfdeploy_core.errors import ManifestInvalid
from hfdeploy_core.manifest.building import build_manifest
from hfdeploy_core.manifest.reading import read_yaml
from hfdeploy_core.manifest.spec import SpaceFile
from hfdeploy_core.manifest.validating import write_schema
from hfdeploy_core.options import Options

ROOT = Path(__file__).parents[4]
HEAD = "version: 1\ntargets:\n"
MODEL = HEAD + "  m:\n    type: model\n    repo: alice/m\n    source: ./m\n"
SPACE = HEAD + "  app:\n    type: space\n    repo: alice/app\n    source: ./app\n"


def check(text: str) -> str:
    with pytest.raises(ManifestInvalid) as caught:
        build_manifest(read_yaml(text, "f"))
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("targets: {}", "f:1:1: 'version' is missing."),
        ("version: 2\ntargets: {}", "f:1:10: 'version' cannot be 2; there are 1."),
        ("version: 1", "f:1:1: 'targets' is missing."),
        ("version: 1\ntargets: []", "f:2:10: 'targets' must be a mapping."),
        (
            "version: 1\ntarget: {}\ntargets: {}",
            "f:2:1: there is no key 'target' here; did you mean 'targets'?",
        ),
        (
            "version: 1\ntargets: {a b: {type: model, repo: x, source: y}}",
            "f:2:11: 'a b' is no name: use letters, digits, '-' and '_', a letter first.",
        ),
        (
            HEAD + "  m: {repo: a, source: b}",
            "f:3:3: 'type' is missing; there are dataset, model, relay, space.",
        ),
        (
            HEAD + "  m: {type: modl, repo: a, source: b}",
            "f:3:13: there is no type 'modl'; did you mean 'model'?",
        ),
        (
            HEAD + "  m: {type: [], repo: a, source: b}",
            "f:3:13: there is no type '[]'; there are dataset, model, relay, space.",
        ),
        (HEAD + "  m: 3", "f:3:6: 'm' must be a mapping."),
        (HEAD + "  m: {type: model, repo: alice/m}", "f:3:3: 'source' is missing."),
        (MODEL + "    sorce: ./m\n", "f:7:5: there is no key 'sorce' here; did you mean 'source'?"),
        (MODEL + "    hardware: t4-small\n", "f:7:5: a model has no 'hardware'."),
        (
            MODEL + "    steps: {before: [{command: x}]}\n",
            "f:7:22: 'type' is missing; there are archive, http, notify, python, run.",
        ),
        (
            SPACE + "    hardwere: t4-small\n",
            "f:7:5: there is no key 'hardwere' here; did you mean 'hardware'?",
        ),
        (
            SPACE + "    Hardware: t4-small\n",
            "f:7:5: there is no key 'Hardware' here; did you mean 'hardware'?",
        ),
        # Not 'gated': it is as much like many others.
        (MODEL + "    private: true\n", "f:7:5: there is no key 'private' here."),
        (
            SPACE + "    gate: {wait_second: 3}\n",
            "f:7:12: there is no key 'wait_second' here; did you mean 'wait_seconds'?",
        ),
        (
            SPACE + "    gate: {wait_seconds: 0}\n",
            "f:7:26: 'wait_seconds' is wrong: input should be greater than 0.",
        ),
        (SPACE + "    gate: {probes: [3]}\n", "f:7:21: 0 must be a text: put it in quotes."),
        (SPACE + "    gate: {probes: [health]}\n", "f:7:11: app: 'health' is no probe."),
        (
            MODEL + "    visibility: privat\n",
            "f:7:17: 'visibility' cannot be 'privat'; did you mean 'private'?",
        ),
        (
            MODEL + "    exclude: ['!a']\n",
            "f:7:14: m: --exclude '!a' begins with '!', which takes away from other patterns.",
        ),
        (MODEL + "    visibility: protected\n", "f:7:17: m: A model cannot be protected, only a Space can."),
        (MODEL + "    mirror: maybe\n", "f:7:13: 'mirror' must be true or false."),
        (MODEL + "    message: ''\n", "f:7:14: 'message' is empty."),
        (SPACE + "    variables: {VERSION: 1.10}\n", "f:7:26: 'VERSION' must be a text: put it in quotes."),
        (SPACE + "    variables: {A: [x]}\n", "f:7:20: 'A' must be a text."),
        (SPACE + "    sleep_seconds: soon\n", "f:7:20: 'sleep_seconds' must be a whole number."),
        (SPACE + "    volumes: nowhere\n", "f:7:14: 'volumes' must be a list."),
        (
            HEAD + "  m: {type: model, repo: a/b/c, source: b}",
            "f:3:26: m: 'a/b/c' is not a repo id: it has more than one '/'.",
        ),
        (
            SPACE + "    variables: {A: b}\n    secrets: {A: '${env:A}'}\n",
            "f:3:3: app: A is asked for twice.",
        ),
        (
            MODEL + "state: {repo: a/b/c}\n",
            "f:7:15: 'a/b/c' is not a repo id: it has more than one '/'.",
        ),
        (MODEL + "    depends_on: [n]\n", "f:7:18: there is no target 'n'."),
        (MODEL + "    depends_on: [m]\n", "f:7:18: these need each other: m -> m."),
        (
            SPACE + "    secrets: {KEY: abc}\n",
            "f:7:20: a secret is never written down here; use '${env:KEY}'.",
        ),
        (SPACE + "    variables: {A: '${env:}'}\n", "f:7:20: '${env:}' names nothing."),
        (
            SPACE + "    variables: {A: '${env'}\n",
            "f:7:20: '${' has no '}' after it; write '$${' for one that means itself.",
        ),
        (SPACE + "    variables: {A: '${evn:B}'}\n", "f:7:20: '${evn:B}' means nothing; did you mean 'env'?"),
        (SPACE + "    variables: {A: '${git.sah}'}\n", "f:7:20: git has no 'sah'; did you mean 'sha'?"),
        (
            SPACE + "    variables: {A: '${targets.app}'}\n",
            "f:7:20: '${targets.app}' is not '${targets.NAME.FACT}'.",
        ),
        (SPACE + "    variables: {A: '${targets.ap.host}'}\n", "f:7:20: there is no target 'ap'."),
        (
            SPACE + "    variables: {A: '${targets.app.hots}'}\n",
            "f:7:20: a target has no 'hots'; did you mean 'host'?",
        ),
        (SPACE + "    variables: {A: '${targets.app.host}'}\n", "f:7:20: these need each other: app -> app."),
        (
            SPACE + "    variables: {A: '${cmd:date}'}\n",
            "f:7:20: ${cmd:date} runs a command; say `allow_commands: true` to allow that.",
        ),
        (
            HEAD + "  m: {type: model, repo: '${targets.m.repo_id}', source: b}",
            "f:3:26: 'repo' cannot depend on another target: ${targets.m.repo_id}.",
        ),
        (
            MODEL + "profiles: {staging: {target: {}}}",
            "f:7:22: there is no key 'target' here; did you mean 'targets'?",
        ),
        (
            MODEL + "profiles: {staging: {targets: {m: {rpo: x}}}}",
            "f:7:36: there is no key 'rpo' here; did you mean 'repo'?",
        ),
        (
            MODEL + "defaults: {hardwar: x}",
            "f:7:12: there is no key 'hardwar' here; did you mean 'hardware'?",
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_column_and_what_was_meant(text: str, told: str) -> None:
    assert check(text) == told


def test_everything_that_is_wrong_is_told_in_the_order_of_the_file() -> None:
    text = MODEL.replace("repo", "rpo") + "    sorce: x\nversoin: 1\n"
    assert [line.partition(" ")[0] for line in check(text).splitlines()] == [
        "f:3:3:",
        "f:5:5:",
        "f:7:5:",
        "f:8:1:",
    ]


def test_a_circle_is_told_along_its_arrows() -> None:
    line = "  {}: {{type: model, repo: alice/{}, source: x, depends_on: [{}]}}\n"
    text = HEAD + line.format("a", "a", "b") + line.format("b", "b", "c") + line.format("c", "c", "a")
    told = check(text).partition("each other: ")[2].rstrip(".").split(" -> ")
    assert told[0] == told[-1]
    assert set(pairwise(told)) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_no_fault_holds_a_token() -> None:
    assert "hf_" not in check(SPACE + "    visibility: hf_abcdefghijklmnop\n")


def test_the_schema_in_the_docs_is_this_one() -> None:
    assert json.loads((ROOT / "docs/hfdeploy.schema.json").read_text()) == write_schema()


def test_whatever_a_deploy_can_be_asked_for_can_be_written_down() -> None:
    # Marker and tags are a preview's.
    assert Options.__annotations__.keys() - {"repo_type", "marker", "tags"} <= SpaceFile.model_fields.keys()


RELAY = SPACE + "  relay: {type: relay, upstream: %s}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (RELAY % "ap", "f:7:34: there is no target 'ap'; did you mean 'app'?"),
        (
            RELAY % "app" + "  r: {type: relay, upstream: app}\n",
            "f:8:30: 'relay' stands in front of 'app' already.",
        ),
        (RELAY % "app, sufix: x", "f:7:39: there is no key 'sufix' here; did you mean 'suffix'?"),
        (
            MODEL + "  r: {type: relay, upstream: m}\n",
            "f:7:30: a relay stands in front of a space, and 'm' is a model.",
        ),
        (MODEL + "    upstream: m\n", "f:7:5: a model has no 'upstream'."),
        (RELAY % "relay", "f:7:34: these need each other: relay -> relay."),
        (
            SPACE + "  r: {type: relay, upstream: app, allow_origins: '${targets.b.space_url}'}\n"
            "  b: {type: space, repo: b, source: b, depends_on: [app]}\n",
            "f:7:50: these need each other: app -> b -> app.",
        ),
    ],
)
def test_a_relay_stands_in_front_of_one_space(text: str, told: str) -> None:
    assert check(text) == told


def test_a_step_of_the_run_cannot_refer_to_an_unknown_target_either() -> None:
    step = "steps: {after: [{type: http, url: 'https://${targets.n.host}'}]}\n"
    assert check(MODEL + step) == "f:7:35: there is no target 'n'; there are m."
