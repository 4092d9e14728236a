"""A dashboard under test: a home with evidence, a server, raw HTTP.

HTTP is spoken by hand: what matters here is what no proper client would send.
"""

import hashlib
import hmac
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from datetime import datetime, timedelta, timezone

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "support")]
import claude_home  # noqa: E402
import schema_check  # noqa: E402
import surroundings  # noqa: E402

PROGRAMS = {}
SCHEMAS = {}
# Sanitizers cost time and memory; what is measured then is not the program.
SANITIZED = any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"))
PATIENCE = 60  # seconds that anything may take on a busy machine

# Every route of the server that an operation answers: address, operation,
# parameters that the address stands for. {id} is a skill's id.
ROUTES = [
    ("/api/v2/overview", "status.overview", {}),
    ("/api/v2/skills/pdf", "status.skill_v2", {"skill": "pdf"}),
    ("/api/v3/summary", "status.summary", {}),
    ("/api/v3/skills", "skill.list", {}),
    ("/api/v3/skills/{id}", "skill.report", {"skill": "pdf"}),
    ("/api/v3/skills/{id}/daily", "skill.daily", {"skill": "pdf"}),
    ("/api/v3/skills/{id}/observations", "skill.observations", {"skill": "pdf"}),
    ("/api/v3/skills/{id}/misses", "skill.misses", {"skill": "pdf"}),
    ("/api/v3/skills/{id}/proposals", "proposal.list", {"skill": "pdf"}),
    ("/api/v3/misses", "skill.misses", {}),
    ("/api/v3/proposals", "proposal.list", {}),
    ("/api/v3/sessions", "session.list", {}),
    ("/api/v3/sessions/e2e00000-0000-4000-8000-000000000001", "session.timeline",
     {"session": "e2e00000-0000-4000-8000-000000000001"}),
    ("/api/v3/runs", "orchestrate.runs", {}),
    ("/api/v3/sources", "source.list", {}),
    ("/api/v3/sync", "sync.status", {}),
    ("/api/v3/doctor", "doctor.run", {}),
    ("/api/v3/status", "status.get", {}),
]
# Those that it answers itself.
OWN = [("GET", "/api/v3/instance"), ("GET", "/api/v3/events"), ("POST", "/api/v2/shutdown"),
       ("POST", "/api/v3/instance/code")]


