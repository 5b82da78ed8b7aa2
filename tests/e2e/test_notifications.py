"""Notifications are really sent (engine.md 19.2, 19.3; notifications.md 1 to 4): every kind, to receivers on loopback."""
import base64
import hashlib
import hmac
import json
import subprocess
import time
import urllib.parse

import pytest
from gennaker import PROGRAM, Gennaker
from receivers import HttpReceiver, MailReceiver, wait_until
from test_api import Client, wait_stage

PIPELINE = ["pipeline.starting", "pipeline.complete", "pipeline.failed"]
STAGE = ["stage.starting", "stage.complete", "stage.failed"]
SECRETS = ["xoxb-s3cret", "xapp-s3cret", "sign-s3cret", "tw-s3cret", "gh-s3cret", "pd-s3cret", "mail-s3cret"]


@pytest.fixture
def http():
    receiver = HttpReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def mail():
    receiver = MailReceiver()
    yield receiver
    receiver.stop()


def configuration(http, mail, **more):
    return {
        "spinnaker": {"baseUrl": "https://spin.example.com/"},
        "slack": {"enabled": True, "token": "xoxb-s3cret", "baseUrl": http.url, "app": {"token": "xapp-s3cret", "signingSecret": "sign-s3cret"}},
        "mail": {"enabled": True, "from": "Spinnaker <spin@example.com>"},
        "spring": {"mail": {"host": "127.0.0.1", "port": mail.port, "username": "spin", "password": "mail-s3cret"}},
        "twilio": {"enabled": True, "account": "AC1", "token": "tw-s3cret", "from": "+1555", "baseUrl": http.url},
        "googlechat": {"enabled": True, "baseUrl": http.url},
        "microsoftteams": {"enabled": True},
        "github-status": {"enabled": True, "token": "gh-s3cret", "endpoint": http.url},
        "pager-duty": {"enabled": True, "token": "pd-s3cret", "endPoint": http.url},
        "cdevents": {"enabled": True},
        "services": {"keel": {"baseUrl": http.url}},
        **more,
    }


def serve(tmp_path, config):
    folder = tmp_path / "config"
    folder.mkdir(exist_ok=True)
    (folder / "echo.yml").write_text(json.dumps(config))
    # Teams' and CDEvents' addresses are users' URLs: their rules hold.
    (folder / "orca.yml").write_text(json.dumps({"user-configured-url-restrictions": {"rejectLocalhost": False, "rejectVerbatimIps": False}}))
    server = Gennaker(tmp_path / "data", config=folder).start()
    api = Client(server)
    api.create_application("shop")
    return server, api


@pytest.fixture
def served(tmp_path, http, mail):
    server, api = serve(tmp_path, configuration(http, mail))
    yield api
    assert server.stop() == 0
    assert not [secret for secret in SECRETS if secret in server.said()]


def entry(kind, address=None, when=PIPELINE, **more):
    return {"type": kind, "level": "pipeline", "when": when, **({"address": address} if address else {}), **more}


def run(api, name="Deploy", trigger=None, **pipeline):
    api.save(name, "shop", **pipeline)
    return api.wait(f"/pipelines/{api.start(urllib.parse.quote(name), 'shop', trigger)}")


def gennaker(api, *words):
    return subprocess.run([PROGRAM, *words, "--server", api.server.url], capture_output=True, text=True, timeout=60)


def attachment(call):
    return json.loads(call.form["attachments"])[0]


def test_slack_tells_the_start_and_the_end_of_a_pipeline(served, http):
    execution = run(served, notifications=[entry("slack", "deployments", message={"pipeline.complete": {"text": "well done"}})])
    start, end = http.wait("/api/chat.postMessage", 2)
    link = f"https://spin.example.com/#/applications/shop/executions/details/{execution['id']}"
    assert start.form["token"] == "xoxb-s3cret" and start.form["channel"] == "#deployments" and start.form["as_user"] == "true"
    assert attachment(start)["title"] == "Pipeline starting for SHOP" and attachment(start)["color"] == "#2275B8"
    assert attachment(start)["text"] == f"Shop's <{link}|Deploy> pipeline is starting"
    assert attachment(end)["text"] == f"Shop's <{link}|Deploy> pipeline has completed successfully\n\nwell done"
    assert attachment(end)["color"] == "#769D3E" and attachment(end)["footer"] == "Spinnaker" and attachment(end)["mrkdwn_in"] == ["text"]
    assert start.headers["Idempotency-Key"] != end.headers["Idempotency-Key"]


