"""Events that start pipelines, and why they did or did not (triggers.md 1, 6, 11, 13; api.md 13)."""
import concurrent.futures
import hmac
import json
import re
import subprocess
import time
import urllib.request

import pytest
from gennaker import PROGRAM, Gennaker
from http_calls import call


def save(server, name, triggers, application="shop", **more):
    pipeline = {"application": application, "name": name, "triggers": triggers,
                "stages": [{"type": "wait", "name": "Wait", "refId": "1", "requisiteStageRefIds": [], "waitTime": 0}], **more}
    server.api.call("POST", "/pipelines", pipeline)
    return next(each["id"] for each in server.api.get(f"/applications/{application}/pipelineConfigs") if each["name"] == name)


def webhook(source, **more):
    return {"type": "webhook", "enabled": True, "source": source, **more}


def post(server, path, body, headers=None):
    answer = call(server.port, "POST", f"/webhooks/{path}", body, headers)
    assert answer.status == 200, answer
    return answer.json["eventId"]


def event(server, event_id, seconds=20):
    """The event once it is handled."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = server.api.get(f"/triggers/events/{event_id}")
        if found["state"] == "HANDLED":
            return found
        time.sleep(0.02)
    raise AssertionError(f"{found}\n{server.said()[-2000:]}")


def reasons(found):
    return [each["reason"] for each in found["decisions"]]


def executions(server, pipeline_id):
    return server.api.get(f"/executions?pipelineConfigIds={pipeline_id}&limit=50&expand=false")


def test_webhook_starts(server):  # 1.3, 11.1, 11.2
    pipeline = save(server, "on push", [webhook("mine", payloadConstraints={"status": "^ok$", "$.repo.name": "api"}, runAsUser="robot",
                                                description="for the interface only", rebake=True)])
    sent = {"status": "ok", "repo": {"name": "api"}, "parameters": {"colour": "red"},
            "artifacts": [{"type": "docker/image", "name": "r/app", "version": "1", "reference": "r/app:1"}]}
    found = event(server, post(server, "webhook/mine", sent))
    assert reasons(found) == ["STARTED"] and found["started"] == 1 and found["event"]["payload"] == sent
    decision = found["decisions"][0]
    execution = server.wait_execution(decision["executionId"])
    trigger = execution["trigger"]
    assert execution["status"] == "SUCCEEDED" and execution["pipelineConfigId"] == pipeline
    assert trigger["type"] == "webhook" and trigger["payload"] == sent and trigger["parameters"]["colour"] == "red"
    assert trigger["eventId"] == found["id"] and trigger["rebake"] is True and trigger["enabled"] is True
    assert trigger["user"] == "[anonymous]" and execution["authentication"]["user"] == "anonymous"
    assert trigger["artifacts"][0]["reference"] == "r/app:1"
    assert server.api.get(f"/triggers/executions/{execution['id']}")[0]["id"] == found["id"]
    considered = server.api.get(f"/triggers/pipelines/{pipeline}")
    assert considered["triggers"][0]["trigger"]["source"] == "mine" and considered["events"][0]["decisions"][0]["reason"] == "STARTED"


def test_refusals_have_reasons(server):  # 1.3, 11.2
    save(server, "a constraint", [webhook("s", payloadConstraints={"status": "ok"})])
    save(server, "b path", [webhook("s", payloadConstraints={"$.repo.name": "api"})])
    save(server, "c off", [webhook("s")], disabled=True)
    save(server, "d trigger off", [{"type": "webhook", "source": "s", "enabled": False}])
    save(server, "e artifact", [webhook("s", expectedArtifactIds=["image"])],
         expectedArtifacts=[{"id": "image", "matchArtifact": {"type": "docker/image", "name": "r/app"}}])
    save(server, "f other", [webhook("other")])
    found = event(server, post(server, "webhook/s", {"status": "failed", "repo": {"name": "web"}}))
    assert found["started"] == 0
    assert {each["pipeline"]: each["reason"] for each in found["decisions"]} == {
        "a constraint": "CONSTRAINT", "b path": "CONSTRAINT", "c off": "PIPELINE_DISABLED", "d trigger off": "TRIGGER_DISABLED",
        "e artifact": "ARTIFACT"}
    message = next(each["message"] for each in found["decisions"] if each["pipeline"] == "a constraint")
    assert '"status"' in message and '"failed"' in message


def test_nobody_waits(server):  # 1.3
    save(server, "p", [webhook("deploys")])
    found = event(server, post(server, "webhook/deploy", {}))
    assert found["decisions"] == [] and 'source "deploy"' in found["note"] and '"deploys"' in found["note"]
    found = event(server, post(server, "strange/deploy", {}))
    assert "strange" in found["note"]


def test_edit_counts_at_once(server):  # 1.4
    pipeline = save(server, "p", [])
    assert event(server, post(server, "webhook/s", {}))["started"] == 0
    stored = server.api.get("/applications/shop/pipelineConfigs/p")
    server.api.call("POST", "/pipelines", {**stored, "triggers": [webhook("s")]})
    assert event(server, post(server, "webhook/s", {}))["started"] == 1
    server.api.call("POST", "/pipelines", {**stored, "triggers": [webhook("s")], "disabled": True})
    assert reasons(event(server, post(server, "webhook/s", {}))) == ["PIPELINE_DISABLED"]
    server.api.call("DELETE", "/pipelines/shop/p")
    assert event(server, post(server, "webhook/s", {}))["considered"] == 0
    assert len(executions(server, pipeline)) == 1


def test_two_triggers_of_one_pipeline(server):  # 1.3 (8)
    same = save(server, "same", [webhook("s"), webhook("s")])
    twice = save(server, "twice", [webhook("s"), webhook("s", rebake=True)])
    found = event(server, post(server, "webhook/s", {}))
    assert sorted(reasons(found)) == ["DUPLICATE", "STARTED", "STARTED", "STARTED"]
    assert len(executions(server, same)) == 1 and len(executions(server, twice)) == 2


PUSH = {"ref": "refs/heads/main", "after": "1f2e", "repository": {"name": "web", "owner": {"name": "acme", "login": "acme"}},
        "commits": [{"added": ["a.yml"], "modified": []}]}


@pytest.mark.parametrize("header, digest", [("X-Hub-Signature", "sha1"), ("X-Hub-Signature-256", "sha256")])
def test_git_signature(server, header, digest):  # 6.1
    save(server, "p", [{"type": "git", "enabled": True, "source": "github", "project": "acme", "slug": "web", "branch": "main", "secret": "s3cret"}])
    body = json.dumps(PUSH)
    good = hmac.new(b"s3cret", body.encode(), digest).hexdigest()
    bad = hmac.new(b"other", body.encode(), digest).hexdigest()
    kind = {"Content-Type": "application/json"}
    found = event(server, post(server, "git/github", body, {**kind, header: f"{digest}={good}"}))
    assert reasons(found) == ["STARTED"] and "s3cret" not in json.dumps(found)
    execution = server.wait_execution(found["decisions"][0]["executionId"])
    assert execution["trigger"]["hash"] == "1f2e" and execution["trigger"]["branch"] == "main" and "secret" not in execution["trigger"]
    assert reasons(event(server, post(server, "git/github", body, {**kind, header: f"{digest}={bad}"}))) == ["SIGNATURE"]
    assert reasons(event(server, post(server, "git/github", body, kind))) == ["SIGNATURE"]


def test_gitlab_token(server):  # 6.1
    save(server, "p", [{"type": "git", "enabled": True, "source": "gitlab", "project": "acme", "slug": "web", "secret": "s3cret"}])
    body = {"object_kind": "push", "after": "77", "ref": "refs/heads/dev", "project": {"name": "web", "namespace": "acme"}}
    assert reasons(event(server, post(server, "git/gitlab", body, {"X-Gitlab-Token": "s3cret"}))) == ["STARTED"]
    found = event(server, post(server, "git/gitlab", body, {"X-Gitlab-Token": "wrong"}))
    assert reasons(found) == ["SIGNATURE"] and "wrong" not in json.dumps(found)


def test_git_ping_and_bad_bodies(server):  # 6.4, 11.1
    answer = call(server.port, "POST", "/webhooks/git/github", {"zen": "x", "hook_id": 1})
    assert answer.status == 200 and answer.json == {"eventProcessed": False, "eventId": None}
    assert call(server.port, "POST", "/webhooks/git/gitea", PUSH).status == 400
    assert call(server.port, "POST", "/webhooks/webhook/s", "[1]", {"Content-Type": "application/json"}).status == 400
    assert call(server.port, "POST", "/webhooks/webhook/s", "{", {"Content-Type": "application/json"}).status == 400
    assert call(server.port, "POST", "/webhooks/cdevents/s", {"context": {}}).status == 400
    assert call(server.port, "POST", "/webhooks/webhook/s", {}, {"Origin": "http://evil.example"}).status == 403
    assert call(server.port, "POST", "/webhooks/webhook", {"source": "s"}).json["eventProcessed"] is True


def test_artifacts_by_template(tmp_path):  # 11.3
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "images.jinja").write_text('[{% for tag in tags %}{"type": "docker/image", "name": "{{ name }}", "version": "{{ tag }}"}'
                                         '{% if not loop.last %},{% endif %}{% endfor %}]')
    (folder / "echo.yml").write_text(f"webhooks:\n  artifacts:\n    enabled: true\n    sources:\n      - source: mine\n"
                                     f"        templatePath: {folder}/images.jinja\n")
    server = Gennaker(tmp_path / "data", config=folder).start()
    save(server, "p", [webhook("mine")])
    found = event(server, post(server, "webhook/mine", {"name": "r/app", "tags": ["1", "2"]}))
    trigger = server.wait_execution(found["decisions"][0]["executionId"])["trigger"]
    assert [(each["name"], each["version"]) for each in trigger["artifacts"]] == [("r/app", "1"), ("r/app", "2")]
    assert reasons(event(server, post(server, "webhook/mine", {"name": '"', "tags": ["1"]}))) == ["STARTED"]
    assert "artifact template" in server.said()
    assert server.stop() == 0


def test_too_many_of_one_source(server):
    statuses = [call(server.port, "POST", "/webhooks/git/none", {}).status for _ in range(700)]
    assert statuses[:500] == [400] * 500 and 429 in statuses
    assert call(server.port, "POST", "/webhooks/webhook/other", {}).status == 200


def test_cdevents(server):  # 11.4
    pipeline = save(server, "p", [{"type": "cdevents", "enabled": True, "source": "s",
                                   "attributeConstraints": {"ce-type": "dev.cdevents.artifact.published.0.1.0"}}])
    data = {"context": {}, "subject": {}, "customData": {"parameters": {"a": "b"}}}
    kind = {"Ce-Type": "dev.cdevents.artifact.published.0.1.0", "Ce-Specversion": "1.0", "Ce-Source": "x"}
    found = event(server, post(server, "cdevents/s", data, {**kind, "Ce-Id": "1"}))
    assert reasons(found) == ["STARTED"]
    assert server.wait_execution(found["decisions"][0]["executionId"])["trigger"]["parameters"]["a"] == "b"
    assert reasons(event(server, post(server, "cdevents/s", data, {**kind, "Ce-Id": "2", "Ce-Type": "other"}))) == ["CONSTRAINT"]
    structured = {"specversion": "1.0", "type": kind["Ce-Type"], "id": "3", "source": "x", "data": data}
    assert reasons(event(server, post(server, "cdevents/s", structured))) == ["STARTED"]
    assert len(executions(server, pipeline)) == 2


def test_delivered_twice(server):
    pipeline = save(server, "p", [webhook("s")])
    first = post(server, "webhook/s", {"n": 1}, {"X-GitHub-Delivery": "d-1"})
    assert event(server, first)["started"] == 1
    assert post(server, "webhook/s", {"n": 1}, {"X-GitHub-Delivery": "d-1"}) == first
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: post(server, "webhook/s", {"n": 2}, {"X-GitHub-Delivery": "d-2"}), range(16)))
    assert len(ids) == 1
    found = event(server, ids.pop())
    assert found["started"] == 1 and found["repeats"] == 15
    assert len(executions(server, pipeline)) == 2


def test_delivered_again_after_the_trigger_was_mended(server):
    pipeline = save(server, "p", [webhook("s", payloadConstraints={"status": "good"})])
    first = post(server, "webhook/s", {"status": "ok"}, {"X-GitHub-Delivery": "d"})
    assert reasons(event(server, first)) == ["CONSTRAINT"]
    stored = server.api.get("/applications/shop/pipelineConfigs/p")
    server.api.call("POST", "/pipelines", {**stored, "triggers": [webhook("s", payloadConstraints={"status": "ok"})]})
    for _ in range(2):
        assert post(server, "webhook/s", {"status": "ok"}, {"X-GitHub-Delivery": "d"}) == first
        assert reasons(event(server, first)) == ["STARTED"]
    assert len(executions(server, pipeline)) == 1


def test_killed_between_acknowledgement_and_start(tmp_path):
    server = Gennaker(tmp_path / "data").start()
    pipeline = save(server, "p", [webhook("s")])
    ids = []
    for round in range(5):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            ids += pool.map(lambda n: post(server, "webhook/s", {"n": n}), range(10))
        server.kill()
        server.start()
    for each in ids:
        assert event(server, each)["started"] == 1
    found = executions(server, pipeline)
    assert len(found) == len(ids) and {each["trigger"]["eventId"] for each in found} == set(ids)
    assert server.stop() == 0


def test_pipeline_chain(server):  # 13
    first = save(server, "first", [webhook("s")])
    second = save(server, "second", [{"type": "pipeline", "enabled": True, "application": "shop", "pipeline": first, "status": ["successful"]},
                                     {"type": "pipeline", "enabled": True, "application": "x", "pipeline": first, "status": ["successful", "failed"]}])
    failed = save(server, "failed", [{"type": "pipeline", "enabled": True, "application": "shop", "pipeline": first, "status": ["failed"]}])
    third = save(server, "third", [{"type": "pipeline", "enabled": True, "application": "shop", "pipeline": second, "status": ["successful"]}])
    artifact = {"type": "docker/image", "name": "r/app", "version": "1", "reference": "r/app:1"}
    started = event(server, post(server, "webhook/s", {"artifacts": [artifact]}))["decisions"][0]["executionId"]
    end = time.monotonic() + 20
    while not executions(server, third) and time.monotonic() < end:
        time.sleep(0.05)
    child = executions(server, second)
    assert len(child) == 1 and len(executions(server, third)) == 1 and executions(server, failed) == []
    child = server.wait_execution(child[0]["id"])
    trigger = child["trigger"]
    assert trigger["type"] == "pipeline" and trigger["parentExecution"]["id"] == started
    assert trigger["parentExecution"]["status"] == "SUCCEEDED"
    assert trigger["correlationId"] == f"{started}_null_{second}_{trigger['parentExecution']['startTime']}"
    assert trigger["artifacts"][0]["reference"] == "r/app:1"
    why = server.api.get(f"/triggers/pipelines/{second}")["events"][0]["decisions"]
    assert sorted(each["reason"] for each in why) == ["DUPLICATE", "STARTED"]
    why = server.api.get(f"/triggers/pipelines/{failed}")["events"][0]["decisions"]
    assert why[0]["reason"] == "CONSTRAINT" and "successful" in why[0]["message"]


def test_pipeline_trigger_binds_the_parents_artifacts(server):  # 13
    first = save(server, "first", [webhook("s")])
    expected = [{"id": "listed", "matchArtifact": {"type": "docker/image", "name": "r/app"}},
                {"id": "matching", "matchArtifact": {"type": "maven/file"}}, {"id": "neither", "matchArtifact": {"type": "x"}}]
    second = save(server, "second", [{"type": "pipeline", "enabled": True, "application": "shop", "pipeline": first, "status": ["successful"],
                                      "expectedArtifactIds": ["listed"]}], expectedArtifacts=expected)
    image, jar = {"type": "docker/image", "name": "r/app", "version": "1"}, {"type": "maven/file", "name": "g:a", "version": "2"}
    child = chain(server, second, {"artifacts": [image, jar]})
    assert child["trigger"]["expectedArtifactIds"] == ["listed", "matching"]
    bound = {each["id"]: each["boundArtifact"]["version"] for each in child["trigger"]["resolvedExpectedArtifacts"]}
    assert bound == {"listed": "1", "matching": "2"}


def chain(server, child, body):
    """Starts by a webhook what ends in an execution of the child; that."""
    event(server, post(server, "webhook/s", body))
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = executions(server, child)
        if found:
            return server.wait_execution(found[0]["id"])
        time.sleep(0.05)
    raise AssertionError(server.said()[-3000:])


def test_self_triggering_ends(server):  # 13
    pipeline = save(server, "loop", [webhook("s")])
    stored = server.api.get("/applications/shop/pipelineConfigs/loop")
    own = {"type": "pipeline", "enabled": True, "application": "shop", "pipeline": pipeline, "status": ["successful"]}
    server.api.call("POST", "/pipelines", {**stored, "triggers": [webhook("s"), own]})
    event(server, post(server, "webhook/s", {}))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        last = server.api.get(f"/triggers/pipelines/{pipeline}")["events"][0]["decisions"][0]
        if last["reason"] != "STARTED":
            break
        time.sleep(0.1)
    assert last["reason"] == "REFUSED" and "100" in last["message"], last
    assert len(server.api.get(f"/executions?pipelineConfigIds={pipeline}&limit=500&expand=false")) == 100


def save_templated(server):
    """A pipeline "made" from a template with one trigger; the template."""
    template = {"schema": "v2", "id": "t", "protect": False, "metadata": {"name": "t", "description": "d", "owner": "o", "scopes": ["global"]},
                "variables": [], "pipeline": {"triggers": [webhook("inherited")], "expectedArtifacts": [], "parameterConfig": [], "notifications": [],
                                              "stages": [{"type": "wait", "name": "W", "refId": "1", "requisiteStageRefIds": [], "waitTime": 0}]}}
    server.api.call("POST", "/v2/pipelineTemplates/create", template)
    pipeline = {"application": "shop", "name": "made", "schema": "v2", "type": "templatedPipeline", "exclude": [], "variables": {}, "stages": [],
                "template": {"artifactAccount": "front50ArtifactCredentials", "type": "front50/pipelineTemplate", "reference": "spinnaker://t"},
                "triggers": []}
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            server.api.call("POST", "/pipelines", pipeline)
            break
        except Exception:
            time.sleep(0.1)
    return template


def test_inherited_triggers_count(server):  # 1.4
    save_templated(server)
    found = event(server, post(server, "webhook/inherited", {}))
    assert reasons(found) == ["STARTED"]
    assert server.wait_execution(found["decisions"][0]["executionId"])["stages"][0]["name"] == "W"


def cli(server, *words):
    done = subprocess.run([PROGRAM, *words, "--server", server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_manual_start_is_an_event(server):  # 4
    save(server, "p", [])
    answer = call(server.port, "POST", "/pipelines/v2/shop/p", {})
    assert answer.status == 202
    found = event(server, answer.json["eventId"])
    assert reasons(found) == ["STARTED"] and answer.json["ref"] == f"/pipelines/{found['decisions'][0]['executionId']}"
    save(server, "off", [], disabled=True)
    call(server.port, "POST", "/pipelines/v2/shop/off", {})
    assert server.api.get("/triggers/events?application=shop&limit=1")[0]["decisions"][0]["reason"] == "REFUSED"


def test_why(server):
    pipeline = save(server, "p", [webhook("s", payloadConstraints={"status": "ok"})])
    started = event(server, post(server, "webhook/s", {"status": "ok"}))
    refused = event(server, post(server, "webhook/s", {"status": "bad"}))
    code, out, _ = cli(server, "why", refused["id"])
    assert code == 0 and "CONSTRAINT" in out and "shop / p, trigger 1" in out and "0 of 1" in out
    code, out, _ = cli(server, "why", pipeline)
    assert code == 0 and "trigger 1 (active)" in out and started["id"] in out and refused["id"] in out
    assert cli(server, "why", "shop/p")[1] == out
    code, out, _ = cli(server, "why", started["decisions"][0]["executionId"])
    assert code == 0 and "SUCCEEDED" in out and started["id"] in out
    code, out, _ = cli(server, "why", refused["id"], "--output", "json")
    assert code == 0 and json.loads(out)["decisions"][0]["reason"] == "CONSTRAINT"
    code, _, err = cli(server, "why", "nothing")
    assert code == 5 and "neither an event" in err, (code, err)


def test_every_trigger_is_listed_with_what_is_wrong_with_it(server):  # 1.1, 1.4, 5.2
    triggers = [{"type": "carrierPigeon", "enabled": True}, webhook("s"), {"type": "cron", "enabled": True, "cronExpression": "every now and then"},
                {"type": "cron", "enabled": True, "cronExpression": "0 0 0 1 1 ? 2001"}, {"type": "webhook", "enabled": True},
                {"type": "cron", "enabled": True, "cronExpression": "0 0 0 * * ?"}, {"enabled": True}]
    pipeline = save(server, "p", triggers)
    shown = server.api.get(f"/triggers/pipelines/{pipeline}")
    assert "problem" not in shown
    shown = shown["triggers"]
    assert [each["index"] for each in shown] == list(range(len(triggers)))
    assert [each["active"] for each in shown] == [False, True, False, False, False, True, False]
    assert [each.get("problem") is None for each in shown] == [each["active"] for each in shown]
    for index, text in enumerate(["\"carrierPigeon\"", None, "never due", "no time that is still to come", "no source", None, "no type"]):
        assert text is None or text in shown[index]["problem"], shown[index]
    code, out, _ = cli(server, "why", pipeline)
    assert code == 0 and "trigger 1 (off)" in out and all(each["problem"] in out for each in shown if "problem" in each)
    code, _, err = cli(server, "why", "")
    assert code == 2 and "ID is empty" in err


def test_a_template_that_cannot_be_applied_is_said_once(server):  # 1.4
    template = save_templated(server)
    template["variables"] = [{"name": "size", "type": "int", "description": "d", "defaultValue": "large"}]
    server.api.call("POST", "/v2/pipelineTemplates/update/t?skipPlanDependents=true", template)
    pipeline = next(each["id"] for each in server.api.get("/applications/shop/pipelineConfigs"))
    end = time.monotonic() + 20
    while "problem" not in server.api.get(f"/triggers/pipelines/{pipeline}") and time.monotonic() < end:
        time.sleep(0.05)
    shown = server.api.get(f"/triggers/pipelines/{pipeline}")
    assert shown["triggers"] == [] and "its template cannot be applied" in shown["problem"]
    code, out, _ = cli(server, "why", "shop/made")
    assert code == 0 and out.count("template cannot be applied") == 1 and "only people" not in out


def test_quiet_period_and_switch(tmp_path):  # 1.8, 1.9
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "echo.yml").write_text("quiet-period:\n  enabled: true\n  start-iso: 2020-01-01T00:00:00Z\n  end-iso: 2090-01-01T00:00:00Z\n"
                                     "  suppressedTriggerTypes: [cron, Webhook]\n")
    server = Gennaker(tmp_path / "data", config=folder).start()
    save(server, "a", [webhook("s")], respectQuietPeriod=True)
    save(server, "b", [webhook("s")])
    found = event(server, post(server, "webhook/s", {}))
    assert {each["pipeline"]: each["reason"] for each in found["decisions"]} == {"a": "QUIET_PERIOD", "b": "STARTED"}
    period = server.api.get("/capabilities/quietPeriod")
    assert period == {"enabled": True, "inQuietPeriod": True, "startTime": 1577836800000, "endTime": 3786912000000}
    assert server.stop() == 0
    (folder / "echo.yml").write_text("orca:\n  enabled: false\n")
    server.start()
    assert reasons(event(server, post(server, "webhook/s", {}))) == ["STARTS_DISABLED", "STARTS_DISABLED"]
    assert server.api.get("/capabilities/quietPeriod")["enabled"] is False
    assert server.stop() == 0


def test_a_thousand_pipelines_at_one_event(server):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: save_only(server, n), range(1000)))
    begin = time.monotonic()
    found = event(server, post(server, "webhook/s", {}), seconds=60)
    assert found["considered"] == 1000 and found["started"] == 1000 and found["leftOut"] == 0
    assert len({each["executionId"] for each in found["decisions"]}) == 1000
    assert time.monotonic() - begin < 60


def save_only(server, n):
    server.api.call("POST", "/pipelines", {"application": "many", "name": f"p{n}", "triggers": [webhook("s")], "stages": []})


def test_pipelines_that_trigger_each_other_stay_bounded(tmp_path):
    """Two pipelines, each started by the end of both: every end would be two starts. It ends, and says why."""
    server = Gennaker(tmp_path / "circle").start()
    ids = ["circle-a", "circle-b"]
    triggers = [{"type": "pipeline", "enabled": True, "application": "circle", "pipeline": i, "status": ["successful"]} for i in ids]
    for each in ids:
        server.api.call("POST", "/pipelines", {"application": "circle", "name": each, "id": each, "triggers": triggers,
                                               "stages": [{"refId": "1", "type": "wait", "waitTime": 0}]})
    server.api.call("POST", "/pipelines/circle/circle-a", {"type": "manual"})
    end, last, seen = time.monotonic() + 120, -1, 0
    while time.monotonic() < end and seen != last:
        time.sleep(3)
        last, seen = seen, int(re.search(r"^gennaker_engine_executions_completed_total (\d+)", urllib.request.urlopen(server.url + "/metrics").read().decode(), re.M).group(1))
    assert seen == last and 1000 < seen < 6000
    said = json.dumps(server.api.get("/triggers/pipelines/circle-a"))
    assert "NESTED_STARTS_MAX" in said or "NESTED_EXECUTIONS_MAX" in said
    assert server.stop() == 0
