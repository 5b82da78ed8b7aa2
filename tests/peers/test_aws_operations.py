"""Each operation of AWS against the simulator: what it does, and that doing it again does nothing more."""
import time

import pytest
from conftest import BASE, PROD

IMAGE = "web-all-20240101-jammy"
REGION = "us-east-1"


def description(**more):
    return {"application": "web", "stack": "test", "amiName": IMAGE, "instanceType": "m5.large", "availabilityZones": {REGION: []},
            "subnetType": "internal (core)", "securityGroups": ["web"], "targetGroups": ["web-tg"], "loadBalancers": ["web-elb"],
            "capacity": {"min": 2, "max": 4, "desired": 3}, "healthCheckType": "EC2", "healthCheckGracePeriod": 600, "cooldown": 10,
            "terminationPolicies": ["Default"], "tags": {"team": "sails"}, "base64UserData": "ZWNobyBoaQ==", **more}


def share(account="prod"):
    return {"allowLaunchDescription": {"account": account, "credentials": "base", "region": REGION, "amiName": IMAGE}}


def succeeded(task):
    assert task.get("status", {}).get("completed"), task
    assert not task["status"]["failed"], [line["status"] for line in task["history"]]
    return task["resultObjects"]


def failed(task):
    assert "error" in task or task["status"]["failed"], task
    return task["error"] if "error" in task else " ".join(line["status"] for line in task["history"])


def result(task, key):
    for found in succeeded(task):
        if key in found:
            return found[key]
    raise AssertionError(f"no {key} in {task['resultObjects']}")


def create(probe, account="prod", **more):
    earlier = [share(account)] if account != "base" else []
    task = probe.operate("createServerGroup", description(**more), account, earlier=earlier)
    return result(task, "serverGroupNameByRegion")[REGION]


def group(simulator, name, account=PROD):
    found = simulator.client("autoscaling", account).describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return found[0] if found else None


def members(simulator, name):
    return [i["InstanceId"] for i in group(simulator, name)["Instances"]]


def on(name, **more):
    return {"asgs": [{"serverGroupName": name, "region": REGION}], **more}


def writes(proxy):
    return proxy.actions(write=True)


# ---- create


