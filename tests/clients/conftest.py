"""Fixtures for tests with real clients of the API against a server of our own."""
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from gennaker import Gennaker  # noqa: E402


def installed(name):
    """The path of a client's program; the test is skipped where it cannot be built."""
    done = subprocess.run([HERE / "install", name], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip(f"{name} cannot be built here: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no reason given'}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Gennaker(tmp_path_factory.mktemp("clients") / "data").start()
    yield server
    assert server.stop() == 0, server.said()[-3000:]
