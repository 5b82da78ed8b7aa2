"""Why it waits (engine.md 11, 13, 14.2, 18): API, events and command line say it in the same words."""
import os
import re
import subprocess
import time

import pytest
from gennaker import PROGRAM, Gennaker
from http_calls import Events, call
from test_api import Client, judgment_stage, wait_stage


@pytest.fixture
def api(server):
    api = Client(server)
    api.create_application()
    return api


def reason(api, execution_id, stage=None, rule=None):
    """The sentence of the execution or a stage, waited for until its rule is this one."""
    for _ in range(250):
        found = {w.get("stageId"): w for w in api.get(f"/pipelines/{execution_id}/why") if "taskId" not in w}
        if stage in found and rule in (None, found[stage]["rule"]):
            return found[stage]["reason"]
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_limited_pipeline_says_for_which_execution_it_waits(api):
    api.save("limited", stages=[judgment_stage(), wait_stage(0, "2", ["1"])], limitConcurrent=True, keepWaitingPipelines=True)
    first, second = api.start("limited"), api.start("limited")
    assert reason(api, second, rule="limitConcurrent") == f"waits for execution {first} of the same pipeline: limitConcurrent"
    stages = {s["refId"]: s["id"] for s in api.get(f"/pipelines/{first}")["stages"]}
    assert reason(api, first, stages["1"], "judgement") == "needs a judgement: continue or stop"
    assert reason(api, first, stages["2"]) == "waits for stage Good?"
    assert reason(api, first, rule="stages") == "waits for stage Good?"
    shown = subprocess.run([PROGRAM, "execution", "get", second], env={**os.environ, "GENNAKER_SERVER": api.server.url},
                           capture_output=True, text=True, check=True).stdout
    assert f"waits for execution {first} of the same pipeline: limitConcurrent" in shown
    assert "waits for its execution to start" in shown
    api.ok("PATCH", f"/pipelines/{first}/stages/{stages['1']}", {"judgmentStatus": "continue"})
    assert api.wait(f"/pipelines/{first}")["status"] == "SUCCEEDED"
    assert api.get(f"/pipelines/{first}/why") == []
    api.ok("PUT", f"/pipelines/{second}/cancel")


def test_a_pause_and_a_closed_window_say_so(api):
    window = {"restrictExecutionDuringTimeWindow": True, "restrictedExecutionWindow": {"days": [], "whitelist": [
        {"startHour": 10, "startMin": 30, "endHour": 10, "endMin": 15}]}}
    api.save("window", stages=[wait_stage(0, **window)])
    execution_id = api.start("window")
    inner = api.wait(f"/pipelines/{execution_id}", ("RUNNING",))["stages"]
    synthetic = next(s for s in inner if s["type"] == "restrictExecutionDuringTimeWindow")
    assert reason(api, execution_id, synthetic["id"], "window") == "window never opens (America/Los_Angeles)"
    api.ok("PUT", f"/pipelines/{execution_id}/pause")
    assert reason(api, execution_id, rule="paused").startswith("paused by anonymous since ")
    api.ok("PUT", f"/pipelines/{execution_id}/cancel")


def test_without_sign_in_roles_do_not_count_and_it_says_so(api):
    api.save("open", stages=[{**judgment_stage(), "selectedStageRoles": ["sre"]}])
    execution_id = api.start("open")
    stage = api.get(f"/pipelines/{execution_id}")["stages"][0]["id"]
    said = "needs a judgement by role sre (anyone may answer: there is no sign-in)"
    assert reason(api, execution_id, stage, "judgement") == said
    api.ok("PATCH", f"/pipelines/{execution_id}/stages/{stage}", {"judgmentStatus": "continue"})
    assert api.wait(f"/pipelines/{execution_id}")["status"] == "SUCCEEDED"


@pytest.fixture
def team(tmp_path):
    """A server at which people with and without roles sign in: clients by name."""
    data, clients = tmp_path / "data", {}
    server = Gennaker(data)
    for name, roles in {"ada": ["admin"], "bob": ["dev"], "eve": ["dev", "sre"]}.items():
        said = subprocess.run([PROGRAM, "user", "add", name, "--token", "--data", data, *(f"--role={role}" for role in roles)],
                              capture_output=True, text=True, check=True).stdout
        token = re.search(r"token +(\S+)", said)[1]
        clients[name] = Client(server, {"Authorization": f"Bearer {token}"})
    server.start(wait=False)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if call(server.port, "GET", "/health").status == 200:
                break
        except OSError:
            time.sleep(0.05)
    yield clients
    assert server.stop() == 0, server.said()[-3000:]


@pytest.mark.parametrize("judge", ["eve", "ada"])
@pytest.mark.parametrize("key", ["selectedStageRoles", "requiredJudgmentRoles"])
def test_a_judgement_counts_only_of_somebody_with_its_role(team, judge, key):
    """engine.md 18"""
    bob = team["bob"]
    bob.create_application()
    bob.save("guarded", stages=[{**judgment_stage(), key: ["sre"]}])
    execution_id = bob.start("guarded")
    stage = bob.get(f"/pipelines/{execution_id}")["stages"][0]["id"]
    path = f"/pipelines/{execution_id}/stages/{stage}"
    assert reason(bob, execution_id, stage, "judgement") == "needs a judgement by role sre"
    for answer in ("continue", "stop"):
        bob.ok("PATCH", path, {"judgmentStatus": answer})
        after = bob.get(f"/pipelines/{execution_id}")["stages"][0]
        assert after["status"] == "RUNNING" and after["context"]["judgmentStatus"] == ""
    team[judge].ok("PATCH", path, {"judgmentStatus": "continue"})
    ended = bob.wait(f"/pipelines/{execution_id}")
    assert ended["status"] == "SUCCEEDED" and ended["stages"][0]["lastModified"]["user"] == judge


def test_events_carry_what_changed_in_it(api):
    api.save("told", stages=[judgment_stage()])
    with Events(api.server.port, "/events?kind=execution") as events:
        api.start("told")
        found = []
        while not any(w["rule"] == "judgement" for w in found) and (event := events.next()) is not None:
            found += event["data"].get("detail", {}).get("why", [])
        assert any(w["reason"] == "needs a judgement: continue or stop" and w["stageId"] for w in found), found


def test_an_execution_without_stages_says_so(api):
    api.save("empty", stages=[])
    execution_id = api.start("empty")
    ended = api.wait(f"/pipelines/{execution_id}")
    assert ended["status"] == "TERMINAL" and "cancellationReason" not in ended
    assert [(w["rule"], w["reason"]) for w in api.get(f"/pipelines/{execution_id}/why")] == [("empty", "has no stage that could start")]
    for verb in (["execution", "get"], ["why"]):
        shown = subprocess.run([PROGRAM, *verb, execution_id], env={**os.environ, "GENNAKER_SERVER": api.server.url}, capture_output=True,
                               text=True, check=True).stdout
        assert "has no stage that could start" in shown and "Waits" not in shown


def test_lists_that_are_gone(api):
    """engine.md 26"""
    for name in ("running", "waiting"):
        answer = api.call("GET", f"/pipelines/{name}")
        assert answer.status == 410 and answer.json == []
