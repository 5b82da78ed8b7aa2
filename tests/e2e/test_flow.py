"""The everyday flow: red/black to staging, a judgement, red/black to production; the simulator's final state and the order of calls."""
import time

import pytest
from faultproxy import drop
from flow import IMAGE, Flow, calls, check_deployed, check_shared
from gennaker import failures


@pytest.fixture
def flow(tmp_path, simulator, proxy):
    flow = Flow(tmp_path, simulator, proxy).start()
    yield flow
    flow.end()


def first(proxy, action, account, name):
    """Position of the first call of an action on a group."""
    for call in proxy.calls():
        if call.action == action and call.account == account and name in str(call.params):
            return call.n
    raise AssertionError(f"no {action} of {name}")


def test_two_deployments(flow, simulator, proxy):
    first_run = flow.run()
    assert first_run["status"] == "SUCCEEDED", failures(first_run)
    for account in ("staging", "production"):
        check_deployed(simulator, account, 1, flow.seeded)
    check_shared(simulator, flow.seeded["images"][IMAGE])

    second_run = flow.run()
    assert second_run["status"] == "SUCCEEDED", failures(second_run)
    for account in ("staging", "production"):
        check_deployed(simulator, account, 2, flow.seeded)

    created = [call.params["AutoScalingGroupName"] for call in calls(proxy, "CreateAutoScalingGroup")]
    assert sorted(created) == ["demo-production-v000", "demo-production-v001", "demo-staging-v000", "demo-staging-v001"]
    assert len(calls(proxy, "CreateLaunchTemplate")) == 4
    assert len(calls(proxy, "DeleteAutoScalingGroup")) == 0
    # The old group is disabled only after the new one was seen healthy.
    for account, number in (("staging", "123456789012"), ("production", "111111111111")):
        made = first(proxy, "CreateAutoScalingGroup", number, f"demo-{account}-v001")
        disabled = first(proxy, "SuspendProcesses", number, f"demo-{account}-v000")
        looked = [c.n for c in proxy.calls() if c.action == "DescribeTargetHealth" and c.account == number and made < c.n < disabled]
        assert made < disabled and looked
    # Production begins after staging is done and judged.
    assert first(proxy, "SuspendProcesses", "123456789012", "demo-staging-v000") < first(proxy, "CreateAutoScalingGroup", "111111111111", "v001")


def test_views_after_deployment(flow):
    execution = flow.run(accounts=("staging",))
    assert execution["status"] == "SUCCEEDED", failures(execution)
    api = flow.server.api
    clusters = api.get("/applications/demo/clusters")
    assert "demo-staging" in clusters["staging"]
    found = api.get("/applications/demo/serverGroups")
    group = next(g for g in found if g["name"] == "demo-staging-v000")
    assert group["region"] == "us-east-1" and not group.get("isDisabled")
    details = api.get("/applications/demo/serverGroups/staging/us-east-1/demo-staging-v000")
    assert details["capacity"] == {"min": 2, "desired": 2, "max": 2}
    assert len(details["instances"]) == 2
    assert all(instance["healthState"] == "Up" for instance in details["instances"])
    assert api.get("/credentials")


def test_what_was_known_survives_a_restart(flow, simulator, proxy):
    """A cloud that does not answer after a start: what was known is served, with its age, and is no younger than it is."""
    execution = flow.run(accounts=("staging",))
    assert execution["status"] == "SUCCEEDED", failures(execution)
    before = flow.server.api.get("/applications/demo/serverGroups/staging/us-east-1/demo-staging-v000")
    assert flow.server.stop() == 0
    proxy.add(drop())
    began = time.monotonic()
    flow.server.start()
    assert time.monotonic() - began < 5, "a start does not wait for a cloud that it has met before"
    after = flow.server.api.get("/applications/demo/serverGroups/staging/us-east-1/demo-staging-v000")
    assert after["capacity"] == before["capacity"] and after["asg"] == before["asg"]
    assert {i["instanceId"] for i in after["instances"]} == {i["instanceId"] for i in before["instances"]}
    assert all(instance["healthState"] == "Up" for instance in after["instances"])
    account = next(a for a in flow.server.api.get("/credentials?expand=true") if a["name"] == "staging")
    assert account["inventory"]["oldestRead"] > 0 and account["inventory"]["ageMs"] > 0
