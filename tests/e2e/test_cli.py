"""The command line as people and scripts use it: the real binary against a real server."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time

import pytest
from gennaker import PROGRAM, Gennaker, demo

PIPELINE = {
    "application": "clitest",
    "name": "Ask me",
    "parameterConfig": [{"name": "version", "required": True}],
    "stages": [
        {"refId": "1", "type": "wait", "name": "Rest", "waitTime": 1, "requisiteStageRefIds": []},
        {"refId": "2", "type": "manualJudgment", "name": "Ask", "requisiteStageRefIds": ["1"]},
        {"refId": "3", "type": "wait", "name": "Rest again", "waitTime": 1, "requisiteStageRefIds": ["2"]},
    ],
}
ULID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")


def run(*arguments, code=0, stdin=None, **environment):
    """Runs the program; what it printed. Fails on another exit code."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if code == 0 else done.stderr or done.stdout


def commands():
    """All commands, from the program's own help."""
    listed = re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?= |$)", run("--help").split("\nOf every command")[0], re.M)
    return [name for name in listed if name != "gennaker"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Gennaker(tmp_path_factory.mktemp("cli") / "data").start()
    yield server
    server.stop()


@pytest.fixture
def cli(server):
    return lambda *arguments, **keywords: run(*arguments, GENNAKER_SERVER=server.url, **keywords)


@pytest.fixture
def pipeline(cli, tmp_path):
    cli("application", "save", "clitest", "--email", "cli@example.com")
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps(PIPELINE))
    cli("pipeline", "save", file)
    return PIPELINE["name"]


def execute(cli, pipeline, *options):
    return json.loads(cli("pipeline", "execute", "clitest", pipeline, "-p", "version=1", "-o", "json", *options))["id"]


def wait_status(cli, execution, stage, status):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = {s["name"]: s["status"] for s in json.loads(cli("execution", "get", execution, "-o", "json"))["stages"]}
        if found.get(stage) == status:
            return
        time.sleep(0.1)
    raise AssertionError(f"{stage} is {found}")


# ---- help, mistakes, completion ----
@pytest.mark.parametrize("command", commands())
def test_every_command_explains_itself_with_an_example(command):
    text = run(*command.split(), "--help")
    assert f"Usage: gennaker {command}" in text
    assert f"Example:\n  " in text and f"gennaker {command}" in text.split("Example:")[1]


def test_reference_page_is_up_to_date():
    assert (PROGRAM.parents[1] / "docs" / "cli.md").read_text() == run("reference")


def test_help_of_groups_and_of_nothing():
    assert "pipeline execute" in run("pipeline")
    assert "execution watch" in run("help", "execution")
    assert "a command is missing" in run(code=2)
    assert "gennaker 0." in run("--version")


@pytest.mark.parametrize("arguments, says", [
    (["piepline", "list"], "did you mean pipeline?"),
    (["pipeline", "lsit", "x"], "did you mean pipeline list?"),
    (["frobnicate"], "no command frobnicate"),
    (["pipeline", "get", "x"], "NAME is missing"),
    (["pipeline", "list", "x", "y"], "unexpected argument y"),
    (["pipeline", "list", "x", "--frob"], "no option --frob"),
    (["pipeline", "list", "x", "--output", "xml"], "expected one of table|json|yaml"),
    (["pipeline", "list", "x", "--output"], "--output needs a value"),
    (["pipeline", "execute", "x", "y", "--parameter", "z"], "expected NAME=VALUE"),
    (["execution", "judge", "x", "perhaps"], "expected continue|stop"),
    (["execution", "list", "x", "--limit", "many"], "expected a whole number"),
    (["completion", "tcsh"], "expected bash|zsh|fish"),
    (["user", "add"], "NAME is missing"),
])
def test_mistakes_are_named(arguments, says):
    assert says in run(*arguments, code=2)


def test_no_server_is_said(tmp_path):
    text = run("application", "list", "--server", f"http://127.0.0.1:{demo.free_port()}", code=8)
    assert text.startswith("gennaker application list: no server at http://127.0.0.1:")


