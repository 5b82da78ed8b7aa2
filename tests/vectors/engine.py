#!/usr/bin/env python3
"""Engine vectors: runs pipelines on a live server through its public API and compares what became of them.

engine.py [--known LIST] FILE...   The format is described at the head of the files (member "format").

One server with a fresh data folder per call; cases run side by side. --known names a list of cases that may fail
("engine ID reason" per line): they are reported, not counted, and one that passes is a failure of the list.
"""
import argparse
import concurrent.futures
import copy
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("GENNAKER_PROGRAM") or ROOT / "build" / "gennaker")
APPLICATION = "vectors"
COMPLETE = {"SUCCEEDED", "FAILED_CONTINUE", "TERMINAL", "CANCELED", "STOPPED", "SKIPPED"}
LIMIT_MS = 15000
POLL_SECONDS = 0.05
RUNS_APART_SECONDS = 0.1
PARALLEL = 8
# Stubs are on this machine, which the reference refuses to call unless told otherwise.
CONFIG = "user-configured-url-restrictions:\n  rejectLocalhost: false\n  rejectLinkLocal: false\n  rejectVerbatimIps: false\n"


class Refused(Exception):
    """The server answered with an error."""


class Server:
    """A server of its own: free port, fresh data folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        config = self.folder / "config"
        config.mkdir()
        (config / "orca.yml").write_text(CONFIG)
        self.log = open(self.folder / "log", "w+")
        command = [str(PROGRAM), "server", "--listen", "127.0.0.1:0", "--data", str(self.folder / "data"), "--config", str(config)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.port = self.wait_port()

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def wait_port(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self.said())
            if found:
                try:
                    self.port = int(found[1])
                    self.call("GET", "/health")
                    return self.port
                except OSError:
                    pass
            time.sleep(0.05)
        sys.exit(f"{PROGRAM} did not start:\n{self.said()[-3000:]}")

    def call(self, method, path, body=None, user="tester"):
        """The answer's JSON, None when empty. Refused for errors."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json", "X-SPINNAKER-USER": user}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 400:
            raise Refused(f"{method} {path}: {answer.status} {text[:500]}")
        return json.loads(text) if text else None

    def stop(self):
        """Its exit code; 0 when it stopped cleanly."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Stubs:
    """An HTTP server that answers from the cases' scripts; each case has its own path below the root."""

    def __init__(self):
        self.lock = threading.Lock()
        self.scripts, self.calls = {}, {}
        stubs = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, text = stubs.respond(self.command, self.path, body)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, case_id, scripts):
        name = urllib.parse.quote(case_id, safe="")
        self.scripts[name], self.calls[name] = copy.deepcopy(scripts), []
        return f"http://127.0.0.1:{self.server.server_address[1]}/{name}"

    def respond(self, method, path, body):
        name, _, rest = path.lstrip("/").partition("/")
        bare = "/" + rest.partition("?")[0]
        with self.lock:
            self.calls.setdefault(name, []).append({"method": method, "path": bare, "body": body.decode(errors="replace")})
            for script in self.scripts.get(name, []):
                if script["method"] != method or script["path"] not in (bare, "/" + rest):
                    continue
                responses = script["responses"]
                response = responses.pop(0) if len(responses) > 1 else responses[0]
                break
            else:
                return 404, {}, b""
        content = response.get("body")
        if content is None:
            return response["status"], response.get("headers", {}), b""
        text = content if isinstance(content, str) else json.dumps(content)
        kind = "text/plain" if isinstance(content, str) else "application/json"
        return response["status"], {"Content-Type": kind, **response.get("headers", {})}, text.encode()

    def calls_of(self, case_id):
        with self.lock:
            return list(self.calls.get(urllib.parse.quote(case_id, safe=""), []))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


# ---- comparing: each function gives a list of differences ----

