"""Operations of AWS on clusters, instances, load balancers and security groups against the simulator: what each does, and that doing it
again does nothing more (aws.md 7-12)."""
from conftest import PROD
from test_aws_operations import REGION, create, failed, group, members, succeeded, writes


# ---- sizes


def test_resize_compares_before_it_writes(probe, simulator, proxy):
    name = create(probe)
    request = {"asgs": [{"serverGroupName": name, "region": REGION}], "capacity": {"min": 1, "max": 2, "desired": 1}}
    before = len(writes(proxy))
    words = failed(probe.operate("resizeServerGroup", {**request, "constraints": {"capacity": {"min": 2, "max": 4, "desired": 2}}}))
    assert "desired is 3, expected 2" in words and len(writes(proxy)) == before
    succeeded(probe.operate("resizeServerGroup", {**request, "constraints": {"capacity": {"min": 2, "max": 4, "desired": 3}}}))
    assert group(simulator, name)["DesiredCapacity"] == 1
    # what is there already is no surprise, whatever was expected before
    succeeded(probe.operate("resizeServerGroup", {**request, "constraints": {"capacity": {"desired": 3}}}))


# ---- instances in and out of traffic


def registered(simulator, seeded):
    classic = simulator.client("elb", PROD).describe_load_balancers(LoadBalancerNames=["web-elb"])["LoadBalancerDescriptions"][0]
    targets = simulator.client("elbv2", PROD).describe_target_health(TargetGroupArn=seeded["prod"]["targetGroupArn"])
    return (sorted({i["InstanceId"] for i in classic["Instances"]}),
            sorted(t["Target"]["Id"] for t in targets["TargetHealthDescriptions"] if t["TargetHealth"]["State"] == "healthy"))


def test_instances_leave_traffic_and_come_back(probe, simulator, seeded):
    name = create(probe)
    all_of_them = sorted(members(simulator, name))
    one, rest = all_of_them[0], all_of_them[1:]
    request = {"region": REGION, "asgName": name, "instanceIds": [one, "i-0123456789abcdef0"]}
    for _ in range(2):
        succeeded(probe.operate("deregisterInstancesFromLoadBalancer", request))
        assert registered(simulator, seeded) == (rest, rest)
    for _ in range(2):
        succeeded(probe.operate("registerInstancesWithLoadBalancer", request))
        assert registered(simulator, seeded) == (all_of_them, all_of_them)
    named = {"region": REGION, "instanceIds": [one], "loadBalancerNames": ["web-elb"], "targetGroupNames": ["web-tg"]}
    succeeded(probe.operate("deregisterInstancesFromLoadBalancer", named))
    assert registered(simulator, seeded) == (rest, rest)
    assert "nowhere" in failed(probe.operate("registerInstancesWithLoadBalancer", {**named, "loadBalancerNames": ["nowhere"]}))
    succeeded(probe.operate("deregisterInstancesFromLoadBalancer", {"region": REGION, "asgName": "web-gone-v000", "instanceIds": [one]}))
