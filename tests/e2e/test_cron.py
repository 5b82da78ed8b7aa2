"""Cron triggers (triggers.md 5): when they fire, that no fire is doubled or lost, and what is said of those that were missed."""
import collections
import json
import sqlite3
import time

import pytest
from gennaker import Gennaker
from http_calls import call


def save(server, name, expression, **more):
    pipeline = {"application": "clock", "name": name, **more,
                "triggers": [{"type": "cron", "enabled": True, "id": f"id-{name}", "cronExpression": expression, "description": "not copied"}],
                "stages": [{"type": "wait", "name": "Wait", "refId": "1", "requisiteStageRefIds": [], "waitTime": 0}]}
    server.api.call("POST", "/pipelines", pipeline)
    return next(each["id"] for each in server.api.get("/applications/clock/pipelineConfigs") if each["name"] == name)


def executions(server, pipeline_id):
    return server.api.get(f"/executions?pipelineConfigIds={pipeline_id}&limit=500")


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def instants(server, pipeline_id):
    """The second of each fire, from the events' ids: cron-2026-01-01T00:00:00.000Z-…"""
    return sorted(each["trigger"]["eventId"][5:29] for each in executions(server, pipeline_id))


def second(text):
    return int(time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")))


def set_back(server, minutes):
    """As if the server had been down so long: its mark and all pipelines are older."""
    past = int(time.time() * 1000) - minutes * 60000
    with sqlite3.connect(next(server.folder.glob("*.db"))) as db:
        db.execute("UPDATE objects SET body = ? WHERE kind = 'cronMark'", (json.dumps({"doneMs": past}).encode(),))
        assert db.execute("SELECT changes()").fetchone()[0] == 1
        db.execute("UPDATE objects SET updated_ms = ? WHERE kind = 'pipeline'", (past - 3600000,))


def ran_once(server, name):
    """A pipeline that was started by its cron trigger, and is now due once a minute."""
    pipeline = save(server, name, "* * * * * ?")
    wait_for(lambda: executions(server, pipeline))
    wait_for(lambda: server.api.get(f"/triggers/pipelines/{pipeline}")["events"])
    stored = next(each for each in server.api.get("/applications/clock/pipelineConfigs") if each["id"] == pipeline)
    stored["triggers"][0]["cronExpression"] = "0 * * * * ?"
    server.api.call("POST", "/pipelines", stored)
    return pipeline


@pytest.fixture
def start(tmp_path):
    servers = []

    def begin(config="{}"):
        path = tmp_path / "gennaker.yml"
        path.write_text(config)
        server = Gennaker(tmp_path / "data", config=path)
        servers.append(server)
        return server.start()

    yield begin
    for server in servers:
        server.stop()


def test_fires_and_edits(start):  # 5.1, 5.4
    server = start()
    pipeline = save(server, "often", "* * * * * ?")
    execution = wait_for(lambda: executions(server, pipeline))[0]
    trigger = execution["trigger"]
    assert trigger["type"] == "cron" and trigger["cronExpression"] == "* * * * * ?" and trigger["enabled"] is True
    assert trigger["dryRun"] is False and "description" not in trigger
    listed = server.api.get("/scheduledActions")["pipeline"]
    assert [each["pipelineName"] for each in listed] == ["often"] and listed[0]["description"] == "Every second"
    shown = server.api.get(f"/triggers/pipelines/{pipeline}")["triggers"][0]
    assert 0 <= shown["nextFires"][0] - time.time() * 1000 + 1000 < 5000
    stored = server.api.get("/applications/clock/pipelineConfigs")[0]
    server.api.call("POST", "/pipelines", {**stored, "disabled": True})
    wait_for(lambda: server.api.get("/scheduledActions")["pipeline"] == [])
    time.sleep(0.3)
    n = len(executions(server, pipeline))
    time.sleep(2.2)
    assert len(executions(server, pipeline)) == n
    server.api.call("POST", "/pipelines", {**stored, "disabled": False})
    wait_for(lambda: len(executions(server, pipeline)) > n)


def test_killed_between_fires(start):  # never doubled, none lost
    server = start()
    pipeline = save(server, "often", "* * * * * ?")
    wait_for(lambda: len(executions(server, pipeline)) > 1)
    for pause in (0.9, 1.6, 2.3):
        server.kill()
        time.sleep(0.7)
        server.start()
        time.sleep(pause)
    wait_for(lambda: second(instants(server, pipeline)[-1]) - second(instants(server, pipeline)[0]) >= 7)
    stored = server.api.get("/applications/clock/pipelineConfigs")[0]
    server.api.call("POST", "/pipelines", {**stored, "disabled": True})
    time.sleep(1)
    found = instants(server, pipeline)
    assert max(collections.Counter(found).values()) == 1, found
    seconds = [second(each) for each in found]
    assert seconds == list(range(seconds[0], seconds[-1] + 1)), found


def test_many_at_once(start):  # 5.4
    server = start()
    at = time.gmtime(time.time() + 25)
    expression = f"{at.tm_sec} {at.tm_min} {at.tm_hour} {at.tm_mday} {at.tm_mon} ? {at.tm_year}"
    server.stop()
    server = start("scheduler: {cron: {timezone: UTC}}")
    pipelines = [save(server, f"p{i:03}", expression) for i in range(120)]
    wait_for(lambda: len(server.api.get("/scheduledActions")["pipeline"]) == 0, 60)
    wait_for(lambda: all(executions(server, each) for each in pipelines), 30)
    assert all(len(executions(server, each)) == 1 for each in pipelines)


def test_missed(start):  # 5.4: missed by more than a minute: dropped, and said
    server = start()
    pipeline = ran_once(server, "minutely")
    server.stop()
    set_back(server, 12)
    server.start()
    missed = wait_for(lambda: [decision for event in server.api.get(f"/triggers/pipelines/{pipeline}")["events"]
                               for decision in event["decisions"] if decision["reason"] == "MISSED"])
    assert len(missed) == 1 and "Catch-up is off" in missed[0]["message"] and " min " in missed[0]["message"]


def test_compensated(start):  # 5.4: the compensation job
    server = start("scheduler: {compensation-job: {enabled: true, tolerance-ms: 0, window-ms: 600000, recurring-poll-interval-ms: 60000}}")
    pipeline = ran_once(server, "minutely")
    time.sleep(1.2)
    n = len(executions(server, pipeline))
    server.stop()
    set_back(server, 12)
    with sqlite3.connect(next(server.folder.glob("*.db"))) as db:
        db.execute("UPDATE executions SET start_ms = start_ms - 3600000, build_ms = build_ms - 3600000")
    server.start()
    wait_for(lambda: len(executions(server, pipeline)) > n)
    time.sleep(1)
    assert len(executions(server, pipeline)) <= n + 2  # the last one missed, and perhaps the one of a minute that began meanwhile


def test_validate(start):  # 5.5
    server = start()
    good = call(server.port, "GET", "/cron/validate?expression=0%200%2010%20%3F%20*%20MON-FRI")
    assert good.status == 200 and good.json == {"valid": True, "description": "At 10:00 AM, on Monday through Friday"}
    bad = call(server.port, "GET", "/cronTasks/validate?expression=*/5%20*%20*%20*%20*").json
    assert bad["valid"] is False and "Unexpected end of expression" in bad["message"]
    fuzzy = call(server.port, "GET", "/cron/validate?expression=H%200%2010%20%3F%20*%20*").json
    assert fuzzy == {"valid": True, "description": "No description available for fuzzy cron expressions"}
    assert call(server.port, "GET", "/cron/validate").status == 400


def test_unknown_zone_is_refused(tmp_path):
    config = tmp_path / "gennaker.yml"
    config.write_text("scheduler: {cron: {timezone: Mars/Olympus}}")
    server = Gennaker(tmp_path / "data", config=config).start(wait=False)
    assert server.process.wait(20) != 0
    assert 'scheduler.cron.timezone: there is no time zone "Mars/Olympus"' in server.said()
