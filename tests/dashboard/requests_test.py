#!/usr/bin/env python3
"""Which requests the dashboard answers: their shapes, their limits, their order.

    requests_test.py SELFTUNE SELFTUNE_DASHBOARD [unittest arguments]
"""

import concurrent.futures
import pathlib
import socket
import sys
import time

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import Reply, ServerTest  # noqa: E402


class Shapes(ServerTest):
    """Requests that two programs could understand in two ways."""

    def refused(self, data, status, code=None):
        reply = Reply(self.server.raw(data))
        self.assert_problem(reply, status, code)
        self.assertEqual(reply.headers["connection"], "close")

    def lines(self, *lines, first="GET /api/health HTTP/1.1", body=b""):
        head = [first, f"Host: 127.0.0.1:{self.server.port}", *lines]
        return "\r\n".join([*head, "", ""]).encode("latin-1") + body

    def test_smuggling(self):
        post = "POST /api/v2/session HTTP/1.1"
        inner = b"GET /api/v3/skills HTTP/1.1\r\n\r\n"
        for lines, status in (
                (["Content-Length: 5", "Transfer-Encoding: chunked"], 400),
                (["Transfer-Encoding: chunked", "Content-Length: 5"], 400),
                (["Content-Length: 5", "Content-Length: 5"], 400),
                (["Content-Length: 5", "Content-Length: 6"], 400),
                (["Content-Length: 5, 5"], 400), (["Content-Length: +5"], 400),
                (["Content-Length: -1"], 400), (["Content-Length: 0x5"], 400),
                (["Content-Length: 5 5"], 400), (["Content-Length:"], 400),
                (["Content-Length: 99999999999999999999999"], 413),
                (["Transfer-Encoding: chunked"], 411), (["Transfer-Encoding: identity"], 411),
                (["Transfer-Encoding: xchunked"], 411), (["Transfer-Encoding:"], 411),
                (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 400),
                (["Transfer-Encoding : chunked"], 400), ([" Transfer-Encoding: chunked"], 400),
                (["X: y\nTransfer-Encoding: chunked"], 400)):
            self.refused(self.lines(*lines, first=post, body=b"0\r\n\r\n" + inner), status)

    def test_headers_that_are_not_plain(self):
        for lines in (["X: a", " folded"], ["X: a", "\tfolded"], ["X : a"], [": a"], ["X"],
                      ["X\x00: a"], ["X: a\x00b"], ["X: a\rb"], ["X: a\nb"], ["X: a\x01"],
                      ["X(: a"], ["Host: other"], ["Cookie: a=b", "Cookie: c=d"],
                      ["Origin: http://a", "Origin: http://b"],
                      ["Authorization: Bearer a", "Authorization: Bearer b"],
                      ["X-Selftune-Key: a", "X-Selftune-Key: b"],
                      ["Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"]):
            self.refused(self.lines(*lines), 400)
        self.refused(b"GET /api/health HTTP/1.1\r\n\r\n", 400)
        self.refused(self.lines("Expect: 100-continue"), 417)

    def test_request_lines_that_are_not_plain(self):
        own = f"127.0.0.1:{self.server.port}"
        for first, status in (
                (f"GET http://{own}/api/health HTTP/1.1", 400), ("GET * HTTP/1.1", 400),
                (f"CONNECT {own} HTTP/1.1", 400), ("GET api/health HTTP/1.1", 400),
                ("GET  /api/health HTTP/1.1", 400), ("GET /api/health  HTTP/1.1", 400),
                ("GET /api/health", 400), ("/api/health HTTP/1.1", 400),
                ("GET /api/health HTTP/1.1 ", 400), ("GET /api/health HTTP/1.0", 505),
                ("GET /api/health HTTP/2.0", 505), ("GET /api/health HTTP/1.1x", 505),
                ("GET /api/health http/1.1", 400), ("G@T /api/health HTTP/1.1", 400),
                ("GET /api/health#x HTTP/1.1", 400), ("GET /api/h\xe9alth HTTP/1.1", 400),
                ("GET /api/health\x00 HTTP/1.1", 400), (" GET /api/health HTTP/1.1", 400),
                ("PRI * HTTP/2.0", 400)):
            self.refused(self.lines(first=first), status)
        self.refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400)

    def test_paths_that_lead_elsewhere(self):
        for path in ("/../etc/passwd", "/..%2fetc/passwd", "/%2e%2e/etc/passwd",
                     "/%2e%2e%2fetc%2fpasswd", "/assets/../../etc/passwd", "/./x", "/%2e/x",
                     "//etc/passwd", "/a//b", "/a/", "/a%00b", "/a%0ab", "/a%", "/a%2", "/a%zz",
                     "/a%5c..%5cb", "/\\..\\x", "/assets/%2e%2e%5cx", "/%c0%ae%c0%ae/..",
                     "/api/../api/v3/skills", "/api//v3/skills", "/api/v3/skills/",
                     "/assets/etc%2fpasswd"):
            reply = self.server.get(path)
            self.assert_problem(reply, 400, "BAD_PATH")
        for path in ("/etc/passwd.txt", "/%252e%252e/x.txt",
                     "/assets/none.js", "/favicon.nope"):
            self.assert_problem(self.server.get(path), 404, "NOT_FOUND")

    def test_a_query_is_understood_in_one_way(self):
        for query in ("?limit=1&limit=2", "?limit=%zz", "?limit=%00", "?nothing=1", "?limit=0",
                      "?limit=501", "?limit=1e3", "?limit=-1", "?limit=", "?limit= 5",
                      "?%6cimit=5&limit=6", "?q=%0a"):
            self.assertEqual(self.server.get("/api/v3/skills" + query.replace(" ", "%20")).status,
                             400, query)
        self.assertEqual(self.server.get("/api/v3/skills?limit=500&q=p%64f").status, 200)

    def test_methods(self):
        for method in ("PUT", "DELETE", "PATCH", "POST", "TRACE", "OPTIONS", "PROPFIND"):
            headers = [("Authorization", f"Bearer {self.server.token}"),
                       ("Origin", self.server.origin), ("X-Selftune", "1"),
                       ("Content-Type", "application/json")]
            reply = self.server.ask(method, "/api/v3/skills", headers)
            self.assert_problem(reply, 405, "METHOD_NOT_ALLOWED")
            self.assertEqual(reply.headers["allow"], "GET, HEAD")
            self.assert_problem(self.server.ask(method, "/"), 405)
        head = self.server.ask("HEAD", "/api/v3/skills",
                               [("Authorization", f"Bearer {self.server.token}")])
        whole = self.server.get("/api/v3/skills")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["content-length"], str(len(whole.body)))


