"""Outgoing events (engine.md 19.1, notifications.md 6): at least once, in order, delaying nobody; whatever the receiver does."""
import base64
import collections
import http.server
import json
import threading
import time

import pytest
from gennaker import Gennaker, demo
from test_api import Client, wait_stage

ORDER = ["orca:pipeline:starting", "orca:stage:starting", "orca:task:starting", "orca:task:complete", "orca:stage:complete",
         "orca:stage:starting", "orca:task:starting", "orca:task:complete", "orca:stage:complete", "orca:pipeline:complete"]


class Receiver:
    """Counts what it gets. status and delay say how it answers."""

    def __init__(self, port=None):
        self.port, self.status, self.delay, self.got, self.headers = port or demo.free_port(), 200, 0, [], []
        self.server = None

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                time.sleep(outer.delay)
                outer.headers.append(dict(self.headers))
                if outer.status < 300:
                    outer.got.append(body)
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def of(self, execution_id):
        """Types of an execution's events in order of arrival, each event once."""
        seen = collections.OrderedDict()
        for event in self.got:
            if event["content"]["executionId"] == execution_id:
                seen.setdefault(event["eventId"], event["details"]["type"])
        return list(seen.values())

    def wait(self, execution_id, count, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if len(self.of(execution_id)) >= count:
                return self.of(execution_id)
            time.sleep(0.02)
        raise AssertionError(self.of(execution_id))


@pytest.fixture
def receiver():
    receiver = Receiver().start()
    yield receiver
    receiver.stop()


def serve(tmp_path, receiver, **endpoint):
    config = tmp_path / "config"
    config.mkdir()
    keys = {"url": f"http://127.0.0.1:{receiver.port}/hook?token=verysecret", **endpoint}
    (config / "echo.yml").write_text(json.dumps({"rest": {"enabled": True, "endpoints": [keys]}}))
    server = Gennaker(tmp_path / "data", config=config).start()
    api = Client(server)
    api.create_application()
    api.save("two", stages=[wait_stage(0), wait_stage(0, "2", ["1"])])
    return server, api


def counted(api, name, of=None):
    """A metric of what is told to others."""
    labels = f'{{of="{of}"}}' if of else ""
    return next(float(line.split()[-1]) for line in api.call("GET", "/metrics").text.splitlines() if line.startswith(f"gennaker_notify_{name}{labels} "))


def test_every_start_and_end_is_told_in_order(tmp_path, receiver):
    server, api = serve(tmp_path, receiver, username="u", password="p4ss", headers={"X-Mine": "yes"})
    execution = api.run("two")
    assert receiver.wait(execution["id"], 10) == ORDER
    events = [e for e in receiver.got if e["content"]["executionId"] == execution["id"]]
    assert events[0]["details"]["source"] == "orca" and events[0]["details"]["application"] == "app"
    assert events[-1]["content"]["execution"]["status"] == "SUCCEEDED"
    stage = events[1]["content"]
    assert stage["stageId"] == execution["stages"][0]["id"] and stage["name"] == "Wait 1" and stage["isSynthetic"] is False
    assert stage["standalone"] is False and stage["canceled"] is False and stage["context"]["waitTime"] == 0
    assert events[2]["content"]["taskName"] == "wait.wait"
    assert receiver.headers[0]["Authorization"] == "Basic " + base64.b64encode(b"u:p4ss").decode()
    assert receiver.headers[0]["X-Mine"] == "yes"
    assert "orca:orchestration:complete" in {e["details"]["type"] for e in receiver.got}
    assert server.stop() == 0
    assert "verysecret" not in server.said() and "p4ss" not in server.said()


def test_a_receiver_that_is_down_or_fails_gets_everything_later(tmp_path, receiver):
    server, api = serve(tmp_path, receiver)
    receiver.stop()
    first = api.run("two")  # nobody waits for the receiver
    time.sleep(0.5)
    receiver.start()
    assert receiver.wait(first["id"], 10) == ORDER
    receiver.status = 500
    second = api.run("two")
    time.sleep(0.7)
    assert receiver.of(second["id"]) == [] and counted(api, "waiting") >= 10
    receiver.status = 200
    assert receiver.wait(second["id"], 10) == ORDER
    assert counted(api, "delivered_total", "events") >= 20 and counted(api, "failed_total", "events") >= 2
    assert counted(api, "delivered_total", "notifications") == counted(api, "given_up_total", "events") == counted(api, "lost_total") == 0
    receiver.status = 404  # an answer: not sent again
    third = api.run("two")
    time.sleep(0.7)
    receiver.status = 200
    fourth = api.run("two")
    assert receiver.wait(fourth["id"], 10) == ORDER
    assert len(receiver.of(third["id"])) < 10
    assert server.stop() == 0


def test_a_slow_receiver_delays_nothing(tmp_path, receiver):
    receiver.delay = 0.3
    server, api = serve(tmp_path, receiver)
    begin = time.monotonic()
    ids = [api.run("two")["id"] for _ in range(3)]
    assert time.monotonic() - begin < 3
    receiver.delay = 0
    for execution_id in ids:
        assert receiver.wait(execution_id, 10) == ORDER
    assert server.stop() == 0


def test_nothing_is_lost_by_a_kill(tmp_path, receiver):
    receiver.status = 503
    server, api = serve(tmp_path, receiver)
    ids = [api.run("two")["id"] for _ in range(3)]
    server.kill()
    receiver.status = 200
    server.start()
    for execution_id in ids:
        assert receiver.wait(execution_id, 10) == ORDER
    assert server.stop() == 0
