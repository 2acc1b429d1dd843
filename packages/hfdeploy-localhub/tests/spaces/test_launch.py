from pathlib import Path

from hfdeploy_localhub.spaces.card import Card
from hfdeploy_localhub.spaces.image import plan_image
from hfdeploy_localhub.spaces.launch import Address, Bundle, plan_launch
from hfdeploy_localhub.spaces.rootfs import Root
from hfdeploy_localhub.spaces.source import SpaceSettings

ADDRESS = Address("me/x", "127.0.0.1:9000", 4321)
MACHINE = {
    "PATH": "/hub/venv/bin:/usr/bin",
    "VIRTUAL_ENV": "/hub/venv",
    "HF_TOKEN": "hf_x",
    "LANG": "C",
    "HOME": "/h",
}


def docker(text: str, tmp_path: Path) -> Bundle:
    image = plan_image(text)
    return Bundle(Card("docker", "Dockerfile"), Root(tmp_path, image.folders), Path("/venv"), image)


def test_a_docker_space(tmp_path: Path) -> None:
    bundle = docker(
        "FROM x\nENV PATH=/home/user/.local/bin:$PATH PORT=7860 PYTHONPATH=/app:/app/lib\n"
        "ENV HF_HOME=/data/hf SH=/bin/sh\n"
        'WORKDIR /app\nCMD ["/app/run.sh", "--bind=0.0.0.0:7860", "--config=/app/c.yml", '
        '"/bin/sh", "/etc/x"]',
        tmp_path,
    )
    settings = SpaceSettings(variables={"V": "1", "PORT": "7860"}, secrets={"S": "secret", "SPACE_ID": "no"})
    launch = plan_launch(bundle, ADDRESS, settings, MACHINE)
    assert launch.arguments == (
        *(
            f"{tmp_path}/app/run.sh",
            "--bind=0.0.0.0:4321",
            f"--config={tmp_path}/app/c.yml",
            "/bin/sh",
            "/etc/x",
        ),
    )
    assert launch.folder == tmp_path / "app"
    environment = dict(launch.environment)
    assert environment.pop("PATH") == f"/venv/bin:{tmp_path}/home/user/.local/bin:/usr/bin"
    assert environment == {
        "LANG": "C",
        "HOME": f"{tmp_path}/home/user",
        "VIRTUAL_ENV": "/venv",
        "PYTHONPATH": f"{tmp_path}/app:{tmp_path}/app/lib",
        "HF_HOME": f"{tmp_path}/data/hf",
        "SH": "/bin/sh",
        "V": "1",
        "S": "secret",
        "PORT": "4321",
        "GRADIO_SERVER_PORT": "4321",
        "STREAMLIT_SERVER_PORT": "4321",
        "SYSTEM": "spaces",
        "SPACE_ID": "me/x",
        "SPACE_HOST": "127.0.0.1:9000",
        "SPACE_AUTHOR_NAME": "me",
        "SPACE_REPO_NAME": "x",
        "SPACE_TITLE": "",
        "PYTHONUNBUFFERED": "1",
    }


def test_secrets_are_in_no_repr(tmp_path: Path) -> None:
    settings = SpaceSettings(secrets={"S": "canary"})
    launch = plan_launch(docker('FROM x\nCMD ["a"]', tmp_path), ADDRESS, settings, MACHINE)
    assert "canary" not in repr(launch) + repr(settings) + " ".join(launch.arguments)


def test_gradio_and_streamlit(tmp_path: Path) -> None:
    gradio = Bundle(Card("gradio", "src/app.py"), Root(tmp_path), Path("/venv"))
    launch = plan_launch(gradio, ADDRESS, SpaceSettings(), MACHINE)
    assert launch.arguments == ("python", "src/app.py")
    assert launch.folder == tmp_path / "home/user/app"
    assert launch.environment["GRADIO_SERVER_NAME"] == "127.0.0.1"
    assert launch.environment["GRADIO_SERVER_PORT"] == "4321"
    assert launch.environment["GRADIO_ANALYTICS_ENABLED"] == "False"
    streamlit = Bundle(Card("streamlit", "app.py"), Root(tmp_path), Path("/venv"))
    arguments = plan_launch(streamlit, ADDRESS, SpaceSettings(), MACHINE).arguments
    assert arguments[:7] == (
        "streamlit",
        "run",
        "app.py",
        "--server.port",
        "4321",
        "--server.address",
        "127.0.0.1",
    )


def test_the_image_is_found_first_where_a_copy_put_a_file(tmp_path: Path) -> None:
    (tmp_path / "start.sh").touch()
    root = Root(tmp_path)
    assert root.place("/start.sh") == f"{tmp_path}/start.sh"
    assert root.place("/bin/sh") == "/bin/sh"
    assert root.place("/") == "/"
    assert root.place("start.sh") == "start.sh"
