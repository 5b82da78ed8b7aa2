"""Pipelines inside pipelines whose contexts are large (engine.md 17): what they share is in memory once."""
import pathlib
import time

from test_nested import APP, House, JUDGE, runs

MB = 1024 * 1024
LEVELS = 25
PEAK_BYTES_MAX = 400 * MB


def memory(server, key):
    """VmHWM: the most it ever was; VmRSS: what it is. In bytes."""
    lines = pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":"))


def test_large_contexts_are_kept_once(server):
    house = House(server)
    below = house.save("level-0", JUDGE)
    for level in range(1, LEVELS):
        large = {"type": "evaluateVariables", "variables": [], "notes": [f"{level} {at:06d} " + "x" * 88 for at in range(MB // 100)]}
        below = house.save(f"level-{level}", large, runs(below))
    began = time.monotonic()
    execution = top = house.start(f"level-{LEVELS - 1}")
    for _ in range(LEVELS - 1):
        execution = house.child(execution, 1)
    print(f"started after {time.monotonic() - began:.1f} s, peak {memory(server, 'VmHWM') // MB} MB, now {memory(server, 'VmRSS') // MB} MB")
    began = time.monotonic()
    house.call("GET", f"/applications/{APP}/pipelines?limit=100&expand=false")
    print(f"listed after {time.monotonic() - began:.2f} s")
    house.judge(execution)
    house.end(top, "SUCCEEDED", 60)
    print(f"ended; peak {memory(server, 'VmHWM') // MB} MB, now {memory(server, 'VmRSS') // MB} MB")
    assert memory(server, "VmHWM") < PEAK_BYTES_MAX
