import re
import time
from pathlib import Path

import httpx
import pytest

from hfdeploy_localhub import LocalHub, Organisation, Reach, Token, User
from hfdeploy_localhub.seed import Seed, add_users, find_seed, read_seed

SEED = """
organisations:
  - {name: acme, full_name: Acme Inc., default_visibility: private}
users:
  - name: alice
    full_name: Alice A.
    token: hf_alices
    organisations: {acme: contributor}
    tokens:
      - {token: hf_reads, role: read, name: ci}
      - token: hf_fine
        role: fineGrained
        scopes: [{entity: model, name: alice/m, permissions: [repo.write]}]
"""


def get(hub: LocalHub, path: str, token: str) -> httpx.Response:
    return httpx.get(f"{hub.endpoint}{path}", headers={"Authorization": f"Bearer {token}"})


def create(hub: LocalHub, token: str, **body: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{hub.endpoint}/api/repos/create", json=body, headers=headers)


def test_a_seed_file_says_who_is_there(tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    path.write_text(SEED)
    seed = read_seed(path)
    with LocalHub(tmp_path / "hub", users=seed.users, organisations=seed.organisations) as hub:
        told = get(hub, "/api/whoami-v2", "hf_alices").json()
        assert (told["fullname"], told["orgs"][0]["fullname"]) == ("Alice A.", "Acme Inc.")
        assert told["orgs"][0]["roleInOrg"] == "contributor"
        assert get(hub, "/api/whoami-v2", "hf_reads").json()["auth"]["accessToken"]["role"] == "read"
        fine = get(hub, "/api/whoami-v2", "hf_fine").json()["auth"]["accessToken"]
        assert fine["fineGrained"]["scoped"][0]["permissions"] == ["repo.write"]
        assert create(hub, "hf_reads", name="m").status_code == 403
        assert create(hub, "hf_fine", name="m").status_code == 403
        assert create(hub, "hf_alices", name="m").status_code == 200
        assert create(hub, "hf_alices", name="m", organization="acme").status_code == 200
        assert get(hub, "/api/models/acme/m", "hf_alices").json()["private"] is True
        assert get(hub, "/api/models/alice/m", "hf_alices").json()["private"] is False
        assert get(hub, "/api/models/acme/m", "hf_fine").status_code == 404


def test_a_token_expires(tmp_path: Path) -> None:
    users = [User("alice", tokens=[Token("hf_short", lifetime_seconds=0.3)])]
    with LocalHub(tmp_path, users=users) as hub:
        assert get(hub, "/api/whoami-v2", "hf_short").status_code == 200
        time.sleep(0.35)
        assert get(hub, "/api/whoami-v2", "hf_short").status_code == 401
        assert get(hub, "/api/whoami-v2", hub.token).status_code == 200


def test_a_restart_brings_the_rest_up_to_the_seed(tmp_path: Path) -> None:
    with LocalHub(tmp_path, users=[User("alice", "hf_a", ["acme"])]) as hub:
        assert get(hub, "/api/whoami-v2", "hf_a").json()["orgs"][0]["roleInOrg"] == "admin"
    users = [User("alice", "hf_a", {"acme": "read"}, full_name="Alice")]
    with LocalHub(tmp_path, users=users, organisations=[Organisation("acme", "Acme")]) as hub:
        told = get(hub, "/api/whoami-v2", "hf_a").json()
        assert (told["fullname"], told["orgs"][0]["roleInOrg"], told["orgs"][0]["fullname"]) == (
            "Alice",
            "read",
            "Acme",
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("users: [", "not YAML in line 1: expected the node content"),
        ("users:\n - {name: a, token: hf_secret", "not YAML in line 2"),
        ("users: [{name: a, token: hf_secret\0}]", "not YAML: no text"),
        ("users: [{name: a, tokn: hf_secret}]", "tokn"),
        ("users: [{name: a, organisations: {b: boss}}]", r"users.0.organisations.b: Input should be 'read'"),
        ("- a", "dictionary"),
    ],
)
def test_a_wrong_seed_is_told_without_its_tokens(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "seed.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        read_seed(path)
    assert "hf_secret" not in str(caught.value)


def test_a_token_is_one_users(tmp_path: Path) -> None:
    for users in (
        [User("a", "hf_x"), User("b", "hf_x")],
        [User("a", "hf_x", tokens=[Token("hf_x", "read")])],
    ):
        with pytest.raises(ValueError, match="A token of 'a' is there again"):
            LocalHub(tmp_path, users=users)
    with LocalHub(tmp_path) as hub:  # the folder is free again
        assert get(hub, "/api/whoami-v2", hub.token).status_code == 200


def test_an_empty_seed_is_a_seed(tmp_path: Path) -> None:
    (tmp_path / "seed.yaml").touch()
    assert read_seed(tmp_path / "seed.yaml") == Seed()


def test_secrets_stay_out_of_the_repr() -> None:
    user = User("alice", "hf_a", tokens=[Token("hf_b", scopes=[Reach("user", "alice", ["repo.write"])])])
    assert "hf_a" not in repr(user)
    assert "hf_b" not in repr(user)


def test_the_seed_in_the_readme_is_one(tmp_path: Path) -> None:
    readme = Path(__file__).parent.parent / "README.md"
    (example,) = re.findall(r"```yaml\n(.*?)```", readme.read_text(), re.DOTALL)
    (tmp_path / "seed.yaml").write_text(example)
    seed = read_seed(tmp_path / "seed.yaml")
    assert seed.users[0].organisations == {"acme": "contributor"}
    assert [token.role for token in seed.users[0].tokens] == ["read", "fineGrained", "write"]


def test_a_project_names_its_seed(tmp_path: Path) -> None:
    assert find_seed(tmp_path) is None
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.other]\n")
    assert find_seed(tmp_path) is None
    project.write_text('[tool.hfdeploy-localhub]\nseed = "tests/people.yaml"\n')
    assert find_seed(tmp_path) == tmp_path / "tests/people.yaml"


@pytest.mark.parametrize(
    ("text", "said"), [("[tool", "not TOML"), ("[tool.hfdeploy-localhub]\nseed = 1", "path of a file")]
)
def test_a_project_that_names_no_file(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ValueError, match=said):
        find_seed(tmp_path)


def test_asked_users_come_first_and_keep_what_the_seed_says_of_them() -> None:
    seed = Seed([User("alice", "hf_a", {"acme": "read"}, full_name="Alice"), User("bob")])
    merged = add_users(seed, [User("carol"), User("Alice", "hf_b", ["beta"])])
    assert merged.users == [
        User("carol"),
        User("alice", "hf_b", {"acme": "read", "beta": "admin"}, full_name="Alice"),
        User("bob"),
    ]
