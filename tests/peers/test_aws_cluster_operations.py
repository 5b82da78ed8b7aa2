"""Operations of AWS on clusters, instances, load balancers and security groups against the simulator: what each does, and that doing it
again does nothing more (aws.md 7-12)."""
from conftest import PROD
from test_aws_operations import REGION, create, failed, group, members, result, succeeded, writes


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


# ---- settings, schedules and policies of groups


def on(name, **more):
    return {"asgs": [{"serverGroupName": name, "region": REGION}], **more}


def test_settings_of_a_group(probe, simulator):
    name = create(probe)
    request = on(name, cooldown=33, healthCheckGracePeriod=44, healthCheckType="ELB", terminationPolicies=["NewestInstance"],
                 enabledMetrics=["GroupMinSize", "GroupMaxSize"])
    for _ in range(2):
        succeeded(probe.operate("modifyAsgDescription", request))
        asg = group(simulator, name)
        # the simulator forgets cooldowns and termination policies of an update
        assert (asg["HealthCheckGracePeriod"], asg["HealthCheckType"], asg["DesiredCapacity"]) == (44, "ELB", 3)
        assert sorted(m["Metric"] for m in asg["EnabledMetrics"]) == ["GroupMaxSize", "GroupMinSize"]
    succeeded(probe.operate("modifyAsgDescription", on("web-gone-v000", cooldown=1)))


def schedules(simulator, name):
    found = simulator.client("autoscaling", PROD).describe_scheduled_actions(AutoScalingGroupName=name)["ScheduledUpdateGroupActions"]
    return {a["ScheduledActionName"]: (a["Recurrence"], a.get("MinSize")) for a in found}


def test_schedules_become_those_of_the_request(probe, simulator):
    name = create(probe)
    morning, evening = {"recurrence": "0 6 * * *", "minSize": 2}, {"recurrence": "0 20 * * *", "minSize": 0, "maxSize": 4}
    succeeded(probe.operate("upsertAsgScheduledActionsDescription", on(name, scheduledActions=[morning, evening])))
    first = schedules(simulator, name)
    assert sorted(first.values()) == [("0 20 * * *", 0), ("0 6 * * *", 2)]
    for _ in range(2):
        succeeded(probe.operate("upsertAsgScheduledActionsDescription", on(name, scheduledActions=[{**morning, "minSize": 1}])))
        kept = schedules(simulator, name)
        assert list(kept.values()) == [("0 6 * * *", 1)] and set(kept) < set(first)
    assert "recurrence" in failed(probe.operate("upsertAsgScheduledActionsDescription", on(name, scheduledActions=[{"minSize": 1}])))
    succeeded(probe.operate("upsertAsgScheduledActionsDescription", on(name, scheduledActions=[])))
    assert schedules(simulator, name) == {}


def test_policies_with_their_alarms(probe, simulator):
    name = create(probe)
    scaling, watch = simulator.client("autoscaling", PROD), simulator.client("cloudwatch", PROD)
    alarm = {"metricName": "CPUUtilization", "namespace": "AWS/EC2", "statistic": "Average", "comparisonOperator": "GreaterThanThreshold",
             "threshold": 70, "evaluationPeriods": 2, "dimensions": [{"name": "AutoScalingGroupName", "value": name}]}
    request = {"serverGroupName": name, "region": REGION, "alarm": alarm,
               "step": {"stepAdjustments": [{"metricIntervalLowerBound": 0, "scalingAdjustment": 2}], "estimatedInstanceWarmup": 60}}
    objects = {key: value for entry in succeeded(probe.operate("upsertScalingPolicy", request)) for key, value in entry.items()}
    policy = scaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"][0]
    assert policy["PolicyName"] == objects["policyName"] and policy["PolicyName"].startswith(name + "-policy-")
    assert policy["PolicyType"] == "StepScaling" and policy["StepAdjustments"][0]["ScalingAdjustment"] == 2
    seen = watch.describe_alarms(AlarmNames=[objects["alarmName"]])["MetricAlarms"][0]
    assert seen["AlarmActions"] == [policy["PolicyARN"]] and seen["Period"] == 300 and seen["ActionsEnabled"] is True
    succeeded(probe.operate("upsertScalingPolicy", {"asgName": name, "region": REGION, "name": "plain",
                                                    "simple": {"scalingAdjustment": -1}}))
    succeeded(probe.operate("upsertScalingPolicy", {"asgName": name, "region": REGION, "name": "tracking", "targetTrackingConfiguration": {
        "targetValue": 50, "predefinedMetricSpecification": {"predefinedMetricType": "ASGAverageCPUUtilization"}}}))
    kinds = {p["PolicyName"]: p for p in scaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]}
    assert kinds["plain"]["Cooldown"] == 600 and kinds["plain"]["ScalingAdjustment"] == -1
    assert kinds["tracking"]["TargetTrackingConfiguration"]["TargetValue"] == 50
    assert "exactly one" in failed(probe.operate("upsertScalingPolicy", {"asgName": name, "region": REGION, "name": "none"}))
    for _ in range(2):
        succeeded(probe.operate("deleteScalingPolicy", {"serverGroupName": name, "region": REGION, "policyName": objects["policyName"]}))
        assert objects["policyName"] not in [p["PolicyName"] for p in scaling.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]]
        assert watch.describe_alarms(AlarmNames=[objects["alarmName"]])["MetricAlarms"] == []


