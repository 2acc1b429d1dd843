"""The inputs of the action, read from INPUT_* variables and judged all at once: pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

from hfdeploy.cli.expiring import tell_expiry
from hfdeploy.cli.relaying import make_relay
from hfdeploy_action.errors import InputsInvalid, reword
from hfdeploy_action.event import Event
from hfdeploy_action.identity import REQUEST_URL
from hfdeploy_core import DeployError, Gate, Relay, RepoType, Visibility, parse_probe
from hfdeploy_core.model import RepoRef
from hfdeploy_core.options import Options, read_source, read_target
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.planning.previews import name_preview
from hfdeploy_core.planning.relay import name_relay

_FLAGS = {"true": True, "false": False}
_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A stand-in where the name itself is wrong: the other inputs are judged all the same.
_ANY_REPO = "any/repo"

# What only makes sense for one target, and what it is by default: that cannot be told from what is given.
_OF_ONE_TARGET = (
    *("huggingface_repo", "space_sdk", "private", "create_proxy", "proxy_hf_token", "proxy_target_url"),
    *("commit_message", "mirror", "max_delete", "probe", "rollback", "variables", "secrets"),
    *("include", "exclude", "card"),
)
_DEFAULTS = {
    "repo_type": "space",
    "source_dir": ".",
    "proxy_space_suffix": "-proxy",
    "proxy_allow_origins": "*",
}
_RELAY_TOKEN = "proxy_hf_token"

Value = TypeVar("Value")
Given = ParamSpec("Given")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the step asks for, as core takes it.

    `token` is empty where the job's identity is exchanged for one (`uses_identity`). A fork may have neither:
    `has_credentials`. With a `manifest` that says what to deploy, and only the rest counts.
    `preview` is the id of the preview of `repo`, or of the manifest's targets, that is meant, if one is.
    """

    manifest: str
    profile: str | None
    repo: str
    repo_type: RepoType
    source: str
    options: Options = field(repr=False)
    preview: str | None
    preview_ttl: str
    relay: Relay | None
    gate: Gate | None
    token: str = field(repr=False)
    uses_identity: bool
    has_credentials: bool
    only_plans: bool
    fails_on_fork: bool
    comments: bool


def read_inputs(environment: Mapping[str, str], event: Event) -> Inputs:
    """The inputs, judged: one InputsInvalid names all that is wrong with them."""
    reader = _Reader(environment)
    manifest = reader.read_manifest()
    repo = None if manifest else reader.read_repo()
    repo_type = reader.choose("repo_type", {kind.value: kind for kind in RepoType}) or RepoType.SPACE
    target = reader.find("huggingface_repo") if repo else _ANY_REPO
    is_private = reader.read_flag("private")
    visibility = None if is_private is None else (Visibility.PRIVATE if is_private else Visibility.PUBLIC)
    asked: dict[str, Options] = {
        "space_sdk": {"sdk": reader.find("space_sdk") or None},
        "commit_message": {"message": reader.find("commit_message") or None},
        "variables": {"variables": reader.read_variables()},
        "secrets": {"secrets": reader.read_secrets()},
        "max_delete": {"max_delete": reader.find("max_delete") or None},
        "include": {"include": reader.read_lines("include")},
        "exclude": {"exclude": reader.read_lines("exclude")},
        "card": {"card": reader.find("card") or None},
    }
    options: Options = {"repo_type": repo_type, "visibility": visibility}
    for name, option in asked.items():
        # Each by itself: core stops at the first thing that is wrong.
        given: Options = {"repo_type": repo_type, **option}
        reader.check(name, _check_options, target, given)
        options |= option
    options["mirror"] = reader.read_flag("mirror") or False
    if reader.finds_nothing_wrong:
        # What contradicts each other, but is right by itself.
        reader.check("variables", _check_options, target, options)
    relay = reader.read_relay(repo, repo_type, visibility)
    only_plans = reader.read_flag("plan_only") or False
    preview, preview_ttl = reader.read_preview(repo, repo_type, event, only_plans=only_plans)
    gate = reader.read_gate(repo_type)
    uses_identity = reader.read_flag("oidc") or False
    fails_on_fork = reader.choose("on_fork", {"skip": False, "fail": True}) or False
    comments = reader.read_flag("comment") or False
    token = reader.read_token(repo, event, uses_identity=uses_identity)
    reader.conclude()
    return Inputs(
        manifest=manifest,
        profile=reader.find("profile") or None,
        repo=target,
        repo_type=repo_type,
        source=reader.find("source_dir") or ".",
        options=options,
        preview=preview,
        preview_ttl=preview_ttl,
        relay=relay,
        gate=gate,
        token=token,
        uses_identity=uses_identity,
        has_credentials=bool(environment.get(REQUEST_URL) if uses_identity else token),
        only_plans=only_plans,
        fails_on_fork=fails_on_fork,
        comments=comments,
    )


