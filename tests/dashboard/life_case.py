"""Servers that a test starts in a home of its own, and ends."""

import json
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import PROGRAMS, Home, Server  # noqa: E402


class LifeCase(unittest.TestCase):
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
