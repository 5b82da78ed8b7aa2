#!/usr/bin/env python3
"""Measures a release build on this machine: start-up, memory, latency, throughput, lists, beside the budgets of the design. Not a test.

bench/bench.py [--program build/gennaker] [--executions 10000] [--postgres] [--json]
"""

import argparse
import http.client
import json
import os
import pathlib
import queue
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DONE = ("SUCCEEDED", "TERMINAL", "CANCELED")


class Server:
    """A server on a free port with a data folder of its own; its executions there, or in a database."""

    def __init__(self, program, folder, database=None):
        self.program, self.folder, self.options = program, folder, []
        if database:
            config = pathlib.Path(folder).parent / "gennaker.yml"
            config.write_text(f"gennaker:\n  store:\n    url: {database}\n")
            self.options = ["--config", str(config)]
        self.process, self.ready_seconds = None, 0.0
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    def start(self):
        began = time.monotonic()
        log = open(pathlib.Path(self.folder).parent / "server.log", "ab")
        self.process = subprocess.Popen([self.program, "server", "--listen", f"127.0.0.1:{self.port}", "--data", self.folder,
                                         *self.options],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                    s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    if s.recv(12).endswith(b"200"):
                        break
            except OSError:
                pass
            if self.process.poll() is not None:
                sys.exit(f"the server ended with {self.process.returncode}: {pathlib.Path(log.name).read_text()[-2000:]}")
            time.sleep(0.001)
        self.ready_seconds = time.monotonic() - began
        return self

    def memory_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(self, method, path, body=None):
        self.connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {text[:500]}")
        return text

    def start(self, pipeline):
        return json.loads(self.call("POST", "/pipelines/start", pipeline))["ref"].rsplit("/", 1)[1]

    def execution(self, id_):
        return json.loads(self.call("GET", f"/pipelines/{id_}"))


def pipeline_of(stages, application="bench", seconds=0):
    return json.dumps({"application": application, "id": f"waits-{stages}", "name": f"{stages} waits", "stages": [
        {"refId": str(i + 1), "requisiteStageRefIds": [str(i)] if i else [], "type": "wait", "name": f"wait {i + 1}", "waitTime": seconds}
        for i in range(stages)], "trigger": {"type": "manual"}})


def finished(client, ids, seconds=300):
    """Waits until all are done; the executions."""
    end, left, done = time.monotonic() + seconds, list(ids), {}
    while left:
        execution = client.execution(left[-1])
        if execution["status"] in DONE:
            done[left.pop()] = execution
        elif time.monotonic() > end:
            sys.exit(f"{len(left)} executions not done within {seconds} s; first: {left[-1]} {execution['status']}")
        else:
            time.sleep(0.005)
    return [done[i] for i in ids]


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def wait_until_done(client, id_):
    while client.execution(id_)["status"] not in DONE:
        time.sleep(0.0005)


def measure_latency(client, rounds=200):
    """A 10-stage pipeline, one at a time: from the request to the end as a client sees it, and as the execution says."""
    body, seen, own = pipeline_of(10), [], []
    for _ in range(rounds):
        began = time.monotonic()
        id_ = client.start(body)
        wait_until_done(client, id_)
        seen.append((time.monotonic() - began) * 1000)
        execution = client.execution(id_)
        own.append(execution["endTime"] - execution["buildTime"])
    return statistics.median(seen), percentile(seen, 0.99), statistics.median(own)


def submit_many(port, count, clients=16, seconds=0):
    work, ids, lock = queue.SimpleQueue(), [], threading.Lock()
    body = pipeline_of(10, seconds=seconds)
    for _ in range(count):
        work.put(body)

    def run():
        client, mine = Client(port), []
        while True:
            try:
                body = work.get_nowait()
            except queue.Empty:
                break
            mine.append(client.start(body))
        with lock:
            ids.extend(mine)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ids


def measure_throughput(server, client, count=1000):
    """Executions of 10 `wait 0` stages from 16 clients: from the first request to the last end."""
    began_cpu, began = server.cpu_seconds(), time.time()
    ids = submit_many(server.port, count)
    executions = finished(client, ids)
    took = max(e["endTime"] for e in executions) / 1000 - began
    bad = [e["id"] for e in executions if e["status"] != "SUCCEEDED"]
    if bad:
        sys.exit(f"{len(bad)} executions did not succeed, e.g. {bad[0]}")
    return count / took, count * 10 / took, (server.cpu_seconds() - began_cpu) * 1e6 / (count * 10), took


def measure_list(client, limit):
    times, size = [], 0
    for _ in range(7):
        began = time.monotonic()
        size = len(client.call("GET", f"/applications/bench/pipelines?limit={limit}"))
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times), size