def test_create_makes_what_was_asked_for(probe, simulator, seeded, proxy):
    name = create(probe)
    assert name == "web-test-v000"
    asg = group(simulator, name)
    assert (asg["MinSize"], asg["MaxSize"], asg["DesiredCapacity"]) == (2, 4, 3)
    ids = seeded["prod"]
    assert sorted(asg["VPCZoneIdentifier"].split(",")) == sorted([ids["subnetA"], ids["subnetB"]])
    assert asg["TargetGroupARNs"] == [ids["targetGroupArn"]] and asg["LoadBalancerNames"] == ["web-elb"]
    assert {t["Key"]: t["Value"] for t in asg["Tags"]}["team"] == "sails"
    assert asg["HealthCheckGracePeriod"] == 600 and asg["DefaultCooldown"] == 10
    template = simulator.client("ec2", PROD).describe_launch_template_versions(
        LaunchTemplateId=asg["LaunchTemplate"]["LaunchTemplateId"])["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert template["InstanceType"] == "m5.large" and template["KeyName"] == "rig-key" and template["UserData"] == "ZWNobyBoaQ=="
    assert template["IamInstanceProfile"]["Name"] == "BaseIAMRole"
    groups = ids["securityGroups"]
    assert sorted(template["NetworkInterfaces"][0]["Groups"]) == sorted(
        [groups["web"], groups["nf-infrastructure"], groups["nf-datacenter"]])
    volume = next(s for s in template["TagSpecifications"] if s["ResourceType"] == "volume")
    assert {t["Key"]: t["Value"] for t in volume["Tags"]} == {"spinnaker:application": "web", "spinnaker:cluster": "web-test"}
    image = simulator.client("ec2").describe_image_attribute(ImageId=template["ImageId"], Attribute="launchPermission")
    assert image["LaunchPermissions"] == [{"UserId": PROD}]
    seen = simulator.client("ec2", PROD).describe_images(ImageIds=[template["ImageId"]])["Images"][0]
    assert {t["Key"]: t["Value"] for t in seen["Tags"]} == {"appversion": "web-1.0.0-h10.abc/web/10"}
    assert writes(proxy) == ["ModifyImageAttribute", "CreateTags", "CreateLaunchTemplate", "CreateAutoScalingGroup"]


def test_create_is_seen_at_once(probe):
    name = create(probe)
    served = probe.view("serverGroups", name)
    assert served["capacity"] == {"min": 2, "max": 4, "desired": 3} and served["instanceType"] == "m5.large"
    assert served["instanceCounts"]["total"] == 3 and served["instanceCounts"]["up"] == 3, served["instanceCounts"]
    assert served["image"]["name"] == IMAGE and served["buildInfo"]["package_name"] == "web"


def test_the_same_operation_again_is_the_same_operation(probe, proxy):
    first = probe.operate("createServerGroup", description(), id="same", earlier=[share()])
    before = len(writes(proxy))
    again = probe.operate("createServerGroup", description(), id="same", earlier=[share()])
    assert succeeded(first) == succeeded(again) and len(writes(proxy)) == before


def test_create_numbers_on(probe, simulator):
    assert create(probe) == "web-test-v000"
    assert create(probe) == "web-test-v001"
    assert create(probe, sequence=7) == "web-test-v007"
    assert create(probe) == "web-test-v008"


def test_create_with_launch_configuration(seeded, proxy, simulator, tmp_path):
    from conftest import Probe
    probe = Probe(tmp_path / "lc", proxy.url, "  defaultRegions: [{name: us-east-1}]\n  features: {launch-templates: {enabled: false}}")
    probe.ask("read")
    name = create(probe)
    asg = group(simulator, name)
    assert asg["LaunchConfigurationName"].startswith(name + "-") and "LaunchTemplate" not in asg
    lc = simulator.client("autoscaling", PROD).describe_launch_configurations(
        LaunchConfigurationNames=[asg["LaunchConfigurationName"]])["LaunchConfigurations"][0]
    assert lc["InstanceType"] == "m5.large" and lc["KeyName"] == "rig-key" and len(lc["SecurityGroups"]) == 3
    assert probe.view("serverGroups", name)["launchConfig"]["launchConfigurationName"] == asg["LaunchConfigurationName"]
    succeeded(probe.operate("destroyServerGroup", on(name)))
    left = simulator.client("autoscaling", PROD).describe_launch_configurations()["LaunchConfigurations"]
    assert left == [] and group(simulator, name) is None
    probe.close()


def test_create_mixed_instances(probe, simulator):
    name = create(probe, onDemandBaseCapacity=1, spotAllocationStrategy="lowest-price", spotInstancePools=2,
                  launchTemplateOverridesForInstanceType=[{"instanceType": "m5.large", "weightedCapacity": "1"},
                                                          {"instanceType": "m5.xlarge", "weightedCapacity": "2"}])
    policy = group(simulator, name)["MixedInstancesPolicy"]
    assert policy["InstancesDistribution"]["OnDemandBaseCapacity"] == 1
    assert [o["InstanceType"] for o in policy["LaunchTemplate"]["Overrides"]] == ["m5.large", "m5.xlarge"]
    served = probe.view("serverGroups", name)
    assert served["mixedInstancesPolicy"]["allowedInstanceTypes"] == ["m5.large", "m5.xlarge"], served["mixedInstancesPolicy"]


def test_create_disabled_with_hooks_and_source(probe, simulator):
    # A cluster of its own: the simulator keeps hooks, policies and actions of a group of that name that is gone.
    first = create(probe, freeFormDetails="hooks")
    autoscaling = simulator.client("autoscaling", PROD)
    autoscaling.put_scaling_policy(AutoScalingGroupName=first, PolicyName=f"{first}-policy", PolicyType="StepScaling",
                                   AdjustmentType="ChangeInCapacity", StepAdjustments=[{"MetricIntervalLowerBound": 0,
                                                                                        "ScalingAdjustment": 1}])
    autoscaling.put_scheduled_update_group_action(AutoScalingGroupName=first, ScheduledActionName="nightly", Recurrence="0 3 * * *",
                                                  MinSize=1, MaxSize=4, DesiredCapacity=1)
    name = create(probe, freeFormDetails="hooks", startDisabled=True, lifecycleHooks=[{"name": "drain", "lifecycleTransition":
                                                              "autoscaling:EC2_INSTANCE_TERMINATING", "heartbeatTimeout": 60,
                                                              "defaultResult": "CONTINUE"}],
                  capacity=None, source={"account": "prod", "region": REGION, "asgName": first, "useSourceCapacity": True})
    asg = group(simulator, name)
    assert (asg["MinSize"], asg["MaxSize"], asg["DesiredCapacity"]) == (2, 4, 3)
    assert {p["ProcessName"] for p in asg["SuspendedProcesses"]} == {"Launch", "Terminate", "AddToLoadBalancer"}
    assert [h["LifecycleHookName"] for h in autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=name)["LifecycleHooks"]] == ["drain"]
    policies = autoscaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]
    assert [p["PolicyName"] for p in policies] == [f"{name}-policy"] and policies[0]["StepAdjustments"][0]["ScalingAdjustment"] == 1
    actions = autoscaling.describe_scheduled_actions(AutoScalingGroupName=name)["ScheduledUpdateGroupActions"]
    assert len(actions) == 1 and actions[0]["Recurrence"] == "0 3 * * *"
    assert probe.view("serverGroups", name)["disabled"] is True


