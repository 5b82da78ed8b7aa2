"""What the API shows of the clouds, against the AWS simulator after one deployment."""
import time

import pytest
from flow import IMAGE, Flow
from http_calls import call
from test_api import Client

APP = "/applications/demo"


@pytest.fixture(scope="module")
def flow(tmp_path_factory, simulator):
    """A server with two accounts and one server group in staging, demo-staging-v000."""
    from faultproxy import FaultProxy

    with FaultProxy(simulator.url) as proxy:
        flow = Flow(tmp_path_factory.mktemp("clouds"), simulator, proxy).start()
        execution = flow.run(accounts=("staging",))
        assert execution["status"] == "SUCCEEDED", execution
        yield flow
        assert flow.server.stop() == 0


@pytest.fixture
def api(flow):
    return Client(flow.server)


def instances(api, count, seconds=20):
    """The server group once its instances are known."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        group = api.get(f"{APP}/serverGroups/staging/us-east-1/demo-staging-v000")
        if len(group["instances"]) == count:
            return group
        time.sleep(0.1)
    raise AssertionError(group)


def test_accounts(api):
    short = api.get("/credentials")
    assert [a["name"] for a in short] == ["production", "staging"]
    assert set(short[0]) <= {"name", "type", "authorized", "accountId", "permissions", "requiredGroupMembership"}
    full = {a["name"]: a for a in api.get("/credentials?expand=true")}
    staging = full["staging"]
    assert staging["type"] == staging["cloudProvider"] == "aws" and staging["environment"] == "staging"
    assert staging["regions"][0]["name"] == "us-east-1" and staging["authorized"] is True
    assert staging["inventory"]["errors"] == [] and staging["inventory"]["ageMs"] < 60000
    assert api.get("/credentials/staging")["accountId"] == "123456789012"
    assert "secret" not in str(full).lower()
    leaves = api.get("/credentials/staging/inventory")
    assert {"serverGroups", "instances", "images", "subnets"} <= {leaf["kind"] for leaf in leaves}
    assert api.call("POST", "/credentials/staging/inventory/read").status == 202
    assert "staging" in api.error("GET", "/credentials/nowhere/inventory", status=404)


def test_application_of_the_clouds(api):
    listed = next(a for a in api.get("/applications") if a["name"] == "demo")
    assert listed["accounts"] == "staging"
    assert [a["name"] for a in api.get("/applications?account=staging")] == ["demo"] and api.get("/applications?account=production") == []
    whole = api.get(APP)
    assert whole["clusters"]["staging"][0]["name"] == "demo-staging" and whole["attributes"]["accounts"] == "staging"
    assert whole["clusters"]["staging"][0]["serverGroups"] == ["demo-staging-v000"]


def test_clusters(api):
    assert api.get(f"{APP}/clusters") == {"staging": ["demo-staging"]}
    assert api.get("/applications/nothing/clusters") == {}
    cluster = api.get(f"{APP}/clusters/staging")[0]
    assert cluster["moniker"]["cluster"] == "demo-staging" and cluster["serverGroups"] == ["demo-staging-v000"]
    assert api.error("GET", f"{APP}/clusters/production", status=404)
    one = api.get(f"{APP}/clusters/staging/demo-staging")
    assert one["accountName"] == "staging" and one["type"] == "aws" and one["serverGroups"][0]["name"] == "demo-staging-v000"
    assert api.get(f"{APP}/clusters/staging/demo-staging/aws") == one
    assert api.get(f"{APP}/clusters/staging/demo-staging/other") == {} == api.get(f"{APP}/clusters/staging/none")
    groups = f"{APP}/clusters/staging/demo-staging/serverGroups"
    assert [g["name"] for g in api.get(groups)] == ["demo-staging-v000"] and api.get(f"{groups}/none") == []
    assert api.call("GET", f"{APP}/clusters/staging/none/serverGroups").text == ""


def test_targets_of_a_cluster(api):
    path = f"{APP}/clusters/staging/demo-staging/aws/us-east-1/serverGroups/target"
    for target in ("current", "NEWEST", "largest", "fail", "current_asg", "oldest_asg_dynamic?validateOldest=false"):
        assert api.get(f"{path}/{target}")["name"] == "demo-staging-v000", target
    assert api.error("GET", f"{path}/PREVIOUS", status=404) == "unable to find PREVIOUS in aws/staging/us-east-1/demo-staging"
    assert api.error("GET", f"{path}/oldest", status=404) and api.error("GET", f"{path}/sideways", status=404)
    assert api.error("GET", path.replace("us-east-1", "us-west-2") + "/current", status=404)


def test_server_groups(api):
    group = instances(api, 2)
    assert group["region"] == "us-east-1" and group["disabled"] is False and group["capacity"] == {"min": 2, "desired": 2, "max": 2}
    assert group["insightActions"] == [] and group["moniker"]["sequence"] == 0 and group["cloudProvider"] == "aws"
    summary = api.get(f"{APP}/serverGroups")[0]
    assert summary["name"] == "demo-staging-v000" and summary["isDisabled"] is False and summary["instanceCounts"]["total"] == 2
    assert summary["cluster"] == "demo-staging" and summary["account"] == "staging" and summary["type"] == "aws"
    expanded = api.get(f"{APP}/serverGroups?expand=true")[0]
    assert expanded["accountName"] == "staging" and expanded["stack"] == "staging" and expanded["asg"]
    assert api.get(f"{APP}/serverGroups?clusters=staging:other") == [] == api.get(f"{APP}/serverGroups?cloudProvider=other")
    assert len(api.get(f"{APP}/serverGroups?clusters=staging:demo-staging")) == 1
    assert api.get("/serverGroups?ids=staging:us-east-1:demo-staging-v000,staging:us-east-1:none") == api.get("/serverGroups?applications=demo")
    assert api.error("GET", "/serverGroups") and api.error("GET", "/serverGroups?ids=a&applications=b")
    missing = api.error("GET", f"{APP}/serverGroups/staging/us-east-1/none", status=404)
    assert missing == "Server group not found (id: none)"
    assert api.get(f"{APP}/serverGroupManagers") == []


def test_instances(api):
    for entry in instances(api, 2)["instances"]:
        name = entry.get("instanceId") or entry["name"]
        instance = api.get(f"/instances/staging/us-east-1/{name}")
        assert instance["healthState"] and instance["zone"].startswith("us-east-1") and instance["insightActions"] == []
    assert api.error("GET", "/instances/staging/us-east-1/i-0", status=404) == "Instance not found (id: i-0)"


def test_load_balancers(api):
    named = api.get("/loadBalancers?provider=aws")
    elb = next(b for b in named if b["name"] == "web-elb")
    assert {a["name"] for a in elb["accounts"]} == {"staging", "production"}
    region = elb["accounts"][0]["regions"][0]
    assert region["name"] == "us-east-1" and region["loadBalancers"][0]["name"] == "web-elb"
    assert api.get("/loadBalancers/web-elb?provider=aws") == elb
    assert api.error("GET", "/loadBalancers?provider=none") == "No cloud provider named none found"
    details = api.get("/loadBalancers/staging/us-east-1/web-elb?provider=aws")
    assert len(details) == 1 and details[0]["insightActions"] == []
    assert api.get("/loadBalancers/staging/us-east-1/none") == [] == api.get("/loadBalancers/nowhere/us-east-1/web-elb")
    assert isinstance(api.get(f"{APP}/loadBalancers"), list)
    assert [b["name"] for b in api.get("/applications/web/loadBalancers")] == ["web-elb", "web-elb"]


def test_firewalls(api, flow):
    web = flow.seeded["securityGroups"]["web"] if "securityGroups" in flow.seeded else None
    for word in ("securityGroups", "firewalls"):
        groups = api.get(f"/{word}")["staging"]["aws"]["us-east-1"]
        names = [g["name"] for g in groups]
        assert "web" in names and names == sorted(names) and all(g["id"] for g in groups)
        ours = next(g for g in groups if g["name"] == "web")
        assert web is None or ours["id"] == web
        assert api.get(f"/{word}?id={ours['id']}")["name"] == "web"
        assert "us-east-1" in api.get(f"/{word}/staging?provider=aws")
        one = api.get(f"/{word}/staging/us-east-1/web?provider=aws&vpcId={ours['vpcId']}")
        assert one["id"] == ours["id"] and one["inboundRules"] is not None
        assert api.error("GET", f"/{word}/staging/us-east-1/none", status=404) == "Security group 'none' does not exist"
    assert api.error("GET", "/securityGroups?id=sg-0", status=404) == "No security group found (id: sg-0)"
    assert api.error("GET", "/firewalls?id=sg-0", status=404) == "No firewall found (id: sg-0)"
    assert "web" in [g["name"] for g in api.get("/firewalls/staging/us-east-1")]


def test_images(api):
    found = api.get("/images/find?provider=aws&q=web-all&account=staging")
    assert found[0]["imageName"] == IMAGE
    image_id = found[0]["amis"]["us-east-1"][0]
    assert len(api.get("/images/find?q=web-all&count=1")) == 1
    assert api.get(f"/images/staging/us-east-1/{image_id}?provider=aws")[0]["imageName"] == IMAGE
    assert api.error("GET", "/images/find?q=w") and api.error("GET", "/images/find?q=web&provider=none")
    assert api.error("GET", "/images/staging/us-east-1/ami-00000000", status=404)


def test_networks(api):
    subnets = api.get("/subnets/aws")
    assert {s["account"] for s in subnets} == {"staging", "production"} and api.get("/subnets") == subnets
    assert "internal (core)" in {s.get("purpose") for s in subnets}
    networks = api.get("/networks")["aws"]
    assert {"core", "dmz"} <= {n["name"] for n in networks} and api.get("/networks/aws") == networks
    assert api.get("/vpcs") == networks and api.get("/networks/none") == [] == api.get("/subnets/none")
    assert "rig-key" in {k["keyName"] for k in api.get("/keyPairs")}
    assert "t3.small" in {t["name"] for t in api.get("/instanceTypes")}


def search(api, query):
    sets = api.get(f"/search?{query}")
    assert len(sets) == 1 and sets[0]["totalMatches"] >= len(sets[0]["results"])
    return sets[0]["results"]


def test_search(api):
    assert search(api, "q=DEM&type=applications")[0]["application"] == "demo"
    cluster = search(api, "q=demo&type=clusters")
    assert [(c["cluster"], c["account"], c["stack"], c["provider"]) for c in cluster] == [("demo-staging", "staging", "staging", "aws")]
    group = search(api, "q=staging-v000&type=serverGroups")[0]
    assert group["serverGroup"] == "demo-staging-v000" and group["sequence"] == 0 and group["region"] == "us-east-1"
    assert len(search(api, "q=demo-staging&type=instances")) == 2
    assert {b["loadBalancer"] for b in search(api, "q=web-elb&type=loadBalancers")} == {"web-elb"}
    firewalls = search(api, "q=web&type=securityGroups&account=staging")
    assert [(f["name"], f["application"]) for f in firewalls] == [("web", "web")]
    assert search(api, "q=demo&type=serverGroups&platform=other") == [] == search(api, "q=demo&type=projects")
    assert len(search(api, "q=demo&type=clusters,serverGroups&pageSize=1&page=2")) == 1
    assert api.get("/search?q=de&type=clusters") == [] and search(api, "q=de&type=clusters&allowShortQuery=true")


def test_the_page_shows_accounts(api):
    page = api.call("GET", "/").text
    assert "<td>staging</td>" in page and "<td>production</td>" in page and "ago" in page


def test_an_unknown_region_and_a_missing_image_change_nothing(api, flow):
    before = api.get(f"{APP}/serverGroups")
    for region, image, words in (("us-nowhere-1", IMAGE, "us-nowhere-1"), ("us-east-1", "none-such", "none-such")):
        document = flow.document(accounts=("staging",))
        document["name"] = f"Bad {region} {image}"
        cluster = document["stages"][0]["clusters"][0]
        cluster.update(availabilityZones={region: []}, amiName=image)
        assert api.call("POST", "/pipelines", document).status == 200
        execution = api.wait(api.ok("POST", f"/pipelines/demo/{document['name'].replace(' ', '%20')}", status=202)["ref"], seconds=60)
        errors = [e for s in execution["stages"] for e in s["context"].get("exception", {}).get("details", {}).get("errors", [])]
        assert execution["status"] == "TERMINAL" and any(words in e for e in errors), errors
        failed = api.get(f"/executions/failedStages?executionId={execution['id']}")
        assert api.get(f"/pipelines/failedStages?executionId={execution['id']}") == failed  # engine.md 26
        assert failed[0]["stageStatus"] == "TERMINAL" and failed[0]["stageException"] and failed[0]["parentPipelineExecutionId"] is None
    assert [g["name"] for g in api.get(f"{APP}/serverGroups")] == [g["name"] for g in before]


def test_the_operation_of_a_task_can_be_looked_at(api, flow):
    job = {"type": "resizeServerGroup", "cloudProvider": "aws", "credentials": "staging", "region": "us-east-1", "regions": ["us-east-1"],
           "serverGroupName": "demo-staging-v000", "asgName": "demo-staging-v000", "capacity": {"min": 2, "desired": 2, "max": 3}}
    task = api.task(job, application="demo", seconds=60)
    assert task["status"] == "SUCCEEDED", task
    kato = next(v["value"] for v in task["variables"] if v["key"].startswith("kato.last.task.id"))
    details = api.get(f"/tasks/{task['id']}/details/{kato['id'] if isinstance(kato, dict) else kato}")
    assert details["status"]["completed"] is True and details["status"]["failed"] is False and details["history"]
    assert api.error("GET", f"/tasks/{task['id']}/details/none", status=404)


def test_metrics_of_the_inventory(flow):
    text = call(flow.server.port, "GET", "/metrics").text
    assert 'gennaker_inventory_age_seconds{account="staging",region="us-east-1",kind="serverGroups"}' in text
    assert 'gennaker_inventory_failing{account="staging",region="us-east-1",kind="serverGroups"} 0' in text
