"""The simulated cloud from outside: pipelines deploy to it through the API (deploy-strategies.md 3, aws.md 4, 5, 7)."""
import json
import time

import pytest

from gennaker import Gennaker, failures

CONFIG = """
gennaker:
  simulator:
    accounts:
      - name: test
        environment: testing
      - name: prod
        environment: production
        regions: [north]
        quota: {instances: 20}
    images:
      - {package: shop, version: 1.0.0, behaviour: boots in 1 s}
      - {package: shop, version: 1.1.0, behaviour: boots in 1 s}
      - {package: shop, version: 1.2.0, behaviour: never healthy}
    serverGroups:
      - {name: shop-main-v000, accounts: [prod], image: shop-1.0.0, size: 2, loadBalancers: [frontend]}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    config = folder / "gennaker.yml"
    config.write_text(CONFIG)
    gennaker = Gennaker(folder / "data", config=config).start()
    yield gennaker
    gennaker.stop()


def cluster(account="prod", region="north", image="shop-1.1.0", **more):
    return {"account": account, "application": "shop", "stack": "main", "availabilityZones": {region: []}, "imageId": image,
            "capacity": {"min": 2, "max": 2, "desired": 2}, "loadBalancers": ["frontend"], "cloudProvider": "simulator",
            "provider": "simulator", "strategy": "redblack", **more}


def run(server, stages, seconds=60):
    answer = server.api.call("POST", "/pipelines/start", {"application": "shop", "name": "deploy", "stages": stages})
    return server.wait_execution(answer["ref"].rsplit("/", 1)[1], seconds)


def deploy(server, seconds=60, **more):
    return run(server, [{"refId": "1", "type": "deploy", "name": "deploy", "clusters": [cluster(**more)]}], seconds)


def groups(server):
    return {group["name"]: group for group in server.api.get("/applications/shop/serverGroups") if group["account"] == "prod"}


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("not within the time")


def test_accounts_and_what_runs_from_the_start(server):
    accounts = {account["name"]: account for account in server.api.get("/credentials")}
    assert accounts["prod"]["type"] == "simulator"
    wait_until(lambda: groups(server).get("shop-main-v000", {}).get("instanceCounts", {}).get("up") == 2)
    group = server.api.get("/applications/shop/serverGroups/prod/north/shop-main-v000")
    assert group["imageSummary"]["imageName"] == "shop-1.0.0"
    assert group["disabled"] is False
    assert [balancer["name"] for balancer in server.api.get("/loadBalancers?provider=simulator")] == ["frontend"]
    found = server.api.get("/images/find?provider=simulator&q=shop")
    assert [image["imageName"] for image in found] == ["shop-1.0.0", "shop-1.1.0", "shop-1.2.0"]


def test_a_red_black_deployment_replaces_what_runs(server):
    """deploy-strategies.md 3"""
    execution = deploy(server)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    now = groups(server)
    assert now["shop-main-v000"]["isDisabled"] is True
    assert now["shop-main-v001"]["isDisabled"] is False
    assert now["shop-main-v001"]["instanceCounts"]["up"] == 2


def test_a_version_that_never_gets_well_fails_and_leaves_the_old_one(server):
    """deploy-strategies.md 8"""
    execution = run(server, [{"refId": "1", "type": "deploy", "name": "deploy", "stageTimeoutMs": 4000, "overrideTimeout": True,
                              "clusters": [cluster(image="shop-1.2.0", stageTimeoutMs=4000, rollback={"onFailure": True, "destroyLatest": True})]}])
    assert execution["status"] == "TERMINAL"
    assert groups(server)["shop-main-v001"]["isDisabled"] is False


def test_a_bake_makes_an_image_that_is_deployed(server):
    """bake.md 1, 7: the cloud stands in for the bakery"""
    assert server.api.get("/bakery/options/simulator")["baseImages"][0]["id"] == "linux"
    stages = [{"refId": "1", "type": "bake", "name": "bake", "cloudProviderType": "simulator", "package": "shop", "regions": ["north"], "baseOs": "linux",
               "extendedAttributes": {"behaviour": "boots in 1 s"}},
              {"refId": "2", "requisiteStageRefIds": ["1"], "type": "deploy", "name": "deploy",
               "clusters": [{key: value for key, value in cluster(stack="baked").items() if key != "imageId"}]}]
    execution = run(server, stages)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    group = server.api.get("/applications/shop/serverGroups/prod/north/shop-baked-v000")
    assert group["imageSummary"]["imageName"].startswith("shop-20")
    assert group["buildInfo"]["package_name"] == "shop"


def faults(server, *rules):
    server.api.call("DELETE", "/gennaker/simulator/faults")
    for rule in rules:
        server.api.call("POST", "/gennaker/simulator/faults", {"rule": rule})


def test_throttled_and_lost_answers_change_nothing_of_the_outcome(server):
    """aws.md 16: what was not done is tried again, what may have been done is looked for; never two groups."""
    faults(server, "throttle createServerGroup once", "timeout-after createServerGroup once", "timeout-after disableServerGroup once")
    before = set(groups(server))
    execution = deploy(server, stack="faulty")
    assert execution["status"] == "SUCCEEDED", failures(execution)
    assert set(groups(server)) - before == {"shop-faulty-v000"}
    told = server.api.get("/gennaker/simulator/faults")
    assert [rule["struck"] for rule in told][:2] == [1, 1]
    calls = [call for call in server.api.get("/gennaker/simulator/calls") if call["operation"] == "createServerGroup"]
    assert "rate exceeded" in calls[-2]["outcome"] and "no answer" in calls[-1]["outcome"]
    faults(server)


def test_a_refused_call_fails_with_its_reason(server):
    faults(server, "refuse createServerGroup in prod")
    execution = deploy(server, stack="refused")
    assert execution["status"] == "TERMINAL"
    assert any("refused (simulated fault)" in text for text in failures(execution)), failures(execution)
    faults(server)


def test_a_group_replaces_an_instance_that_is_killed(server):
    group = server.api.get("/applications/shop/serverGroups/prod/north/shop-main-v001")
    victim = group["instances"][0]["id"]
    server.api.call("POST", f"/gennaker/simulator/instances/prod/north/{victim}/kill")

    def healed():
        now = server.api.get("/applications/shop/serverGroups/prod/north/shop-main-v001")
        return victim not in [one["id"] for one in now["instances"]] and now["instanceCounts"]["up"] == 2

    wait_until(healed)


def test_bad_rules_and_unknown_instances_are_named(server):
    for body in ({"rule": "explode"}, {"kind": "throttle", "probability": 3}):
        with pytest.raises(Exception) as refused:
            server.api.call("POST", "/gennaker/simulator/faults", body)
        assert "400" in str(refused.value)
    with pytest.raises(Exception) as missing:
        server.api.call("POST", "/gennaker/simulator/instances/prod/north/i-none/kill")
    assert "404" in str(missing.value)


def test_what_runs_outlives_the_program(tmp_path):
    config = tmp_path / "gennaker.yml"
    config.write_text(CONFIG.replace("  simulator:\n", "  simulator:\n    keepState: true\n"))
    server = Gennaker(tmp_path / "data", config=config).start()
    try:
        assert deploy(server)["status"] == "SUCCEEDED"
        before = {name: [one["id"] for one in group["instances"]] for name, group in groups(server).items()}
        server.stop()
        server.start()
        wait_until(lambda: {name: [one["id"] for one in group["instances"]] for name, group in groups(server).items()} == before)
        assert groups(server)["shop-main-v000"]["isDisabled"] is True
    finally:
        server.stop()
