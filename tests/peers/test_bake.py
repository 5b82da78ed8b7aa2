"""Bakes with the real packer: a package repository, an instance that packer logs in to, the simulator's EC2. What a crash, a cancel and a
lost process leave, and what they must not leave."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest
from gennaker import PROGRAM, Gennaker, demo, failures

pytestmark = pytest.mark.skipif(shutil.which("packer") is None or os.geteuid() != 0 and shutil.which("sudo") is None,
                                reason="needs packer, and root for the instance")
VERSION = "1.0.0-h7.0123abc"
FILE = f"{demo.PACKAGE}_{VERSION}_amd64.deb"


class Bakes:
    """A server, a repository with one package, and an instance that a test starts when packer shall get on."""

    def __init__(self, folder, simulator):
        self.simulator = simulator
        self.before = set(self.all_builders())
        self.surroundings = demo.Surroundings(simulator.port, demo.free_port(), demo.free_port())
        self.surroundings.publish(VERSION)
        self.variables = demo.write_configuration(folder / "config", simulator.url, self.surroundings.repository, self.surroundings.ssh)
        self.server = Gennaker(folder / "data", config=folder / "config")
        self.server.start()
        demo.save_application(self.server.api)

    def end(self):
        self.server.stop()
        for process in self.runners():
            os.kill(process, signal.SIGKILL)
        demo.run_rig("bake/end", "--ssh", self.surroundings.ssh, "--repo", self.surroundings.repository, root=True)

    def begin(self, trigger=None, **stage):
        document = demo.pipeline(self.variables)
        document["stages"] = document["stages"][:1]
        document["limitConcurrent"] = False
        document["stages"][0].update(stage)
        return demo.start_pipeline(self.server.api, document, demo.build_trigger(FILE, 7) if trigger is None else trigger)

    def run(self, **more):
        return self.server.wait_execution(self.begin(**more), 120)

    def child(self, execution, region=demo.REGION):
        execution = execution if isinstance(execution, dict) else self.server.api.get(f"/pipelines/{execution}")
        return next((s for s in execution["stages"] if s["name"] == f"Bake in {region}"), None)

    def wait_builder(self, execution):
        """Until packer waits for its instance; the bake's id."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            bake = ((self.child(execution) or {}).get("context", {}).get("status") or {}).get("id")
            if bake and "Waiting for SSH" in self.bake_log(bake):
                return bake
            time.sleep(0.1)
        raise AssertionError(f"packer does not wait for SSH: {self.server.said()[-3000:]}")

    def bake_log(self, bake):
        with urllib.request.urlopen(f"{self.server.url}/bakery/logs/{demo.REGION}/{bake}?plain=true") as answer:
            return answer.read().decode()

    def builders(self, *states):
        """Instances with the tag of a bake of this test."""
        return [i for i in self.all_builders(*states) if i not in self.before]

    def all_builders(self, *states):
        found = self.simulator.client("ec2").describe_instances(Filters=[{"Name": "tag-key", "Values": ["gennaker:operation"]}])
        instances = [i for r in found["Reservations"] for i in r["Instances"]]
        return [i["InstanceId"] for i in instances if not states or i["State"]["Name"] in states]

    def packer_groups(self):
        """Security groups that packer made for a builder; one that was killed leaves them."""
        found = self.simulator.client("ec2").describe_security_groups()["SecurityGroups"]
        return {g["GroupId"] for g in found if g["GroupName"].startswith("packer_")}

    def image(self, name):
        found = self.simulator.client("ec2").describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [name]}])["Images"]
        return found[0] if found else None

    def runners(self):
        """Processes that keep packer, of this test's server."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"run-child" in words and str(self.server.folder).encode() in b" ".join(words):
                found.append(int(folder.name))
        return found

    def packers(self):
        """Processes of packer, of this test's server."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"packer") and str(self.server.folder).encode() in b" ".join(words):
                found.append(int(folder.name))
        return found


