#!/usr/bin/env python3
"""What a hostile page or program can try against the dashboard.

    security_test.py SELFTUNE SELFTUNE_DASHBOARD [unittest arguments]
"""

import concurrent.futures

import pathlib
import socket
import sys
import time
import unittest

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import OWN, ROUTES, Reply, ServerTest  # noqa: E402


class HostilePage(ServerTest):
    """Requests as a browser sends them for a page of another site."""

    def test_another_origin_reads_nothing(self):
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1",
                       f"https://127.0.0.1:{self.server.port}",
                       f"http://127.0.0.1:{self.server.port}.evil.example",
                       f"http://localhost:{self.server.port}1"):
            reply = self.server.get("/api/v3/skills", ("Origin", origin))
            self.assert_problem(reply, 403, "FORBIDDEN_ORIGIN")

    def test_no_response_has_a_cors_header(self):
        replies = [self.server.get("/api/v3/skills", ("Origin", self.server.origin)),
                   self.server.get("/api/v3/skills", ("Origin", "https://evil.example")),
                   self.server.ask("GET", "/api/health"),
                   self.server.ask("OPTIONS", "/api/v3/skills", [
                       ("Origin", "https://evil.example"),
                       ("Access-Control-Request-Method", "GET"),
                       ("Access-Control-Request-Headers", "authorization")])]
        self.assertEqual(replies[0].status, 200)
        for reply in replies:
            for name in reply.headers:
                self.assertFalse(name.startswith("access-control-"), name)
        self.assertEqual(replies[3].status, 403)

    def test_cross_site_reads_are_refused_even_when_signed_in(self):
        for site in ("cross-site", "same-site"):
            for mode in ("no-cors", "cors", "navigate", "websocket"):
                reply = self.server.get("/api/v3/skills", ("Sec-Fetch-Site", site),
                                        ("Sec-Fetch-Mode", mode))
                self.assert_problem(reply, 403, "FORBIDDEN_SITE")
        for site in ("same-origin", "none"):
            self.assertEqual(self.server.get("/api/v3/skills", ("Sec-Fetch-Site", site)).status, 200)

    def test_the_page_is_no_subresource_or_frame_of_another_site(self):
        for mode, dest in (("no-cors", "script"), ("no-cors", "image"), ("navigate", "iframe"),
                           ("navigate", "object"), ("cors", "empty")):
            reply = self.server.ask("GET", "/", [("Sec-Fetch-Site", "cross-site"),
                                                 ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest)])
            self.assert_problem(reply, 403, "FORBIDDEN_SITE")
        opened = self.server.ask("GET", "/", [("Sec-Fetch-Site", "cross-site"),
                                              ("Sec-Fetch-Mode", "navigate"),
                                              ("Sec-Fetch-Dest", "document")])
        self.assertIn(opened.status, (200, 503))  # a link may open it

    def test_a_form_of_another_site_changes_nothing(self):
        forms = [("application/x-www-form-urlencoded", b"a=b"), ("text/plain", b'{"code":"x"}'),
                 ("multipart/form-data; boundary=x", b"--x--")]
        for target in ("/api/v2/shutdown", "/api/v2/session", "/api/v3/instance/code"):
            for mime, body in forms:
                token = ("Authorization", f"Bearer {self.server.token}")
                foreign = self.server.ask("POST", target, [
                    token, ("Origin", "https://evil.example"), ("Content-Type", mime)], body)
                self.assert_problem(foreign, 403)
                # Not even from our own origin.
                own = self.server.ask("POST", target, [
                    token, ("Origin", self.server.origin), ("X-Selftune", "1"),
                    ("Content-Type", mime)], body)
                self.assert_problem(own, 415)
        self.assertTrue(self.server.alive())

    def test_a_changing_request_needs_origin_header_and_type(self):
        good = {"Authorization": f"Bearer {self.server.token}", "Origin": self.server.origin,
                "X-Selftune": "1", "Content-Type": "application/json",
                "Sec-Fetch-Site": "same-origin"}
        whole = self.server.ask("POST", "/api/v3/instance/code", good.items(), b"{}")
        self.assertEqual(whole.status, 200)
        for name, status in (("Authorization", 401), ("Origin", 403), ("X-Selftune", 403),
                             ("Content-Type", 415)):
            rest = [(k, v) for k, v in good.items() if k != name]
            self.assertEqual(self.server.ask("POST", "/api/v3/instance/code", rest, b"{}").status,
                             status, name)
        for name, value, status in (("Sec-Fetch-Site", "none", 403), ("X-Selftune", "2", 403),
                                    ("Content-Type", "application/json5", 415),
                                    ("Content-Type", "text/json", 415),
                                    ("Origin", "http://127.0.0.1", 403)):
            other = dict(good, **{name: value})
            reply = self.server.ask("POST", "/api/v3/instance/code", other.items(), b"{}")
            self.assertEqual(reply.status, status, (name, value))

    def test_a_name_that_points_here_is_not_us(self):
        for host in ("evil.example", f"evil.example:{self.server.port}", "127.0.0.1", "localhost",
                     "127.0.0.1:1", f"127.0.0.1.evil.example:{self.server.port}", "",
                     f"0.0.0.0:{self.server.port}", f"127.0.0.2:{self.server.port}",
                     f"[::]:{self.server.port}", f"user@127.0.0.1:{self.server.port}"):
            request = (f"GET /api/v3/skills HTTP/1.1\r\nHost: {host}\r\n"
                       f"Authorization: Bearer {self.server.token}\r\nConnection: close\r\n\r\n")
            self.assert_problem(Reply(self.server.raw(request.encode())), 421, "WRONG_HOST")
        for host in ("127.0.0.1", "localhost", "[::1]"):
            reply = self.server.ask("GET", "/api/health", host=f"{host}:{self.server.port}")
            self.assertEqual(reply.status, 200)

    def test_a_web_socket_is_not_opened(self):
        reply = self.server.get("/api/v3/events", ("Origin", "https://evil.example"),
                                ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="))
        self.assert_problem(reply, 400, "UPGRADE_REFUSED")

    def test_every_response_forbids_frames_sniffing_and_remote_code(self):
        pages = [self.server.ask("GET", "/"), self.server.ask("GET", "/nothing.js"),
                 self.server.ask("GET", "/api/health"), self.server.get("/api/v3/skills"),
                 self.server.ask("GET", "/api/v3/skills"), self.server.raw(b"\r\n\r\n")]
        for page in pages:
            reply = page if isinstance(page, Reply) else Reply(page)
            policy = reply.headers["content-security-policy"]
            for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'",
                         "img-src 'self' data:", "font-src 'self'", "connect-src 'self'",
                         "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
                         "require-trusted-types-for 'script'"):
                self.assertIn(part, policy)
            self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
            self.assertEqual(reply.headers["x-frame-options"], "DENY")
            self.assertEqual(reply.headers["referrer-policy"], "no-referrer")
            self.assertEqual(reply.headers["cross-origin-opener-policy"], "same-origin")
            self.assertEqual(reply.headers["cross-origin-resource-policy"], "same-origin")
            self.assertEqual(reply.headers["cross-origin-embedder-policy"], "require-corp")
            self.assertNotIn("server", reply.headers)
        self.assertEqual(self.server.get("/api/v3/skills").headers["cache-control"], "no-store")


