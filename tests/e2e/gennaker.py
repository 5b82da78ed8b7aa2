"""A Gennaker server of a test: its own port, data folder and configuration; started, stopped, killed, started again."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "demo"))
import environment as demo  # noqa: E402  the demonstration's surroundings and client

PROGRAM = pathlib.Path(os.environ.get("GENNAKER_PROGRAM") or ROOT / "build" / "gennaker")


class Gennaker:
    def __init__(self, folder, config=None, environment=None, options=()):
        self.folder, self.config, self.options = pathlib.Path(folder), config, options
        self.environment = {**os.environ, **demo.CREDENTIALS, **(environment or {})}
        self.port = demo.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = demo.Api(self.url)
        self.process = None
        self.log = self.folder.parent / f"{self.folder.name}.log"

    def start(self, wait=True):
        command = [PROGRAM, "server", "--listen", f"127.0.0.1:{self.port}", "--data", self.folder, *self.options]
        if self.config:
            command += ["--config", self.config]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        if wait:
            self.api.wait_ready(self.process)
        return self

    def said(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        """kill -9; what it was doing stays where it was."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def stop(self, seconds=30):
        """Ends it as a user would; its exit code."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            return self.process.wait(seconds)
        return self.process.returncode if self.process else None

    def wait_execution(self, execution_id, seconds=120, statuses=("SUCCEEDED", "TERMINAL", "CANCELED"), judge=True):
        """Until the execution has one of the statuses; gives judgements on the way. A server that is down is waited for."""
        end = time.monotonic() + seconds
        execution = None
        while time.monotonic() < end:
            try:
                execution = self.api.get(f"/pipelines/{execution_id}")
            except OSError:
                time.sleep(0.05)
                continue
            if execution["status"] in statuses:
                return execution
            for stage in execution["stages"] if judge else ():
                if stage["type"] == "manualJudgment" and stage["status"] == "RUNNING" and "judgmentStatus" not in stage["context"]:
                    try:
                        self.api.call("PATCH", f"/pipelines/{execution_id}/stages/{stage['id']}", {"judgmentStatus": "continue"})
                    except OSError:
                        pass
            time.sleep(0.1)
        raise AssertionError(f"execution {execution_id} not done within {seconds} s: {json.dumps(execution)[:3000]}\n{self.said()[-3000:]}")


def failures(execution):
    """What the stages of an execution say went wrong."""
    return [f"{stage['name']}: {error}" for stage in execution["stages"]
            for error in stage.get("context", {}).get("exception", {}).get("details", {}).get("errors", [])]
