"""Pipelines inside pipelines (engine.md 14.1, 14.4, 16.3, 17; stages.md 4.1-4.3), from outside, over crashes too."""
import json
import time

import pytest
from gennaker import Gennaker
from http_calls import call

ENDED = ("SUCCEEDED", "TERMINAL", "CANCELED")
APP = "nest"


class House:
    """A server with an application, saved pipelines and their executions."""

    def __init__(self, server):
        self.server = server
        self.task({"type": "createApplication", "application": {"name": APP, "email": "a@b.c"}})

    def call(self, method, path, body=None, status=(200, 202)):
        answer = call(self.server.port, method, path, body)
        assert answer.status in status, answer
        return answer.json

    def task(self, job):
        ref = self.call("POST", "/tasks", {"application": APP, "description": "task", "job": [job]})["ref"]
        view = self.until(lambda: self.call("GET", ref), lambda seen: seen["status"] in ENDED)
        assert view["status"] == "SUCCEEDED", view

    def until(self, look, fits, seconds=30):
        end = time.monotonic() + seconds
        while True:
            seen = look()
            if fits(seen):
                return seen
            assert time.monotonic() < end, json.dumps(seen)[:3000]
            time.sleep(0.02)

    def save(self, name, *stages, **more):
        """Saves a pipeline whose stages run one after the other; its id."""
        linked = [{"refId": str(i), "requisiteStageRefIds": [str(i - 1)] if i else [], "name": stage.get("name", stage["type"]), **stage}
                  for i, stage in enumerate(stages)]
        self.call("POST", "/pipelines", {"application": APP, "name": name, "stages": linked, **more})
        return next(p["id"] for p in self.call("GET", f"/applications/{APP}/pipelineConfigs") if p["name"] == name)

    def start(self, name, **trigger):
        return self.call("POST", f"/pipelines/{APP}/{name}", {"type": "manual", **trigger})["ref"].rsplit("/", 1)[1]

    def get(self, execution_id):
        return self.call("GET", f"/pipelines/{execution_id}")

    def end(self, execution_id, status="SUCCEEDED", seconds=30):
        seen = self.until(lambda: self.get(execution_id), lambda e: e["status"] in ENDED, seconds)
        assert seen["status"] == status, json.dumps(seen["stages"])[:3000]
        return seen

    def all(self, config_id):
        return self.call("GET", f"/executions?pipelineConfigIds={config_id}&limit=500&expand=true")

    def child(self, execution_id, at=0):
        """The child of a stage, once it runs."""
        seen = self.until(lambda: self.get(execution_id)["stages"][at], lambda s: "executionId" in s["context"])
        return seen["context"]["executionId"]

    def stage(self, execution_id, at=0):
        return self.get(execution_id)["stages"][at]

    def running(self, execution_id, at=0):
        self.until(lambda: self.stage(execution_id, at), lambda s: s["status"] == "RUNNING" and s["tasks"])

    def judge(self, execution_id, answer="continue", at=0):
        self.running(execution_id, at)
        self.call("PATCH", f"/pipelines/{execution_id}/stages/{self.stage(execution_id, at)['id']}", {"judgmentStatus": answer})


@pytest.fixture
def house(server):
    return House(server)


JUDGE = {"type": "manualJudgment"}
FAIL = {"type": "pipeline", "name": "Check", "application": APP, "pipeline": "nowhere"}
VARIABLES = {"type": "evaluateVariables", "variables": [{"key": "color", "value": "${parameters.color}"}]}


def runs(pipeline, **more):
    return {"type": "pipeline", "application": APP, "pipeline": pipeline, **more}


# ---- engine.md 17: how it ends ----
def test_success_gives_outputs_parameters_and_parentage(house):
    child = house.save("child", VARIABLES, parameterConfig=[{"name": "color", "default": "red"}, {"name": "size", "default": "big"}])
    house.save("parent", runs(child, pipelineParameters={"color": "blue", "extra": 1}), VARIABLES)
    parent = house.end(house.start("parent", parameters={"color": "own"}))
    stage = parent["stages"][0]
    assert [t["name"] for t in stage["tasks"]] == ["startPipeline", "monitorPipeline"]
    assert stage["outputs"]["color"] == "blue" and stage["context"]["status"] == "SUCCEEDED"
    assert stage["context"]["executionName"] == "child"
    got = house.get(stage["context"]["executionId"])
    trigger = got["trigger"]
    assert trigger["type"] == "pipeline" and trigger["parentPipelineStageId"] == stage["id"]
    assert trigger["parameters"] == {"color": "blue", "extra": 1, "size": "big"}
    assert trigger["correlationId"] == f"{parent['id']}_{stage['id']}_{child}_{parent['startTime']}"
    assert trigger["parentExecution"]["id"] == parent["id"] and got["rootId"] == parent["id"]