def complete(*words):
    """What bash offers for the last of the words."""
    script = f"""source <("{PROGRAM}" completion bash)
        COMP_WORDS=(gennaker {' '.join(repr(w) for w in words)}); COMP_CWORD={len(words)}; _gennaker; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return set(subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split())


def test_bash_completes():
    assert complete("pipel") == {"pipeline", "pipeline-template"}
    assert complete("pipeline", "") >= {"list", "save", "execute"}
    assert complete("pipeline", "execute", "--w") == {"--watch"}
    assert complete("pipeline", "list", "--output", "") == {"table", "json", "yaml"}
    assert complete("execution", "judge", "x", "con") == {"continue"}
    assert complete("server", "--l") == {"--listen", "--log", "--log-level"}
    assert "bash" in complete("completion", "")


@pytest.mark.parametrize("words, offered", [
    (["--server", "http", ":", "//127.0.0.1", ":", "8084", "exec"], ["execution"]),
    (["--server", "=", "http", ":", "//127.0.0.1", ":", "8084", "execution", "ju"], ["judge"]),
    (["-o", "json", "pipeline", "list", "--ser"], ["--server"]),
    (["--output", ""], ["table", "json", "yaml"]),
    (["--server", ""], []),
    (["--tok"], ["--token"]),
])
def test_bash_completes_behind_options(words, offered):
    """bash parts a URL at its colons."""
    assert complete(*words) == set(offered)


def test_other_shells_get_a_script():
    assert "bashcompinit" in run("completion", "zsh")
    assert "complete -c gennaker" in run("completion", "fish")


# ---- applications and pipelines ----
def test_applications(cli):
    assert "saved application one" in cli("application", "save", "one", "--email", "a@example.com")
    cli("application", "save", "one", "--description", "The first")
    one = json.loads(cli("application", "get", "one", "-o", "json"))["attributes"]
    assert (one["email"], one["description"]) == ("a@example.com", "The first")
    assert re.search(r"^one +a@example.com", cli("application", "list"), re.M)
    assert "deleted application one" in cli("application", "delete", "one")
    assert "one" in cli("application", "delete", "one", code=5)


def test_an_application_from_a_file(cli):
    cli("application", "save", "--file", "-", stdin="name: two\nemail: b@example.com\ninstancePort: 80\n")
    assert json.loads(cli("application", "get", "two", "-o", "json"))["attributes"]["instancePort"] == 80


def test_pipelines_as_json_and_yaml(cli, pipeline, tmp_path):
    as_yaml = cli("pipeline", "get", "clitest", pipeline, "--output", "yaml")
    assert "name: Ask me" in as_yaml
    file = tmp_path / "again.yml"
    file.write_text(as_yaml.replace("waitTime: 1", "waitTime: 2"))
    cli("pipeline", "save", file)
    listed = json.loads(cli("pipeline", "list", "-a", "clitest", "-o", "json"))
    assert len(listed) == 1 and listed[0]["stages"][0]["waitTime"] == 2
    assert "Rest again" in cli("pipeline", "get", "clitest", pipeline)
    assert "deleted" in cli("pipeline", "delete", "clitest", pipeline)
    assert pipeline in cli("pipeline", "delete", "clitest", pipeline, code=5)


def test_a_wrong_pipeline_is_refused_and_nothing_changes(cli, pipeline):
    wrong = {**PIPELINE, "stages": [{"refId": "1", "type": "nonsense"}]}
    assert "nonsense" in cli("pipeline", "save", "-", stdin=json.dumps(wrong), code=2)
    assert "standard input:1: a pipeline needs application and name" in cli("pipeline", "save", "-", stdin="{}", code=2)
    assert "line" in cli("pipeline", "save", "-", stdin='{"a": ', code=2)
    assert len(json.loads(cli("pipeline", "get", "clitest", pipeline, "-o", "json"))["stages"]) == 3


def test_a_list_of_pipelines_is_saved_as_far_as_it_can_be(cli, pipeline, tmp_path):
    good = [{"application": "clitest", "name": name, "stages": []} for name in ("first", "last")]
    said = cli("pipeline", "save", "-", stdin=json.dumps([good[0], {"name": "x"}, good[1], {**PIPELINE, "stages": [{"refId": "1", "type": "no"}]}]), code=2)
    assert "a pipeline needs application and name" in said and "no stage type" in said and "2 of 4 pipelines could not be saved" in said
    assert {p["name"] for p in json.loads(cli("pipeline", "list", "clitest", "-o", "json"))} == {pipeline, "first", "last"}
    assert "1 of 2 pipelines could not be saved" in cli("pipeline", "save", tmp_path / "none.json", "-", stdin=json.dumps(good[0]), code=5)


# ---- executions ----
def test_a_dry_run(cli, pipeline):
    """engine.md 23."""
    execution = execute(cli, pipeline, "--dry-run")
    view = json.loads(cli("execution", "get", execution, "-o", "json"))
    assert view["trigger"]["dryRun"] is True and view["trigger"]["parameters"]["version"] == "1"


def test_bad_input_has_its_exit_code(cli, pipeline, tmp_path):
    assert "email" in cli("application", "save", "he llo", code=2)
    assert "dots only" in cli("application", "save", "..", "--email", "a@b.c", code=2)
    assert "Is a directory" in cli("pipeline", "save", tmp_path, code=2)
    assert "--server ftp://x: expected http" in cli("application", "list", "--server", "ftp://x", code=2)
    assert "too short: at least 8" in run("user", "add", "joe", "--password-stdin", "--data", tmp_path, stdin="short\n", code=2)


def test_a_choice_of_a_judgement_is_one_of_its_choices(cli, pipeline, tmp_path):
    """stages.md 2.3"""
    choices = [{"value": "blue"}, {"value": "green"}]
    document = {"application": "clitest", "name": "Choose", "stages": [{"type": "manualJudgment", "name": "Which", "judgmentInputs": choices}]}
    (tmp_path / "choose.json").write_text(json.dumps(document))
    cli("pipeline", "save", tmp_path / "choose.json")
    execution = ULID.search(cli("pipeline", "execute", "clitest", "Choose"))[0]
    assert "expected one of blue, green" in cli("execution", "judge", execution, "continue", "--input", "zz", code=2)
    cli("execution", "judge", execution, "continue", "--input", "green")
    assert "SUCCEEDED" in cli("execution", "watch", execution)


def test_execute_needs_its_parameters(cli, pipeline):
    assert "Required parameter version is missing" in cli("pipeline", "execute", "clitest", pipeline, code=2)
    assert ULID.search(cli("pipeline", "execute", "clitest", pipeline, "--parameter", "version=2"))


def test_watch_in_a_pipe_says_each_change_once(cli, server, pipeline):
    execution = execute(cli, pipeline)
    judge = threading.Thread(target=lambda: (wait_status(cli, execution, "Ask", "RUNNING"),
                                             cli("execution", "judge", execution, "continue")))
    judge.start()
    lines = cli("execution", "watch", execution).splitlines()
    judge.join()
    told = [re.sub(r"^[-0-9]+ [:0-9]+  ", "", line) for line in lines]
    assert sum(line.startswith("Rest  SUCCEEDED") for line in told) == 1
    assert sum(line.startswith("Ask  RUNNING") for line in told) == 1
    assert told.index(next(t for t in told if t.startswith("Ask  RUNNING"))) < \
        told.index(next(t for t in told if t.startswith("Rest again  SUCCEEDED")))
    assert lines[-1].startswith(f"{execution} SUCCEEDED after ")
    assert re.search(rf"^{execution} .*SUCCEEDED", cli("execution", "list", "clitest"), re.M)
    assert "Ask" in cli("execution", "get", execution)


def test_a_watch_for_programs_prints_the_end(cli, pipeline):
    execution = execute(cli, pipeline)
    wait_status(cli, execution, "Ask", "RUNNING")
    cli("execution", "judge", execution, "continue", "--input", "yes", "-o", "json")
    assert json.loads(cli("execution", "watch", execution, "--output", "json"))["status"] == "SUCCEEDED"


def test_exit_codes_of_a_watch(cli, pipeline):
    execution = execute(cli, pipeline)
    wait_status(cli, execution, "Ask", "RUNNING")
    cli("execution", "judge", execution, "stop")
    cli("execution", "watch", execution, code=20)
    assert "waits for a judgement" in cli("execution", "judge", execution, "stop", code=6)
    execution = execute(cli, pipeline)
    wait_status(cli, execution, "Ask", "RUNNING")
    assert "paused" in cli("execution", "pause", execution)
    assert "resumed" in cli("execution", "resume", execution)
    assert "cancelled" in cli("execution", "cancel", execution, "--reason", "not today")
    cli("execution", "watch", execution, code=21)
    assert "not today" in cli("execution", "get", execution)
    assert "changed nothing" in cli("execution", "pause", execution, code=6)
    assert "is CANCELED" in cli("execution", "cancel", execution, "--reason", "too late", code=6)
    assert "not today" in cli("execution", "get", execution)
    cli("execution", "watch", "01M00000000000000000000000", code=5)


def test_restart_of_the_stage_that_failed(cli, pipeline):
    execution = execute(cli, pipeline)
    wait_status(cli, execution, "Ask", "RUNNING")
    cli("execution", "judge", execution, "stop")
    cli("execution", "watch", execution, code=20)
    assert "restarted Ask" in cli("execution", "restart", execution)
    wait_status(cli, execution, "Ask", "RUNNING")
    cli("execution", "judge", execution, "continue", "--stage", "Ask")
    cli("execution", "watch", execution)


def read_terminal(descriptor, seconds):
    """Everything that a terminal was sent until its program ended."""
    text, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([descriptor], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(descriptor, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    return text.decode()


def test_watch_in_a_terminal_draws_over_itself(cli, server, pipeline):
    execution = execute(cli, pipeline)
    ours, theirs = pty.openpty()
    watch = subprocess.Popen([PROGRAM, "execution", "watch", execution, "--server", server.url], stdout=theirs, stdin=theirs,
                             env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    wait_status(cli, execution, "Ask", "RUNNING")
    cli("execution", "judge", execution, "continue")
    text = read_terminal(ours, 30)
    assert watch.wait(10) == 0
    assert "\x1b[4A" in text and "\x1b[J" in text
    last = text[text.rindex("\x1b[J"):]
    assert last.count("SUCCEEDED") == 4 and "✓" in last and "clitest · Ask me" in last


def test_watch_waits_for_a_server_that_restarts(cli, server, pipeline):
    execution = execute(cli, pipeline)
    wait_status(cli, execution, "Ask", "RUNNING")
    watch = subprocess.Popen([PROGRAM, "execution", "watch", execution, "--server", server.url], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    server.kill()
    time.sleep(0.5)
    server.start()
    cli("execution", "judge", execution, "continue")
    out, _ = watch.communicate(timeout=60)
    assert watch.returncode == 0 and "SUCCEEDED after" in out


def test_names_from_outside_cannot_move_the_cursor(cli):
    cli("application", "save", "esc", "--email", "e@example.com", "--description", "\x1b[2Jgone\x07")
    assert "\x1b" not in cli("application", "list") and "\x07" not in cli("application", "get", "esc")


# ---- accounts, clusters, version ----
def test_accounts_and_clusters_without_any(cli):
    assert cli("account", "list").startswith("NAME")
    assert "no account nobody" in cli("account", "get", "nobody", code=5)
    assert cli("cluster", "list", "clitest").startswith("ACCOUNT")
    assert "no cluster x" in cli("cluster", "get", "clitest", "x", code=5)
    assert json.loads(cli("version", "-o", "json"))["server"]
    assert json.loads(run("--server", "http://127.0.0.1:1", "version", "-o", "json")).keys() == {"client", "serverError"}


# ---- lint ----
def test_lint_names_file_line_and_reason(tmp_path):
    pipeline = tmp_path / "pipeline.json"
    pipeline.write_text(json.dumps({**PIPELINE, "stages": [
        {"refId": "1", "type": "wiat", "name": "Rest"},
        {"refId": "2", "type": "wait", "name": "Long", "waitTime": "soon", "requisiteStageRefIds": ["7"]},
        {"refId": "3", "type": "wait", "name": "Later", "waitTime": "${parameters.version}"}]}, indent=1))
    text = run("lint", pipeline, code=2)
    lines = pipeline.read_text().splitlines()
    place = {word: next(i for i, line in enumerate(lines, 1) if word in line) for word in ("wiat", "soon", '"refId": "2"')}
    assert f"{pipeline}:{place['wiat']}: wrong: stage Rest: no stage type wiat exists; did you mean wait?" in text
    assert f"{pipeline}:{place['soon']}: wrong: stage Long: waitTime" in text
    assert f'{pipeline}:{place[chr(34) + "refId" + chr(34) + ": " + chr(34) + "2" + chr(34)] - 1}: wrong: stage "2": requisite stage "7"' in text
    assert "Later" not in text
    assert text.endswith("3 wrong\n")
    pipeline.write_text(json.dumps(PIPELINE))
    assert "0 wrong" in run("lint", pipeline)


def test_lint_of_what_is_not_there_yet(tmp_path):
    """Types that a configuration adds are known; what is Spinnaker's and comes later is no slip of the pen."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "orca.yml").write_text("webhook.preconfigured: [{type: ring, label: Ring, url: 'http://a.b/'}]\n")
    (config / "igor.yml").write_text("jenkins: {enabled: true, masters: []}\n")
    (config / "gate.yml").write_text("services.gate.baseUrl: http://gate\ncors.allowedOriginsPattern: x\n")
    pipeline = tmp_path / "pipeline.json"
    pipeline.write_text(json.dumps({"application": "a", "name": "p", "stages": [{"refId": "1", "type": "ring"}, {"refId": "2", "type": "deployManifest"}],
                                    "triggers": [{"type": "jenkins"}, {"type": "wrecker"}, {"type": "cron"}],
                                    "expectedArtifacts": [{"matchArtifact": {"type": "s3/object"}}]}))
    text = run("lint", pipeline, config, code=2)
    assert "ring" not in text and "stage type deployManifest is one of Spinnaker's that is not there yet" in text
    assert "not there yet: trigger 1, jenkins" in text and "unknown: trigger 2, wrecker" in text and "cron" not in text
    assert "not there yet: expected artifact 1, s3/object" in text and "not there yet: jenkins: accounts of build services" in text
    assert "gate.yml" not in text and text.endswith("1 wrong\n")
    assert "no stage type ring exists" in run("lint", pipeline, code=2)


