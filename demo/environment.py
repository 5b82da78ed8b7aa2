"""The surroundings of the demonstration, all on loopback: an AWS simulator, a Debian package repository, an instance that packer logs
in to, and the configuration of a Gennaker that uses them. Tests of the whole flow use the same."""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
RIG = ROOT / "tests" / "peers" / "aws"
REGION = "us-east-1"
STAGING, PRODUCTION = "123456789012", "111111111111"
PACKAGE = "gennaker-demo"
# Keys that the simulator takes for its first account; they open nothing.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIARIGBASE", "AWS_SECRET_ACCESS_KEY": "rig-secret"}


class Failure(Exception):
    """Something that ends the demonstration, said for the person who has to act."""


def rig_folder():
    given = os.environ.get("GENNAKER_RIG_DIR")
    if given:
        return pathlib.Path(given)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(cache) / "gennaker-rig"


def run_rig(*command, root=False):
    """Runs a script of the rig and returns what it printed."""
    argv = [str(RIG / command[0]), *map(str, command[1:])]
    if root and os.geteuid() != 0:
        argv = ["sudo", "--preserve-env=GENNAKER_RIG_DIR,XDG_CACHE_HOME,HOME", *argv]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


class Surroundings:
    """Simulator, repository and instance on given ports."""

    def __init__(self, moto=5566, repository=5580, ssh=5522):
        self.moto, self.repository, self.ssh = moto, repository, ssh

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.moto}"

    def start_cloud(self, reset=False):
        run_rig("up", "--port", self.moto, "--strict")
        return json.loads(run_rig("seed", "--port", self.moto, "--image2", *(["--reset"] if reset else [])))

    def start_instance(self):
        run_rig("bake/instance", "--port", self.ssh, root=True)

    def publish(self, version):
        """Builds a package of that version and puts it into the repository; the file's name."""
        folder = rig_folder() / f"repo-{self.repository}"
        folder.mkdir(parents=True, exist_ok=True)
        made = run_rig("bake/make-deb", folder, PACKAGE, version, "amd64")
        run_rig("bake/repo", "--port", self.repository, "--index")
        run_rig("bake/repo", "--port", self.repository)
        return pathlib.Path(made).name

    def end(self):
        run_rig("bake/end", "--ssh", self.ssh, "--repo", self.repository, root=True)
        run_rig("down", "--port", self.moto)


