"""How executions begin (engine.md 6, 13, 21, 22, 23): what is refused and recorded, correlation, limits, QoS, dry runs, admin calls."""
import concurrent.futures
import time

import pytest
from flow import Flow, groups, templates
from gennaker import Gennaker, demo, failures
from http_calls import call
from test_nested import APP, ENDED, JUDGE, VARIABLES, House, runs


@pytest.fixture
def house(server):
    return House(server)


def configured(tmp_path, text):
    """A house with a configuration."""
    (tmp_path / "gennaker.yml").write_text(text)
    return House(Gennaker(tmp_path / "data", config=tmp_path / "gennaker.yml").start())


def reason(execution):
    return execution["cancellationReason"]


# ---- engine.md 6 ----
def test_what_fails_before_it_starts_is_recorded(house):
    stages = [{"refId": "1", "type": "nothing-like-this", "requisiteStageRefIds": []}]
    answer = call(house.server.port, "POST", "/pipelines/start", {"application": APP, "name": "bad", "id": "cfg", "stages": stages})
    assert answer.status == 400 and "no stage type" in answer.json["message"]
    failed = house.all("cfg")[0]
    assert failed["status"] == "TERMINAL" and failed["canceled"] and failed["canceledBy"] == "system" and not failed["stages"]
    assert reason(failed).startswith("Failed on startup: The pipeline cannot be run") and "endTime" not in failed


def test_fail_plan_and_start_by_config_id(house):
    config = house.save("one", VARIABLES, parameterConfig=[{"name": "color", "default": "red"}])
    ref = house.call("POST", "/fail", {"application": APP, "name": "x", "errorMessage": "broken"})["ref"]
    assert reason(house.call("GET", ref)) == "Failed on startup: broken"
    assert call(house.server.port, "POST", "/fail", {"application": APP}).status == 400
    planned = house.call("POST", f"/plan/{config}", {"parameters": {"more": 1}})
    assert planned["trigger"]["parameters"] == {"color": "red", "more": 1} and not house.all(config)
    assert house.call("POST", "/plan", {"application": APP, "stages": []})["trigger"]["type"] == "manual"
    started = house.call("POST", f"/orchestrate/{config}", {"parameters": {"color": "blue"}})["ref"].rsplit("/", 1)[1]
    assert house.end(started)["stages"][0]["outputs"]["color"] == "blue"
    for path in ("/plan/none", "/orchestrate/none"):
        assert call(house.server.port, "POST", path, {}).status == 404


def test_disabled_configurations(house):
    config = house.save("off", VARIABLES, disabled=True)
    answer = call(house.server.port, "POST", "/pipelines/start", {"application": APP, "name": "off", "id": config, "stages": []})
    assert answer.status == 400 and answer.json["message"] == f"The pipeline config off ({config}) belonging to {APP} is disabled"
    assert not house.all(config)
    body = {"application": APP, "name": "off", "id": config, "stages": [], "initialConfig": {"enabled": True}}
    assert call(house.server.port, "POST", "/pipelines/start", body).status == 200


def test_execution_id_of_the_caller(house):
    house.save("one", JUDGE)
    body = {"application": APP, "name": "one", "executionId": "MINE-1", "stages": [{"refId": "1", **JUDGE}]}
    assert house.call("POST", "/pipelines/start", body)["ref"] == "/pipelines/MINE-1"
    assert house.call("POST", "/pipelines/start", body)["ref"] == "/pipelines/MINE-1"
    other = call(house.server.port, "POST", "/pipelines/start", {**body, "name": "two"})
    assert other.status == 409 and "MINE-1" in other.json["message"]
    assert call(house.server.port, "POST", "/pipelines/start", {**body, "executionId": "a/b"}).status == 400
    task = {"application": APP, "description": "one", "executionId": "MINE-1", "job": [{"type": "wait", "waitTime": 0}]}
    assert call(house.server.port, "POST", "/tasks", task).status == 409


