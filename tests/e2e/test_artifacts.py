"""Artifacts of pipelines: engine.md 16.4, artifacts.md 1 and 5, stages.md 2.6 and 6.4."""
import base64
import json
import subprocess

import pytest
from gennaker import PROGRAM
from test_api import Client, wait_stage

IMAGE = {"type": "docker/image", "name": "r/app", "version": "1", "reference": "r/app:1"}


def image(version, **more):
    return {**IMAGE, "version": version, "reference": f"r/app:{version}", **more}


def expected(match=None, ref="e1", **more):
    return {"id": ref, "displayName": "The image", "matchArtifact": match or {"type": "docker/image", "name": "r/app"}, **more}


@pytest.fixture
def api(server):
    api = Client(server)
    api.create_application()
    return api


def references(artifacts):
    return [a.get("reference") for a in artifacts]


def trigger(*artifacts, ids=("e1",)):
    return {"type": "manual", "artifacts": list(artifacts), "expectedArtifactIds": list(ids)}


def trace(api, execution):
    return api.get(f"/pipelines/{execution['id']}/artifacts/trace")


def failed_start(api, body):
    """The message, and the execution that was recorded."""
    message = api.error("POST", "/pipelines/app/one", body)
    config = api.get("/applications/app/pipelineConfigs/one")
    execution = api.get(f"/executions?pipelineConfigIds={config['id']}")[0]
    return message, api.get(f"/pipelines/{execution['id']}")


def test_bound(api):
    """engine.md 16.4: exactly one match is bound."""
    api.save(expectedArtifacts=[expected(), expected(ref="other")])
    execution = api.run(trigger=trigger(image("7"), image("7"), {"type": "github/file", "name": "x", "secret": 1}))
    assert execution["status"] == "SUCCEEDED"
    given = execution["trigger"]
    assert references(given["artifacts"]) == ["r/app:7", None]
    assert given["artifacts"][1]["metadata"] == {"secret": 1} and given["artifacts"][1]["customKind"] is False
    assert [e["id"] for e in given["resolvedExpectedArtifacts"]] == ["e1"]
    assert given["resolvedExpectedArtifacts"] == given["expectedArtifacts"]
    assert given["resolvedExpectedArtifacts"][0]["boundArtifact"]["reference"] == "r/app:7"
    assert "displayName" not in given["resolvedExpectedArtifacts"][0]
    told = trace(api, execution)
    assert [e["outcome"] for e in told["expected"]] == ["received", "ignored"]
    assert [c["matches"] for c in told["expected"][0]["candidates"]] == [True, False]
    assert told["expected"][0]["candidates"][1]["field"] == "type"
    assert references(told["artifacts"]) == ["r/app:7", None]


def test_unmatched(api):
    api.save(expectedArtifacts=[expected({"type": "docker/image", "name": "r/app", "version": "v.*"})])
    message, execution = failed_start(api, trigger(image("7")))
    assert 'Unmatched expected artifact "The image"' in message and "could not be resolved." in message
    assert 'version "7" does not match "v.*"' in message
    assert execution["status"] == "TERMINAL" and "Unmatched expected artifact" in execution["cancellationReason"]
    assert trace(api, execution)["expected"][0]["outcome"] == "unmatched"


def test_multiple(api):
    api.save(expectedArtifacts=[expected()])
    message, execution = failed_start(api, trigger(image("7"), image("8")))
    assert 'Expected artifact "The image"' in message and "matches multiple artifacts" in message
    assert execution["status"] == "TERMINAL"
    assert trace(api, execution)["expected"][0]["outcome"] == "multiple"


def test_default(api):
    """Bound as it is, although it does not match."""
    api.save(expectedArtifacts=[expected(useDefaultArtifact=True, defaultArtifact={"type": "custom/object", "name": "d"})])
    execution = api.run()
    assert execution["trigger"]["resolvedExpectedArtifacts"][0]["boundArtifact"]["name"] == "d"
    assert trace(api, execution)["expected"][0]["outcome"] == "default"


def test_prior(api):
    """artifacts.md 5.3: what the execution before brought forth, in its trigger too, so that a chain works; failed starts do not count."""
    api.save(expectedArtifacts=[expected(usePriorArtifact=True)])
    message, _ = failed_start(api, None)
    assert "There is no earlier execution" in message or "None matched" in message
    first = api.run(trigger=trigger(image("3"), ids=()))
    second = api.run()
    third = api.run()
    for execution, before in ((second, first), (third, second)):
        assert execution["trigger"]["resolvedExpectedArtifacts"][0]["boundArtifact"]["reference"] == "r/app:3"
        told = trace(api, execution)
        assert told["expected"][0]["outcome"] == "prior" and told["prior"]["execution"] == before["id"]
    failed_start(api, trigger(image("4"), image("5")))
    assert trace(api, api.run())["prior"]["execution"] == third["id"]


def evaluate(ref="1", after=(), **more):
    return {"refId": ref, "requisiteStageRefIds": list(after), "type": "evaluateArtifacts", "name": "Make",
            "artifactContents": [{"id": "a", "name": "one", "contents": "v=${parameters.v}"}, {"id": "b", "name": "empty", "contents": ""},
                                 {"id": "c", "name": "two", "contents": "${one}!"}],
            "expectedArtifacts": [expected({"type": "embedded/base64", "name": "two"})], **more}


def text(artifact):
    return base64.b64decode(artifact["reference"]).decode()