def main(*names):
    """Takes the programs from the command line, then runs the unit tests."""
    for name in names:
        PROGRAMS[name] = sys.argv.pop(1)
    for path in sorted((HERE.parent.parent / "libselftune" / "api" / "schema").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        SCHEMAS[schema["$id"]] = schema
    unittest.main()


def environment(home):
    return surroundings.environment(home, PATH="/usr/bin:/bin", TERM="dumb")


class Home:
    """A home folder with a few conversations, read into a store."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="selftune-dash-")
        self.path = pathlib.Path(self.folder.name)
        self.state = self.path / ".selftune"
        self.claude = claude_home.Home(self.path)
        self.claude.add_skill("pdf", "Fill in and read PDF forms.")
        self.claude.add_skill("sql-helper", "Write and explain SQL queries.")
        self.listing = {"pdf": "Fill in and read PDF forms.",
                        "sql-helper": "Write and explain SQL queries."}
        self.now = datetime.now(timezone.utc) - timedelta(hours=6)

    def write_evidence(self):
        for day in range(5):
            when = self.now - timedelta(days=day)
            session = self.claude.session(when, self.listing)
            session.ask_with_skill("Fill in the tax form for me", "pdf")
            session.ask("And now print it")
            if day % 2 == 0:
                session.ask_with_skill("Explain this query <b>SELECT</b> & friends", "sql-helper")
        missed = self.claude.session(self.now - timedelta(hours=1), self.listing)
        missed.ask("Read the numbers out of this form")
        missed.ask("No, use the pdf skill for that")
        return self

    def cli(self, *argv, accept=(0,)):
        done = subprocess.run([PROGRAMS["cli"], *argv], env=environment(self.path),
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode not in accept:
            raise AssertionError(f"selftune {' '.join(argv)}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done.stdout

    def sync(self):
        self.cli("sync")

    def request(self, op, **params):
        """What the library says to the command line."""
        text = self.cli("request", json.dumps({"op": op, "params": params}), accept=range(256))
        return json.loads(text)["data"]

    def grow(self):
        """One more conversation, read into the store by another process."""
        session = self.claude.session(datetime.now(timezone.utc) - timedelta(minutes=1), self.listing)
        session.ask_with_skill("Once more, fill in the form", "pdf")
        self.sync()

    def clean(self):
        self.folder.cleanup()


class Reply:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", lines[0])
        if not match:
            raise AssertionError(f"no HTTP response: {raw[:200]!r}")
        self.status = int(match.group(1))
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            self.headers.setdefault(name.lower(), value)
        self.raw = raw

    def json(self):
        return json.loads(self.body)


class Server:
    """One selftune-dashboard process."""

    def __init__(self, home, *flags, program=None, env=None, wait=True):
        self.home = home
        self.process = subprocess.Popen(
            [program or PROGRAMS["dashboard"], "--no-open", "--allow-root", "--json", *flags],
            env=dict(environment(home.path), **(env or {})), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        if wait:
            self.begun()

    def begun(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the server did not start: " + self.process.stderr.read())
        self.envelope = json.loads(line)
        self.data = self.envelope["data"]
        if self.data is None:
            raise AssertionError(line)
        self.port = self.data["port"]
        self.code = self.data["url"].partition("#t=")[2]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.token = ""
        if not self.data["reused"]:
            self.token = self.instance_file()["token"]
        return self

    def instance_file(self):
        return json.loads((self.home.state / "run" / "dashboard.json").read_text(encoding="utf-8"))

    # -------------------------------------------------------------------- HTTP

    def connect(self, timeout=PATIENCE):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def raw(self, data, timeout=PATIENCE):
        """Sends bytes, reads until the server closes. Empty: it said nothing."""
        with self.connect(timeout) as sock:
            sock.sendall(data)
            return read_to_end(sock)

    def head(self, method, target, headers=(), body=b"", host=None):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body

    def ask(self, method, target, headers=(), body=b"", host=None):
        return Reply(self.raw(self.head(method, target, headers, body, host)))

    def get(self, target, *headers):
        """Signed in by the token."""
        return self.ask("GET", target, [("Authorization", f"Bearer {self.token}"), *headers])

    def post(self, target, body, *headers, token=True):
        all_headers = [("Origin", self.origin), ("X-Selftune", "1"),
                       ("Content-Type", "application/json"), *headers]
        if token:
            all_headers.append(("Authorization", f"Bearer {self.token}"))
        return self.ask("POST", target, all_headers, json.dumps(body).encode())

    def sign_in(self, code=None):
        return self.post("/api/v2/session", {"code": code or self.code}, token=False)

    def session(self):
        """Headers of a browser that signed in with a new code."""
        code = self.post("/api/v3/instance/code", {}).json()["code"]
        return [("X-Selftune-Key", self.sign_in(code).json()["key"])]

    def proof(self, method, target, body=b"", *, address=None, stamp=None, nonce=None, token=None):
        """The header of a request that proves the token without sending it."""
        address = address or f"127.0.0.1:{self.port}"
        stamp = str(int(time.monotonic()) if stamp is None else stamp)
        nonce = nonce or os.urandom(16).hex()
        mac = keyed(token or self.token, "request", method, target, address, stamp, nonce, body)
        return ("Authorization", f"Selftune-Proof {stamp}.{nonce}.{mac}"), nonce

    def alive(self):
        return self.process.poll() is None and self.ask("GET", "/api/health").status == 200

    def memory(self):
        """Resident bytes."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


def keyed(token, *parts):
    """HMAC-SHA-256 of the parts, each behind its length."""
    raw = b"".join(b"%d:%b" % (len(part), part) for part in
                   (p if isinstance(p, bytes) else p.encode() for p in parts))
    return hmac.new(token.encode(), raw, hashlib.sha256).hexdigest()


def read_to_end(sock):
    out = b""
    while True:
        try:
            chunk = sock.recv(65536)
        except ConnectionResetError:
            return out
        if not chunk:
            return out
        out += chunk


class Stream:
    """An event stream."""

    def __init__(self, server, last_id=None, query=""):
        self.sock = server.connect()
        headers = [("Authorization", f"Bearer {server.token}"), ("Accept", "text/event-stream")]
        if last_id is not None:
            headers.append(("Last-Event-ID", last_id))
        self.sock.sendall(server.head("GET", "/api/v3/events" + query, headers))
        self.pending = b""
        head = self._until(b"\r\n\r\n")
        self.reply = Reply(head + b"\r\n\r\n")
        self.comments = 0

    def _until(self, mark):
        while mark not in self.pending:
            chunk = self.sock.recv(65536)
            if not chunk:
                raise EOFError("the stream ended")
            self.pending += chunk
        part, _, self.pending = self.pending.partition(mark)
        return part

    def next(self, timeout=PATIENCE):
        """The next event: {"id", "event", "data"}."""
        self.sock.settimeout(timeout)
        while True:
            fields = {}
            for line in self._until(b"\n\n").decode().split("\n"):
                name, _, value = line.partition(": ")
                if name in ("", ":"):
                    self.comments += 1
                fields[name] = value
            if "event" in fields:
                fields["data"] = json.loads(fields["data"])
                return fields

    def silent(self, seconds):
        try:
            return self.next(seconds) is None
        except TimeoutError:
            return True

    def close(self):
        self.sock.close()


def wait_until(what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.01)
    return False


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class ServerTest(unittest.TestCase):
    """One server for all tests of a class."""

    flags = ()
    evidence = True

    @classmethod
    def setUpClass(cls):
        cls.home = Home()
        cls.addClassCleanup(cls.home.clean)
        if cls.evidence:
            cls.home.write_evidence().sync()
        cls.server = Server(cls.home, *cls.flags)
        cls.addClassCleanup(cls.server.stop)

    def skill_id(self, name="pdf"):
        items = self.server.get("/api/v3/skills").json()["items"]
        return next(item["skill_id"] for item in items if item["name"] == name)

    def assert_problem(self, reply, status, code=None):
        self.assertEqual(reply.status, status, reply.raw[:500])
        self.assertEqual(reply.headers["content-type"], "application/problem+json")
        body = reply.json()
        self.assertEqual(body["status"], status)
        for key in ("type", "title", "detail", "code", "next_command"):
            self.assertIn(key, body)
        self.assertTrue(body["next_command"].startswith("selftune "), body)
        if code:
            self.assertEqual(body["code"], code)
