"""Pipeline templates from outside (engine.md 24, api.md 12): saved, planned, started, refused."""
import json
import os
import subprocess

import pytest
from gennaker import PROGRAM, Gennaker
from test_api import Client, wait_stage


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Gennaker(tmp_path_factory.mktemp("templates") / "data").start()
    yield server
    assert server.stop() == 0, server.said()


@pytest.fixture(scope="module")
def api(server):
    client = Client(server)
    client.create_application()
    return client


def template(id, stages=None, variables=None, **more):
    pipeline = {"stages": stages if stages is not None else [wait_stage("${templateVariables.seconds}")], **more.pop("pipeline", {})}
    variables = variables if variables is not None else [{"name": "seconds", "type": "int", "defaultValue": 0}]
    return {"schema": "v2", "id": id, "metadata": {"name": id, "scopes": ["global"]}, "variables": variables, "pipeline": pipeline, **more}


def configuration(id, name="made", tag="", **more):
    artifact = {"type": "front50/pipelineTemplate", "artifactAccount": "front50ArtifactCredentials", "reference": f"spinnaker://{id}{tag}"}
    return {"schema": "v2", "type": "templatedPipeline", "application": "app", "name": name, "template": artifact, **more}


def create(api, document, query="", status="SUCCEEDED"):
    view = api.ok("POST", f"/v2/pipelineTemplates/create{query}", document)
    assert view["status"] == status, view
    return view


def task_error(view):
    return next(stage for stage in view["execution"]["stages"] if "exception" in stage["context"])["context"]["exception"]["details"]["errors"][0]


def test_save_and_read(api):
    """api.md 12: variants by tag and digest; every rule of saving."""
    document = template("kept")
    create(api, document)
    assert "already exists" in task_error(create(api, document, status="TERMINAL"))
    create(api, document, "?tag=stable")
    read = api.get("/v2/pipelineTemplates/kept")
    assert {k: v for k, v in read.items() if k not in ("updateTs", "lastModifiedBy")} == document
    versions = api.get("/v2/pipelineTemplates/versions")["kept"]
    digest = next(v["digest"] for v in versions if "digest" in v)
    assert sorted(v.get("tag", "-") for v in versions) == ["-", "latest", "stable"]
    assert api.get(f"/v2/pipelineTemplates/kept?digest={digest}")["id"] == "kept"
    assert len([t for t in api.get("/v2/pipelineTemplates?scopes=global") if t["id"] == "kept"]) == 4
    assert api.get("/v2/pipelineTemplates?scopes=other") == []
    assert "not both" in api.error("GET", f"/v2/pipelineTemplates/kept?tag=stable&digest={digest}")
    api.error("GET", "/v2/pipelineTemplates/unknown", status=404)
    assert "schema version is invalid" in api.error("POST", "/v2/pipelineTemplates/create", {**document, "schema": "v7"}, status=500)
    assert "the tag new is none of" in task_error(create(api, document, "?tag=new", "TERMINAL"))
    assert "not found" in task_error(api.ok("POST", "/v2/pipelineTemplates/update/absent", template("absent")))
    api.error("POST", "/v2/pipelineTemplates/create", [1])


def test_plan_and_start(api):
    """engine.md 24.1: variables, parameters and triggers of the template."""
    create(api, template("run", pipeline={"parameterConfig": [{"name": "p", "default": "from template"}], "spelEvaluator": "v4",
                                          "triggers": [{"type": "webhook", "source": "s"}]}))
    made = configuration("run", variables={"seconds": 0}, triggers=[{"type": "webhook", "source": "t"}])
    planned = api.ok("POST", "/v2/pipelineTemplates/plan", made)
    assert [t["source"] for t in planned["triggers"]] == ["s", "t"] and planned["triggers"][0]["inherited"] is True
    assert planned["source"] == {"id": "run", "type": "templatedPipeline", "version": "v2"}
    assert planned["templateVariables"] == {"seconds": 0} and planned["stages"][0]["waitTime"] == "${templateVariables.seconds}"
    assert api.call("POST", "/pipelines", made).status == 200
    execution = api.run("made")
    assert execution["status"] == "SUCCEEDED" and execution["stages"][0]["context"]["waitTime"] == 0
    assert execution["templateVariables"] == {"seconds": 0} and execution["trigger"]["parameters"] == {"p": "from template"}
    api.run("made", {"parameters": {"p": "given"}})
    config = api.get("/applications/app/pipelineConfigs/made")
    for more, expected in (({}, "given"), ({"executionId": execution["id"]}, "from template"), ({"trigger": {"parameters": {"p": "own"}}}, "own")):
        plan = api.ok("POST", "/pipelines/start", {**config, **more, "plan": True})
        assert plan["trigger"]["parameters"]["p"] == expected, more
    assert api.get("/v2/pipelineTemplates/run/dependents")[0]["pipelineName"] == "made"
    view = api.ok("DELETE", "/v2/pipelineTemplates/run")
    assert "depend on this template: made of app" in task_error(view)


