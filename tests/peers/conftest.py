"""Fixtures for tests against other people's programs: the AWS simulator, and the AWS cloud driven by itself."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from faultproxy import FaultProxy  # noqa: E402
from simulator import BASE  # noqa: E402
from simulator import Simulator as CommonSimulator  # noqa: E402

PROD = "111111111111"


class Simulator(CommonSimulator):
    def empty(self):
        """Takes away what operations made; the common set-up stays."""
        for account in (BASE, PROD):
            autoscaling, ec2 = self.client("autoscaling", account), self.client("ec2", account)
            balancing = self.client("elbv2", account)
            for target_group in balancing.describe_target_groups()["TargetGroups"]:
                arn = target_group["TargetGroupArn"]
                targets = balancing.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
                if targets:
                    balancing.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": t["Target"]["Id"]} for t in targets])
            for group in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
                autoscaling.delete_auto_scaling_group(AutoScalingGroupName=group["AutoScalingGroupName"], ForceDelete=True)
            for launch in autoscaling.describe_launch_configurations()["LaunchConfigurations"]:
                autoscaling.delete_launch_configuration(LaunchConfigurationName=launch["LaunchConfigurationName"])
            for template in ec2.describe_launch_templates(MaxResults=200)["LaunchTemplates"]:
                ec2.delete_launch_template(LaunchTemplateId=template["LaunchTemplateId"])
        for image in self.client("ec2").describe_images(Owners=["self"])["Images"]:
            tags = self.client("ec2", PROD).describe_tags(Filters=[{"Name": "resource-id", "Values": [image["ImageId"]]}])["Tags"]
            if tags:
                self.client("ec2", PROD).delete_tags(Resources=[image["ImageId"]], Tags=[{"Key": t["Key"]} for t in tags])
            self.client("ec2").modify_image_attribute(ImageId=image["ImageId"], LaunchPermission={"Remove": [{"UserId": PROD}]})


class Probe:
    """build/tests/peers/aws-probe: one JSON command per line, one JSON answer per line."""

    ACCOUNTS = f"""
  - {{name: base, accountId: "{BASE}", defaultKeyPair: rig-key}}
  - {{name: prod, accountId: "{PROD}", assumeRole: role/managed, defaultKeyPair: rig-key}}"""

    def __init__(self, folder, endpoint, more="  defaultRegions: [{name: us-east-1}]", accounts=ACCOUNTS, bake_account="base"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "clouddriver.yml").write_text(f"""
aws:
  accessKeyId: AKIARIGBASE
  secretAccessKey: rig-secret
  endpointUrl: {endpoint}
  defaults: {{iamRole: BaseIAMRole}}
{more}
  accounts:{accounts}
serviceLimits:
  defaults: {{rateLimit: 200}}
""")
        (folder / "gennaker.yml").write_text("gennaker: {inventory: {pollSeconds: 3600}}\n")
        if bake_account:
            (folder / "orca.yml").write_text(f"default: {{bake: {{account: {bake_account}}}}}\n")
        program = os.environ.get("GENNAKER_AWS_PROBE", str(ROOT / "build" / "tests" / "peers" / "aws-probe"))
        self.log = open(folder / "log", "ab")
        self.process = subprocess.Popen([program, str(folder), str(folder / "data")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        self.operations = 0

    def ask(self, do, **more):
        self.process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "aws-probe ended: " + pathlib.Path(self.log.name).read_text()[-2000:]
        return json.loads(line)

    def operate(self, name, description, account="prod", id=None, earlier=()):
        """Runs one operation (after earlier ones of the same request) to its end; gives the task as served."""
        self.operations += 1
        request = [*earlier, {name: {"credentials": account, **description}}]
        return self.ask("operation", id=id or f"operation-{self.operations}", request=request)

    def objects(self, kind, account="prod"):
        return self.ask("objects", account=account, kind=kind, region="us-east-1")

    def view(self, kind, id, account="prod", **more):
        return self.ask("view", account=account, region="us-east-1", kind=kind, id=id, **more)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0, pathlib.Path(self.log.name).read_text()[-4000:]
        self.log.close()


@pytest.fixture(scope="session")
def simulator():
    simulator = Simulator()
    simulator.ids = simulator.seed("--image2")["accounts"]
    yield simulator
    simulator.stop()


@pytest.fixture(scope="session")
def session_proxy(simulator):
    with FaultProxy(simulator.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def session_probe(session_proxy, tmp_path_factory):
    """The cloud before the proxy, with the inventory read once."""
    probe = Probe(tmp_path_factory.mktemp("probe"), session_proxy.url)
    probe.read = probe.ask("read")
    yield probe
    probe.close()


@pytest.fixture
def proxy(session_proxy):
    session_proxy.clear()
    session_proxy.forget_calls()
    return session_proxy


@pytest.fixture
def seeded(simulator, session_probe, proxy):
    """The common set-up and nothing else; its ids."""
    for account in ("base", "prod"):
        for name in session_probe.objects("serverGroups", account):
            session_probe.operate("destroyServerGroup", {"serverGroupName": name, "region": "us-east-1"}, account)
    simulator.empty()
    proxy.forget_calls()
    return simulator.ids


@pytest.fixture
def probe(seeded, session_probe):
    return session_probe
