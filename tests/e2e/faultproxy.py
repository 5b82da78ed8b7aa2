"""A proxy between Gennaker and an AWS simulator that writes down every call and injects faults.

In a test:

    with FaultProxy("http://127.0.0.1:5566") as proxy:      # proxy.url is the endpoint to configure
        proxy.add(throttle(service="autoscaling", seconds=60))
        proxy.add(lose_answer(action="CreateAutoScalingGroup", count=1))
        ...
        assert proxy.actions(write=True) == [...]

By hand: faultproxy.py --upstream URL [--port N] [--control N] [--log FILE] [--rules JSON]. The control port takes
POST /rules (a JSON object, or a list: {"kind": "throttle", "service": "ec2", "seconds": 5}), DELETE /rules, GET /calls, DELETE /calls.

An event loop in a thread of its own serves the clients; requests to the simulator, and hooks, run in a pool of threads.
"""
import argparse
import asyncio
import concurrent.futures
import email.utils
import hashlib
import http.client
import json
import os
import re
import signal
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass, field

BODY_MAX = 64 * 1024 * 1024
BASE_ACCOUNT = "123456789012"  # the simulator's account of every key that no AssumeRole made
DROP = "drop"  # a hook's answer: close the connection, do not forward

READ = re.compile(r"^(Describe|Get|List|Head|Search|Lookup|BatchGet|AssumeRole|DecodeAuthorizationMessage|GET |HEAD )")
SECRET = re.compile(r"password|secret|sessiontoken|securitytoken|webidentitytoken|samlassertion|userdata|privatekey", re.I)
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection", "expect", "content-length"}


@dataclass
class Call:
    """One request as it was understood, and what became of it. Complete when `outcome` is set."""

    n: int  # position among all calls, from 1
    write_number: int  # position among writes, from 1; 0 for a read
    time: float  # seconds since the proxy started
    service: str
    region: str
    account: str
    action: str
    write: bool
    params: dict
    agent: str
    status: int = 0  # of the answer that was sent, or lost; 0: none
    error: str = ""  # the answer's error code
    outcome: str = ""  # answered, injected, lost (carried out, answer not sent), dropped (not carried out), unreachable
    rules: list = field(default_factory=list)  # kinds of the rules that took effect
    seconds: float = 0.0


@dataclass
class Request:
    method: str
    target: str
    headers: list
    body: bytes

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name), "")


@dataclass
class Answer:
    status: int
    headers: list
    body: bytes


# --- understanding a call

def parse_form(text):
    return {k: v for k, v in urllib.parse.parse_qsl(text, keep_blank_values=True)}


