"""`gennaker simulate` and plans: pipelines rehearsed by the real program, and compared with what it then really does on its simulated cloud."""
import json
import subprocess
import time

import pytest
from gennaker import PROGRAM, Gennaker

CONFIG = """
gennaker:
  simulator:
    accounts: [{name: prod, regions: [north, south]}]
    images: [{name: app-1}, {name: app-2}, {name: app-sick, behaviour: never healthy}]
    serverGroups:
      - {name: shop-main-v000, image: app-1, size: 2, regions: [north], loadBalancers: [frontend]}
"""


def cluster(**more):
    return {"account": "prod", "cloudProvider": "simulator", "application": "shop", "stack": "main", "strategy": "redblack",
            "availabilityZones": {"north": ["north-a"]}, "imageId": "app-2", "instanceType": "small", "loadBalancers": ["frontend"],
            "capacity": {"min": 2, "max": 2, "desired": 2}, **more}


def deploy(ref="1", after=(), **more):
    return {"refId": ref, "requisiteStageRefIds": list(after), "type": "deploy", "name": f"Deploy {ref}", "clusters": [cluster(**more)]}


def pipeline(*stages, **more):
    return {"application": "shop", "name": "Ship", "stages": list(stages), **more}


DAY = pipeline({"refId": "1", "type": "wait", "name": "Night", "waitTime": 86400},
               {"refId": "2", "requisiteStageRefIds": ["1"], "type": "webhook", "name": "Tell", "url": "http://nowhere.example/"},
               {"refId": "3", "requisiteStageRefIds": ["2"], "type": "manualJudgment", "name": "Go?"},
               deploy("4", ["3"], loadBalancers=[]))


