"""Several servers on one PostgreSQL: any of them serves any request, each execution is one's, and what one leaves another takes over."""
import collections
import http.server
import itertools
import os
import random
import signal
import threading
import time

import pytest
from gennaker import Gennaker, demo
from postgres import Postgres, programs

pytestmark = pytest.mark.skipif(programs() is None, reason="no PostgreSQL server on this machine")
DONE = {"SUCCEEDED", "TERMINAL", "CANCELED"}
TAKEN_OVER_MS = 10000  # a replica that dies is replaced by then
EXECUTIONS = int(os.environ.get("REPLICA_EXECUTIONS", "50"))
DATABASES = itertools.count(1)


class Receiver:
    """Counts calls by their Idempotency-Key."""

    def __init__(self):
        self.calls = collections.Counter()
        self.times = collections.defaultdict(list)
        lock, calls, times = threading.Lock(), self.calls, self.times

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    calls[self.headers["Idempotency-Key"], self.path] += 1
                    times[self.path].append(time.monotonic())
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def postgres():
    postgres = Postgres()
    yield postgres
    postgres.end()


class Replicas:
    def __init__(self, postgres, folder, count=3):
        self.postgres, self.database = postgres, f"replicas{next(DATABASES)}"
        configuration = folder / "config"
        configuration.mkdir()
        url = postgres.database(self.database)
        (configuration / "gennaker.yml").write_text(f"gennaker:\n  store:\n    url: {url}\n")
        (configuration / "orca.yml").write_text("user-configured-url-restrictions:\n  rejectLocalhost: false\n  rejectVerbatimIps: false\n")
        self.servers = [Gennaker(folder / f"data{i}", configuration) for i in range(count)]
        for server in self.servers:
            server.start()

    def query(self, sql):
        return self.postgres.query(sql, self.database)

    def number(self, i):
        """The replica's number, by the folder that its name ends with."""
        return int(self.query(f"SELECT max(id) FROM replicas WHERE name LIKE '%/data{i}:%'"))

    def end(self):
        for server in self.servers:
            server.kill()


@pytest.fixture
def replicas(postgres, tmp_path):
    replicas = Replicas(postgres, tmp_path)
    yield replicas
    replicas.end()


def start(servers, pipeline, correlation=None):
    """By any server that takes it; a correlation id makes the repeat harmless."""
    if correlation:
        pipeline = {**pipeline, "trigger": {"type": "manual", "correlationId": correlation}}
    for attempt in range(300):
        server = random.choice(servers)
        try:
            return server.api.call("POST", "/pipelines/start", pipeline)["ref"].rsplit("/", 1)[-1]
        except (OSError, demo.Failure):
            time.sleep(0.1)
    raise AssertionError("no server took the start\n" + "\n".join(s.said()[-1500:] for s in servers))


def status(servers, execution_id):
    for server in servers:
        try:
            return server.api.get(f"/pipelines/{execution_id}")["status"]
        except (OSError, demo.Failure):
            continue
    return None


def wait_all(servers, ids, seconds=60):
    end = time.monotonic() + seconds
    left = list(ids)
    states = collections.Counter()
    while left and time.monotonic() < end:
        now = {i: status(servers, i) for i in left}
        states.update(s for s in now.values() if s in DONE)
        left = [i for i, s in now.items() if s not in DONE]
        time.sleep(0.2)
    stuck = {i: [(s["name"], s["status"]) for s in next(iter(servers)).api.get(f"/pipelines/{i}")["stages"]] for i in left[:3]}
    assert not left, f"{len(left)} not done, such as {stuck}\n" + "\n".join(s.said()[-2000:] for s in servers)
    return states


