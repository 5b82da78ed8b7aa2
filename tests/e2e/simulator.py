"""The AWS simulator of a test run: moto on a port of its own, refusing what the real service refuses."""
import json
import os
import pathlib
import subprocess

from gennaker import demo

ROOT = pathlib.Path(__file__).resolve().parents[2]
RIG = ROOT / "tests" / "peers" / "aws"
BASE = "123456789012"  # the account of the base credentials
KEY = {"aws_access_key_id": "AKIARIGBASE", "aws_secret_access_key": "rig-secret"}


def rig(command, *arguments):
    """Runs a command of the AWS rig and gives what it printed."""
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    return subprocess.run([str(RIG / command), *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True,
                          env=environment).stdout


class Simulator:
    def __init__(self):
        self.port = demo.free_port()
        rig("up", "--port", self.port, "--strict")
        self.url = f"http://127.0.0.1:{self.port}"

    def seed(self, *options):
        """Empties it and lays the common set-up; gives its ids."""
        return json.loads(rig("seed", "--port", self.port, "--reset", *options))

    def stop(self):
        rig("down", "--port", self.port)

    def client(self, service, account=BASE, region="us-east-1"):
        """boto3's view of an account, around Gennaker and the proxy."""
        import boto3

        key = KEY
        if account != BASE:
            sts = boto3.client("sts", region_name=region, endpoint_url=self.url, **KEY)
            made = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/managed", RoleSessionName="test")["Credentials"]
            key = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"],
                   "aws_session_token": made["SessionToken"]}
        return boto3.client(service, region_name=region, endpoint_url=self.url, **key)
