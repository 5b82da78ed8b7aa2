"""One machine under pressure: kill -9 under load, files that cannot grow, a store that is held up, a log that cannot be written. Nothing that was
acknowledged is lost, nothing waits for ever, and no call is made twice but where a kill fell between sending and recording it."""
import concurrent.futures
import json
import os
import random
import resource
import sqlite3
import threading
import time

import pytest
from gennaker import Gennaker
from http_calls import call
from test_webhook import RESTRICTIONS, SETTINGS, Receiver, server_with

LONG = bool(os.environ.get("GENNAKER_TEST_LONG"))
SEED = int(os.environ.get("GENNAKER_TEST_SEED") or 20240601)
KILLS = 200 if LONG else 10
CLIENTS, STAGES = 4, 3
HELD_UP = 30 if LONG else 4  # seconds
APP = "press"


class Counting(Receiver):
    """Answers every call, and keeps when it came and under which key."""

    def __init__(self):
        super().__init__()
        self.keys, self.lock = {}, threading.Lock()
        self.answers["/call"] = self.count

    def count(self, handler):
        with self.lock:
            self.keys.setdefault(handler.headers["Idempotency-Key"], []).append(time.monotonic())
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")


@pytest.fixture
def counting():
    receiver = Counting()
    yield receiver
    receiver.end()


@pytest.fixture
def pressed(tmp_path):
    server = server_with(tmp_path, RESTRICTIONS + SETTINGS % "true")
    yield server
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert server.stop() == 0, server.said()[-3000:]


def pipeline(receiver, execution_id):
    hook = {"type": "webhook", "name": "call", "method": "POST", "url": f"{receiver.url}/call", "payload": {}}
    stages = [{"refId": str(i), "requisiteStageRefIds": [str(i - 1)] if i else [], **hook} for i in range(STAGES)]
    return {"application": APP, "name": "calls", "executionId": execution_id, "stages": stages}


def start(server, receiver, execution_id):
    return call(server.port, "POST", "/orchestrate", pipeline(receiver, execution_id))


def get(server, execution_id):
    answer = call(server.port, "GET", f"/pipelines/{execution_id}")
    assert answer.status == 200, (execution_id, answer)
    return answer.json


def ends(server, ids, seconds=60):
    """Every one of them, and well."""
    until = time.monotonic() + seconds
    for execution_id in ids:
        while (seen := get(server, execution_id))["status"] in ("RUNNING", "NOT_STARTED"):
            why = call(server.port, "GET", f"/pipelines/{execution_id}/why")
            assert why.status != 200 or why.json, f"{execution_id} waits without a reason"
            assert time.monotonic() < until, json.dumps(seen)[:2000]
            time.sleep(0.05)
        assert seen["status"] == "SUCCEEDED", json.dumps(seen)[:3000]


class Load:
    """Clients that start executions one after the other, each until it is acknowledged."""

    def __init__(self, server, receiver):
        self.server, self.receiver, self.ending, self.started = server, receiver, threading.Event(), []
        self.threads = [threading.Thread(target=self.run, args=(client,), daemon=True) for client in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, client):
        for number in range(1_000_000):
            execution_id = f"load-{client}-{number}"
            while True:
                if self.ending.is_set():
                    return
                try:
                    if start(self.server, self.receiver, execution_id).status in (200, 202):
                        break
                except OSError:
                    pass
                time.sleep(0.02)
            self.started.append(execution_id)
            time.sleep(0.01)

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.timeout(1800 if LONG else 300)
def test_kill_loop(pressed, counting):
    chance, kills = random.Random(SEED), []
    load = Load(pressed, counting)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.1, 0.7))
        kills.append(time.monotonic())
        pressed.kill()
        pressed.start()
    load.end()
    ends(pressed, load.started)
    left = call(pressed.port, "GET", f"/applications/{APP}/pipelines?limit=1000&expand=false&statuses=RUNNING,NOT_STARTED,PAUSED")
    assert left.status == 200, left
    ends(pressed, [e["id"] for e in left.json])  # stored, and its acknowledgement met a kill
    repeated = {key: times for key, times in counting.keys.items() if len(times) > 1}
    for key, times in repeated.items():
        for one, other in zip(times, times[1:]):
            assert any(one - 0.5 <= kill <= other for kill in kills), f"key {key} was used twice without a kill in between"
    assert len(counting.keys) >= len(load.started) * STAGES
    print(f"{KILLS} kills, {len(load.started)} executions, {len(counting.keys)} calls, of which {len(repeated)} were made again")


def refused_for_a_while(server, receiver, name):
    """Starts until one is refused; the ids of those that were taken."""
    taken = []
    for number in range(2000):
        answer = start(server, receiver, f"{name}-{number}")
        if answer.status not in (200, 202):
            assert answer.status == 503, answer
            return taken
        taken.append(f"{name}-{number}")
    raise AssertionError("nothing was refused")


def test_files_that_cannot_grow(pressed, counting, tmp_path):
    ends(pressed, [start(pressed, counting, "before").json["ref"].rsplit("/", 1)[1]])
    wal = tmp_path / "data" / "gennaker.db-wal"
    resource.prlimit(pressed.process.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, resource.RLIM_INFINITY))
    taken = refused_for_a_while(pressed, counting, "full")
    assert get(pressed, "before")["status"] == "SUCCEEDED"  # what is stored can be read
    resource.prlimit(pressed.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ends(pressed, taken)
    ends(pressed, [start(pressed, counting, "after").json["ref"].rsplit("/", 1)[1]])


def test_a_store_that_is_held_up(pressed, counting, tmp_path):
    ends(pressed, [start(pressed, counting, "before").json["ref"].rsplit("/", 1)[1]])
    other = sqlite3.connect(tmp_path / "data" / "gennaker.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(start, pressed, counting, f"held-{i}") for i in range(8)]
        time.sleep(HELD_UP)
        assert call(pressed.port, "GET", "/pipelines/before").status == 200
        late = start(pressed, counting, "late")
        other.execute("ROLLBACK")
        other.close()
        answers = [answer.result() for answer in answers]
    assert late.status == 503, late
    assert {a.status for a in answers} <= {200, 202, 503}, answers
    ends(pressed, [f"held-{i}" for i, a in enumerate(answers) if a.status != 503])
    ends(pressed, [start(pressed, counting, "after").json["ref"].rsplit("/", 1)[1]])


def test_a_log_that_cannot_be_written(tmp_path, counting):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "orca.yml").write_text(RESTRICTIONS + SETTINGS % "true")
    server = Gennaker(tmp_path / "data", config=folder, options=("--log-level", "debug"))
    server.log = "/dev/full"
    server.start()
    taken = [start(server, counting, f"silent-{i}").json["ref"].rsplit("/", 1)[1] for i in range(20)]
    ends(server, taken)
    assert server.stop() == 0