def test_only_what_an_entry_waits_for(served, http):
    """engine.md 19.2: `when` has to name it; without `when` nothing is sent; a text matches by what it contains."""
    run(served, notifications=[entry("slack", "#failed", ["pipeline.failed"]), {"type": "slack", "address": "#never"},
                               entry("slack", "#text", "pipeline.complete and more")])
    run(served, "Breaks", stages=[{"refId": "1", "type": "checkPreconditions", "name": "no",
                                   "preconditions": [{"type": "expression", "failPipeline": True, "context": {"expression": "${false}"}}]}],
        notifications=[entry("slack", "#failed", ["pipeline.failed"])])
    http.wait("/api/chat.postMessage", 2)
    time.sleep(0.3)
    assert sorted((call.form["channel"], attachment(call)["title"]) for call in http.calls) == [
        ("#failed", "Pipeline failed for SHOP"), ("#text", "Pipeline complete for SHOP")]


def test_expressions_of_a_pipelines_own_entries(served, http):
    """notifications.md 1: evaluated first; parameters have their short name, too."""
    run(served, trigger={"parameters": {"who": "me"}}, parameterConfig=[{"name": "who"}],
        notifications=[entry("slack", "#${parameters.who}", ["pipeline.complete"], customMessage="${execution.name} for ${trigger.parameters.who}")])
    call = http.wait("/api/chat.postMessage")[0]
    assert call.form["channel"] == "#me" and attachment(call)["text"] == "Deploy for me"


def test_cancelled_executions_and_their_stages_tell_nothing(served, http):
    served.save("Long", "shop", stages=[wait_stage(600, sendNotifications=True, notifications=[entry("slack", "#a", STAGE)])],
                notifications=[entry("slack", "#a", ["pipeline.complete", "pipeline.failed"])])
    execution = served.start("Long", "shop")
    http.wait("/api/chat.postMessage")  # the stage's start
    served.ok("PUT", f"/pipelines/{execution}/cancel")
    assert served.wait(f"/pipelines/{execution}")["status"] == "CANCELED"
    time.sleep(0.3)
    assert [attachment(call)["title"] for call in http.calls] == ["Stage starting for SHOP"]


def test_stages_tell_what_happens_to_them(served, http):
    """engine.md 19.3: only with sendNotifications; expressions are evaluated; the stage's custom message stands for the text."""
    told = {"sendNotifications": True, "notifications": [entry("slack", "#${trigger.parameters.who}", STAGE)]}
    run(served, trigger={"parameters": {"who": "me"}}, parameterConfig=[{"name": "who"}],
        stages=[wait_stage(**told), wait_stage(0, "2", ["1"], customMessage="look at {{link}} of {{executionId}}", **told),
                wait_stage(0, "3", ["2"], notifications=told["notifications"])])
    calls = http.wait("/api/chat.postMessage", 4)
    time.sleep(0.2)
    texts = [attachment(call)["text"] for call in http.calls]
    assert len(texts) == 4 and {call.form["channel"] for call in calls} == {"#me"}
    assert texts[0].startswith("Stage Wait 1 for Shop's <https") and texts[0].endswith("|Deploy> pipeline is starting")
    assert texts[1].endswith("pipeline has completed successfully")
    assert texts[2].startswith("look at https://spin.example.com/#/applications/shop/executions/details/")


def test_the_applications_entries_join_at_the_start_and_again_at_the_end(served, http):
    """notifications.md 1"""
    application = {"slack": [{"address": "#app", "level": "application", "when": PIPELINE}]}
    served.ok("POST", "/notifications/application/shop", application)
    served.save("Waits", "shop", stages=[wait_stage(1)], notifications=[entry("slack", "#app", ["pipeline.starting"])])
    execution = served.start("Waits", "shop")
    http.wait("/api/chat.postMessage", 1)
    application["slack"].append({"address": "#late", "level": "application", "when": ["pipeline.complete", "stage.complete"]})
    served.ok("POST", "/notifications/application/shop", application)
    served.wait(f"/pipelines/{execution}")
    http.wait("/api/chat.postMessage", 3)
    time.sleep(0.2)
    assert sorted((call.form["channel"], attachment(call)["title"].split()[1]) for call in http.calls) == [
        ("#app", "complete"), ("#app", "starting"), ("#late", "complete")]


