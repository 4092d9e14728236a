#!/usr/bin/env python3
"""Random and mutated requests: the server lives on and answers correctly.

    fuzz_test.py SELFTUNE SELFTUNE_DASHBOARD [unittest arguments]

The same seeds every time; $SELFTUNE_FUZZ_REQUESTS asks for more.
"""

import os
import random
import re
import sys

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import Reply, ServerTest  # noqa: E402

COUNT = int(os.environ.get("SELFTUNE_FUZZ_REQUESTS", "10000"))
# What a request may be answered with; never 5xx but those that say what is wrong with it.
ANSWERS = {200, 202, 304, 400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 417, 421, 431, 503, 505}
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"/", b"//", b"..", b"%2e%2e", b"%00",
          b"%", b"?", b"&", b"=", b"#", b"\xff\xfe", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9",
          b"Content-Length: 5", b"Content-Length: -1", b"Transfer-Encoding: chunked", b"Host: a",
          b"Connection: keep-alive", b"Upgrade: h2c", b"GET / HTTP/1.1\r\n", b"0\r\n\r\n",
          b"A" * 300, b"a=b&" * 40, b"{" * 200, b'"', b"\\", b"Expect: 100-continue",
          b"Range: bytes=0-1", b"\r\n\r\n", b"limit=1", b"cursor=", b"raw=true"]
TARGETS = ["/", "/api/health", "/api/v3/skills", "/api/v3/skills/1/daily?from=3d",
           "/api/v3/misses?limit=2", "/api/v3/summary", "/index.html", "/assets/x.js",
           "/api/v3/sessions?since=30d&limit=3", "/api/v2/session", "/api/v3/instance"]


class Fuzz(ServerTest):
    def valid(self, rng):
        """A request that is right."""
        method = rng.choice(["GET", "GET", "GET", "HEAD", "POST"])
        headers = [("X-Selftune", "1"), ("Content-Type", "application/json"),
                   ("Origin", self.server.origin)]
        if rng.random() < 0.7:
            headers.append(("Authorization", f"Bearer {self.server.token}"))
        body = rng.choice([b"", b'{"code":"x"}', b"[1,2,3]"]) if method == "POST" else b""
        return self.server.head(method, rng.choice(TARGETS), headers, body)

    def mutated(self, rng):
        data = bytearray(self.valid(rng))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data) + 1)
            kind = rng.randrange(5)
            if kind == 0:
                data[at:at] = rng.choice(PIECES)
            elif kind == 1 and data:
                del data[at:at + rng.randint(1, 30)]
            elif kind == 2 and at < len(data):
                data[at] = rng.randrange(256)
            elif kind == 3:
                data[at:at] = data[rng.randrange(len(data) + 1):][:rng.randint(1, 60)]
            elif at < len(data):
                data[at] ^= 1 << rng.randrange(8)
        # Always an end: what waits for more is the slow client's test.
        return bytes(data) + b"\r\n\r\n"

    def noise(self, rng):
        return rng.randbytes(rng.randint(1, 400)) + b"\r\n\r\n"

    def grammar(self, rng):
        return b"".join(rng.choice(PIECES) for _ in range(rng.randint(1, 40))) + b"\r\n\r\n"

    def send(self, data):
        """All that the server says before it closes; half-closed, so that it does not wait."""
        with self.server.connect() as sock:
            try:
                sock.sendall(data)
                sock.shutdown(1)
            except OSError:
                pass  # refused early
            return harness.read_to_end(sock)

    def check(self, data, said):
        for status in re.findall(rb"HTTP/1\.1 (\d{3}) [A-Z]", said):
            self.assertIn(int(status), ANSWERS, (data, said[:300]))
        if said:
            self.assertTrue(said.startswith(b"HTTP/1.1 "), (data, said[:300]))
        if self.server.token.encode() not in data:
            self.assertNotIn(b'"items"', said, data)

    def test_no_request_harms_the_server(self):
        before, answered = None, 0
        for seed in range(COUNT):
            rng = random.Random(seed)
            make = rng.choice([self.mutated, self.mutated, self.noise, self.grammar])
            data = make(rng)
            if b"/shutdown" in data or b"/events" in data:
                continue
            said = self.send(data)
            self.check(data, said)
            answered += bool(said)
            if seed % 250 == 0:
                self.assertIsNone(self.server.process.poll(), seed)
                reply = self.server.get("/api/v3/skills")
                self.assertEqual(reply.status, 200, seed)
                before = before or reply.json()
                self.assertEqual(reply.json(), before, seed)
        self.assertEqual(Reply(self.send(self.server.head("GET", "/api/health"))).status, 200)
        self.assertGreater(answered, COUNT // 2)

    def test_valid_requests_stay_valid(self):
        for seed in range(200):
            data = self.valid(random.Random(seed))
            said = self.send(data)
            self.check(data, said)
            self.assertTrue(said, data)


if __name__ == "__main__":
    harness.main("cli", "dashboard")
