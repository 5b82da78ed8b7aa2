"""Webhook stages and URL functions against a receiver that answers well, badly, never and without end: stages.md 2.2, 2.8, 3.1 to 3.3,
expressions.md 12; kill -9 between sending and recording."""
import http.server
import itertools
import json
import subprocess
import threading
import time

import pytest
from gennaker import PROGRAM, Gennaker
from test_api import Client, wait_stage

RESTRICTIONS = "user-configured-url-restrictions:\n  rejectLocalhost: false\n  rejectVerbatimIps: false\n"
SETTINGS = """webhook:
  connectTimeoutMs: 500
  readTimeoutMs: 1000
  allowedRequests:
    - {httpMethods: [POST], urlPrefix: "http://127.0.0.1", safeToRetry: %s}
  preconfigured:
    - type: ring
      label: Ring
      url: "${parameterValues['base']}/ring/${parameterValues['name']}"
      method: PUT
      customHeaders: {X-Plain: seen}
      sensitiveHeaders: {Authorization: "Bearer hush-hush"}
      parameters: [{name: name, label: Name, defaultValue: bell, type: string}, {name: base, label: Base, type: string}]
    - {type: closed, label: Closed, url: "http://example.com/", permissions: {WRITE: [nobody-has-it]}}
    - {type: "off", label: "Off", enabled: false, url: "http://example.com/"}
"""
NUMBERS = itertools.count()