def test_failure_brings_the_errors_of_the_child(house):
    child = house.save("child", FAIL)
    house.save("parent", runs(child))
    house.save("ignoring", runs(child, continuePipeline=True), VARIABLES)
    parent = house.end(house.start("parent"), "TERMINAL")
    exception = parent["stages"][0]["context"]["exception"]
    assert exception["details"]["errors"][0].startswith("Exception in child pipeline stage (child: Check")
    failed = house.get(parent["stages"][0]["context"]["executionId"])
    halted = exception["source"]
    assert halted["executionId"] == failed["id"] and failed["stages"][halted["stageIndex"]]["id"] == halted["stageId"]
    other = house.end(house.start("ignoring"))
    assert [s["status"] for s in other["stages"]] == ["FAILED_CONTINUE", "SUCCEEDED"]


def test_what_cannot_be_started(house):
    off = house.save("off", JUDGE, disabled=True)
    house.save("gone", runs("no-such-id"))
    house.save("disabled", runs(off))
    house.save("strategy", runs(off, pipelineParameters={"strategy": True}, pipelineId="s1"))
    errors = [house.end(house.start(name), "TERMINAL")["stages"][0]["context"]["exception"]["details"]["errors"][0]
              for name in ("gone", "disabled", "strategy")]
    assert errors == ["The referenced pipeline cannot be located (no-such-id)", "The referenced pipeline is disabled",
                      "The referenced custom strategy cannot be located (s1)"]


def test_without_waiting_and_with_outputs_kept_back(house):
    child = house.save("child", JUDGE)
    quick = house.save("quick", {"type": "evaluateVariables", "variables": [{"key": "color", "value": "x"}]})
    house.save("parent", runs(child, waitForCompletion="False"), runs(quick, skipDownstreamOutput=True))
    parent = house.end(house.start("parent"))
    assert [t["name"] for t in parent["stages"][0]["tasks"]] == ["startPipeline"]
    assert "color" not in parent["stages"][1]["outputs"]
    assert house.get(parent["stages"][0]["context"]["executionId"])["status"] == "RUNNING"


def test_artifacts_go_down_and_come_back(house):
    image = {"type": "docker/image", "name": "img", "reference": "img:1", "version": "1"}
    made = {"type": "docker/image", "name": "made", "reference": "made:1"}

    def expects(artifact, **more):
        return {"id": artifact["name"], "displayName": artifact["name"],
                "matchArtifact": {"type": artifact["type"], "name": artifact["name"]}, **more}

    child = house.save("child", {"type": "evaluateArtifacts", "artifactContents": [],
                                 "expectedArtifacts": [expects(made, useDefaultArtifact=True, defaultArtifact=made)]},
                       expectedArtifacts=[expects(image)])
    house.save("parent", runs(child, expectedArtifacts=[expects(made)]))
    parent = house.end(house.start("parent", artifacts=[image]))
    got = house.get(parent["stages"][0]["context"]["executionId"])
    assert got["trigger"]["artifacts"][0]["reference"] == "img:1"
    assert got["trigger"]["resolvedExpectedArtifacts"][0]["boundArtifact"]["reference"] == "img:1"
    assert parent["stages"][0]["tasks"][-1]["name"] == "bindProducedArtifacts"
    assert parent["stages"][0]["outputs"]["artifacts"][0]["reference"] == "made:1"


def test_artifacts_that_do_not_fit_fail_the_child_and_the_stage(house):
    child = house.save("child", JUDGE, expectedArtifacts=[
        {"id": "x", "displayName": "x", "matchArtifact": {"type": "docker/image", "name": "img"}, "usePriorArtifact": True}])
    house.save("parent", runs(child))
    parent = house.end(house.start("parent"), "TERMINAL")
    failed = house.get(parent["stages"][0]["context"]["executionId"])
    assert failed["status"] == "TERMINAL" and failed["cancellationReason"].startswith("Failed on startup: Unmatched expected artifact")
    assert "Unmatched expected artifact" in parent["stages"][0]["context"]["exception"]["details"]["errors"][0]


