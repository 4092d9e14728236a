#!/usr/bin/env python3
"""One dashboard a state folder: start, reuse, restart, crash, end.

    life_test.py SELFTUNE SELFTUNE_DASHBOARD [unittest arguments]
"""

import fcntl
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import PROGRAMS, Home, Server  # noqa: E402


class Life(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.clean)
        self.servers = []
        self.addCleanup(lambda: [server.stop() for server in self.servers])

    def start(self, *flags, **kwargs):
        server = Server(self.home, *flags, **kwargs)
        self.servers.append(server)
        return server

    def run_server(self, *flags, env=None, program=None):
        """A server that is expected to end by itself: (exit code, envelope, stderr)."""
        done = subprocess.run([program or PROGRAMS["dashboard"], "--no-open", "--json", *flags],
                              env=dict(harness.environment(self.home.path), **(env or {})),
                              capture_output=True, text=True, timeout=harness.PATIENCE,
                              stdin=subprocess.DEVNULL, check=False)
        envelope = json.loads(done.stdout) if done.stdout else None
        if envelope and not envelope["ok"]:
            self.assertEqual(envelope["next"]["argv"][0], "selftune", envelope)
            self.assertIn("next: " + envelope["next"]["command"], done.stderr)
        return done.returncode, envelope, done.stderr

    def test_every_code_of_the_server_has_a_next_command(self):
        frontends = Path(harness.__file__).parents[2] / "frontends"
        table = (frontends / "cli" / "error_next.gen.h").read_text(encoding="utf-8")
        given = set()
        for source in (*frontends.glob("dashboard/*.cc"), *frontends.glob("dashboard/http/*.cc"),
                       *frontends.glob("cli/*.cc")):
            given |= set(re.findall(r'(?:\bcode = |\{\d{3}, |Refuse\(\d{3}, |UsageFailure\()"([A-Z_]+)"',
                                    source.read_text(encoding="utf-8")))
        self.assertGreater(len(given), 20)
        self.assertEqual({code for code in given if f'    {{"{code}", ' not in table}, set())

    def test_what_is_printed(self):
        server = self.start()
        self.assertEqual(set(server.data), {"url", "port", "pid", "reused", "version"})
        self.assertEqual(server.data["pid"], server.pid)
        self.assertFalse(server.data["reused"])
        self.assertRegex(server.data["url"], rf"^http://127\.0\.0\.1:{server.port}/#t=[0-9a-f]{{32}}$")
        envelope = server.envelope
        self.assertEqual(harness.schema_check.problems(
            harness.SCHEMAS["selftune/envelope@1"], envelope), [])
        self.assertEqual((envelope["ok"], envelope["command"]), (True, "dashboard"))
        self.assertEqual(server.sign_in().status, 200)
        self.assertEqual(server.sign_in().status, 401)

    def test_the_command_becomes_the_server(self):
        child = subprocess.Popen(
            [PROGRAMS["cli"], "--json", "dashboard", "--no-open", "--allow-root", "--idle-exit", "1h"],
            env=harness.environment(self.home.path), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            data = json.loads(child.stdout.readline())["data"]
            self.assertEqual(data["pid"], child.pid)
            with socket.create_connection(("127.0.0.1", data["port"]), timeout=harness.PATIENCE):
                pass
        finally:
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=harness.PATIENCE)
        self.assertEqual((child.returncode, out, err), (0, "", ""))

    def test_text_for_people(self):
        child = subprocess.Popen(
            [PROGRAMS["dashboard"], "--no-open", "--allow-root", "--text"],
            env=harness.environment(self.home.path), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        try:
            text = "".join(child.stdout.readline() for _ in range(6))
        finally:
            child.terminate()
            child.wait(harness.PATIENCE)
        self.assertIn("http://127.0.0.1:", text)
        self.assertIn("Ctrl-C ends it", text)

    def test_a_second_start_opens_the_first(self):
        first = self.start()
        second = Server(self.home)
        self.assertEqual(second.process.wait(harness.PATIENCE), 0)
        second.stop()
        self.assertTrue(second.data["reused"])
        self.assertEqual((second.data["pid"], second.port), (first.pid, first.port))
        self.assertNotEqual(second.data["url"], first.data["url"])
        # Both links work, each once.
        self.assertEqual(second.sign_in().status, 200)
        self.assertEqual(second.sign_in().status, 401)
        self.assertEqual(first.sign_in().status, 200)
        self.assertTrue(first.alive())

    def test_a_start_on_another_port_says_so(self):
        first = self.start()
        other = harness.free_port()
        code, envelope, _ = self.run_server("--allow-root", "--port", str(other))
        self.assertEqual((code, envelope["data"]["port"]), (0, first.port))
        self.assertEqual([w["code"] for w in envelope["warnings"]], ["OTHER_PORT"])
        _, envelope, _ = self.run_server("--allow-root", "--read-only")
        self.assertEqual([w["code"] for w in envelope["warnings"]], ["FLAGS_IGNORED"])

    def test_many_starts_at_once_are_one_server(self):
        starts = [Server(self.home, wait=False) for _ in range(6)]
        self.servers += starts
        for server in starts:
            server.begun()
        self.assertEqual(sum(not s.data["reused"] for s in starts), 1)
        self.assertEqual(len({s.data["pid"] for s in starts}), 1)
        self.assertEqual(len({s.code for s in starts}), 6)

    def test_restart_ends_the_old_one(self):
        first = self.start()
        second = self.start("--restart")
        self.assertFalse(second.data["reused"])
        self.assertNotEqual(second.pid, first.pid)
        self.assertEqual(first.process.wait(harness.PATIENCE), 0)
        self.assertTrue(second.alive())
        self.assertEqual(second.instance_file()["pid"], second.pid)
        self.assertEqual(second.sign_in(first.code).status, 401)

    def doctor(self):
        done = subprocess.run([PROGRAMS["cli"], "doctor", "--only", "dashboard", "--exit-zero", "--json"],
                              env=harness.environment(self.home.path), capture_output=True, text=True, check=False)
        check = json.loads(done.stdout)["data"]["checks"][0]
        return check["status"], check["message"], (check["guidance"] or {}).get("command")

    def test_the_doctor_knows_whether_it_runs(self):
        server = self.start()
        running = f"runs as process {server.pid} on port {server.port}"
        self.assertEqual(self.doctor(), ("pass", running, None))
        path = self.home.state / "run/dashboard.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "version": "0.0.1"}))
        status, message, command = self.doctor()
        self.assertEqual((status, command), ("warn", "selftune dashboard --restart"))
        self.assertIn(running + ", in version 0.0.1", message)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(harness.PATIENCE)
        self.assertEqual(self.doctor(), (
            "info", f"process {server.pid} ended without taking its file away", "selftune dashboard"))
        again = self.start()
        self.assertEqual(self.doctor()[0], "pass")
        again.stop()
        self.assertIn("does not run", self.doctor()[1])

    def test_restart_of_one_that_does_not_listen(self):
        first = self.start()
        os.kill(first.pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            code, envelope, _ = self.run_server("--allow-root")
            self.assertEqual((code, envelope["error"]["code"]), (7, "LOCK_HELD"))
            self.assertLess(time.monotonic() - begun, 20)
            # SIGTERM is pending until it goes on.
            second = Server(self.home, "--restart", wait=False)
            self.servers.append(second)
            # SigQ/ShdPnd: the signal has come.
            status = Path(f"/proc/{first.pid}/status")
            pending = 1 << (signal.SIGTERM - 1)
            self.assertTrue(harness.wait_until(lambda: any(
                int(line.split()[1], 16) & pending for line in
                status.read_text(encoding="ascii").splitlines() if line.startswith("ShdPnd"))))
        finally:
            os.kill(first.pid, signal.SIGCONT)
        second.begun()
        self.assertFalse(second.data["reused"])
        first.process.wait(harness.PATIENCE)

    def test_another_version_is_replaced(self):
        first = self.start()
        path = self.home.state / "run" / "dashboard.json"
        file = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(dict(file, version="0.0.1")), encoding="utf-8")
        second = self.start()
        self.assertFalse(second.data["reused"])
        self.assertEqual(first.process.wait(harness.PATIENCE), 0)

    def test_a_crash_leaves_nothing_in_the_way(self):
        first = self.start()
        first.process.kill()
        first.process.wait(harness.PATIENCE)
        self.assertTrue((self.home.state / "run" / "dashboard.json").exists())
        second = self.start()
        self.assertFalse(second.data["reused"])
        self.assertTrue(second.alive())
        self.assertNotEqual(second.token, first.token)

    def test_only_a_verified_process_is_ended(self):
        """The file names a process that is not the holder of the lock."""
        bystander = subprocess.Popen(["sleep", "600"])
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        run = self.home.state / "run"
        run.mkdir(parents=True, mode=0o700)
        with open(run / "dashboard.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = {"pid": bystander.pid, "port": harness.free_port(), "start_time": 1,
                    "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
                    "version": "0.1.0", "instance": "a" * 32, "token": "b" * 64, "started_at": ""}
            (run / "dashboard.json").write_text(json.dumps(file), encoding="utf-8")
            for flags in ([], ["--restart"]):
                code, envelope, err = self.run_server("--allow-root", *flags)
                self.assertEqual((code, envelope["error"]["code"]), (7, "LOCK_HELD"))
                self.assertEqual(err.count("\n"), 1)
        self.assertIsNone(bystander.poll())
        self.assertFalse(self.start().data["reused"])

    def test_a_port_in_use(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            code, envelope, err = self.run_server("--allow-root", "--port", str(port))
            self.assertEqual((code, envelope["error"]["code"]), (7, "PORT_TAKEN"))
            self.assertIn("PORT_TAKEN", err)
        server = self.start("--port", str(port))
        self.assertEqual(server.port, port)

    def test_the_usual_port_in_use(self):
        """In a network of its own: the port may be somebody's dashboard here."""
        if subprocess.run(["unshare", "--user", "--net", "--map-root-user", "true"], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("no network of one's own on this machine")
        script = ("import socket, subprocess, sys\n"
                  "subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)\n"
                  "taken = socket.create_server(('127.0.0.1', 3141)) if sys.argv[1] == 'taken' else None\n"
                  "child = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True)\n"
                  "print(child.stdout.readline(), end='')\n"
                  "child.terminate()\n"
                  "sys.exit(child.wait())\n")
        for taken in ("free", "taken"):
            done = subprocess.run(
                ["unshare", "--user", "--net", "--map-root-user", sys.executable, "-c", script, taken,
                 PROGRAMS["dashboard"], "--no-open", "--allow-root", "--json"],
                env=dict(harness.environment(self.home.path), PATH="/usr/sbin:/usr/bin:/sbin:/bin"),
                capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            envelope = json.loads(done.stdout)
            self.assertEqual(envelope["data"]["port"] == 3141, taken == "free")
            self.assertEqual([w["code"] for w in envelope["warnings"]],
                             [] if taken == "free" else ["PORT_TAKEN"])

    def test_root_is_refused(self):
        if os.geteuid() != 0:
            self.skipTest("only root can try it")
        code, envelope, _ = self.run_server()
        self.assertEqual((code, envelope["error"]["code"]), (2, "ROOT_REFUSED"))

    def test_flags(self):
        for flags in (["--port", "0"], ["--port", "x"], ["--port", "65536"], ["--port"],
                      ["--idle-exit", "5"], ["--idle-exit", "0s"], ["--max-streams", "0"],
                      ["--nothing"], ["word"], ["--host", "0.0.0.0"]):
            code, envelope, err = self.run_server("--allow-root", *flags)
            self.assertEqual((code, envelope["error"]["code"]), (64, "INVALID_FLAG"), flags)
            self.assertIn("INVALID_FLAG", err)

    def test_it_ends_when_nobody_uses_it(self):
        server = self.start("--idle-exit", "700ms")
        stream = harness.Stream(server)
        stream.next()
        time.sleep(1.5)
        self.assertIsNone(server.process.poll(), "a listener is a user")
        stream.close()
        self.assertEqual(server.process.wait(harness.PATIENCE), 0)
        self.assertFalse((self.home.state / "run" / "dashboard.json").exists())

    def test_an_end_by_signal_is_clean(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            server = self.start()
            stream = harness.Stream(server)
            stream.next()
            server.process.send_signal(number)
            self.assertEqual(stream.next()["event"], "bye")
            stream.close()
            code, out, err = server.stop()
            self.assertEqual((code, out, err), (0, "", ""))
            self.assertFalse((self.home.state / "run" / "dashboard.json").exists())

    def test_shutdown_needs_the_token(self):
        server = self.start()
        self.assertEqual(server.post("/api/v2/shutdown", {}, token=False).status, 401)
        self.assertTrue(server.alive())
        self.assertEqual(server.post("/api/v2/shutdown", {}).json(), {"ok": True})
        self.assertEqual(server.process.wait(harness.PATIENCE), 0)

    def test_a_run_folder_that_others_may_read_is_closed(self):
        run = self.home.state / "run"
        run.mkdir(parents=True)
        run.chmod(0o777)
        server = self.start()
        self.assertEqual(run.stat().st_mode & 0o777, 0o700)
        self.assertEqual(stat.S_IMODE((run / "dashboard.json").stat().st_mode), 0o600)
        server.stop()
        run.rename(self.home.path / "elsewhere")
        run.symlink_to(self.home.path / "elsewhere")
        code, envelope, _ = self.run_server("--allow-root")
        self.assertEqual((code, envelope["error"]["code"]), (1, "WRITE_FAILED"))

    def opener(self, *lines):
        """A folder with an xdg-open of these lines."""
        tools = self.home.path / "tools"
        tools.mkdir(exist_ok=True)
        program = tools / "xdg-open"
        program.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        program.chmod(0o755)
        return {"PATH": f"{tools}:/usr/bin:/bin"}

    def start_open(self, env, state=None):
        flags = ["--home", str(state)] if state else []
        child = subprocess.Popen([PROGRAMS["dashboard"], "--allow-root", "--json", *flags],
                                 env=dict(harness.environment(self.home.path), **env),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.terminate)
        return child, json.loads(child.stdout.readline())

    def test_the_browser_gets_the_link_by_a_private_file(self):
        """Arguments of processes can be read by everybody; the link is in none."""
        seen = self.home.path / "seen"
        env = self.opener(f'echo "$@" > {seen}.part; mv {seen}.part {seen}')
        # A folder whose name means something in an address.
        state = self.home.path / "a#b ?c%20d\u00fc"
        _, envelope = self.start_open(env, state)
        url = envelope["data"]["url"]
        self.assertTrue(harness.wait_until(seen.exists))
        argument = seen.read_text(encoding="utf-8").strip()
        page, = (state / "run").glob("open*.html")
        self.assertEqual(argument, page.as_uri())
        self.assertNotIn(url.partition("#t=")[2], page.name)
        self.assertEqual(page.stat().st_mode & 0o777, 0o600)
        self.assertIn(url, page.read_text(encoding="utf-8"))

    def test_the_link_does_not_stay_on_disk(self):
        server = self.start()
        urls = [self.open_again(), self.open_again()]
        self.assertEqual(self.shown(), sorted(urls))
        # The code of one browser leaves the file of the other alone.
        self.assertEqual(server.sign_in(urls[0].partition("#t=")[2]).status, 200)
        self.assertEqual(self.shown(), urls[1:])
        self.assertEqual(server.sign_in(urls[0].partition("#t=")[2]).status, 401)
        self.assertEqual(self.shown(), urls[1:])
        self.assertEqual(server.sign_in(urls[1].partition("#t=")[2]).status, 200)
        self.assertEqual(self.shown(), [])
        urls = [self.open_again()]
        self.assertEqual(self.shown(), urls)
        server.stop()
        self.assertEqual(self.shown(), [])

    def open_again(self):
        """The link that another start shows a browser."""
        child, envelope = self.start_open(self.opener("exit 0"))
        self.assertEqual((child.wait(harness.PATIENCE), envelope["warnings"]), (0, []))
        return envelope["data"]["url"]

    def shown(self):
        """The links of all files for browsers."""
        pages = (self.home.state / "run").glob("open*.html")
        return sorted(re.search('href="([^"]+)"', page.read_text(encoding="utf-8"))[1]
                      for page in pages)

    def test_a_browser_that_cannot_be_opened_is_said(self):
        first, envelope = self.start_open(self.opener("exit 3"))
        codes = [warning["code"] for warning in envelope["warnings"]]
        self.assertNotIn("BROWSER_NOT_OPENED", codes)  # it does not wait for that
        line = first.stderr.readline()
        self.assertIn("BROWSER_NOT_OPENED", line)
        self.assertIn("xdg-open ended with 3", line)
        second, envelope = self.start_open(self.opener("exit 4"))
        self.assertEqual(second.wait(harness.PATIENCE), 0)
        warning, = envelope["warnings"]
        self.assertEqual(warning["code"], "BROWSER_NOT_OPENED")
        self.assertIn("xdg-open ended with 4", warning["message"])

    def test_nobody_has_to_read_what_it_prints(self):
        reading, writing = os.pipe()
        os.close(reading)
        child = subprocess.Popen([PROGRAMS["dashboard"], "--no-open", "--allow-root"],
                                 env=harness.environment(self.home.path), stdout=writing,
                                 stdin=subprocess.DEVNULL)
        os.close(writing)
        self.addCleanup(child.wait, harness.PATIENCE)
        self.addCleanup(child.terminate)
        file = self.home.state / "run" / "dashboard.json"
        self.assertTrue(harness.wait_until(file.exists))
        second = Server(self.home)
        second.stop()
        self.assertEqual((second.data["reused"], second.data["pid"]), (True, child.pid))

    def inherit(self, *addresses):
        """Listening sockets of one port, as a service manager hands them over."""
        socks, port = [], 0
        for address in addresses:
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            self.addCleanup(sock.close)
            if ":" in address:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            sock.listen()
            port = sock.getsockname()[1]
            socks.append(sock)
        return socks, port

    def start_inheriting(self, socks):
        script = ("import os,sys\n"
                  "fds=[os.dup(int(n)) for n in sys.argv[1].split(',')]\n"
                  "high=[os.dup2(fd,100+i) for i,fd in enumerate(fds)]\n"
                  "[os.dup2(fd,3+i) for i,fd in enumerate(high)]\n"
                  "os.environ.update(LISTEN_PID=str(os.getpid()),LISTEN_FDS=str(len(fds)))\n"
                  "os.execv(sys.argv[2],sys.argv[2:])")
        child = subprocess.Popen(
            [sys.executable, "-c", script, ",".join(str(s.fileno()) for s in socks),
             PROGRAMS["dashboard"], "--no-open", "--allow-root", "--json"],
            pass_fds=[s.fileno() for s in socks], env=harness.environment(self.home.path),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait, harness.PATIENCE)
        self.addCleanup(child.terminate)
        return child, json.loads(child.stdout.readline())

    def test_sockets_of_a_service_manager(self):
        cases = [["127.0.0.1"]]
        if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
            cases += [["127.0.0.1", "::1"], ["::1", "127.0.0.1"]]
        for addresses in cases:
            socks, port = self.inherit(*addresses)
            child, envelope = self.start_inheriting(socks)
            self.assertEqual(envelope["data"]["port"], port, addresses)
            child.terminate()
            self.assertEqual(child.wait(harness.PATIENCE), 0)

    def test_sockets_that_leave_a_place_for_a_stranger_are_refused(self):
        """Links and programs go to 127.0.0.1: somebody else must not be there."""
        cases = [["0.0.0.0"], ["127.0.0.2"]]
        if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
            cases += [["::1"], ["::1", "127.0.0.2"]]
        for addresses in cases:
            socks, _ = self.inherit(*addresses)
            child, envelope = self.start_inheriting(socks)
            self.assertEqual(child.wait(harness.PATIENCE), 1, addresses)
            self.assertEqual(envelope["error"]["code"], "LISTEN_FAILED")

    def stranger(self, answer):
        """Somebody who listens where the file says the dashboard does, while its
        process lives; what it hears."""
        heard = []
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.settimeout(5)
                    said = b""
                    try:
                        while b"\r\n\r\n" not in said:
                            chunk = client.recv(65536)
                            if not chunk:
                                break
                            said += chunk
                        heard.append(said)
                        client.sendall(answer(said))
                    except OSError:
                        pass

        threading.Thread(target=serve, daemon=True).start()
        return heard, server.getsockname()[1]

    def test_a_stranger_on_the_port_learns_and_gives_nothing(self):
        first = self.start()
        first.stop()
        bystander = subprocess.Popen(["sleep", "600"])
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        stat = Path(f"/proc/{bystander.pid}/stat").read_text(encoding="ascii")
        token = "5ec7e7" * 10 + "abcd"
        file = {"pid": bystander.pid, "start_time": int(stat.rsplit(")", 1)[1].split()[19]),
                "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
                "version": first.data["version"], "instance": "a" * 32, "token": token,
                "started_at": ""}

        def answer(_):
            body = json.dumps({"instance": file["instance"], "pid": file["pid"],
                               "code": "0" * 32}).encode()
            return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"X-Selftune-Proof: " + b"0" * 64 + b"\r\n"
                    b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

        heard, file["port"] = self.stranger(answer)
        run = self.home.state / "run"
        run.mkdir(parents=True, mode=0o700, exist_ok=True)
        with open(run / "dashboard.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (run / "dashboard.json").write_text(json.dumps(file), encoding="utf-8")
            code, envelope, _ = self.run_server("--allow-root")
        self.assertEqual((code, envelope["error"]["code"]), (7, "LOCK_HELD"))
        self.assertTrue(heard)
        self.assertTrue(heard[0].startswith(b"GET /api/v3/instance HTTP/1.1\r\n"), heard[0])
        for request in heard:
            self.assertNotIn(token.encode(), request)
            self.assertNotIn(b"/code", request)  # it never came so far

    def test_it_writes_nothing_but_its_own_files(self):
        self.home.write_evidence().sync()
        before = {p: p.stat().st_mtime_ns for p in self.home.path.rglob("*") if p.is_file()}
        server = self.start("--read-only")
        self.assertTrue(server.get("/api/v3/instance").json()["read_only"])
        for route, _, _ in harness.ROUTES:
            server.get(route.replace("{id}", "1"))
        server.stop()
        after = {p: p.stat().st_mtime_ns for p in self.home.path.rglob("*") if p.is_file()}
        changed = {p.relative_to(self.home.state).as_posix() for p in set(before) ^ set(after) |
                   {p for p in before if after.get(p) != before[p]}}
        self.assertLessEqual(changed, {"run/dashboard.lock", "selftune.db-shm", "selftune.db-wal"})


if __name__ == "__main__":
    harness.main("cli", "dashboard")
