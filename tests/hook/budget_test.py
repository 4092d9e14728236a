#!/usr/bin/env python3
"""What a hook may cost: instructions, memory, loaded libraries.

    budget_test.py HOOK SELFTUNE STATIC(0|1) DATA_DIR

Instructions do not depend on the load of the machine (valgrind counts them).
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import harness  # noqa: E402
from harness import prompt, tool  # noqa: E402

HOOK, SELFTUNE = (Path(a).resolve() for a in sys.argv[1:3])
STATIC = sys.argv[3] == "1"
DATA = Path(sys.argv[4]).resolve()

# performance.md 3.2: goal 0.6 million, 1.0 at most. We are far below: 150,000 in
# a release, 290,000 in a debug build. A little more is the limit, so that growth
# is noticed.
GATE = 1_000_000
GOAL = 600_000
# The names of all skills are read only where something may be said of one. As above,
# 140,000 of each are Meson's, which lets malloc fill what it gives.
RUN_LIMITS = {"a prompt": 420_000, "a complaint": 540_000, "an end": 420_000, "an end while runs rest": 480_000}
# A prompt is looked through also where nothing starts, and what it says is answered once.
SAID_LIMITS = {"a prompt": 420_000, "a correction": 600_000, "a correction, said already": 600_000}
# A line of a shell that names a SKILL.md, at its longest; for 128 kB are looked at.
LINE_LIMIT = 40_000_000
LIMITS = {"prompt": 350_000, "ordinary read": 350_000, "stop": 350_000, "skill": 350_000}


class Budget(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-hook-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.home = harness.Home(self.scratch / "home", HOOK, SELFTUNE)

    def instructions(self, payload, answer="", path=None):
        env = self.home.env() if path is None else {**self.home.env(), "PATH": path}
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(HOOK), "claude-code"],
            input=json.dumps(payload).encode(), env=env, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(bool(done.stdout), bool(answer), done.stdout)
        self.assertIn(answer.encode(), done.stdout)
        refs = re.search(rb"I\s+refs:\s+([\d,]+)", done.stderr)
        self.assertIsNotNone(refs, done.stderr)
        return int(refs.group(1).replace(b",", b""))

    def payloads(self):
        big = {"file": {"content": "one line of text with \"quotes\"\n" * 700}}  # 20 KB
        transcript = str(self.scratch / "t.jsonl")
        return {
            "prompt": prompt("please write release notes for version 1.2"),
            "ordinary read": tool("Read", "t1", tool_input={"file_path": "/w/a.cc"}, tool_response=big),
            "skill": tool("Skill", "t2", tool_input={"skill": "pdf"}),
            "stop": {"session_id": "s", "hook_event_name": "Stop", "transcript_path": transcript},
        }

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    @unittest.skipUnless(STATIC, "the limits are those of the static program")
    def test_instructions(self):
        self.home.hook(prompt("the folder is made once"))
        for name, payload in self.payloads().items():
            with self.subTest(payload=name):
                count = self.instructions(payload)
                print(f"{name}: {count} instructions (goal {GOAL}, gate {GATE})")
                self.assertLess(count, LIMITS[name])

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    @unittest.skipUnless(STATIC, "the limits are those of the static program")
    def test_where_runs_may_begin_by_themselves(self):
        """What a prompt says of 300 skills, and whether a run has anything to do."""
        self.home.hook(prompt("the folder is made once"))
        notes = self.home.state / "hooks"
        notes.mkdir()
        (notes / "notes.json").write_text(json.dumps({"guards": {}, "reactive": "/nowhere/selftune", "pending": False}))
        (notes / "skills").write_text("".join(f"team:the-skill-no-{i}\n" for i in range(300)))
        for name, payload in {
                "a prompt": prompt("please write release notes for version 1.2. " * 20),
                "a complaint": prompt("why did you not use the team:the-skill-no-7 skill?"),
                "an end": {"session_id": "s", "hook_event_name": "SessionEnd", "reason": "other"}}.items():
            with self.subTest(payload=name):
                count = self.instructions(payload)
                print(f"{name}: {count} instructions (goal {GOAL}, gate {GATE})")
                self.assertLess(count, RUN_LIMITS[name])

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    @unittest.skipUnless(STATIC, "the limits are those of the static program")
    def test_while_runs_rest_whoever_is_asked_is_looked_for(self):
        """In forty folders, of which the last has it; the run that would be started cannot be."""
        self.home.hook(prompt("the folder is made once"))
        folders = [self.scratch / f"bin{i}" for i in range(40)]
        for folder in folders:
            folder.mkdir()
        (folders[-1] / "codex").write_text("#!/bin/sh\n")
        (folders[-1] / "codex").chmod(0o755)
        (self.home.state / "config.json").write_text("{}")
        mark = [" ".join(map(str, (of.st_ino, of.st_size, of.st_mtime_ns)))
                for of in ((self.home.state / "config.json").stat(), (folders[-1] / "codex").stat())]
        (self.home.state / "hooks").mkdir()
        (self.home.state / "hooks" / "notes.json").write_text(json.dumps({"guards": {}, "reactive": "/nowhere/selftune", "pending": True, "rest": {
            "until_ms": int(time.time() * 1000) + 3_600_000, "config": mark[0], "agents": "claude\ncodex\n", "program": mark[1]}}))
        path = ":".join(map(str, folders)) + ":" + os.environ["PATH"]
        count = self.instructions({"session_id": "s", "hook_event_name": "SessionEnd", "reason": "other"}, path=path)
        print(f"an end while runs rest: {count} instructions (goal {GOAL}, gate {GATE})")
        self.assertLess(count, RUN_LIMITS["an end while runs rest"])

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    @unittest.skipUnless(STATIC, "the limits are those of the static program")
    def test_where_suggestions_are_made(self):
        self.home.hook(prompt("the folder is made once"))
        notes = self.home.state / "hooks"
        notes.mkdir()
        (notes / "notes.json").write_text(json.dumps({"guards": {}, "corrections": True}))
        (notes / "skills").write_text("".join(f"team:the-skill-no-{i}\n" for i in range(300)))
        missed = prompt("why did you not use the team:the-skill-no-7 skill?")
        for name, payload, answer in (
                ("a prompt", prompt("please write release notes for version 1.2. " * 20), ""),
                ("a correction", missed, "selftune why team:the-skill-no-7"),
                ("a correction, said already", missed, "")):
            with self.subTest(payload=name):
                count = self.instructions(payload, answer)
                print(f"{name}: {count} instructions (goal {GOAL}, gate {GATE})")
                self.assertLess(count, SAID_LIMITS[name])

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    @unittest.skipUnless(STATIC, "the limits are those of the static program")
    def test_neither_the_store_nor_the_transcript_matter(self):
        payloads = self.payloads()
        self.home.hook(prompt("the folder is made once"))
        empty = {name: self.instructions(payloads[name]) for name in ("prompt", "stop")}
        shutil.copytree(DATA / "hosts" / "claude-code" / "home", self.home.path, symlinks=True, dirs_exist_ok=True)
        self.home.make_store()
        (self.scratch / "t.jsonl").write_bytes(b"x\n" * 500_000)
        for name, before in empty.items():
            self.assertLess(self.instructions(payloads[name]), before * 1.1)

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    @unittest.skipUnless(STATIC, "the limits are those of the static program")
    def test_a_guard_reads_any_line_in_a_time_of_its_length(self):
        self.home.hook(prompt("the folder is made once"))
        notes = self.home.state / "hooks"
        notes.mkdir()
        guard = {"skill": "pdf", "mode": "block", "until_ms": 9_000_000_000_000_000}
        (notes / "notes.json").write_text(json.dumps({"guards": {"/w/x/SKILL.md": guard}}))
        deep = "cd /" + "a/" * 2000
        lines = {
            "folders": "cd a;" * 20_000 + " rm SKILL.md",
            "names": "rm " + " ".join(f"f{i}" for i in range(14_000)) + " SKILL.md",
            "files": "rm " + " ".join(f"{i}/SKILL.md" for i in range(8_000)),
            "redirections": " ".join(f"> f{i}" for i in range(12_000)) + " SKILL.md",
            "a deep folder": deep + ";" + "cd .;" * 20_000 + " rm SKILL.md",
            "files in a deep folder": deep + "; rm " + "SKILL.md " * 12_000,
            "processes": deep + ";" + "(cd b);" * 15_000 + " rm SKILL.md",
            "copies": "cp " + "a/SKILL.md " * 8_000 + " /" + "d" * 30_000,
            "nesting": "(" * 100_000 + "SKILL.md",
            "conditions": deep + ";" + "if " * 30_000 + "rm SKILL.md",
            "quotes": "'\"" * 50_000 + "SKILL.md",
            "lines in lines": "bash -c 'bash -c \"rm " + " ".join(f"f{i}" for i in range(14_000)) + "\"' SKILL.md",
            "documents": "cat " + " ".join(f"<<A{i}" for i in range(12_000)) + " SKILL.md\n" + "x\n" * 5000,
            "words before a case": "rm SKILL.md; " + "{ " * 32_000 + "case " * 12_000,
            "values before a case": "rm SKILL.md; " + "A= " * 20_000 + "case " * 13_000,
            "words before a test": "rm SKILL.md; " + "time " * 13_000 + "[[ ]] " * 10_000,
            "options before a case": "rm SKILL.md; sudo " + "-n " * 20_000 + "case " * 13_000,
            "a patch": "".join(f"*** Add File: {i}/SKILL.md\n" for i in range(4_000)),
        }
        for name, line in lines.items():
            with self.subTest(line=name):
                event = {"session_id": "s", "hook_event_name": "PreToolUse", "cwd": "/w", "tool_name": "Bash",
                         "tool_input": {"command": line}}
                count = self.instructions(event)
                print(f"{name}: {count} instructions for {len(line)} bytes")
                self.assertLess(count, LINE_LIMIT)

    def test_the_program_loads_nothing(self):
        if not STATIC:
            self.skipTest("linked dynamically here")
        header = subprocess.run(["readelf", "-lW", str(HOOK)], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("INTERP", header)
        self.assertIn("DYN", subprocess.run(["readelf", "-h", str(HOOK)], capture_output=True, text=True,
                                            check=True).stdout)  # position independent

    @unittest.skipUnless(STATIC, "the limits are those of the static program")
    def test_memory(self):
        def little():
            resource.setrlimit(resource.RLIMIT_AS, (6 << 20, 6 << 20))  # the goal of performance.md 3.2

        self.assertEqual(self.home.hook(prompt("in little memory"), preexec_fn=little), (0, b"", b""))
        self.assertEqual(len(self.home.spool()), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