class Limits(ServerTest):
    evidence = False
    flags = ("--max-streams", "4")

    def test_a_long_address(self):
        fine = self.server.get("/api/health?" + "&" * 4000)
        self.assertEqual(fine.status, 200)
        for size in (4096, 8000, 15000, 60000):
            self.assert_problem(self.server.get("/api/health?" + "a" * size), 414)

    def test_large_headers(self):
        fine = self.server.ask("GET", "/api/health", [("X-Long", "a" * 15000)])
        self.assertEqual(fine.status, 200)
        self.assert_problem(self.server.ask("GET", "/api/health", [("X-Long", "a" * 17000)]), 431)
        self.assert_problem(self.server.ask("GET", "/api/health", [("X-Long", "a" * 100000)]), 431)
        many = [(f"X-{n}", "1") for n in range(150)]
        self.assert_problem(self.server.ask("GET", "/api/health", many), 431)

    def test_a_large_body(self):
        for size in (65537, 100_000, 1_000_000):
            reply = self.server.post("/api/v2/session", {"code": "a" * size}, token=False)
            self.assert_problem(reply, 413, "BODY_TOO_LARGE")
        self.assertEqual(
            self.server.post("/api/v2/session", {"code": "a" * 65000}, token=False).status, 401)

    def silent(self, count):
        held = [self.server.connect() for _ in range(count)]
        self.addCleanup(lambda: [sock.close() for sock in held])
        return held

    def keep_open(self):
        """A connection on which somebody signed in asks, and the way to ask again."""
        sock = self.server.connect()
        self.addCleanup(sock.close)
        request = (f"GET /api/v3/instance HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n"
                   f"Authorization: Bearer {self.server.token}\r\n\r\n").encode()

        def ask():
            try:
                sock.sendall(request)
                said = b""
                while b"\r\n\r\n{" not in said or not said.endswith(b"}"):
                    chunk = sock.recv(65536)
                    if not chunk:
                        break
                    said += chunk
                return said[9:12]
            except ConnectionError:
                return b""

        return ask

    def test_strangers_cannot_fill_the_house(self):
        """Who says nothing, or has shown nothing, gives way; the oldest first."""
        own = self.keep_open()
        self.assertEqual(own(), b"200")
        held = self.silent(120)
        for sock in held:  # half of them say something
            if held.index(sock) % 2:
                sock.sendall(b"GET /api/health HTTP/1.1\r\nX: ")
        self.assertEqual(self.server.get("/api/v3/instance").status, 200)
        self.assertEqual(own(), b"200")
        self.assertTrue(self.server.alive())
        for sock in held:
            sock.setblocking(False)

        def closed():
            out = []
            for sock in held:
                try:
                    out.append(not sock.recv(65536, socket.MSG_PEEK))
                except BlockingIOError:
                    out.append(False)
                except ConnectionError:
                    out.append(True)
            return out

        self.assertTrue(harness.wait_until(lambda: sum(closed()) >= 120 - (4 + 48) + 1, 8))
        self.assertTrue(all(closed()[:60]))
        second = harness.Server(self.home)
        second.stop()
        self.assertTrue(second.data["reused"])

    def test_connections(self):
        asks = []
        self.assertTrue(harness.wait_until(
            lambda: self.server.get("/api/v3/instance").status == 200))
        for _ in range(4 + 48):
            asks.append(self.keep_open())
            self.assertEqual(asks[-1](), b"200")
        for _ in range(3):
            self.assert_problem(Reply(self.server.raw(self.server.head("GET", "/api/health"))),
                                503, "TOO_MANY_CONNECTIONS")
        self.assertEqual([ask() for ask in asks], [b"200"] * len(asks))

    def test_streams(self):
        streams = [harness.Stream(self.server) for _ in range(4)]
        for stream in streams:
            self.addCleanup(stream.close)
        for stream in streams:
            self.assertEqual(stream.next()["event"], "hello")
        self.assert_problem(self.server.get("/api/v3/events"), 429, "TOO_MANY_STREAMS")
        self.assertEqual(self.server.get("/api/v3/instance").json()["clients"], 4)
        streams.pop().close()
        self.assertTrue(harness.wait_until(
            lambda: self.server.get("/api/v3/instance").json()["clients"] == 3))
        streams.append(harness.Stream(self.server))
        self.assertEqual(streams[-1].next()["event"], "hello")
        for stream in streams:
            stream.close()
        self.assertTrue(harness.wait_until(
            lambda: self.server.get("/api/v3/instance").json()["clients"] == 0))

    def slow(self, first, drip):
        """Seconds until the server gives up on a client, and what it says."""
        begin = time.monotonic()
        said = b""
        with self.server.connect() as sock:
            sock.settimeout(0.5)
            sock.sendall(first)
            while time.monotonic() - begin < harness.PATIENCE:
                try:
                    chunk = sock.recv(65536)
                    if not chunk:
                        return time.monotonic() - begin, said
                    said += chunk
                    continue
                except TimeoutError:
                    pass
                except ConnectionError:
                    return time.monotonic() - begin, said
                try:
                    if drip and not said:
                        sock.sendall(drip)
                except ConnectionError:
                    pass  # what it said is still to be read
        return time.monotonic() - begin, None

    def test_slow_clients(self):
        head = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n".encode()
        body = (f"POST /api/v2/session HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n"
                "Content-Length: 60000\r\n\r\n").encode()
        cases = [(b"", b""), (b"G", b"E"), (head, b"X: y\r\n"), (head, b""), (body, b"{"),
                 (body, b"")]
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            ends = list(pool.map(lambda case: self.slow(*case), cases))
        for case, (seconds, said) in zip(cases, ends):
            self.assertIsNotNone(said, case)
            self.assertGreater(seconds, 8, case)
            self.assertLess(seconds, 20, case)
            if case[0]:
                self.assert_problem(Reply(said), 408, "REQUEST_TIMEOUT")
            else:
                self.assertEqual(said, b"")  # it has asked nothing
        self.assertTrue(self.server.alive())


