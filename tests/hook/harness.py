"""What the hook suites share: homes, the two programs, what the store says."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))

import surroundings  # noqa: E402


class Home:
    """A person's home with a state folder in it."""

    def __init__(self, path, hook, selftune):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.state = self.path / ".selftune"
        self.database = self.state / "selftune.db"
        self.hook_program, self.selftune_program = str(hook), str(selftune)

    def env(self, **more):
        return surroundings.environment(self.path, **more)

    def start(self, *argv, **options):
        options.setdefault("env", self.env())
        return subprocess.Popen([self.hook_program, *argv], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def hook(self, payload, *argv, host="claude-code", **options):
        """Runs one hook to its end: (exit status, stdout, stderr)."""
        if not isinstance(payload, bytes):
            payload = json.dumps(payload).encode()
        process = self.start(host, *argv, **options)
        out, err = process.communicate(payload, timeout=30)
        return process.returncode, out, err

    def selftune(self, *argv, accept=(0,)):
        done = subprocess.run([self.selftune_program, *argv, "--json"], capture_output=True,
                              text=True, env=self.env(), check=False)
        if done.returncode not in accept:
            raise AssertionError(f"selftune {argv}: exit {done.returncode}\n{done.stdout[-2000:]}"
                                 f"{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def make_store(self):
        self.selftune("sync")

    def sql(self, query, *arguments):
        db = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return db.execute(query, arguments).fetchall()
        finally:
            db.close()

    def prompts(self):
        return [row[0] for row in self.sql(
            "SELECT prompt_text FROM prompts WHERE is_actionable=1 ORDER BY session_id, prompt_index")]

    def bad_lines(self):
        return [row[0] for row in self.sql("SELECT reason FROM bad_line ORDER BY source_id, offset")]

    def spool(self):
        """Records that were written, waiting or not."""
        out = []
        for file in sorted((self.state / "spool").glob("*.jsonl")):
            for line in file.read_bytes().split(b"\n"):
                if line:
                    out.append(json.loads(line))
        return out


def prompt(text, session="11111111-1111-4111-8111-111111111111", **more):
    payload = {"session_id": session, "transcript_path": f"/nowhere/{session}.jsonl", "cwd": "/w",
               "permission_mode": "default", "hook_event_name": "UserPromptSubmit", "prompt": text}
    payload.update(more)
    return payload


def tool(name, call, session="11111111-1111-4111-8111-111111111111", tool_input=None, **more):
    payload = {"session_id": session, "cwd": "/w", "hook_event_name": "PostToolUse",
               "tool_name": name, "tool_use_id": call, "tool_input": tool_input or {},
               "tool_response": {"success": True}}
    payload.update(more)
    return payload