def test_mail_goes_to_all_addresses(served, mail):
    execution = run(served, name="Grüße", notifications=[
        entry("email", "a@example.com; b@example.com", ["pipeline.complete"], cc="c@example.com"),
        entry("email", "d@example.com", ["pipeline.starting"], customSubject="It begins: {{executionId}}", customBody="# Hi\n**see** [this]({{link}})")])
    messages = {tuple(to): message for to, message in mail.wait(2)}
    link = f"https://spin.example.com/#/applications/shop/executions/details/{execution['id']}"
    end = messages[("a@example.com", "b@example.com", "c@example.com")]
    assert end["From"] == "Spinnaker <spin@example.com>" and end["To"] == "a@example.com, b@example.com" and end["Cc"] == "c@example.com"
    assert end["Subject"] == "shop's Grüße pipeline has completed successfully"
    assert execution["id"] in end["Message-ID"] and end["Message-ID"].endswith("@example.com>")
    assert link in end.get_content() and end.get_content_type() == "text/html"
    begin = messages[("d@example.com",)]
    assert begin["Subject"] == f"It begins: {execution['id']}"
    assert f'<h1>Hi</h1>\n<p><strong>see</strong> <a href="{link}">this</a></p>' in begin.get_content()
    assert mail.signed_in[0] == "\0spin\0mail-s3cret"


def test_every_other_kind_is_told(served, http):
    teams, receiver = f"{http.url}/teams/hook", f"{http.url}/cd"
    http.answers["/repos/org/app/commits/abc123"] = (200, json.dumps({"commit": {"message": "Merge fed321 into 999999"}}))
    stages = [wait_stage(0, sendNotifications=True, notifications=[entry("githubStatus", when=["stage.complete"])])]
    execution = run(served, stages=stages, trigger={"type": "git", "source": "github", "project": "org", "slug": "app", "hash": "abc123"}, notifications=[
        entry("sms", "+4900", ["pipeline.complete"]),
        entry("googlechat", "https://chat.googleapis.com/v1/spaces/A/messages?key=k", ["pipeline.complete"]),
        entry("microsoftteams", teams, ["pipeline.complete"]),
        entry("githubStatus", when=["pipeline.starting"], repo="org/app", commit="abc123"),
        entry("cdevents", receiver, ["pipeline.complete"], cdEventsType="dev.cdevents.pipelinerun.finished", customData={"a": 1}),
        entry("pagerduty", "service-key", ["pipeline.complete"]),
        entry("hipchat", "room", PIPELINE)])
    link = f"https://spin.example.com/#/applications/shop/executions/details/{execution['id']}"
    text = "Shop's Deploy pipeline has completed successfully"
    sms = http.wait("/2010-04-01/Accounts/AC1/Messages.json")[0]
    assert sms.form == {"From": "+1555", "To": "+4900", "Body": f"{text} {link}"} and sms.headers["Authorization"].startswith("Basic ")
    chat = http.wait("/v1/spaces/A/messages?key=k")[0]
    assert chat.json["cards"][0]["sections"][0]["widgets"][0]["textParagraph"]["text"] == f"Shop's <a href=\"{link}\">Deploy</a> pipeline has completed successfully"
    card = http.wait("/teams/hook")[0].json["attachments"][0]["content"]
    facts = {fact["title"]: fact["value"] for fact in card["body"][1]["facts"]}
    assert facts["Application"] == "shop" and facts["Pipeline Name"] == "Deploy" and facts["Status"] == "complete" and facts["Message"] == text
    assert card["actions"][0]["url"] == link
    first, second = http.wait("/repos/org/app/statuses/fed321", 2)
    assert first.json["state"] == "pending" and first.json["context"] == "pipeline/Deploy" and first.headers["Authorization"] == "token gh-s3cret"
    assert first.json["target_url"] == f"{link}?pipeline=Deploy" and first.json["description"] == "Pipeline 'Deploy' is starting"
    assert second.json["state"] == "success" and second.json["context"] == "stage/Wait 1"
    assert second.json["target_url"] == f"{link}?pipeline=Deploy&stage=0" and second.json["description"] == "Stage 'Wait 1' in pipeline 'Deploy' is complete"
    event = http.wait("/cd")[0]
    headers = {name.lower(): value for name, value in event.headers.items()}
    assert headers["ce-type"] == "dev.cdevents.pipelinerun.finished.0.1.1" and headers["ce-specversion"] == "1.0"
    assert event.json["subject"]["content"]["outcome"] == "success" and event.json["customData"] == {"a": 1}
    page = http.wait("/generic/2010-04-15/create_event.json")[0]
    assert page.json["service_key"] == "service-key" and page.json["event_type"] == "trigger" and page.json["description"] == text
    assert page.headers["Authorization"] == "Token token=pd-s3cret"
    unsent = served.get(f"/pipelines/{execution['id']}/notifications")
    assert [one["type"] for one in unsent] == ["hipchat"] and "HipChat does not exist" in unsent[0]["reason"]
    assert "notifications of type hipchat are not sent: HipChat does not exist" in gennaker(served, "why", execution["id"]).stdout


