"""Fixtures for tests with real clients of the API against a server of our own."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from gennaker import Gennaker  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Gennaker(tmp_path_factory.mktemp("clients") / "data").start()
    yield server
    assert server.stop() == 0, server.said()[-3000:]
