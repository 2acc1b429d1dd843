import hfdeploy_localhub

PUBLIC = ["LocalHub", "Organisation", "Reach", "Token", "TrustedPublisher", "User"]


def test_public_names_are_few_and_meant() -> None:
    assert hfdeploy_localhub.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(hfdeploy_localhub, name).__doc__