def wait_until(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("not within %s s" % seconds)


@pytest.fixture(scope="module")
def seeded_once(simulator):
    simulator.seed()
    return simulator


@pytest.fixture
def bakes(tmp_path, seeded_once):
    bakes = Bakes(tmp_path, seeded_once)
    yield bakes
    bakes.end()


def tags(image):
    return {tag["Key"]: tag["Value"] for tag in image.get("Tags", [])}


def check_image(bakes, execution):
    context = bakes.child(execution)["context"]
    image = bakes.image(context["imageName"])
    assert image["ImageId"] == context["ami"] == context["imageId"]
    assert tags(image)["appversion"] == f"{demo.PACKAGE}-1.0.0-h7.0123abc/demo/7"
    assert not bakes.builders("pending", "running", "stopping", "stopped")
    return image


def test_bake_reuse_rebake(bakes):
    bakes.surroundings.start_instance()
    execution = bakes.run(amiSuffix="20240102030405")
    assert execution["status"] == "SUCCEEDED", failures(execution)
    child = bakes.child(execution)
    assert [t["name"] for t in child["tasks"]] == ["createBake", "monitorBake", "completedBake"]
    context = child["context"]
    assert context["imageName"] == f"{demo.PACKAGE}-amd64-20240102030405-debian"
    assert context["bakePackageName"] == f"{demo.PACKAGE}_{VERSION}_amd64" and context["previouslyBaked"] is False
    image = check_image(bakes, execution)
    assert tags(image)["build_host"] == "http://ci.example.invalid/"
    parent = next(s for s in execution["stages"] if s["name"] == "Bake")
    assert [(d["ami"], d["region"]) for d in parent["outputs"]["deploymentDetails"]] == [(image["ImageId"], demo.REGION)]
    log = bakes.bake_log(context["status"]["id"])
    assert "Connected to SSH!" in log and demo.CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in log
    builders = len(bakes.builders())

    again = bakes.run()
    assert again["status"] == "SUCCEEDED", failures(again)
    assert bakes.child(again)["context"]["previouslyBaked"] is True
    assert bakes.child(again)["context"]["ami"] == image["ImageId"]
    assert len(bakes.builders()) == builders

    anew = bakes.run(rebake=True, amiSuffix="20240102030406")
    assert anew["status"] == "SUCCEEDED", failures(anew)
    assert bakes.child(anew)["context"]["ami"] != image["ImageId"]
    assert len(bakes.builders()) == builders + 1


@pytest.mark.parametrize("template", ["aws-ebs.json", "aws-ebs.pkr.hcl"])
def test_own_templates(bakes, template):
    bakes.surroundings.start_instance()
    given = json.loads(bakes.variables.read_text())
    execution = bakes.run(templateFileName=template, extendedAttributes={
        "ssh_host": "127.0.0.1", "ssh_port": given["ssh_port"], "ssh_private_key_file": given["ssh_key"]})
    assert execution["status"] == "SUCCEEDED", failures(execution)
    check_image(bakes, execution)


def test_kill_and_attach(bakes):
    """The server is killed while packer works; the next one finds it. Nothing is done twice."""
    execution = bakes.begin()
    bakes.wait_builder(execution)
    bakes.server.kill()
    assert bakes.runners() and bakes.packers()
    bakes.server.start()
    bakes.surroundings.start_instance()
    execution = bakes.server.wait_execution(execution)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    check_image(bakes, execution)
    assert len(bakes.builders()) == 1


def test_end_while_nobody_looks(bakes):
    execution = bakes.begin()
    bakes.wait_builder(execution)
    bakes.server.kill()
    bakes.surroundings.start_instance()
    wait_until(lambda: not bakes.runners())
    bakes.server.start()
    execution = bakes.server.wait_execution(execution)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    check_image(bakes, execution)
    assert len(bakes.builders()) == 1


def test_lost_process(bakes):
    """The machine goes down: server, runner and packer are gone. The builder is ended, the bake begun again."""
    execution = bakes.begin()
    bakes.wait_builder(execution)
    left = bakes.builders("running")
    assert len(left) == 1
    bakes.server.kill()
    for process in bakes.runners() + bakes.packers():
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: not bakes.runners())
    bakes.server.start()
    bakes.surroundings.start_instance()
    execution = bakes.server.wait_execution(execution)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    check_image(bakes, execution)
    assert set(left) <= set(bakes.builders("terminated")) and len(bakes.builders()) == 2


