"""The flow of the demonstration as tests use it: from a ready image, through the fault proxy, and what must be true afterwards."""
from gennaker import Gennaker, demo

REGION, STAGING, PRODUCTION = demo.REGION, demo.STAGING, demo.PRODUCTION
ACCOUNTS = {"staging": STAGING, "production": PRODUCTION}
IMAGE = "web-all-20240101-jammy"


class Flow:
    """A server between a simulator (through a proxy) and a client."""

    def __init__(self, folder, simulator, proxy, poll_seconds=1, environment=None):
        self.simulator, self.proxy = simulator, proxy
        self.seeded = simulator.seed("--image2")
        proxy.clear()
        proxy.forget_calls()
        self.variables = demo.write_configuration(folder / "config", proxy.url, 1, 1, poll_seconds)
        self.server = Gennaker(folder / "data", config=folder / "config", environment=environment)

    def start(self):
        self.server.start()
        demo.wait_for_inventory(self.server.api)
        demo.save_application(self.server.api)
        return self

    def document(self, image=IMAGE, accounts=("staging", "production")):
        document = demo.pipeline(self.variables, bake=False, image=image)
        if set(accounts) != set(ACCOUNTS):
            document["stages"] = [s for s in document["stages"] if s["type"] == "deploy" and s["clusters"][0]["account"] in accounts]
            document["stages"][0]["requisiteStageRefIds"] = []
        return document

    def begin(self, **document):
        return demo.start_pipeline(self.server.api, self.document(**document), {"type": "manual", "user": "test"})

    def run(self, seconds=120, **document):
        return self.server.wait_execution(self.begin(**document), seconds)

    def end(self):
        self.server.stop()


def aws(simulator, account, service):
    """A client of the simulator for an account, around Gennaker and the proxy."""
    return simulator.client(service, account, REGION)


def groups(simulator, name):
    """The Auto Scaling groups of an account by name."""
    found = aws(simulator, ACCOUNTS[name], "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {group["AutoScalingGroupName"]: group for group in found}


def templates(simulator, name):
    """Launch templates of an account: name → data of the newest version."""
    ec2 = aws(simulator, ACCOUNTS[name], "ec2")
    found = {}
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        versions = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])["LaunchTemplateVersions"]
        found[template["LaunchTemplateName"]] = {**versions[-1]["LaunchTemplateData"], "id": template["LaunchTemplateId"]}
    return found


def targets(simulator, name):
    """Instances registered with web-tg, those that are draining left out."""
    elb = aws(simulator, ACCOUNTS[name], "elbv2")
    arn = elb.describe_target_groups(Names=["web-tg"])["TargetGroups"][0]["TargetGroupArn"]
    health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {entry["Target"]["Id"] for entry in health if entry["TargetHealth"]["State"] not in ("draining", "unused")}


def is_disabled(group):
    return "AddToLoadBalancer" in {process["ProcessName"] for process in group.get("SuspendedProcesses", [])}


def instances(group):
    return {instance["InstanceId"] for instance in group["Instances"]}


def check_deployed(simulator, name, number, seeded):
    """One account after `number` red/black deployments: the newest group serves alone, the others are disabled, nothing is there twice."""
    there = groups(simulator, name)
    expected = {f"demo-{name}-v{i:03}" for i in range(number)}
    assert set(there) == expected
    newest = there[f"demo-{name}-v{number - 1:03}"]
    assert (newest["MinSize"], newest["DesiredCapacity"], newest["MaxSize"]) == (2, 2, 2)
    assert not is_disabled(newest)
    assert len(instances(newest)) == 2
    assert all(is_disabled(group) for key, group in there.items() if group is not newest)
    assert targets(simulator, name) == instances(newest)
    account = seeded["accounts"]["base" if name == "staging" else "prod"]
    assert set(newest["VPCZoneIdentifier"].split(",")) == {account["subnetA"], account["subnetB"]}
    assert newest["TargetGroupARNs"] == [account["targetGroupArn"]]
    assert {tag["Key"]: tag["Value"] for tag in newest["Tags"]}["team"] == "demo"
    assert all(tag["PropagateAtLaunch"] for tag in newest["Tags"])
    launched_by = templates(simulator, name)
    assert len(launched_by) == number, "one launch template per group, none left over"
    data = next(t for t in launched_by.values() if t["id"] == newest["LaunchTemplate"]["LaunchTemplateId"])
    assert data["ImageId"] == seeded["images"][IMAGE]
    assert data["InstanceType"] == "t3.small" and data["KeyName"] == "rig-key"
    assert data["IamInstanceProfile"] == {"Name": "BaseIAMRole"}
    wanted = {account["securityGroups"][group] for group in ("web", "nf-infrastructure", "nf-datacenter")}
    assert set(data["NetworkInterfaces"][0]["Groups"]) == wanted
    return newest


def check_shared(simulator, image_id):
    """The image may be launched by the production account, which sees its tags."""
    owner = aws(simulator, STAGING, "ec2")
    permissions = owner.describe_image_attribute(ImageId=image_id, Attribute="launchPermission")["LaunchPermissions"]
    assert {"UserId": PRODUCTION} in permissions
    seen = aws(simulator, PRODUCTION, "ec2").describe_images(ImageIds=[image_id])["Images"][0]
    assert any(tag["Key"] == "appversion" for tag in seen.get("Tags", []))


def calls(proxy, *actions):
    """Calls of these actions that were carried out."""
    return [call for call in proxy.calls(action=list(actions)) if call.outcome in ("answered", "lost") and call.status < 400]