def test_lint_of_templates(tmp_path):
    """Templates are no pipelines: they need no application, and their own rules hold."""
    second = tmp_path / "second.yml"
    second.write_text("schema: v2\nid: t\nvariables: [{name: n}]\npipeline:\n  stages:\n    - {refId: '1', type: wait, waitTime: '${templateVariables.n}'}\n")
    first = tmp_path / "first.yml"
    first.write_text("schema: '1'\nid: t\nstages:\n  - {id: a, type: wait, config: {waitTime: '{{ n }}'}}\n  - {id: b, type: wait, dependsOn: [a]}\n")
    assert "2 understood, 0 to look at, 0 wrong" in run("lint", first, second)
    second.write_text(second.read_text().replace("Variables.n}", "Variables.m}").replace("type: wait", "type: wiat"))
    first.write_text("schema: '1'\nstages:\n  - {id: a, type: wait, config: {waitTime: soon}}\n  - {id: a, type: wait, dependsOn: [c]}\n  - {type: wait}\n")
    text = run("lint", first, second, code=2)
    for words in ("templateVariables.m is not among", "did you mean wait?", "id: is missing", "a: is there twice", "dependsOn: no stage c exists",
                  "stage 3: id is missing", "stage a: waitTime"):
        assert words in text, text
    second.write_text("schema: v2\nid: t\n")
    assert "pipeline: is missing" in run("lint", second, code=2)


