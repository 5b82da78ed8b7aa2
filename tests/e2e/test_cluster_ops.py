"""Operations on clusters and instances as people and other programs post them, against the AWS simulator (stages.md 10-12, chaos.md 4,
engine.md 20)."""
import time

import pytest
from flow import STAGING, Flow, aws, groups, instances, targets
from gennaker import failures
from test_api import Client


@pytest.fixture(scope="module")
def flow(tmp_path_factory, simulator):
    """A server with one server group in staging, demo-staging-v000, in a guarded application."""
    from faultproxy import FaultProxy

    with FaultProxy(simulator.url) as proxy:
        flow = Flow(tmp_path_factory.mktemp("clusters"), simulator, proxy).start()
        execution = flow.run(accounts=("staging",))
        assert execution["status"] == "SUCCEEDED", failures(execution)
        yield flow
        assert flow.server.stop() == 0


@pytest.fixture
def api(flow):
    return Client(flow.server)


def post(api, *jobs, status="SUCCEEDED", seconds=60):
    """What a task of these jobs became."""
    named = [{"cloudProvider": "aws", "credentials": "staging", "region": "us-east-1", "user": "monkey@example.com", **job} for job in jobs]
    ref = api.ok("POST", "/applications/demo/tasks", {"application": "demo", "description": "by hand", "job": named})["ref"]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        task = api.get(ref)
        if task["status"] in ("SUCCEEDED", "TERMINAL", "CANCELED"):
            assert task["status"] == status, str([s["context"].get("exception") for s in task["execution"]["stages"]])
            return task
        time.sleep(0.1)
    raise AssertionError(task)


def guard(api, *guards):
    ref = api.ok("POST", "/tasks", {"application": "demo", "description": "guard", "job": [
        {"type": "updateApplication", "application": {"name": "demo", "email": "a@b.example", "trafficGuards": list(guards)}}]})["ref"]
    end = time.monotonic() + 20
    while api.get(ref)["status"] not in ("SUCCEEDED", "TERMINAL") and time.monotonic() < end:
        time.sleep(0.1)
    assert api.get(ref)["status"] == "SUCCEEDED", api.get(ref)


def variables(task):
    return {v["key"]: v["value"] for v in task["variables"]}


def test_chaos_monkey_kills_one_instance(api, simulator):
    there = groups(simulator, "staging")["demo-staging-v000"]
    victim = sorted(instances(there))[0]
    task = post(api, {"type": "terminateInstances", "serverGroupName": "demo-staging-v000", "instanceIds": [victim, "i-0123456789abcdef0"]})
    told = variables(task)
    assert told["terminate.instance.ids"] == [victim] and told["terminate.remaining.instances"] == []
    assert told["notification.type"] == "terminateinstances" and told["terminate.region"] == "us-east-1"
    state = aws(simulator, STAGING, "ec2").describe_instances(InstanceIds=[victim])["Reservations"][0]["Instances"][0]["State"]["Name"]
    assert state == "terminated"
    assert [s["name"] for s in task["steps"]] == ["terminateInstances", "monitorTermination", "waitForTerminatedInstances"]


def test_guards_hold_for_instances_and_groups(api, simulator):
    guard(api, {"account": "staging", "location": "us-east-1", "stack": "staging", "detail": ""})
    there = groups(simulator, "staging")["demo-staging-v000"]
    for job in ({"type": "terminateInstances", "serverGroupName": "demo-staging-v000", "instanceIds": sorted(instances(there))},
                {"type": "destroyServerGroup", "serverGroupName": "demo-staging-v000"},
                {"type": "bulkDestroyServerGroup", "serverGroupNames": ["demo-staging-v000"]},
                {"type": "resizeServerGroup", "serverGroupName": "demo-staging-v000", "capacity": {"min": 0, "max": 0, "desired": 0}}):
        assert "has traffic guards enabled" in str(post(api, job, status="TERMINAL")), job["type"]
    assert instances(groups(simulator, "staging")["demo-staging-v000"]) == instances(there)
    guard(api)


def test_instances_leave_traffic_and_come_back(api, simulator):
    there = groups(simulator, "staging")["demo-staging-v000"]
    one = sorted(instances(there))[0]
    job = {"asgName": "demo-staging-v000", "instanceIds": [one]}
    post(api, {"type": "deregisterInstancesFromLoadBalancer", **job})
    assert one not in targets(simulator, "staging")
    post(api, {"type": "registerInstancesWithLoadBalancer", **job})
    assert one in targets(simulator, "staging")


