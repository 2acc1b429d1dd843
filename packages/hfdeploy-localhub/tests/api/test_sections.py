"""Which paths belong to which section."""

import re
import subprocess
import sys

import pytest
from fastapi.routing import APIRoute

from hfdeploy_localhub.api.sections import SECTIONS, find_section

WORDS = {"types": "datasets", "namespace": "alice", "name": "data", "revision": "refs%2Fpr%2F1", "path": "a"}


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "unknown"])
def test_every_route_lies_in_the_section_that_loads_it(name: str) -> None:
    section = SECTIONS[name]
    loaded = [route for router in section.load() for route in router.routes if isinstance(route, APIRoute)]
    own = [route for route in loaded if route.endpoint.__module__.endswith(f".{name}")]
    assert own
    for route in own:
        path = re.sub(r"{(\w+)(?::path)?}", lambda match: WORDS.get(match[1], "x"), route.path)
        assert find_section(path) is section, path


@pytest.mark.parametrize(
    "path", ["/", "/alice", "/alice/model", "/alice/model/blob/main/raw/x", "/alice/m/tree/main/resolve/x"]
)
def test_pages_are_no_section_of_the_api(path: str) -> None:
    assert find_section(path) is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/models/alice/model/nothing", "repos"),
        ("/api/buckets/alice/b/tree", "buckets"),
        ("/api/collections/alice/c/items", "collections"),
        ("/api/models/alice/commits", "repos"),
        ("/datasets/alice/data.git/info/refs", "git"),
        ("/datasets/alice/data.git/info/lfs/objects/batch", "lfs"),
        ("/models/alice/model/resolve/main/x", "files"),
        ("/no-namespace/resolve/main/x", "unknown"),
        ("/v1/telemetry", "unknown"),
    ],
)
def test_what_is_more_special_goes_first(path: str, name: str) -> None:
    found = find_section(path)
    assert found is not None
    assert found.module == name


def test_a_hub_starts_without_any_of_them() -> None:
    code = (
        "import sys, hfdeploy_localhub.cli; "
        "sys.exit(' '.join({'yaml', 'jinja2', 'pathspec', 'hfdeploy_localhub.api.repos'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr.strip() == ""