def test_lint_of_configuration(tmp_path):
    config = tmp_path / "gennaker.yml"
    config.write_text("gennaker:\n  inventory:\n    pollSeconds: often\n    pollSecond: 3\n")
    text = run("lint", config, code=2)
    assert "gennaker.yml:3: wrong:" in text and "gennaker.yml:4: unknown:" in text
    config.write_text("gennaker:\n  inventory:\n    pollSeconds: 5\n")
    assert "understood" in run("lint", "--all", config)
    config.write_text("gennaker: [\n")
    assert "gennaker.yml:" in run("lint", tmp_path, code=2)


@pytest.mark.parametrize("name,yaml", [
    ("gate.yml", "%s"), ("gate.yml", "security.basicform.enabled: true\nspring.security.user: {name: ann, password: quiet-secret}\n"),
    ("gennaker.yml", "gate:\n%s"), ("gennaker.yml", "%s"), ("spinnaker.yml", "%s")])
def test_lint_knows_the_basic_form(tmp_path, name, yaml):
    settings = ["security:", "  basicform:", "    enabled: true", "spring:", "  security:", "    user:", "      name: ann",
                "      password: quiet-secret"]
    text = "\n".join(("  " if "gate:" in yaml else "") + line for line in settings) + "\n"
    (tmp_path / name).write_text(yaml % text if "%s" in yaml else yaml)
    said = run("lint", "--all", tmp_path)
    assert "0 wrong" in said and "unknown:" not in said and said.count("understood:") == 3 and "quiet-secret" not in said, said
    (tmp_path / name).write_text((yaml % text if "%s" in yaml else yaml).replace("enabled: true", "enabled: perhaps"))
    assert "basicform.enabled" in run("lint", tmp_path, code=2)