def redact(value, name=""):
    if isinstance(value, dict):
        return {k: redact(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [redact(v, name) for v in value]
    if SECRET.search(name) and value:
        return "sha256:" + hashlib.sha256(str(value).encode()).hexdigest()[:16]
    return value


def recognise(request):
    """service, region, access key, action and parameters of a request, by the signature's credential scope and the protocol."""
    scope = re.search(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request", request.header("authorization"))
    key, region, service = scope.groups() if scope else ("", "", "")
    path, _, query = request.target.partition("?")
    params = parse_form(query)
    target = request.header("x-amz-target")
    if target:
        try:
            params = json.loads(request.body or b"{}")
        except ValueError:
            params = {}
        return service or target.split(".")[0].lower(), region, key, target.rsplit(".", 1)[-1], params
    if request.header("content-type").startswith("application/x-www-form-urlencoded"):
        params.update(parse_form(request.body.decode("utf-8", "replace")))
    action = params.pop("Action", "")
    params.pop("Version", None)
    if not action:
        action = f"{request.method} {path}"
    elif not service:
        service = "sts"  # AssumeRoleWithWebIdentity and its like are not signed
    return {"elasticloadbalancing": "elb"}.get(service, service), region, key, action, params


def error_code(body):
    match = re.search(rb"<Code>([^<]+)</Code>|\"__type\"\s*:\s*\"(?:[^\"#]*#)?([^\"]+)\"", body[:4096])
    return (match.group(1) or match.group(2)).decode() if match else ""


def error_answer(call, code, message, status, headers=()):
    """An error in the form that the service's protocol has for it."""
    escaped = message.replace("&", "&amp;").replace("<", "&lt;")
    if call.service == "ec2":
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{escaped}</Message></Error>'
                f"</Errors><RequestID>fault-{call.n}</RequestID></Response>")
    elif call.service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{escaped}</Message><RequestId>fault-{call.n}</RequestId></Error>"
    elif call.service in ("ecs", "ecr", "secretsmanager", "lambda", "dynamodb", "logs", "kms"):
        body = json.dumps({"__type": code, "message": message})
        return Answer(status, [("Content-Type", "application/x-amz-json-1.1"), *headers], body.encode())
    else:
        body = (f"<ErrorResponse><Error><Type>{'Sender' if status < 500 else 'Receiver'}</Type><Code>{code}</Code>"
                f"<Message>{escaped}</Message></Error><RequestId>fault-{call.n}</RequestId></ErrorResponse>")
    return Answer(status, [("Content-Type", "text/xml"), *headers], body.encode())


# --- rules

class Rule:
    """Which calls are meant, how often and how long; a subclass or `kind` says what happens to them.

    service, action, account, region: a text, a list of texts, or a compiled expression. write: only writes, only reads.
    write_number: only the n-th write that the proxy sees. match: any function of the Call. skip: leave the first n that match.
    count: then take effect n times. seconds: then until so long after its first effect.
    """

    kind = ""

    def __init__(self, *, service=None, action=None, account=None, region=None, write=None, write_number=None, agent=None,
                 match=None, skip=0, count=None, seconds=None):
        self.wanted = {"service": service, "action": action, "account": account, "region": region, "agent": agent}
        self.write, self.write_number, self.match = write, write_number, match
        self.skip, self.count, self.seconds = skip, count, seconds
        self.effects, self.first = 0, None

    def applies(self, call):
        """Whether the rule takes effect on this call; counts it."""
        for name, wanted in self.wanted.items():
            if wanted is not None and not self._same(wanted, getattr(call, name)):
                return False
        if self.write is not None and self.write != call.write:
            return False
        if self.write_number is not None and self.write_number != call.write_number:
            return False
        if self.match and not self.match(call):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None and self.effects >= self.count:
            return False
        now = time.monotonic()
        if self.first is None:
            self.first = now
        if self.seconds is not None and now - self.first > self.seconds:
            return False
        self.effects += 1
        return True

    @staticmethod
    def _same(wanted, value):
        if isinstance(wanted, str):
            return wanted == value
        return bool(wanted.search(value)) if hasattr(wanted, "search") else value in wanted

    # What a rule may do: each gives None to let the call go on.
    async def before(self, proxy, call, request):
        """Before the call is forwarded: an Answer to give instead, or DROP."""

    async def after(self, proxy, call, request, answer):
        """After it was carried out: another Answer, or DROP."""


class Respond(Rule):
    """An error instead of the call."""

    kind = "error"

    def __init__(self, code, message="injected by a test", status=400, headers=(), **which):
        super().__init__(**which)
        self.code, self.message, self.status, self.headers = code, message, status, headers

    async def before(self, proxy, call, request):
        headers = self.headers(call) if callable(self.headers) else self.headers
        return error_answer(call, self.code, self.message, self.status, headers)


class Throttle(Rule):
    kind = "throttle"

    async def before(self, proxy, call, request):
        if call.service == "ec2":
            return error_answer(call, "RequestLimitExceeded", "Request limit exceeded.", 503)
        return error_answer(call, "Throttling", "Rate exceeded", 400)


class Drop(Rule):
    """The connection ends before the call is carried out."""

    kind = "drop"

    async def before(self, proxy, call, request):
        return DROP


class LoseAnswer(Rule):
    """The call is carried out; the connection ends after so many bytes of the answer."""

    kind = "lose_answer"

    def __init__(self, bytes_sent=0, **which):
        super().__init__(**which)
        self.bytes_sent = bytes_sent

    async def after(self, proxy, call, request, answer):
        return DROP


class Spoil(Rule):
    """The call is carried out (or not: forward=False); the answer's body is something else."""

    kind = "malformed"

    def __init__(self, body=None, status=None, content_type=None, forward=True, **which):
        super().__init__(**which)
        self.body, self.status, self.content_type, self.forward = body, status, content_type, forward

    def _spoiled(self, answer):
        body = answer.body[:max(len(answer.body) // 2, 1)] if self.body is None else self.body
        headers = answer.headers
        if self.content_type:
            headers = [h for h in headers if h[0].lower() != "content-type"] + [("Content-Type", self.content_type)]
        return Answer(self.status or answer.status, headers, body.encode() if isinstance(body, str) else body)

    async def before(self, proxy, call, request):
        if not self.forward:
            return self._spoiled(Answer(200, [("Content-Type", "text/xml")], b"<Cut><Off>"))

    async def after(self, proxy, call, request, answer):
        if self.forward:
            return self._spoiled(answer)


class Delay(Rule):
    """The call, or (after=True) its answer, comes late. `by` in seconds."""

    kind = "delay"

    def __init__(self, by, after=False, **which):
        super().__init__(**which)
        self.by, self.late_answer = by, after

    async def before(self, proxy, call, request):
        if not self.late_answer:
            await asyncio.sleep(self.by)

    async def after(self, proxy, call, request, answer):
        if self.late_answer:
            await asyncio.sleep(self.by)


class Rewrite(Rule):
    """Another body: change(call, body) gives it as bytes."""

    kind = "rewrite"

    def __init__(self, change, **which):
        super().__init__(**which)
        self.change = change

    async def after(self, proxy, call, request, answer):
        return Answer(answer.status, answer.headers, self.change(call, answer.body))


class Hook(Rule):
    """Calls call_back(call) before the call is forwarded or (when="after") before its answer is sent; DROP ends the connection."""

    kind = "hook"

    def __init__(self, call_back, when="before", **which):
        super().__init__(**which)
        self.call_back, self.when = call_back, when

    async def before(self, proxy, call, request):
        if self.when == "before":
            return await proxy.in_pool(self.call_back, call)

    async def after(self, proxy, call, request, answer):
        if self.when == "after":
            return await proxy.in_pool(self.call_back, call)


@dataclass
class Kind:
    """What is eventually consistent: who makes it, where it shows, what is said when it does not."""

    create: str
    name_in_answer: str | None  # element of the answer that names it; None: the parameter
    name_in_params: str
    lists: dict  # action: (element that holds the list, element that names an entry)
    users: dict  # action: error code of a call that names it
    message: str


KINDS = {
    "group": Kind(
        "CreateAutoScalingGroup", None, "AutoScalingGroupName",
        {"DescribeAutoScalingGroups": ("AutoScalingGroups", "AutoScalingGroupName")}, {}, ""),
    "template": Kind(
        "CreateLaunchTemplate", "launchTemplateId", "LaunchTemplateName",
        {"DescribeLaunchTemplates": ("launchTemplates", "launchTemplateId"),
         "DescribeLaunchTemplateVersions": ("launchTemplateVersionSet", "launchTemplateId")},
        {"DescribeLaunchTemplates": "InvalidLaunchTemplateId.NotFound",
         "DescribeLaunchTemplateVersions": "InvalidLaunchTemplateId.NotFound",
         "CreateAutoScalingGroup": "ValidationError", "UpdateAutoScalingGroup": "ValidationError"},
        "The specified launch template, with template ID {}, does not exist."),
    "image": Kind(
        "CreateImage", "imageId", "Name",
        {"DescribeImages": ("imagesSet", "imageId")},
        {"DescribeImages": "InvalidAMIID.NotFound", "ModifyImageAttribute": "InvalidAMIID.NotFound", "CreateTags": "InvalidAMIID.NotFound",
         "RunInstances": "InvalidAMIID.NotFound", "CreateLaunchTemplate": "InvalidAMIID.NotFound"},
        "The image id '[{}]' does not exist"),
}


class Hide(Rule):
    """Eventual consistency: what is created is not seen by others for `hidden` seconds. resource: group, template or image."""

    kind = "hide"

    def __init__(self, resource, hidden, **which):
        super().__init__(**which)
        self.resource, self.hidden = KINDS[resource], hidden
        self.until = {}  # any name of a resource: when it shows

    def applies(self, call):
        known = self.resource
        if call.action == known.create:
            return super().applies(call)
        return bool(self._hidden()) and (call.action in known.lists or call.action in known.users)

    def _hidden(self):
        now = time.monotonic()
        return {name for name, until in self.until.items() if until > now}

    def _named(self, call):
        return next((v for v in call.params.values() if isinstance(v, str) and v in self._hidden()), None)

    async def before(self, proxy, call, request):
        name = self._named(call)
        if name and call.action in self.resource.users:
            return error_answer(call, self.resource.users[call.action], self.resource.message.format(name), 400)

    async def after(self, proxy, call, request, answer):
        if call.action == self.resource.create and answer.status < 300:
            self._note(call, answer)
        elif call.action in self.resource.lists:
            return Answer(answer.status, answer.headers, self._without(answer.body, *self.resource.lists[call.action]))

    def _note(self, call, answer):
        until = time.monotonic() + self.hidden
        self.until[call.params.get(self.resource.name_in_params)] = until
        if self.resource.name_in_answer:
            found = re.search(rf"<{self.resource.name_in_answer}>([^<]+)<", answer.body.decode("utf-8", "replace"))
            if found:
                self.until[found.group(1)] = until

    def _without(self, body, list_name, key):
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError:
            return body
        space = re.match(r"\{.*\}|", root.tag).group()
        hidden = self._hidden()
        for entries in root.iter(space + list_name):
            for entry in list(entries):
                if entry.findtext(space + key) in hidden:
                    entries.remove(entry)
        ElementTree.register_namespace("", space.strip("{}"))
        return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def throttle(**which):
    return Throttle(**which)


def error(code, message="injected by a test", status=400, **which):
    return Respond(code, message, status, **which)


def expired(**which):
    return Respond("ExpiredToken", "The security token included in the request is expired", 403, **which)


def skewed(seconds, **which):
    """The service's clock is so many seconds ahead: the call is refused, its Date header says what time it is."""
    return Respond("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403,
                   headers=lambda call: [("Date", email.utils.formatdate(time.time() + seconds, usegmt=True))], **which)


def drop(**which):
    return Drop(**which)


def lose_answer(**which):
    return LoseAnswer(**which)


def malformed(**which):
    return Spoil(**which)


def empty(**which):
    return Spoil(body=b"", **which)


def delay(by, **which):
    return Delay(by, **which)


def hide(resource, hidden, **which):
    return Hide(resource, hidden, **which)


def rewrite(change, **which):
    return Rewrite(change, **which)


def hook(call_back, **which):
    return Hook(call_back, **which)


def kill(pid, when="before", **which):
    """kill -9 before the call is carried out, or after it but before its answer. pid: a number, or a function that gives it."""
    which.setdefault("count", 1)

    def strike(call):
        os.kill(pid() if callable(pid) else pid, signal.SIGKILL)
        return DROP
    rule = Hook(strike, when, **which)
    rule.kind = "kill"
    return rule


def never_healthy(**which):
    """Targets and classic instances that never pass a health check."""
    def change(call, body):
        return (body.replace(b"<State>healthy</State>", b"<State>unhealthy</State>")
                .replace(b"<State>InService</State>", b"<State>OutOfService</State>"))
    return Rewrite(change, action=["DescribeTargetHealth", "DescribeInstanceHealth"], **which)


MAKERS = {"throttle": throttle, "error": error, "expired": expired, "skewed": skewed, "drop": drop, "lose_answer": lose_answer,
          "malformed": malformed, "empty": empty, "delay": delay, "hide": hide, "never_healthy": never_healthy}


def rule_from_json(document):
    document = dict(document)
    kind = document.pop("kind", None)
    if kind not in MAKERS:
        raise ValueError(f"kind {kind!r} is not one of {', '.join(sorted(MAKERS))}")
    return MAKERS[kind](**document)


# --- the proxy

class Closed(Exception):
    pass


async def read_request(reader, writer):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Closed from None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = [tuple(p.strip() for p in line.split(":", 1)) for line in lines]
    request = Request(method, target, headers, b"")
    if request.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        if request.header("transfer-encoding").lower() == "chunked":
            request.body = await read_chunks(reader)
        else:
            length = int(request.header("content-length") or 0)
            if length > BODY_MAX:
                raise Closed
            request.body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Closed from None
    return request


async def read_chunks(reader):
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        if len(body) + size > BODY_MAX:
            raise Closed
        body += await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return body


def encode(answer, method="GET"):
    reason = http.client.responses.get(answer.status, "Unknown")
    lines = [f"HTTP/1.1 {answer.status} {reason}"]
    lines += [f"{k}: {v}" for k, v in answer.headers if k.lower() not in HOP_BY_HOP]
    lines.append(f"Content-Length: {len(answer.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if method == "HEAD" else answer.body)


class FaultProxy:
    """Serves on 127.0.0.1 from start() (or `with`) to stop(). Every method may be called from any thread."""

    def __init__(self, upstream, port=0, control=None, rules=(), log=None):
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port or 80)
        self.port, self.control = port, control
        self._rules, self._calls, self._accounts = list(rules), [], {}
        self._writes = 0
        self._log = open(log, "a", buffering=1) if log else None
        self._changed = threading.Condition()
        self._born = time.monotonic()
        self._pool = concurrent.futures.ThreadPoolExecutor(64, "faultproxy")
        self._loop = self._thread = self._servers = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        ready = concurrent.futures.Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)), name="faultproxy", daemon=True)
        self._thread.start()
        ready.result(10)
        return self

    def stop(self):
        if self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._log:
            self._log.close()
            self._log = None

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def add(self, *rules):
        with self._changed:
            self._rules += rules
        return rules[0] if len(rules) == 1 else rules

    def remove(self, rule):
        with self._changed:
            self._rules.remove(rule)

    def clear(self):
        """Forget all rules."""
        with self._changed:
            self._rules.clear()

    def forget_calls(self):
        """Start the log and the numbers of writes anew."""
        with self._changed:
            self._calls.clear()
            self._writes = 0

    def calls(self, action=None, service=None, write=None, account=None, agent=None):
        """The calls so far that match, in the order in which they arrived."""
        which = Rule(action=action, service=service, write=write, account=account, agent=agent)
        with self._changed:
            return [call for call in self._calls if which.applies(call)]

    def actions(self, **which):
        return [call.action for call in self.calls(**which)]

    def wait_for(self, match, timeout=30):
        """Waits until a call whose outcome is known matches: an action's name, or a function of the Call."""
        test = match if callable(match) else lambda call: call.action == match
        found = []

        def done():
            found[:] = [call for call in self._calls if call.outcome and test(call)]
            return found
        with self._changed:
            if not self._changed.wait_for(done, timeout):
                raise TimeoutError(f"no call matched within {timeout} s; seen: {[c.action for c in self._calls]}")
        return found[0]

    def wait_quiet(self, seconds, timeout=60):
        """Waits until no call arrived for so long."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with self._changed:
                last = self._calls[-1].time if self._calls else 0
                left = seconds - (time.monotonic() - self._born - last)
            if left <= 0:
                return
            time.sleep(min(left, 0.2))
        raise TimeoutError(f"calls went on for {timeout} s")

    def in_pool(self, function, *arguments):
        return self._loop.run_in_executor(self._pool, function, *arguments)

    async def _main(self, ready):
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            servers = [await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1024 * 1024)]
            self.port = servers[0].sockets[0].getsockname()[1]
            if self.control is not None:
                servers.append(await asyncio.start_server(self._serve_control, "127.0.0.1", self.control))
                self.control = servers[1].sockets[0].getsockname()[1]
        except OSError as problem:
            ready.set_exception(problem)
            return
        ready.set_result(None)
        await self._stopping.wait()
        for server in servers:
            server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, reader, writer):
        await self._connection(reader, writer, self._handle)

    async def _serve_control(self, reader, writer):
        async def handle(request, _writer):
            return encode(self._control(request))
        await self._connection(reader, writer, handle)

    async def _connection(self, reader, writer, handle):
        try:
            while True:
                request = await read_request(reader, writer)
                data = await handle(request, writer)
                if data is None:
                    break
                writer.write(data)
                await writer.drain()
        except (Closed, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _handle(self, request, writer):
        """The bytes to send, or None to end the connection."""
        if request.target.startswith("/moto-api/"):
            return encode(await self.in_pool(self._forward, request))
        call = self._begin(request)
        rules = self._matching(call)
        answer = await self._run(rules, call, request)
        call.seconds = round(time.monotonic() - self._born - call.time, 4)
        self._finish(call)
        if answer is DROP:
            sent = max((r.bytes_sent for r in rules if isinstance(r, LoseAnswer)), default=0)
            if sent and call.outcome == "lost":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"[:sent])
                await writer.drain()
                await asyncio.sleep(0.05)
            return None
        return encode(answer, request.method)

    def _begin(self, request):
        service, region, key, action, params = recognise(request)
        write = not READ.match(action)
        with self._changed:
            self._writes += write
            call = Call(len(self._calls) + 1, self._writes if write else 0, round(time.monotonic() - self._born, 4), service, region,
                        self._accounts.get(key, BASE_ACCOUNT), action, write, redact(params), request.header("user-agent").split(" ")[0])
            self._calls.append(call)
            self._changed.notify_all()
        return call

    def _matching(self, call):
        with self._changed:
            rules = [rule for rule in self._rules if rule.applies(call)]
        call.rules = [rule.kind for rule in rules]
        return rules

    async def _run(self, rules, call, request):
        for rule in rules:
            answer = await rule.before(self, call, request)
            if answer is DROP:
                call.outcome = "dropped"
                return DROP
            if answer:
                call.outcome, call.status, call.error = "injected", answer.status, error_code(answer.body)
                return answer
        try:
            answer = await self.in_pool(self._forward, request)
        except (OSError, http.client.HTTPException) as problem:
            call.outcome, call.error = "unreachable", str(problem)
            return DROP
        call.status = answer.status
        call.error = error_code(answer.body) if answer.status >= 300 else ""
        self._learn_account(call, answer)
        call.outcome = "answered"
        for rule in rules:
            changed = await rule.after(self, call, request, answer)
            if changed is DROP:
                call.outcome = "lost"
                return DROP
            answer = changed or answer
        call.status = answer.status
        return answer

    def _finish(self, call):
        with self._changed:
            if self._log:
                self._log.write(json.dumps(asdict(call)) + "\n")
            self._changed.notify_all()

    def _learn_account(self, call, answer):
        """Keys that AssumeRole hands out belong to the role's account."""
        role = re.match(r"arn:[^:]+:iam::(\d+):role/", str(call.params.get("RoleArn", "")))
        key = re.search(rb"<AccessKeyId>([^<]+)<", answer.body)
        if call.action.startswith("AssumeRole") and role and key:
            with self._changed:
                self._accounts[key.group(1).decode()] = role.group(1)

    def _forward(self, request):
        connection = http.client.HTTPConnection(*self.upstream, timeout=120)
        try:
            headers = {k: v for k, v in request.headers if k.lower() not in HOP_BY_HOP}
            headers["Connection"] = "close"
            connection.request(request.method, request.target, request.body or None, headers)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def _control(self, request):
        def answer(status, document):
            return Answer(status, [("Content-Type", "application/json")], json.dumps(document).encode())
        what = (request.method, request.target)
        if what == ("POST", "/rules"):
            try:
                documents = json.loads(request.body)
                rules = [rule_from_json(d) for d in (documents if isinstance(documents, list) else [documents])]
            except (ValueError, TypeError, KeyError) as problem:
                return answer(400, {"error": str(problem)})
            self.add(*rules)
            return answer(200, {"rules": len(self._rules)})
        if what == ("DELETE", "/rules"):
            self.clear()
        elif what == ("DELETE", "/calls"):
            self.forget_calls()
        elif what == ("GET", "/calls"):
            return answer(200, [asdict(call) for call in self.calls()])
        else:
            return answer(404, {"error": "POST or DELETE /rules, GET or DELETE /calls"})
        return answer(200, {})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control", type=int, default=0)
    parser.add_argument("--log")
    parser.add_argument("--rules", type=json.loads, default=[])
    options = parser.parse_args()
    rules = [rule_from_json(document) for document in options.rules]
    stop = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)  # in all threads, so that sigwait gets them
    with FaultProxy(options.upstream, options.port, options.control, rules, options.log) as proxy:
        print(f"{proxy.url} control http://127.0.0.1:{proxy.control}", flush=True)
        signal.sigwait(stop)


if __name__ == "__main__":
    main()
