"""Service accounts of pipelines with roles: security.md 3.7, stages.md 4.4."""
import base64
import hashlib
import json

import pytest
from test_api import Client
from test_webhook import server_with

TOKENS = {name: f"{name}-token-123456" for name in ("ann", "bob")}
USERS = "gennaker:\n  users:\n" + "".join(
    f"    - {{name: {name}, token: '{hashlib.sha256(TOKENS[name].encode()).hexdigest()}', roles: {roles}}}\n"
    for name, roles in (("ann", "[ops, web]"), ("bob", "[web]")))


@pytest.fixture
def ann(tmp_path):
    server = server_with(tmp_path, "tasks.useManagedServiceAccounts: true\n", **{"gennaker.yml": USERS})
    ann = Client(server, {"Authorization": "Bearer " + TOKENS["ann"]})
    ann.create_application()
    yield ann
    assert server.stop() == 0


def encoded(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def document(**more):
    return {"application": "app", "name": "one", "id": "Pipe-1", "stages": [], **more,
            "triggers": [{"type": "cron", "enabled": False}, {"type": "cron", "enabled": False, "runAsUser": "robot"}]}


def save(client, **more):
    return client.task({"type": "savePipeline", "pipeline": encoded(document(**more))})


def users(client):
    return [t.get("runAsUser") for t in client.get("/applications/app/pipelineConfigs/one")["triggers"]]


def test_roles_become_an_account(ann):
    view = save(ann, roles=["Web", "ops"])
    assert view["status"] == "SUCCEEDED", view
    assert [t["name"] for t in view["execution"]["stages"][0]["tasks"]] == ["updatePipelinePermissions", "savePipeline", "waitForPipelineSave"]
    assert users(ann) == ["pipe-1@managed-service-account", "robot"]
    assert ann.get("/auth/user/serviceAccounts") == ["pipe-1@managed-service-account"]
    bob = Client(ann.server, {"Authorization": "Bearer " + TOKENS["bob"]})
    assert bob.get("/auth/user/serviceAccounts") == []
    assert save(bob, roles=["ops", "web"], description="by bob")["status"] == "SUCCEEDED"  # the account has exactly these roles
    refused = save(bob, roles=["ops"])
    assert "User 'bob' is not authorized with all roles for pipeline" in str(refused["execution"]["stages"][0]["context"]["exception"])
    assert save(ann, roles=[])["status"] == "SUCCEEDED" and users(ann) == [None, "robot"]
    assert save(ann)["status"] == "SUCCEEDED" and users(ann) == [None, "robot"]
    assert save(ann, roles="ops")["status"] == "TERMINAL"


def test_other_ways_to_save(ann):
    """The usual routes, a pipeline without id, an account of its own name, many at once; a deletion takes the account along."""
    new = {**document(roles=["web"]), "id": None}
    assert ann.call("POST", "/pipelines", {k: v for k, v in new.items() if v is not None}).status == 200
    identity = ann.get("/applications/app/pipelineConfigs/one")["id"]
    assert users(ann)[0] == f"{identity}@managed-service-account"
    bulk = [document(roles=["web"], name="two", id="p2", serviceAccount="chosen"), document(roles=["nobody-has-it"], name="three", id="p3")]
    view = ann.task({"type": "savePipeline", "isBulkSavingPipelines": True, "pipelines": encoded(bulk)})
    answer = view["execution"]["stages"][0]["context"]["bulksave"]
    assert answer["successful_pipelines"] == ["two"] and "not authorized" in answer["failed_pipelines"][0]["errorMsg"]
    assert sorted(ann.get("/auth/user/serviceAccounts")) == sorted(["chosen", f"{identity}@managed-service-account"])
    assert ann.call("DELETE", "/pipelines/app/one").status == 200
    assert ann.get("/auth/user/serviceAccounts") == ["chosen"]


def test_without_sign_in(tmp_path):
    server = server_with(tmp_path, "tasks: {use-managed-service-accounts: true}\n")
    api = Client(server)
    api.create_application()
    view = save(api)
    assert view["status"] == "TERMINAL" and "nobody has to sign in" in str(view["execution"]["stages"][0]["context"]["exception"])
    assert server.stop() == 0
