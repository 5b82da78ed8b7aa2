"""Custom deployment strategies (engine.md 17, deploy-strategies.md 3 "custom"), against the AWS simulator."""
import pytest
from flow import Flow, groups, instances, is_disabled, targets
from gennaker import demo, failures

PRECONDITION = {"type": "checkPreconditions", "preconditions": [
    {"type": "clusterSize", "context": {"comparison": "==", "expected": 1, "onlyEnabledServerGroups": True}}]}


@pytest.fixture
def flow(tmp_path, simulator, proxy):
    flow = Flow(tmp_path, simulator, proxy).start()
    yield flow
    flow.end()


def save(flow, name, *stages):
    """A strategy whose stages run one after the other; its id."""
    linked = [{"refId": str(i), "requisiteStageRefIds": [str(i - 1)] if i else [], "name": stage["type"], **stage}
              for i, stage in enumerate(stages)]
    api = flow.server.api
    api.call("POST", "/strategies", {"application": "demo", "name": name, "strategy": True, "stages": linked})
    return next(s["id"] for s in api.get("/applications/demo/strategyConfigs") if s["name"] == name)


def run_document(flow, document):
    return flow.server.wait_execution(demo.start_pipeline(flow.server.api, document, {"type": "manual", "user": "test"}))


def test_a_deployment_runs_its_strategy(flow, simulator):
    """A red/black of the user's own making: the new group comes without traffic, gets it, and the old one loses it."""
    first = flow.run(accounts=("staging",))
    assert first["status"] == "SUCCEEDED", failures(first)
    strategy = save(flow, "careful", PRECONDITION, {"type": "deploy", "trafficOptions": "disable"},
                    {"type": "enableServerGroup", "target": "current_asg_dynamic"}, {"type": "disableCluster"})
    document = flow.document(accounts=("staging",))
    document["stages"][0]["clusters"][0].update(strategy="custom", strategyApplication="demo", strategyPipeline=strategy,
                                                pipelineParameters={"color": "red"})
    parent = run_document(flow, document)
    assert parent["status"] == "SUCCEEDED", failures(parent)
    made = next(s for s in parent["stages"] if s["type"] == "createServerGroup")
    assert [t["name"] for t in made["tasks"]][:2] == ["determineSourceServerGroup", "determineHealthProviders"]
    assert "createServerGroup" not in [t["name"] for t in made["tasks"]]
    inner = next(s for s in parent["stages"] if s["type"] == "pipeline")
    child = flow.server.api.get(f"/pipelines/{inner['context']['executionId']}")
    told = {"strategy": True, "credentials": "staging", "cluster": "demo-staging", "region": "us-east-1", "cloudProvider": "aws",
            "application": "demo", "clone": False, "parentPipelineId": parent["id"], "parentStageId": made["id"], "color": "red"}
    assert told.items() <= child["trigger"]["parameters"].items() and child["trigger"]["strategy"] is True
    deployed = next(s for s in child["stages"] if s["type"] == "createServerGroup")["context"]
    assert deployed["strategy"] == "none" and deployed["suspendedProcesses"] == ["AddToLoadBalancer"]
    there = groups(simulator, "staging")
    assert set(there) == {"demo-staging-v000", "demo-staging-v001"}
    assert is_disabled(there["demo-staging-v000"]) and not is_disabled(there["demo-staging-v001"])
    assert targets(simulator, "staging") == instances(there["demo-staging-v001"])


def test_a_pipeline_stage_runs_a_strategy(flow, simulator):
    for _ in range(2):
        execution = flow.run(accounts=("staging",))
        assert execution["status"] == "SUCCEEDED", failures(execution)
    strategy = save(flow, "one is enough", PRECONDITION, {"type": "shrinkCluster"})
    parameters = {"strategy": True, "application": "demo", "cluster": "demo-staging", "credentials": "staging", "region": "us-east-1",
                  "cloudProvider": "aws"}
    document = {**flow.document(accounts=("staging",)), "stages": [
        {"refId": "1", "requisiteStageRefIds": [], "type": "pipeline", "name": "Clean up", "application": "demo", "pipelineId": strategy,
         "pipelineParameters": parameters}]}
    parent = run_document(flow, document)
    assert parent["status"] == "SUCCEEDED", failures(parent)
    assert set(groups(simulator, "staging")) == {"demo-staging-v001"}
