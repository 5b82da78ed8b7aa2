"""Documents that are kept beside applications and pipelines: plugins, delivery configurations, canary configs, snapshots. stages.md 4.4, api.md 14
and 15, canary.md 1."""
import json

import pytest
from test_api import Client
from test_webhook import Receiver, run, server_with


@pytest.fixture
def api(server):
    api = Client(server)
    api.create_application()
    return api


def context_of(view):
    return view["execution"]["stages"][0]["context"]


def problem(view):
    return " ".join(context_of(view).get("exception", {}).get("details", {}).get("errors", []))


# ---- plugins ----

RELEASE = {"version": "1.0.0", "date": "2024-01-01", "requires": "orca>=8.0.0, deck>=0.0.0", "url": "https://x/y.zip", "sha512sum": "abc"}
PLUGIN = {"id": "acme.stage", "description": "A stage", "provider": "acme", "releases": [RELEASE]}


def test_plugins(api):
    ref = api.ok("POST", "/plugins/info", PLUGIN, status=202)["ref"]
    assert api.wait(ref)["status"] == "SUCCEEDED"
    assert api.task({"type": "upsertPluginInfo", "pluginInfo": PLUGIN})["status"] == "SUCCEEDED"  # the same again
    second = {**PLUGIN, "releases": [{**RELEASE, "version": "1.1.0", "requires": "gate>=1", "preferred": True}]}
    assert api.wait(api.ok("PUT", "/plugins/info", second, status=202)["ref"])["status"] == "SUCCEEDED"
    stored, = api.get("/plugins/info")
    assert [(r["version"], r["preferred"]) for r in stored["releases"]] == [("1.0.0", False), ("1.1.0", True)]
    assert [r["version"] for r in api.get("/plugins/info?service=deck")[0]["releases"]] == ["1.0.0"] and api.get("/plugins/info?service=igor") == []
    changed = {**PLUGIN, "releases": [{**RELEASE, "url": "https://elsewhere/y.zip"}]}
    assert "Cannot update an existing release: 1.0.0" in problem(api.task({"type": "upsertPluginInfo", "pluginInfo": changed}))
    for wrong in ({"id": "nodot"}, {"id": ".a"}, {**PLUGIN, "releases": [RELEASE, RELEASE]}, {**PLUGIN, "releases": [{}]},
                  {**PLUGIN, "releases": [{"version": "1", "preferred": True}, {"version": "2", "preferred": True}]}):
        assert api.task({"type": "upsertPluginInfo", "pluginInfo": wrong})["status"] == "TERMINAL", wrong


def test_plugin_releases(api):
    api.task({"type": "upsertPluginInfo", "pluginInfo": {**PLUGIN, "releases": [RELEASE, {**RELEASE, "version": "2.0.0"}]}})
    assert api.task({"type": "setPreferredPluginRelease", "pluginId": "acme.stage", "preferredVersion": "2.0.0"})["status"] == "SUCCEEDED"
    assert [r["preferred"] for r in api.get("/plugins/info")[0]["releases"]] == [False, True]
    view = api.task({"type": "loadPluginRelease", "pluginId": "acme.stage", "version": "2.0.0"})
    assert context_of(view)["release"]["version"] == "2.0.0" and context_of(view)["release"]["preferred"] is True
    for job in ({"type": "loadPluginRelease", "pluginId": "acme.stage", "version": "9"},
                {"type": "setPreferredPluginRelease", "pluginId": "acme.stage", "preferredVersion": "9"}):
        assert "has no release 9" in problem(api.task(job))
    assert api.wait(api.ok("DELETE", "/plugins/info/acme.stage", status=202)["ref"])["status"] == "SUCCEEDED"
    assert api.get("/plugins/info") == [] and api.get("/plugins/installed?service=gate") == {"gate": []}
    assert "not stored" in api.error("POST", "/plugins/publish/acme.stage/1", {})


# ---- delivery configurations ----


def test_delivery_configs(api):
    view = api.task({"type": "upsertDeliveryConfig", "delivery": {"application": "app", "deliveryArtifacts": []}})
    assert view["status"] == "SUCCEEDED", view
    identity = context_of(view)["delivery.id"]
    other = {"id": identity, "application": "else"}
    assert "is of application app" in problem(api.task({"type": "upsertDeliveryConfig", "delivery": other}))
    assert "application: required" in problem(api.task({"type": "upsertDeliveryConfig", "delivery": {"id": "x"}}))
    for _ in range(2):
        assert api.task({"type": "deleteDeliveryConfig", "deliveryConfigId": identity})["status"] == "SUCCEEDED"
    assert api.task({"type": "upsertDeliveryConfig", "delivery": other})["status"] == "SUCCEEDED"


MANIFEST = "name: web-manifest\napplication: app\nserviceAccount: bot\nartifacts: []\nenvironments: []\n"
CONFIG = """artifacts:
  github: {enabled: true, accounts: [{name: hub, token: t, useContentAPI: true, urlRestrictions: {rejectLocalhost: false, rejectVerbatimIps: false}}]}
  gitlab: {enabled: true, accounts: [{name: lab, token: t, urlRestrictions: {rejectLocalhost: false, rejectVerbatimIps: false}}]}
"""