def eventually(check, seconds=10, what="it"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come true within {seconds} s")


def wait_pipeline(seconds, name="long", **more):
    return {"application": "demo", "name": name, "id": name, "limitConcurrent": False,
            "stages": [{"refId": "1", "requisiteStageRefIds": [], "type": "wait", "name": "w", "waitTime": seconds}], **more}


def test_any_server_serves_any_request(replicas):
    """DESIGN 4: a request for another's execution goes through its inbox, and is answered after its commit."""
    one, two, three = replicas.servers
    execution = start([one], wait_pipeline(600))
    assert int(replicas.query(f"SELECT owner FROM executions WHERE id = '{execution}'")) == replicas.number(0)
    assert two.api.get(f"/pipelines/{execution}")["status"] == "RUNNING"
    two.api.call("PUT", f"/pipelines/{execution}/pause")
    assert three.api.get(f"/pipelines/{execution}")["status"] == "PAUSED"
    three.api.call("PUT", f"/pipelines/{execution}/resume")
    with pytest.raises(demo.Failure):
        three.api.call("DELETE", f"/pipelines/{execution}")
    two.api.call("PUT", f"/pipelines/{execution}/cancel?reason=enough")
    eventually(lambda: one.api.get(f"/pipelines/{execution}")["status"] == "CANCELED", what="the cancellation")
    assert one.api.get(f"/pipelines/{execution}")["cancellationReason"] == "enough"
    stage = one.api.get(f"/pipelines/{execution}")["stages"][0]["id"]
    three.api.call("PUT", f"/pipelines/{execution}/stages/{stage}/restart", {})
    assert int(replicas.query(f"SELECT owner FROM executions WHERE id = '{execution}'")) == replicas.number(2)
    one.api.call("PUT", f"/pipelines/{execution}/cancel")
    eventually(lambda: two.api.get(f"/pipelines/{execution}")["status"] == "CANCELED", what="the second cancellation")
    assert replicas.query("SELECT count(*) FROM inbox") == "0"


def test_documents_reach_every_server(replicas):
    one, two, _ = replicas.servers
    pipeline = {"application": "demo", "name": "p", "id": "p-1", "stages": []}
    one.api.call("POST", "/pipelines", pipeline)
    eventually(lambda: [p["id"] for p in two.api.get("/applications/demo/pipelineConfigs")] == ["p-1"], what="the saved pipeline")
    two.api.call("DELETE", "/pipelines/demo/p")
    eventually(lambda: one.api.get("/applications/demo/pipelineConfigs") == [], what="the removal")


def test_a_limit_holds_everywhere(replicas):
    """engine.md 13: one at a time, first come first served, whoever was asked."""
    pipeline = wait_pipeline(1, "limited", limitConcurrent=True, keepWaitingPipelines=True)
    ids = [start([replicas.servers[i % 3]], pipeline) for i in range(6)]
    assert wait_all(replicas.servers, ids, 40) == {"SUCCEEDED": 6}
    runs = sorted((e["startTime"], e["endTime"], e["id"]) for e in (replicas.servers[0].api.get(f"/pipelines/{i}") for i in ids))
    for (_, end, _), (begin, _, _) in zip(runs, runs[1:]):
        assert begin >= end, "two ran at once"
    assert {int(o) for o in replicas.query("SELECT DISTINCT owner FROM executions WHERE config_id = 'limited'").split()} == {
        int(replicas.query("SELECT owner FROM ownerships WHERE name = 'gate:limited'"))}


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_another_takes_over(replicas, how):
    """A server that stops hands over at once; one that dies is replaced within ten seconds. Its limits go with it."""
    one, two, three = replicas.servers
    ids = [start([one], wait_pipeline(3)) for _ in range(5)] + [start([one], wait_pipeline(3, "limited", limitConcurrent=True)) for _ in range(2)]
    begun = time.monotonic()
    if how == "stop":
        assert one.stop() == 0
    else:
        one.kill()
    number = replicas.number(0)
    eventually(lambda: replicas.query(f"SELECT count(*) FROM executions WHERE owner = {number} AND finished = 0") == "0",
               3 if how == "stop" else TAKEN_OVER_MS / 1000, "the takeover")
    print(f"{how}: taken over after {time.monotonic() - begun:.1f} s")
    assert wait_all([two, three], ids, 30) == {"SUCCEEDED": 7}
    one.start()
    assert start([one], wait_pipeline(0, "limited", limitConcurrent=True))


def test_one_that_was_frozen_starts_anew(replicas):
    """SIGSTOP for longer than a lease: what it owned is another's; it writes nothing, and comes back as a new replica."""
    one, two, three = replicas.servers
    execution = start([one], wait_pipeline(600))
    before = replicas.number(0)
    os.kill(one.process.pid, signal.SIGSTOP)
    try:
        eventually(lambda: replicas.query(f"SELECT owner FROM executions WHERE id = '{execution}'") != str(before), 12, "the takeover")
    finally:
        os.kill(one.process.pid, signal.SIGCONT)
    eventually(lambda: replicas.number(0) > before, 15, "the new replica")
    eventually(lambda: status([one], execution) == "RUNNING", 15, "its answer")
    one.api.call("PUT", f"/pipelines/{execution}/cancel")
    eventually(lambda: status([three], execution) == "CANCELED", what="the cancellation")


def load_pipeline(receiver, number):
    stages = []
    for i in range(4):
        stages.append({"refId": str(i), "requisiteStageRefIds": [str(i - 1)] if i else [], "type": "webhook", "name": f"call {i}",
                       "method": "PUT", "url": f"{receiver.url}/{number}/{i}", "payload": {}})
        if i == 1:
            stages[-1]["requisiteStageRefIds"] = ["wait"]
            stages.insert(-1, {"refId": "wait", "requisiteStageRefIds": ["0"], "type": "wait", "name": "wait", "waitTime": 2})
    return {"application": "demo", "name": f"load {number % 10}", "id": f"load-{number % 10}", "limitConcurrent": False,
            "spelEvaluator": "v4", "stages": stages}


def strike(replicas, ending, faults):
    """Something bad every few seconds, never to all servers at once."""
    turn = itertools.count()
    while not ending.wait(2.5):
        kind = ["kill", "cut", "stop", "restart"][next(turn) % 4]
        server = random.choice(replicas.servers)
        faults.append(kind)
        if kind == "kill":
            server.kill()
            ending.wait(1)
            server.start(wait=False)
        elif kind == "cut":
            replicas.postgres.cut_connections()
        elif kind == "stop":
            os.kill(server.process.pid, signal.SIGSTOP)
            ending.wait(10)
            os.kill(server.process.pid, signal.SIGCONT)
        else:
            replicas.postgres.restart()


def test_faults_under_load(replicas):
    """Kills, a server that is frozen, a database that restarts, connections that are cut: each execution ends well, and a call is repeated only
    where a server died between sending and recording it, with the same key."""
    receiver, ending, faults = Receiver(), threading.Event(), []
    thread = threading.Thread(target=strike, args=(replicas, ending, faults))
    thread.start()
    try:
        ids = []
        for number in range(EXECUTIONS):
            ids.append(start(replicas.servers, load_pipeline(receiver, number), f"load-{number}"))
            time.sleep(20 / EXECUTIONS)
    finally:
        ending.set()
        thread.join()
    assert len(set(ids)) == EXECUTIONS
    assert wait_all(replicas.servers, ids, 90) == {"SUCCEEDED": EXECUTIONS}
    repeated = sum(n - 1 for n in receiver.calls.values())
    keys = collections.Counter(path for _, path in receiver.calls)
    print(f"{EXECUTIONS} executions, faults {dict(collections.Counter(faults))}, {len(keys)} calls, {repeated} repeated with the same key")
    assert len(keys) == EXECUTIONS * 4, "a call is missing"
    assert set(keys.values()) == {1}, "a call came with two keys"
    died = sum(kind in ("kill", "stop", "restart", "cut") for kind in faults)
    assert repeated <= 8 * died, f"{repeated} repeats for {died} faults"
    assert replicas.query("SELECT count(*) FROM executions WHERE finished = 0") == "0"
    eventually(lambda: replicas.query("SELECT count(*) FROM inbox") == "0", 15, "an empty inbox")
