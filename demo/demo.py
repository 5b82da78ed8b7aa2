#!/usr/bin/env python3
"""./run demo: a Debian package is baked into a machine image and rolled through staging and production, on this machine, with real
parts around an AWS simulator. Run again, it deploys the next version over the one that runs. `./run demo --end` ends everything."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import environment as env

FOLDER = pathlib.Path(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")) / "gennaker-demo"
PROGRAM = env.ROOT / "build" / "gennaker"
DONE = ("SUCCEEDED", "TERMINAL", "CANCELED", "STOPPED", "FAILED_CONTINUE", "SKIPPED")
MARKS = {"SUCCEEDED": "✔", "TERMINAL": "✘", "CANCELED": "✘", "STOPPED": "✘", "RUNNING": "▶", "SKIPPED": "–"}


def say(text):
    print(text, flush=True)


def seconds(ms):
    return f"{ms / 1000:.1f} s"


class Notes:
    """What the demonstration remembers between runs."""

    def __init__(self):
        self.file = FOLDER / "demo.json"
        self.content = json.loads(self.file.read_text()) if self.file.exists() else {"version": 0}

    def save(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.content) + "\n")

    def server(self):
        """The pid of the server of an earlier run, if it is still that process."""
        pid, born = self.content.get("pid"), self.content.get("born")
        return pid if pid and born_at(pid) == born else None


def born_at(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def start_server(notes, port):
    if notes.server():
        return env.Api(f"http://127.0.0.1:{notes.content['port']}")
    port = port or env.free_port()
    log = open(FOLDER / "server.log", "ab")
    process = subprocess.Popen(
        [PROGRAM, "server", "--listen", f"127.0.0.1:{port}", "--data", FOLDER / "data", "--config", FOLDER / "config"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env={**os.environ, **env.CREDENTIALS},
    )
    api = env.Api(f"http://127.0.0.1:{port}")
    try:
        api.wait_ready(process)
    except env.Failure as failure:
        raise env.Failure(f"{failure}; its last words: {(FOLDER / 'server.log').read_text()[-2000:]}") from None
    notes.content.update(pid=process.pid, born=born_at(process.pid), port=port)
    notes.save()
    return api


def stop_everything(notes, surroundings):
    pid = notes.server()
    if pid:
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            if born_at(pid) != notes.content["born"]:
                break
            time.sleep(0.1)
    surroundings.end()
    shutil.rmtree(FOLDER, ignore_errors=True)
    say("Everything the demonstration started has ended, and its data is gone.")


def describe(stage):
    context = stage.get("context", {})
    if stage["type"] == "bake" and context.get("imageName"):
        return f"{context['imageName']} ({context.get('imageId') or context.get('ami')})"
    groups = context.get("deploy.server.groups")
    if groups and stage["type"] == "createServerGroup":
        return ", ".join(name for names in groups.values() for name in names)
    return ""


def report_progress(execution, seen):
    for stage in execution["stages"]:
        status = stage["status"]
        if seen.get(stage["id"]) == status or status == "NOT_STARTED":
            continue
        seen[stage["id"]] = status
        depth = 0
        parent = stage
        while parent.get("parentStageId"):
            parent = next(s for s in execution["stages"] if s["id"] == parent["parentStageId"])
            depth += 1
        took = seconds(stage["endTime"] - stage["startTime"]) if stage.get("endTime") and stage.get("startTime") else ""
        say(f"  {'   ' * depth}{MARKS.get(status, '·')} {stage['name']:<{44 - 3 * depth}} {status:<10} {took:>8}  {describe(stage)}")


def follow(api, execution_id):
    """Prints each stage as it changes, judges when asked to; the finished execution."""
    seen, judged = {}, False
    while True:
        execution = api.get(f"/pipelines/{execution_id}")
        report_progress(execution, seen)
        if execution["status"] in DONE:
            return execution
        for stage in execution["stages"]:
            if stage["type"] == "manualJudgment" and stage["status"] == "RUNNING" and not judged:
                say("      the judgement is given through the API: continue")
                api.call("PATCH", f"/pipelines/{execution_id}/stages/{stage['id']}", {"judgmentStatus": "continue"})
                judged = True
        time.sleep(0.25)


def failures(execution):
    for stage in execution["stages"]:
        details = stage.get("context", {}).get("exception", {}).get("details", {})
        for error in details.get("errors", []):
            yield f"{stage['name']}: {error}"


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if number == 0:
            say("  " + "  ".join("─" * width for width in widths))


def report_end(api, execution, what):
    rows = [("ACCOUNT", "SERVER GROUP", "STATE", "INSTANCES", "IMAGE", "VERSION")]
    for account in ("staging", "production"):
        groups = api.get(f"/applications/demo/clusters/{account}/demo-{account}/aws") or {}
        groups = groups[0] if isinstance(groups, list) else groups
        for group in sorted(groups.get("serverGroups", []), key=lambda g: g["name"]):
            image = group.get("image") or {}
            info = group.get("buildInfo") or {}
            rows.append(
                (
                    account,
                    group["name"],
                    "disabled" if group.get("disabled") else "enabled",
                    str(len(group.get("instances", []))),
                    image.get("imageId") or (group.get("launchConfig") or {}).get("imageId") or "",
                    info.get("version") or "",
                )
            )
    say("")
    table(rows)
    say("")
    rows = [("STAGE", "DURATION")]
    for stage in execution["stages"]:
        if not stage.get("parentStageId"):
            rows.append((stage["name"], seconds(stage["endTime"] - stage["startTime"])))
    rows.append(("all", seconds(execution["endTime"] - execution["startTime"])))
    table(rows)
    say("")
    say(f"Now {what} runs in staging and production. Gennaker goes on at {api.base}; look around:")
    say(f"  build/gennaker --server {api.base} execution get {execution['id']}")
    say(f"  build/gennaker --server {api.base} cluster list demo")
    say("Next: ./run demo          deploys the next one over it")
    say("      ./run demo --end    ends and removes everything")


def demonstrate(notes, surroundings, port):
    FOLDER.mkdir(parents=True, exist_ok=True)
    number = notes.content["version"] + 1
    version = f"{number}.0.0-h{number}.0123abc"
    bakes = shutil.which("packer") is not None
    say("1. An AWS simulator with two accounts" + (", an apt repository, an instance to bake on (the first time takes minutes)" if bakes else ""))
    seeded = surroundings.start_cloud()
    file_name = f"{env.PACKAGE}_{version}_amd64.deb"
    if bakes:
        surroundings.start_instance()
        file_name = surroundings.publish(version)
        say(f"   package {file_name} is built and published")
    else:
        say("   this system has no packer: the demonstration starts from a ready image")
    variables = env.write_configuration(FOLDER / "config", surroundings.endpoint, surroundings.repository, surroundings.ssh)
    say("2. Gennaker")
    api = start_server(notes, port)
    say(f"   listens on {api.base}, log in {FOLDER / 'server.log'}")
    env.wait_for_inventory(api)
    env.save_application(api)
    say("3. The pipeline: bake → staging → judgement → production, red/black")
    image = sorted(seeded["images"])[(number - 1) % len(seeded["images"])]
    document = env.pipeline(variables, bake=bakes, image=image)
    execution = follow(api, env.start_pipeline(api, document, env.build_trigger(file_name, number)))
    if execution["status"] != "SUCCEEDED":
        raise env.Failure(f"the pipeline ended {execution['status']}:\n  " + "\n  ".join(failures(execution)))
    notes.content["version"] = number
    notes.save()
    report_end(api, execution, f"version {version}" if bakes else f"image {image}")


def main():
    arguments = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    arguments.add_argument("--end", action="store_true", help="end and remove everything the demonstration started")
    arguments.add_argument("--port", type=int, default=0, help="where Gennaker listens (default: any free port)")
    options = arguments.parse_args()
    notes, surroundings = Notes(), env.Surroundings()
    try:
        if options.end:
            stop_everything(notes, surroundings)
        else:
            demonstrate(notes, surroundings, options.port)
    except env.Failure as failure:
        sys.exit(f"demo: {failure}")


if __name__ == "__main__":
    main()
