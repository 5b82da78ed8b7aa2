"""Accounts and clusters on the command line, after a deployment to the simulator."""
import json
import re

import pytest
from flow import Flow
from test_cli import run


@pytest.fixture(scope="module")
def deployed(tmp_path_factory, simulator):
    from faultproxy import FaultProxy

    with FaultProxy(simulator.url) as proxy:
        flow = Flow(tmp_path_factory.mktemp("clouds"), simulator, proxy).start()
        execution = flow.run(accounts=("staging",))
        assert execution["status"] == "SUCCEEDED"
        yield lambda *arguments, **keywords: run(*arguments, GENNAKER_SERVER=flow.server.url, **keywords)
        flow.end()


def test_accounts(deployed):
    lines = deployed("account", "list").splitlines()
    assert re.match(r"NAME +CLOUD +REGIONS +READ BEFORE", lines[0])
    assert [line.split()[:3] for line in lines[1:]] == [["production", "aws", "us-east-1"], ["staging", "aws", "us-east-1"]]
    assert re.search(r"^Account +123456789012$", deployed("account", "get", "staging"), re.M)
    assert json.loads(deployed("account", "get", "production", "-o", "json"))["name"] == "production"


def test_clusters(deployed):
    assert re.search(r"^staging +demo-staging +1", deployed("cluster", "list", "demo"), re.M)
    row = deployed("cluster", "get", "demo", "demo-staging").splitlines()[1]
    assert re.match(r"demo-staging-v000 +us-east-1 +enabled +2 of 2 up +2/2/2 +ami-\w+", row), row
    cluster = json.loads(deployed("cluster", "get", "demo", "demo-staging", "--account", "staging", "-o", "json"))
    assert cluster["serverGroups"][0]["name"] == "demo-staging-v000"
    assert "has no cluster demo-staging in account production" in \
        deployed("cluster", "get", "demo", "demo-staging", "--account", "production", code=5)
