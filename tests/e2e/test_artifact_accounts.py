"""Artifacts that are read with the accounts of the configuration: artifacts.md 3 and 4, stages.md 4.4, against a receiver."""
import base64
import json
import subprocess

import pytest
from gennaker import PROGRAM
from test_api import Client
from test_webhook import Receiver, server_with

RESTRICTIONS = "{rejectLocalhost: false, rejectVerbatimIps: false}"
ACCOUNTS = """artifacts:
  http:
    enabled: true
    accounts:
      - {name: web, username: bot, password: hush-hush, urlRestrictions: %(open)s}
      - {name: guarded}
      - {name: elsewhere, urlRestrictions: {rejectLocalhost: false, rejectVerbatimIps: false, allowedDomains: [example.com]}}
  github:
    enabled: true
    accounts:
      - {name: hub, tokenFile: "%(file)s", urlRestrictions: %(open)s}
      - {name: hub-raw, token: hub-secret, useContentAPI: true, urlRestrictions: %(open)s}
  gitlab: {enabled: true, accounts: [{name: lab, token: lab-secret, urlRestrictions: %(open)s}]}
  bitbucket: {enabled: true, accounts: [{name: bucket, token: bit-secret, urlRestrictions: %(open)s}]}
"""


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.end()


@pytest.fixture
def api(tmp_path):
    (tmp_path / "token").write_text(" hub-secret\n")
    config = {"clouddriver.yml": ACCOUNTS % {"open": RESTRICTIONS, "file": tmp_path / "token"}}
    server = server_with(tmp_path, "", **config)
    api = Client(server)
    api.create_application()
    yield api
    assert server.stop() == 0
    assert not [s for s in ("hush-hush", "hub-secret", "lab-secret", "bit-secret") if s in server.said()]


def fetch(api, account, kind, reference, **more):
    return api.call("PUT", "/artifacts/fetch", {"artifactAccount": account, "type": kind, "reference": reference, **more})


def test_credentials(api):
    accounts = api.get("/artifacts/credentials")
    assert {"name": "web", "types": ["http/file"]} in accounts and {"name": "custom-artifact", "types": ["custom/object"]} in accounts
    assert "no-auth-http-account" not in [a["name"] for a in accounts] and "hush-hush" not in json.dumps(accounts)


def test_files_of_web_servers(api, receiver):
    receiver.answers["/a"] = (302, {"Location": "/b"}, "")
    receiver.answers["/b"] = (200, {}, "contents")
    answer = fetch(api, "web", "http/file", receiver.url + "/a")
    assert (answer.status, answer.text) == (200, "contents")
    assert receiver.calls[0][2]["Authorization"] == "Basic " + base64.b64encode(b"bot:hush-hush").decode()
    assert "answered 404" in fetch(api, "web", "http/file", receiver.url + "/none").json["message"]
    calls = len(receiver.calls)
    refused = fetch(api, "guarded", "http/file", receiver.url + "/b")
    assert refused.status == 403 and "user-configured-url-restrictions" in refused.json["message"]
    refused = fetch(api, "elsewhere", "http/file", receiver.url + "/b")
    assert refused.status == 403 and "artifact account elsewhere" in refused.json["message"] and len(receiver.calls) == calls
    assert fetch(api, "web", "gitlab/file", receiver.url).status == 404


def test_files_of_repositories(api, receiver):
    receiver.answers["/repos/o/r/contents/p"] = (200, {}, {"download_url": receiver.url.replace("127.0.0.1", "localhost") + "/raw?token=own"})
    receiver.answers["/raw"] = receiver.answers["/lab"] = receiver.answers["/bucket"] = (200, {}, "contents")
    hub = receiver.url + "/repos/o/r/contents/p"
    answer = fetch(api, "hub", "github/file", hub, version="a b")
    assert (answer.status, answer.text) == (200, "contents"), answer
    first = receiver.calls[0]
    assert first[1] == "/repos/o/r/contents/p?ref=a%20b" and first[2]["Authorization"] == "token hub-secret"
    assert all("Authorization" not in c[2] for c in receiver.of("/raw"))
    assert fetch(api, "hub-raw", "github/file", hub).status == 200
    assert receiver.calls[-1][2]["Accept"] == "application/vnd.github.v3.raw" and receiver.calls[-1][1].endswith("?ref=master")
    assert fetch(api, "lab", "gitlab/file", receiver.url + "/lab").text == "contents"
    assert receiver.calls[-1][2]["Private-Token"] == "lab-secret" and receiver.calls[-1][1] == "/lab?ref=master"
    assert fetch(api, "bucket", "bitbucket/file", receiver.url + "/bucket").text == "contents"
    assert receiver.calls[-1][2]["Authorization"] == "Bearer bit-secret" and receiver.calls[-1][1] == "/bucket"


def test_save_pipelines_from_a_file(api, receiver):
    """stages.md 4.4: what the artifact refers to is read; a server that is away for a moment is asked again."""
    receiver.answers["/pipelines.json"] = [(503, {}, "later"), (200, {}, {"app": [{"name": "from a file", "stages": []}]})]
    artifact = {"type": "http/file", "reference": receiver.url + "/pipelines.json", "artifactAccount": "web"}
    view = api.task({"type": "savePipelinesFromArtifact", "pipelinesArtifact": artifact})
    assert view["status"] == "SUCCEEDED", view
    assert [p["name"] for p in api.get("/applications/app/pipelineConfigs")] == ["from a file"] and len(receiver.calls) == 2
    receiver.answers["/pipelines.json"] = (200, {}, "<html>")
    assert api.task({"type": "savePipelinesFromArtifact", "pipelinesArtifact": artifact})["status"] == "TERMINAL"


def test_wrong_accounts_are_refused(api, tmp_path):
    (tmp_path / "config" / "clouddriver.yml").write_text("artifacts: {http: {enabled: true, accounts: [{name: a}, {name: a}]}}\n")
    lint = subprocess.run([PROGRAM, "lint", tmp_path / "config"], capture_output=True, text=True)
    assert lint.returncode == 2 and "configured twice" in lint.stdout