def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def match_special(expected, actual, where):
    """Differences for a matcher, or None when it is none."""
    if not isinstance(expected, dict) or len(expected) != 1:
        return None
    (kind, wanted), = expected.items()
    if kind == "$exists":
        passed = (actual is not MISSING) == bool(wanted)
    elif kind == "$absent":
        passed = (actual is MISSING or actual is None) == bool(wanted)
    elif kind == "$regex":
        passed = isinstance(actual, str) and re.search(wanted, actual) is not None
    elif kind == "$contains":
        texts = actual if isinstance(actual, list) else [actual]
        passed = any((isinstance(text, str) and str(wanted) in text) or text == wanted for text in texts)
    else:
        return None
    return [] if passed else [f"{where}: expected {json.dumps(expected)}, got {show(actual)}"]


MISSING = object()  # what is not there, where null would be a value


def show(value):
    return "nothing" if value is MISSING else json.dumps(value)[:600]


def differ(expected, actual, where):
    """A subset of objects; lists and scalars as a whole."""
    special = match_special(expected, actual, where)
    if special is not None:
        return special
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [d for key, value in expected.items() for d in differ(value, actual.get(key, MISSING), f"{where}.{key}")]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [d for i, value in enumerate(expected) for d in differ(value, actual[i], f"{where}[{i}]")]
    same_kind = is_number(expected) and is_number(actual) or type(expected) is type(actual)
    if same_kind and expected == actual:
        return []
    return [f"{where}: expected {json.dumps(expected)}, got {show(actual)}"]


def stages_of(execution):
    return {stage["refId"]: stage for stage in execution.get("stages", [])}


def differ_stage(expected, stage, where):
    if stage is None:
        return [f"{where}: there is no such stage"]
    differences = []
    for key, value in expected.items():
        if key == "tasks":
            differences += differ(value, [task["name"] for task in stage["tasks"]], f"{where}.tasks")
        elif key == "requisites":
            differences += differ(sorted(value), sorted(stage["requisiteStageRefIds"]), f"{where}.requisites")
        else:
            differences += differ(value, stage.get(key, MISSING), f"{where}.{key}")
    return differences


def differ_execution(expected, execution):
    stages = stages_of(execution)
    differences = differ(expected["status"], execution["status"], "status") if "status" in expected else []
    for ref_id, wanted in expected.get("stages", {}).items():
        differences += differ_stage(wanted, stages.get(ref_id), f"stage {ref_id}")
    for ref_id in expected.get("absent", []):
        if ref_id in stages:
            differences.append(f"stage {ref_id} must not exist")
    for first, second in expected.get("order", []):
        ended, started = stages.get(first, {}).get("endTime"), stages.get(second, {}).get("startTime")
        if ended is None or started is None or ended > started:
            differences.append(f"stage {first} (ended {ended}) must end no later than stage {second} starts ({started})")
    if "durationMs" in expected:
        lasted = execution.get("endTime", 0) - execution.get("startTime", 0)
        low, high = expected["durationMs"].get("min", 0), expected["durationMs"].get("max", float("inf"))
        if not low <= lasted <= high:
            differences.append(f"duration: expected {low} to {high} ms, was {lasted}")
    return differences + differ(expected.get("execution", {}), execution, "execution")


# ---- a case ----

