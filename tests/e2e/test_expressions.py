"""Expressions against a server (expressions.md 12 to 14): what they come to, why, and that hostile ones cost little."""
import json
import os
import subprocess
import time

import pytest
from gennaker import PROGRAM
from test_api import Client, wait_stage


@pytest.fixture
def api(server):
    api = Client(server)
    api.create_application()
    return api


@pytest.fixture
def execution(api):
    api.save("shown", stages=[wait_stage(0, nodes=[{"cpu": 1}, {"cpu": 4}], limit=2), wait_stage(0, "2", ["1"])])
    return api.run("shown", {"type": "manual", "parameters": {"n": "3"}})


def evaluate(api, execution, expression, stage=0, **query):
    path = f"/pipelines/{execution['id']}/{execution['stages'][stage]['id']}/evaluateExpression"
    return api.ok("POST", path + "?" + "&".join(f"{k}={v}" for k, v in query.items()), {"expression": expression})


def test_a_trace_says_what_each_part_came_to(api, execution):
    answer = evaluate(api, execution, "${nodes.?[cpu > #root.limit].size() + 1}", trace="true")
    assert answer["result"] == 2 and answer["detail"] == {}
    steps = {(t["expression"], t.get("element")): t for t in answer["trace"]}
    assert steps["nodes", None]["value"] == '[{"cpu":1},{"cpu":4}]'
    assert steps["cpu > #root.limit", '{"cpu":1}']["value"] == "false"
    assert steps["cpu > #root.limit", '{"cpu":4}']["value"] == "true"
    assert steps["nodes.?[cpu > #root.limit]", None]["value"] == '[{"cpu":4}]'
    assert answer["trace"][-1]["expression"] == "nodes.?[cpu > #root.limit].size() + 1" and answer["trace"][-1]["type"] == "java.lang.Integer"
    assert "trace" not in evaluate(api, execution, "1 + 1")
    failed = evaluate(api, execution, "${1 + missing.name.length()}", trace="true")
    reasons = [t for t in failed["trace"] if "reason" in t]
    assert [t["expression"] for t in reasons] == ["missing.name"] and "EL1007E" in reasons[0]["reason"]
    assert failed["detail"]["1 + missing.name.length()"][0]["level"] == "ERROR"


def test_the_command_line_shows_result_and_trace(api, execution):
    def run(*arguments, code=0):
        done = subprocess.run([PROGRAM, "expression", "--execution", execution["id"], *arguments], capture_output=True, text=True,
                              env={**os.environ, "GENNAKER_SERVER": api.server.url})
        assert done.returncode == code, done
        return done.stdout if code == 0 else done.stderr

    assert run("trigger.parameters.n") == "3\n"
    assert run("--stage", "1", "limit * 2") == "4\n"
    table = run("--stage", "Wait 1", "--trace", "${nodes[1].cpu + limit}")
    assert "nodes[1].cpu" in table and "java.lang.Integer" in table and table.endswith("6\n")
    assert json.loads(run("--output", "json", "--trace", "1 + 1"))["result"] == 2
    assert "EL1007E" in run("nothing.here", code=2)
    assert "nope not found" in run("nope", code=2) and "'nope' could not be found" in run("#nope(1)", code=2)
    assert 'no stage "9"; it has 1 (Wait 1), 2 (Wait 2)' in run("--stage", "9", "1", code=5)