def test_a_manual_judgement_tells_once_and_again(served, http):
    """engine.md 19.3, notifications.md 4"""
    states = ["manualJudgment", "manualJudgmentContinue"]
    stage = {"refId": "1", "type": "manualJudgment", "name": "Sure?", "instructions": "look at the graphs", "sendNotifications": True,
             "judgmentInputs": [{"value": "yes"}, {"value": "no"}],
             "notifications": [entry("slack", "#judges", states, message={"manualJudgment": {"text": "please"}}),
                               entry("slack", "#stops", ["manualJudgmentStop"]), entry("slack", "#all", None)]}
    served.save("Judged", "shop", stages=[stage])
    execution = served.start("Judged", "shop")
    calls = http.wait("/api/chat.postMessage", 2)
    link = f"https://spin.example.com/#/applications/shop/executions/details/{execution}"
    asked = next(attachment(call)["text"] for call in calls if call.form["channel"] == "#judges")
    assert asked == (f"Stage Sure? for shop's <{link}|Judged> pipeline is awaiting manual judgment\n\nplease\n\nInstructions:\nlook at the graphs"
                     f"\n\nChoices:\nyes, no\n\nFor more details, visit <{link}|this execution>")
    running = served.get(f"/pipelines/{execution}")["stages"][0]
    assert running["context"]["notifications"][0]["lastNotifiedByNotificationState"]["manualJudgment"] > 0
    served.ok("PATCH", f"/pipelines/{execution}/stages/{running['id']}", {"judgmentStatus": "continue", "judgmentInput": "yes"})
    assert served.wait(f"/pipelines/{execution}")["status"] == "SUCCEEDED"
    calls = http.wait("/api/chat.postMessage", 4)[2:]
    assert {call.form["channel"] for call in calls} == {"#judges", "#all"}
    user = served.get(f"/pipelines/{execution}")["stages"][0]["lastModified"]["user"]
    assert all(f"was judged to continue by {user}" in attachment(call)["text"] and "Choice:\nyes" in attachment(call)["text"] for call in calls)


def test_the_older_form_of_a_judgement_tells_only_that_it_waits(served, http):
    served.save("Judged", "shop", stages=[{"refId": "1", "type": "manualJudgment", "name": "J", "notifications": [{"type": "slack", "address": "#j"}]}])
    execution = served.start("Judged", "shop")
    http.wait("/api/chat.postMessage")
    stage = served.get(f"/pipelines/{execution}")["stages"][0]
    served.ok("PATCH", f"/pipelines/{execution}/stages/{stage['id']}", {"judgmentStatus": "stop"})
    served.wait(f"/pipelines/{execution}")
    time.sleep(0.3)
    assert len(http.of("/api/chat.postMessage")) == 1