def test_a_start_that_is_repeated_gives_the_first(house):
    config = house.save("one", JUDGE)
    house.save("two", JUDGE)
    first = house.call("POST", f"/pipelines/{APP}/one", {"executionId": "MINE-1"})
    house.judge("MINE-1")
    house.end("MINE-1")
    assert house.call("POST", f"/pipelines/{APP}/one", {"executionId": "MINE-1"}) == first  # it has ended
    assert house.call("POST", f"/orchestrate/{config}", {"trigger": {"executionId": "MINE-1"}}) == first
    body = {"application": APP, "name": "one", "id": config, "stages": [], "trigger": {"executionId": "MINE-1"}}
    assert house.call("POST", "/pipelines/start", body) == first
    assert call(house.server.port, "POST", f"/pipelines/{APP}/two", {"executionId": "MINE-1"}).status == 409
    for wrong in ({"eventId": ""}, {"eventId": "e" * 129}, {"eventId": 7}):
        assert call(house.server.port, "POST", f"/pipelines/v2/{APP}/one", wrong).status == 400
    by_event = house.call("POST", f"/pipelines/v2/{APP}/one", {"eventId": "e-1", "parameters": {"n": 1}})
    assert by_event["eventId"] == "e-1" and house.call("POST", f"/pipelines/v2/{APP}/one", {"eventId": "e-1"}) == by_event
    assert len(house.call("GET", "/triggers/events/e-1")["decisions"]) == 1
    by_id = house.call("POST", f"/pipelines/v2/{APP}/one", {"executionId": "MINE-2"})
    assert by_id["ref"] == "/pipelines/MINE-2" == house.call("POST", f"/pipelines/v2/{APP}/one", {"executionId": "MINE-2"})["ref"]
    assert len(house.all(config)) == 3


def test_idempotency_key(house):
    config = house.save("one", JUDGE)
    house.save("two", JUDGE)
    saved = {"application": APP, "name": "one", "id": config, "stages": [{"refId": "1", **JUDGE}]}
    task = {"application": APP, "description": "t", "job": [{"type": "wait", "waitTime": 0}]}
    seen = set()
    for path, body in ((f"/pipelines/{APP}/one", {}), (f"/pipelines/v2/{APP}/one", {}), ("/pipelines/start", saved), ("/orchestrate", saved),
                       (f"/orchestrate/{config}", {}), ("/tasks", task), (f"/pipelines/{APP}/two", {})):
        def post(key, path=path, body=body):
            return call(house.server.port, "POST", path, body, {"Idempotency-Key": key})
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(post, ["k"] * 8))
        assert {a.status for a in answers} <= {200, 202} and len({a.text for a in answers}) == 1, answers
        assert answers[0].text != post("other").text
        assert post("k" * 256).status == 400
        seen.add(answers[0].json["ref"].rsplit("/", 1)[1])
    assert len(seen) == 7 and len(house.all(config)) == 10
    house.server.kill()
    house.server.start()
    again = call(house.server.port, "POST", f"/pipelines/{APP}/one", {}, {"Idempotency-Key": "k"})
    assert again.json["ref"].rsplit("/", 1)[1] in seen
    other = call(house.server.port, "POST", f"/pipelines/{APP}/one", {"parameters": {"a": 1}}, {"Idempotency-Key": "k"})
    assert other.status == 409 and again.json["ref"].rsplit("/", 1)[1] in other.text and other.text.count("…") == 2, other
    assert call(house.server.port, "POST", "/tasks", {**task, "description": "u"}, {"Idempotency-Key": "k"}).status == 409


def test_idempotency_key_of_a_webhook(house):
    def post(body, key="k"):
        return call(house.server.port, "POST", "/webhooks/webhook/one", body, {"Idempotency-Key": key})
    first = post({"a": 1}).json["eventId"]
    assert post({"a": 1}).json["eventId"] == first != post({"a": 2}, "other").json["eventId"]
    refused = post({"a": 2})
    assert refused.status == 409 and first in refused.text


WRONG_MEMBERS = [("trigger", "x", "an object"), ("parameterConfig", {}, "a list"), ("parameterConfig", ["a"], "a list of objects"),
                 ("expectedArtifacts", {}, "a list"), ("notifications", "x", "a list"), ("stages", "x", "list"), ("triggers", {}, "a list"),
                 ("executionId", 7, "a string"), ("spelEvaluator", 4, "a string"), ("trigger.parameters", [], "an object"),
                 ("trigger.artifacts", {}, "a list")]


