"""Fixtures for all end-to-end tests: the AWS simulator (one per test run, emptied for each test) and the fault proxy before it."""
import json
import os
import pathlib
import socket
import subprocess

import pytest
from faultproxy import FaultProxy
from gennaker import Gennaker

ROOT = pathlib.Path(__file__).resolve().parents[2]
RIG = ROOT / "tests" / "peers" / "aws"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def rig(command, *arguments):
    """Runs a command of the AWS rig and gives what it printed."""
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    return subprocess.run([str(RIG / command), *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True,
                          env=environment).stdout


class Simulator:
    """moto on a port of its own, refusing what the real service refuses."""

    def __init__(self):
        self.port = free_port()
        rig("up", "--port", self.port, "--strict")
        self.url = f"http://127.0.0.1:{self.port}"

    def seed(self, *options):
        """Empties it and lays the common set-up; gives its ids."""
        return json.loads(rig("seed", "--port", self.port, "--reset", *options))

    def stop(self):
        rig("down", "--port", self.port)


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
