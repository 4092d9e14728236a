#!/usr/bin/env python3
"""Where a dashboard listens, and who else may be there.

    ports_test.py SELFTUNE SELFTUNE_DASHBOARD [unittest arguments]
"""

import fcntl
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import PROGRAMS  # noqa: E402
from life_case import LifeCase  # noqa: E402


class Ports(LifeCase):
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


if __name__ == "__main__":
    harness.main("cli", "dashboard")
