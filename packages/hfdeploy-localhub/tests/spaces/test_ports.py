import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hfdeploy_localhub.spaces.ports import point_arguments, point_environment, point_text

PORTS = st.integers(1, 65535)


@pytest.mark.parametrize(
    ("text", "pointed"),
    [
        ("7860", "9"),
        ("--port=7860", "--port=9"),
        ("0.0.0.0:7860", "0.0.0.0:9"),
        (":7860", ":9"),
        ("[::]:7860", "[::]:9"),
        ("-p7860", "-p9"),
        ("-b:7860", "-b:9"),
        ("http://0.0.0.0:7860/path", "http://0.0.0.0:9/path"),
        ("uvicorn app:app --port 7860 --reload", "uvicorn app:app --port 9 --reload"),
        ("exec x -b '0.0.0.0:7860'", "exec x -b '0.0.0.0:9'"),
        ("17860", "17860"),
        ("78601", "78601"),
        ("model-7860", "model-7860"),
        ("/data/7860/x", "/data/7860/x"),
        ("1.7860", "1.7860"),
        ("--no-such-thing7860", "--no-such-thing7860"),
    ],
)
def test_a_port_is_replaced_where_it_stands_as_one(text: str, pointed: str) -> None:
    assert point_text(text, 7860, 9) == pointed


def test_the_program_is_left_alone() -> None:
    assert point_arguments(["7860", "7860"], 7860, 9) == ("7860", "9")


@given(st.lists(st.text(alphabet="ab-=:/ ")), PORTS, PORTS)
def test_arguments_without_the_port_stay(arguments: list[str], app_port: int, port: int) -> None:
    assert point_arguments(arguments, app_port, port) == tuple(arguments)


@given(PORTS, PORTS, PORTS)
def test_other_ports_stay(other: int, app_port: int, port: int) -> None:
    assume(other != app_port)
    assert point_text(f"--port={other} 0.0.0.0:{other}", app_port, port) == f"--port={other} 0.0.0.0:{other}"


@given(PORTS, PORTS)
def test_the_port_variables_always_point_at_the_free_port(app_port: int, port: int) -> None:
    pointed = point_environment({"PORT": "80", "BIND": f"0.0.0.0:{app_port}", "X": "y"}, app_port, port)
    assert pointed == {
        "BIND": f"0.0.0.0:{port}",
        "X": "y",
        "PORT": str(port),
        "GRADIO_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_PORT": str(port),
    }