def test_errors(api):
    """engine.md 24.1: the list of errors, for a plan, for a start, and in the execution that is recorded."""
    create(api, template("strict", variables=[{"name": "a", "type": "int"}, {"name": "b", "type": "list"}, {"name": "c"}]))
    bad = configuration("strict", variables={"a": "x", "b": {}})
    answer = api.call("POST", "/v2/pipelineTemplates/plan", bad)
    assert answer.status == 400
    errors = answer.json["errors"]
    assert all(e["severity"] == "FATAL" and e["message"] and e["location"] for e in errors)
    assert [e["location"] for e in errors] == ["configuration:variables.a", "configuration:variables.b", "configuration:variables"]
    assert errors[2]["message"].endswith("Missing variable values for: c")
    answer = api.call("POST", "/pipelines/start", bad)
    assert answer.status == 400 and len(answer.json["errors"]) == 3
    assert api.call("POST", "/pipelines/start", {**bad, "plan": True}).json["errors"] == errors
    recorded = api.get("/applications/app/executions/search?statuses=TERMINAL")[0]
    assert recorded["cancellationReason"].startswith("Failed on startup: Pipeline template is invalid\nMessage: Variable a has")
    assert "Pipeline template is invalid" in api.error("POST", "/pipelines", bad)
    assert "Configured pipeline template not found" in api.error("POST", "/pipelines", configuration("nowhere"))
    missing = api.call("POST", "/v2/pipelineTemplates/plan", configuration("nowhere"))
    assert missing.status == 400 and missing.json["errors"][0]["cause"] == "Pipeline template nowhere not found"


def test_protect_and_stages(api):
    """engine.md 24.1 steps 3 and 5."""
    create(api, template("protected", protect=True))
    stage = {**wait_stage(), "refId": "own", "inject": {"last": True}}
    refused = api.call("POST", "/v2/pipelineTemplates/plan", configuration("protected", stages=[stage]))
    assert refused.status == 400 and "disallowed" in refused.json["errors"][0]["message"]
    create(api, template("open"))
    planned = api.ok("POST", "/v2/pipelineTemplates/plan", configuration("open", stages=[stage, {**stage, "refId": "left", "inject": {}}]))
    assert [(s["refId"], s["requisiteStageRefIds"]) for s in planned["stages"]] == [("1", []), ("own", ["1"])]
    assert planned["templateWarnings"][0]["location"] == "configuration:stages.left"


def test_update_plans_dependents(api):
    """stages.md 4.4: a template is not changed under pipelines that would no longer work."""
    create(api, template("used"))
    assert api.call("POST", "/pipelines", configuration("used", "user")).status == 200
    broken = template("used", variables=[{"name": "new"}])
    view = api.ok("POST", "/v2/pipelineTemplates/update/used", broken)
    assert view["status"] == "TERMINAL" and "user of app" in task_error(view) and "Missing variable values for: new" in task_error(view)
    assert api.ok("POST", "/v2/pipelineTemplates/update/used?skipPlanDependents=true", broken)["status"] == "SUCCEEDED"
    assert api.get("/v2/pipelineTemplates/used")["variables"] == [{"name": "new"}]


def v1_configuration(source, name, **more):
    pipeline = {"application": "app", "name": name, "template": {"source": source}, "variables": more.pop("variables", {})}
    return {"type": "templatedPipeline", "application": "app", "name": name, "config": {"schema": "1", "pipeline": pipeline, **more}}


def test_version_1(api):
    """engine.md 24.2, clients.md 4: inheritance, modules, conditions; a template is there right after its 202."""
    root = {"schema": "1", "id": "root", "metadata": {"name": "root", "scopes": ["global"]}, "variables": [{"name": "seconds", "type": "int"}],
            "modules": [{"id": "body", "definition": {"waitTime": "{{ seconds }}"}}],
            "stages": [{"id": "first", "type": "wait", "config": "{% module body %}"},
                       {"id": "maybe", "type": "wait", "dependsOn": ["first"], "when": ["{{ seconds > 5 }}"], "config": {"waitTime": 1}}]}
    child = {"schema": "1", "id": "child", "source": "spinnaker://root", "variables": [{"name": "seconds", "type": "int", "defaultValue": 0}],
             "stages": [{"id": "last", "type": "wait", "dependsOn": ["maybe"], "config": {"waitTime": 0}}]}
    for document in (root, child):
        assert api.call("POST", "/pipelineTemplates", document).status == 202
        assert api.get(f"/pipelineTemplates/{document['id']}")["stages"] == document["stages"]
    assert api.call("POST", "/pipelineTemplates/child", child).status == 202
    assert [s["id"] for s in api.get("/pipelineTemplates/resolve?source=spinnaker://child")["stages"]] == ["first", "maybe", "last"]
    assert sorted(t["id"] for t in api.get("/pipelineTemplates?scopes=global")) == ["root"]
    config = v1_configuration("spinnaker://child", "one v1")
    assert api.call("POST", "/pipelines", config).status == 200
    execution = api.run("one%20v1")
    assert execution["status"] == "SUCCEEDED"
    assert [(s["refId"], s["requisiteStageRefIds"], s["context"]["waitTime"]) for s in execution["stages"]] == \
        [("first", [], 0), ("last", ["first"], 0)]
    assert api.get("/pipelineTemplates/root/dependents?recursive=true")[0]["pipelineName"] == "one v1"
    assert api.get("/pipelineTemplates/root/dependents") == []
    ref = api.ok("DELETE", "/pipelineTemplates/child", status=202)["ref"]
    assert "depend on this template" in task_error(api.wait(ref))
    refused = api.call("POST", "/pipelines/start", {**v1_configuration("http://127.0.0.1:1/x", "web"), "plan": True})
    assert refused.status == 400 and "127.0.0.1" in refused.json["errors"][0]["cause"]
    answer = api.call("POST", "/pipelines/start", {**config, "config": {**config["config"], "pipeline": {"name": "x"}}, "application": None})
    assert answer.status == 400


