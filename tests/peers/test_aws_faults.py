"""What AWS does to its callers: lost answers, throttling, late visibility, foreign things, ended sessions, spoiled answers. The outcome is
always the same final state, or a failure whose message says account, region, resource, call and the other side's words."""
import time

import pytest
from conftest import PROD
from faultproxy import delay, drop, empty, error, expired, hide, hook, lose_answer, malformed, skewed, throttle
from test_aws_operations import (IMAGE, REGION, create, description, failed, group, members, on, result, share, succeeded, target_health,
                                 writes)

OF_CREATE = ["ModifyImageAttribute", "CreateTags", "CreateLaunchTemplate", "CreateAutoScalingGroup", "SuspendProcesses"]


def create_disabled(probe):
    task = probe.operate("createServerGroup", description(startDisabled=True), earlier=[share()])
    return result(task, "serverGroupNameByRegion")[REGION]


def check_created(simulator, name):
    groups = simulator.client("autoscaling", PROD).describe_auto_scaling_groups()["AutoScalingGroups"]
    templates = simulator.client("ec2", PROD).describe_launch_templates()["LaunchTemplates"]
    assert [g["AutoScalingGroupName"] for g in groups] == [name] and len(templates) == 1, (groups, templates)
    assert groups[0]["LaunchTemplate"]["LaunchTemplateId"] == templates[0]["LaunchTemplateId"] and len(groups[0]["Instances"]) == 3
    assert len(groups[0]["SuspendedProcesses"]) == 3


@pytest.mark.parametrize("action", OF_CREATE)
def test_create_survives_a_lost_answer(probe, proxy, simulator, action):
    proxy.add(lose_answer(action=action, count=1))
    name = create_disabled(probe)
    assert name == "web-test-v000"
    check_created(simulator, name)


@pytest.mark.parametrize("fault", [drop(action="CreateAutoScalingGroup", count=2), drop(action="CreateLaunchTemplate", count=1),
                                   error("InternalFailure", status=500, action="CreateAutoScalingGroup", count=1),
                                   malformed(action="CreateLaunchTemplate", count=1), empty(action="CreateAutoScalingGroup", count=1)],
                         ids=["drop group", "drop template", "500 for group", "spoiled template", "empty group"])
def test_create_survives_what_is_not_known(probe, proxy, simulator, fault):
    proxy.add(fault)
    check_created(simulator, create_disabled(probe))


def test_create_survives_throttling(probe, proxy, simulator):
    proxy.add(throttle(seconds=8))
    began = time.monotonic()
    check_created(simulator, create_disabled(probe))
    assert time.monotonic() - began > 7


def test_create_survives_late_visibility(probe, proxy, simulator):
    proxy.add(hide("template", 4), hide("group", 4))
    name = create_disabled(probe)
    check_created(simulator, name)
    assert name in probe.objects("serverGroups")


def test_create_gives_way_to_somebody_elses_group(probe, proxy, simulator):
    """Made by somebody else after the name was chosen."""
    def intrude(call):
        autoscaling = simulator.client("autoscaling", PROD)
        autoscaling.create_launch_configuration(LaunchConfigurationName="theirs", ImageId="ami-785db401", InstanceType="t3.small")
        autoscaling.create_auto_scaling_group(AutoScalingGroupName="web-test-v000", LaunchConfigurationName="theirs", MinSize=0, MaxSize=0,
                                              AvailabilityZones=[REGION + "a"])
    proxy.add(hook(intrude, action="CreateAutoScalingGroup", count=1))
    message = failed(probe.operate("createServerGroup", description(), earlier=[share()]))
    for words in ("web-test-v000", REGION, "prod", "theirs", "launch configuration"):
        assert words in message, message
    assert group(simulator, "web-test-v000")["LaunchConfigurationName"] == "theirs"


def test_definite_refusal_is_told_whole(probe, proxy):
    proxy.add(error("LimitExceeded", "You have reached your quota of groups", action="CreateAutoScalingGroup"))
    message = failed(probe.operate("createServerGroup", description(), earlier=[share()]))
    for words in ("CreateAutoScalingGroup", "web-test-v000", REGION, "prod", "You have reached your quota of groups", "LimitExceeded"):
        assert words in message, message
    assert writes(proxy).count("CreateAutoScalingGroup") == 1


@pytest.mark.parametrize("action, operation, more", [
    ("SuspendProcesses", "disableServerGroup", {}), ("DeregisterTargets", "disableServerGroup", {}),
    ("DeregisterInstancesFromLoadBalancer", "disableServerGroup", {}), ("ResumeProcesses", "enableServerGroup", {}),
    ("RegisterTargets", "enableServerGroup", {}), ("UpdateAutoScalingGroup", "resizeServerGroup", {"capacity": {"desired": 2}}),
    ("DeleteAutoScalingGroup", "destroyServerGroup", {}), ("DeleteLaunchTemplate", "destroyServerGroup", {}),
    ("CreateOrUpdateTags", "upsertServerGroupTags", {"tags": {"a": "b"}}),
])
@pytest.mark.parametrize("fault", [lose_answer, drop], ids=["lost answer", "never arrived"])
def test_operations_survive(probe, proxy, simulator, seeded, action, operation, more, fault):
    name = create(probe)
    proxy.add(fault(action=action, count=1))
    succeeded(probe.operate(operation, on(name, **more)))
    asg = group(simulator, name)
    checks = {
        "disableServerGroup": lambda: len(asg["SuspendedProcesses"]) == 3 and target_health(simulator, seeded) == {},
        "enableServerGroup": lambda: asg["SuspendedProcesses"] == [] and len(target_health(simulator, seeded)) == 3,
        "resizeServerGroup": lambda: asg["DesiredCapacity"] == 2,
        "destroyServerGroup": lambda: asg is None and not simulator.client("ec2", PROD).describe_launch_templates()["LaunchTemplates"],
        "upsertServerGroupTags": lambda: {"a": "b"}.items() <= {t["Key"]: t["Value"] for t in asg["Tags"]}.items(),
    }
    assert checks[operation](), asg