@pytest.mark.parametrize("key,value,wanted", WRONG_MEMBERS)
def test_types_are_not_swallowed(house, key, value, wanted):
    outer, _, inner = key.partition(".")
    body = {"application": APP, "name": "one", "stages": [{"refId": "1", **JUDGE}], outer: {inner: value} if inner else value}
    for path in ("/pipelines/start", "/pipelines", "/plan"):
        answer = call(house.server.port, "POST", path, body)
        assert answer.status == 400 and key in answer.json["message"] and wanted in answer.json["message"], answer
    saved = house.call("POST", "/pipelines/bulksave", [body])
    assert saved["failed_pipelines_count"] == 1 and key in saved["failed_pipelines"][0]["errorMsg"]
    nothing = {**body, outer: {inner: None} if inner else None}
    assert call(house.server.port, "POST", "/pipelines/start", nothing).status == 200


def test_types_of_a_posted_trigger(house):
    config = house.save("one", JUDGE)
    for path in (f"/pipelines/{APP}/one", f"/pipelines/v2/{APP}/one", f"/orchestrate/{config}", f"/plan/{config}"):
        for body, key in (({"parameters": "x"}, "trigger.parameters"), ({"trigger": {"parameters": [1]}}, "trigger.parameters"),
                          ({"artifacts": {}}, "trigger.artifacts"), ({"trigger": "x"}, "trigger"), ({"executionId": {}}, "executionId")):
            answer = call(house.server.port, "POST", path, body)
            assert answer.status == 400 and f"{key} has to be" in answer.json["message"], (path, answer)
    assert not house.all(config)


def test_equal_correlation_ids_at_the_same_instant(house):
    config = house.save("one", JUDGE)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for turn in range(5):
            ids = set(pool.map(lambda _, t=turn: house.start("one", correlationId=f"c{t}"), range(16)))
            assert len(ids) == 1, ids
            execution = ids.pop()
            house.call("PUT", f"/pipelines/{execution}/cancel")
            house.end(execution, "CANCELED")
    assert len(house.all(config)) == 5


def test_failed_stages_under_both_paths(house):  # engine.md 26
    house.save("one", {"type": "pipeline", "name": "Check", "application": APP, "pipeline": "nowhere"})
    failed = house.end(house.start("one"), "TERMINAL")["id"]
    seen = house.call("GET", f"/pipelines/failedStages?executionId={failed}")
    assert seen[0]["stageName"] == "Check" and seen == house.call("GET", f"/executions/failedStages?executionId={failed}")
    assert call(house.server.port, "GET", "/pipelines/failedStages").status == 400


def test_blocked_tasks(tmp_path):
    house = configured(tmp_path, "orca:\n  executions:\n    blockOrchestrationExecutions: true\n    allowedOrchestrationExecutions:\n"
                                 "      - name: createApplication\n      - name: wait\n        permittedUsers: [somebody]\n")
    for job, said in (("noop", "has been disabled"), ("wait", "is not permitted to user anonymous")):
        answer = call(house.server.port, "POST", "/ops", [{"type": job, "application": APP, "waitTime": 0}])
        assert answer.status == 403 and said in answer.json["message"]
    tasks = [t for t in house.call("GET", f"/applications/{APP}/tasks") if t["status"] == "TERMINAL"]
    assert len(tasks) == 2 and all(reason(t["execution"]).startswith("Failed on startup: Ad-hoc execution of") for t in tasks)
    assert house.server.stop() == 0


# ---- engine.md 13 ----
def waiting(house, config):
    return [e for e in house.all(config) if e["status"] == "NOT_STARTED"]


def test_only_the_newest_is_kept(house):
    house.save("one", JUDGE, limitConcurrent=True, keepWaitingPipelines=False)
    ids = [house.start("one") for _ in range(4)]
    assert [house.get(i)["status"] for i in ids] == ["RUNNING"] + ["NOT_STARTED"] * 3
    house.judge(ids[0])
    house.end(ids[0])
    for i in ids[1:3]:
        seen = house.end(i, "CANCELED")
        assert seen["canceledBy"] == "spinnaker" and "newer queued execution superceded" in reason(seen)
    house.judge(ids[3])
    house.end(ids[3])


def test_the_oldest_first_and_no_more_than_the_limit(house):
    config = house.save("many", JUDGE, limitConcurrent=False, maxConcurrentExecutions=2, keepWaitingPipelines=True)
    ids = [house.start("many") for _ in range(6)]
    for done in range(6):
        running = [e["id"] for e in house.all(config) if e["status"] == "RUNNING"]
        assert sorted(running) == sorted(ids[done:done + 2])
        house.judge(ids[done])
        house.end(ids[done])
        if done + 2 < 6:
            house.until(lambda at=done + 2: house.get(ids[at])["status"], lambda s: s == "RUNNING")


