"""Stages that call a service of the configuration: stages.md 5, jira and gremlin, against a receiver that answers well, badly and never."""
import base64
import json
import time
import urllib.parse

import pytest
from test_api import Client
from test_webhook import Receiver, run, server_with

JIRA = "jira: {enabled: true, baseUrl: '%s/', username: bot, password: hush-hush}\n"
GREMLIN = "integrations: {gremlin: {enabled: true, base-url: '%s'}}\n"
CREATED = (201, {}, {"id": "10", "key": "OPS-1", "self": "https://jira/10", "more": "x"})


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.end()


@pytest.fixture
def api(tmp_path, receiver):
    server = server_with(tmp_path, GREMLIN % receiver.url, **{"echo.yml": JIRA % receiver.url, "gate.yml": GREMLIN % receiver.url})
    api = Client(server)
    api.create_application()
    yield api
    assert server.stop() == 0
    assert "hush-hush" not in server.said() and "grem-key" not in server.said()


def jira(**fields):
    fields = {"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": "Deployed ${1 + 1}", "description": "by a pipeline", **fields}
    return {"refId": "1", "requisiteStageRefIds": [], "type": "jira", "name": "Jira", "fields": fields}


def gremlin(**more):
    return {"refId": "1", "requisiteStageRefIds": [], "type": "gremlin", "name": "Chaos", "gremlinApiKey": "grem-key",
            "gremlinCommandTemplateId": "c1", "gremlinTargetTemplateId": "t1", **more}


def problem(stage):
    return " ".join(stage["context"].get("exception", {}).get("details", {}).get("errors", []))


# ---- jira ----


def test_jira_creates_an_issue(api, receiver):
    receiver.answers["/rest/api/2/issue/"] = CREATED
    execution, stage = run(api, jira(labels=["mine"], customFields={"customfield_1": "v"}))
    assert execution["status"] == "SUCCEEDED", problem(stage)
    (_, _, headers, body), = receiver.calls
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"bot:hush-hush").decode()
    fields = json.loads(body)["fields"]
    assert fields["summary"] == "Deployed 2" and fields["customfield_1"] == "v" and "customFields" not in fields
    assert fields["labels"][0] == "mine" and fields["labels"][1].startswith("gennaker-") and "reporter" not in fields
    response = stage["context"]["createJiraIssueResponse"]
    assert response["key"] == "OPS-1" and response["value"] == {"id": "10", "key": "OPS-1", "self": "https://jira/10"}
    assert [t["name"] for t in stage["tasks"]] == ["createJiraIssue"] and "_jiraSending" not in stage["context"]


def test_jira_where_issues_have_no_labels(api, receiver):
    receiver.answers["/rest/api/2/issue/"] = [(400, {}, {"errors": {"labels": "Field 'labels' cannot be set"}}), CREATED]
    execution, stage = run(api, jira())
    assert execution["status"] == "SUCCEEDED", problem(stage)
    assert "labels" not in json.loads(receiver.calls[1][3])["fields"] and len(receiver.calls) == 2


def test_jira_refuses(api, receiver):
    receiver.answers["/rest/api/2/issue/"] = (400, {}, {"errors": {"project": "project is required"}})
    execution, stage = run(api, jira())
    assert execution["status"] == "TERMINAL" and "answered 400" in problem(stage) and "project is required" in problem(stage)
    receiver.answers["/rest/api/2/issue/"] = (401, {}, "")
    assert "look at jira.token" in problem(run(api, jira())[1])
    calls = len(receiver.calls)
    assert "fields.project" in problem(run(api, jira(project="OPS"))[1]) and len(receiver.calls) == calls


def test_jira_looks_before_it_repeats(api, receiver):
    """Killed after the request was sent: the issue is found by its label, not created again."""
    receiver.answers["/rest/api/2/issue/"] = lambda _: receiver.ending.wait(30)
    receiver.answers["/rest/api/2/search"] = (410, {}, "gone")
    receiver.answers["/rest/api/2/search/jql"] = (200, {}, {"issues": [{"id": "10", "key": "OPS-1", "self": "s"}]})
    api.save("jira", stages=[jira()])
    execution = api.start("jira")
    while not receiver.of("/rest/api/2/issue/"):
        time.sleep(0.02)
    api.server.kill()
    api.server.start()
    done = api.wait(f"/pipelines/{execution}", seconds=60)
    assert done["status"] == "SUCCEEDED" and len(receiver.of("/rest/api/2/issue/")) == 1
    label = json.loads(receiver.of("/rest/api/2/issue/")[0][3])["fields"]["labels"][0]
    assert f'labels = "{label}"' in urllib.parse.unquote(receiver.of("/rest/api/2/search/jql")[0][1])
    assert done["stages"][0]["context"]["createJiraIssueResponse"]["key"] == "OPS-1"