class Files:
    def __init__(self, folder):
        self.folder = folder
        self.config = folder / "gennaker.yml"
        self.config.write_text(CONFIG)

    def simulate(self, config, *arguments, code=0, with_config=False):
        path = self.folder / "pipeline.json"
        path.write_text(json.dumps(config))
        options = ["--config", str(self.config)] if with_config else []
        done = subprocess.run([PROGRAM, "simulate", str(path), *options, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code in (0, 20) else done.stderr


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    (folder / "gennaker.yml").write_text(CONFIG)
    server = Gennaker(folder / "data", config=folder / "gennaker.yml").start()
    wait_for(lambda: enabled(server, "shop-main-v000"))
    yield server
    assert server.stop() == 0, server.said()[-3000:]


def wait_for(found, seconds=60):
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.2)


def groups(server):
    return {g["name"]: g for g in server.api.get("/applications/shop/serverGroups")}


def enabled(server, name):
    group = groups(server).get(name)
    return group is not None and not group["isDisabled"] and group["instanceCounts"]["up"] >= 2


def changes(report):
    return {g["name"]: (g["change"], g.get("after", {}).get("desired"), g.get("after", {}).get("disabled"))
            for g in report["clouds"]["serverGroups"]}


# ---- simulate ----


def test_a_day_takes_a_moment(files):
    began = time.monotonic()
    report = json.loads(files.simulate(DAY, "-o", "json"))
    assert time.monotonic() - began < 5  # the budget, 1 s, is the release build's on a quiet machine
    assert report["status"] == "SUCCEEDED" and report["duration"] >= 86400 * 1000
    assert [(a["stage"], a["assumed"]) for a in report["assumptions"]] == [("Tell", "SUCCEEDED"), ("Go?", "continue")]
    assert changes(report) == {"shop-main-v000": ("created", 2, False)}


def test_the_timeline_is_told(files):
    told = files.simulate(DAY)
    assert "1d 00:00:00  SUCCEEDED       Night" in told
    assert "shop-main-v000 in prod/north created: - -> 2/2/2" in told
    assert "Ship of shop: SUCCEEDED after 1 d 00 h of simulated time, seed 1" in told


def test_exit_codes(files):
    assert "TERMINAL" in files.simulate(DAY, "--assume", "judgement=stop", code=20)
    assert "assumed to fail" in files.simulate(DAY, "--assume", "Tell=FAILED", code=20)
    assert "refused (simulated fault)" in files.simulate(DAY, "--fault", "refuse createServerGroup", code=20)
    assert "does not begin with" in files.simulate(DAY, "--fault", "explode", code=2)
    assert "expected NAME=ANSWER" in files.simulate(DAY, "--assume", "Tell", code=2)
    assert "no pipeline of this name" in files.simulate(DAY, "--only", "Other", code=5)
    assert "name and application" in files.simulate({"stages": []}, code=2)


def test_faults_are_lived_through(files):
    report = json.loads(files.simulate(pipeline(deploy()), "-o", "json", "--fault", "throttle createServerGroup 3 times", "--fault",
                                       "timeout-after disableServerGroup once", with_config=True))
    assert report["status"] == "SUCCEEDED"
    assert changes(report) == {"shop-main-v000": ("disabled", 2, True), "shop-main-v001": ("created", 2, False)}


def test_a_seed_replays(files):
    two = pipeline(deploy("1"), deploy("2", availabilityZones={"south": ["south-a"]}))
    runs = [json.loads(files.simulate(two, "-o", "json", "--seed", seed, with_config=True)) for seed in ("7", "7")]
    assert [e for e in runs[0]["timeline"]] == [e for e in runs[1]["timeline"]]


def test_clouds_that_are_not_configured_have_twins(files):
    aws = pipeline(deploy(cloudProvider="aws", availabilityZones={"us-east-1": ["us-east-1a"]}, imageId=None, amiName="orders-1"))
    report = json.loads(files.simulate(aws, "-o", "json"))
    assert report["status"] == "SUCCEEDED", report
    assert changes(report) == {"shop-main-v000": ("created", 2, False)}


def test_pipelines_start_each_other(files):
    child = pipeline(deploy(loadBalancers=[]), name="Child", id="child")
    parent = pipeline({"refId": "1", "type": "pipeline", "name": "Start", "pipeline": "child", "application": "shop"})
    told = files.simulate([parent, child], "--only", "Ship")
    assert "shop-main-v000 in prod/north created" in told and "Ship of shop: SUCCEEDED" in told


# ---- plans ----


def test_a_plan_changes_nothing_and_comes_true(server):
    config = pipeline(deploy(scaleDown=True), {"refId": "2", "requisiteStageRefIds": ["1"], "type": "wait", "name": "Never",
                                               "waitTime": 60, "stageEnabled": {"type": "expression", "expression": "false"}},
                      id="ship-id")
    server.api.call("POST", "/pipelines", config)
    before, executions = groups(server), server.api.get("/applications/shop/pipelines")
    plan = server.api.call("POST", "/pipelines/ship-id/plan", {"type": "manual"})
    assert plan["status"] == "SUCCEEDED"
    assert changes(plan) == {"shop-main-v000": ("disabled, resized", 0, True), "shop-main-v001": ("created", 2, False)}
    stages = {s["name"]: s for s in plan["stages"]}
    assert stages["Deploy 1"]["runs"] and not stages["Never"]["runs"] and "false" in stages["Never"]["notTaken"]
    assert [d["stage"] for d in plan["deployments"]] == ["Deploy 1"]
    assert {g["serverGroup"] for g in plan["deployments"][0]["serverGroups"]} == {"shop-main-v000", "shop-main-v001"}
    assert groups(server) == before and server.api.get("/applications/shop/pipelines") == executions
    # what it then really does
    ref = server.api.call("POST", "/pipelines/shop/Ship", {})["ref"]
    execution = server.wait_execution(ref.rsplit("/", 1)[1])
    assert execution["status"] == "SUCCEEDED"
    wait_for(lambda: groups(server)["shop-main-v000"]["capacity"]["desired"] == 0)
    after = groups(server)
    assert set(after) == {"shop-main-v000", "shop-main-v001"}
    assert after["shop-main-v000"]["isDisabled"] and not after["shop-main-v001"]["isDisabled"]
    assert after["shop-main-v001"]["capacity"]["desired"] == 2


STRATEGIES = [("none", {"strategy": ""}), ("highlander", {"strategy": "highlander"}),
              ("rolling", {"strategy": "rollingredblack", "targetPercentages": [50, 100]}),
              ("larger", {"capacity": {"min": 1, "max": 4, "desired": 3}})]


@pytest.mark.parametrize("stack, more", STRATEGIES, ids=[stack for stack, _ in STRATEGIES])
def test_plans_of_strategies_come_true(server, stack, more):
    """A plan agrees with what the execution then does, with each strategy, on a cluster that runs already."""
    def state():
        return {name: (g["capacity"]["desired"], g["isDisabled"]) for name, g in groups(server).items() if f"shop-{stack}-" in name}

    def execute(name):
        ref = server.api.call("POST", f"/pipelines/shop/{name}", {})["ref"]
        assert server.wait_execution(ref.rsplit("/", 1)[1])["status"] == "SUCCEEDED"

    first = {**pipeline(deploy(stack=stack, strategy="", imageId="app-1")), "name": f"First {stack}"}
    second = {**pipeline(deploy(stack=stack, **more)), "name": f"Second {stack}", "id": f"second-{stack}"}
    for config in (first, second):
        server.api.call("POST", "/pipelines", config)
    execute(f"First%20{stack}")
    wait_for(lambda: enabled(server, f"shop-{stack}-v000"))
    before = state()
    planned = changes(server.api.call("POST", f"/pipelines/second-{stack}/plan", {}))
    expected = {**before, **{name: after[1:] for name, after in planned.items()}}
    expected = {name: after for name, after in expected.items() if after[0] is not None}
    execute(f"Second%20{stack}")
    wait_for(lambda: state() == expected)


def test_a_plan_of_a_body(server):
    plan = server.api.call("POST", "/pipelines/plan?assume=judgement=stop", pipeline({"refId": "1", "type": "manualJudgment", "name": "Go?"},
                                                                                  deploy("2", ["1"])))
    assert plan["status"] == "TERMINAL" and plan["clouds"]["serverGroups"] == []
    stages = {s["name"]: s for s in plan["stages"]}
    assert stages["Deploy 2"]["notTaken"] == "stage Go? before it is TERMINAL"


def test_a_guard_says_no_in_a_plan(server):
    guard = {"account": "prod", "location": "south", "stack": "lone", "detail": "", "enabled": True}
    others = [{**guard, "stack": "other"}, {**guard, "enabled": False}]
    task = server.api.call("POST", "/tasks", {"application": "guarded", "description": "make it", "job": [
        {"type": "createApplication", "application": {"name": "guarded", "email": "a@b.example", "trafficGuards": [guard, *others]}}]})
    wait_for(lambda: server.api.get(task["ref"])["status"] in ("SUCCEEDED", "TERMINAL"))
    config = {"application": "guarded", "name": "Twice", "stages": [
        {"refId": "1", "type": "deploy", "name": "Deploy", "clusters": [cluster(application="guarded", stack="lone",
                                                                                  availabilityZones={"south": ["south-a"]})]},
        {"refId": "2", "requisiteStageRefIds": ["1"], "type": "disableServerGroup", "name": "Off", "cloudProvider": "simulator",
         "credentials": "prod", "regions": ["south"], "cluster": "guarded-lone", "target": "current_asg_dynamic"}]}
    plan = server.api.call("POST", "/pipelines/plan", config)
    assert plan["status"] == "TERMINAL"
    assert [(g["guard"]["stack"], g["verdict"]) for g in plan["trafficGuards"]] == [("lone", "refused")]
    alone = server.api.call("POST", "/pipelines/plan", {**config, "stages": config["stages"][:1]})
    assert [(g["guard"]["stack"], g["verdict"]) for g in alone["trafficGuards"]] == [("lone", "holds")]


def test_a_plan_of_nothing_known(server):
    with pytest.raises(Exception, match="404 .*Pipeline configuration not found"):
        server.api.call("POST", "/pipelines/no-such-id/plan", {})


def test_the_command(server, tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps(pipeline(deploy(imageId="app-sick"))))
    done = subprocess.run([PROGRAM, "plan", "--file", str(path), "--server", server.url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 20, done.stdout + done.stderr
    assert "Deploy 1 (deploy): TERMINAL" in done.stdout and "Ship of shop would be TERMINAL" in done.stdout
    bare = subprocess.run([PROGRAM, "plan", "--server", server.url], capture_output=True, text=True, timeout=60)
    assert bare.returncode == 2 and "APPLICATION and NAME" in bare.stderr