def test_one_that_fails_stops_no_other(served, http, mail):
    """A channel that is refused, a receiver that is down, a wrong address, a type that is not known: each is its own matter."""
    http.answers["/down"] = (503, "no")
    execution = run(served, notifications=[
        entry("microsoftteams", f"{http.url}/down", ["pipeline.starting"]), entry("microsoftteams", "not a url", ["pipeline.starting"]),
        entry("googlechat", "https://elsewhere.example.com/x", ["pipeline.starting"]), entry("nosuch", "x"), entry("githubStatus"),
        entry("microsoftteams", f"{http.url}/up", ["pipeline.starting", "pipeline.complete"]), entry("email", "a@example.com", ["pipeline.complete"])])
    assert execution["status"] == "SUCCEEDED"
    assert len(http.wait("/up", 2)) == 2 and mail.wait()
    http.wait("/down", 3)  # tried again
    http.answers.clear()
    tries = len(http.of("/down"))
    http.wait("/down", tries + 1)
    time.sleep(1)
    assert len(http.of("/down")) == tries + 1
    keys = {call.headers["Idempotency-Key"] for call in http.of("/down")}
    assert len(keys) == 1  # the same each time, so that a receiver can tell
    said = served.server.said()
    assert "expected a room's webhook" in said and "repo: missing" in said
    assert [one["type"] for one in served.get(f"/pipelines/{execution['id']}/notifications")] == ["nosuch"]


def test_nothing_is_lost_by_a_kill(tmp_path, http, mail):
    server, api = serve(tmp_path, configuration(http, mail))
    http.answers["/api/"] = (500, "")
    run(api, notifications=[entry("slack", "#a", ["pipeline.complete"])])
    http.wait("/api/chat.postMessage")
    server.kill()
    http.answers.clear()
    before = len(http.calls)
    server.start()
    calls = http.wait("/api/chat.postMessage", before + 1)
    assert attachment(calls[-1])["title"] == "Pipeline complete for SHOP"
    assert len({call.headers["Idempotency-Key"] for call in calls}) == 1
    assert server.stop() == 0


def test_an_incoming_webhook_and_compact_messages(tmp_path, http, mail):
    config = configuration(http, mail)
    config["slack"] = {"enabled": True, "token": "T1/B2/s3cret", "baseUrl": http.url, "sendCompactMessages": True}
    server, api = serve(tmp_path, config)
    run(api, notifications=[entry("slack", "@me", ["pipeline.complete"])])
    call = http.wait("/services/T1/B2/s3cret")[0]
    assert call.json["channel"] == "@me" and set(call.json["attachments"][0]) == {"fallback", "text", "color"}
    assert server.stop() == 0


def test_requests_for_notifications(served, http, mail):
    """POST /notifications (notifications.md 2, 4, 5)"""
    request = {"notificationType": "PAGER_DUTY", "to": ["k1", "k2"], "source": {"application": "shop"},
               "additionalContext": {"message": "wake up", "details": {"why": "x"}}}
    assert served.call("POST", "/notifications", request, {"Idempotency-Key": "mine"}).status == 200
    first, second = http.wait("/generic/", 2)
    assert sorted([first.json["service_key"], second.json["service_key"]]) == ["k1", "k2"]
    assert first.json["description"] == "wake up" and first.json["details"] == {"why": "x"}
    assert first.json["incident_key"] != second.json["incident_key"]
    keys = {first.json["incident_key"], second.json["incident_key"]}
    assert served.call("POST", "/notifications", request, {"Idempotency-Key": "mine"}).status == 200
    assert {call.json["incident_key"] for call in http.wait("/generic/", 4)} == keys
    served.ok("POST", "/notifications", {"notificationType": "EMAIL", "to": ["a@example.com", "b@example.com"], "cc": ["c@example.com"],
                                         "additionalContext": {"subject": "Hello", "body": "World"}})
    recipients, message = mail.wait()[0]
    assert recipients == ["a@example.com", "b@example.com", "c@example.com"] and message["Subject"] == "Hello" and "World" in message.get_content()
    assert "not known" in served.error("POST", "/notifications", {"notificationType": "NOSUCH", "to": ["x"]})
    assert "to:" in served.error("POST", "/notifications", {"notificationType": "SLACK"})
    assert "Pub/Sub" in served.error("POST", "/notifications", {"notificationType": "pubsub", "to": ["x"]})
    assert "address" in served.error("POST", "/notifications", {"notificationType": "GOOGLECHAT", "to": ["http://169.254.169.254/"]})
    assert "notificationType" in served.error("POST", "/notifications", [])
    kinds = {kind["type"]: kind for kind in served.get("/notifications/types")}
    assert kinds["slack"]["enabled"] and not kinds["pubsub"]["enabled"] and "reason" in kinds["hipchat"]
    assert served.get("/notifications/metadata") == []


