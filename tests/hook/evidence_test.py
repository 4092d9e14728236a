#!/usr/bin/env python3
"""What hooks see and what transcripts say become the same evidence, in any order.

    evidence_test.py HOOK SELFTUNE DATA_DIR

The recorded hook events of Claude Code are played against its recorded
transcripts; afterwards the store must say what it says without hooks, and the
ground truth must hold.
"""

import datetime
import json
import random
import re
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

HOOK, SELFTUNE, DATA = (Path(a).resolve() for a in sys.argv[1:4])
RECORDING = DATA / "hosts" / "claude-code"
# The one session of the recordings that never wrote a transcript.
HOOK_ONLY = "9f62abd3-3053-40ae-810e-3724eab4e824"


def millis(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


class Times:
    """When the events of the recordings happened, from their transcripts."""

    def __init__(self):
        self.known = {}
        for file in (RECORDING / "home").rglob("*.jsonl"):
            for line in file.read_bytes().split(b"\n"):
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if not isinstance(record, dict) or not isinstance(record.get("timestamp"), str):
                    continue
                at = millis(record["timestamp"])
                self.known.setdefault(record.get("promptId"), at)
                session = record.get("sessionId")
                self.known[session] = max(at, self.known.get(session, 0))
                content = (record.get("message") or {}).get("content")
                for block in content if isinstance(content, list) else []:
                    if isinstance(block, dict) and "id" in block:
                        self.known.setdefault(block["id"], at)

    def of(self, payload):
        keys = ["tool_use_id", "prompt_id", "session_id"]
        if payload["hook_event_name"] in ("Stop", "SessionEnd"):
            keys = ["session_id"]
        for key in keys:
            if payload.get(key) and payload[key] in self.known:
                return self.known[payload[key]] + 3
        return None


def events():
    out = []
    for file in sorted((DATA / "hooks" / "claude-code").glob("*.jsonl")):
        out += [json.loads(line) for line in file.read_text(encoding="utf-8").rstrip("\n").split("\n")]
    return out


def play(home, payloads, times):
    """Runs the hooks, at the time at which they once ran."""
    for payload in payloads:
        before = len(home.spool())
        status, out, err = home.hook(payload)
        assert (status, out, err) == (0, b"", b""), (status, out, err, payload)
        records = home.spool()
        if len(records) == before or times.of(payload) is None:
            continue
        # The clock of a program cannot be turned back from outside.
        for file in (home.state / "spool").glob("*.jsonl"):
            text = file.read_text(encoding="utf-8")
            last = records[-1]
            file.write_text(text.replace(
                f'"id":"{last["id"]}","kind":"hook","at_ms":{last["at_ms"]}',
                f'"id":"{last["id"]}","kind":"hook","at_ms":{times.of(payload)}'), encoding="utf-8")


def evidence(home, *, without=()):
    """Rows of the public views, without what says who saw them."""
    ignored = {"id", "normalized_at", "is_live", "seen_in_hook"}
    out = {}
    for view in ("sessions", "prompts", "skill_invocations", "execution_facts", "tool_calls",
                 "improvement_signals"):
        columns = [c[1] for c in home.sql(f"PRAGMA table_info({view})") if c[1] not in ignored]
        rows = home.sql(f"SELECT {', '.join(columns)} FROM {view}")
        out[view] = sorted(repr(dict(zip(columns, row))).replace(str(home.path), "~") for row in rows
                           if row[columns.index("session_id")] not in without)
    return out


def ground_truth(home):
    done = subprocess.run(
        [sys.executable, "-B", str(harness.TESTS / "tools" / "hosts_check"), "--db",
         str(home.database), "--expected", str(RECORDING / "EXPECTED.json")],
        capture_output=True, text=True, check=False)
    lines = [l for l in done.stdout.splitlines() if HOOK_ONLY not in l]
    closing = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    assert closing, done.stdout + done.stderr
    wrong = [l for l in lines if ": expected" in l]
    return int(closing.group(1)), wrong


class Recordings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.times = Times()
        cls.scratch = tempfile.TemporaryDirectory(prefix="selftune-hook-")
        home = cls.home("plain")
        home.make_store()
        cls.plain = evidence(home)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def home(cls, name, transcripts=True):
        home = harness.Home(Path(cls.scratch.name) / name, HOOK, SELFTUNE)
        if transcripts:
            shutil.copytree(RECORDING / "home", home.path, symlinks=True, dirs_exist_ok=True)
        return home

    def same_as_without_hooks(self, home):
        self.maxDiff = 4000
        found = evidence(home, without=(HOOK_ONLY,))
        for view, rows in self.plain.items():
            self.assertEqual([r for r in found[view] if r not in rows], [], view)
            self.assertEqual([r for r in rows if r not in found[view]], [], view)
            self.assertEqual(len(found[view]), len(rows), view)
        passed, wrong = ground_truth(home)
        self.assertEqual(wrong, [])
        self.assertGreater(passed, 700)
        # What no transcript tells counts too, and says where it is from.
        self.assertEqual(
            home.sql("SELECT prompt_text, is_actionable, seen_in_hook, seen_in_transcript, capture_mode "
                     "FROM prompts WHERE session_id=?", HOOK_ONLY),
            [("this needs permission", 1, 1, 0, "hook")])
        self.assertEqual(home.bad_lines(), [])

    def test_hooks_alone_know_every_prompt_and_skill_call(self):
        home = self.home("alone", transcripts=False)
        home.make_store()
        play(home, events(), self.times)
        home.selftune("status")
        typed = [(e["session_id"], e["prompt"]) for e in events()
                 if e["hook_event_name"] == "UserPromptSubmit" and
                 not e["prompt"].startswith("<task-notification>")]
        self.assertEqual(len(typed), 53)
        self.assertEqual(sorted(home.sql("SELECT session_id, prompt_text FROM prompts WHERE is_actionable=1")),
                         sorted(typed))
        calls = sorted(e["tool_use_id"] for e in events()
                       if e["hook_event_name"] == "PostToolUse" and e["tool_name"] == "Skill")
        self.assertEqual(sorted(r[0] for r in home.sql(
            "SELECT tool_call_id FROM skill_invocations WHERE route='skill_tool' AND triggered")), calls)
        reads = home.sql("SELECT skill_name, capture_mode FROM skill_invocations WHERE route='file_read'")
        self.assertEqual(sorted(reads), sorted(set(
            (Path(e["tool_input"]["file_path"]).parent.name, "hook") for e in events()
            if e["hook_event_name"] == "PostToolUse" and e["tool_name"] == "Read" and
            e["tool_input"].get("file_path", "").endswith("/SKILL.md"))))
        self.assertTrue(reads)

    def test_hooks_first(self):
        home = self.home("first")
        play(home, events(), self.times)
        home.make_store()
        self.same_as_without_hooks(home)
        both = home.sql("SELECT count(*) FROM prompts WHERE seen_in_hook AND seen_in_transcript")
        self.assertEqual(both, [(53,)])  # 53 typed, one without a transcript; a forked command was expanded only

    def test_what_both_told_of_can_be_explained(self):
        home = self.home("explained")
        play(home, events(), self.times)
        self.assertIsNone(home.selftune("sync")["data"]["merged"])
        merged = home.selftune("sync", "--explain")["data"]["merged"]
        both = [row["prompts"] for row in merged["prompts"] if row["hook"] and row["transcript"]]
        self.assertEqual(both, [home.sql("SELECT count(*) FROM prompts WHERE seen_in_hook AND seen_in_transcript "
                                         "AND is_actionable")[0][0]])
        self.assertEqual({(row["capture"], row["why"], row["counts"]) for row in merged["outranked"]},
                         {("hook", "outranked", "transcript")})
        self.assertEqual(sum(row["rows"] for row in merged["outranked"]),
                         home.sql("SELECT count(*) FROM observation WHERE effective=0")[0][0])
        for example in merged["examples"]:
            # The row that counts says where it was read.
            line = Path(example["counts"]["path"]).read_bytes()[example["counts"]["offset"]:].split(b"\n")[0]
            self.assertIn(example["skill"].encode(), line)
            self.assertIsNone(example["row"]["path"])
        self.assertTrue(merged["examples"])
        self.assertEqual(home.selftune("sync", "--explain", "--dry-run")["data"]["merged"], merged)

    def test_transcripts_first(self):
        home = self.home("after")
        home.make_store()
        play(home, events(), self.times)
        home.selftune("status")
        home.make_store()
        self.same_as_without_hooks(home)
        home.selftune("sync", "--force")
        self.same_as_without_hooks(home)

    def test_hooks_while_transcripts_grow(self):
        for seed in (1, 2):
            with self.subTest(seed=seed):
                self.grow(seed)

    def grow(self, seed):
        dice = random.Random(seed)
        home = self.home(f"grow-{seed}")
        whole = RECORDING / "home"
        files = [p.relative_to(whole) for p in sorted(whole.rglob("*.jsonl")) if p.is_file()]
        waiting = events()
        for share in (0.3, 0.6, 1.0):
            for file in files:
                content = (whole / file).read_bytes()
                # Grows, never shrinks.
                keep = len(content) if share == 1.0 else int(len(content) * dice.uniform(share - 0.3, share))
                (home.path / file).write_bytes(content[:keep])
            count = len(waiting) if share == 1.0 else int(len(waiting) * dice.random())
            batch, waiting = waiting[:count], waiting[count:]
            play(home, batch, self.times)
            home.selftune(dice.choice(["sync", "status"]), accept=(0, 4))
            home.make_store()
        home.make_store()
        self.same_as_without_hooks(home)


class Merging(unittest.TestCase):
    """Cases that the recordings do not have."""

    SESSION = "22222222-2222-4222-8222-222222222222"

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-hook-")
        self.addCleanup(scratch.cleanup)
        self.home = harness.Home(Path(scratch.name) / "home", HOOK, SELFTUNE)
        self.home.make_store()
        self.lines = []

    def write(self, *records, later_ms=0):
        """Appends to the session's transcript."""
        folder = self.home.path / ".claude" / "projects" / "-w"
        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=later_ms)
        for record in records:
            record = {"uuid": f"u{len(self.lines)}", "parentUuid": None, "sessionId": self.SESSION,
                      "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                      "cwd": "/w", "version": "2.1.330", "isSidechain": False, "userType": "external",
                      **record}
            self.lines.append(json.dumps(record))
        (folder / f"{self.SESSION}.jsonl").write_text("\n".join(self.lines) + "\n", encoding="utf-8")

    def user(self, text, prompt_id=None):
        record = {"type": "user", "promptSource": "typed", "message": {"role": "user", "content": text}}
        return {**record, "promptId": prompt_id} if prompt_id else record

    def answer(self, text="done"):
        return {"type": "assistant", "message": {"id": f"m{len(self.lines)}", "role": "assistant",
                                                 "model": "m", "content": [{"type": "text", "text": text}],
                                                 "usage": {"input_tokens": 1, "output_tokens": 1}}}

    def see(self, text, **more):
        self.assertEqual(self.home.hook(prompt(text, self.SESSION, **more))[0], 0)

    def rows(self):
        return self.home.sql("SELECT prompt_index, prompt_text, is_actionable, seen_in_transcript, seen_in_hook "
                             "FROM prompts WHERE session_id=? ORDER BY prompt_index", self.SESSION)

    def test_hooks_that_missed_the_beginning(self):
        self.see("third")
        self.see("fourth")
        self.home.selftune("status")
        self.assertEqual([r[:2] for r in self.rows()], [(0, "third"), (1, "fourth")])
        self.write(self.user("first"), self.answer(), self.user("second"), self.answer(), self.user("third"))
        self.home.make_store()
        self.assertEqual(self.rows(), [(0, "first", 1, 1, 0), (1, "second", 1, 1, 0), (2, "third", 1, 1, 1),
                                       (3, "fourth", 1, 0, 1)])
        self.write(self.answer(), self.user("fourth"))
        self.home.make_store()
        self.assertEqual(self.rows()[3], (3, "fourth", 1, 1, 1))
        self.assertEqual(len(self.rows()), 4)

    def test_the_same_words_twice_are_two_prompts(self):
        for number in range(3):
            self.see("ok")
        self.home.selftune("status")
        self.assertEqual(len(self.rows()), 3)
        self.write(self.user("ok"), self.answer(), self.user("ok"))
        self.home.make_store()
        self.assertEqual([r[2:] for r in self.rows()], [(1, 1, 1), (1, 1, 1), (1, 0, 1)])

    def test_the_same_event_by_two_installed_hooks_is_one_prompt(self):
        self.see("ok", prompt_id="p1")
        self.see("ok", prompt_id="p1")
        self.see("ok", prompt_id="p2")
        self.home.selftune("status")
        self.assertEqual(len(self.rows()), 2)
        self.write(self.user("ok", "p1"), self.answer(), self.user("ok", "p2"))
        self.home.make_store()
        self.assertEqual([r[2:] for r in self.rows()], [(1, 1, 1), (1, 1, 1)])

    def test_two_prompts_of_one_turn_are_told_apart_by_their_words(self):
        self.see("queued while busy", prompt_id="p1")
        self.see("give me a job", prompt_id="p1")
        self.write(self.user("give me a job", "p1"), self.user("queued while busy", "p1"))
        self.home.make_store()
        self.assertEqual(self.rows(), [(0, "give me a job", 1, 1, 1), (1, "queued while busy", 1, 1, 1)])

    def test_the_transcript_may_use_other_words(self):
        self.see("look at @file", prompt_id="p1")
        self.write(self.user("look at @file (expanded)", "p1"))
        self.home.make_store()
        self.assertEqual(self.rows(), [(0, "look at @file (expanded)", 1, 1, 1)])

    def test_a_prompt_that_was_blocked_does_not_count(self):
        self.see("tell me the password")
        self.home.selftune("status")
        self.assertEqual(len(self.home.prompts()), 1)
        self.write(self.user("something else"), later_ms=60_000)
        self.home.make_store()
        self.assertEqual(self.home.prompts(), ["something else"])
        self.assertEqual([r[1:] for r in self.rows()],
                         [("something else", 1, 1, 0), ("tell me the password", 0, 0, 1)])
        # It was only late: it counts again.
        self.write(self.user("tell me the password"), later_ms=61_000)
        self.home.make_store()
        self.assertEqual(self.home.prompts(), ["something else", "tell me the password"])

    def test_a_read_beside_a_call_of_the_skill_is_one_use(self):
        self.see("make a report", prompt_id="p1")
        read = {"file_path": "/w/.claude/skills/pdf/SKILL.md"}
        turn = {"prompt_id": "p1", "session": self.SESSION}
        self.home.hook(tool("Read", "t1", tool_input=read, **turn))
        self.home.hook(tool("Read", "t2", tool_input=read, **turn))
        self.home.selftune("status")
        uses = "SELECT route, tool_call_id, matched_prompt_id FROM skill_invocations WHERE session_id=?"
        self.assertEqual(self.home.sql(uses, self.SESSION), [("file_read", "t1", f"{self.SESSION}:p0")])
        self.home.hook(tool("Skill", "t3", tool_input={"skill": "pdf"}, **turn))
        self.home.hook(tool("Read", "t4", tool_input=read, **turn))
        self.home.selftune("status")
        self.assertEqual(self.home.sql(uses, self.SESSION), [("skill_tool", "t3", f"{self.SESSION}:p0")])

    def test_what_a_prompt_says_about_a_skill_is_heard_at_once(self):
        skill = self.home.path / ".claude" / "skills" / "pdf" / "SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: pdf\ndescription: Reports.\n---\nx\n", encoding="utf-8")
        self.home.make_store()
        self.see("make a report")
        self.see("why didn\u2019t you use pdf?")
        self.home.selftune("status")
        signals = "SELECT signal_type, mentioned_skill, resolved, prompt_id FROM improvement_signals"
        self.assertEqual(self.home.sql(signals), [("correction", "pdf", 1, f"{self.SESSION}:p1")])
        missed = ("SELECT skill_name, matched_prompt_id, outcome FROM skill_invocations "
                  "WHERE session_id=? AND outcome='missed'")
        self.assertEqual(self.home.sql(missed, self.SESSION), [("pdf", f"{self.SESSION}:p0", "missed")])
        # The hook missed a prompt: everything moves by one, nothing twice.
        self.write(self.user("hello"), self.answer(), self.user("make a report"), self.answer(),
                   self.user("why didn\u2019t you use pdf?"), later_ms=100)
        self.home.make_store()
        self.assertEqual(self.home.sql(signals), [("correction", "pdf", 1, f"{self.SESSION}:p2")])
        self.assertEqual(self.home.sql(missed, self.SESSION), [("pdf", f"{self.SESSION}:p1", "missed")])

    def test_a_prompt_above_the_limit_of_a_line_keeps_its_place(self):
        skill = self.home.path / ".claude" / "skills" / "pdf" / "SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: pdf\ndescription: Reports.\n---\nx\n", encoding="utf-8")
        self.home.make_store()
        big = "make a report of this: " + "x" * 70_000
        for text in ("good morning", big, "why didn't you use pdf?"):
            self.see(text)
            time.sleep(0.005)
        self.home.selftune("status")
        self.assertEqual([r[1][:12] for r in self.rows()], ["good morning", "make a repor", "why didn't y"])
        missed = ("SELECT matched_prompt_id FROM skill_invocations WHERE session_id=? AND outcome='missed'")
        self.assertEqual(self.home.sql(missed, self.SESSION), [(f"{self.SESSION}:p1",)])

    def test_a_lost_prompt_leaves_no_false_miss(self):
        skill = self.home.path / ".claude" / "skills" / "pdf" / "SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text("---\nname: pdf\ndescription: Reports.\n---\nx\n", encoding="utf-8")
        self.home.make_store()
        turns = ["good morning", "make a report of this", "why didn't you use pdf?"]
        self.see(turns[0], prompt_id="p0")
        self.see(turns[2], prompt_id="p2")  # the hook between them was killed
        self.home.selftune("status")
        for number, text in enumerate(turns):
            self.write(self.user(text, f"p{number}"), self.answer(), later_ms=100)
        self.home.make_store()
        labels = ("SELECT p.seq, l.label FROM label l JOIN prompt p USING(prompt_pk)")
        self.assertEqual(self.home.sql(labels), [(1, "should")])
        missed = ("SELECT matched_prompt_id FROM skill_invocations WHERE session_id=? AND outcome='missed'")
        self.assertEqual(self.home.sql(missed, self.SESSION), [(f"{self.SESSION}:p1",)])

    def test_the_skill_is_called_what_its_field_says(self):
        for number, called in enumerate(({"skill": "pdf", "command": "other"}, {"command": "other", "skill": "pdf"},
                                         {"command": "pdf"})):
            self.home.hook(tool("Skill", f"t{number}", self.SESSION, called))
        self.home.selftune("status")
        self.assertEqual(self.home.sql("SELECT skill_name FROM skill_invocations"), [("pdf",)] * 3)

    def test_a_skill_inside_a_subagent_belongs_to_the_agent(self):
        self.see("explore", prompt_id="p1")
        self.home.hook(tool("Skill", "t1", self.SESSION, {"skill": "pdf"}, agent_id="a7", agent_type="Explore",
                            prompt_id="p1"))
        self.home.selftune("status")
        self.assertEqual(self.home.sql("SELECT session_id, root_session_id, agent_type FROM skill_invocations"),
                         [(f"{self.SESSION}:agent:a7", self.SESSION, "Explore")])

    def test_an_end_of_a_session_nobody_knows_is_nothing(self):
        for event in ("Stop", "SessionEnd"):
            self.assertEqual(self.home.hook({"session_id": "ghost", "hook_event_name": event})[0], 0)
        self.home.selftune("status")
        self.assertEqual(self.home.sql("SELECT count(*) FROM sessions"), [(0,)])

    def test_an_agent_of_another_kind(self):
        event = {"type": "prompt_submit", "session_id": "s1", "prompt": "hello from my agent"}
        self.assertEqual(self.home.hook(event, "event", host="my-agent")[0], 0)
        self.home.selftune("status")
        self.assertEqual(self.home.sql("SELECT platform, session_id, prompt_text, capture_mode FROM prompts"),
                         [("my_agent", "s1", "hello from my agent", "hook")])

    def test_sync_says_what_it_took_in(self):
        self.see("one")
        self.home.hook(b'{"hook_event_name":"Stop"')
        reply = self.home.selftune("sync")
        self.assertEqual(reply["data"]["hooks"], {"events": 1, "rejected": 1})
        self.assertEqual(self.home.bad_lines(), ["bad_json"])
        self.assertEqual(self.home.selftune("sync")["data"]["hooks"], {"events": 0, "rejected": 0})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
