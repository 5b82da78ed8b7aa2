#!/usr/bin/env python3
"""What a server does with many stored executions: start, lists, search, backup, and how long retention holds the engine up. Not a test.

bench/large.py [--executions 500000]    needs: scripts/build build gennaker bench/bench_store; about 2 KB of disk for each execution, twice
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request

from bench import ROOT, Client, Server, percentile, pipeline_of, wait_until_done

BUSY_MS = 50  # what retention may hold the engine up at most


def milliseconds(call, times=7):
    taken = []
    for _ in range(times):
        began = time.monotonic()
        call()
        taken.append((time.monotonic() - began) * 1000)
    return percentile(taken, 0.5), max(taken)


class Probe:
    """Runs a pipeline of one stage again and again and keeps how long each took."""

    def __init__(self, port):
        self.port, self.taken, self.over = port, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def run(self):
        client, body = Client(self.port), pipeline_of(1)
        while not self.over.is_set():
            began = time.monotonic()
            wait_until_done(client, client.start(body))
            self.taken.append((time.monotonic() - began) * 1000)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def removed_by_retention(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("gennaker_engine_retention_executions_total"))


def watch_retention(server, seconds):
    """Until nothing is removed any more: how many went, and what a pipeline of one stage took meanwhile."""
    before, began, still = -1, time.monotonic(), 0
    with Probe(server.port) as probe:
        while time.monotonic() - began < seconds and still < 5:
            time.sleep(1)
            now = removed_by_retention(server.port)
            still = still + 1 if now == before and now > 0 else 0
            before = now
    return before, time.monotonic() - began, probe.taken


def report(name, text):
    print(f"{name:<58} {text}", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--executions", type=int, default=500000)
    options = arguments.parse_args()
    base = pathlib.Path(tempfile.mkdtemp(prefix="gennaker-large-"))
    program = ROOT / "build" / "gennaker"
    try:
        subprocess.run([ROOT / "build/bench/bench_store", "fill", base / "data", str(options.executions)], check=True)
        server = Server(program, base / "data").start()
        report(f"ready after start, {options.executions:,} executions", f"{server.ready_seconds:.2f} s (budget 1 s at 100,000)")
        removed, took, taken = watch_retention(server, 900)
        report("retention", f"{removed:,.0f} executions removed in {took:.0f} s; a pipeline of one stage meanwhile: p50 {percentile(taken, 0.5):.1f} ms, "
               f"p99 {percentile(taken, 0.99):.1f} ms, most {max(taken):.1f} ms of {len(taken)} (may be held up {BUSY_MS} ms)")
        client = Client(server.port)
        report("resident memory", f"{server.memory_mb():.0f} MB")
        for name, path in (("list of an application's executions", "/applications/application7/pipelines?limit=25"),
                           ("the same, 1,000 of them", "/applications/application7/pipelines?limit=1000"),
                           ("search by trigger type", "/applications/application7/executions/search?triggerTypes=manual&size=25"),
                           ("500 pipeline configurations", "/pipelineConfigs")):
            p50, most = milliseconds(lambda path=path: client.call("GET", path))
            report(name, f"p50 {p50:.1f} ms, most {most:.1f} ms")
        newest = json.loads(client.call("GET", "/applications/application7/pipelines?limit=1"))[0]["id"]
        p50, most = milliseconds(lambda: client.call("GET", f"/pipelines/{newest}"), 100)
        report("one execution", f"p50 {p50:.2f} ms, most {most:.2f} ms (budget 1 ms)")
        began = time.monotonic()
        with Probe(server.port) as probe:
            subprocess.run([program, "store", "backup", base / "data", base / "backup.db"], check=True, stdout=subprocess.DEVNULL)
            took = time.monotonic() - began
        report("backup beside the running server", f"{took:.1f} s; a pipeline of one stage meanwhile: p50 {percentile(probe.taken, 0.5):.1f} ms, "
               f"most {max(probe.taken):.1f} ms")
        server.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
