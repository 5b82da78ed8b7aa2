"""The fault proxy itself: what it understands of a call, and that each fault is what it says."""
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from faultproxy import (FaultProxy, delay, drop, empty, error, expired, hide, hook, kill, lose_answer, malformed, never_healthy,
                        skewed, throttle)

REGION = "us-east-1"
GROUP = "orders-prod-v000"


@pytest.fixture(scope="module")
def common_setup(simulator):
    return simulator.seed("--base-only")


@pytest.fixture
def seed(simulator, common_setup):
    """The common set-up, without what the test before left: laying it anew for each test would take a second."""
    key = {"aws_access_key_id": "AKIARIGBASE", "aws_secret_access_key": "rig-secret"}
    autoscaling, ec2 = (boto3.client(s, region_name=REGION, endpoint_url=simulator.url, **key) for s in ("autoscaling", "ec2"))
    for name in [g["AutoScalingGroupName"] for g in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]]:
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    for lt in ec2.describe_launch_templates()["LaunchTemplates"]:
        ec2.delete_launch_template(LaunchTemplateId=lt["LaunchTemplateId"])
    return common_setup


@pytest.fixture
def client(proxy, seed):
    """Makes clients that try once, so that every fault is seen."""
    def make(service, **keys):
        keys = keys or {"aws_access_key_id": "AKIARIGBASE", "aws_secret_access_key": "rig-secret"}
        config = Config(retries={"total_max_attempts": 1}, read_timeout=5, connect_timeout=5)
        return boto3.client(service, region_name=REGION, endpoint_url=proxy.url, config=config, **keys)
    return make


def template(client, seed, name="orders-lt"):
    image = next(iter(seed["images"].values()))
    data = {"ImageId": image, "InstanceType": "t3.small", "UserData": "c2VjcmV0"}
    return client("ec2").create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplate"]["LaunchTemplateId"]


def group(client, seed, lt, name=GROUP):
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchTemplate={"LaunchTemplateId": lt, "Version": "1"}, MinSize=1, MaxSize=1, DesiredCapacity=1,
        VPCZoneIdentifier=seed["accounts"]["base"]["subnetA"], TargetGroupARNs=[seed["accounts"]["base"]["targetGroupArn"]])


def group_names(client):
    return [g["AutoScalingGroupName"] for g in client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]]


def code_of(problem):
    return problem.value.response["Error"]["Code"]


def test_calls_are_understood_in_order(proxy, client, seed):
    lt = template(client, seed)
    group(client, seed, lt)
    assert group_names(client) == [GROUP]
    calls = proxy.calls()
    assert [(c.n, c.service, c.action, c.write, c.write_number, c.status) for c in calls] == [
        (1, "ec2", "CreateLaunchTemplate", True, 1, 200),
        (2, "autoscaling", "CreateAutoScalingGroup", True, 2, 200),
        (3, "autoscaling", "DescribeAutoScalingGroups", False, 0, 200)]
    assert {c.region for c in calls} == {REGION} and {c.account for c in calls} == {"123456789012"}
    assert calls[1].params["AutoScalingGroupName"] == GROUP
    assert all(c.outcome == "answered" and c.agent.startswith("Boto3") for c in calls)


def test_secrets_are_not_kept(proxy, client, seed):
    template(client, seed)
    text = json.dumps([c.params for c in proxy.calls()])
    assert "c2VjcmV0" not in text and "sha256:" in text


def test_an_assumed_role_is_its_account(proxy, client, seed):
    role = client("sts").assume_role(RoleArn="arn:aws:iam::111111111111:role/managed", RoleSessionName="test")["Credentials"]
    client("ec2", aws_access_key_id=role["AccessKeyId"], aws_secret_access_key=role["SecretAccessKey"],
           aws_session_token=role["SessionToken"]).describe_vpcs()
    assert [(c.action, c.account) for c in proxy.calls()] == [("AssumeRole", "123456789012"), ("DescribeVpcs", "111111111111")]


