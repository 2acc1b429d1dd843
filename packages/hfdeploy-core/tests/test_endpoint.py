import pytest

from hfdeploy_core.endpoint import check_endpoint
from hfdeploy_core.errors import HubUnreachable


@pytest.mark.parametrize("endpoint", ["https://hub.test", "http://127.0.0.1:8080/", "https://[::1]:1/under"])
def test_urls_of_hubs(endpoint: str) -> None:
    assert check_endpoint(endpoint) == endpoint.rstrip("/")


@pytest.mark.parametrize(
    "endpoint", ["hub.test", "http://", "ftp://hub.test", "http://[::1", "http://h:99999", "http://h:0"]
)
def test_what_is_no_url_of_a_hub(endpoint: str) -> None:
    with pytest.raises(HubUnreachable, match="is not the URL of a Hub"):
        check_endpoint(endpoint)


def test_a_password_is_refused_unread() -> None:
    with pytest.raises(HubUnreachable, match="password") as caught:
        check_endpoint("ftp://me:open-sesame@hub.test")
    assert "sesame" not in f"{caught.value}"
