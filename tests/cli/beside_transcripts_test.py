#!/usr/bin/env python3
"""What hosts keep beside transcripts: what was typed fills gaps, what they counted is only compared.

    beside_transcripts_test.py SELFTUNE SCHEMA_DIR HOSTS_DIR [unittest arguments]

The homes are recorded ones.
"""

import json
import pathlib
import shutil
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402

HOSTS = pathlib.Path()
USES = ("SELECT skill_name, count(*) FROM skill_invocations WHERE platform='claude_code' AND outcome='triggered'"
        " GROUP BY 1 ORDER BY 1")


class Recorded(cli_case.CliTest):
    TRANSCRIPTS = {"claude-code": (".claude/projects",), "codex": (".codex/sessions", ".codex/archived_sessions")}

    def setUp(self):
        super().setUp()
        for host in self.TRANSCRIPTS:
            shutil.copytree(HOSTS / host / "home", self.home, symlinks=True, dirs_exist_ok=True)

    def delete_transcripts(self):
        for folders in self.TRANSCRIPTS.values():
            for folder in folders:
                shutil.rmtree(self.home / folder, ignore_errors=True)

    def restore_transcripts(self):
        for host, folders in self.TRANSCRIPTS.items():
            for folder in folders:
                if (HOSTS / host / "home" / folder).exists():
                    shutil.copytree(HOSTS / host / "home" / folder, self.home / folder, symlinks=True)

    def check(self, name, *argv):
        checks = {c["name"]: c for c in self.envelope("doctor", "--exit-zero", *argv)["data"]["checks"]}
        return checks.get(name)

    def rows(self, sql):
        return self.envelope("query", sql)["data"]["rows"]


class Typed(Recorded):
    """history.jsonl of both hosts; lines for a shell and for the host itself among them."""

    def gaps(self, *argv):
        sources = self.envelope("sync", *argv)["data"]["sources"]
        for host, source in sources.items():
            if host not in ("claude_code", "codex"):
                self.assertEqual((source["history_sessions"], source["history_prompts"]), (0, 0), host)
        return [(sources[host]["history_sessions"], sources[host]["history_prompts"]) for host in ("claude_code", "codex")]

    def test_a_sync_says_what_it_knows_by_that_alone_and_no_longer_when_transcripts_tell(self):
        self.delete_transcripts()
        self.assertEqual(self.gaps(), [(2, 6), (2, 7)])
        self.assertEqual(self.gaps(), [(2, 6), (2, 7)])  # of the store, not of a run
        self.assertEqual(self.gaps("--dry-run"), [(2, 6), (2, 7)])
        self.assertEqual(self.rows("SELECT platform, count(*) FROM prompts WHERE capture_mode='batch_ingest' GROUP BY 1 ORDER BY 1"),
                         [["claude_code", 6], ["codex", 7]])
        code, shown = self.on_terminal("sync", "--color", "never")
        self.assertEqual(code, 0)
        self.assertIn("claude_code: 6 prompts of 2 sessions from what was typed alone\n", shown)
        self.assertIn("codex: 7 prompts of 2 sessions from what was typed alone\n", shown)
        self.restore_transcripts()
        self.assertEqual(self.gaps(), [(0, 0), (0, 0)])
        self.assertNotIn("typed alone", self.on_terminal("sync", "--color", "never")[1])

    def test_the_doctor_says_it_of_a_host_that_has_nothing_worse(self):
        self.delete_transcripts()
        self.envelope("sync")
        for host, prompts in (("claude_code", 6), ("codex", 7)):
            check = self.check("evidence." + host)
            self.assertEqual(check["status"], "pass", check)
            self.assertTrue(check["message"].endswith(
                "; known by history.jsonl alone, their transcripts are gone: %d prompts of 2 sessions" % prompts), check)
        self.restore_transcripts()
        self.envelope("sync")
        for host in ("claude_code", "codex"):
            self.assertNotIn("history.jsonl", self.check("evidence." + host)["message"])

    def test_a_typed_name_is_a_use_where_its_host_loads_it_by_that(self):
        """Codex says behind the prompt which `$name` it found, and its history says nothing of it."""
        self.delete_transcripts()
        self.envelope("sync")
        self.assertEqual(self.rows("SELECT prompt_text FROM prompts WHERE platform='codex' AND instr(prompt_text,'$sql-helper')"),
                         [["Use $sql-helper on src/q.sql please"]])
        self.assertTrue((self.home / ".codex/skills/sql-helper/SKILL.md").exists())
        self.assertEqual(self.rows("SELECT platform, skill_name, route FROM skill_invocations"),
                         [["claude_code", "changelog-writer", "slash_command"]])
        self.restore_transcripts()
        self.envelope("sync")
        (uses,), = self.rows("SELECT count(*) FROM skill_invocations WHERE platform='codex' AND skill_name='sql-helper' AND route='mention'"
                             " AND session_id='01a202ae-2619-7e53-a3a2-956c58302009'")
        self.assertEqual(uses, 1)