# ---- the server's command ----
def test_a_server_says_why_it_does_not_start(server, tmp_path):
    assert "in use by another process" in run("server", "--listen", f"127.0.0.1:{server.port}", "--data", tmp_path, code=6)
    assert "is in use by process" in run("server", "--listen", "127.0.0.1:0", "--data", server.folder, code=6)
    assert "gennaker user add" in run("server", "--listen", "0.0.0.0:0", "--data", tmp_path, code=2)
    assert "expected ADDRESS:PORT" in run("server", "--listen", "here", code=2)
    assert "nowhere" in run("server", "--listen", "127.0.0.1:0", "--data", tmp_path, "--config", tmp_path / "nowhere", code=5)
    (tmp_path / "gennaker.yml").write_text("gennaker:\n  inventory:\n    pollSeconds: often\n")
    assert "gennaker.yml:3" in run("server", "--listen", "127.0.0.1:0", "--data", tmp_path, "--config", tmp_path, code=2)
    (tmp_path / "gennaker.db").write_bytes(b"\x01" * 8192)
    assert "damaged" in run("server", "--listen", "127.0.0.1:0", "--data", tmp_path, code=2)


def test_a_wrong_configuration_is_not_applied(tmp_path):
    config = tmp_path / "gennaker.yml"
    config.write_text("gennaker:\n  inventory:\n    pollSeconds: 5\n")
    server = Gennaker(tmp_path / "data", config=config).start()
    try:
        config.write_text("gennaker:\n  inventory:\n    pollSeconds: often\n")
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while "everything stays as it was" not in server.said() and time.monotonic() < end:
            time.sleep(0.05)
        assert "gennaker.yml:3" in server.said()
        config.write_text("gennaker:\n  inventory:\n    pollSeconds: 6\n")
        server.process.send_signal(signal.SIGHUP)
        while "configuration applied" not in server.said() and time.monotonic() < end:
            time.sleep(0.05)
        assert "configuration applied" in server.said()
    finally:
        assert server.stop() == 0