def test_security_groups_of_running_instances(probe, simulator, seeded):
    name = create(probe)
    groups = seeded["prod"]["securityGroups"]
    ec2 = simulator.client("ec2", PROD)

    def seen():
        found = ec2.describe_instances(InstanceIds=members(simulator, name))["Reservations"]
        return [sorted(g["GroupId"] for g in i["SecurityGroups"]) for r in found for i in r["Instances"]]

    before = seen()
    for _ in range(2):
        succeeded(probe.operate("updateInstances", {"serverGroupName": name, "region": REGION, "securityGroups": ["nf-datacenter"],
                                                    "securityGroupsAppendOnly": True}))
        assert seen() == [sorted({*one, groups["nf-datacenter"]}) for one in before]
    succeeded(probe.operate("updateInstances", {"serverGroupName": name, "region": REGION, "securityGroups": ["web"]}))
    assert seen() == [[groups["web"]]] * 3


# ---- what instances launch from


def test_launch_template_gets_a_version(probe, simulator, seeded):
    name = create(probe)
    ec2 = simulator.client("ec2", PROD)
    before = group(simulator, name)["LaunchTemplate"]
    request = {"asgName": name, "region": REGION, "instanceType": "m5.xlarge", "securityGroups": ["nf-datacenter"]}
    succeeded(probe.operate("updateLaunchTemplate", request))
    after = group(simulator, name)["LaunchTemplate"]
    assert after["LaunchTemplateId"] == before["LaunchTemplateId"] and after["Version"] == "2"
    data = ec2.describe_launch_template_versions(LaunchTemplateId=after["LaunchTemplateId"],
                                                 Versions=["2"])["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert data["InstanceType"] == "m5.xlarge" and data["NetworkInterfaces"][0]["Groups"] == [
        seeded["prod"]["securityGroups"]["nf-datacenter"]]
    assert probe.view("serverGroups", name)["instanceType"] == "m5.xlarge"
    assert "nothing to change" in failed(probe.operate("updateLaunchTemplate", {"asgName": name, "region": REGION}))
    assert "nowhere" in failed(probe.operate("updateLaunchTemplate", {**request, "amiName": "nowhere"}))
    assert "has no launch configuration" in failed(probe.operate("updateLaunchConfig", request))


def test_launch_configuration_is_replaced(seeded, proxy, simulator, tmp_path):
    from conftest import Probe
    probe = Probe(tmp_path / "lc", proxy.url, "  defaultRegions: [{name: us-east-1}]\n  features: {launch-templates: {enabled: false}}")
    probe.ask("read")
    name = create(probe)
    scaling = simulator.client("autoscaling", PROD)
    old = group(simulator, name)["LaunchConfigurationName"]
    request = {"asgName": name, "region": REGION, "instanceType": "m5.xlarge", "securityGroups": ["nf-datacenter"],
               "securityGroupsAppendOnly": True}
    task = probe.operate("updateLaunchConfig", request)
    made = group(simulator, name)["LaunchConfigurationName"]
    assert result(task, "launchConfigurationName") == made != old and made.startswith(name + "-")
    found = {c["LaunchConfigurationName"]: c for c in scaling.describe_launch_configurations()["LaunchConfigurations"]}
    assert found[made]["InstanceType"] == "m5.xlarge" and found[made]["KeyName"] == found[old]["KeyName"]
    assert set(found[made]["SecurityGroups"]) >= set(found[old]["SecurityGroups"])
    succeeded(probe.operate("updateLaunchConfig", request))
    assert group(simulator, name)["LaunchConfigurationName"] == made, "nothing differs"


