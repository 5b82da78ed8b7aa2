"""Projects, entity tags and applications' notifications (api.md 11, 13, 15; stages.md 5; storage-and-config.md 1.6 to 1.8)."""
import base64
import json
import urllib.parse

import pytest
from gennaker import Gennaker
from test_api import Client


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Gennaker(tmp_path_factory.mktemp("metadata") / "data").start()
    yield server
    assert server.stop() == 0, server.said()


@pytest.fixture(scope="module")
def api(server):
    client = Client(server)
    for name in ("app", "other"):
        client.create_application(name)
    return client


def upsert(api, status="SUCCEEDED", **project):
    view = api.task({"type": "upsertProject", "project": project, "user": "u"}, "spinnaker")
    assert view["status"] == status, view
    return view


def task_error(view):
    return next(stage for stage in view["execution"]["stages"] if "exception" in stage["context"])["context"]["exception"]["details"]["errors"][0]


def test_projects(api):
    """api.md 11, storage-and-config.md 1.6"""
    assert api.get("/projects") == []
    upsert(api, name="Shop", email="a@b.c", config={"applications": ["app", "other"], "clusters": [{"account": "prod", "stack": "*"}]})
    shop = api.get("/projects/sHoP")
    assert api.get(f"/projects/{shop['id']}") == shop and api.get("/projects") == [shop]
    assert isinstance(shop["createTs"], int) and isinstance(shop["updateTs"], int)
    assert "A Project named 'SHOP' already exists" in task_error(upsert(api, "TERMINAL", name="SHOP"))
    assert "requires a name" in task_error(upsert(api, "TERMINAL", name=" "))
    assert "must be a list" in task_error(upsert(api, "TERMINAL", name="x", config={"clusters": {}}))
    api.error("GET", "/projects/unknown", status=404)
    api.error("GET", "/projects/unknown/clusters", status=404)
    assert api.get("/projects/unknown/pipelines") == []
    clusters = api.get("/projects/Shop/clusters")
    assert clusters[0]["account"] == "prod" and clusters[0]["instanceCounts"]["total"] == 0
    assert [a["application"] for a in clusters[0]["applications"]] == ["app", "other"]
    found = api.get("/search?q=oth&type=projects")[0]["results"]
    assert [result["name"] for result in found] == ["Shop"]


def test_project_pipelines(api):
    config = api.save("listed")
    upsert(api, name="Runs", config={"applications": ["app"], "pipelineConfigs": [{"application": "app", "pipelineConfigId": config["id"]}]})
    started = [api.run("listed")["id"] for _ in range(3)]
    assert [e["id"] for e in api.get("/projects/Runs/pipelines?limit=2")] == started[1:]
    assert api.get("/projects/Runs/pipelines?statuses=RUNNING") == []
    api.error("GET", "/projects/Runs/pipelines?statuses=NONE")


def test_project_forgets_application(api):
    """storage-and-config.md 1.2: a deleted application leaves its projects; one that is left without any goes."""
    api.create_application("gone")
    upsert(api, name="Both", config={"applications": ["gone", "app"], "clusters": [{"account": "a", "applications": ["gone"]}]})
    upsert(api, name="Only", config={"applications": ["gone"]})
    assert api.task({"type": "deleteApplication", "application": {"name": "gone"}}, "gone")["status"] == "SUCCEEDED"
    assert api.get("/projects/Both")["config"] == {"applications": ["app"], "clusters": [{"account": "a", "applications": []}]}
    api.error("GET", "/projects/Only", status=404)
    assert api.task({"type": "deleteProject", "project": {"id": api.get("/projects/Both")["id"]}}, "spinnaker")["status"] == "SUCCEEDED"
    api.error("GET", "/projects/Both", status=404)
    assert api.task({"type": "deleteProject", "project": {}}, "spinnaker")["status"] == "TERMINAL"


def test_entity_tags(api):
    """api.md 15, storage-and-config.md 1.8"""
    where = "entityId=app-main-v001&entityType=servergroup&account=prod&region=us-east-1&cloudProvider=aws"
    ref = api.ok("POST", f"/tags?{where}", [{"name": "spinnaker_ui_alert:x", "value": {"message": "m"}}], status=202)["ref"]
    assert api.wait(ref)["status"] == "SUCCEEDED"
    id = "aws:servergroup:app-main-v001:prod:us-east-1"
    tags = api.get(f"/tags/{id.upper()}")
    assert tags["id"] == id and tags["entityRef"]["application"] == "app" and tags["tags"][0]["valueType"] == "object"
    assert tags["tagsMetadata"][0]["name"] == "spinnaker_ui_alert:x" and tags["tags"][0]["namespace"] == "default"
    ref = api.ok("POST", "/batch/tags", [{"entityRef": tags["entityRef"], "tags": [{"name": "n", "value": 5, "namespace": "s"}]}], status=202)
    assert api.wait(ref["ref"])["status"] == "SUCCEEDED"
    assert [t["name"] for t in api.get(f"/tags/{id}")["tags"]] == ["spinnaker_ui_alert:x", "n"]
    for query, n in {"application=app": 1, "application=other": 0, "entityId=a,app-main-v001": 1, "idPrefix=aws:servergroup*": 1, "tag:n=5": 1,
                     "tag:n=6": 0, "tag:n=*&namespace=s": 1, "namespace=t": 0, "maxResults=0": 0, "account=prod&region=eu": 0}.items():
        assert len(api.get(f"/tags?{query}")) == n, query
    ref = api.ok("DELETE", f"/tags/{urllib.parse.quote(id)}/n,absent", status=202)["ref"]
    assert api.wait(ref)["status"] == "SUCCEEDED"
    assert [t["name"] for t in api.get(f"/tags/{id}")["tags"]] == ["spinnaker_ui_alert:x"]
    replaced = api.task({"type": "upsertEntityTags", "entityRef": tags["entityRef"], "isPartial": False, "tags": [{"name": "z", "value": True}]})
    assert replaced["status"] == "SUCCEEDED" and [t["name"] for t in api.get(f"/tags/{id}")["tags"]] == ["z"]
    assert api.task({"type": "deleteEntityTags", "id": id})["status"] == "SUCCEEDED"
    api.error("GET", f"/tags/{id}", status=404)
    api.error("POST", f"/tags?{where}", {"not": "a list"})
    api.error("POST", "/tags?entityType=x", [])
    assert "needs name and value" in task_error(api.task({"type": "upsertEntityTags", "entityRef": tags["entityRef"], "tags": [{"name": "q"}]}))
    assert "entityId are required" in task_error(api.task({"type": "upsertEntityTags", "entityRef": {"entityType": "x"}, "tags": []}))


