import httpx
import pytest

from .conftest import create

URL = "/api/models/alice/m/user-access-request"


@pytest.fixture
def gated(alice: httpx.Client) -> httpx.Client:
    create(alice)
    alice.put("/api/models/alice/m/settings", json={"gated": "manual"})
    return alice


def users(client: httpx.Client, status: str) -> list[str]:
    return [item["user"]["user"] for item in client.get(f"{URL}/{status}").json()]


def test_from_asking_to_reading(gated: httpx.Client, mallory: httpx.Client) -> None:
    content = "/alice/m/resolve/main/.gitattributes"
    assert mallory.get(content).headers["X-Error-Code"] == "GatedRepo"
    assert mallory.post("/alice/m/ask-access").json() == {"status": "pending"}
    assert mallory.get(content).status_code == 403
    assert users(gated, "pending") == ["mallory"]
    assert gated.post(f"{URL}/handle", json={"user": "mallory", "status": "accepted"}).status_code == 200
    assert mallory.get(content).status_code == 200
    assert (users(gated, "pending"), users(gated, "accepted")) == ([], ["mallory"])
    (request,) = gated.get(f"{URL}/accepted").json()
    rejection = {"requestId": request["requestId"], "status": "rejected", "rejectionReason": "no"}
    assert gated.post(f"{URL}/handle", json=rejection).status_code == 200
    assert mallory.get(content).status_code == 403
    assert gated.post(f"{URL}/handle", json=rejection).status_code == 400


def test_access_can_be_granted_once(gated: httpx.Client, mallory: httpx.Client) -> None:
    assert gated.post(f"{URL}/grant", json={"user": "mallory"}).status_code == 200
    assert mallory.get("/alice/m/resolve/main/.gitattributes").status_code == 200
    assert gated.post(f"{URL}/grant", json={"user": "mallory"}).status_code == 409
    assert gated.post(f"{URL}/grant", json={"user": "nobody"}).status_code == 404


def test_automatic_gates_open_at_once(gated: httpx.Client, mallory: httpx.Client) -> None:
    gated.put("/api/models/alice/m/settings", json={"gated": "auto"})
    assert mallory.post("/alice/m/ask-access").json() == {"status": "accepted"}
    assert mallory.get("/alice/m/resolve/main/.gitattributes").status_code == 200


def test_only_owners_decide(gated: httpx.Client, mallory: httpx.Client) -> None:
    mallory.post("/alice/m/ask-access")
    assert mallory.get(f"{URL}/pending").status_code == 403
    assert mallory.post(f"{URL}/handle", json={"user": "mallory", "status": "accepted"}).status_code == 403
    assert gated.post(f"{URL}/handle", json={"status": "accepted"}).status_code == 400
    assert gated.post(f"{URL}/handle", json={"user": "nobody", "status": "accepted"}).status_code == 404


def test_the_owner_reads_what_was_filled_in(gated: httpx.Client, mallory: httpx.Client) -> None:
    assert mallory.post("/alice/m/ask-access", json={"Company": {"a": "b"}}).status_code == 400
    mallory.post("/alice/m/ask-access", json={"Company": "Acme", "I agree": True})
    (request,) = gated.get(f"{URL}/pending").json()
    assert request["fields"] == {"Company": "Acme", "I agree": True}