def test_services_that_are_not_configured(tmp_path):
    server = server_with(tmp_path, "")
    api = Client(server)
    api.create_application()
    assert "jira.enabled" in problem(run(api, jira())[1])
    assert "integrations.gremlin.enabled" in problem(run(api, gremlin())[1])
    api.error("POST", "/integrations/gremlin/templates/command", {"apiKey": "k"}, status=404)
    assert server.stop() == 0


# ---- gremlin ----


def test_gremlin_attack(api, receiver):
    receiver.answers["/attacks/new"] = (201, {}, "guid-1")
    receiver.answers["/executions"] = [(200, {}, [{"guid": "e", "stage": "Running", "stage_lifecycle": "Active"}]),
                                       (200, {}, [{"guid": "e", "stage": "Successful", "stage_lifecycle": "Complete", "end_time": "now"}])]
    execution, stage = run(api, gremlin())
    assert execution["status"] == "SUCCEEDED", problem(stage)
    (_, _, headers, body), = receiver.of("/attacks/new")
    assert headers["Authorization"] == "Key grem-key"
    assert json.loads(body) == {"command": {"template_id": "c1"}, "target": {"template_id": "t1"}}
    assert receiver.of("/executions")[0][1] == "/executions?taskId=guid-1" and len(receiver.of("/executions")) == 2
    assert stage["context"]["gremlinAttackGuid"] == "guid-1" and stage["context"]["isGremlinTerminal"] == "true"
    assert [t["name"] for t in stage["tasks"]] == ["launchGremlinAttack", "monitorGremlinAttack"]


def test_gremlin_attack_fails(api, receiver):
    receiver.answers["/attacks/new"] = (201, {}, '"guid-2"')
    receiver.answers["/executions"] = (200, {}, [{"stage": "Failed", "stage_lifecycle": "Error", "end_time": "now", "output": "no such host"}])
    execution, stage = run(api, gremlin())
    assert execution["status"] == "TERMINAL" and "(Failed) with output: no such host" in problem(stage)
    assert not [c for c in receiver.calls if c[0] == "DELETE"]
    receiver.answers["/attacks/new"] = (401, {}, "who are you?")
    assert "look at gremlinApiKey" in problem(run(api, gremlin())[1])


def test_gremlin_attack_is_halted(api, receiver):
    receiver.answers["/attacks/new"] = (201, {}, "guid-3")
    receiver.answers["/executions"] = (200, {}, [])
    receiver.answers["/attacks/guid-3"] = (200, {}, "")
    api.save("chaos", stages=[gremlin()])
    execution = api.start("chaos")
    while not receiver.of("/executions"):
        time.sleep(0.02)
    api.ok("PUT", f"/pipelines/{execution}/cancel")
    assert api.wait(f"/pipelines/{execution}")["status"] == "CANCELED"
    for _ in range(200):
        if receiver.of("/attacks/guid-3"):
            break
        time.sleep(0.02)
    assert [c[0] for c in receiver.of("/attacks/guid-3")] == ["DELETE"]


def test_gremlin_launch_is_not_repeated(api, receiver):
    """Killed after the request was sent: nobody knows, and that is said."""
    receiver.answers["/attacks/new"] = lambda _: receiver.ending.wait(30)
    api.save("chaos", stages=[gremlin()])
    execution = api.start("chaos")
    while not receiver.of("/attacks/new"):
        time.sleep(0.02)
    api.server.kill()
    api.server.start()
    done = api.wait(f"/pipelines/{execution}")
    assert done["status"] == "TERMINAL" and "outcome unknown" in problem(done["stages"][0]) and len(receiver.of("/attacks/new")) == 1


def test_gremlin_templates(api, receiver):
    """api.md 15: the lists that Deck's form offers."""
    receiver.answers["/templates/command"] = (200, {}, [{"guid": "c1", "name": "CPU"}])
    receiver.answers["/templates/target"] = (401, {}, "")
    assert api.ok("POST", "/integrations/gremlin/templates/command", {"apiKey": "grem-key"}) == [{"guid": "c1", "name": "CPU"}]
    assert receiver.calls[0][2]["Authorization"] == "Key grem-key"
    api.error("POST", "/integrations/gremlin/templates/target", {"apiKey": "wrong"}, status=401)
    api.error("POST", "/integrations/gremlin/templates/target", {}, status=400)