def test_cancel_of_one_that_waits_and_the_fifty_first(house):
    config = house.save("one", JUDGE, limitConcurrent=True, keepWaitingPipelines=True)
    ids = [house.start("one") for _ in range(51)]
    over = house.start("one")
    assert reason(house.end(over, "CANCELED")) == "Too many executions (50) already waiting to start"
    house.call("PUT", f"/pipelines/{ids[1]}/cancel?reason=no")
    assert house.get(ids[1])["status"] == "CANCELED"
    assert house.call("POST", f"/admin/queue/kickPending?pipelineConfigId={config}")["changed"] == 0
    house.judge(ids[0], "stop")
    house.end(ids[0], "TERMINAL")
    house.until(lambda: house.get(ids[2])["status"], lambda s: s == "RUNNING")
    # A restart counts: it waits behind those that wait already.
    house.call("PUT", f"/pipelines/{ids[0]}/stages/{house.stage(ids[0])['id']}/restart", {})
    assert house.get(ids[0])["status"] == "NOT_STARTED"
    assert len(waiting(house, config)) == 49


# ---- engine.md 21 ----
def test_qos_buffers_and_promotes_the_newest_first(tmp_path):
    house = configured(tmp_path, "orca:\n  qos:\n    enabled: true\n    learning-mode: false\n    buffering-state:\n      active-executions:\n"
                                 "        threshold: 1\n  pollers:\n    qos:\n      enabled: true\n      promoteIntervalMs: 300\n")
    house.save("one", JUDGE)
    ids = [house.start("one") for _ in range(3)]
    assert [house.get(i)["status"] for i in ids] == ["RUNNING", "BUFFERED", "BUFFERED"]
    why = house.call("GET", f"/pipelines/{ids[1]}/why")
    assert "buffered by QoS: 1 execution is active" in [line["reason"] for line in why], why
    house.server.kill()
    house.server.start()
    for i in (ids[2], ids[1]):
        house.until(lambda e=i: house.get(e)["status"], lambda s: s == "RUNNING")
    assert house.get(ids[2])["startTime"] < house.get(ids[1])["startTime"]
    assert house.server.stop() == 0


def test_qos_kill_switch_learning_and_tasks_of_deck(tmp_path):
    text = ("orca:\n  qos:\n    enabled: true\n    learning-mode: %s\n    buffering-state:\n      supplier: killSwitch\n"
            "      kill-switch: true\n")
    house = configured(tmp_path, text % "true")
    house.save("one", VARIABLES)
    assert house.end(house.start("one", parameters={"color": "x"}))
    (tmp_path / "gennaker.yml").write_text(text % "false")
    house.call("POST", "/admin/reload")
    held = house.start("one")
    assert house.get(held)["status"] == "BUFFERED"
    house.call("PUT", f"/pipelines/{held}/cancel")
    assert house.get(held)["status"] == "CANCELED"
    assert house.server.stop() == 0


# ---- engine.md 22 ----
def test_admin_calls_are_answered_honestly(house):
    house.save("one", JUDGE)
    execution = house.start("one")
    house.running(execution)
    seen = house.call("POST", f"/admin/executions/hydrate?executionId={execution}")
    assert seen["dryRun"] and seen["executions"][execution]["actions"]
    assert house.call("POST", "/admin/queue/zombies:kill")["killed"] == []
    refused = call(house.server.port, "POST", "/admin/queue/pushMessage", {"kind": "startStage"})
    assert refused.status == 400 and "startStage" in refused.json["message"] and "no queue" in refused.json["message"]
    house.call("POST", f"/admin/queue/zombies/{execution}:kill")
    killed = house.end(execution, "CANCELED")
    assert reason(killed) == "Identified as a zombie execution" and killed["stages"][0]["status"] == "CANCELED"
    assert call(house.server.port, "POST", f"/admin/queue/zombies/{execution}:kill").status == 409
    other = house.start("one")
    house.call("PUT", f"/admin/forceCancelExecution?executionId={other}")
    assert reason(house.end(other, "CANCELED")) == "Force canceled by admin"


