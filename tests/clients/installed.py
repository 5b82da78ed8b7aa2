"""Real clients, built in their pinned versions."""
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def installed(name):
    """The path of a client's program; the test is skipped where it cannot be built."""
    done = subprocess.run([HERE / "install", name], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip(f"{name} cannot be built here: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no reason given'}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
