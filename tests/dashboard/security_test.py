#!/usr/bin/env python3
"""What a hostile page or program can try against the dashboard.

    security_test.py SELFTUNE SELFTUNE_DASHBOARD [unittest arguments]
"""

import sys
import time

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


if __name__ == "__main__":
    harness.main("cli", "dashboard")
