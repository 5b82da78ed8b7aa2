"""What `./run` starts without a configuration: the sample application on the simulated cloud, and each of its pipelines."""
import json
import os
import subprocess
import time

import pytest

from gennaker import PROGRAM, ROOT, Gennaker, failures

SAMPLE = ROOT / "demo" / "sample"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Gennaker(tmp_path_factory.mktemp("sample") / "data", config=SAMPLE / "gennaker.yml").start()
    yield server
    server.stop()


def sample(server):
    return subprocess.run([ROOT / "scripts" / "sample", server.url], check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "GENNAKER_PROGRAM": str(PROGRAM)}).stdout


def execute(server, name, seconds=90):
    answer = server.api.call("POST", f"/pipelines/shop/{name.replace(' ', '%20')}", {"type": "manual"})
    return server.wait_execution(answer["ref"].rsplit("/", 1)[1], seconds)


def enabled(server, account, region):
    return [group for group in server.api.get("/applications/shop/serverGroups")
            if group["account"] == account and group["region"] == region and not group["isDisabled"]]


def test_the_files_are_understood():
    for what in (SAMPLE / "gennaker.yml", *sorted(SAMPLE.glob("*.json"))):
        done = subprocess.run([PROGRAM, "lint", what], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, f"{what}: {done.stdout}"


def test_it_is_brought_in_once(server):
    assert "pipeline execute shop Deploy --watch" in sample(server)
    names = [pipeline["name"] for pipeline in server.api.get("/applications/shop/pipelineConfigs")]
    assert sorted(names) == ["A version that does not get well", "Deploy", "Roll out", "Validate"]
    assert sample(server) == ""
    end = time.monotonic() + 15
    while sum(group["instanceCounts"]["up"] for group in server.api.get("/applications/shop/serverGroups")) < 10:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_deploy(server):
    execution = execute(server, "Deploy")
    assert execution["status"] == "SUCCEEDED", failures(execution)
    for account, region in (("test", "north"), ("prod", "north"), ("prod", "south")):
        assert [group["moniker"]["sequence"] for group in enabled(server, account, region)] == [1], (account, region)


def test_roll_out_asks_after_each_step(server):
    execution = execute(server, "Roll out")
    assert execution["status"] == "SUCCEEDED", failures(execution)
    group, = enabled(server, "prod", "north")
    assert group["instanceCounts"]["up"] == 4 and group["buildInfo"]["version"] == "1.1.0"
    validations = [one for one in server.api.get("/applications/shop/pipelines?limit=20") if one["name"] == "Validate"]
    assert len(validations) == 3 and {one["status"] for one in validations} == {"SUCCEEDED"}


def test_a_version_that_does_not_get_well_leaves_the_old_one(server):
    before = [group["name"] for group in enabled(server, "test", "north")]
    execution = execute(server, "A version that does not get well")
    assert execution["status"] == "TERMINAL", json.dumps(execution)[:2000]
    assert [group["name"] for group in enabled(server, "test", "north")] == before