class Receiver:
    """Answers by path with what a test says: (status, headers, body), or a function of the handler; counts calls."""

    def __init__(self):
        outer = self
        self.answers, self.calls, self.ending = {}, [], threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                outer.calls.append((self.command, self.path, dict(self.headers), body))
                answer = outer.answers.get(self.path.split("?")[0], (404, {}, "no such path"))
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                if callable(answer):
                    self.close_connection = True
                    try:
                        answer(self)
                    except OSError:
                        pass
                    return
                status, headers, content = answer
                content = content if isinstance(content, str) else json.dumps(content)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content.encode())

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, path):
        return [c for c in self.calls if c[1].split("?")[0] == path]

    def end(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.end()


def server_with(tmp_path, config, **files):
    folder = tmp_path / "config"
    folder.mkdir()
    for name, text in {"orca.yml": config, **files}.items():
        (folder / name).write_text(text)
    server = Gennaker(tmp_path / "data", config=folder).start()
    return server


@pytest.fixture
def api(tmp_path):
    server = server_with(tmp_path, RESTRICTIONS + SETTINGS % "false")
    api = Client(server)
    api.create_application()
    yield api
    server.stop()


def hook(url, **more):
    return {"refId": "1", "requisiteStageRefIds": [], "type": "webhook", "name": "Hook", "url": url, **more}


def run(api, *stages):
    name = f"run-{next(NUMBERS)}"
    api.save(name, stages=list(stages))
    execution = api.run(name)
    return execution, execution["stages"][0]


def errors(stage):
    exception = stage["context"].get("exception", {}).get("details", {}).get("errors", [])
    return " ".join([*exception, stage["context"].get("webhook", {}).get("error", "")])


def test_call(api, receiver):
    """stages.md 3.1: method, payload, headers, the answer in the context; reserved headers are dropped."""
    receiver.answers["/a"] = (201, {"X-Answer": "yes"}, {"id": 7})
    execution, stage = run(api, hook(receiver.url + "/a", method="post", payload={"n": "${1 + 1}"},
                                     customHeaders={"X-One": "1", "X-Many": ["a", "b"], "X-SPINNAKER-USER": "root"}))
    assert execution["status"] == "SUCCEEDED", errors(stage)
    method, _, headers, body = receiver.calls[0]
    assert method == "POST" and json.loads(body) == {"n": 2} and headers["Content-Type"] == "application/json"
    assert headers["X-One"] == "1" and "X-SPINNAKER-USER" not in headers and len(headers["Idempotency-Key"]) == 32
    answer = stage["context"]["webhook"]
    assert answer["statusCode"] == "CREATED" and answer["statusCodeValue"] == 201 and answer["body"] == {"id": 7}
    assert answer["headers"]["X-Answer"] == "yes" and len(receiver.calls) == 1
    assert [t["name"] for t in stage["tasks"]] == ["createWebhook"]


def test_failures(api, receiver):
    receiver.answers["/a"] = (403, {}, {"why": "no"})
    execution, stage = run(api, hook(receiver.url + "/a"))
    assert execution["status"] == "TERMINAL" and stage["context"]["webhook"]["body"] == {"why": "no"}
    assert f"Error submitting webhook for pipeline {execution['id']} to {receiver.url}/a with status code 403." in errors(stage)
    receiver.answers["/a"] = (504, {}, "")
    assert "configured to fail fast" in errors(run(api, hook(receiver.url + "/a"))[1])
    assert "method" in errors(run(api, hook(receiver.url + "/a", method="TRACE"))[1])
    assert len(receiver.calls) == 2


def why_of(api, execution_id, text):
    """The sentence of the stage, waited for until the text is in it."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        said = [w["reason"] for w in api.get(f"/pipelines/{execution_id}/why") if "stageId" in w and "taskId" not in w]
        if said and text in said[0]:
            return said[0]
        time.sleep(0.05)
    raise AssertionError(said)


def test_why_names_once_what_it_is_tried_again_after(api, receiver):
    receiver.answers["/busy"] = (503, {}, "later")
    refused = hook("http://127.0.0.1:9/x", method="GET")
    cases = [(hook(receiver.url + "/busy", method="GET"), "the webhook answered 503; next poll of the webhook in "),
             (hook(receiver.url + "/busy", statusEndpoint=receiver.url + "/busy", monitorOnly=True, waitForCompletion=True),
              "asked for its status, the webhook answered 503; next poll "),
             (refused, "retries in ")]
    for stage, text in cases:
        name = f"run-{next(NUMBERS)}"
        api.save(name, stages=[stage])
        execution_id = api.start(name)
        said = why_of(api, execution_id, text)
        assert said.startswith(text) and said.count("Couldn't connect") == (stage is refused), said
        api.ok("PUT", f"/pipelines/{execution_id}/cancel")


def test_monitored(api, receiver):
    """Status from the location header, by JSON path; failures of the status are asked for again."""
    receiver.answers["/a"] = (202, {"Location": "/status"}, "")
    receiver.answers["/status"] = [(500, {}, ""), (200, {}, {"s": {"state": "busy"}, "p": "half"}), (200, {}, {"s": {"state": "Done"}, "p": "all"})]
    execution, stage = run(api, hook(receiver.url + "/a", waitForCompletion=True, statusUrlResolution="locationHeader",
                                     statusJsonPath="$.s.state", progressJsonPath="$.p", successStatuses="ok, done", terminalStatuses="bad"))
    assert execution["status"] == "SUCCEEDED", errors(stage)
    monitor = stage["context"]["webhook"]["monitor"]
    assert monitor["pastStatusCodes"] == [500, 200, 200] and monitor["resolvedValue"] == "Done" and monitor["progressMessage"] == "all"
    assert stage["context"]["statusEndpoint"] == receiver.url + "/status"


@pytest.mark.parametrize("value,status", [("bad", "TERMINAL"), ("gone", "CANCELED"), (100, "SUCCEEDED"), ({}, "TERMINAL")])
def test_statuses(api, receiver, value, status):
    receiver.answers["/a"] = (200, {}, {"state": value, "url": receiver.url + "/a"})
    execution, stage = run(api, hook(receiver.url + "/a", waitForCompletion=True, statusUrlResolution="webhookResponse", statusUrlJsonPath="$.url",
                                     statusJsonPath="$.state", successStatuses="ok", terminalStatuses="bad", canceledStatuses="gone"))
    assert stage["status"] == status, stage["context"]


def test_status_url_missing(api, receiver):
    receiver.answers["/a"] = (200, {}, {})
    assert "couldn't be resolved" in errors(run(api, hook(receiver.url + "/a", waitForCompletion=True, statusUrlResolution="locationHeader"))[1])
    assert "Exception while resolving" in errors(run(api, hook(receiver.url + "/a", waitForCompletion=True))[1])


def test_cancel_endpoint(api, receiver):
    """The cancel endpoint is called once."""
    receiver.answers["/a"] = receiver.answers["/stop"] = (200, {}, {"state": "busy"})
    api.save(stages=[hook(receiver.url + "/a", waitForCompletion=True, statusUrlResolution="getMethod", statusJsonPath="$.state", successStatuses="ok",
                          cancelEndpoint=receiver.url + "/stop", cancelMethod="DELETE")])
    execution = api.start()
    while len(receiver.of("/a")) < 2:
        time.sleep(0.05)
    api.call("PUT", f"/pipelines/{execution}/cancel")
    assert api.wait(f"/pipelines/{execution}")["status"] == "CANCELED"
    end = time.monotonic() + 10
    while not receiver.of("/stop") and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    assert [c[0] for c in receiver.of("/stop")] == ["DELETE"]


def endless(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        handler.wfile.write(b"x" * 65536)


def slow(handler):
    """A byte now and then, for longer than any limit."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(400):
        handler.wfile.write(b"x")
        time.sleep(0.1)


def malformed(handler):
    handler.wfile.write(b"what?\r\n\r\n")


def test_hostile_answers(api, receiver):
    """Bounded, explained, and never sent twice."""
    receiver.answers.update({"/endless": endless, "/malformed": malformed, "/slow": slow, "/never": lambda _: receiver.ending.wait(30),
                             "/loop": (302, {"Location": "/loop"}, ""),
                             "/meta": (302, {"Location": "http://169.254.169.254/latest/"}, ""), "/text": (200, {"Content-Type": "application/json"}, "{no")})
    assert "larger than allowed" in errors(run(api, hook(receiver.url + "/endless"))[1])
    assert "unknown" in errors(run(api, hook(receiver.url + "/malformed"))[1])
    assert "no whole answer within" in errors(run(api, hook(receiver.url + "/slow"))[1])
    assert "no whole answer within" in errors(run(api, hook(receiver.url + "/never"))[1])
    assert "HTTP_REDIRECTS_MAX" in errors(run(api, hook(receiver.url + "/loop"))[1])
    assert "rejectLinkLocal" in errors(run(api, hook(receiver.url + "/meta"))[1])
    assert run(api, hook(receiver.url + "/text"))[1]["context"]["webhook"]["body"] == "{no"
    for path in ("/endless", "/malformed", "/slow", "/never", "/meta"):
        assert len(receiver.of(path)) == 1


def test_urls_refused(tmp_path, receiver):
    """stages.md 3.3: by default no way to this machine; expressions.md 12: nor for expressions."""
    receiver.answers["/a"] = (200, {}, "x")
    server = server_with(tmp_path, "")
    api = Client(server)
    api.create_application()
    assert "rejectLocalhost" in errors(run(api, hook(receiver.url + "/a"))[1])
    assert "rejectLinkLocal" in errors(run(api, hook("http://169.254.169.254/"))[1])
    _, stage = run(api, wait_stage(text="${#fromUrl('" + receiver.url + "/a')}"))
    assert "rejectLocalhost" in json.dumps(stage["context"]["expressionEvaluationSummary"])
    assert receiver.calls == []
    server.stop()


def test_url_functions(api, receiver):
    """expressions.md 12."""
    receiver.answers.update({"/t": (200, {}, "hello"), "/j": (200, {}, {"a": [1, 2]}), "/y": (200, {}, "b: {c: 3}\n"),
                             "/p": (200, {}, "# note\nversion = 1.2\nname: x\n"), "/gone": (404, {}, "")})
    _, stage = run(api, wait_stage(t="${#fromUrl('%s/t')}" % receiver.url, j="${#jsonFromUrl('%s/j').a[1]}" % receiver.url,
                                   y="${#yamlFromUrl('%s/y').b.c}" % receiver.url, p="${#propertiesFromUrl('%s/p')}" % receiver.url,
                                   gone="${#fromUrl('%s/gone')}" % receiver.url))
    context = stage["context"]
    assert (context["t"], context["j"], context["y"], context["p"]) == ("hello", 2, 3, {"version": "1.2", "name": "x"})
    assert context["gone"].startswith("${") and "404" in json.dumps(context["expressionEvaluationSummary"])


def test_preconfigured(api, receiver):
    """stages.md 3.2: the configuration's values, parameters with defaults, secret headers that no execution shows."""
    receiver.answers["/ring/bell"] = (200, {}, {})
    listed = api.get("/webhooks/preconfigured")
    assert [w["type"] for w in listed] == ["ring", "closed"] and "hush" not in json.dumps(listed)
    execution, stage = run(api, {**hook("http://ignored.example.com/"), "type": "ring", "alias": "preconfiguredWebhook", "parameterValues": {"base": receiver.url}})
    assert execution["status"] == "SUCCEEDED", errors(stage)
    method, path, headers, _ = receiver.calls[0]
    assert (method, path, headers["Authorization"], headers["X-Plain"]) == ("PUT", "/ring/bell", "Bearer hush-hush", "seen")
    assert "hush" not in json.dumps(execution) and "hush" not in api.server.said()
    plain = {**hook(receiver.url + "/ring/bell"), "type": "ring"}
    assert run(api, {**plain, "parameterValues": {"base": receiver.url}})[0]["status"] == "SUCCEEDED"
    run(api, {**plain, "alias": "webhook"})
    assert [c[2].get("Authorization") for c in receiver.calls] == ["Bearer hush-hush"] * 2 + [None]
    _, stage = run(api, {**hook("http://a.example.com/"), "type": "closed", "alias": "preconfiguredWebhook"})
    assert "may not run" in errors(stage)


@pytest.mark.parametrize("safe", [True, False])
def test_killed_between_sending_and_recording(tmp_path, receiver, safe):
    """The same key where a repeat is declared harmless, else no second call and a clear end."""
    receiver.answers["/a"] = [lambda handler: receiver.ending.wait(30), (200, {}, {"fine": True})]
    server = server_with(tmp_path, RESTRICTIONS + (SETTINGS % str(safe).lower()).replace("readTimeoutMs: 1000", "readTimeoutMs: 15000"))
    api = Client(server)
    api.create_application()
    api.save(stages=[hook(receiver.url + "/a")])
    execution = api.start()
    while not receiver.of("/a"):
        time.sleep(0.02)
    server.kill()
    server.start()
    ended = api.wait(f"/pipelines/{execution}", seconds=30)
    keys = {c[2]["Idempotency-Key"] for c in receiver.of("/a")}
    assert len(receiver.of("/a")) == (2 if safe else 1) and len(keys) == 1
    assert ended["status"] == ("SUCCEEDED" if safe else "TERMINAL")
    if not safe:
        assert "outcome unknown" in errors(ended["stages"][0]) and keys.pop() in errors(ended["stages"][0])
    server.stop()


def watch(url, **more):
    return hook("", monitorOnly=True, waitForCompletion=True, statusEndpoint=url, **more)


def test_retries(api, receiver):
    """stages.md 3.1: `retries` limits how often a code is asked for again, whatever the other rules say."""
    receiver.answers.update({"/gone": (404, {}, ""), "/down": (500, {}, ""), "/late": [(404, {}, ""), (200, {}, "")], "/never": (404, {}, "")})
    _, stage = run(api, watch(receiver.url + "/gone", retryStatusCodes=[404], retries={"404": {"maxAttempts": 2}}))
    assert stage["status"] == "TERMINAL" and len(receiver.of("/gone")) == 3
    assert stage["context"]["webhook"]["monitor"]["pastStatusCodes"] == [404, 404, 404]
    _, stage = run(api, watch(receiver.url + "/down", retries={"500": {"maxAttempts": 0}}))
    assert stage["status"] == "TERMINAL" and len(receiver.of("/down")) == 1
    assert run(api, watch(receiver.url + "/late", retries={"404": {"maxAttempts": 5}}))[1]["status"] == "SUCCEEDED"
    assert run(api, watch(receiver.url + "/never"))[1]["status"] == "TERMINAL" and len(receiver.of("/never")) == 1


def test_monitor_only(api, receiver):
    receiver.answers["/s"] = (200, {}, {"state": "ok"})
    execution, stage = run(api, watch(" " + receiver.url + "/s ", statusJsonPath="$.state", successStatuses="OK", customHeaders={"X-One": "1"}))
    assert execution["status"] == "SUCCEEDED" and [t["name"] for t in stage["tasks"]] == ["monitorWebhook"]
    assert [(c[0], c[2]["X-One"]) for c in receiver.calls] == [("GET", "1")]
    execution, stage = run(api, hook("", monitorOnly=True, statusEndpoint=receiver.url + "/s"))
    assert execution["status"] == "TERMINAL" and "monitorOnly needs waitForCompletion" in json.dumps(stage["context"])


def test_wait_before_monitor(api, receiver):
    """Counted from the start of the stage."""
    receiver.answers["/a"] = (200, {}, {"state": "ok"})
    execution, stage = run(api, hook(receiver.url + "/a", waitForCompletion=True, statusUrlResolution="getMethod", waitBeforeMonitor=2,
                                     statusJsonPath="$.state", successStatuses="ok"))
    assert execution["status"] == "SUCCEEDED" and stage["context"]["waitTime"] == 2
    assert [t["name"] for t in stage["tasks"]] == ["createWebhook", "waitBeforeMonitorWebhook", "monitorWebhook"]
    assert 2000 < stage["tasks"][2]["startTime"] - stage["startTime"] < 4000


def test_artifacts_of_an_answer(api, receiver):
    """stages.md 3.1, artifacts.md 4: an answer's artifacts are bound when nothing is waited for."""
    image = {"type": "docker/image", "name": "web", "version": "7", "reference": "registry/web:7"}
    expected = [{"id": "e1", "matchArtifact": {"type": "docker/image", "name": "web"}}]
    receiver.answers.update({"/a": (200, {}, {"artifacts": [image]}), "/none": (200, {}, {"id": 1}), "/other": (200, {}, {"artifacts": []})})
    execution, stage = run(api, hook(receiver.url + "/a", expectedArtifacts=expected))
    assert execution["status"] == "SUCCEEDED", errors(stage)
    assert [t["name"] for t in stage["tasks"]] == ["createWebhook", "bindProducedArtifacts"]
    assert stage["outputs"]["artifacts"][0]["reference"] == "registry/web:7"
    assert stage["outputs"]["resolvedExpectedArtifacts"][0]["boundArtifact"]["version"] == "7"
    assert "Expected artifacts in webhook response couldn't be parsed" in errors(run(api, hook(receiver.url + "/none", expectedArtifacts=expected))[1])
    assert run(api, hook(receiver.url + "/other", expectedArtifacts=expected))[0]["status"] == "TERMINAL"


def test_limits(tmp_path, receiver):
    """webhook.maxRequestBytes, maxResponseBytes, followRedirects."""
    receiver.answers.update({"/a": (200, {}, "x" * 1000), "/b": (200, {}, "x" * 1001), "/moved": (302, {"Location": "/a"}, "")})
    server = server_with(tmp_path, RESTRICTIONS + "webhook: {maxRequestBytes: 100, maxResponseBytes: 1000, followRedirects: false}\n")
    api = Client(server)
    api.create_application()
    assert run(api, hook(receiver.url + "/a", payload="x" * 100))[0]["status"] == "SUCCEEDED"
    assert "webhook.maxRequestBytes (100)" in errors(run(api, hook(receiver.url + "/a", payload="x" * 101))[1])
    assert "larger than allowed" in errors(run(api, hook(receiver.url + "/b"))[1])
    assert run(api, hook(receiver.url + "/moved"))[1]["context"]["webhook"]["statusCodeValue"] == 302
    assert [len(receiver.of(p)) for p in ("/a", "/b", "/moved")] == [1, 1, 1]
    server.stop()


def test_unresolvable(api, receiver):
    """stages.md 3.1, 3.3: the end of the stage when it is created; asked again while it is watched."""
    nowhere = "http://" + "a" * 64 + ".example.com/"
    execution, stage = run(api, hook(nowhere))
    assert execution["status"] == "TERMINAL" and "cannot be resolved" in errors(stage)
    receiver.answers["/moved"] = (302, {"Location": nowhere}, "")
    assert "cannot be resolved" in errors(run(api, hook(receiver.url + "/moved"))[1])
    api.save(stages=[hook("", monitorOnly=True, waitForCompletion=True, statusEndpoint=nowhere)])
    execution = api.start()
    time.sleep(1.5)
    assert api.get(f"/pipelines/{execution}")["status"] == "RUNNING"
    api.call("PUT", f"/pipelines/{execution}/cancel")


def test_accounts(tmp_path, receiver):
    """stages.md 3.3: requireAccount, validateAccount."""
    receiver.answers["/a"] = (200, {}, "")
    server = server_with(tmp_path, RESTRICTIONS + "webhook: {requireAccount: true, validateAccount: true, verifyRedirects: false}\n")
    api = Client(server)
    api.create_application()
    assert "account: required" in errors(run(api, hook(receiver.url + "/a"))[1])
    assert "nobody" in errors(run(api, hook(receiver.url + "/a", account="nobody"))[1])
    assert receiver.calls == []
    linted = subprocess.run([PROGRAM, "lint", tmp_path / "config"], capture_output=True, text=True, timeout=20)
    assert "no meaning here: webhook.verifyRedirects" in linted.stdout
    server.stop()


WRONG = [("webhook:\n  readTimeoutMs: soon\n", "readTimeoutMs"), ("webhook:\n  allowedRequests: [{matchStrategy: LIKE, urlPrefix: a}]\n", "matchStrategy"),
         ("webhook:\n  allowedRequests: [{matchStrategy: PATTERN_MATCHES, urlPattern: '('}]\n", "urlPattern"),
         ("webhook:\n  defaultRetryStatusCodes: [busy]\n", "defaultRetryStatusCodes"), ("webhook:\n  preconfigured: [{label: x}]\n", "type: required"),
         ("webhook:\n  trust: {enabled: true}\n", "trust.trustStore"),
         ("user-configured-url-restrictions:\n  rejectedIps: [10.0.0.0/33]\n", "10.0.0.0/33"),
         ("user-configured-url-restrictions:\n  allowedHostnamesRegex: '('\n", "allowedHostnamesRegex"),
         ("user-configured-url-restrictions:\n  rejectLocalhost: perhaps\n", "rejectLocalhost"),
         ("tasks:\n  evaluate-condition:\n    enabled: perhaps\n", "evaluate-condition.enabled")]


def test_wrong_configuration(tmp_path, receiver):
    """stages.md 3.3: refused at the start, by a reload, which changes nothing, and by lint; never read as if it were not there."""
    receiver.answers["/a"] = (200, {}, "")
    server = server_with(tmp_path, RESTRICTIONS)
    api, file = Client(server), tmp_path / "config" / "orca.yml"
    api.create_application()
    for text, word in WRONG:
        file.write_text(text)
        assert word in api.error("POST", "/admin/reload")
    assert run(api, hook(receiver.url + "/a"))[0]["status"] == "SUCCEEDED"  # the restrictions are those of the start
    file.write_text("")
    assert api.call("POST", "/admin/reload").status == 200
    assert "rejectLocalhost" in errors(run(api, hook(receiver.url + "/a"))[1])
    server.stop()
    for text, word in WRONG:
        file.write_text(text)
        refused = subprocess.run([PROGRAM, "server", "--listen", "127.0.0.1:0", "--data", tmp_path / "data", "--config", file.parent],
                                 capture_output=True, text=True, timeout=20)
        assert refused.returncode == 2 and word in refused.stderr
        linted = subprocess.run([PROGRAM, "lint", file.parent], capture_output=True, text=True, timeout=20)
        assert linted.returncode == 2 and word in linted.stdout


def test_flow(api):
    """stages.md 2.2, 2.8."""
    soon = int(time.time() * 1000) + 700
    execution, stage = run(api, {"refId": "1", "requisiteStageRefIds": [], "type": "waitUntil", "name": "Until", "epochMillis": soon})
    assert execution["status"] == "SUCCEEDED" and stage["endTime"] >= soon and stage["context"]["startTime"]
    depends = {"refId": "1", "requisiteStageRefIds": [], "type": "dependsOnExecution", "name": "After", "executionType": "pipeline"}
    assert run(api, {**depends, "executionId": execution["id"]})[0]["status"] == "SUCCEEDED"
    assert "not found" in run(api, {**depends, "executionId": "nothing"})[1]["context"]["error"]