def test_owners_of_applications_are_paged(served, http):
    """stages.md 5, pageApplicationOwner; notifications.md 5"""
    served.create_application("other", pdApiKey="key-of-other")
    stage = {"refId": "1", "type": "pageApplicationOwner", "name": "Page", "message": "look at ${execution.name}", "details": {"a": 1}}
    execution = run(served, stages=[{**stage, "applications": ["Other"], "keys": ["k9"]}])
    assert execution["status"] == "SUCCEEDED", execution
    pages = http.wait("/generic/", 2)
    assert sorted(page.json["service_key"] for page in pages) == ["k9", "key-of-other"]
    assert all(page.json["description"] == "look at Deploy" and page.json["details"] == {"a": 1} for page in pages)
    assert all(page.json["client_url"].endswith(execution["id"]) for page in pages)
    errors = [run(served, f"Deploy {n}", stages=[{**stage, **keys}])["stages"][0]["context"]["exception"]["details"]["errors"][0]
              for n, keys in enumerate([{}, {"applications": ["shop"]}, {"applications": ["nosuch"]}])]
    assert "nobody is to be paged" in errors[0] and "application shop has no pager key" in errors[1] and "nosuch" in errors[2]
    assert len(http.of("/generic/")) == 2


def test_buttons_in_slack(served, http):
    """notifications.md 4.1"""
    served.ok("POST", "/notifications", {"notificationType": "SLACK", "to": ["#j"], "additionalContext": {"body": "Promote?"}, "interactiveActions": {
        "callbackServiceId": "keel", "callbackMessageId": "m:1", "color": "#fff", "actions": [{"type": "button", "name": "go", "label": "Go on", "value": "yes"}]}})
    call = http.wait("/api/chat.postMessage")[0]
    sent = attachment(call)
    assert call.form["token"] == "xapp-s3cret" and sent["callback_id"] == "keel:m:1" and sent["color"] == "#fff"
    assert sent["actions"] == [{"type": "button", "text": "Go on", "name": "go", "value": "yes"}]
    http.answers["/api/users.info"] = (200, json.dumps({"ok": True, "user": {"profile": {"email": "ada@example.com"}}}))
    payload = {"type": "interactive_message", "callback_id": "keel:m:1", "user": {"id": "U1"}, "actions": [{"type": "button", "name": "go", "value": "yes"}],
               "original_message": {"text": "t*", "attachments": [sent]}}
    body = "payload=" + urllib.parse.quote_plus(json.dumps(payload), safe="*")

    def press(text=body, age=0, secret=b"sign-s3cret"):
        at = str(int(time.time()) - age)
        signature = "v0=" + hmac.new(secret, f"v0:{at}:{text.replace('*', '%2A')}".encode(), hashlib.sha256).hexdigest()
        return served.call("POST", "/notifications/callbacks/slack", text, {"Content-Type": "application/x-www-form-urlencoded",
                                                                           "X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature})

    answer = press()
    assert answer.status == 200, answer
    told = http.wait("/notifications/callback")[0]
    assert told.headers["X-SPINNAKER-USER"] == "ada@example.com"
    assert told.json == {"actionPerformed": {"type": "button", "name": "go", "label": "Go on", "value": "yes"}, "serviceId": "keel",
                         "messageId": "m:1", "user": "ada@example.com"}
    assert "actions" not in answer.json["attachments"][0]
    assert answer.json["attachments"][0]["fields"][0]["value"] == "User <@U1> clicked the *Go on* action."
    assert press(secret=b"wrong").status == 400 and press(age=400).status == 400 and press("payload=x").status == 400
    assert served.call("POST", "/notifications/callbacks/slack", body, {"Content-Type": "application/x-www-form-urlencoded"}).status == 400
    assert len(http.of("/notifications/callback")) == 1


def test_a_test_message_says_what_came_of_it(served, http):
    def test(*words):
        return gennaker(served, "notification", "test", *words)

    assert "sent a test message: slack to #a" in test("slack", "#a").stdout
    assert attachment(http.calls[0])["text"].startswith("This is a test")
    http.answers["/api/"] = (200, json.dumps({"ok": False, "error": "channel_not_found"}))
    failed = test("slack", "#nowhere")
    assert failed.returncode != 0 and "Slack says channel_not_found" in failed.stderr
    refused = test("hipchat", "room")
    assert refused.returncode != 0 and "HipChat does not exist" in refused.stderr


def test_users_urls_do_not_lead_inside(tmp_path, http, mail):
    """Teams' and CDEvents' addresses are written by users: what their rules refuse is not called."""
    server, api = serve(tmp_path, configuration(http, mail))
    (tmp_path / "config" / "orca.yml").unlink()
    server.stop()
    server.start()
    run(api, notifications=[entry("microsoftteams", f"{http.url}/x"), entry("cdevents", f"{http.url}/x"), entry("slack", "#a", ["pipeline.complete"])])
    http.wait("/api/")
    wait_until(lambda: server.said().count("is not sent") >= 4, server.said, 10)
    assert http.of("/x") == []
    assert server.stop() == 0


def test_who_may_send_requests(tmp_path, http, mail):
    """Without an application only administrators; a stranger nothing at all."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "echo.yml").write_text(json.dumps(configuration(http, mail)))
    added = subprocess.run([PROGRAM, "user", "add", "ann", "--role", "dev", "--password-stdin", "--data", tmp_path / "data"],
                           input="secret of ann\n", capture_output=True, text=True, timeout=60)
    assert added.returncode == 0, added.stderr
    server = Gennaker(tmp_path / "data", config=tmp_path / "config")
    server.start(wait=False)
    wait_until(lambda: "ready" in server.said(), server.said, 20)
    ann = Client(server, {"Authorization": "Basic " + base64.b64encode(b"ann:secret of ann").decode()})
    request = {"notificationType": "SLACK", "to": ["#a"], "additionalContext": {"body": "x"}}
    assert Client(server).call("POST", "/notifications", request).status == 401
    assert "administrators" in ann.error("POST", "/notifications", request, status=403)
    assert ann.call("POST", "/notifications/test", {"type": "slack", "address": "#a"}).status == 403
    ann.ok("POST", "/notifications", {**request, "source": {"application": "shop"}})
    http.wait("/api/chat.postMessage")
    assert server.stop() == 0


def test_lint_says_of_which_nothing_is_sent(tmp_path):
    pipeline = tmp_path / "pipeline.json"
    judged = {"refId": "1", "type": "manualJudgment", "name": "J", "notifications": [{"type": "slack", "address": "#a"}]}
    told = {"refId": "2", "type": "wait", "waitTime": 1, "name": "W", "sendNotifications": True, "notifications": [entry("slack", "#a", ["stage.done"])]}
    pipeline.write_text(json.dumps({"application": "shop", "name": "p", "stages": [judged, told], "notifications": [
        entry("pubsub"), entry("hipchat", "x"), entry("slak", "x"), entry("slack"), {"type": "slack", "address": "#a"}, entry("email", "a@b.c")]}))
    text = subprocess.run([PROGRAM, "lint", pipeline], capture_output=True, text=True, timeout=60).stdout
    assert "not there yet: notification 1, pubsub: nothing is sent: publishing to Pub/Sub" in text
    assert "no meaning here: notification 2, hipchat: nothing is sent: HipChat does not exist" in text
    assert "unknown: notification 3, slak: no notifications of this type exist" in text
    assert "wrong: notification 4, slack: address is missing" in text
    assert "no meaning here: notification 5, slack: when is missing: nothing is ever sent" in text
    assert "unknown: stage W, notification 1, slack: when: stage.done never happens; there are pipeline.starting" in text
    assert "stage J" not in text and "notification 6" not in text