def test_throttle_speaks_the_service_s_language_for_its_time(proxy, client, seed):
    proxy.add(throttle(seconds=0.5))
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        client("ec2").describe_vpcs()
    assert code_of(problem) == "RequestLimitExceeded"
    for service, call in (("autoscaling", "describe_auto_scaling_groups"), ("elbv2", "describe_target_groups"),
                          ("elb", "describe_load_balancers")):
        with pytest.raises(botocore.exceptions.ClientError) as problem:
            getattr(client(service), call)()
        assert code_of(problem) == "Throttling"
    time.sleep(0.6)
    assert client("ec2").describe_vpcs()["Vpcs"]


def test_first_calls_only(proxy, client, seed):
    proxy.add(error("InternalError", status=500, action="DescribeVpcs", skip=1, count=1))
    ec2 = client("ec2")
    ec2.describe_vpcs()
    with pytest.raises(botocore.exceptions.ClientError):
        ec2.describe_vpcs()
    ec2.describe_vpcs()
    assert [c.outcome for c in proxy.calls()] == ["answered", "injected", "answered"]
    assert [c.error for c in proxy.calls()] == ["", "InternalError", ""]


def test_named_errors(proxy, client, seed):
    proxy.add(expired(action="DescribeVpcs"), skewed(3600, action="DescribeSubnets"))
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        client("ec2").describe_vpcs()
    assert code_of(problem) == "ExpiredToken"
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        client("ec2").describe_subnets()
    assert code_of(problem) == "RequestTimeTooSkewed"
    assert "date" in problem.value.response["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.parametrize("bytes_sent", [0, 10])
def test_a_lost_answer_was_carried_out(proxy, client, seed, bytes_sent):
    lt = template(client, seed)
    proxy.add(lose_answer(action="CreateAutoScalingGroup", count=1, bytes_sent=bytes_sent))
    with pytest.raises(botocore.exceptions.BotoCoreError):
        group(client, seed, lt)
    assert proxy.calls("CreateAutoScalingGroup")[0].outcome == "lost"
    assert group_names(client) == [GROUP]


def test_a_dropped_call_was_not(proxy, client, seed):
    lt = template(client, seed)
    proxy.add(drop(action="CreateAutoScalingGroup"))
    with pytest.raises(botocore.exceptions.BotoCoreError):
        group(client, seed, lt)
    assert proxy.calls("CreateAutoScalingGroup")[0].outcome == "dropped"
    assert group_names(client) == []


def test_malformed_and_empty_answers(proxy, client, seed):
    proxy.add(malformed(action="DescribeVpcs"), empty(action="DescribeSubnets"))
    for call in ("describe_vpcs", "describe_subnets"):
        with pytest.raises(Exception, match="parse|Unable"):
            getattr(client("ec2"), call)()


def test_malformed_can_replace_body_and_skip_the_call(proxy, client, seed):
    proxy.add(malformed(action="CreateLaunchTemplate", body="<html>Bad Gateway</html>", status=502, content_type="text/html", forward=False))
    with pytest.raises(botocore.exceptions.ClientError):
        template(client, seed)
    assert client("ec2").describe_launch_templates()["LaunchTemplates"] == []


def test_delay_holds_only_its_call(proxy, client, seed):
    proxy.add(delay(0.5, action="DescribeVpcs"))
    start = time.monotonic()
    client("ec2").describe_subnets()
    assert time.monotonic() - start < 0.4
    start = time.monotonic()
    client("ec2").describe_vpcs()
    assert time.monotonic() - start >= 0.5


def test_a_new_group_is_hidden_for_its_time(proxy, client, seed):
    lt = template(client, seed)
    group(client, seed, lt, "old-v000")
    proxy.add(hide("group", 0.6))
    group(client, seed, lt)
    assert group_names(client) == ["old-v000"]
    time.sleep(0.7)
    assert sorted(group_names(client)) == ["old-v000", GROUP]


def test_a_new_template_is_hidden_from_those_who_name_it(proxy, client, seed):
    proxy.add(hide("template", 0.6))
    lt = template(client, seed)
    assert client("ec2").describe_launch_templates()["LaunchTemplates"] == []
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        client("ec2").describe_launch_templates(LaunchTemplateIds=[lt])
    assert code_of(problem) == "InvalidLaunchTemplateId.NotFound"
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        group(client, seed, lt)
    assert code_of(problem) == "ValidationError" and lt in str(problem.value)
    time.sleep(0.7)
    group(client, seed, lt)
    assert group_names(client) == [GROUP]


def test_targets_never_get_healthy(proxy, client, seed):
    group(client, seed, template(client, seed))
    arn = seed["accounts"]["base"]["targetGroupArn"]

    def states():
        health = client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {h["TargetHealth"]["State"] for h in health}
    assert states() == {"healthy"}
    proxy.add(never_healthy())
    assert states() == {"unhealthy"}


def test_hooks_see_the_nth_write(proxy, client, seed):
    seen = []
    proxy.add(hook(lambda call: seen.append((call.action, call.outcome)), write_number=2),
              hook(lambda call: seen.append((call.action, call.outcome)), write_number=2, when="after"))
    lt = template(client, seed)
    client("ec2").describe_vpcs()
    group(client, seed, lt)
    assert seen == [("CreateAutoScalingGroup", ""), ("CreateAutoScalingGroup", "answered")]


@pytest.mark.parametrize("when, carried_out", [("before", False), ("after", True)])
def test_kill_before_and_after_a_write(proxy, client, seed, when, carried_out):
    victim = subprocess.Popen(["sleep", "60"])
    proxy.add(kill(victim.pid, when, write_number=1))
    with pytest.raises(botocore.exceptions.BotoCoreError):
        template(client, seed)
    assert victim.wait(5) == -signal.SIGKILL
    assert bool(client("ec2").describe_launch_templates()["LaunchTemplates"]) == carried_out


def test_waiting_for_calls(proxy, client, seed):
    with pytest.raises(TimeoutError):
        proxy.wait_for("DescribeVpcs", timeout=0.1)
    client("ec2").describe_vpcs()
    assert proxy.wait_for("DescribeVpcs", timeout=1).status == 200
    proxy.wait_quiet(0.1, timeout=2)
    proxy.forget_calls()
    assert proxy.calls() == []


def test_connections_are_kept_open_and_chunks_understood(proxy, seed):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    for _ in range(2):
        body = (part for part in (b"Action=DescribeVpcs", b"&Version=2016-11-15"))
        connection.request("POST", "/", body, {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=AKIARIGBASE/20240101/{REGION}/ec2/aws4_request, SignedHeaders=host, Signature=0"})
        answer = connection.getresponse()
        assert answer.status == 200 and b"vpcSet" in answer.read()
    connection.close()
    assert proxy.actions() == ["DescribeVpcs", "DescribeVpcs"]


def test_an_unreachable_simulator_ends_the_connection():
    with FaultProxy("http://127.0.0.1:9") as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        connection.request("GET", "/")
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            connection.getresponse()
        assert proxy.calls()[0].outcome == "unreachable"


def test_control_port_and_log_file(simulator, seed, tmp_path):
    log = tmp_path / "calls.jsonl"
    script = os.path.join(os.path.dirname(__file__), "faultproxy.py")
    process = subprocess.Popen([sys.executable, script, "--upstream", simulator.url, "--log", str(log)], stdout=subprocess.PIPE, text=True)
    url, _, control = process.stdout.readline().split()

    def ask(method, path, document=None):
        data = json.dumps(document).encode() if document is not None else None
        try:
            return json.load(urllib.request.urlopen(urllib.request.Request(control + path, data, method=method), timeout=5))
        except urllib.error.HTTPError as answer:
            return json.load(answer)
    try:
        assert ask("POST", "/rules", {"kind": "error", "code": "Unavailable", "status": 503, "action": "DescribeVpcs", "count": 1}) == {"rules": 1}
        assert "not one of" in ask("POST", "/rules", {"kind": "nothing"})["error"]
        ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=url, aws_access_key_id="AKIARIGBASE", aws_secret_access_key="rig-secret",
                           config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(botocore.exceptions.ClientError):
            ec2.describe_vpcs()
        ec2.describe_vpcs()
        assert [c["outcome"] for c in ask("GET", "/calls")] == ["injected", "answered"]
        assert [json.loads(line)["n"] for line in log.read_text().splitlines()] == [1, 2]
    finally:
        process.terminate()
        assert process.wait(5) == 0