ACCOUNTS = """aws:
  accessKeyId: AKIA
  secretAccessKey: none
  endpointUrl: http://127.0.0.1:9
  loadAccounts: {maxRetries: 0}
  accounts:
  - {name: one, accountId: "123456789012", regions: [{name: us-east-1, availabilityZones: [us-east-1a]}]}
"""
MISTAKES = """  - {name: two, accountId: abc}
  - {name: one, accountId: "210987654321"}
"""


def test_mistakes_of_accounts(tmp_path):
    """aws.md 1: at a start they are left out and shown with the reason; a reload with them is refused."""
    config = tmp_path / "clouddriver.yml"
    config.write_text(ACCOUNTS + MISTAKES)
    server = Gennaker(tmp_path / "data", config=tmp_path).start()
    try:
        listed = run("account", "list", GENNAKER_SERVER=server.url)
        assert re.search(r'two .*not used .*clouddriver.yml:8: AWS account two: accountId: expected 12 digits, got "abc"', listed), listed
        assert re.search(r"one .*not used .*clouddriver.yml:9: AWS account one: a second account of this name", listed), listed
        assert [account["name"] for account in server.api.get("/credentials")] == ["one"]
        config.write_text(ACCOUNTS)
        assert server.api.call("POST", "/admin/reload") is None
        assert "not used" not in run("account", "list", GENNAKER_SERVER=server.url)
        config.write_text(ACCOUNTS + MISTAKES)
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while "everything stays as it was" not in server.said() and time.monotonic() < end:
            time.sleep(0.05)
        assert "expected 12 digits" in server.said().split("configuration applied")[-1]
        assert "not used" not in run("account", "list", GENNAKER_SERVER=server.url)
    finally:
        assert server.stop() == 0


