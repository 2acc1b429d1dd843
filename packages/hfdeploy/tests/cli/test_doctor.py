import json

from hfdeploy_core.model import Account


def test_a_line_for_each_finding(run) -> None:
    done = run("doctor", "alice/app")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok       versions    hfdeploy-core ")
    assert lines[1] == "ok       network     https://hub.test answers in 50 ms"
    assert lines[-1].startswith("ok       rights      may create space alice/app")


def test_the_exit_code_is_that_of_the_first_error(run, hub) -> None:
    hub.account = Account("alice", "read")
    done = run("doctor", "alice/app", "--json")
    assert done.exit_code == 32
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last["level"], last["subject"]) == ("finding", "error", "rights")
