"""What is over is removed when it is old (engine.md 25)."""
import time

from gennaker import Gennaker
from http_calls import call

CONFIG = "orca: {pollers: {old-pipeline-cleanup: {intervalMs: 1000, thresholdDays: 0, minimumPipelineExecutions: 3}}}"
STAGES = [{"type": "wait", "name": "Wait", "refId": "1", "requisiteStageRefIds": [], "waitTime": 0}]


def metric(server, name):
    lines = call(server.port, "GET", "/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))


def test_old_executions_and_events_go(tmp_path):
    config = tmp_path / "gennaker.yml"
    config.write_text(CONFIG)
    server = Gennaker(tmp_path / "data", config=config).start()
    try:
        server.api.call("POST", "/pipelines", {"application": "shop", "name": "deploy", "stages": STAGES,
                                               "triggers": [{"type": "webhook", "source": "here", "enabled": True}]})
        pipeline = server.api.get("/applications/shop/pipelineConfigs")[0]["id"]
        for _ in range(8):
            call(server.port, "POST", "/webhooks/webhook/here", {})
            time.sleep(0.01)  # what was built in one millisecond is kept or goes together
        end = time.monotonic() + 30
        while time.monotonic() < end:
            left = server.api.get(f"/executions?pipelineConfigIds={pipeline}&limit=50")
            if "retention: removed" in server.said() and metric(server, "gennaker_engine_retention_executions_total") >= 5 and len(left) == 3 and \
                    not server.api.get(f"/triggers/pipelines/{pipeline}")["events"]:
                break
            time.sleep(0.1)
        else:
            raise AssertionError(f"{len(left)} executions are left\n{server.said()[-2000:]}")
        assert metric(server, "gennaker_engine_retention_failed_total") == 0
    finally:
        server.stop()