def test_notifications(api):
    """api.md 13, storage-and-config.md 1.7"""
    path = "/notifications/application/app"
    assert api.get(path) == {}
    given = {"email": [{"address": "a@b.c", "level": "application", "type": "email", "when": ["pipeline.failed"]}]}
    assert api.call("POST", path, given).status == 200
    kept = api.get(path)
    assert kept["email"] == given["email"] and kept["application"] == "app" and kept["lastModified"]
    api.error("POST", path, {"email": ["x"]})
    api.error("POST", path, [1])
    api.error("GET", "/notifications/other/app", status=404)
    assert api.call("POST", "/notifications/global/all", {"slack": [{"address": "#all"}]}).status in (200, 403)
    assert api.get(path)["email"] == given["email"]
    assert api.call("DELETE", path).status == 200
    assert "email" not in api.get(path)


def test_notifications_of_the_application_join_the_pipelines(api):
    """engine.md 19.2: an entry of the application is added, or what it waits for beyond the pipeline's own."""
    path = "/notifications/application/app"
    when = ["pipeline.starting", "pipeline.failed", "manualJudgment"]
    entries = {"email": [{"address": "a@b.c", "when": when}, {"address": "x@y.z", "when": when}],
               "slack": [{"address": "#never", "when": ["manualJudgment"]}]}
    assert api.call("POST", path, entries).status == 200
    own = {"type": "email", "address": "a@b.c", "when": ["pipeline.failed"], "level": "pipeline"}
    pipeline = {"application": "app", "name": "told", "stages": [{"type": "wait", "waitTime": 0}], "notifications": [own]}
    ref = api.call("POST", "/pipelines/start", {**pipeline, "spelEvaluator": "v4"}).json["ref"]
    seen = api.get(ref)["notifications"]
    assert seen[0] == own and len(seen) == 3
    assert {(n["address"], tuple(n["when"])) for n in seen[1:]} == {
        ("a@b.c", ("pipeline.starting",)), ("x@y.z", tuple(when))}
    assert api.call("DELETE", path).status == 200


def test_save_several_pipelines(api):
    """stages.md 4.4: many in one task, each for itself; one of several that fails lets the others go on."""
    good = {"application": "app", "name": "bulk one", "stages": [], "triggers": []}
    text = base64.b64encode(json.dumps([good, {**good, "name": " "}, 7]).encode()).decode()
    view = api.task({"type": "savePipeline", "isBulkSavingPipelines": True, "pipelines": text})
    assert view["status"] == "SUCCEEDED"
    bulk = view["execution"]["stages"][0]["context"]["bulksave"]
    assert bulk["successful_pipelines"] == ["bulk one"] and bulk["failed_pipelines_count"] == 2
    assert all("requires name and application" in failed["errorMsg"] for failed in bulk["failed_pipelines"])
    assert api.task({"type": "savePipeline", "isBulkSavingPipelines": True, "pipelines": {}})["status"] == "TERMINAL"
    view = api.task({"type": "savePipeline", "isSavingMultiplePipelines": True, "pipeline": {"name": "x"}})
    assert view["execution"]["stages"][0]["status"] == "FAILED_CONTINUE"
    assert "expected an object or base64" in task_error(api.task({"type": "savePipeline"}))


def test_save_pipelines_from_an_artifact(api):
    """stages.md 4.4: created, updated and failed ones are listed; each is saved for itself."""
    standing = {"application": "app", "name": "was there", "id": "from-artifact-1", "stages": []}
    assert api.call("POST", "/pipelines", standing).status == 200
    wait = [{"refId": "1", "type": "wait", "waitTime": 0}]
    content = {"app": [{"name": "was there", "stages": wait}, {"name": " ", "stages": []}, {"name": "is new", "stages": wait}]}
    artifact = {"type": "embedded/base64", "name": "pipelines", "reference": base64.b64encode(json.dumps(content).encode()).decode()}
    view = api.task({"type": "savePipelinesFromArtifact", "pipelinesArtifact": artifact})
    assert view["status"] == "SUCCEEDED", view
    context = view["execution"]["stages"][0]["context"]
    assert [p["name"] for p in context["pipelinesCreated"]] == ["is new"]
    assert [p["name"] for p in context["pipelinesUpdated"]] == ["was there"]
    assert "requires name and application" in context["pipelinesFailedToSave"][0]["error"]
    saved = {p["name"]: p for p in api.get("/applications/app/pipelineConfigs")}
    assert saved["was there"]["id"] == "from-artifact-1" and saved["was there"]["stages"][0]["type"] == "wait"
    other = api.task({"type": "savePipelinesFromArtifact", "pipelinesArtifact": {"type": "http/file", "reference": "http://x.y/z"}})
    assert other["status"] == "TERMINAL"