class Case:
    def __init__(self, server, stubs, test):
        self.server, self.stubs, self.test = server, stubs, test
        self.expect = test.get("expect", {})
        self.end = time.monotonic() + test.get("limitMs", LIMIT_MS) / 1000
        self.runs = []
        self.last_action = time.monotonic()

    def prepare(self):
        """Saves the pipelines; the one that is run."""
        base = self.stubs.add(self.test["id"], self.test.get("stubs", []))
        filled = json.loads(json.dumps(self.test).replace("{{STUB}}", base))
        for saved in filled.get("saved", []):
            self.server.call("POST", "/pipelines", {"application": APPLICATION, "name": f"{self.test['id']} {saved.get('id')}", **saved})
        pipeline = {"application": APPLICATION, "name": self.test["id"], "id": str(uuid.uuid4()), **filled["pipeline"]}
        self.server.call("POST", "/pipelines", pipeline)
        return pipeline, filled

    def start(self, pipeline, trigger):
        path = "/pipelines/" + "/".join(urllib.parse.quote(pipeline[key], safe="") for key in ("application", "name"))
        answer = self.server.call("POST", path, {"type": "manual", "user": "tester", **(trigger or {})})
        self.runs.append(answer["ref"].rpartition("/")[2])

    def execution(self, run=0):
        return self.server.call("GET", f"/pipelines/{self.runs[run]}")

    def wait(self, what, reached, run=0):
        """Polls until reached(execution); AssertionError at the end of the case's time."""
        while True:
            execution = self.execution(run)
            if reached(execution):
                return execution
            if time.monotonic() > self.end:
                stages = {ref: stage["status"] for ref, stage in stages_of(execution).items()}
                raise AssertionError(f"waited in vain for {what}; execution is {execution['status']}, stages {json.dumps(stages)}")
            time.sleep(POLL_SECONDS)

    def wait_for(self, when, run):
        if "afterMs" in when:
            time.sleep(max(0, self.last_action + when["afterMs"] / 1000 - time.monotonic()))
        if "execution" in when:
            self.wait(f"execution {when['execution']}", lambda e: e["status"] == when["execution"], run)
        if "stage" in when:
            self.wait(f"stage {when['stage']} {when.get('status')}",
                      lambda e: stages_of(e).get(when["stage"], {}).get("status") == when.get("status"), run)

    def stage_path(self, action, run):
        stage = stages_of(self.execution(run))[action["stage"]]
        return f"/pipelines/{self.runs[run]}/stages/{stage['id']}"

    def act(self, action, pipeline):
        when = action.get("when", {})
        run = when.get("run", action.get("run", 0))
        self.wait_for(when, run)
        time.sleep(action.get("delayMs", 0) / 1000)
        what, path = action["do"], f"/pipelines/{self.runs[run]}"
        user = action.get("user", "tester")
        if what == "cancel":
            reason = urllib.parse.quote(action.get("reason", ""))
            self.server.call("PUT", f"{path}/cancel" + (f"?reason={reason}" if reason else ""), user=user)
        elif what in ("pause", "resume"):
            self.server.call("PUT", f"{path}/{what}", user=user)
        elif what == "patch":
            self.server.call("PATCH", self.stage_path(action, run), action["body"], user=user)
        elif what == "restart":
            before = self.execution(run)
            self.server.call("PUT", self.stage_path(action, run) + "/restart", {"skip": False}, user=user)
            # It happens a moment later; until then the execution still looks as it ended.
            self.wait("the restart", lambda e: e["status"] not in COMPLETE or e.get("endTime") != before.get("endTime"), run)
        elif what == "trigger":
            self.start(pipeline, action.get("input"))
        else:
            raise AssertionError(f"unknown action {what}")
        self.last_action = time.monotonic()

    def started_from(self, config_id):
        path = f"/executions?limit=20&expand=true&pipelineConfigIds={urllib.parse.quote(config_id)}"
        return self.server.call("GET", path)

    def differ_triggered(self, pipeline):
        differences = []
        for wanted in self.expect.get("triggered", []):
            config_id = wanted["pipelineConfigId"]
            while True:
                found = [e for e in self.started_from(config_id) if not differ(wanted, e, "")]
                if found or time.monotonic() > self.end:
                    break
                time.sleep(POLL_SECONDS)
            if not found:
                differences.append(f"triggered: no execution like {json.dumps(wanted)}, but {show(self.started_from(config_id))}")
        for config_id in self.expect.get("notTriggered", []):
            if config_id != pipeline["id"] and self.started_from(config_id):
                differences.append(f"{config_id} must not be started")
        return differences

    def differ_stub_calls(self):
        calls, differences = self.stubs.calls_of(self.test["id"]), []
        for wanted in self.expect.get("stubCalls", []):
            count = sum(call["method"] == wanted["method"] and call["path"] == wanted["path"] for call in calls)
            if count != wanted["count"] if "count" in wanted else count == 0:
                differences.append(f"stub call {json.dumps(wanted)}: {count} of {json.dumps(calls)}")
        return differences

    def differ_runs(self, executions):
        differences = []
        for i, wanted in enumerate(self.expect.get("runs", [])):
            if "sameAs" in wanted and self.runs[i] != self.runs[wanted["sameAs"]]:
                differences.append(f"run {i} must be the same execution as run {wanted['sameAs']}")
            differences += [f"run {i}: {d}" for d in differ_execution({k: v for k, v in wanted.items() if k != "sameAs"}, executions[i])]
        for first, second in self.expect.get("runOrder", []):
            ended, started = executions[first].get("endTime"), executions[second].get("startTime")
            if ended is None or started is None or ended > started:
                differences.append(f"run {first} (ended {ended}) must end no later than run {second} starts ({started})")
        for first, second in self.expect.get("runsOverlap", []):
            a, b = executions[first], executions[second]
            if min(a.get("endTime", 0), b.get("endTime", 0)) <= max(a.get("startTime", 0), b.get("startTime", 0)):
                differences.append(f"runs {first} and {second} must overlap")
        return differences

    def finish(self, pipeline):
        until = self.test.get("until")
        if until:
            self.wait_for(until, until.get("run", 0))
            return differ_execution(self.expect, self.execution())
        executions = [self.wait("the end", lambda e: e["status"] in COMPLETE, run) for run in range(len(self.runs))]
        return differ_execution(self.expect, executions[0]) + self.differ_runs(executions) + self.differ_triggered(pipeline)

    def run(self):
        """The differences; none when the case passes."""
        refusal_wanted = self.expect.get("submit") == "error"
        try:
            pipeline, filled = self.prepare()
            for i, trigger in enumerate(filled.get("runs", [filled.get("input", {})])):
                if i:
                    time.sleep(RUNS_APART_SECONDS)
                self.start(pipeline, trigger)
        except Refused as refused:
            return [] if refusal_wanted else [str(refused)]
        if refusal_wanted:
            return ["the start must be refused"]
        try:
            for action in filled.get("actions", []):
                self.act(action, pipeline)
            return self.finish(pipeline) + self.differ_stub_calls()
        except (AssertionError, Refused) as problem:
            return [str(problem)]