# ---- engine.md 14.1: cancel, both ways ----
def test_cancel_of_the_parent_reaches_every_level(house):
    leaf = house.save("leaf", JUDGE)
    middle = house.save("middle", runs(leaf))
    house.save("top", runs(middle))
    top = house.start("top")
    mid = house.child(top)
    low = house.child(mid)
    house.running(low)
    house.call("PUT", f"/pipelines/{top}/cancel?reason=enough")
    for execution in (top, mid, low):
        house.end(execution, "CANCELED")
    assert house.get(low)["canceledBy"] == house.get(mid)["canceledBy"] == "parent pipeline"
    assert house.get(low)["rootId"] == top


def test_cancel_of_the_child_cancels_the_stage(house):
    child = house.save("child", JUDGE)
    house.save("parent", runs(child))
    parent = house.start("parent")
    low = house.child(parent)
    house.running(low)
    house.call("PUT", f"/pipelines/{low}/cancel")
    seen = house.end(parent, "CANCELED")
    assert seen["stages"][0]["context"]["exception"]["details"]["errors"] == ["At least one monitored pipeline was cancelled"]


def test_skip_by_hand(house):
    child = house.save("child", JUDGE)
    house.save("parent", runs(child, skippable=True), VARIABLES)
    house.save("fixed", runs(child))
    parent, fixed = house.start("parent", parameters={"color": "x"}), house.start("fixed")
    for execution, status in ((parent, "SKIPPED"), (fixed, "RUNNING")):
        house.child(execution)
        house.running(execution)
        stage = house.stage(execution)
        assert stage["context"].get("canManuallySkip", False) == (execution == parent)
        call(house.server.port, "PATCH", f"/pipelines/{execution}/stages/{stage['id']}", {"manualSkip": True})
        house.until(lambda e=execution: house.stage(e), lambda s, wanted=status: s["status"] == wanted)
    house.end(parent)


# ---- engine.md 14.4: restart over the border ----
def test_restart_of_the_stage_runs_the_child_anew(house):
    child = house.save("child", JUDGE)
    house.save("parent", runs(child))
    parent = house.start("parent")
    first = house.child(parent)
    house.judge(first, "stop")
    seen = house.end(parent, "TERMINAL")
    house.call("PUT", f"/pipelines/{parent}/stages/{seen['stages'][0]['id']}/restart", {})
    second = house.until(lambda: house.stage(parent)["context"].get("executionId"), lambda i: i not in (None, first))
    house.judge(second)
    house.end(parent)


def test_restart_in_the_child_restarts_its_parents(house):
    leaf = house.save("leaf", JUDGE)
    middle = house.save("middle", runs(leaf))
    house.save("top", runs(middle))
    top = house.start("top")
    mid = house.child(top)
    low = house.child(mid)
    house.judge(low, "stop")
    house.end(top, "TERMINAL")
    house.call("PUT", f"/pipelines/{low}/stages/{house.stage(low)['id']}/restart", {})
    for execution in (mid, top):
        house.until(lambda e=execution: house.get(e)["status"], lambda status: status == "RUNNING")
    house.judge(low)
    assert house.child(house.end(top)["id"]) == mid and house.child(house.end(mid)["id"]) == low
    assert "_skipPipelineRestart" not in house.stage(top)["context"]


# ---- a crash in between ----
def test_kill_between_parent_and_child_starts_no_second_child(tmp_path):
    server = Gennaker(tmp_path / "data").start()
    house = House(server)
    child = house.save("child", JUDGE)
    house.save("parent", *[runs(child, requisiteStageRefIds=[], name=f"run {i}", refId=str(i)) for i in range(20)])
    for delay in (0.0, 0.003, 0.01, 0.03):
        parent = house.start("parent")
        time.sleep(delay)
        server.kill()
        server.start()
        for at in range(20):
            house.child(parent, at)
        mine = [e for e in house.all(child) if e["trigger"]["parentExecution"]["id"] == parent]
        assert len(mine) == 20 and len({e["trigger"]["parentPipelineStageId"] for e in mine}) == 20
        house.call("PUT", f"/pipelines/{parent}/cancel")
        house.end(parent, "CANCELED")
        for execution in mine:
            house.end(execution["id"], "CANCELED")
    assert server.stop() == 0