def test_cancel(bakes):
    groups = bakes.packer_groups()
    execution = bakes.begin()
    bake = bakes.wait_builder(execution)
    assert bakes.builders("running")
    bakes.server.api.call("PUT", f"/pipelines/{execution}/cancel?reason=test")
    execution = bakes.server.wait_execution(execution)
    assert execution["status"] == "CANCELED"
    wait_until(lambda: not bakes.runners() and not bakes.packers())
    wait_until(lambda: not bakes.builders("pending", "running", "stopping", "stopped"))
    assert "interrupt" in bakes.bake_log(bake).lower() or "cancel" in bakes.bake_log(bake).lower()
    assert bakes.packer_groups() == groups


def test_unclean_cancel(bakes):
    """packer is killed before it can clean up: its instance is found by its tag."""
    execution = bakes.begin()
    bakes.wait_builder(execution)
    for process in bakes.packers():
        os.kill(process, signal.SIGKILL)
    execution = bakes.server.wait_execution(execution)
    assert execution["status"] == "TERMINAL"
    assert any("Bake failed in us-east-1" in text for text in failures(execution)), failures(execution)
    wait_until(lambda: not bakes.builders("pending", "running", "stopping", "stopped"))


def test_failures(bakes):
    """What is wrong is said before a builder starts, or with the words of the installer."""
    bakes.surroundings.start_instance()
    missing = bakes.run(package="other")
    assert missing["status"] == "TERMINAL"
    assert any("Unable to find deployable artifact starting with [other_]" in text for text in failures(missing)), failures(missing)
    unknown = bakes.run(baseOs="beos")
    assert unknown["status"] == "TERMINAL"
    assert any("Bake options not found" in text for text in failures(unknown)), failures(unknown)
    region = bakes.run(regions=["eu-west-1"])
    assert region["status"] == "TERMINAL"
    assert any("No virtualization settings found for region 'eu-west-1'" in text for text in failures(region)), failures(region)
    assert not bakes.builders()
    broken = bakes.run(trigger=demo.build_trigger(f"{demo.PACKAGE}_9.9_amd64.deb", 8))
    assert broken["status"] == "TERMINAL"
    assert any(re.search(r"exit code 1[\s\S]*9\.9", text) for text in failures(broken)), failures(broken)
    assert not bakes.builders("pending", "running", "stopping", "stopped")


def test_no_secrets(bakes):
    """Neither arguments, nor logs, nor what stays on the disk show a secret."""
    secret = demo.CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    execution = bakes.begin()
    bakes.wait_builder(execution)
    for process in bakes.runners() + bakes.packers():
        assert secret.encode() not in pathlib.Path(f"/proc/{process}/cmdline").read_bytes()
    bakes.surroundings.start_instance()
    execution = bakes.server.wait_execution(execution)
    assert execution["status"] == "SUCCEEDED", failures(execution)
    wait_until(lambda: not list(bakes.server.folder.glob("bakes/*/1")))
    assert secret not in bakes.server.said()
    for file in bakes.server.folder.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


def test_watch_prints_the_log(bakes):
    """`execution watch` in a pipe: each line of packer's as it comes, once, and before the end."""
    bakes.surroundings.start_instance()
    execution = bakes.begin()
    watch = subprocess.run([PROGRAM, "execution", "watch", execution, "--server", bakes.server.url], capture_output=True, text=True,
                           timeout=180)
    assert watch.returncode == 0, watch.stdout + watch.stderr
    bake = bakes.child(execution)["context"]["status"]["id"]
    lines = watch.stdout.splitlines()
    told = [line.split(" | ", 1)[1].rstrip() for line in lines if line.startswith(f"Bake in {demo.REGION} | ")]
    assert told == [line.rstrip() for line in bakes.bake_log(bake).splitlines()]
    assert lines[-1].startswith(f"{execution} SUCCEEDED after ")