@pytest.mark.parametrize("wrong, words", [
    ({"amiName": "nothing-of-the-kind"}, ["nothing-of-the-kind", REGION]),
    ({"subnetType": "moon"}, ["moon", "prod"]),
    ({"securityGroups": ["absent"]}, ["Missing security groups: absent"]),
    ({"targetGroups": ["absent-tg"]}, ["absent-tg"]),
    ({"loadBalancers": ["absent-elb"]}, ["absent-elb"]),
    ({"availabilityZones": {"mars-1": []}}, ["mars-1", "us-east-1"]),
    ({"capacity": {"min": 3, "max": 2, "desired": 3}}, ["capacity"]),
    ({"unlimitedCpuCredits": True}, ["unlimitedCpuCredits"]),
])
def test_create_refuses_what_cannot_be(probe, proxy, wrong, words):
    if "amiName" in wrong:
        words = words[:1]
    task = probe.operate("createServerGroup", description(**wrong), earlier=[] if "amiName" in wrong else [share()])
    message = failed(task)
    assert all(word in message for word in words), message
    assert not {"CreateLaunchTemplate", "CreateAutoScalingGroup"} & set(writes(proxy))


# ---- traffic


def target_health(simulator, seeded):
    found = simulator.client("elbv2", PROD).describe_target_health(TargetGroupArn=seeded["prod"]["targetGroupArn"])
    return {t["Target"]["Id"]: t["TargetHealth"]["State"] for t in found["TargetHealthDescriptions"]}


def test_disable_and_enable_twice_each(probe, simulator, seeded):
    name = create(probe)
    for _ in range(2):
        succeeded(probe.operate("disableServerGroup", on(name)))
        assert target_health(simulator, seeded) == {}
        assert {p["ProcessName"] for p in group(simulator, name)["SuspendedProcesses"]} == {"Launch", "Terminate", "AddToLoadBalancer"}
        served = probe.view("serverGroups", name)
        assert served["disabled"] is True and served["instanceCounts"]["up"] == 0, served["instanceCounts"]
    for _ in range(2):
        succeeded(probe.operate("enableServerGroup", on(name)))
        assert sorted(target_health(simulator, seeded)) == sorted(members(simulator, name))
        served = probe.view("serverGroups", name)
        assert served["disabled"] is False and served["instanceCounts"]["up"] == 3


def test_disable_a_part(probe, simulator, seeded):
    name = create(probe)
    for _ in range(2):
        task = probe.operate("disableServerGroup", on(name, desiredPercentage=34))
        succeeded(task)
        assert len(target_health(simulator, seeded)) == 1, "ceil(3 · 34 %) = 2 are out"
        assert group(simulator, name)["SuspendedProcesses"] == []
    assert probe.view("serverGroups", name)["disabled"] is False


def test_nothing_to_do_is_success(probe, proxy):
    for operation in ("disableServerGroup", "enableServerGroup", "destroyServerGroup"):
        succeeded(probe.operate(operation, on("web-test-v099")))
    succeeded(probe.operate("resizeServerGroup", on("web-test-v099", capacity={"desired": 1})))
    assert writes(proxy) == []


# ---- sizes, processes, tags, destroy