def test_import_of_a_delivery_config(tmp_path):
    receiver = Receiver()
    igor = f"github: {{baseUrl: '{receiver.url}/'}}\ngitlab: {{baseUrl: '{receiver.url}'}}\n"
    server = server_with(tmp_path, "", **{"clouddriver.yml": CONFIG, "igor.yml": igor})
    api = Client(server)
    api.create_application()
    stage = {"refId": "1", "type": "importDeliveryConfig", "name": "Import", "repoType": "github", "projectKey": "acme", "repositorySlug": "web",
             "directory": ".", "ref": "refs/heads/main"}
    receiver.answers["/repos/acme/web/contents/.spinnaker/spinnaker.yml"] = (200, {}, MANIFEST)
    execution, imported = run(api, stage)
    assert execution["status"] == "SUCCEEDED" and imported["context"]["deliveryConfig.name"] == "web-manifest", imported
    assert receiver.calls[0][1].endswith("?ref=main")
    lab = "/api/v4/projects/acme%2Fweb/repository/files/.spinnaker%2Fdelivery%2Fa.json/raw"
    receiver.answers[lab] = (200, {}, json.dumps({"name": "lab", "application": "app"}))
    more = {"type": "publishDeliveryConfig", "repoType": "gitlab", "directory": "delivery", "manifest": "a.json"}
    assert run(api, {**stage, **more})[0]["status"] == "SUCCEEDED"
    for change, words in (({"repoType": "stash"}, "of type stash cannot be read"), ({"repoType": "bitbucket"}, "artifacts.bitbucket.accounts"),
                          ({"manifest": "none.yml"}, "answered 404"), ({"directory": "../.."}, "stay in the repository"),
                          ({"projectKey": None}, "projectKey and repositorySlug are required")):
        execution, failed = run(api, {**stage, **change})
        assert words in " ".join(failed["context"]["exception"]["details"]["errors"]), failed
    receiver.answers["/repos/acme/web/contents/.spinnaker/spinnaker.yml"] = (503, {}, "")
    execution, failed = run(api, {**stage, "maxRetries": 0})
    assert execution["status"] == "TERMINAL" and "answered 503" in str(failed["context"]["exception"])
    server.stop()
    receiver.end()


def test_snapshots(api):
    for kind in ("saveSnapshot", "restoreSnapshot"):
        assert "neither made nor restored" in problem(api.task({"type": kind, "applicationName": "app", "credentials": "prod"}))
    assert "Snapshot not found" in api.error("GET", "/applications/app/snapshots/prod", status=404)
    assert api.get("/applications/app/snapshots/prod/history?limit=5") == []


# ---- canary configs ----

CANARY = {"name": "web-canary", "applications": ["app"], "metrics": [{"name": "errors", "scopeName": "default"}], "description": None}


def test_canary_configs(api):
    identity = api.ok("POST", "/v2/canaryConfig", CANARY)["canaryConfigId"]
    stored = api.get(f"/v2/canaryConfig/{identity}")
    assert stored["createdTimestamp"] == stored["updatedTimestamp"] and stored["createdTimestampIso"].endswith("Z")
    assert "description" not in stored and "lastModified" not in stored and stored["metrics"] == CANARY["metrics"]
    summary, = api.get("/v2/canaryConfig?application=APP")
    assert sorted(summary) == ["applications", "id", "name", "updatedTimestamp", "updatedTimestampIso"]
    assert api.get("/v2/canaryConfig?application=other") == []
    assert f"Canary config '{identity}' already exists." == api.error("POST", "/v2/canaryConfig", {**CANARY, "id": identity})
    assert "Canary config 'none' does not exist." == api.error("PUT", "/v2/canaryConfig/none", CANARY)
    assert api.ok("PUT", f"/v2/canaryConfig/{identity}", {**CANARY, "name": "renamed"}) == {"canaryConfigId": identity}
    again = api.get(f"/v2/canaryConfig/{identity}")
    assert again["name"] == "renamed" and again["createdTimestamp"] == stored["createdTimestamp"]
    for wrong in ({**CANARY, "name": ""}, {**CANARY, "name": "a b"}, {**CANARY, "applications": []}, {**CANARY, "metrics": [{"name": ""}]},
                  {**CANARY, "metrics": [{"name": "a"}, {"name": "a"}]}, [], {**CANARY, "metrics": {}}):
        api.error("POST", "/v2/canaryConfig", wrong)
    assert api.call("DELETE", f"/v2/canaryConfig/{identity}").status == 200
    api.error("GET", f"/v2/canaryConfig/{identity}", status=404)
    api.error("DELETE", f"/v2/canaryConfig/{identity}", status=404)


def test_the_function_that_finds_a_canary_config(api):
    """expressions.md: #canaryConfigNameToId."""
    identity = api.ok("POST", "/v2/canaryConfig", CANARY)["canaryConfigId"]
    execution = api.run(api.save()["name"])

    def value(expression):
        return api.ok("POST", f"/pipelines/{execution['id']}/evaluateExpression", {"expression": expression})
    assert value("${#canaryConfigNameToId('web-canary', 'app')}")["result"] == identity
    for wrong, words in (("'web-canary', 'other'", "has no canary config"), ("'', 'app'", "must not be blank")):
        answer = value("${#canaryConfigNameToId(%s)}" % wrong)
        assert words in json.dumps(answer["detail"]), answer
