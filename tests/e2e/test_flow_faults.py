"""The everyday flow under faults of the other side: the same final state, or a clean failure that says what happened, and where."""
import os
import time

import pytest
from faultproxy import DROP, drop, empty, error, expired, hide, hook, lose_answer, malformed, never_healthy, skewed, throttle
from flow import ACCOUNTS, Flow, aws, calls, check_deployed, groups, is_disabled
from gennaker import demo, failures

LONG = bool(os.environ.get("GENNAKER_TEST_LONG"))
ONE = ("staging",)
# Every write of a first and a second deployment.
WRITES = ["ModifyImageAttribute", "CreateTags", "CreateLaunchTemplate", "CreateAutoScalingGroup", "SuspendProcesses", "DeregisterTargets"]


@pytest.fixture
def flow(tmp_path, simulator, proxy):
    flow = Flow(tmp_path, simulator, proxy).start()
    yield flow
    flow.end()


def deployed(flow, simulator, number, accounts=ONE, **document):
    execution = flow.run(accounts=accounts, **document)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    for account in accounts:
        check_deployed(simulator, account, number, flow.seeded)
    return execution


def failed(flow, *words, seconds=120, **document):
    """Runs the flow; it must fail and say all the words."""
    execution = flow.run(seconds=seconds, accounts=ONE, **document)
    assert execution["status"] == "TERMINAL", execution["status"]
    said = "\n".join(failures(execution))
    for word in words:
        assert word in said, said
    return execution


def test_throttled(flow, simulator, proxy):
    proxy.add(throttle(seconds=60 if LONG else 5))
    deployed(flow, simulator, 1)


@pytest.mark.parametrize("action", WRITES)
def test_answer_lost(flow, simulator, proxy, action):
    """Every write is carried out once, though its first answer never comes."""
    proxy.add(lose_answer(action=action, count=1))
    accounts = tuple(ACCOUNTS)
    deployed(flow, simulator, 1, accounts)
    deployed(flow, simulator, 2, accounts)
    assert len(calls(proxy, "CreateAutoScalingGroup")) == 4
    assert len({c.params["LaunchTemplateName"] for c in calls(proxy, "CreateLaunchTemplate")}) == 4


def test_group_of_somebody_else(flow, simulator, proxy):
    """A group of the chosen name appears between our look and our write: it is left alone."""
    def take_the_name(call):
        account = aws(simulator, ACCOUNTS["staging"], "autoscaling")
        account.create_launch_configuration(LaunchConfigurationName="theirs", ImageId=call.params.get("ImageId", "ami-785db401"),
                                            InstanceType="t3.small")
        account.create_auto_scaling_group(AutoScalingGroupName=call.params["AutoScalingGroupName"], MinSize=0, MaxSize=0,
                                          LaunchConfigurationName="theirs", AvailabilityZones=["us-east-1a"])

    proxy.add(hook(take_the_name, action="CreateAutoScalingGroup", count=1))
    failed(flow, "demo-staging-v000", "us-east-1", "staging", "not ours", "theirs")
    assert groups(simulator, "staging")["demo-staging-v000"]["LaunchConfigurationName"] == "theirs"


def test_eventual_consistency(flow, simulator, proxy):
    proxy.add(hide("group", 4), hide("template", 3))
    deployed(flow, simulator, 1)


def test_session_expired(flow, simulator, proxy):
    """The session of the assumed role ends in the middle: a new one is made."""
    proxy.add(expired(account=ACCOUNTS["production"], action="CreateAutoScalingGroup", count=1))
    deployed(flow, simulator, 1, tuple(ACCOUNTS))


def test_clock_skew(flow, simulator, proxy):
    proxy.add(skewed(3600, action="CreateLaunchTemplate", count=1))
    deployed(flow, simulator, 1)


@pytest.mark.parametrize("spoil", [malformed, empty])
def test_answers_that_are_none(flow, simulator, proxy, spoil):
    proxy.add(spoil(action="DescribeAutoScalingGroups", count=3), spoil(action="CreateLaunchTemplate", count=1),
              spoil(action="CreateAutoScalingGroup", count=1))
    deployed(flow, simulator, 1)


