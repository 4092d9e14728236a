"""One HOME, one real agent, one stub model: what the tests of this folder do with it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import surroundings  # noqa: E402

TOOLS = Path(__file__).resolve().parent.parent / "tools"
SKILL = "tide-table"
PROMPT = "when is high water tomorrow in Cuxhaven"
CORRECTION = f"no, use the {SKILL} skill for that"
SKILL_FILE = f"---\nname: {SKILL}\ndescription: High and low water.\n---\n\n# Tides\n"


def script_of(way, home):
    """The model of a session in which the skill is used; then the person complains."""
    rules = [{"name": "correction", "when": {"prompt": re.escape(CORRECTION)}, "steps": [way.answer("I see.")]},
             {"name": "plain", "when": {"prompt": PROMPT}, "steps": [way.answer("At ten.")]}]
    rules.insert(1, {"name": "skill", "when": {"prompt": PROMPT, **way.offers(way.call[0])},
                     "steps": [way.load(home / way.skills / SKILL), way.answer("At ten.")]})
    return {"models": ["claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5", "gpt-5.5", "stub-large"],
            "fallback": way.answer("OK."), "rules": rules}


def files_below(folder, *without):
    """Path -> bytes of the files below a folder, None for a folder."""
    out = {}
    for path in sorted(folder.rglob("*")):
        if any(path == skip or skip in path.parents for skip in without):
            continue
        out[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return out


class World(unittest.TestCase):
    """`arguments`: way, path of selftune, folder of the agent's program."""

    script = staticmethod(script_of)

    def setUp(self):
        way, self.selftune, agents = self.arguments
        self.scratch = Path(tempfile.mkdtemp(prefix="selftune-real-"))
        self.addCleanup(shutil.rmtree, self.scratch, True)
        self.home = self.scratch / "home"
        self.work = self.home / "work"
        self.work.mkdir(parents=True)
        self.state = self.home / ".selftune"
        self.bin = self.scratch / "bin"
        self.bin.mkdir()
        self.way = way(self)
        (self.bin / self.way.command).symlink_to(Path(agents) / self.way.command)
        (self.bin / "selftune").symlink_to(self.selftune)
        self.start_model()
        self.way.start()

    def start_model(self):
        script, port = self.scratch / "script.json", self.scratch / "port"
        script.write_text(json.dumps(self.script(self.way, self.home)))
        model = subprocess.Popen(["node", str(TOOLS / "stubmodel.mjs"), "--script", str(script), "--port-file",
                                  str(port), "--log", str(self.scratch / "model.jsonl"),
                                  "--dump", str(self.scratch / "bodies"), "--quiet"])
        self.addCleanup(model.wait, 10)
        self.addCleanup(model.terminate)
        deadline = time.monotonic() + 30
        while not port.exists() or not port.read_text().strip():
            if time.monotonic() > deadline or model.poll() is not None:
                self.fail("the stub model server did not start")
            time.sleep(0.05)
        self.port = int(port.read_text())

    def env(self):
        node = Path(shutil.which("node")).parent
        return surroundings.environment(self.home, PATH=f"{self.bin}:{node}:/usr/bin:/bin", LANG="C.UTF-8",
                                        **self.way.env())

    def run_program(self, *argv, seconds=240):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, env=self.env(), cwd=self.work,
                              check=False, timeout=seconds, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, f"{argv}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def agent(self, *argv):
        return self.run_program(self.bin / self.way.command, *argv)

    def cli(self, *argv):
        """Data of selftune's reply; it is one JSON document."""
        return self.reply(*argv)["data"]

    def reply(self, *argv):
        return json.loads(self.run_program(self.selftune, *argv, "--json"))

    def query(self, sql):
        return self.cli("query", sql)["rows"]

    def write(self, path, text, mode=0o644):
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def add_skill(self):
        self.write(f"{self.way.skills}/{SKILL}/SKILL.md", SKILL_FILE)

    def events(self):
        """What hooks left, before any transcript is read."""
        out = []
        for file in sorted((self.state / "spool").glob("*.jsonl")):
            out += [json.loads(line)["payload"] for line in file.read_text().splitlines() if line]
        return out

    def wait_for_events(self, types):
        """Some hosts do not wait for their hooks; some end them when they end."""
        def certain(kinds):
            return sorted(kind for kind in kinds if kind not in self.way.maybe)

        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and certain(e["type"] for e in self.events()) != certain(types):
            time.sleep(0.1)
        heard = [event["type"] for event in self.events()]
        self.assertEqual(certain(heard), certain(types), self.events())
        self.assertLessEqual(set(heard), set(types))

    def wait_for(self, kind):
        """Until a hook has told of an event of this kind."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and kind not in [event["type"] for event in self.events()]:
            time.sleep(0.1)
        self.assertIn(kind, [event["type"] for event in self.events()])

    def bodies(self):
        """The requests that the model got, as text."""
        return [path.read_text(encoding="utf-8") for path in sorted((self.scratch / "bodies").iterdir())]

    def left_running(self, word):
        """Ids of processes that this test's agent left behind: `word` and our folder are in their command lines."""
        out = []
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = command.read_bytes()
            except OSError:
                continue  # it has ended
            if word.encode() in words and f"{self.scratch}/".encode() in words:
                out.append(int(command.parent.name))
        return out

    def stop_left_running(self, word):
        for sent in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 10
            for pid in self.left_running(word):
                try:
                    os.kill(pid, sent)
                except ProcessLookupError:
                    pass  # ended just now
            while self.left_running(word) and time.monotonic() < deadline:
                time.sleep(0.05)