def write_configuration(folder, endpoint, repository_port, ssh_port, poll_seconds=2):
    """The configuration of a Gennaker that bakes in `staging` and deploys to both accounts. JSON is YAML."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "clouddriver.yml": {
            "aws": {
                "enabled": True,
                "endpointUrl": endpoint,
                "defaultRegions": [{"name": REGION}],
                "defaultKeyPairTemplate": "rig-key",
                "defaults": {"iamRole": "BaseIAMRole"},
                "accounts": [
                    {"name": "staging", "accountId": STAGING, "environment": "staging"},
                    {"name": "production", "accountId": PRODUCTION, "environment": "production", "assumeRole": "role/managed"},
                ],
            }
        },
        "rosco.yml": {
            "bakeAccount": "staging",
            "rosco": {"config-dir": str(HERE / "packer")},
            "debian-repository": f"[trusted=yes] http://127.0.0.1:{repository_port}/ ./",
            "aws": {
                "enabled": True,
                "bakery-defaults": {
                    "templateFile": "loopback.json",
                    "defaultVirtualizationType": "hvm",
                    "baseImages": [
                        {
                            "baseImage": {"id": "debian", "shortDescription": "Debian", "packageType": "deb"},
                            "virtualizationSettings": [
                                {
                                    "region": REGION,
                                    "virtualizationType": "hvm",
                                    "instanceType": "t3.small",
                                    "sourceAmi": "ami-785db401",
                                    "sshUserName": "admin",
                                }
                            ],
                        }
                    ],
                },
            },
        },
        "orca.yml": {"default": {"bake": {"account": "staging"}}},
        "gennaker.yml": {"gennaker": {"inventory": {"pollSeconds": poll_seconds}}},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=2) + "\n")
    variables = {"aws_endpoint": endpoint, "ssh_port": str(ssh_port), "ssh_key": str(rig_folder() / "ssh-key")}
    variables_file = folder / "loopback-variables.json"
    variables_file.write_text(json.dumps(variables, indent=2) + "\n")
    return variables_file


def pipeline(variables_file, bake=True, image=None):
    """bake → staging → judgement → production, as a person would write it in the editor."""

    def deploy(ref, after, account, **more):
        cluster = {
            "account": account,
            "application": "demo",
            "stack": account,
            "strategy": "redblack",
            "provider": "aws",
            "cloudProvider": "aws",
            "capacity": {"min": 2, "desired": 2, "max": 2},
            "availabilityZones": {REGION: [REGION + "a", REGION + "b"]},
            "subnetType": "internal (core)",
            "securityGroups": ["web"],
            "loadBalancers": [],
            "targetGroups": ["web-tg"],
            "instanceType": "t3.small",
            "iamRole": "BaseIAMRole",
            "keyPair": "rig-key",
            "healthCheckType": "EC2",
            "healthCheckGracePeriod": 60,
            "cooldown": 10,
            "terminationPolicies": ["Default"],
            "tags": {"team": "demo"},
            "targetHealthyDeployPercentage": 100,
            **more,
        }
        return {
            "refId": ref,
            "requisiteStageRefIds": [after] if after else [],
            "type": "deploy",
            "name": f"Deploy to {account}",
            "clusters": [cluster],
        }

    stages = []
    if bake:
        stages.append(
            {
                "refId": "1",
                "requisiteStageRefIds": [],
                "type": "bake",
                "name": "Bake",
                "package": PACKAGE,
                "baseOs": "debian",
                "baseLabel": "release",
                "vmType": "hvm",
                "storeType": "ebs",
                "cloudProviderType": "aws",
                "regions": [REGION],
                "extendedAttributes": json.loads(pathlib.Path(variables_file).read_text()),
            }
        )
    given = {} if bake else {"amiName": image}
    stages += [
        deploy("2", "1" if bake else None, "staging", **given),
        {
            "refId": "3",
            "requisiteStageRefIds": ["2"],
            "type": "manualJudgment",
            "name": "Good enough for production?",
            "instructions": "Look at staging, then let it go on or stop it.",
            "judgmentInputs": [],
        },
        deploy("4", "3", "production", **given),
    ]
    return {
        "application": "demo",
        "name": "Package to production",
        "spelEvaluator": "v4",
        "limitConcurrent": True,
        "keepWaitingPipelines": True,
        "triggers": [],
        "parameterConfig": [],
        "stages": stages,
    }


def build_trigger(file_name, number):
    """What a CI build that made this package would start the pipeline with."""
    return {
        "type": "manual",
        "user": "demo",
        "buildInfo": {
            "name": "demo",
            "number": number,
            "url": f"http://ci.example.invalid/job/demo/{number}/",
            "artifacts": [{"fileName": file_name, "displayPath": file_name}],
            "scm": [{"branch": "main", "sha1": "0123abc"}],
        },
    }


class Api:
    """A client of the HTTP API, as small as it gets."""

    def __init__(self, base):
        self.base = base

    def call(self, method, path, body=None, timeout=60):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:2000]}") from None
        return json.loads(text) if text else None

    def get(self, path):
        return self.call("GET", path)

    def wait_ready(self, process=None, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if process is not None and process.poll() is not None:
                raise Failure(f"the server ended early with exit code {process.returncode}")
            try:
                return self.get("/health")
            except (OSError, Failure):
                time.sleep(0.05)
        raise Failure(f"no answer from {self.base} within {seconds} s")

    def task(self, job, description, application="demo", seconds=60):
        """Runs an ad-hoc task to its end; its view."""
        ref = self.call("POST", "/tasks", {"application": application, "description": description, "job": [job]})["ref"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            view = self.get(ref)
            if view["status"] not in ("NOT_STARTED", "RUNNING", "PAUSED"):
                return view
            time.sleep(0.1)
        raise Failure(f"{description}: not done within {seconds} s")


def wait_for_inventory(api, seconds=120):
    """Until all that a deployment needs to know of the accounts was read once."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        accounts = api.get("/credentials?expand=true") or []
        if len(accounts) >= 2 and all(account["inventory"]["unread"] == 0 for account in accounts):
            return
        time.sleep(0.2)
    raise Failure(f"the accounts were not read within {seconds} s: {json.dumps(accounts)[:2000]}")


def save_application(api):
    application = {"name": "demo", "email": "demo@example.invalid", "cloudProviders": "aws", "description": "The demonstration"}
    done = api.task({"type": "createApplication", "application": application, "user": "demo"}, "Create Application: demo")
    if done["status"] != "SUCCEEDED":
        raise Failure(f"create application: {json.dumps(done)[:2000]}")


def start_pipeline(api, document, trigger):
    """Saves the pipeline (over an earlier one of its name) and starts it; the execution's id."""
    for known in api.get("/applications/demo/pipelineConfigs") or []:
        if known["name"] == document["name"]:
            document = {**document, "id": known["id"]}
    api.call("POST", "/pipelines", document)
    name = urllib.request.quote(document["name"], safe="")
    return api.call("POST", f"/pipelines/demo/{name}", trigger)["ref"].rsplit("/", 1)[1]


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


if __name__ == "__main__":
    sys.exit("run ./run demo")
