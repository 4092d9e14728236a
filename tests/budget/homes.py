"""Homes with many or large sessions, and a command that runs in them."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "perf"), str(TESTS / "support")]

import measure  # noqa: E402
import surroundings  # noqa: E402

# A process of its own: what a child held counts from before its exec, and this
# one may hold much.
PEAK = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""

SKILLS = ("pdf", "review", "deploy")


def record(session, number, kind, **more):
    return {"uuid": f"{session}-{number}", "parentUuid": f"{session}-{number - 1}" if number else None,
            "sessionId": session, "timestamp": f"2026-08-{1 + number // 1000 % 28:02}T10:00:{number % 60:02}.000Z",
            "cwd": "/w", "version": "2.1.330", "isSidechain": False, "userType": "external",
            "type": kind, **more}


def turn(session, at, text, size):
    """A prompt, a call with a result of `size` bytes, an answer."""
    skill = SKILLS[at % len(SKILLS)]
    call = {"type": "tool_use", "id": f"call-{session}-{at}", "name": "Skill", "input": {"skill": skill}}
    usage = {"input_tokens": 3, "output_tokens": 5}

    def answer(number, content):
        return record(session, number, "assistant", message={
            "id": f"m{session}-{number}", "role": "assistant", "model": "m", "content": [content], "usage": usage})

    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "x" * size}
    return [
        record(session, 4 * at, "user", promptSource="typed", message={"role": "user", "content": text}),
        answer(4 * at + 1, call),
        record(session, 4 * at + 2, "user", message={"role": "user", "content": [result]}),
        answer(4 * at + 3, {"type": "text", "text": "done"}),
    ]


class Home:
    def __init__(self, path, selftune):
        self.path = Path(path)
        self.path.mkdir(parents=True)
        self.selftune = str(selftune)
        self.more_env = {}
        for skill in SKILLS:
            folder = self.path / ".claude" / "skills" / skill
            folder.mkdir(parents=True)
            (folder / "SKILL.md").write_text(f"---\nname: {skill}\ndescription: Use it for {skill}.\n---\nx\n")

    def file(self, number):
        folder = self.path / ".claude" / "projects" / f"-w{number % 20}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{number:08}-2222-4333-8444-555555555555.jsonl"

    def session(self, number, turns=1, size=20, first=0):
        """Appends turns to the transcript of a session; the bytes that were added."""
        name = self.file(number)
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n"
                       for at in range(first, first + turns)
                       for line in turn(name.stem, at, f"question {at} of {number}", size))
        with open(name, "a", encoding="utf-8") as out:
            out.write(text)
        return len(text)

    def env(self):
        # Meson lets malloc fill what it gives, which costs instructions and memory.
        return surroundings.environment(self.path, MALLOC_PERTURB_=None, **self.more_env)

    def run(self, *argv, prefix=(), accept=(0,)):
        """The reply, and what was said on stderr."""
        done = subprocess.run([*prefix, self.selftune, *argv, "--json"], env=self.env(),
                              capture_output=True, text=True, check=False)
        if done.returncode not in accept:
            raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return json.loads(done.stdout), done.stderr

    def peak(self, *argv):
        """Bytes of memory a run held at most."""
        done = subprocess.run([sys.executable, "-S", "-E", "-c", PEAK, self.selftune, *argv, "--json"],
                              env=self.env(), capture_output=True, text=True, check=True)
        return int(done.stdout) * 1024

    def read(self, *argv):
        """Bytes that a run read of each transcript."""
        return measure.reads_by_file([self.selftune, *argv, "--json"], self.env())

    def multiply(self, times):
        """The sessions of the store, with all that hangs on them, so many times over.

        A sync of that many would take longer than all that is measured.
        """
        db = sqlite3.connect(self.path / ".selftune" / "selftune.db", isolation_level=None)
        db.execute("BEGIN")
        keys = {"session_pk", "root_pk", "parent_pk", "prompt_pk", "obs_pk", "parent_prompt_pk", "source_id"}
        for table in ("source_file", "session", "session_metric", "session_tool", "prompt", "observation"):
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            values = [f"{c}+?1*1000000" if c in keys else
                      f"{c}||'-'||?1" if c in ("session_id", "prompt_id", "path") else
                      "randomblob(16)" if c in ("prompt_key", "occurrence_key") else c for c in columns]
            own = columns[0]  # rows of the first time only
            for time in range(1, times):
                db.execute(f"INSERT INTO {table} SELECT {','.join(values)} FROM {table} WHERE {own}<1000000",
                           (time,))
        db.execute("UPDATE counter SET value=value*?", (times,))
        db.execute("COMMIT")
        count = db.execute("SELECT count(*) FROM session").fetchone()[0]
        db.close()
        return count