# ---- clones


def test_clone_is_like_its_source(probe, simulator, seeded):
    hooks = [{"lifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING", "heartbeatTimeout": 70, "defaultResult": "CONTINUE"}]
    name = create(probe, lifecycleHooks=hooks, enabledMetrics=["GroupMinSize"], instanceMonitoring=True)
    asked = {"application": "web", "stack": "test", "capacity": {"min": 0, "max": 1, "desired": 1}, "tags": None, "spotPrice": None,
             "source": {"account": "prod", "region": REGION, "asgName": name}}
    whole = probe.ask("clone", account="prod", description=asked)
    asg = group(simulator, name)
    assert whole["capacity"] == asked["capacity"], "what is given wins"
    assert whole["availabilityZones"] == {REGION: asg["AvailabilityZones"]} and whole["subnetType"] == "internal (core)"
    assert (whole["instanceType"], whole["keyPair"], whole["iamRole"]) == ("m5.large", "rig-key", "BaseIAMRole")
    assert whole["targetGroups"] == ["web-tg"] and whole["loadBalancers"] == ["web-elb"] and whole["tags"]["team"] == "sails"
    assert (whole["cooldown"], whole["healthCheckGracePeriod"], whole["healthCheckType"]) == (10, 600, "EC2")
    assert seeded["prod"]["securityGroups"]["web"] in whole["securityGroups"] and "base64UserData" not in whole
    assert [h["heartbeatTimeout"] for h in whole["lifecycleHooks"]] == [70] and "suspendedProcesses" not in whole
    clone = result(probe.operate("createServerGroup", whole), "serverGroupNameByRegion")[REGION]
    made = group(simulator, clone)
    assert clone == "web-test-v001" and made["DesiredCapacity"] == 1 and made["TargetGroupARNs"] == asg["TargetGroupARNs"]
    assert made["VPCZoneIdentifier"] == asg["VPCZoneIdentifier"]
    assert "nothing-v000" in probe.ask("clone", account="prod", description={**asked, "source": {
        "account": "prod", "region": REGION, "asgName": "nothing-v000"}})["error"]
    assert "no server group to clone" in probe.ask("clone", account="prod", description={"application": "web"})["error"]


# ---- security groups


def rules(simulator, name):
    found = simulator.client("ec2", PROD).describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    assert len(found) == 1
    return found[0], sorted((p["IpProtocol"], p.get("FromPort"), p.get("ToPort"), source) for p in found[0]["IpPermissions"]
                            for source in [r["CidrIp"] for r in p["IpRanges"]] + [r["CidrIpv6"] for r in p["Ipv6Ranges"]]
                            + [g["GroupId"] for g in p["UserIdGroupPairs"]])


