"""Everything that can be set: by environment, flag or TOML file. Bad settings are refused at start."""

import os
import re
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hfdeploy_proxy.credentials import AuthMode, is_token
from hfdeploy_proxy.rules.access import ANYONE
from hfdeploy_proxy.rules.guard import parse_key

CONFIG_VARIABLE = "HFDEPLOY_PROXY_CONFIG"
_SPACE = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*", re.ASCII)
_HOST = r"(\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]"
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.\-]*://(?:{_HOST})(?::[0-9]+)?")
_NAME = re.compile(r"[A-Za-z0-9_.\-]+|[0-9A-Fa-f:.]+")
_METHOD = re.compile(r"[A-Z][A-Z_-]*")
_PATH = re.compile(r"/[^*\s]*(/\*)?|/\*")
_STORAGE = re.compile(r"memory://$|rediss?://[^\s]")


class SettingsInvalid(ValueError):
    """The settings make no sense; ``faults`` lists everything that is wrong with them."""

    exit_code = 78

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("The settings are not valid:\n" + "\n".join(f"  {fault}" for fault in faults))


class Configuration(BaseModel):
    """What a relay is to do, wherever it is said."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    hf_endpoint: str = Field("https://huggingface.co", description="The Hub, for TARGET_SPACE.")
    target_url: str | None = Field(None, description="The upstream, such as https://me-app.hf.space.")
    target_space: str | None = Field(
        None,
        description="The upstream's Space, NAMESPACE/NAME; its host is asked of the Hub, unless TARGET_URL "
        "says it.",
        validate_default=True,
    )
    hf_token: SecretStr | None = Field(None, description="The token that opens the upstream.")
    hf_token_file: Path | None = Field(
        None, description="A file that holds the token; read again when it changes.", validate_default=True
    )
    auth_mode: AuthMode = Field(
        "authorization",
        description="The header of the token. With x-hf-authorization the client's own Authorization passes.",
    )
    allow_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins whose pages may use the relay, with commas: https://a.com,https://*.b.com, or "
        "*. Its own pages always may.",
    )
    allow_credentials: bool = Field(
        False, description="Let pages of ALLOW_ORIGINS send cookies.", validate_default=True
    )
    api_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Keys that open the relay, with commas: NAME:SHA256, as `hfdeploy-proxy key NAME` "
        "prints them. Without any, everybody may come in.",
    )
    allow_methods: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Methods that pass, with commas; all without any."
    )
    allow_paths: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Paths that pass, with commas: /health,/api/*; all without any."
    )
    rate_limit_per_client: str = Field(
        "", description="How often an address may ask, such as 10/second;500/hour."
    )
    rate_limit_per_key: str = Field("", description="How often a key of API_KEYS may be used, likewise.")
    rate_limit_storage: SecretStr = Field(
        SecretStr("memory://"),
        description="Where that is counted: memory://, or redis://HOST:PORT for all replicas.",
    )
    max_requests: int = Field(0, ge=0, description="Requests and WebSockets at a time; 0 for no limit.")
    max_body_bytes: int = Field(0, ge=0, description="The longest body of a request; 0 for no limit.")
    max_header_bytes: int = Field(2**16, ge=1024, description="The longest head of a request.")
    header_timeout_seconds: float = Field(
        15.0, gt=0, description="How long a client may take to send the head of a request."
    )
    trusted_hops: int = Field(
        0, ge=0, le=16, description="How many proxies before the relay tell the truth in X-Forwarded-*."
    )
    engine: Literal["http1", "httpx"] = Field(
        "http1", description="What speaks to the upstream: http1 is fast, httpx knows HTTP/2 too."
    )
    websocket_max_bytes: int = Field(
        2**24, ge=1, description="The longest message of a WebSocket; longer ones close it (1009)."
    )
    wait_seconds: float = Field(
        0.0, ge=0, description="How long requests wait for a TARGET_SPACE that does not run yet."
    )
    rewrite_origin: bool = Field(
        False, description="Replace the upstream's origin in HTML, JSON and event streams by the relay's."
    )
    scrub_token: bool = Field(False, description="Mask the token in what the upstream answers.")
    workers: int = Field(1, ge=1, le=256, description="Processes that serve.")
    drain_seconds: float = Field(
        10.0, gt=0, description="How long what is under way may take when the relay is told to stop."
    )
    metrics: bool = Field(True, description="Show what is counted at /_relay/metrics.")
    access_log: bool = Field(False, description="Print a line of JSON for each request.")
    tracing: bool = Field(False, description="Send spans by OpenTelemetry, as OTEL_* variables say.")
    docs: bool = Field(False, description="Show /_relay/docs.")
    max_connections: int = Field(4096, ge=1, description="Connections to the upstream at a time.")
    connect_timeout_seconds: float = Field(5.0, gt=0, description="How long to wait for a connection.")
    pool_timeout_seconds: float = Field(5.0, gt=0, description="How long to wait for a free connection.")
    answer_timeout_seconds: float = Field(600.0, gt=0, description="How long to wait for an answer to begin.")
    idle_timeout_seconds: float = Field(
        6 * 3600.0, gt=0, description="How long an answer that has begun may be silent."
    )

    @field_validator("allow_origins", "api_keys", "allow_methods", "allow_paths", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("allow_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [origin for origin in value if origin != ANYONE and not _ORIGIN.fullmatch(origin)]
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)}: an origin is SCHEME://HOST[:PORT] without a path, https://*.HOST, or *"
            )
        return value

    @field_validator("api_keys")
    @classmethod
    def _check_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = [parse_key(text).name for text in value]
        if len(set(names)) < len(names):
            raise ValueError("two keys have the same name")
        return value

    @field_validator("allow_methods")
    @classmethod
    def _check_methods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [method for method in value if not _METHOD.fullmatch(method)]:
            raise ValueError(f"{', '.join(wrong)}: a method is a word in capitals, such as GET")
        return value

    @field_validator("allow_paths")
    @classmethod
    def _check_paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [path for path in value if not _PATH.fullmatch(path)]:
            raise ValueError(f"{', '.join(wrong)}: a path begins with a slash, and may end with /*")
        return value

    @field_validator("rate_limit_per_client", "rate_limit_per_key")
    @classmethod
    def _check_limits(cls, value: str, info: ValidationInfo) -> str:
        if not value:
            return value
        from hfdeploy_proxy.limiting import parse_limits

        try:
            parse_limits(value)
        except ValueError:
            raise ValueError("a limit is COUNT/UNIT, such as 10/second;500/hour") from None
        if info.field_name == "rate_limit_per_key" and not info.data.get("api_keys", True):
            raise ValueError("there are no keys to limit; set API_KEYS")
        return value

    @field_validator("tracing")
    @classmethod
    def _check_tracing(cls, value: bool) -> bool:
        if value and find_spec("opentelemetry.sdk") is None:
            raise ValueError("needs a package: pip install 'hfdeploy-proxy[otel]'")
        return value

    @field_validator("workers")
    @classmethod
    def _check_workers(cls, value: int) -> int:
        if value > 1 and not hasattr(os, "fork"):
            raise ValueError("this system has one worker only")
        return value

    @field_validator("rate_limit_storage")
    @classmethod
    def _check_storage(cls, value: SecretStr) -> SecretStr:
        if not _STORAGE.match(value.get_secret_value()):
            raise ValueError("a storage is memory:// or redis://HOST:PORT; a Valkey is a redis://, too")
        if value.get_secret_value().startswith("redis") and find_spec("redis") is None:
            raise ValueError("needs a package: pip install 'hfdeploy-proxy[redis]'")
        return value

    @field_validator("hf_endpoint", "target_url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            host = (parts.hostname or "").encode("idna").decode()  # refuses labels that are empty or too long
            named = value.isascii() and _NAME.fullmatch(host)
            sound = named and parts.scheme in ("http", "https") and parts.port != 0
        except ValueError:
            sound = False
        if not sound or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(
                "an address is http://HOST[:PORT] or https://HOST[:PORT], without path, query or user"
            )
        return value.rstrip("/")

    @field_validator("target_space")
    @classmethod
    def _check_space(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not _SPACE.fullmatch(value):
            raise ValueError("a Space is NAMESPACE/NAME")
        if value is None and "target_url" in info.data and info.data["target_url"] is None:
            raise ValueError("set TARGET_SPACE, or TARGET_URL")
        return value

    @field_validator("hf_token")
    @classmethod
    def _check_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_token(value.get_secret_value()):
            raise ValueError("a token has letters, digits and -._~+/ only, and no line break")
        return value

    @field_validator("hf_token_file")
    @classmethod
    def _check_token_file(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("hf_token") is not None:
            raise ValueError("set one of HF_TOKEN and HF_TOKEN_FILE")
        if value is not None and not os.access(value, os.R_OK):
            raise ValueError("there is no such file, or it cannot be read")
        return value

    @field_validator("allow_credentials")
    @classmethod
    def _check_credentials(cls, value: bool, info: ValidationInfo) -> bool:
        if value and ANYONE in info.data.get("allow_origins", ()):
            raise ValueError(
                "cookies for the pages of everyone (*) would let anyone act as your users; name the origins"
            )
        return value


class Settings(Configuration, BaseSettings):
    """The same, from where relays look: each field is an environment variable of its name in capitals."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_ignore_empty=True, hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before the environment, the environment before the file."""
        file = os.environ.get(CONFIG_VARIABLE)
        toml = (TomlConfigSettingsSource(settings_cls, Path(file)),) if file else ()
        return init_settings, env_settings, *toml


def load_settings(**given: Any) -> Settings:
    """The settings of flags (``given``), environment and file. Raises SettingsInvalid with every fault."""
    try:
        if file := os.environ.get(CONFIG_VARIABLE):
            Path(file).read_bytes()  # one that is not there would be no source, and no fault
        return Settings(**given)
    except ValidationError as error:
        raise _invalid(error) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsInvalid((f"{os.environ.get(CONFIG_VARIABLE)}: cannot be read: {reason}",)) from None


def check_settings(**given: Any) -> Configuration:
    """The settings that are given and no others. Raises SettingsInvalid with every fault."""
    try:
        return Configuration(**given)
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> SettingsInvalid:
    return SettingsInvalid(tuple(_tell(fault) for fault in error.errors()))


def _tell(fault: Any) -> str:
    name = ".".join(str(part) for part in fault["loc"]).upper()
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(name.lower(), Configuration.model_fields, 1)
        return f"{name}: there is no such setting" + (f"; did you mean {near[0].upper()}?" if near else "")
    return f"{name}: {fault['msg'].removeprefix('Value error, ')}"