class Counted(Recorded):
    """The sums of uses that Claude Code keeps in `.claude.json`."""

    NAME = "evidence.claude_code.counted"

    def test_it_is_compared_when_all_is_looked_at(self):
        self.envelope("sync")
        known = self.rows(USES)
        check = self.check(self.NAME, "--deep")
        # As recorded: one use that it counted is in no transcript.
        self.assertNotIn("standup", dict(map(tuple, known)))
        self.assertEqual((check["status"], check["message"]),
                         ("info", "it counted 1 uses of 1 skills more than are known (standup: 1 by the host, 0 known)"))
        state = self.home / ".claude.json"
        told = json.loads(state.read_text(encoding="utf-8"))
        del told["skillUsage"]["standup"]
        state.write_text(json.dumps(told), encoding="utf-8")
        check = self.check(self.NAME, "--deep")
        self.assertEqual((check["status"], check["message"]), ("pass", "it counted uses of 6 skills, all of them known"))
        self.assertIsNone(self.check(self.NAME))

    def test_a_difference_is_shown_and_no_count_of_ours_changes(self):
        self.envelope("sync")
        known, listed = self.rows(USES), self.envelope("skills", "list")["data"]
        state = self.home / ".claude.json"
        told = json.loads(state.read_text(encoding="utf-8"))
        del told["skillUsage"]["standup"]
        told["skillUsage"]["secret-scan"]["usageCount"] += 4
        told["skillUsage"]["gone"] = {"usageCount": 2}
        state.write_text(json.dumps(told), encoding="utf-8")
        before = state.read_bytes()
        check = self.check(self.NAME, "--deep")
        self.assertEqual(check["status"], "info")
        self.assertEqual(check["message"], "it counted 6 uses of 2 skills more than are known (secret-scan: 5 by the host, 1 known)")
        self.assertEqual(check["guidance"]["command"], "selftune evidence --sources --platform claude_code")
        self.envelope("sync", "--force")
        self.assertEqual(self.rows(USES), known)
        self.assertEqual(self.envelope("skills", "list")["data"]["items"], listed["items"])
        self.assertEqual(state.read_bytes(), before)

    def test_transcripts_that_are_gone_are_what_it_shows(self):
        self.delete_transcripts()
        self.envelope("sync")
        # A typed "/changelog-writer" is known from what was typed.
        self.assertEqual(self.rows(USES), [["changelog-writer", 1]])
        message = self.check(self.NAME, "--deep")["message"]
        self.assertEqual(message, "it counted 22 uses of 7 skills more than are known (changelog-writer: 9 by the host, 1 known)")


if __name__ == "__main__":
    cli_case.SELFTUNE = str(pathlib.Path(sys.argv[1]).resolve())
    cli_case.load_schemas(sys.argv[2])
    HOSTS = pathlib.Path(sys.argv[3])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
