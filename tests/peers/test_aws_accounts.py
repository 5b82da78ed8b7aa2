"""Accounts: what is looked up, what is refused, and that one that cannot be opened leaves the others alone."""
import time

from conftest import BASE, PROD, Probe
from test_aws_operations import IMAGE, REGION

KEYS = "defaultKeyPair: rig-key"


def open_accounts(tmp_path, endpoint, accounts, **more):
    probe = Probe(tmp_path / "accounts", endpoint, accounts=accounts, **more)
    said = probe.ask("read")
    return probe, said, " | ".join(said["problems"])


def test_what_is_not_said_is_looked_up(simulator, tmp_path):
    probe, said, problems = open_accounts(tmp_path, simulator.url, """
  - {name: looked, environment: test, defaultKeyPair: "keys-{{name}}-{{environment}}"}""", more="")
    details = said["looked"]["details"]
    assert details["accountId"] == BASE and not problems
    regions = {r["name"]: r["availabilityZones"] for r in details["regions"]}
    assert len(regions) > 10 and "us-east-1a" in regions["us-east-1"] and details["defaultKeyPair"] == "keys-looked-test"
    probe.close()


def test_given_regions_and_zones_are_taken(simulator, tmp_path, proxy):
    proxy.forget_calls()
    probe, said, problems = open_accounts(tmp_path, proxy.url, f"""
  - {{name: given, accountId: "{BASE}", regions: [{{name: us-west-2, availabilityZones: [us-west-2b]}}]}}""")
    assert said["given"]["details"]["regions"] == [{"name": "us-west-2", "availabilityZones": ["us-west-2b"],
                                                    "preferredZones": ["us-west-2b"], "deprecated": False}] and not problems
    assert not {"GetCallerIdentity", "DescribeRegions", "DescribeAvailabilityZones"} & set(proxy.actions())
    probe.close()


def test_bad_accounts_leave_the_others_alone(simulator, tmp_path):
    began = time.monotonic()
    probe, said, problems = open_accounts(tmp_path, simulator.url, f"""
  - {{name: good, accountId: "{BASE}"}}
  - {{name: nobody-there, endpointUrl: "http://127.0.0.1:9"}}
  - {{name: no-id, assumeRole: role/managed}}
  - {{name: odd-endpoint, accountId: "{BASE}", endpointUrl: {{moon: "http://x"}}}}
  - {{name: good, accountId: "{PROD}"}}
  - {{name: off, accountId: "{BASE}", enabled: false}}
  - {{accountId: "{BASE}"}}""", more="  defaultRegions: [{name: us-east-1}]\n  loadAccounts: {maxRetries: 2, backOffInMs: 200}")
    assert sorted(set(said) - {"problems"}) == ["good"], said.keys()
    for words in ("nobody-there: GetCallerIdentity", "no-id: accountId: required", "odd-endpoint: endpointUrl.moon", "second account",
                  "clouddriver.yml:"):
        assert words in problems, problems
    assert time.monotonic() - began < 60
    probe.close()


def test_roles_are_assumed_as_configured(simulator, tmp_path, proxy):
    proxy.forget_calls()
    probe, said, problems = open_accounts(tmp_path, proxy.url, f"""
  - {{name: prod, environment: live, accountId: "{PROD}", assumeRole: role/managed, sessionName: "gennaker-{{{{environment}}}}",
      externalId: outside, sessionDurationSeconds: 1200, regions: [us-east-1]}}""")
    assert not problems
    asked = proxy.calls(action="AssumeRole")
    assert len(asked) == 1, "one session for all agents"
    assert asked[0].params["RoleArn"] == f"arn:aws:iam::{PROD}:role/managed"
    assert asked[0].params["RoleSessionName"] == "gennaker-live" and asked[0].params["ExternalId"] == "outside"
    assert asked[0].params["DurationSeconds"] == "1200" and asked[0].region == "us-east-1"
    probe.close()


def test_image_is_shared_by_its_owner_without_a_bake_account(seeded, simulator, tmp_path):
    probe = Probe(tmp_path / "owner", simulator.url, bake_account=None)
    probe.ask("read")
    wanted = {"amiName": IMAGE, "availabilityZones": {REGION: []}}
    asked = probe.ask("prepare", account="prod", description=wanted)
    assert asked == [{"allowLaunchDescription": {"account": "prod", "credentials": "base", "region": REGION, "amiName": IMAGE}}], asked
    assert probe.ask("prepare", account="base", description=wanted) == []
    assert probe.ask("prepare", account="prod", description={**wanted, "amiName": "unknown-image"}) == []
    probe.close()
