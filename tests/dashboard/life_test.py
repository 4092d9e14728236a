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
import time
from pathlib import Path

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import PROGRAMS, Server  # noqa: E402
from life_case import LifeCase  # noqa: E402


class Life(LifeCase):
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