class Protocol(ServerTest):
    evidence = False

    def test_requests_one_after_the_other_on_a_connection(self):
        request = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n\r\n".encode()
        last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        text = self.server.raw(request * 20 + last)
        self.assertEqual(text.count(b"HTTP/1.1 200 OK"), 21)
        self.assertEqual(text.count(b'"ok":true'), 21)

    def test_what_follows_a_bad_request_is_not_answered(self):
        good = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n\r\n".encode()
        text = self.server.raw(good + b"BROKEN\r\n\r\n" + good)
        self.assertEqual(text.count(b"HTTP/1.1 200 OK"), 1)
        self.assertEqual(text.count(b"HTTP/1.1 400"), 1)

    def test_a_request_in_pieces(self):
        request = self.server.head("GET", "/api/health")
        with self.server.connect() as sock:
            for byte in request:
                sock.sendall(bytes([byte]))
            self.assertEqual(Reply(harness.read_to_end(sock)).status, 200)

    def test_clients_that_leave_early(self):
        for cut in (0, 1, 10, 60):
            for _ in range(5):
                with self.server.connect() as sock:
                    sock.sendall(self.server.head("GET", "/api/health")[:cut])
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                    (1).to_bytes(4, "little") + (0).to_bytes(4, "little"))
        self.assertTrue(self.server.alive())

    def test_both_loopback_addresses(self):
        try:
            sock = socket.create_connection(("::1", self.server.port), timeout=5)
        except OSError:
            self.skipTest("this machine has no IPv6")
        with sock:
            sock.sendall(self.server.head("GET", "/api/health", host=f"[::1]:{self.server.port}"))
            self.assertEqual(Reply(harness.read_to_end(sock)).json()["ok"], True)

    def test_only_loopback_listens(self):
        listening = []
        for name, local in (("tcp", 8), ("tcp6", 32)):
            try:
                text = pathlib.Path(f"/proc/net/{name}").read_text(encoding="ascii")
            except FileNotFoundError:
                continue
            for line in text.splitlines()[1:]:
                fields = line.split()
                address, _, port = fields[1].partition(":")
                if fields[3] == "0A" and int(port, 16) == self.server.port:
                    listening.append(address)
                    self.assertEqual(len(address), local)
        self.assertIn("0100007F", listening)
        self.assertLessEqual(set(listening), {"0100007F", "0" * 24 + "01000000"})


if __name__ == "__main__":
    harness.main("cli", "dashboard")