# ---- engine.md 23 ----
def test_dry_run_does_nothing_and_its_children_neither(house):
    child = house.save("child", {"type": "wait", "waitTime": 3600}, VARIABLES)
    house.save("parent", {"type": "wait", "waitTime": 3600},
               {"type": "deleteApplication", "application": {"name": APP}}, runs(child, pipelineParameters={"color": "red"}),
               {"type": "bake", "cloudProviderType": "aws", "regions": ["us-east-1", "us-west-2"], "package": "p", "baseOs": "x"},
               {"type": "checkPreconditions", "preconditions": [{"type": "expression", "context": {"expression": "true"}}]})
    seen = house.end(house.start("parent", dryRun=True))
    top = [s for s in seen["stages"] if "parentStageId" not in s]
    assert [s["tasks"][0]["name"] for s in top if s["type"] in ("wait", "deleteApplication", "bake")] == ["dry run"] * 3
    baked = next(s for s in top if s["type"] == "bake")
    assert sorted(d["region"] for d in baked["outputs"]["deploymentDetails"]) == ["us-east-1", "us-west-2"]
    got = house.get(next(s for s in top if s["type"] == "pipeline")["context"]["executionId"])
    assert got["trigger"]["dryRun"] and got["status"] == "SUCCEEDED" and got["stages"][1]["outputs"]["color"] == "red"
    assert house.call("GET", f"/applications/{APP}")["name"].lower() == APP


def test_dry_run_of_a_deployment_writes_nothing(tmp_path, simulator, proxy):
    flow = Flow(tmp_path, simulator, proxy).start()
    before = groups(simulator, "staging"), templates(simulator, "staging")
    execution = demo.start_pipeline(flow.server.api, flow.document(accounts=("staging",)), {"type": "manual", "dryRun": True})
    seen = flow.server.wait_execution(execution, 60)
    assert seen["status"] == "SUCCEEDED", failures(seen)
    made = next(s for s in seen["stages"] if s["type"] == "createServerGroup")
    assert [t["name"] for t in made["tasks"]] == ["dry run"]
    assert (groups(simulator, "staging"), templates(simulator, "staging")) == before
    flow.end()


def test_a_dry_run_that_is_switched_off_is_refused(tmp_path):
    house = configured(tmp_path, "orca:\n  dryrun:\n    enabled: false\n")
    house.save("one", VARIABLES)
    answer = call(house.server.port, "POST", f"/pipelines/{APP}/one", {"dryRun": True})
    assert answer.status == 400 and "dryrun.enabled" in answer.json["message"]
    assert house.server.stop() == 0


# ---- engine.md 1.1, 8: start time expiry ----
def test_start_time_expiry(house):
    past = int(time.time() * 1000) - 1000
    body = {"application": APP, "name": "late", "startTimeExpiry": past, "stages": [{"refId": "1", **JUDGE}]}
    late = house.call("POST", "/pipelines/start", body)["ref"].rsplit("/", 1)[1]
    assert reason(house.end(late, "CANCELED")) == "Could not begin execution before start time expiry"
    body = {"application": APP, "name": "late", "stages": [{"refId": "1", **JUDGE, "startTimeExpiry": str(past)}]}
    skipped = house.end(house.call("POST", "/pipelines/start", body)["ref"].rsplit("/", 1)[1])
    assert skipped["stages"][0]["status"] == "SKIPPED" and skipped["status"] in ENDED


def test_a_result_larger_than_a_stage_may_be_is_refused(tmp_path):
    """What could not be read again is not written: the task fails and names the limit, the execution ends and can be read."""
    server = Gennaker(tmp_path / "data").start()
    pipeline = {"application": "big", "name": "big", "spelEvaluator": "v4", "trigger": {"type": "manual", "parameters": {"p": "x" * 4_000_000}},
                "stages": [{"refId": "1", "type": "evaluateVariables", "name": "grow",
                            "variables": [{"key": f"v{i}", "value": "${parameters.p}"} for i in range(20)]}]}
    execution_id = server.api.call("POST", "/pipelines/start", pipeline)["ref"].rsplit("/", 1)[-1]
    execution = server.wait_execution(execution_id, statuses=("TERMINAL",))
    assert "STAGE_BYTES_MAX" in failures(execution)[0]
    assert server.stop() == 0
    server.start()
    assert server.api.get(f"/pipelines/{execution_id}")["status"] == "TERMINAL"
    assert server.stop() == 0


def test_noop_is_skipped(house):  # stages.md 2.9
    house.save("idle", {"type": "noop"}, {"type": "wait", "waitTime": 0})
    seen = house.end(house.start("idle"))
    assert [s["status"] for s in seen["stages"]] == ["SKIPPED", "SUCCEEDED"]