def test_resize_twice(probe, simulator):
    name = create(probe)
    for _ in range(2):
        succeeded(probe.operate("resizeServerGroup", on(name, capacity={"min": 1, "max": 5, "desired": 4})))
        asg = group(simulator, name)
        assert (asg["MinSize"], asg["MaxSize"], asg["DesiredCapacity"]) == (1, 5, 4)
        assert probe.view("serverGroups", name)["capacity"] == {"min": 1, "max": 5, "desired": 4}
    succeeded(probe.operate("resizeServerGroup", on(name, capacity={"min": 0})))
    assert group(simulator, name)["MinSize"] == 0
    message = failed(probe.operate("resizeServerGroup", on(name, capacity={"desired": 1},
                                                           constraints={"capacity": {"desired": 17}})))
    assert name in message and "17" in message and group(simulator, name)["DesiredCapacity"] == 4
    failed(probe.operate("resizeServerGroup", on(name, capacity={"min": 3, "max": 2})))


def test_sizes_beside_the_group(probe, simulator):
    name = create(probe)
    task = probe.operate("resizeServerGroup", {"asgs": [{"serverGroupName": name, "region": REGION, "capacity": {"desired": 2}}]})
    succeeded(task)
    assert group(simulator, name)["DesiredCapacity"] == 2


def test_processes_twice(probe, simulator):
    name = create(probe)
    for _ in range(2):
        succeeded(probe.operate("suspendAsgProcesses", on(name, processes=["azrebalance", "AlarmNotification"])))
        assert {p["ProcessName"] for p in group(simulator, name)["SuspendedProcesses"]} == {"AZRebalance", "AlarmNotification"}
    for _ in range(2):
        succeeded(probe.operate("resumeAsgProcessesDescription", on(name, processes=["AZRebalance"])))
        assert {p["ProcessName"] for p in group(simulator, name)["SuspendedProcesses"]} == {"AlarmNotification"}
    succeeded(probe.operate("suspendAsgProcesses", on("web-test-v099", processes=["Launch"])))
    assert "Nonsense" in failed(probe.operate("suspendAsgProcesses", on(name, processes=["Nonsense"])))


def test_group_tags_twice(probe, simulator):
    name = create(probe)
    for _ in range(2):
        succeeded(probe.operate("upsertServerGroupTags", on(name, tags={"team": "keels", "size": 3})))
        tags = {t["Key"]: t["Value"] for t in group(simulator, name)["Tags"]}
        assert tags["team"] == "keels" and tags["size"] == "3"
        assert probe.view("serverGroups", name)["tags"]["team"] == "keels"
    for _ in range(2):
        succeeded(probe.operate("deleteAsgTagsDescription", on(name, tagKeys=["size"])))
        assert "size" not in {t["Key"] for t in group(simulator, name)["Tags"]}


def test_destroy_twice(probe, simulator, proxy):
    name, kept = create(probe), create(probe)
    for _ in range(2):
        succeeded(probe.operate("destroyServerGroup", on(name)))
        assert group(simulator, name) is None and group(simulator, kept) is not None
        assert name not in probe.objects("serverGroups") and kept in probe.objects("serverGroups")
    templates = simulator.client("ec2", PROD).describe_launch_templates()["LaunchTemplates"]
    assert [t["LaunchTemplateName"].startswith(kept) for t in templates] == [True]
    assert writes(proxy).count("DeleteAutoScalingGroup") == 1


# ---- instances


def test_terminate_and_reboot(probe, simulator):
    name = create(probe)
    one = members(simulator, name)[0]
    succeeded(probe.operate("rebootInstances", {"region": REGION, "instanceIds": [one]}))
    for _ in range(2):
        succeeded(probe.operate("terminateInstances", {"region": REGION, "instanceIds": [one]}))
        assert one not in probe.objects("instances")
    state = simulator.client("ec2", PROD).describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]["State"]["Name"]
    assert state == "terminated"


def test_terminate_and_decrement(probe, simulator):
    name = create(probe)
    one = members(simulator, name)[0]
    request = {"region": REGION, "asgName": name, "instance": one, "setMaxToNewDesired": True}
    succeeded(probe.operate("terminateInstanceAndDecrement", request))
    asg = group(simulator, name)
    assert (asg["MinSize"], asg["MaxSize"], asg["DesiredCapacity"]) == (2, 2, 2) and one not in members(simulator, name)
    assert "adjustMinIfNecessary" in failed(probe.operate("terminateInstanceAndDecrement", {**request, "instance":
                                                                                             members(simulator, name)[0]}))
    succeeded(probe.operate("terminateInstanceAndDecrement", {**request, "instance": members(simulator, name)[0],
                                                              "adjustMinIfNecessary": True}))
    asg = group(simulator, name)
    assert (asg["MinSize"], asg["MaxSize"], asg["DesiredCapacity"]) == (1, 1, 1)
    assert one in failed(probe.operate("terminateInstanceAndDecrement", request)), "no member any more"