def test_variables_as_of_a_stage_behind_others(api, execution):
    """expressions.md 14: evaluated as an Evaluate Variables stage after those refs; the execution of the query counts."""
    api.save("sets", stages=[{"refId": "1", "requisiteStageRefIds": [], "type": "evaluateVariables", "name": "Set",
                              "variables": [{"key": "color", "value": "${'bl' + 'ue'}"}, {"key": "n", "value": 4},
                                            {"key": "broken", "value": "${nothing.here}"}]}], spelEvaluator="v4")
    sets = api.run("sets")
    assert sets["stages"][0]["outputs"] == {"color": "blue", "n": 4, "broken": "${nothing.here}"}
    assert sets["stages"][0]["context"]["variables"][0]["sourceValue"] == "{'bl' + 'ue'}"
    body = [{"key": "a", "value": "${color}"}, {"key": "b", "value": "${a + '!'}"}, {"key": "c", "value": "${x.y}"},
            {"key": "d", "value": "${c}"}, {"key": "e", "value": 7}, {"key": "f", "value": "${e}"}]
    path = f"/pipelines/{execution['id']}/evaluateVariables?executionId={sets['id']}"
    answer = api.ok("POST", f"{path}&requisiteStageRefIds=1;%202&spelVersion=v4", body)
    values = {v["key"]: v["value"] for v in answer["result"]}
    assert values == {"a": "blue", "b": "blue!", "c": "${x.y}", "d": "${c}", "e": 7, "f": "${e}"}
    assert answer["result"][1]["sourceValue"] == "{a + '!'}" and "sourceValue" not in answer["result"][4]
    assert sorted(answer["detail"]) == ["c", "e", "x.y"]
    assert {v["value"] for v in api.ok("POST", path, [body[0]])["result"]} == {"${color}"}
    assert api.error("POST", f"/pipelines/{execution['id']}/evaluateVariables?executionId=none", body, status=404)


@pytest.mark.parametrize("expression", [
    "'a' * 256 matches '(a+)+b'",
    "('a' * 200 + '!').replaceAll('(a|aa)+$', 'x')",
    "'(' * 200",
    "{1,2,3,4,5,6,7,8,9,10}.![#root.execution.stages.![{1,2,3,4,5,6,7,8,9,10}.![{1,2,3,4,5,6,7,8,9,10}.![{1,2,3,4,5,6,7,8,9,10}"
    ".![{1,2,3,4,5,6,7,8,9,10}.![{1,2,3,4,5,6,7,8,9,10}.![#root.execution]]]]]]",
    "(" * 200 + "1" + ")" * 200,
    "{" * 100 + "1" + "}" * 100 + ".toString()",
    "T(java.lang.Runtime).getRuntime().exec('id')",
    "new java.io.File('/etc/passwd')",
    "''.getClass().forName('java.lang.System')",
    "@environment",
])
def test_hostile_expressions_are_bounded(api, execution, expression):
    begin = time.monotonic()
    for trace in ("false", "true"):
        answer = evaluate(api, execution, "${" + expression + "}", trace=trace)
        assert answer["detail"] or answer["result"] is not None
        assert len(json.dumps(answer.get("trace", []))) < 1_000_000
    assert time.monotonic() - begin < 10


def test_a_large_context_costs_only_what_is_looked_at(api):
    api.save("large", stages=[wait_stage(0, blob=[{"k": "v" * 1000, "i": i} for i in range(1000)] * 9)])
    execution = api.run("large")
    begin = time.monotonic()
    answer = evaluate(api, execution, "${blob[8999].i + blob.size()}", trace="true")
    assert answer["result"] == 9999 and all(len(t["value"]) < 300 for t in answer["trace"])
    assert time.monotonic() - begin < 5


def test_saved_things_are_looked_up(api, execution):
    """expressions.md 12: #pipelineId and its like, #applicationMetadata, #fetchReference."""
    application = execution["application"]
    saved = {p["name"]: p["id"] for p in api.ok("GET", f"/applications/{application}/pipelineConfigs")}
    name, identifier = next(iter(saved.items()))

    def result(expression):
        return evaluate(api, execution, "${" + expression + "}")["result"]

    assert result(f"#pipelineId('{name}')") == identifier
    assert result(f"#pipelineIdOrNull('{name}')") == identifier
    assert result(f"#pipelineIdInApplication('{name}', '{application}')") == identifier
    assert result("#pipelineIdOrNull('none') == null") is True
    assert result("#pipelineIdInApplication('none', 'none') == null") is True
    for failing in ("#pipelineId('none')", "#pipelineId(' ')", f"#pipelineIdInApplication('{name}', '')", "#applicationMetadata('none')",
                    "#fetchReference('ref://a/b')"):
        answer = evaluate(api, execution, "${" + failing + "}")
        assert answer["detail"], failing
    assert result("#fetchReference('plain')") == "plain"
