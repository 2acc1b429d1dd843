from pathlib import Path

import pytest

from hfdeploy_proxy.settings import CONFIG_VARIABLE, SettingsInvalid, load_settings


def test_every_fault_is_listed(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(
            target_url="ftp://x",
            allow_origins="*",
            allow_credentials=True,
            trusted_hops=-1,
            hf_token="two\nlines",
            auth_mode="none",
        )
    named = sorted(fault.partition(":")[0] for fault in caught.value.faults)
    assert named == ["ALLOW_CREDENTIALS", "AUTH_MODE", "HF_TOKEN", "TARGET_URL", "TRUSTED_HOPS"]
    assert "lines" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "TARGET_SPACE"),
        ({"target_space": "../b"}, "TARGET_SPACE"),
        ({"target_url": "http://a/path"}, "TARGET_URL"),
        ({"target_url": "http://user@a"}, "TARGET_URL"),
        ({"target_url": "http://a:99999"}, "TARGET_URL"),
        ({"target_url": "http://a b"}, "TARGET_URL"),
        ({"target_url": "http://a..b"}, "TARGET_URL"),
        ({"target_url": "http://a", "hf_token": None, "hf_token_file": "/nowhere"}, "HF_TOKEN_FILE"),
        ({"target_url": "http://a", "allow_origins": "https://a.com/"}, "ALLOW_ORIGINS"),
        ({"target_url": "http://a", "allow_origins": "https://a*.com"}, "ALLOW_ORIGINS"),
        ({"target_url": "http://a", "api_keys": "alice:a-key-and-no-hash"}, "API_KEYS"),
        ({"target_url": "http://a", "api_keys": f"a:{'0' * 64},a:{'1' * 64}"}, "API_KEYS"),
        ({"target_url": "http://a", "allow_methods": "get"}, "ALLOW_METHODS"),
        ({"target_url": "http://a", "allow_paths": "/a*"}, "ALLOW_PATHS"),
        ({"target_url": "http://a", "allow_paths": "api/*"}, "ALLOW_PATHS"),
        ({"target_url": "http://a", "rate_limit_per_client": "often"}, "RATE_LIMIT_PER_CLIENT"),
        ({"target_url": "http://a", "rate_limit_per_key": "1/second"}, "RATE_LIMIT_PER_KEY"),
        ({"target_url": "http://a", "rate_limit_storage": "file:///x"}, "RATE_LIMIT_STORAGE"),
        ({"target_url": "http://a", "drain_seconds": "inf"}, "DRAIN_SECONDS"),
        ({"target_url": "http://a", "api_key": "a"}, "API_KEY: .* did you mean API_KEYS?"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, object], fault: str) -> None:
    with pytest.raises(SettingsInvalid, match=fault):
        load_settings(**given)


def test_flags_go_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(
        'target_url = "http://file"\ntrusted_hops = 1\nallow_origins = "https://a.com, https://*.b.com"\n'
    )
    monkeypatch.setenv(CONFIG_VARIABLE, str(file))
    monkeypatch.setenv("TARGET_URL", "http://environment/")
    settings = load_settings()
    assert (settings.target_url, settings.trusted_hops) == ("http://environment", 1)
    assert settings.allow_origins == ("https://a.com", "https://*.b.com")
    assert load_settings(target_url="http://flag").target_url == "http://flag"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("not toml", "relay.toml: cannot be read: "),
        (None, "relay.toml: cannot be read: No such file"),
        (
            'allow_origin = "https://a.com"\nzzz = 1',
            "ALLOW_ORIGIN: .* mean ALLOW_ORIGINS?\n  ZZZ: there is no",
        ),
    ],
)
def test_a_file_that_does_not_say_what_it_means_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, fault: str
) -> None:
    file = tmp_path / "relay.toml"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(CONFIG_VARIABLE, str(file))
    with pytest.raises(SettingsInvalid, match=fault.replace("?", "\\?")):
        load_settings(target_url="http://a")


def test_the_token_does_not_show(canary: str) -> None:
    assert canary not in repr(load_settings(target_url="http://a"))