def test_resize_settings_and_a_clone(api, simulator):
    task = post(api, {"type": "resizeServerGroup", "serverGroupName": "demo-staging-v000", "action": "scale_up", "scaleNum": 1,
                      "interestingHealthProviderNames": ["Amazon"]})
    there = groups(simulator, "staging")["demo-staging-v000"]
    assert there["DesiredCapacity"] == variables(task)["capacity"]["desired"] == len(instances(there))
    wrong = post(api, {"type": "resizeServerGroup", "serverGroupName": "demo-staging-v000",
                       "capacity": {"min": 0, "desired": there["DesiredCapacity"]}, "constraints": {"capacity": {"desired": 99}}},
                 status="TERMINAL")
    assert f"desired is {there['DesiredCapacity']}, expected 99" in str(wrong)
    group = {"asgs": [{"asgName": "demo-staging-v000", "region": "us-east-1"}]}
    post(api, {"type": "upsertServerGroupTags", **group, "tags": {"team": "sails"}},
         {"type": "modifyAsg", **group, "healthCheckGracePeriod": 123},
         {"type": "upsertAsgScheduledActions", **group, "scheduledActions": [{"recurrence": "0 6 * * *", "minSize": 1}]})
    task = post(api, {"type": "cloneServerGroup", "application": "demo", "source": {
        "account": "staging", "region": "us-east-1", "asgName": "demo-staging-v000"}, "capacity": {"min": 1, "max": 1, "desired": 1}})
    assert variables(task)["deploy.server.groups"] == {"us-east-1": ["demo-staging-v001"]}
    made = groups(simulator, "staging")["demo-staging-v001"]
    assert made["DesiredCapacity"] == 1 and {t["Key"]: t["Value"] for t in made["Tags"]}["team"] == "sails"
    assert made["HealthCheckGracePeriod"] == 123 and made["TargetGroupARNs"] == there["TargetGroupARNs"]
    schedules = aws(simulator, STAGING, "autoscaling").describe_scheduled_actions(AutoScalingGroupName="demo-staging-v001")
    assert [a["Recurrence"] for a in schedules["ScheduledUpdateGroupActions"]] == ["0 6 * * *"], "schedules are copied too"
    post(api, {"type": "bulkDestroyServerGroup", "serverGroupNames": ["demo-staging-v001"]})
    assert "demo-staging-v001" not in groups(simulator, "staging")


def test_a_security_group_and_a_load_balancer(api, simulator):
    vpc = groups(simulator, "staging")["demo-staging-v000"]["VPCZoneIdentifier"].split(",")[0]
    ec2 = aws(simulator, STAGING, "ec2")
    vpc = ec2.describe_subnets(SubnetIds=[vpc])["Subnets"][0]["VpcId"]
    post(api, {"type": "upsertSecurityGroup", "name": "demo-extra", "description": "more", "vpcId": vpc, "regions": ["us-east-1"],
               "ipIngress": [{"cidr": "10.0.0.0/8", "startPort": 80, "endPort": 80, "type": "tcp"}]})
    found = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["demo-extra"]}])["SecurityGroups"]
    assert found[0]["IpPermissions"][0]["IpRanges"][0]["CidrIp"] == "10.0.0.0/8"
    task = post(api, {"type": "upsertLoadBalancer", "name": "demo-lb", "availabilityZones": {"us-east-1": []}, "vpcId": vpc,
                      "subnetType": "internal (core)", "securityGroups": ["demo-extra"], "healthCheck": "HTTP:80/", "listeners": [
                          {"externalProtocol": "HTTP", "externalPort": 80, "internalProtocol": "HTTP", "internalPort": 80}]})
    assert "demo-lb" in variables(task)["dnsName"]
    post(api, {"type": "deleteLoadBalancer", "loadBalancerName": "demo-lb", "regions": ["us-east-1"]})
    post(api, {"type": "deleteSecurityGroup", "securityGroupName": "demo-extra", "vpcId": vpc, "regions": ["us-east-1"]})
    assert not ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["demo-extra"]}])["SecurityGroups"]