# ---- limits ----
def test_a_pipeline_that_runs_itself_ends_at_the_limit(house):
    me = house.save("me", {"type": "wait", "waitTime": 0})
    house.call("POST", "/pipelines", {"application": APP, "name": "me", "id": me, "stages": [{"refId": "1", **runs(me)}]})
    top = house.start("me")
    seen = house.end(top, "TERMINAL", 120)
    levels = house.all(me)
    assert len(levels) == 100 and {e["status"] for e in levels} == {"TERMINAL"} and {e["rootId"] for e in levels} == {top}
    error = seen["stages"][0]["context"]["exception"]["details"]["errors"][0]
    assert "NESTED_PIPELINES_MAX" in error and error.count("Exception in child pipeline stage") == 99


def test_a_pipeline_that_runs_itself_twice_stays_bounded(house):
    """Each level would be twice as large as the last; what is above the limit is refused with its name, and all of it ends."""
    me = house.save("twin", {"type": "wait", "waitTime": 0})
    both = [{"refId": ref, "requisiteStageRefIds": [], **runs(me)} for ref in "12"]
    house.call("POST", "/pipelines", {"application": APP, "name": "twin", "id": me, "stages": both})
    top = house.start("twin")
    seen = house.end(top, "TERMINAL", 120)
    errors = [e for s in seen["stages"] for e in s["context"].get("exception", {}).get("details", {}).get("errors", [])]
    assert any("NESTED_" in e for e in errors), errors
    house.until(lambda: house.call("GET", f"/executions?pipelineConfigIds={me}&limit=1000&expand=false"),
                             lambda all_of_it: {e["status"] for e in all_of_it} <= set(ENDED), 200)


# ---- stages.md 4.2, 4.3 ----
def test_monitor_pipeline(house):
    house.save("slow", JUDGE)
    house.save("watch", {"type": "monitorPipeline", "executionIds": "${trigger.parameters.ids}"})
    house.save("nothing", {"type": "monitorPipeline"})
    good, bad = house.start("slow"), house.start("slow")
    one = house.start("watch", parameters={"ids": [good]})
    two = house.start("watch", parameters={"ids": [good, bad]})
    house.running(one)
    house.judge(good)
    seen = house.end(one)
    assert seen["stages"][0]["outputs"]["executionStatuses"][good] == {"status": "SUCCEEDED", "application": APP}
    house.judge(bad, "stop")
    failed = house.end(two, "TERMINAL")["stages"][0]["context"]
    assert failed["exception"]["details"]["errors"] == ["At least one monitored pipeline failed, look for errors in failed pipelines"]
    assert failed["executionStatuses"][bad]["status"] == "TERMINAL"
    nothing = house.end(house.start("nothing"), "TERMINAL")
    assert nothing["stages"][0]["context"]["exception"]["details"]["errors"] == ["no pipeline execution ids to monitor"]


def test_run_multiple_pipelines_in_levels(house):
    config = house.save("one", VARIABLES, parameterConfig=[{"name": "color"}])
    apps = {"a": {"child_pipeline": "one", "arguments": {"color": "red"}}, "b": {"child_pipeline": "one", "arguments": {"color": "blue"}},
            "c": {"child_pipeline": "one", "arguments": {"color": "green"}, "depends_on": ["a", "b"]}}
    house.save("many", {"type": "runMultiplePipelines", "yamlConfig": [{"apps": apps}]})
    seen = house.end(house.start("many"))
    listed = {e["name"]: e for e in seen["stages"][0]["outputs"]["executionsList"]}
    assert {name: e["status"] for name, e in listed.items()} == dict.fromkeys("abc", "SUCCEEDED")
    began = {name: house.get(e["id"]) for name, e in listed.items()}
    assert began["c"]["startTime"] >= max(began["a"]["endTime"], began["b"]["endTime"])
    assert began["b"]["trigger"]["parameters"] == {"color": "blue", "executionIdentifier": "b"}
    assert len(house.all(config)) == 3
    house.save("circle", {"type": "runMultiplePipelines", "yamlConfig": [{"apps": {
        "a": {"child_pipeline": "one", "depends_on": ["b"]}, "b": {"child_pipeline": "one", "depends_on": ["a"]}}}]})
    circle = house.end(house.start("circle"), "TERMINAL")
    assert "circle" in circle["stages"][0]["context"]["exception"]["details"]["errors"][0]
