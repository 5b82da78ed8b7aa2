"""Raw HTTP to a server under test: status, headers and body as they come."""
import http.client
import json
import socket


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self):
        return json.loads(self.text) if self.text else None

    def __repr__(self):
        return f"{self.status} {self.text[:2000]}"


def call(port, method, path, body=None, headers=None, timeout=60):
    """body: a text or bytes as they are, anything else as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
    finally:
        connection.close()


class Events:
    """A stream of server-sent events, read one by one."""

    def __init__(self, port, path="/events", headers=None, timeout=10):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.connection.request("GET", path, headers=dict(headers or {}))
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        hello = self.next()
        assert hello["event"] == "hello", hello
        self.begin = hello["id"]

    def next(self):
        """{event, id, data}; None when nothing came in time or the stream ended."""
        event = {"event": "message", "id": None, "data": None}
        while True:
            try:
                line = self.answer.readline().decode().rstrip("\n")
            except (socket.timeout, TimeoutError):
                return None
            if not line and self.answer.isclosed():
                return None
            if not line and event["data"] is not None:
                event["data"] = json.loads(event["data"])
                return event
            name, _, value = line.partition(": ")
            if name in event:
                event[name] = value

    def wait_for(self, **wanted):
        """The first event whose data has these members; everything before it is thrown away."""
        while (event := self.next()) is not None:
            if all(event["data"].get(key) == value for key, value in wanted.items()):
                return event
        raise AssertionError(f"no event with {wanted}")

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
