import hfdeploy
import hfdeploy_core


def test_the_public_names_are_cores() -> None:
    assert hfdeploy.__all__ == hfdeploy_core.__all__
    assert all(getattr(hfdeploy, name) is getattr(hfdeploy_core, name) for name in hfdeploy.__all__)
