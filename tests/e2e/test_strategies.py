"""Deployment strategies on the simulated cloud, through the API, with a deployment monitor on loopback (deploy-strategies.md 3, 7, 8)."""
import json
import subprocess
import time

import pytest

from gennaker import PROGRAM, Gennaker, failures
from receivers import HttpReceiver

CLUSTERS = ("roll", "mon", "fail", "two", "back")
CONFIG = """
monitored-deploy:
  enabled: true
  deployment-monitors:
    - {{id: watch, base-url: "{monitor}"}}
gennaker:
  simulator:
    accounts:
      - {{name: prod, environment: production, regions: [north]}}
    images:
      - {{package: shop, version: 1.0.0}}
      - {{package: shop, version: 1.1.0, behaviour: boots in 1 s}}
      - {{package: shop, version: 1.2.0, behaviour: never healthy}}
    serverGroups:
{groups}
"""
GROUP = "      - {{name: shop-{0}-v000, accounts: [prod], image: shop-1.0.0, size: 4, loadBalancers: [frontend]}}"


@pytest.fixture(scope="module")
def monitor():
    receiver = HttpReceiver()
    receiver.answers["/"] = (200, json.dumps({"nextStep": {"directive": "continue"}}))
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, monitor):
    folder = tmp_path_factory.mktemp("strategies")
    config = folder / "gennaker.yml"
    config.write_text(CONFIG.format(monitor=monitor.url, groups="\n".join(GROUP.format(name) for name in CLUSTERS)))
    gennaker = Gennaker(folder / "data", config=config).start()
    yield gennaker
    gennaker.stop()


def cluster(stack, image="shop-1.1.0", **more):
    return {"account": "prod", "application": "shop", "stack": stack, "availabilityZones": {"north": []}, "imageId": image,
            "capacity": {"min": 1, "max": 8, "desired": 4}, "loadBalancers": ["frontend"], "cloudProvider": "simulator", **more}


def deploy(stack, **more):
    return {"refId": "1", "type": "deploy", "name": "Deploy", "clusters": [cluster(stack, **more)]}


def start(server, *stages):
    answer = server.api.call("POST", "/pipelines/start", {"application": "shop", "name": "deploy", "stages": list(stages)})
    return answer["ref"].rsplit("/", 1)[1]


def run(server, *stages, seconds=90):
    return server.wait_execution(start(server, *stages), seconds)


def groups(server, stack):
    found = server.api.get("/applications/shop/serverGroups")
    return {group["name"]: group for group in found if group["name"].startswith(f"shop-{stack}-")}


def serving(server, stack):
    """Names of the enabled groups, with how many of their instances are up."""
    return {name: group["instanceCounts"]["up"] for name, group in groups(server, stack).items() if not group["isDisabled"]}


def after_stages(execution):
    maker = next(stage for stage in execution["stages"] if stage["type"] == "createServerGroup")
    return [stage["name"] for stage in execution["stages"]
            if stage.get("parentStageId") == maker["id"] and stage.get("syntheticStageOwner") == "STAGE_AFTER"]


def test_rolling_red_black(server):
    execution = run(server, deploy("roll", strategy="rollingredblack", targetPercentages=[50]))
    assert execution["status"] == "SUCCEEDED", failures(execution)
    assert after_stages(execution) == [
        "Determine Deployed Server Group", "Pin shop-roll-v000", "Grow to 50% of Desired Size", "Disable 50% of Traffic on shop-roll-v000",
        "Grow to 100% of Desired Size", "Disable 100% of Traffic on shop-roll-v000", "Unpin shop-roll-v000"]
    assert serving(server, "roll") == {"shop-roll-v001": 4}


def test_monitored(server, monitor):
    before = len(monitor.calls)
    execution = run(server, deploy("mon", strategy="monitored", deploySteps=[{"percentage": 50}],
                                   deploymentMonitor={"id": "watch", "parameters": {"team": "shop"}}))
    assert execution["status"] == "SUCCEEDED", failures(execution)
    calls = monitor.calls[before:]
    assert [(call.path, call.json.get("currentProgress")) for call in calls] == [
        ("/deployment/starting", 0), ("/deployment/evaluateHealth", 50), ("/deployment/evaluateHealth", 100), ("/deployment/completed", 100)]
    told = calls[-1].json
    assert (told["newServerGroup"], told["oldServerGroup"], told["status"]) == ("shop-mon-v001", "shop-mon-v000", "success")
    assert (told["application"], told["account"], told["region"], told["parameters"]) == ("shop", "prod", "north", {"team": "shop"})
    assert serving(server, "mon") == {"shop-mon-v001": 4}


def test_a_monitor_that_aborts_brings_the_old_one_back(server, monitor):
    monitor.answers = {"/deployment/evaluateHealth": (200, json.dumps({"nextStep": {"directive": "abort"}, "statusReason": "errors rise"})),
                       **monitor.answers}
    execution = run(server, deploy("fail", strategy="monitored", deploySteps=[50], deploymentMonitor={"id": "watch"},
                                   failureActions={"rollback": "Automatic", "destroyInstances": True}))
    assert execution["status"] == "TERMINAL"
    assert any("aborts the deployment: errors rise" in line for line in failures(execution)), failures(execution)
    assert monitor.calls[-1].json["status"] == "failure" and monitor.calls[-1].json["rollback"] == "success"
    assert groups(server, "fail").keys() == {"shop-fail-v000"}
    assert serving(server, "fail") == {"shop-fail-v000": 4}
    group = server.api.get("/applications/shop/serverGroups/prod/north/shop-fail-v000")
    assert group["capacity"]["desired"] == 4


def test_two_deployments_of_a_cluster_come_one_after_the_other(server):
    first = start(server, deploy("two", strategy="redblack", delayBeforeCleanup=3))
    time.sleep(0.5)
    second = start(server, deploy("two", strategy="redblack"))
    end = time.monotonic() + 20
    said = ""
    while time.monotonic() < end and f"waits for deployment {first} of cluster shop-two in north" not in said:
        said = subprocess.run([PROGRAM, "why", second, "--server", server.url], capture_output=True, text=True).stdout
        time.sleep(0.1)
    assert f"waits for deployment {first} of cluster shop-two in north" in said, said
    one, two = server.wait_execution(first), server.wait_execution(second)
    assert one["status"] == two["status"] == "SUCCEEDED", failures(one) + failures(two)
    made = [next(s for s in e["stages"] if s["type"] == "createServerGroup")["context"] for e in (one, two)]
    assert [context["source"]["serverGroupName"] for context in made] == ["shop-two-v000", "shop-two-v001"]
    assert serving(server, "two") == {"shop-two-v002": 4}


def back(stack):
    return {"refId": "2", "requisiteStageRefIds": ["1"], "type": "rollbackCluster", "name": "Back", "credentials": "prod",
            "cloudProvider": "simulator", "cluster": f"shop-{stack}", "regions": ["north"]}


def test_a_pipeline_goes_back_to_what_it_replaced(server):
    execution = run(server, deploy("back", strategy="redblack"), back("back"))
    assert execution["status"] == "SUCCEEDED", failures(execution)
    assert serving(server, "back") == {"shop-back-v000": 4}
