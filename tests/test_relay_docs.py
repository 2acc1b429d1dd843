"""What docs/deploy says of the relay is so: settings that exist, one lock, one image."""

import re
from typing import Any

import yaml

from hfdeploy_proxy.settings import Settings, load_settings
from hfdeploy_proxy.space import plan_space

from .conftest import ROOT

FOLDER = ROOT / "docs" / "deploy"
MANIFESTS: dict[tuple[str, str], Any] = {
    (found["kind"], found["metadata"]["name"]): found
    for found in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
}


def test_the_settings_of_the_manifests_are_the_relays() -> None:
    said = MANIFESTS["ConfigMap", "relay"]["data"]
    given = {name.lower(): value for name, value in said.items() if name != "HF_TOKEN_FILE"}
    assert given.keys() <= Settings.model_fields.keys()
    settings = load_settings(**given)
    pod = MANIFESTS["Deployment", "relay"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > settings.drain_seconds + pause
    redis = MANIFESTS["Service", "relay-redis"]["spec"]["ports"][0]["port"]
    assert settings.rate_limit_storage.get_secret_value() == f"redis://relay-redis:{redis}"
    (mount,) = (each for each in container["volumeMounts"] if each["name"] == "token")
    assert said["HF_TOKEN_FILE"] == f"{mount['mountPath']}/token"
    assert {container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")} == {
        "/_relay/healthz",
        "/_relay/readyz",
    }


def test_the_image_is_the_spaces() -> None:
    ours, spaces = (FOLDER / "Dockerfile").read_text(), plan_space("me/app").files["Dockerfile"].decode()
    assert re.findall(r"^FROM .*", ours, re.MULTILINE) == re.findall(r"^FROM .*", spaces, re.MULTILINE)
    for source in re.findall(r"^COPY (\S+) ", ours, re.MULTILINE):
        assert (ROOT / source).exists()
    ports = re.findall(r"^EXPOSE (\d+)", ours, re.MULTILINE)
    (container,) = MANIFESTS["Deployment", "relay"]["spec"]["template"]["spec"]["containers"]
    assert ports == [str(port["containerPort"]) for port in container["ports"]]
