"""The dashboard server under load, on loopback (performance.md 3.4)."""

import json
import os
import re
import select
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import measure
from measure import Ratio, percentile

MIB = 1024 * 1024

# Every read route that an operation answers; {id}, {name}, {session}: the dearest there are.
ROUTES = [
    "/api/v2/overview", "/api/v2/skills/{name}", "/api/v3/summary", "/api/v3/skills",
    "/api/v3/skills/{id}", "/api/v3/skills/{id}/daily", "/api/v3/skills/{id}/observations",
    "/api/v3/skills/{id}/misses", "/api/v3/misses", "/api/v3/sessions", "/api/v3/sessions/{session}",
    "/api/v3/proposals", "/api/v3/runs", "/api/v3/sources",
]


class Server:
    def __init__(self, program, env, state):
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [program, "--no-open", "--allow-root", "--json"], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise measure.ProgramFailed(f"{program}: did not start")
        self.port = json.loads(line)["data"]["port"]
        self.token = json.loads((Path(state) / "run" / "dashboard.json").read_text())["token"]
        self.client = Client(self)
        self.client.get("/api/health")
        self.start_time = time.perf_counter() - self.started

    def memory(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024

    def switches(self):
        """Times that a thread of it was woken."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            text = (task / "status").read_text(encoding="ascii")
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M).group(1))
        return total

    def cpu(self):
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.client.close()
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()


class Yard:
    """yard_http: the same client against a server that has its bodies ready."""

    token = "none"

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def times(self, size, count):
        client = Client(self)
        try:
            return client.times(f"/{size}", count)
        finally:
            client.close()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Client:
    """One connection that is kept."""

    def __init__(self, server):
        self.head = (f" HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                     f"Authorization: Bearer {server.token}\r\n\r\n").encode()
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, target):
        """The body; the seconds it took are in .took."""
        begin = time.perf_counter()
        self.sock.sendall(b"GET " + target.encode() + self.head)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        size = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(body) < size:
            body += self._more()
        self.took = time.perf_counter() - begin
        if not head.startswith(b"HTTP/1.1 200"):
            raise measure.ProgramFailed(f"{target}: {head[:60]!r} {body[:200]!r}")
        return body

    def _more(self):
        chunk = self.sock.recv(1 << 18)
        if not chunk:
            raise measure.ProgramFailed("the server closed the connection")
        return chunk

    def times(self, target, count):
        """Milliseconds of each call."""
        out = []
        for _ in range(count):
            self.get(target)
            out.append(self.took * 1000)
        return out

    def close(self):
        self.sock.close()


class Events:
    def __init__(self, server):
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        client = Client(server)
        self.sock.sendall(b"GET /api/v3/events" + client.head)
        client.close()
        self.wait_for(b"event: hello")

    def wait_for(self, mark):
        data = b""
        while mark not in data:
            data += self.sock.recv(65536)
        return time.perf_counter()


def names(client):
    """Fills in the skill with most rows and the longest session."""
    skills = json.loads(client.get("/api/v3/skills?sort=uses&limit=1"))["items"]
    sessions = json.loads(client.get("/api/v3/sessions?limit=100"))["items"]
    largest = max(sessions, key=lambda s: s["prompts"] + s["tool_calls"])
    values = {"id": skills[0]["skill_id"], "name": skills[0]["name"].replace(":", "%3A"),
              "session": largest["session_id"]}
    return [route.format(**values) for route in ROUTES]


def commit(path):
    """A commit of another connection, as a writer makes it; when it was done."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE change_clock SET version=version+1, topics=1")
    db.execute("COMMIT")
    done = time.perf_counter()
    db.close()
    return done


def delays(server, store, count):
    """Milliseconds from a commit to its event; each is a first one."""
    events, out = Events(server), []
    for _ in range(count):
        time.sleep(0.3)
        done = commit(store)
        out.append((events.wait_for(b"event: change") - done) * 1000)
    events.sock.close()
    return [max(delay, 0.0) for delay in out]