def _check_options(repo: str, options: Options) -> None:
    """Raise a DeployError where core would refuse them without a look at source and Hub."""
    read_target(repo, options)
    read_source(".", options)


def decide_preview(asked: str, event: Event) -> str | None:
    """The id of the preview that is meant, or None for the repo itself; `auto` goes by the pull request."""
    if asked.lower() != "auto":
        return asked or None
    return None if event.pull_request is None else f"pr-{event.pull_request}"


class _Reader:
    """Reads one input after the other, and keeps what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []

    @property
    def finds_nothing_wrong(self) -> bool:
        return not self._problems

    def find(self, name: str) -> str:
        """The input, blanks around it cut off; what is not given is empty text, as GitHub has it."""
        return self._environment.get(f"INPUT_{name.upper()}", "").strip()

    def complain(self, name: str, problem: str) -> None:
        self._problems.append(f"`{name}`: {problem}")

    def check(
        self, name: str, make: Callable[Given, Value], *given: Given.args, **named: Given.kwargs
    ) -> Value | None:
        """What core makes of it, or None and its complaint."""
        try:
            return make(*given, **named)
        except DeployError as error:
            self.complain(name, " ".join(reword(error)))
            return None

    def conclude(self) -> None:
        """Raise InputsInvalid if anything was wrong."""
        if self._problems:
            number = "One input is" if len(self._problems) == 1 else f"{len(self._problems)} inputs are"
            raise InputsInvalid(
                "\n".join([f"{number} wrong.", *(f"- {problem}" for problem in self._problems)])
            )

    def read_manifest(self) -> str:
        manifest = self.find("manifest")
        if manifest:
            for name in (*_OF_ONE_TARGET, *_DEFAULTS):
                if self.find(name).lower() not in ("", "false", _DEFAULTS.get(name)):
                    self.complain(name, "The manifest says that. Remove it here, or remove `manifest`.")
            if self.find("oidc").lower() == "true":
                self.complain("oidc", "A job's identity opens one repo only. Give `hf_token` in its place.")
        elif self.find("profile"):
            self.complain("profile", "It is one of a manifest's. Name that by `manifest`.")
        return manifest

    def read_repo(self) -> tuple[str | None, str] | None:
        name = self.find("huggingface_repo")
        if not name:
            self.complain(
                "huggingface_repo",
                "It is empty. Write NAMESPACE/NAME, or NAME for the token's own namespace.",
            )
            return None
        return self.check("huggingface_repo", parse_repo_id, name)

    def read_flag(self, name: str) -> bool | None:
        return self.choose(name, _FLAGS)

    def choose(self, name: str, choices: Mapping[str, Value]) -> Value | None:
        text = self.find(name)
        if text and text.lower() not in choices:
            self.complain(name, f"There is no {text!r}. Write {' or '.join(choices)}.")
        return choices.get(text.lower())

    def read_lines(self, name: str) -> list[str]:
        return [line.strip() for line in self.find(name).splitlines() if line.strip()]

    def read_variables(self) -> dict[str, str]:
        variables: dict[str, str] = {}
        for line in self.read_lines("variables"):
            name, equals, value = line.partition("=")
            if not equals:
                self.complain("variables", f"{name} has no value. Write NAME=VALUE, one a line.")
            elif name in variables:
                self.complain("variables", f"{name} is given twice. Keep one of them.")
            variables[name] = value
        return variables

    def read_secrets(self) -> dict[str, str]:
        secrets: dict[str, str] = {}
        for name in self.read_lines("secrets"):
            if not _SECRET_NAME.fullmatch(name):
                # Not repeated: it may be the secret itself.
                self.complain(
                    "secrets", "A line is not the name of an environment variable. Write names, no values."
                )
            elif not self._environment.get(name):
                self.complain("secrets", f"{name} is not set. Set it in this step's or job's `env:`.")
            else:
                secrets[name] = self._environment[name]
        return secrets

    def read_relay(
        self, repo: tuple[str | None, str] | None, repo_type: RepoType, visibility: Visibility | None
    ) -> Relay | None:
        if not self.read_flag("create_proxy"):
            return None
        if repo_type is not RepoType.SPACE:
            self.complain("create_proxy", f"A {repo_type} has no app that a relay could stand in front of.")
            return None
        if visibility is Visibility.PUBLIC:
            problem = "A relay is for private Spaces. Write `private: true`, or remove it."
            self.complain("create_proxy", problem)
        token = self.find("proxy_hf_token")
        suffix = self.find("proxy_space_suffix") or "-proxy"
        namespace, name = repo or (None, "app")
        self.check("proxy_space_suffix", name_relay, RepoRef(repo_type, namespace or "any", name), suffix)
        relay = self.check(
            "create_proxy",
            make_relay,
            {"HF_ENDPOINT": self._environment.get("HF_ENDPOINT", ""), _RELAY_TOKEN: token},
            proxy_suffix=suffix,
            proxy_token_env=_RELAY_TOKEN if token else None,
            proxy_target_url=self.find("proxy_target_url") or None,
            proxy_allow_origins=self.find("proxy_allow_origins") or None,
        )
        if relay is not None:
            self.check("create_proxy", relay.make, _ANY_REPO)
        return relay

    def read_preview(
        self, repo: tuple[str | None, str] | None, repo_type: RepoType, event: Event, *, only_plans: bool
    ) -> tuple[str | None, str]:
        ttl = self.find("preview_ttl") or "3d"
        preview = decide_preview(self.find("preview"), event)
        if preview is not None:
            namespace, name = repo or (None, "app")
            self.check("preview", name_preview, RepoRef(repo_type, namespace or "any", name), preview)
            self.check("preview_ttl", tell_expiry, ttl, datetime.now(UTC))
            if only_plans and not self.find("manifest"):
                self.complain("preview", "What a preview would change cannot be told. Remove `plan_only`.")
        return preview, ttl

    def read_gate(self, repo_type: RepoType) -> Gate | None:
        waits = self.read_flag("wait")
        seconds = self.check_seconds(self.find("wait_seconds"))
        lines = self.read_lines("probe")
        probes = [self.check("probe", parse_probe, line) for line in lines]
        if lines and repo_type is not RepoType.SPACE:
            self.complain("probe", f"A {repo_type} has no app to ask. Remove it.")
        rolls_back = self.read_flag("rollback") or False
        if rolls_back and repo_type is not RepoType.SPACE:
            self.complain("rollback", f"A {repo_type} has nothing to wait for. Remove it.")
        for name, is_asked in (("probe", bool(lines)), ("rollback", rolls_back)):
            if is_asked and waits is False:
                self.complain(name, "Whether an app does well shows once it is live. Remove `wait: false`.")
        if waits is False or repo_type is not RepoType.SPACE:
            return None
        return Gate(seconds, tuple(probe for probe in probes if probe is not None), rolls_back)

    def check_seconds(self, text: str) -> float:
        try:
            seconds = float(text) if text else Gate().wait_seconds
        except ValueError:
            seconds = 0
        if not 0 < seconds < float("inf"):
            self.complain("wait_seconds", f"{text!r} is not a number of seconds. Write 1200, for example.")
        return seconds

    def read_token(self, repo: tuple[str | None, str] | None, event: Event, *, uses_identity: bool) -> str:
        token = self.find("hf_token")
        if uses_identity:
            if token:
                self.complain("oidc", "It takes the place of `hf_token`. Remove one of them.")
            if repo is not None and repo[0] is None:
                self.complain("oidc", "A job's identity has no namespace of its own. Write NAMESPACE/NAME.")
            if not self._environment.get(REQUEST_URL) and not event.is_fork:
                self.complain("oidc", "The job has no identity. Give it `permissions: id-token: write`.")
        elif not token and not event.is_fork:
            self.complain(
                "hf_token",
                "It is empty. Store a token with write access as a secret, and name that here.",
            )
        return token