def test_lost_decrement_is_not_done_twice(probe, proxy, simulator):
    name = create(probe)
    one = members(simulator, name)[0]
    proxy.add(lose_answer(action="TerminateInstanceInAutoScalingGroup", count=1))
    succeeded(probe.operate("terminateInstanceAndDecrement", {"region": REGION, "asgName": name, "instance": one}))
    assert group(simulator, name)["DesiredCapacity"] == 2
    assert writes(proxy).count("TerminateInstanceInAutoScalingGroup") == 1


def test_lost_detach_is_not_done_twice(probe, proxy, simulator):
    name = create(probe)
    one = members(simulator, name)[0]
    proxy.add(lose_answer(action="DetachInstances", count=1))
    succeeded(probe.operate("detachInstances", {"region": REGION, "asgName": name, "instanceIds": [one], "decrementDesiredCapacity": True}))
    assert group(simulator, name)["DesiredCapacity"] == 2 and writes(proxy).count("DetachInstances") == 1


def test_ended_session_is_renewed(probe, proxy):
    name = create(probe)
    proxy.forget_calls()
    proxy.add(expired(service="autoscaling", count=1))
    succeeded(probe.operate("resizeServerGroup", on(name, capacity={"desired": 2})))
    assert proxy.actions().count("AssumeRole") == 1


def test_session_that_cannot_be_renewed_is_told(probe, proxy):
    name = create(probe)
    proxy.add(expired(service="autoscaling", count=2), error("AccessDenied", "not today", 403, action="AssumeRole"))
    message = failed(probe.operate("resizeServerGroup", on(name, capacity={"desired": 2})))
    assert "arn:aws:iam::111111111111:role/managed" in message and "not today" in message and "prod" in message, message
    proxy.clear()
    succeeded(probe.operate("resizeServerGroup", on(name, capacity={"desired": 2})))


def test_other_clocks_are_followed(probe, proxy):
    name = create(probe)
    proxy.add(skewed(3600, service="autoscaling", count=1))
    succeeded(probe.operate("resizeServerGroup", on(name, capacity={"desired": 2})))
    proxy.add(skewed(0, service="autoscaling", count=1))
    succeeded(probe.operate("resizeServerGroup", on(name, capacity={"desired": 2})))


@pytest.mark.parametrize("fault", [lambda **which: error("InternalError", status=500, **which), malformed, empty, drop, throttle],
                         ids=["500", "malformed", "empty", "dropped", "throttled"])
def test_failed_reads_take_nothing_away(probe, proxy, fault):
    name = create(probe)
    before = {kind: sorted(probe.objects(kind)) for kind in ("serverGroups", "instances", "loadBalancers", "targetGroups", "images")}
    proxy.add(fault(write=False, account=PROD, service=["autoscaling", "ec2", "elb"]))
    said = probe.ask("read")["prod"]
    for agent in ("ClusterCachingAgent", "InstanceCachingAgent", "AmazonLoadBalancerCachingAgent", "ImageCachingAgent"):
        assert not said[agent].startswith("ok") and REGION in said[agent] and "prod" in said[agent], said[agent]
    assert name in before["serverGroups"]
    assert before == {kind: sorted(probe.objects(kind)) for kind in before}
    proxy.clear()
    assert probe.ask("read")["prod"]["ClusterCachingAgent"].startswith("ok")


def test_one_failed_read_fails_only_its_leaves(probe, proxy):
    proxy.add(error("UnauthorizedOperation", "no", 403, action="DescribeLaunchTemplateVersions", account=PROD))
    said = probe.ask("read")["prod"]
    assert "UnauthorizedOperation" in said["ClusterCachingAgent"] and said["InstanceCachingAgent"].startswith("ok")


def test_slow_answers_are_waited_for(probe, proxy, simulator):
    proxy.add(delay(3, after=True, action="CreateAutoScalingGroup"))
    name = create(probe)
    assert group(simulator, name) is not None and writes(proxy).count("CreateAutoScalingGroup") == 1


def test_image_found_late(probe, proxy):
    proxy.add(error("InvalidAMIID.NotFound", "The image id does not exist", action="CreateTags", account=PROD, count=1))
    task = probe.ask("operation", id=f"share-{time.time()}", request=[share()])
    assert any(entry.get("amiName") == IMAGE for entry in succeeded(task))