def test_detach(probe, simulator):
    name = create(probe)
    one, other = members(simulator, name)[:2]
    for _ in range(2):
        succeeded(probe.operate("detachInstances", {"region": REGION, "asgName": name, "instanceIds": [one],
                                                    "decrementDesiredCapacity": True}))
        assert one not in members(simulator, name) and group(simulator, name)["DesiredCapacity"] == 2
    ec2 = simulator.client("ec2", PROD)
    instance = ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]
    assert {t["Key"]: t["Value"] for t in instance["Tags"]}["spinnaker:Detached"] == name and instance["State"]["Name"] == "running"
    succeeded(probe.operate("detachInstances", {"region": REGION, "asgName": name, "instanceIds": [other], "adjustMinIfNecessary": True,
                                                "decrementDesiredCapacity": True, "terminateDetachedInstances": True}))
    instance = ec2.describe_instances(InstanceIds=[other])["Reservations"][0]["Instances"][0]
    assert instance["State"]["Name"] == "terminated" and group(simulator, name)["MinSize"] == 1


# ---- images


def test_allow_launch_twice(probe, simulator, proxy):
    for _ in range(2):
        task = probe.ask("operation", id=f"share-{time.time()}", request=[share()])
        found = {key: value for entry in succeeded(task) for key, value in entry.items()}
        assert found["amiName"] == IMAGE and found["amiId"].startswith("ami-") and found["region"] == REGION
    assert writes(proxy).count("CreateTags") == 1
    seen = simulator.client("ec2", PROD).describe_images(ImageIds=[found["amiId"]])["Images"][0]
    assert seen["Tags"] == [{"Key": "appversion", "Value": "web-1.0.0-h10.abc/web/10"}]
    assert found["amiId"] in probe.objects("images")


def test_image_tags_twice(probe, simulator):
    for _ in range(2):
        succeeded(probe.operate("upsertImageTags", {"amiName": IMAGE, "regions": [REGION], "tags": {"stage": "blessed"}}, "base"))
        tags = simulator.client("ec2").describe_images(Filters=[{"Name": "name", "Values": [IMAGE]}])["Images"][0]["Tags"]
        assert {"Key": "stage", "Value": "blessed"} in tags
    found = probe.ask("images", query={"q": IMAGE, "account": "base"})
    assert list(found[0]["tagsByImageId"].values())[0]["stage"] == "blessed"
    assert "absent-image" in failed(probe.operate("upsertImageTags", {"amiName": "absent-image", "regions": [REGION], "tags": {"a": "b"}},
                                                  "base"))


def test_prepare_shares_an_image_of_another_account(probe):
    asked = probe.ask("prepare", account="prod", description={"amiName": IMAGE, "availabilityZones": {REGION: []}})
    assert asked == [{"allowLaunchDescription": {"account": "prod", "credentials": "base", "region": REGION, "amiName": IMAGE}}], asked
    assert probe.ask("prepare", account="base", description={"amiName": IMAGE, "availabilityZones": {REGION: []}}) == []
    assert "No AMI found" in probe.ask("prepare", account="prod", description={"availabilityZones": {REGION: []}})["error"]


def test_leftovers_end(probe, simulator):
    ec2 = simulator.client("ec2", BASE)
    made = ec2.run_instances(ImageId="ami-785db401", InstanceType="t3.small", MinCount=1, MaxCount=1, TagSpecifications=[
        {"ResourceType": "instance", "Tags": [{"Key": "gennaker:operation", "Value": "bake-1"}]}])["Instances"][0]["InstanceId"]
    assert probe.ask("leftovers", account="base", region=REGION, id="bake-2") == {"ended": 0}
    assert probe.ask("leftovers", account="base", region=REGION, id="bake-1") == {"ended": 1}
    assert probe.ask("leftovers", account="base", region=REGION, id="bake-1") == {"ended": 0}
    assert ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated"
