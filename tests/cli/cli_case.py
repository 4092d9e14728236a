"""What the tests of the command line share: it run as a process, its replies checked.

A test file sets SELFTUNE and loads the schemas, both of its command line, before it runs.
"""

import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import schema_check  # noqa: E402
import surroundings  # noqa: E402

# Whoever runs the tests may ignore them (nohup, a shell's &), and a command keeps that.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)

SELFTUNE = ""
SCHEMAS = {}
SKILL = "---\nname: pdf\ndescription: Fill forms.\n---\n\n# PDF\n"
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c"


def load_schemas(folder):
    for path in pathlib.Path(folder).glob("*.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        SCHEMAS[schema["$id"]] = schema


class CliTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="selftune-cli-")
        self.home = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def env(self, **extra):
        return surroundings.environment(self.home, **{"PATH": "/usr/bin:/bin", "TERM": "xterm", "NO_COLOR": None} | extra)

    def run_cli(self, *argv, stdin=None, env=None):
        done = subprocess.run([SELFTUNE, *argv], input=stdin, capture_output=True, env=env or self.env(),
                              timeout=120, cwd=self.home)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def envelope(self, *argv, code=0, stdin=None, env=None):
        """Runs a command that must print one well-formed envelope and exit with `code`."""
        status, out, err = self.run_cli(*argv, stdin=stdin, env=env)
        self.assertEqual(out.count("\n"), 1, "one line on stdout, not %r (stderr %r)" % (out, err))
        doc = json.loads(out)
        self.assertEqual(status, code, out + err)
        self.assertEqual(schema_check.problems(SCHEMAS["selftune/envelope@1"], doc), [])
        self.assertIn(doc["schema"], SCHEMAS, "the schema is published")
        if doc["data"] is not None and "--fields" not in argv:
            self.assertEqual(schema_check.problems(SCHEMAS[doc["schema"]], doc["data"]), [])
        if "--exit-zero" in argv:
            return doc
        self.assertEqual(doc["ok"], status == 0)
        if doc["ok"]:
            self.assertIsNone(doc["error"])
            self.assertEqual(err, "", "a command that works says nothing on stderr")
        else:
            self.assertEqual(doc["error"]["exit_code"], status)
            self.assertEqual(err.count("\n"), 1, "one line on stderr, not %r" % err)
            self.assertIn(doc["error"]["code"], err)
        return doc

    def on_terminal(self, *argv, env=None, columns=0):
        """Runs with stdout a terminal; (exit code, what was shown). 0 columns: it does not say."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        child = subprocess.Popen([SELFTUNE, *argv], stdin=subprocess.DEVNULL, stdout=slave,
                                 stderr=subprocess.PIPE, env=env or self.env(), cwd=self.home)
        os.close(slave)
        shown = b""
        while True:
            ready, _, _ = select.select([master], [], [], 0.1)
            if ready:
                try:
                    chunk = os.read(master, 65536)
                except OSError:  # the other end is gone
                    break
                if not chunk:
                    break
                shown += chunk
            elif child.poll() is not None:
                break
        os.close(master)
        child.stderr.close()
        return child.wait(), shown.decode().replace("\r\n", "\n")

    def skill_file(self, text=SKILL):
        path = self.home / "SKILL.md"
        path.write_text(text, encoding="utf-8")
        return path

    def make_store(self):
        self.envelope("sync")


class EvidenceHome(CliTest):
    """A conversation in a project with a skill of its own."""

    SESSION = "77777777-1111-4111-8111-111111111111"
    PROMPTS = ("good morning", "check the zeta of this", "you should have used the zeta-check skill",
               "/release-notes 1.2", "thanks")

    def setUp(self):
        super().setUp()
        for folder, skill in ((".claude", "release-notes"), ("proj/.claude", "zeta-check")):
            path = self.home / folder / "skills" / skill / "SKILL.md"
            path.parent.mkdir(parents=True)
            path.write_text("---\nname: %s\ndescription: Does it.\n---\nx\n" % skill, encoding="utf-8")
        self.write(self.SESSION)
        self.make_store()

    def write(self, session):
        lines, when = [], time.time() - 86400
        for text in self.PROMPTS:
            for kind, message in (("user", {"role": "user", "content": text}),
                                  ("assistant", {"role": "assistant", "model": "m", "id": "m%d" % len(lines),
                                                 "content": [{"type": "text", "text": "ok"}],
                                                 "usage": {"input_tokens": 1, "output_tokens": 1}})):
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(when + len(lines)))
                lines.append(json.dumps({
                    "type": kind, "uuid": "%s-%d" % (session[:8], len(lines)), "parentUuid": None,
                    "sessionId": session, "cwd": str(self.home / "proj"), "version": "2.1.330",
                    "isSidechain": False, "userType": "external", "promptSource": "typed",
                    "timestamp": stamp, "message": message}))
        path = self.home / ".claude" / "projects" / "-proj" / (session + ".jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def rows(self, sql):
        return self.envelope("query", sql)["data"]["rows"]