def test_security_groups(probe, simulator, seeded, proxy):
    ids = seeded["prod"]
    web = ids["securityGroups"]["web"]
    request = {"name": "web-extra", "description": "more", "vpcId": ids["vpcV"], "region": REGION, "tags": {"team": "sails"},
               "securityGroupIngress": [{"name": "web", "startPort": 80, "endPort": 81, "ipProtocol": "tcp"},
                                        {"name": "web-extra", "startPort": 9000, "endPort": 9000, "type": "tcp"}],
               "ipIngress": [{"cidr": "10.0.0.0/8", "startPort": 443, "endPort": 443, "ipProtocol": "tcp", "description": "office"},
                             {"cidr": "fd00::/8", "startPort": 443, "endPort": 443, "ipProtocol": "tcp"}]}
    try:
        succeeded(probe.operate("upsertSecurityGroup", request))
        made, there = rules(simulator, "web-extra")
        assert made["VpcId"] == ids["vpcV"] and {t["Key"]: t["Value"] for t in made["Tags"]} == {"Name": "web-extra", "team": "sails"}
        wanted = sorted([("tcp", 80, 81, web), ("tcp", 9000, 9000, made["GroupId"]), ("tcp", 443, 443, "10.0.0.0/8"),
                         ("tcp", 443, 443, "fd00::/8")])
        assert there == wanted and made["GroupId"] in probe.objects("securityGroups")
        before = len(writes(proxy))
        succeeded(probe.operate("upsertSecurityGroup", request))
        assert rules(simulator, "web-extra")[1] == wanted and len(writes(proxy)) == before, "nothing changed, nothing written"
        fewer = {**request, "securityGroupIngress": [], "ipIngress": [
            {"cidr": "10.0.0.0/8", "startPort": 443, "endPort": 443, "ipProtocol": "tcp", "description": "office"},
            {"cidr": "192.168.0.0/16", "startPort": 1, "endPort": 2, "ipProtocol": "udp"}]}
        succeeded(probe.operate("upsertSecurityGroup", {**fewer, "ingressAppendOnly": True}))
        assert rules(simulator, "web-extra")[1] == sorted(wanted + [("udp", 1, 2, "192.168.0.0/16")])
        succeeded(probe.operate("upsertSecurityGroup", fewer))
        assert rules(simulator, "web-extra")[1] == [("tcp", 443, 443, "10.0.0.0/8"), ("udp", 1, 2, "192.168.0.0/16")]
        assert "nobody" in failed(probe.operate("upsertSecurityGroup", {**request, "securityGroupIngress": [
            {"name": "nobody", "startPort": 1, "endPort": 1, "ipProtocol": "tcp"}]}))
        assert "cidr: required" in failed(probe.operate("upsertSecurityGroup", {**request, "ipIngress": [{"startPort": 1}]}))
        referring = {"name": "web-refers", "vpcId": ids["vpcV"], "region": REGION, "securityGroupIngress": [
            {"name": "web-extra", "startPort": 1, "endPort": 1, "ipProtocol": "tcp"}]}
        succeeded(probe.operate("upsertSecurityGroup", referring))
    finally:
        for name in ("web-refers", "web-extra"):
            for _ in range(2):
                succeeded(probe.operate("deleteSecurityGroup", {"securityGroupName": name, "vpcId": ids["vpcV"], "regions": [REGION]}))
    assert made["GroupId"] not in probe.objects("securityGroups")


# ---- load balancers


def gone(probe, name, kind="classic"):
    for _ in range(2):
        succeeded(probe.operate("deleteLoadBalancer", {"loadBalancerName": name, "loadBalancerType": kind, "regions": [REGION]}))


def test_classic_load_balancer(probe, simulator, seeded):
    elb = simulator.client("elb", PROD)
    request = {"name": "web-classic", "availabilityZones": {REGION: []}, "subnetType": "internal (core)", "securityGroups": ["web"],
               "healthCheck": "HTTP:7001/health", "listeners": [
                   {"externalProtocol": "HTTP", "externalPort": 80, "internalProtocol": "HTTP", "internalPort": 7001},
                   {"externalProtocol": "TCP", "externalPort": 81, "internalProtocol": "TCP", "internalPort": 7002}]}

    def seen():
        found = elb.describe_load_balancers(LoadBalancerNames=["web-classic"])["LoadBalancerDescriptions"][0]
        return found, {d["Listener"]["LoadBalancerPort"]: d["Listener"]["InstancePort"] for d in found["ListenerDescriptions"]}

    try:
        made = result(probe.operate("upsertLoadBalancer", request), "loadBalancers")[REGION]
        found, listeners = seen()
        assert made["name"] == "web-classic" and made["dnsName"] == found["DNSName"] and found["Scheme"] == "internal"
        assert sorted(found["Subnets"]) == sorted([seeded["prod"]["subnetA"], seeded["prod"]["subnetB"]])
        assert listeners == {80: 7001, 81: 7002} and found["HealthCheck"]["Target"] == "HTTP:7001/health"
        assert found["HealthCheck"]["HealthyThreshold"] == 10
        succeeded(probe.operate("upsertLoadBalancer", {**request, "listeners": [
            {"externalProtocol": "HTTP", "externalPort": 80, "internalProtocol": "HTTP", "internalPort": 7777}], "idleTimeout": 99}))
        assert seen()[1] == {80: 7777}
        attributes = elb.describe_load_balancer_attributes(LoadBalancerName="web-classic")["LoadBalancerAttributes"]
        assert attributes["ConnectionSettings"]["IdleTimeout"] == 99 and attributes["CrossZoneLoadBalancing"]["Enabled"] is True
        assert "Missing security groups: nobody" in failed(probe.operate("upsertLoadBalancer", {**request, "securityGroups": ["nobody"]}))
        assert "No suitable subnet" in failed(probe.operate("upsertLoadBalancer", {**request, "subnetType": "none (core)"}))
    finally:
        gone(probe, "web-classic")