def test_convert(api):
    """engine.md 24.2: a pipeline as a template."""
    config = api.save("plain", stages=[wait_stage(5), wait_stage(6, "2", ["1"])])
    text = api.call("GET", f"/pipelineConfigs/{config['id']}/convertToTemplate").text
    assert "schema: \"1\"" in text and "id: wait2" in text and "- wait1" in text
    assert "id: wait1" in api.call("POST", "/convertPipelineToTemplate", {"stages": [wait_stage()]}).text
    api.error("GET", "/pipelineConfigs/unknown/convertToTemplate", status=404)
    api.error("POST", "/convertPipelineToTemplate", [])


def test_command_line(api, server, tmp_path):
    """clients.md 3.2: the verbs of spin."""
    def gennaker(*words, code=0, input=None):
        done = subprocess.run([PROGRAM, "pipeline-template", *words], capture_output=True, text=True, input=input,
                              env={**os.environ, "GENNAKER_SERVER": server.url})
        assert done.returncode == code, done
        return done.stdout if code == 0 else done.stderr

    file = tmp_path / "template.json"
    document = template("cli", variables=[{"name": "seconds", "type": "int"}])
    file.write_text(json.dumps(document))
    assert "saved pipeline template cli" in gennaker("save", str(file))
    gennaker("save", str(file), "--tag", "stable")
    gennaker("save", str(file))
    assert "stable" in gennaker("list", "--scopes", "global") and "(required)" in gennaker("get", "cli", "--tag", "stable")
    assert json.loads(gennaker("get", "cli", "--output", "json"))["variables"] == document["variables"]
    made = gennaker("use", "cli", "app", "--name", "by cli", "--set", "seconds=0", "--tag", "stable")
    assert json.loads(made)["template"]["reference"] == "spinnaker://cli:stable" and json.loads(made)["variables"] == {"seconds": 0}
    assert "Wait 1" in gennaker("plan", "-", input=made)
    assert "Missing variable values for: seconds" in gennaker("plan", "-", input=gennaker("use", "cli", "app"), code=2)
    assert "NAME=VALUE" in gennaker("use", "cli", "app", "--set", "x", code=2)
    assert api.call("POST", "/pipelines", json.loads(made)).status == 200
    assert "depend on this template" in gennaker("delete", "cli", "--tag", "stable", code=10)
    assert "deleted pipeline template cli" in gennaker("delete", "cli")
    assert "not found" in gennaker("get", "cli", "--tag", "test", code=5)


def test_command_line_saves_both_versions(api, server, tmp_path):
    """A file may hold several; what cannot be saved keeps nothing else from being saved."""
    def save(value, code=0):
        done = subprocess.run([PROGRAM, "pipeline-template", "save", "-"], capture_output=True, text=True, input=json.dumps(value),
                              env={**os.environ, "GENNAKER_SERVER": server.url})
        assert done.returncode == code, done
        return done

    first = {"schema": "1", "id": "first", "metadata": {"name": "First", "description": "d", "owner": "o@e.f", "scopes": ["global"]},
             "variables": [], "stages": [{"id": "rest", "type": "wait", "config": {"waitTime": 0}}]}
    assert "saved pipeline template first" in save(first).stdout
    assert "saved pipeline template first" in save({**first, "protect": True}).stdout  # replaced
    assert api.get("/pipelineTemplates/first")["protect"] is True
    done = save([template("second"), {"schema": "v2"}, {"schema": "1", "id": "no way"}, {**first, "id": "third"}], code=2)
    assert done.stdout.count("saved pipeline template") == 2 and "standard input:1: a pipeline template needs an id" in done.stderr
    assert done.stderr.rstrip().endswith("2 of 4 pipeline templates could not be saved")
    assert api.get("/v2/pipelineTemplates/second")["id"] == "second" and api.get("/pipelineTemplates/third")["id"] == "third"
