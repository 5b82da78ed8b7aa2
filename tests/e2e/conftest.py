"""Fixtures for all end-to-end tests: the AWS simulator (one per test run, emptied for each test) and the fault proxy before it."""
import pytest
from faultproxy import FaultProxy
from gennaker import Gennaker
from simulator import Simulator


@pytest.fixture(scope="session")
def simulator():
    simulator = Simulator()
    yield simulator
    simulator.stop()


@pytest.fixture
def proxy(simulator):
    with FaultProxy(simulator.url) as proxy:
        yield proxy


@pytest.fixture
def server(tmp_path):
    """A Gennaker with an empty data folder and no configuration; it has to stop cleanly."""
    server = Gennaker(tmp_path / "data").start()
    yield server
    assert server.stop() == 0, server.said()[-3000:]
