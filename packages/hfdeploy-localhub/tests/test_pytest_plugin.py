import re

import pytest

pytest_plugins = ["pytester"]

ISOLATED = """
import httpx
import pytest

def headers(hub):
    return {"Authorization": f"Bearer {hub.token}"}

seen = []

@pytest.mark.parametrize("number", range(4))
def test_alone(localhub, number):
    assert httpx.get(f"{localhub.endpoint}/api/models").json() == []
    assert [entry.status for entry in localhub.requests] == [200]
    assert not localhub.faults
    assert list(localhub.tokens) == ["local"]
    for endpoint, token in seen:
        assert (endpoint, token) != (localhub.endpoint, localhub.token)
        with pytest.raises(httpx.ConnectError):
            httpx.get(endpoint)
        answer = httpx.get(f"{localhub.endpoint}/api/whoami-v2", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    seen.append((localhub.endpoint, localhub.token))
    url = f"{localhub.endpoint}/api/repos/create"
    assert httpx.post(url, json={"name": "m"}, headers=headers(localhub)).is_success
    localhub.add_user(f"user{number}")
    localhub.faults.add("* ** status=500")
"""

SPACES = """
import time
import httpx

def test_a_space_runs(localhub):
    headers = {"Authorization": f"Bearer {localhub.token}"}
    body = {"name": "s", "type": "space", "sdk": "static"}
    httpx.post(f"{localhub.endpoint}/api/repos/create", json=body, headers=headers).raise_for_status()
    told = httpx.get(f"{localhub.endpoint}/api/spaces/local/s").json()
    with open("host", "w") as file:
        file.write(told["host"])
    assert httpx.get(told["host"]).status_code < 600

def test_it_is_gone(localhub):
    import pytest
    with pytest.raises(httpx.ConnectError):
        httpx.get(open("host").read())
"""

UNUSED = """
import sys

def test_nothing():
    assert "hfdeploy_localhub.serving" not in sys.modules
"""

QUICK = """
import pytest

@pytest.mark.parametrize("number", range(50))
def test_quick(localhub, number):
    pass
"""


def test_each_test_has_a_hub_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ISOLATED)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)


def test_workers_do_not_meet(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ISOLATED)
    pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider").assert_outcomes(passed=4)


def test_spaces_end_with_their_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SPACES)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_runs_without_a_hub_do_not_import_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNUSED)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_hub_costs_milliseconds(pytester: pytest.Pytester) -> None:
    """It takes about 5; 30 leave room for a busy machine."""
    pytester.makepyfile(QUICK)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--durations=0", "-vv")
    done.assert_outcomes(passed=50)
    phases = [float(found) for found in re.findall(r"^([\d.]+)s (?:setup|teardown)", done.stdout.str(), re.M)]
    assert len(phases) >= 50
    assert sorted(phases)[len(phases) // 2] < 0.03