class SignIn(ServerTest):
    def test_every_address_of_the_interface_needs_a_session(self):
        addresses = [("GET", route[0].replace("{id}", "1")) for route in ROUTES] + OWN
        addresses += [("GET", "/api/v3/nothing"), ("GET", "/api"), ("DELETE", "/api/v3/skills"),
                      ("GET", "/api/v2/analytics"), ("PUT", "/api/health2")]
        wrong = [[], [("Authorization", "Bearer " + "0" * 64)], [("Authorization", "Bearer ")],
                 [("Authorization", self.server.token)],
                 [("Authorization", f"Basic {self.server.token}")],
                 [("Cookie", f"selftune_{self.server.port}=")],
                 [("Cookie", f"selftune_{self.server.port}={self.server.token}")],
                 [("Cookie", f"selftune_{self.server.port}={'0' * 64}")],
                 [("X-Selftune-Key", "")], [("X-Selftune-Key", self.server.token)]]
        for method, target in addresses:
            for headers in wrong:
                self.assert_problem(self.server.ask(method, target, headers), 401, "NOT_SIGNED_IN")

    def test_health_tells_strangers_only_that_it_is_here(self):
        stranger = self.server.ask("GET", "/api/health")
        self.assertEqual(set(stranger.json()), {"ok", "service", "version", "api", "instance"})
        self.assertEqual(stranger.json()["service"], "selftune-dashboard")
        full = self.server.get("/api/health").json()
        for key in ("latest_version", "update_available", "auto_update_supported", "update_hint",
                    "pid", "spa", "spa_mode", "spa_build_id", "spa_proxy_url",
                    "v2_data_available", "workspace_root", "git_sha", "db_path", "log_dir",
                    "config_dir", "watcher_mode", "process_mode", "host", "port"):
            self.assertIn(key, full)
        self.assertEqual(full["pid"], self.server.pid)
        self.assertTrue(full["v2_data_available"])
        self.assertEqual(full["config_dir"], str(self.home.state))

    def test_a_code_opens_one_session(self):
        code = self.server.post("/api/v3/instance/code", {}).json()
        self.assertEqual(code["expires_in_s"], 60)
        first = self.server.sign_in(code["code"])
        self.assertEqual(first.status, 200)
        self.assertEqual(first.headers["cache-control"], "no-store")
        key = first.json()["key"]
        self.assertRegex(key, "^[0-9a-f]{64}$")
        self.assertNotIn(self.server.token, first.raw.decode())
        self.assert_problem(self.server.sign_in(code["code"]), 401, "CODE_INVALID")
        reply = self.server.ask("GET", "/api/v3/skills", [("X-Selftune-Key", key)])
        self.assertEqual(reply.status, 200)
        for wrong in (key[:-1], key + "0", key.upper(), "", "0" * 64):
            reply = self.server.ask("GET", "/api/v3/skills", [("X-Selftune-Key", wrong)])
            self.assert_problem(reply, 401, "NOT_SIGNED_IN")
        # A browser's session is not the token.
        for method, target in OWN[2:]:
            reply = self.server.ask(method, target, [
                ("X-Selftune-Key", key), ("Origin", self.server.origin),
                ("X-Selftune", "1"), ("Content-Type", "application/json")], b"{}")
            self.assert_problem(reply, 401)

    def test_cookies_open_nothing_and_end_nothing(self):
        """Browsers send them to every port of a host, and take them from every port."""
        code = self.server.post("/api/v3/instance/code", {}).json()["code"]
        reply = self.server.sign_in(code)
        self.assertNotIn("set-cookie", reply.headers)
        key = reply.json()["key"]
        for name in (f"selftune_{self.server.port}", "selftune-key", "X-Selftune-Key"):
            alone = self.server.ask("GET", "/api/v3/skills", [("Cookie", f"{name}={key}")])
            self.assert_problem(alone, 401, "NOT_SIGNED_IN")
            beside = self.server.ask("GET", "/api/v3/skills", [
                ("Cookie", f"{name}=junk; {name}={key}"), ("X-Selftune-Key", key)])
            self.assertEqual(beside.status, 200)

    def test_a_stream_needs_the_key_too(self):
        (name, key), = self.server.session()
        for headers in ([], [("Cookie", f"selftune_{self.server.port}={key}")]):
            self.assert_problem(self.server.ask("GET", "/api/v3/events", headers), 401)
        self.assert_problem(self.server.ask("GET", f"/api/v3/events?key={key}"), 401)
        with self.server.connect() as sock:
            sock.sendall(self.server.head("GET", "/api/v3/events", [(name, key)]))
            said = b""
            while b"event: hello" not in said:
                chunk = sock.recv(4096)
                self.assertTrue(chunk, said)
                said += chunk
            self.assertTrue(said.startswith(b"HTTP/1.1 200 OK"))

    def test_a_head_of_a_stream_has_no_length(self):
        reply = self.server.ask("HEAD", "/api/v3/events",
                                [("Authorization", f"Bearer {self.server.token}")])
        self.assertEqual((reply.status, reply.body), (200, b""))
        self.assertNotIn("content-length", reply.headers)
        self.assertEqual(self.server.get("/api/v3/instance").json()["clients"], 0)

    def test_the_scheme_of_a_token_has_no_case(self):
        for scheme in ("bearer", "BEARER", "Bearer "):
            reply = self.server.ask("GET", "/api/v3/skills",
                                    [("Authorization", f"{scheme} {self.server.token}")])
            self.assertEqual(reply.status, 200, scheme)

    def test_a_proof_opens_what_the_token_opens_once(self):
        target = "/api/v3/skills?limit=2"
        header, nonce = self.server.proof("GET", target)
        reply = self.server.ask("GET", target, [header])
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.headers["x-selftune-proof"], harness.keyed(
            self.server.token, "reply", nonce, "200", reply.body))
        self.assert_problem(self.server.ask("GET", target, [header]), 401)
        # For another request, address, time, or made with another token.
        now = int(time.monotonic())
        wrong = [self.server.proof("GET", "/api/v3/skills")[0],
                 self.server.proof("HEAD", target)[0],
                 self.server.proof("GET", target, b"x")[0],
                 self.server.proof("GET", target, address=f"[::1]:{self.server.port}")[0],
                 self.server.proof("GET", target, address="127.0.0.1:1")[0],
                 self.server.proof("GET", target, stamp=now - 300)[0],
                 self.server.proof("GET", target, stamp=now + 300)[0],
                 self.server.proof("GET", target, token="0" * 64)[0],
                 ("Authorization", "Selftune-Proof "), ("Authorization", "Selftune-Proof 1.2.3"),
                 ("Authorization", f"Selftune-Proof {now}.{'a' * 32}.")]
        for header in wrong:
            reply = self.server.ask("GET", target, [header])
            self.assert_problem(reply, 401, "NOT_SIGNED_IN")
            self.assertNotIn("x-selftune-proof", reply.headers)
        code = self.server.proof("POST", "/api/v3/instance/code", b"{}")[0]
        reply = self.server.ask("POST", "/api/v3/instance/code", [
            code, ("Origin", self.server.origin), ("X-Selftune", "1"),
            ("Content-Type", "application/json")], b"{}")
        self.assertEqual(reply.status, 200)

    def test_the_token_is_in_no_response(self):
        for route in ROUTES:
            reply = self.server.get(route[0].replace("{id}", str(self.skill_id())))
            self.assertNotIn(self.server.token.encode(), reply.raw, route[0])
        for target in ("/api/v3/instance", "/api/health"):
            self.assertNotIn(self.server.token.encode(), self.server.get(target).raw)

    def test_the_files_are_readable_by_their_owner_only(self):
        run = self.home.state / "run"
        self.assertEqual(run.stat().st_mode & 0o777, 0o700)
        for path in run.iterdir():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


class Guessing(ServerTest):
    evidence = False

    def test_guessing_codes_is_stopped(self):
        for body in ({}, {"code": 7}, {"code": None}, [], "x"):
            self.assert_problem(self.server.post("/api/v2/session", body, token=False), 400)
        seen = [self.server.sign_in(f"{n:032x}").status for n in range(12)]
        self.assertEqual(seen, [401] * 10 + [429] * 2)
        self.assertEqual(self.server.get("/api/v3/instance").status, 200)
        # Nobody is locked out by somebody else's guesses.
        self.assertEqual(self.server.sign_in().status, 200)


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