def crowded(server, target, other, count):
    """One client's times while seven call `other` as fast as they can."""
    stop = threading.Event()

    def call():
        client = Client(server)
        while not stop.is_set():
            client.get(other)
        client.close()

    threads = [threading.Thread(target=call) for _ in range(7)]
    for thread in threads:
        thread.start()
    try:
        client = Client(server)
        return client.times(target, count)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def idle(server, seconds):
    """Wake-ups a second and share of a CPU with one listener."""
    events = Events(server)
    time.sleep(1)
    switches, cpu, begin = server.switches(), server.cpu(), time.monotonic()
    while (left := seconds - (time.monotonic() - begin)) > 0:
        select.select([], [], [], left)
    took = time.monotonic() - begin
    events.sock.close()
    return (server.switches() - switches) / took, (server.cpu() - cpu) / took * 100


def bench(add, program, env, state, yards, full):
    """All rows; `add(name, ratio, note)`, `yards` finds the path of a yardstick."""
    store = Path(state) / "selftune.db"
    count = 200 if full else 60
    starts, firsts, memories = [], {}, []
    for _ in range(5 if full else 3):
        yard = percentile([measure.run([yards("yard_nop")], env).wall for _ in range(5)], 0.5)
        server = Server(program, env, state)
        try:
            starts.append(server.start_time / yard)
            memories.append(server.memory() / MIB)
            for route in names_of(server):
                client = Client(server)
                client.get(route)
                firsts.setdefault(route, []).append(client.took * 1000)
                client.close()
        finally:
            server.stop()
    add("dash.start_per_nop", Ratio.of(starts), "")
    worst = max(firsts, key=lambda r: percentile(firsts[r], 0.5))
    add("dash.first_call_ms", Ratio.of(firsts[worst]), worst)
    add("dash.memory_start_mib", Ratio.of(memories), "")
    server = Server(program, env, state)
    try:
        _steady(add, server, store, count, full, yards)
    finally:
        server.stop()


def names_of(server):
    client = Client(server)
    try:
        return names(client)
    finally:
        client.close()


def _yardstick(yards):
    """What the same client measures of bodies that cost nothing: p50 of each size."""
    yard = Yard(yards("yard_http"))
    try:
        return {size: percentile(yard.times(size, 500), 0.5) for size in (500, 100_000, 1_000_000)}
    finally:
        yard.stop()


def _steady(add, server, store, count, full, yards):
    client = server.client
    health = client.times("/api/health", 2000)
    yard = _yardstick(yards)
    add("dash.health_p99_ms", Ratio.of([percentile(health, 0.99)]),
        f"signed in; p50 {percentile(health, 0.5) / yard[500]:.1f} yard_http of 0.5 KB")
    routes = names(client)
    times = {route: client.times(route, count) for route in routes}
    for name, share in (("dash.route_p50_ms", 0.5), ("dash.route_p99_ms", 0.99)):
        worst = max(routes, key=lambda r: percentile(times[r], share))
        add(name, Ratio.of([percentile(times[worst], share)]),
            f"{worst}; yard_http of 100 KB: {yard[100_000]:.2f} ms, of 1 MB: {yard[1_000_000]:.2f}")
    dearest = max(routes, key=lambda r: percentile(times[r], 0.5))
    beside = crowded(server, "/api/v3/skills", dearest, count)
    add("dash.crowded_p99_ms", Ratio.of([percentile(beside, 0.99)]), f"beside {dearest}")
    add("dash.overview_kb", Ratio.of([len(client.get("/api/v2/overview")) / 1000]), "")
    waits = delays(server, store, 60 if full else 20)
    add("dash.event_p50_ms", Ratio.of([percentile(waits, 0.5)]), "")
    add("dash.event_p99_ms", Ratio.of([percentile(waits, 0.99)]), "")
    for i in range(10_000):
        client.get(routes[i % len(routes)] if full or i % 10 == 0 else "/api/v3/summary")
    add("dash.memory_busy_mib", Ratio.of([server.memory() / MIB]), "after 10 000 requests")
    wakes, share = idle(server, 60 if full else 15)
    add("dash.idle_wakes_per_s", Ratio.of([wakes]), f"{share:.2f} % of a CPU")
