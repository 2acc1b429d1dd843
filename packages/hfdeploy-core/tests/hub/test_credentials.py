import os
import subprocess
import sys

import huggingface_hub
import pytest

from hfdeploy_core.hub.credentials import find_endpoint, find_token


def test_the_environment_decides_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9/")
    assert find_endpoint() == "http://127.0.0.1:9"
    code = (
        "import sys; from hfdeploy_core.hub.credentials import *; find_endpoint(); find_token();"
        "print('huggingface_hub' in sys.modules)"
    )
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "some-token"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_a_token_is_cleaned_and_the_older_name_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", " some-token\r\n")
    assert find_token() == "some-token"
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "older-token")
    assert find_token() == "older-token"


@pytest.mark.parametrize("name", ["HF_OIDC_RESOURCE", "COLAB_RELEASE_TAG", "HUGGINGFACE_CO_STAGING"])
def test_where_there_is_more_to_know_the_library_is_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "spaces/alice/app")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "exchanged-token")
    assert find_token() == "exchanged-token"