def test_application_load_balancer(probe, simulator, seeded):
    elb = simulator.client("elbv2", PROD)
    target = {"protocol": "HTTP", "healthCheckProtocol": "HTTP", "healthCheckPath": "/health", "healthCheckPort": "traffic-port"}
    request = {"name": "web-alb", "loadBalancerType": "application", "availabilityZones": {REGION: []}, "subnetType": "internal (core)",
               "securityGroups": ["web"], "idleTimeout": 77,
               "targetGroups": [{**target, "name": "alb-a", "port": 7001, "attributes": {"deregistrationDelay": 33}},
                                {**target, "name": "alb-b", "port": 7002}],
               "listeners": [{"protocol": "HTTP", "port": 80, "defaultActions": [{"type": "forward", "targetGroupName": "alb-a"}],
                              "rules": [{"priority": "5", "conditions": [{"field": "path-pattern", "values": ["/b/*"]}],
                                         "actions": [{"type": "forward", "targetGroupName": "alb-b"}]}]},
                             {"protocol": "HTTP", "port": 81, "defaultActions": [{"type": "forward", "targetGroupName": "alb-b"}]}]}

    def seen():
        balancer = elb.describe_load_balancers(Names=["web-alb"])["LoadBalancers"][0]
        arn = balancer["LoadBalancerArn"]
        names = {g["TargetGroupArn"]: g["TargetGroupName"] for g in elb.describe_target_groups()["TargetGroups"]}
        listeners = {entry["Port"]: entry for entry in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]}
        rules = {r["Priority"]: names[r["Actions"][0]["TargetGroupArn"]] for r in elb.describe_rules(
            ListenerArn=listeners[80]["ListenerArn"])["Rules"]}
        return balancer, {p: names[entry["DefaultActions"][0]["TargetGroupArn"]] for p, entry in listeners.items()}, rules, set(names.values())

    try:
        made = result(probe.operate("upsertLoadBalancer", request), "loadBalancers")[REGION]
        balancer, listeners, rules, names = seen()
        assert made["dnsName"] == balancer["DNSName"] and balancer["Scheme"] == "internal"
        assert balancer["SecurityGroups"] == [seeded["prod"]["securityGroups"]["web"]]
        assert listeners == {80: "alb-a", 81: "alb-b"} and rules == {"5": "alb-b", "default": "alb-a"} and names >= {"alb-a", "alb-b"}
        attributes = {a["Key"]: a["Value"] for a in elb.describe_load_balancer_attributes(
            LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]}
        assert attributes["idle_timeout.timeout_seconds"] == "77"
        succeeded(probe.operate("upsertLoadBalancer", request))
        assert seen()[1:3] == (listeners, rules)
        fewer = {**request, "targetGroups": request["targetGroups"][:1], "listeners": [
            {"protocol": "HTTP", "port": 80, "defaultActions": [{"type": "forward", "targetGroupName": "alb-a"}]}]}
        succeeded(probe.operate("upsertLoadBalancer", fewer))
        _, listeners, rules, names = seen()
        assert listeners == {80: "alb-a"} and rules == {"default": "alb-a"} and "alb-b" not in names
        wrong = {**fewer, "listeners": [{"protocol": "HTTP", "port": 80, "defaultActions": [{"type": "forward", "targetGroupName": "alb-z"}]}]}
        assert "alb-z, which is not among targetGroups" in failed(probe.operate("upsertLoadBalancer", wrong))
        succeeded(probe.operate("upsertLoadBalancer", {**fewer, "deletionProtection": True}))
        assert "protected from deletion" in failed(probe.operate("deleteLoadBalancer", {
            "loadBalancerName": "web-alb", "loadBalancerType": "application", "regions": [REGION]}))
        succeeded(probe.operate("upsertLoadBalancer", {**fewer, "deletionProtection": False}))
    finally:
        gone(probe, "web-alb", "application")
    assert "alb-a" not in {g["TargetGroupName"] for g in elb.describe_target_groups()["TargetGroups"]}


def test_what_a_load_balancer_must_say(probe):
    for wrong, words in (({"loadBalancerType": "gateway", "name": "x", "region": REGION}, "gateway is none of"),
                         ({"region": REGION}, "name: required"), ({"name": "x"}, "region (or availabilityZones): required")):
        assert words in failed(probe.operate("upsertLoadBalancer", wrong))