def test_refused(flow, simulator, proxy):
    proxy.add(error("AccessDenied", "User is not authorized to perform: autoscaling:CreateAutoScalingGroup", 403,
                    action="CreateAutoScalingGroup"))
    failed(flow, "CreateAutoScalingGroup", "demo-staging-v000", "us-east-1", "staging", "AccessDenied", "not authorized")
    assert not groups(simulator, "staging")


def test_never_healthy(flow, simulator, proxy):
    """The new group never passes its checks: the old one goes on serving."""
    deployed(flow, simulator, 1)
    proxy.add(never_healthy())
    document = flow.document(accounts=ONE)
    document["stages"][0]["stageTimeoutMs"] = 8000
    execution = flow.server.wait_execution(demo.start_pipeline(flow.server.api, document, {"type": "manual"}), 90)
    assert execution["status"] == "TERMINAL"
    assert "timed out" in "\n".join(failures(execution))
    assert not is_disabled(groups(simulator, "staging")["demo-staging-v000"])


def test_failed_read_never_hides_a_group(flow, simulator, proxy):
    """Half a list is no list: what is known stays, and the account shows its last error."""
    deployed(flow, simulator, 1)
    proxy.add(malformed(action="DescribeAutoScalingGroups", seconds=6))
    end = time.monotonic() + 6
    while time.monotonic() < end:
        names = [g["name"] for g in flow.server.api.get("/applications/demo/serverGroups")]
        assert names == ["demo-staging-v000"]
        time.sleep(0.3)


def test_unreachable(flow, simulator, proxy):
    proxy.add(hook(lambda call: DROP, action="CreateLaunchTemplate", count=2))
    deployed(flow, simulator, 1)


OUTAGE = 60 if LONG else 20  # seconds


def wait_for_reason(flow, execution, word, seconds=30):
    """A sentence of why the execution waits that has the word."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reasons = [entry["reason"] for entry in flow.server.api.get(f"/pipelines/{execution}/why")]
        found = [reason for reason in reasons if word in reason]
        if found:
            return found[0]
        time.sleep(0.2)
    raise AssertionError(reasons)


@pytest.mark.parametrize("begin", ["", "CreateLaunchTemplate", "CreateAutoScalingGroup"])
def test_outage_is_waited_out(flow, simulator, proxy, begin):
    """Nothing of AWS is reached for a while, in the middle of a deployment: it waits, says why, and goes on; no write is done twice."""
    outage = drop(seconds=OUTAGE)
    if begin:
        proxy.add(hook(lambda call: proxy.add(outage) and DROP, action=begin, count=1))
    else:
        proxy.add(outage)
    execution = flow.begin(accounts=ONE)
    reason = wait_for_reason(flow, execution, "retries ")
    assert "after: " in reason and "us-east-1" in reason and "staging" in reason, reason
    execution = flow.server.wait_execution(execution, OUTAGE + 120)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    check_deployed(simulator, "staging", 1, flow.seeded)
    for write in ("CreateLaunchTemplate", "CreateAutoScalingGroup"):
        assert len(calls(proxy, write)) == 1


def test_outage_of_sessions_at_a_restart(flow, simulator, proxy):
    """The program comes up again while no session of the role can be had."""
    execution = flow.begin(accounts=("production",))
    proxy.wait_for("CreateLaunchTemplate")
    flow.server.kill()
    proxy.add(drop(action="AssumeRole", seconds=OUTAGE))
    flow.server.start()
    execution = flow.server.wait_execution(execution, OUTAGE + 120)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    check_deployed(simulator, "production", 1, flow.seeded)


def test_outage_longer_than_the_stage_may_wait(flow, simulator, proxy):
    """The stage's own timeout ends the wait, and the operation with it: nothing is written when AWS is back."""
    document = flow.document(accounts=ONE)
    document["stages"][0]["stageTimeoutMs"] = 6000
    outage = proxy.add(drop())
    execution = flow.server.wait_execution(demo.start_pipeline(flow.server.api, document, {"type": "manual"}), 90)
    assert execution["status"] == "TERMINAL"
    assert "timed out" in "\n".join(failures(execution))
    proxy.remove(outage)
    time.sleep(3)
    assert not groups(simulator, "staging") and not calls(proxy, "CreateLaunchTemplate", "CreateAutoScalingGroup")
