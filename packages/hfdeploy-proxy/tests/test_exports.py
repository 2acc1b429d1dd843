import subprocess
import sys

import hfdeploy_proxy


def test_public_names_are_few_and_meant() -> None:
    assert hfdeploy_proxy.__all__ == ["Application", "Settings", "SettingsInvalid", "create_app"]
    assert all(getattr(hfdeploy_proxy, name).__doc__ for name in hfdeploy_proxy.__all__)


def test_app_is_made_when_a_server_asks_for_it() -> None:
    code = "import hfdeploy_proxy as p; print('app' in vars(p)); print(p.app)"
    environment = {"TARGET_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("False\n<hfdeploy_proxy.application.Application")


def test_the_space_is_planned_without_a_framework() -> None:
    code = (
        "import sys; from hfdeploy_proxy.space import plan_space; plan_space('alice/app');"
        "print({'fastapi', 'starlette', 'httptools', 'uvicorn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
