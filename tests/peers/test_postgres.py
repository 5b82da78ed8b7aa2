"""The store in a real PostgreSQL: what a server does there, and what it survives."""
import collections
import itertools
import subprocess
import threading
import time

import pytest
from gennaker import PROGRAM, Gennaker, demo
from postgres import Postgres, programs

pytestmark = pytest.mark.skipif(programs() is None, reason="no PostgreSQL server on this machine")
DATABASES = itertools.count(1)
DONE = {"SUCCEEDED", "TERMINAL", "CANCELED"}


@pytest.fixture(scope="module")
def postgres():
    postgres = Postgres()
    yield postgres
    postgres.end()


@pytest.fixture
def configuration(postgres, tmp_path):
    """A server's configuration that names an empty database."""
    folder = tmp_path / "config"
    folder.mkdir()
    url = postgres.database(f"test{next(DATABASES)}")
    (folder / "gennaker.yml").write_text(f"gennaker:\n  store:\n    url: {url}\n")
    return folder


@pytest.fixture
def server(configuration, tmp_path):
    server = Gennaker(tmp_path / "data", configuration).start()
    yield server
    server.kill()


def stages(count, every):
    """A chain of waits; every n-th lasts a second."""
    return [{"refId": str(i), "requisiteStageRefIds": [str(i - 1)] if i else [], "type": "wait", "waitTime": int(i % every == every - 1)}
            for i in range(count)]


def start(server, number):
    """Starts one execution; asks again as a client does, under a correlation id that makes that harmless."""
    pipeline = {"application": "demo", "name": "load", "id": "load", "spelEvaluator": "v4", "stages": stages(10, 5),
                "trigger": {"type": "manual", "correlationId": f"load-{number}"}}
    for _ in range(200):
        try:
            return server.api.call("POST", "/pipelines/start", pipeline)["ref"].rsplit("/", 1)[-1]
        except (OSError, demo.Failure):
            time.sleep(0.1)
    raise AssertionError(f"execution {number} was not started\n{server.said()[-3000:]}")


def wait_all(server, ids, seconds=60, path="pipelines"):
    end = time.monotonic() + seconds
    states = collections.Counter()
    while time.monotonic() < end:
        try:
            states = collections.Counter(server.api.get(f"/{path}/{i}")["status"] for i in ids)
        except (OSError, demo.Failure):
            states.clear()
        if states and set(states) <= DONE:
            return states
        time.sleep(0.3)
    raise AssertionError(f"not done within {seconds} s: {states}\n{server.said()[-3000:]}")


def test_everything_is_kept(server):
    task = server.api.call("POST", "/tasks", {"application": "demo", "description": "Create", "job": [
        {"type": "createApplication", "application": {"name": "demo", "email": "a@example.com"}}]})["ref"].rsplit("/", 1)[-1]
    assert wait_all(server, [task], path="tasks") == {"SUCCEEDED": 1}
    server.api.call("POST", "/pipelines", {"application": "demo", "name": "p", "id": "pipeline-1", "stages": stages(2, 9)})
    server.api.call("POST", "/pipelines", {"application": "demo", "name": "p", "id": "pipeline-1", "stages": stages(3, 9)})
    ids = [start(server, number) for number in range(3)]
    assert wait_all(server, ids) == {"SUCCEEDED": 3}
    before = server.api.get(f"/pipelines/{ids[0]}")
    listed = server.api.get("/executions?pipelineConfigIds=load&limit=10")
    assert server.stop() == 0
    server.start()
    assert server.api.get(f"/pipelines/{ids[0]}") == before
    assert server.api.get("/executions?pipelineConfigIds=load&limit=10") == listed
    assert len(listed) == 3
    assert len(server.api.get("/pipelineConfigs/pipeline-1/history")) == 2
    assert [a["name"] for a in server.api.get("/applications")] == ["demo"]
    assert start(server, 0) != ids[0], "a correlation id counts while its execution is unfinished"


def test_what_must_be_alone_is_refused(server, configuration, tmp_path):
    """A command that must be alone in the store does not begin while a server works there, and a server that died is replaced."""
    url = (configuration / "gennaker.yml").read_text().split("url: ")[1].strip()
    move = subprocess.run([PROGRAM, "store", "move", url, tmp_path / "copy"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert move.returncode != 0
    assert "is in use by another Gennaker server" in move.stderr
    ids = [start(server, number) for number in range(5)]
    server.kill()
    other = Gennaker(tmp_path / "other", configuration).start()
    try:
        assert wait_all(other, ids) == {"SUCCEEDED": 5}
    finally:
        other.kill()


@pytest.mark.parametrize("fault", ["cut", "restart", "kill"])
def test_faults_under_load(postgres, server, fault):
    """Connections cut again and again, the database restarted as after a power failure, kill -9 of the server: every start that was
    answered ends well, once."""
    ending = threading.Event()
    faults = []

    def strike():
        while not ending.wait(0.5 if fault == "cut" else 1.2):
            faults.append(time.monotonic())
            if fault == "cut":
                postgres.cut_connections()
            elif fault == "restart":
                postgres.restart()
            else:
                server.kill()
                server.start(wait=False)
            if fault != "cut" and len(faults) == 3:
                return

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        ids = [start(server, number) for number in range(100)]
        assert len(set(ids)) == 100
        time.sleep(3)
    finally:
        ending.set()
        thread.join()
    assert faults
    assert wait_all(server, ids) == {"SUCCEEDED": 100}
    listed = server.api.get("/executions?pipelineConfigIds=load&limit=1000")
    assert sorted(e["id"] for e in listed) == sorted(ids), "none twice, none that nobody asked for"
    for execution in listed:
        assert [s["status"] for s in execution["stages"]] == ["SUCCEEDED"] * 10


def test_database_that_is_not_there(tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "gennaker.yml").write_text("gennaker:\n  store:\n    url: postgresql://user:secret-word@127.0.0.1:1/none\n")
    command = [PROGRAM, "server", "--listen", "127.0.0.1:0", "--data", tmp_path / "data", "--config", folder]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert said.returncode != 0
    assert "postgresql://127.0.0.1:1/none: connect failed" in said.stderr
    assert "secret-word" not in said.stderr + said.stdout


def test_move_there_and_back(postgres, tmp_path):
    """Everything of a data folder goes to PostgreSQL and back, and reads the same."""
    first = Gennaker(tmp_path / "first").start()
    ids = [start(first, number) for number in range(5)]
    assert wait_all(first, ids) == {"SUCCEEDED": 5}
    first.api.call("POST", "/pipelines", {"application": "demo", "name": "p", "id": "pipeline-1", "stages": stages(2, 9)})
    before = [first.api.get(f"/pipelines/{i}") for i in ids]
    assert first.stop() == 0
    url = postgres.database(f"test{next(DATABASES)}")

    def move(source, target):
        return subprocess.run([PROGRAM, "store", "move", source, target], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, env={**first.environment, "XDG_DATA_HOME": str(tmp_path / "home")})

    moved = move(tmp_path / "first", url)
    assert moved.returncode == 0, moved.stderr
    assert move(tmp_path / "first", url).returncode != 0, "the target is not empty"
    back = move(url, tmp_path / "second")
    assert back.returncode == 0, back.stderr
    second = Gennaker(tmp_path / "second").start()
    try:
        assert [second.api.get(f"/pipelines/{i}") for i in ids] == before
        assert second.api.get("/pipelineConfigs/pipeline-1/history")
        assert start(second, 99) not in ids
    finally:
        second.kill()
