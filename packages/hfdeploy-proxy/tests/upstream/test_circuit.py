import pytest

from hfdeploy_proxy.rules.errors import CircuitOpen
from hfdeploy_proxy.upstream.circuit import Circuit


def test_after_ten_failures_in_a_row_one_attempt_a_second_is_made() -> None:
    now = [0.0]
    circuit = Circuit(lambda: now[0])
    for _ in range(9):
        circuit.check()
        circuit.failed()
    circuit.check()
    circuit.succeeded()
    for _ in range(10):
        circuit.check()
        circuit.failed()
    for _ in range(3):
        with pytest.raises(CircuitOpen):
            circuit.check()
    now[0] = 1.0
    circuit.check()
    with pytest.raises(CircuitOpen):
        circuit.check()
    circuit.failed()
    now[0] = 1.9
    with pytest.raises(CircuitOpen):
        circuit.check()
    now[0] = 2.0
    circuit.check()
    circuit.succeeded()
    circuit.check()
    circuit.check()