def measure_waiting(server, count=10000, seconds=5):
    """Executions of 10 stages of which the first waits for an hour: memory, and the share of one processor."""
    submit_many(server.port, count, seconds=3600)
    time.sleep(1)
    began_cpu, began = server.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return server.memory_mb(), (server.cpu_seconds() - began_cpu) * 100 / (time.monotonic() - began)


def measure_saves(server, count=4000, clients=16):
    """Pipelines saved by many clients at once, per second."""
    def save(first):
        client = Client(server.port)
        for number in range(first, count, clients):
            client.call("POST", "/pipelines", json.dumps({"application": f"saves{number % 4}", "name": f"pipeline {number}", "stages": [
                {"refId": "1", "type": "wait", "waitTime": 30}]}))

    threads = [threading.Thread(target=save, args=(first,)) for first in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.monotonic() - began)


def measure_configs(client):
    times = []
    for _ in range(7):
        began = time.monotonic()
        client.call("GET", "/applications/saves1/pipelineConfigs")
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times)


def measure_one(client, id_):
    times = []
    for _ in range(200):
        began = time.monotonic()
        client.call("GET", f"/pipelines/{id_}")
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times)


def folder_bytes(folder):
    return sum(f.stat().st_size for f in pathlib.Path(folder).rglob("*") if f.is_file())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", default=ROOT / "build" / "gennaker")
    arguments.add_argument("--executions", type=int, default=10000, help="stored executions for the second half")
    arguments.add_argument("--postgres", action="store_true", help="executions in a PostgreSQL of its own on this machine")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    base = pathlib.Path(tempfile.mkdtemp(prefix="gennaker-bench-"))
    rows, database = [], None
    if options.postgres:
        sys.path.insert(0, str(ROOT / "tests" / "peers"))
        from postgres import Postgres
        database = Postgres()

    def row(name, value, unit, budget=""):
        rows.append({"figure": name, "value": round(value, 3), "unit": unit, "budget": budget})
        if not options.json:
            print(f"{name:<58} {value:>12,.2f} {unit:<10} {budget}", flush=True)

    try:
        server = Server(options.program, base / "data", database and database.database("bench")).start()
        row("ready after start, empty store", server.ready_seconds, "s", "0.2 s")
        time.sleep(2)
        row("resident memory, idle, empty store", server.memory_mb(), "MB", "40 MB")
        client = Client(server.port)
        client.call("POST", "/pipelines", pipeline_of(10))  # lists show executions of saved pipelines
        p50, p99, own = measure_latency(client)
        row("10 stages, one at a time, submit to end, p50", p50, "ms", "15 ms")
        row("10 stages, one at a time, submit to end, p99", p99, "ms")
        row("10 stages, buildTime to endTime, p50", own, "ms")
        per_second, stages, cpu, took = measure_throughput(server, client)
        row("1,000 executions at once from 16 clients", took, "s", "2 s")
        row("executions per second", per_second, "/s")
        row("stages per second", stages, "/s", "20,000 /s")
        row("processor time per stage", cpu, "µs")
        row("list of 1,000 executions", *[measure_list(client, 1000)[0]], "ms", "50 ms")
        row("one execution of 10 stages", measure_one(client, client.start(pipeline_of(10))), "ms", "1 ms")
        row("pipelines saved by 16 clients", measure_saves(server), "/s", "2,000 /s")
        row("list of 1,000 pipeline configurations", measure_configs(client), "ms", "10 ms")
        stored = 1200
        while stored < options.executions:
            step = min(2000, options.executions - stored)
            finished(client, submit_many(server.port, step))
            stored += step
        server.stop()
        if not database:
            row("bytes stored per stage", folder_bytes(base / "data") / (stored * 10), "B")
        server.start()
        row(f"ready after start, {stored:,} stored executions", server.ready_seconds, "s", "1 s at 100,000")
        time.sleep(2)
        row(f"resident memory, idle, {stored:,} stored executions", server.memory_mb(), "MB", "40 MB")
        client = Client(server.port)
        row("list of 1,000 executions after the restart", measure_list(client, 1000)[0], "ms", "50 ms")
        memory, share = measure_waiting(server)
        row("resident memory with 10,000 waiting executions", memory, "MB", "400 MB")
        row("processor time of 10,000 waiting executions", share, "%")
        server.stop()
    finally:
        if database:
            database.end()
        shutil.rmtree(base, ignore_errors=True)
    if options.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
