"""`gennaker store …`: a store that is copied, verified, damaged, restored, also while a server uses it."""
import os
import subprocess
import threading
import time

import pytest
from gennaker import PROGRAM, Gennaker


@pytest.fixture
def server(tmp_path):
    server = Gennaker(tmp_path / "data").start()
    yield server
    server.kill()


def store(*arguments):
    return subprocess.run([PROGRAM, "store", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def fill(server, count):
    ids = []
    for number in range(count):
        pipeline = {"application": "demo", "name": "p", "id": "p", "spelEvaluator": "v4", "note": "x" * 70000 if number == 0 else "",
                    "stages": [{"refId": "1", "type": "wait", "waitTime": 0}]}
        ids.append(server.api.call("POST", "/pipelines/start", pipeline)["ref"].rsplit("/", 1)[-1])
    for execution_id in ids:
        server.wait_execution(execution_id)
    server.api.call("POST", "/pipelines", {"application": "demo", "name": "p", "id": "pipeline-1", "stages": []})
    return ids


def test_backup_verify_restore(server, tmp_path):
    folder, copy = tmp_path / "data", tmp_path / "copy.db"
    ids = fill(server, 3)
    verified = store("verify", folder)
    assert verified.returncode == 0 and int(verified.stdout.split()[1]) >= 4, (verified.stdout, verified.stderr)
    assert store("backup", folder, copy).returncode == 0
    checked = store("verify", copy)
    assert checked.returncode == 0 and checked.stdout == verified.stdout, checked
    (tmp_path / "broken.db").write_bytes(copy.read_bytes()[:-4096])
    assert store("verify", tmp_path / "broken.db").returncode != 0
    again = store("backup", folder, copy)
    assert again.returncode != 0 and "there is a file already" in again.stderr
    refused = store("restore", copy, folder)
    assert refused.returncode != 0 and ("held" in refused.stderr or "use" in refused.stderr), refused.stderr
    later = fill(server, 1)
    assert server.stop() == 0
    restored = store("restore", copy, folder)
    assert restored.returncode == 0, restored.stderr
    assert len(list((folder / "backups").glob("before-restore-*.db"))) == 1
    server.start()
    assert server.api.get(f"/pipelines/{ids[0]}")["status"] == "SUCCEEDED"
    assert [e["id"] for e in server.api.get("/executions?pipelineConfigIds=p&limit=10")].count(later[0]) == 0
    assert server.stop() == 0


def test_backup_beside_a_server_that_writes_all_the_time(server, tmp_path):
    """The copy keeps its view of the store: it is not begun anew with each commit of the server."""
    noise = os.urandom(700000).hex()  # cannot be compressed much
    for number in range(15):
        server.api.call("POST", "/pipelines", {"application": "demo", "name": f"large {number}", "note": noise, "stages": []})
    over = threading.Event()

    def write():
        while not over.is_set():
            server.api.call("POST", "/pipelines/start", {"application": "demo", "name": "p", "stages": [{"type": "wait", "waitTime": 0}]})

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    try:
        began = time.monotonic()
        made = store("backup", tmp_path / "data", tmp_path / "copy.db")
        took = time.monotonic() - began
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "copy.db").stat().st_size > 8e6 and took < 15
    restored = store("restore", tmp_path / "copy.db", tmp_path / "other")
    assert restored.returncode == 0, restored.stderr


def test_damage_is_named_and_not_restored(server, tmp_path):
    folder, copy = tmp_path / "data", tmp_path / "copy.db"
    fill(server, 2)
    server.stop()
    assert store("backup", folder, copy).returncode == 0
    broken = tmp_path / "broken.db"
    broken.write_bytes(copy.read_bytes()[:5000] + b"\xff" * 20000)
    refused = store("restore", broken, folder)
    assert refused.returncode != 0 and "damaged" in refused.stderr, refused.stderr
    assert store("verify", folder).returncode == 0
    assert store("verify", tmp_path / "nothing").returncode != 0


def test_migrate_says_so(tmp_path):
    made = store("migrate", tmp_path / "data")
    assert made.returncode == 0, made.stderr
    assert store("verify", tmp_path / "data").returncode == 0
