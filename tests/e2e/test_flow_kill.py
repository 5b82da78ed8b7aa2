"""kill -9 of the server around every outward write of two deployments, and at seeded random times: nothing lost, nothing twice."""
import os
import random
import threading
import time

import pytest
from faultproxy import kill
from flow import ACCOUNTS, Flow, calls, check_deployed
from gennaker import failures

LONG = bool(os.environ.get("GENNAKER_TEST_LONG"))
SEED = int(os.environ.get("GENNAKER_TEST_SEED") or 20240601)
RANDOM_KILLS = 10 if LONG else 1
PARTS = 1 if LONG else 13  # a short run takes every 13th of the write positions


class Keeper(threading.Thread):
    """Starts the server again whenever it is gone, as an init system does."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.ending, self.restarts = server, threading.Event(), 0

    def run(self):
        while not self.ending.wait(0.05):
            if self.server.process.poll() is not None:
                self.restarts += 1
                self.server.start(wait=False)

    def end(self):
        self.ending.set()
        self.join()


def deploy_twice(flow, simulator, proxy):
    for number in (1, 2):
        execution = None
        while execution is None:
            try:
                execution = flow.run(seconds=180)
            except OSError:  # the kill met the start request: ask again only if it was not stored
                time.sleep(0.3)
        assert execution["status"] == "SUCCEEDED", (failures(execution), flow.server.said()[-4000:])
        for account in ACCOUNTS:
            check_deployed(simulator, account, number, flow.seeded)
    assert len(calls(proxy, "CreateAutoScalingGroup")) == 4
    assert len({c.params["LaunchTemplateName"] for c in calls(proxy, "CreateLaunchTemplate")}) == 4


def with_keeper(tmp_path, simulator, proxy, disturb):
    flow = Flow(tmp_path, simulator, proxy).start()
    keeper = Keeper(flow.server)
    keeper.start()
    try:
        disturb(flow)
        deploy_twice(flow, simulator, proxy)
    finally:
        keeper.end()
        flow.end()
    return keeper.restarts


def count_writes(tmp_path, simulator, proxy):
    with_keeper(tmp_path, simulator, proxy, lambda flow: proxy.forget_calls())
    return max(call.write_number for call in proxy.calls())


@pytest.mark.timeout(1800 if LONG else 300)
def test_kill_around_writes(tmp_path, simulator, proxy):
    writes = count_writes(tmp_path / "clean", simulator, proxy)
    assert writes >= 14
    cases = [(number, when) for number in range(1, writes + 1) for when in ("before", "after")]
    for number, when in cases[SEED % PARTS::PARTS]:
        print(f"kill -9 {when} write {number} of {writes}", flush=True)

        def disturb(flow, number=number, when=when):
            proxy.forget_calls()
            proxy.add(kill(lambda: flow.server.process.pid, when, write_number=number))

        restarts = with_keeper(tmp_path / f"{number}-{when}", simulator, proxy, disturb)
        assert restarts == 1


@pytest.mark.parametrize("index", range(RANDOM_KILLS))
def test_kill_at_random(tmp_path, simulator, proxy, index):
    chance = random.Random(SEED + index)
    print(f"seed {SEED + index}", flush=True)

    def disturb(flow):
        def strike():
            time.sleep(chance.uniform(0.2, 8))
            flow.server.process.kill()
        threading.Thread(target=strike, daemon=True).start()

    with_keeper(tmp_path, simulator, proxy, disturb)