# ---- files ----

def read_known(path):
    known = {}
    for line in pathlib.Path(path).read_text().splitlines() if path else []:
        area, _, rest = line.partition(" ")
        case_id, _, reason = rest.partition(" ")
        if area == "engine":
            known[case_id] = reason
    return known


def run_case(server, stubs, test):
    try:
        return Case(server, stubs, test).run()
    except (OSError, KeyError, TypeError, ValueError, http.client.HTTPException) as problem:
        return [f"{type(problem).__name__}: {problem}"]


def report(test, differences, known):
    """1 passed, 0 failed, None when it does not count."""
    case_id = test["id"]
    if case_id in known:
        if not differences:
            print(f"{case_id}: passes, but is listed as one that may fail: {known[case_id]}")
            return 0
        print(f"{case_id}: known to fail: {known[case_id]}")
        return None
    if not differences:
        return 1
    print(f"{case_id} ({test.get('about', '')})")
    for difference in differences:
        print(f"  {difference}")
    return 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--known")
    arguments.add_argument("files", nargs="+", metavar="FILE")
    options = arguments.parse_args()
    known = read_known(options.known)
    tests = [test for path in options.files for test in json.loads(pathlib.Path(path).read_text())["cases"]]
    with tempfile.TemporaryDirectory(prefix="gennaker-vectors-") as folder:
        server, stubs = Server(folder), Stubs()
        try:
            with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
                differences = list(pool.map(lambda test: run_case(server, stubs, test), tests))
        finally:
            code = server.stop()
            stubs.stop()
        results = [report(test, found, known) for test, found in zip(tests, differences)]
        if code != 0:
            print(f"the server ended with {code}:\n{server.said()[-3000:]}")
            results.append(0)
    passed, failed = results.count(1), results.count(0)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
