"""Who is told, on loopback: an HTTP server that plays every chat service, and a mail server. Both keep what they got."""
import base64
import email
import email.policy
import http.server
import json
import socketserver
import threading
import time
import urllib.parse


class Call:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        return {key: values[0] for key, values in urllib.parse.parse_qs(self.body).items()}


class HttpReceiver:
    """answers: a path's beginning → (status, body); everything else gets 200 and {}."""

    def __init__(self):
        self.calls, self.answers = [], {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                status, answer = next((a for p, a in outer.answers.items() if self.path.startswith(p)), (200, "{}"))
                outer.calls.append(Call(self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, beginning):
        return [call for call in list(self.calls) if call.path.startswith(beginning)]

    def wait(self, beginning, count=1, seconds=20):
        wait_until(lambda: len(self.of(beginning)) >= count, lambda: [c.path for c in self.calls], seconds)
        return self.of(beginning)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class MailReceiver:
    """A mail server: messages is a list of (recipients, message). refuse: the answer to every RCPT instead of 250."""

    def __init__(self):
        self.messages, self.refuse, self.signed_in = [], None, []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

            def handle(self):
                recipients = []
                self.say("220 test")
                while line := self.rfile.readline().decode().rstrip("\r\n"):
                    word = line.split(" ")[0].upper()
                    if word == "EHLO":
                        self.say("250-test")
                        self.say("250 AUTH PLAIN")
                    elif word == "AUTH":
                        self.say("334")
                        outer.signed_in.append(base64.b64decode(self.rfile.readline()).decode())
                        self.say("235 ok")
                    elif word == "RCPT":
                        recipients.append(line.split("<")[1].split(">")[0])
                        self.say(outer.refuse or "250 ok")
                    elif word == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (data := self.rfile.readline()) not in (b".\r\n", b""):
                            lines.append(data)
                        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                        outer.messages.append((recipients, message))
                        self.say("250 taken")
                    elif word == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 ok")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count=1, seconds=20):
        wait_until(lambda: len(self.messages) >= count, lambda: self.messages, seconds)
        return self.messages

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def wait_until(true, tell, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.02)
    raise AssertionError(tell())