def test_evaluate_artifacts(api):
    """stages.md 2.6; its artifacts are seen by later stages and by the API."""
    uses = {"refId": "2", "requisiteStageRefIds": ["1"], "type": "evaluateVariables", "name": "Use",
            "variables": [{"key": "got", "value": "${#stage('Make').outputs.resolvedExpectedArtifacts[0].boundArtifact.reference}"}]}
    api.save(stages=[evaluate(), uses], spelEvaluator="v4", parameterConfig=[{"name": "v", "default": "7"}])
    execution = api.run()
    assert execution["status"] == "SUCCEEDED", execution
    stage = execution["stages"][0]
    assert [t["name"] for t in stage["tasks"]] == ["evaluateArtifacts", "bindArtifacts"]
    assert [text(a) for a in stage["outputs"]["artifacts"]] == ["v=7!"]
    assert stage["outputs"]["artifacts"][0]["artifactAccount"] == "embedded-artifact"
    assert base64.b64decode(execution["stages"][1]["outputs"]["got"]) == b"v=7!"
    assert [text(a) for a in trace(api, execution)["artifacts"]] == ["v=7!"]
    answer = api.call("PUT", "/artifacts/fetch", stage["outputs"]["artifacts"][0])
    assert answer.status == 200 and answer.text == "v=7!"


def test_evaluate_artifacts_unmatched(api):
    api.save(stages=[evaluate(expectedArtifacts=[expected({"name": "three"})])], spelEvaluator="v4")
    execution = api.run()
    assert execution["status"] == "TERMINAL"
    assert "Unmatched expected artifact" in execution["stages"][0]["context"]["exception"]["details"]["errors"][0]


def find(config, **options):
    return {"refId": "1", "requisiteStageRefIds": [], "type": "findArtifactFromExecution", "name": "Find", "pipeline": config,
            "application": "app", "executionOptions": options, "expectedArtifacts": [expected({"name": "two"})]}


def test_find_artifact_from_execution(api):
    """stages.md 6.4: the newest execution in one of the chosen states."""
    stages = [evaluate(), wait_stage(60, "2", ["1"])]
    config = api.save("made", stages=stages, spelEvaluator="v4", parameterConfig=[{"name": "v", "default": "1"}])["id"]

    saved = set()

    def start(version):
        ref = api.ok("POST", "/pipelines/app/made", {"parameters": {"v": version}}, status=202)["ref"]
        execution = api.wait(ref, ("RUNNING",))
        while execution["stages"][1]["status"] != "RUNNING":
            execution = api.get(ref)
        return ref, execution["stages"][1]["id"]

    def found(**options):
        name = "find-" + "-".join(sorted(options))
        if name not in saved:
            saved.add(name)
            api.save(name, stages=[find(config, **options)])
        execution = api.run(name)
        stage = execution["stages"][0]
        if execution["status"] == "SUCCEEDED":
            assert stage["outputs"]["resolvedExpectedArtifacts"][0]["boundArtifact"] == stage["outputs"]["artifacts"][0]
            return text(stage["outputs"]["artifacts"][0])
        return stage["context"]["exception"]["details"]["errors"][0]

    assert "no execution in the chosen states" in found(successful=True)
    ref, waiting = start("1")
    api.ok("PATCH", f"{ref}/stages/{waiting}", {"skipRemainingWait": True})
    assert api.wait(ref)["status"] == "SUCCEEDED"
    ref, _ = start("2")
    assert found(successful=True) == found(succeeded=True) == "v=1!"
    assert found(running=True) == found(successful=True, running=True) == found() == "v=2!"
    assert "no execution in the chosen states" in found(terminal=True)
    api.ok("PUT", f"{ref}/cancel")
    assert api.wait(ref)["status"] == "CANCELED"
    assert "no execution in the chosen states" in found(running=True)


def test_find_artifact_in_own_pipeline(api):
    """What the same stage found before does not count; a running execution of the own pipeline does."""
    config = api.save()["id"]
    stages = [evaluate(), {**find(config, running=True), "refId": "2", "requisiteStageRefIds": ["1"]}]
    api.call("POST", "/pipelines", {"id": config, "application": "app", "name": "one", "stages": stages, "spelEvaluator": "v4"})
    execution = api.run()
    assert execution["status"] == "SUCCEEDED", execution["stages"][1]["context"]
    assert text(execution["stages"][1]["outputs"]["artifacts"][0]).endswith("!")


def test_fetch(api):
    """artifacts.md 3, 4: what needs no account."""
    assert [a["name"] for a in api.get("/artifacts/credentials")] == ["embedded-artifact", "docker-registry", "kubernetes", "custom-artifact"]
    assert "An artifact account must be supplied" in api.error("PUT", "/artifacts/fetch", {"type": "http/file"})
    assert "Docker references" in api.error("PUT", "/artifacts/fetch", {"type": "docker/image", "artifactAccount": "d"})
    missing = api.error("PUT", "/artifacts/fetch", {"type": "http/file", "artifactAccount": "x"}, status=404)
    assert missing == "Credentials 'x' supporting artifact type 'http/file' cannot be found"
    api.error("GET", "/artifacts/account/x/names?type=helm/chart", status=404)
    api.error("GET", "/artifacts/content-address/app/abc", status=404)


def test_command_line(api, server):
    api.save(expectedArtifacts=[expected()])
    execution = api.run(trigger=trigger(image("7")))

    def run(*options):
        return subprocess.run([PROGRAM, "execution", "artifacts", *options, "--server", server.url], capture_output=True, text=True, timeout=30)

    table = run(execution["id"])
    assert table.returncode == 0 and "The image" in table.stdout and "received" in table.stdout and "r/app:7" in table.stdout
    assert json.loads(run(execution["id"], "--output", "json").stdout)["executionId"] == execution["id"]
    assert run("01NOSUCHEXECUTION").returncode != 0