def test_sign_in(tmp_path):
    data = tmp_path / "data"
    said = run("user", "add", "ada", "--role", "admin", "--token", "--data", data)
    token, password = re.search(r"token +(\S+)", said)[1], re.search(r"password +(\S+)", said)[1]
    run("user", "add", "bob", "--password-stdin", "--data", data, stdin="correct horse\n")
    assert "ada" in run("user", "add", "ada", "--data", data, code=6)
    assert run("user", "list", "--data", data).splitlines() == ["ada admin", "bob"]
    server = Gennaker(data)
    server.start(wait=False)
    try:
        end = time.monotonic() + 20
        while "ready" not in server.said() and time.monotonic() < end:
            time.sleep(0.05)
        assert "sign-in        required" in server.said()
        assert "--token" in run("application", "list", GENNAKER_SERVER=server.url, code=3)
        run("application", "list", "--server", server.url, "--token", token)
        run("application", "list", GENNAKER_SERVER=server.url, GENNAKER_TOKEN=token)
        run("application", "list", "--server", server.url, "--user", "ada", GENNAKER_PASSWORD=password)
        run("application", "list", "--server", server.url, GENNAKER_USER="bob", GENNAKER_PASSWORD="correct horse")
        run("application", "list", "--server", server.url, "--token", "wrong", code=3)
        assert token not in server.said() and password not in server.said()
        run("user", "remove", "bob", "--data", data)
        run("user", "remove", "bob", "--data", data, code=5)
        server.process.send_signal(signal.SIGHUP)
        while "configuration applied" not in server.said() and time.monotonic() < end:
            time.sleep(0.05)
        run("application", "list", "--server", server.url, GENNAKER_USER="bob", GENNAKER_PASSWORD="correct horse", code=3)
    finally:
        server.stop()


def test_a_first_user_is_made_for_other_machines(tmp_path):
    server = Gennaker(tmp_path / "data")
    command = [PROGRAM, "server", "--listen", f"0.0.0.0:{server.port}", "--data", tmp_path / "data", "--first-user"]
    for _ in range(2):
        with open(server.log, "wb") as log:
            server.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while "ready" not in server.said() and time.monotonic() < end:
            time.sleep(0.05)
        made = re.search(r"GENNAKER_USER=admin GENNAKER_PASSWORD=(\S+)", server.said())
        if made and made[1] != "PASSWORD":
            first = made[1]
        run("application", "list", "--server", server.url, "--user", "admin", GENNAKER_PASSWORD=first)
        assert server.stop() == 0
    assert "A first user" not in server.said()
