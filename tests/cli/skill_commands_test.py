#!/usr/bin/env python3
"""skills lock, skills unlock, budget and badge, as a process in a home of its own.

    skill_commands_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402


class SkillCommands(cli_case.CliTest):
    def config(self):
        return self.home / ".selftune" / "config.json"

    def install(self, name, description="Does things.", root=".claude/skills", more=""):
        path = self.home / root / name / "SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text("---\nname: %s\ndescription: %s\n%s---\n\n# %s\n" % (name, description, more, name))
        return path

    def shown(self, name):
        return self.envelope("skills", "show", name)["data"]

    def listed(self, name):
        return {row["name"]: row for row in self.envelope("skills", "list")["data"]["items"]}[name]


class Show(SkillCommands):
    def ask_in_vain(self, name):
        """A session whose model called a skill that its host does not know."""
        common = {"sessionId": "11111111-0000-4000-8000-000000000000", "cwd": "/w", "version": "2.1.330",
                  "isSidechain": False, "userType": "external", "entrypoint": "cli", "parentUuid": None}
        records = [
            {"type": "user", "uuid": "a", "promptId": "p", "promptSource": "typed",
             "message": {"role": "user", "content": "make a report"}},
            {"type": "assistant", "uuid": "b", "requestId": "r", "message": {
                "id": "m", "role": "assistant", "model": "claude-opus-5-5",
                "content": [{"type": "tool_use", "id": "t", "name": "Skill", "input": {"skill": name}}]}},
            {"type": "user", "uuid": "c", "message": {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "is_error": True,
                 "content": f"<tool_use_error>Unknown skill: {name}</tool_use_error>"}]}}]
        folder = self.home / ".claude/projects/-w"
        folder.mkdir(parents=True)
        with open(folder / (common["sessionId"] + ".jsonl"), "w", encoding="utf-8") as out:
            for i, record in enumerate(records):
                out.write(json.dumps({**common, **record, "timestamp": f"2026-11-20T10:00:0{i}.000Z"}) + "\n")

    def test_nothing_is_said_of_what_may_be_done_to_a_name_that_is_no_skill(self):
        self.ask_in_vain("nope")
        self.make_store()
        self.envelope("sync")
        report = self.shown("nope")
        self.assertEqual((report["state"], report["paths"]), ("UNKNOWN", []))
        self.assertEqual([report[key] for key in ("autonomy", "autonomy_source", "autonomy_reason")], [None] * 3)
        _, text, _ = self.run_cli("skills", "show", "nope", "--text")
        self.assertNotIn("autonomy", text)
        self.assertIn("no skill of this name is installed or was ever loaded", text)

    def test_a_name_that_nobody_ever_said_is_not_found(self):
        self.make_store()
        doc = self.envelope("skills", "show", "nope", code=6)
        self.assertEqual(doc["error"]["code"], "SKILL_NOT_FOUND")
        self.assertIsNone(doc["data"])


class Lock(SkillCommands):
    def test_a_lock_is_written_shown_with_its_reason_and_undone(self):
        self.install("pdf")
        self.make_store()
        doc = self.envelope("skills", "lock", "pdf")
        data = doc["data"]
        self.assertTrue(doc["changed"])
        self.assertEqual((data["skill"], data["before"], data["after"]), ("pdf", "auto", "locked"))
        self.assertEqual((data["before_source"], data["after_source"]), ("default", "config"))
        self.assertEqual(json.loads(self.config().read_text())["skills"], {"pdf": {"autonomy": "locked"}})
        self.assertEqual(data["receipt"]["targets"], [str(self.config())])
        self.assertEqual(doc["next"]["argv"], ["selftune", "skills", "list", "--status", "locked"])
        rows = self.envelope(*doc["next"]["argv"][1:])["data"]["items"]
        self.assertEqual([row["name"] for row in rows], ["pdf"])
        self.assertEqual(self.envelope("skills", "list", "--status", "LOCKED")["data"]["items"], rows)
        self.assertEqual(self.envelope("skills", "list", "--status", "healthy")["data"]["items"], [])
        wrong = self.envelope("skills", "list", "--status", "lokced", code=64)["error"]
        self.assertEqual((wrong["code"], wrong["suggestion"]), ("INVALID_REQUEST", "did you mean locked?"))
        row, report = self.listed("pdf"), self.shown("pdf")
        for found in (row, report):
            self.assertEqual((found["autonomy"], found["autonomy_source"]), ("locked", "config"))
        self.assertEqual(report["autonomy_reason"], "config.json sets skills.pdf.autonomy")
        self.assertEqual(data["receipt"]["undo"]["argv"],
                         ["selftune", "config", "set", "skills.pdf.autonomy", "--default"])
        self.envelope(*data["receipt"]["undo"]["argv"][1:])
        self.assertEqual(json.loads(self.config().read_text()), {"config_version": 1})
        self.assertEqual(self.shown("pdf")["autonomy"], "auto")

    def test_unlocking_proposes_unless_told_otherwise(self):
        self.install("pdf")
        self.make_store()
        self.envelope("skills", "lock", "pdf")
        doc = self.envelope("skills", "unlock", "pdf")
        self.assertEqual((doc["data"]["before"], doc["data"]["after"]), ("locked", "propose"))
        self.assertEqual(doc["next"]["argv"], ["selftune", "skills", "show", "pdf"])
        undo = doc["data"]["receipt"]["undo"]["argv"]
        self.assertEqual(undo, ["selftune", "config", "set", "skills.pdf.autonomy", "locked"])
        doc = self.envelope("skills", "unlock", "pdf", "--to", "auto")
        self.assertEqual((doc["data"]["before"], doc["data"]["after"]), ("propose", "auto"))
        again = self.envelope("skills", "unlock", "pdf", "--to", "auto")
        self.assertEqual((again["changed"], again["data"]["receipt"]), (False, None))
        self.envelope("skills", "unlock", "pdf", "--to", "locked", code=64)

    def test_a_file_under_version_control_is_only_proposed_for(self):
        """DESIGN 2.8: its change concerns a team."""
        subprocess.run(["git", "init", "-q", str(self.home / ".claude")], check=True, env=self.env())
        self.install("team")
        self.install("own", root=".agents/skills")
        (self.home / ".codex").mkdir()
        self.make_store()
        report = self.shown("team")
        self.assertEqual((report["autonomy"], report["autonomy_source"]), ("propose", "version_control"))
        self.assertIn("under version control", report["autonomy_reason"])
        self.assertEqual(self.listed("team")["autonomy_source"], "version_control")
        self.assertEqual((self.listed("own")["autonomy"], self.listed("own")["autonomy_source"]),
                         ("auto", "default"))
        doc = self.envelope("skills", "unlock", "team", "--to", "auto")
        self.assertEqual((doc["data"]["before"], doc["data"]["after"]), ("propose", "auto"))
        _, out, _ = self.run_cli("skills", "list", "--text")
        self.assertRegex(out, r"team .*auto \(config\)")

    def test_a_file_that_says_off_stays_locked(self):
        self.install("pdf", more='metadata:\n  selftune: "off"\n')
        self.make_store()
        self.assertEqual((self.shown("pdf")["autonomy"], self.listed("pdf")["autonomy_source"]),
                         ("locked", "frontmatter"))
        doc = self.envelope("skills", "unlock", "pdf", "--to", "auto")
        self.assertEqual((doc["data"]["after"], doc["data"]["after_source"]), ("locked", "frontmatter"))
        self.assertEqual([w["code"] for w in doc["warnings"]], ["SWITCHED_OFF"])

    def test_a_skill_can_be_locked_before_the_first_run(self):
        path = self.install("pdf")
        doc = self.envelope("skills", "lock", "PDF")
        self.assertEqual((doc["data"]["skill"], doc["data"]["after"]), ("pdf", "locked"))
        self.assertFalse((self.home / ".selftune" / "selftune.db").exists())
        doc = self.envelope("skills", "unlock", "pdf", "--skill-path", str(path))
        self.assertEqual((doc["data"]["before"], doc["data"]["after"]), ("locked", "propose"))
        doc = self.envelope("skills", "lock", "pdf", "--skill-path", str(self.home / "SKILL.md"), code=6)
        self.assertEqual(doc["error"]["code"], "SKILL_NOT_FOUND")

    def test_who_is_not_known_is_said_with_who_was_meant(self):
        self.install("changelog-writer")
        self.envelope("skills", "lock", "changelog-writre", code=6)
        self.make_store()
        doc = self.envelope("skills", "lock", "changelog-writre", code=6)
        self.assertEqual(doc["error"]["code"], "SKILL_NOT_FOUND")
        self.assertIn("changelog-writer", doc["error"]["message"] + str(doc["error"]["suggestion"]))
        self.assertFalse(self.config().exists())

    def test_a_dry_run_writes_nothing(self):
        self.install("pdf")
        self.make_store()
        doc = self.envelope("skills", "lock", "pdf", "--dry-run")
        self.assertEqual((doc["dry_run"], doc["changed"]), (True, False))
        _, out, _ = self.run_cli("skills", "lock", "pdf", "--dry-run", "--text")
        self.assertIn("dry run, nothing is changed", out)
        self.assertEqual((doc["data"]["before"], doc["data"]["after"]), ("auto", "locked"))
        self.assertIsNone(doc["data"]["receipt"])
        self.assertFalse(self.config().exists())

    def test_what_the_file_has_besides_is_kept(self):
        self.install("pdf")
        self.make_store()
        self.config().write_text('{"alpha":{"k":1},"skills":{"PDF":{"autonomy":"propose","note":"x"},"b":{}}}')
        doc = self.envelope("skills", "lock", "pdf")
        self.assertEqual(json.loads(self.config().read_text()),
                         {"alpha": {"k": 1}, "config_version": 1,
                          "skills": {"PDF": {"autonomy": "locked", "note": "x"}, "b": {}}})
        self.assertEqual(doc["data"]["receipt"]["undo"]["argv"],
                         ["selftune", "config", "set", "skills.PDF.autonomy", "propose"])
        self.envelope(*doc["data"]["receipt"]["undo"]["argv"][1:])
        self.assertEqual(self.shown("pdf")["autonomy"], "propose")

    def test_several_entries_of_one_name_go_back_to_what_held(self):
        self.install("pdf")
        self.make_store()
        self.config().write_text('{"skills":{"PDF":{"autonomy":"propose"},"pdf":{"autonomy":"auto"}}}')
        doc = self.envelope("skills", "lock", "pdf")
        self.assertEqual(doc["data"]["before"], "propose")
        self.assertEqual(doc["data"]["receipt"]["undo"]["argv"],
                         ["selftune", "skills", "unlock", "pdf", "--to", "propose"])
        self.envelope(*doc["data"]["receipt"]["undo"]["argv"][1:])
        self.assertEqual(self.shown("pdf")["autonomy"], "propose")

    def test_a_file_that_cannot_be_understood_is_left_alone(self):
        self.install("pdf")
        self.make_store()
        for text in ("{", '{"skills":"none"}'):
            self.config().write_text(text)
            doc = self.envelope("skills", "lock", "pdf", code=4)
            self.assertEqual(doc["error"]["code"], "INVALID_CONFIG")
            self.assertEqual(self.config().read_text(), text)

    def test_text_for_people(self):
        self.install("pdf")
        self.make_store()
        code, out, _ = self.run_cli("skills", "lock", "pdf", "--text")
        self.assertEqual(code, 0)
        self.assertIn("pdf: locked (was auto)", out)
        self.assertIn("Back: selftune config set skills.pdf.autonomy --default", out)
        _, out, _ = self.run_cli("skills", "show", "pdf", "--text")
        self.assertRegex(out, r"autonomy +locked: config.json sets skills.pdf.autonomy")


class Budget(SkillCommands):
    def session(self, listing, used=(), name="s1", cwd="/home/dev/shop"):
        """A transcript of Claude Code: one prompt, what was listed, skills that ran."""
        folder = self.home / ".claude" / "projects" / "-work-shop"
        folder.mkdir(parents=True, exist_ok=True)
        base = {"sessionId": name, "cwd": cwd, "version": "2.1.197", "isSidechain": False, "userType": "external"}
        content = "\n".join("- %s%s" % (n, ": " + d if d else "") for n, d in listing)
        rows = [dict(base, type="user", uuid="u1", parentUuid=None, timestamp="2026-11-20T10:00:00.000Z",
                     message={"role": "user", "content": "do the work please"}),
                dict(base, type="attachment", uuid="a1", parentUuid="u1", timestamp="2026-11-20T10:00:00.100Z",
                     attachment={"type": "skill_listing", "content": content, "names": [n for n, _ in listing],
                                 "skillCount": len(listing), "isInitial": True})]
        for i, skill in enumerate(used):
            call = "toolu_%d" % i
            rows.append(dict(base, type="assistant", uuid="c%d" % i, parentUuid="a1",
                             timestamp="2026-11-20T10:00:%02d.000Z" % (i + 1),
                             message={"id": "m%d" % i, "role": "assistant", "model": "claude-test", "content": [
                                 {"type": "tool_use", "id": call, "name": "Skill", "input": {"skill": skill}}]}))
            rows.append(dict(base, type="user", uuid="r%d" % i, parentUuid="c%d" % i,
                             timestamp="2026-11-20T10:00:%02d.500Z" % (i + 1),
                             toolUseResult={"success": True, "commandName": skill},
                             message={"role": "user", "content": [
                                 {"type": "tool_result", "tool_use_id": call, "content": "Launching skill: " + skill}]}))
        (folder / (name + ".jsonl")).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def fill(self, count=20, length=500):
        """`count` skills that need more than the 8,000 characters there are."""
        for i in range(count):
            self.install("s%02d" % i, "x" * length)

    def budget(self, *argv):
        return self.envelope("budget", *argv, "--since", "2026-11-01")

    def test_who_is_cut_and_what_to_shorten_first(self):
        self.fill()
        self.session([("s00", "x" * 500), ("s01", ""), ("built-in", "Of the host.")], used=["s00", "s00", "s01"])
        self.make_store()
        doc = self.budget()
        data = doc["data"]
        self.assertEqual((data["platform"], data["limit"], data["cut"]), ("claude_code", 8000, "least_used"))
        line = len("- s00: \n") + 500
        self.assertEqual(data["listing_chars"], 20 * line)
        skills = {skill["name"]: skill for skill in data["skills"]}
        self.assertEqual(len(skills), 20)
        self.assertEqual((skills["s00"]["uses"], skills["s00"]["state"], skills["s00"]["chars"]), (2, "full", line))
        self.assertAlmostEqual(skills["s00"]["value_per_char"], 2 / line)
        cut = [skill for skill in data["skills"] if skill["state"] == "name_only"]
        self.assertTrue(cut and all(skill["uses"] == 0 for skill in cut))
        self.assertLessEqual(sum(skill["shown_chars"] for skill in data["skills"]), 8000)
        first = data["skills"][0]
        self.assertEqual((first["uses"], first["value_per_char"]), (0, 0))
        self.assertEqual(doc["next"]["argv"], ["selftune", "skills", "lint", first["path"]])
        self.assertIn("shorten %s first" % first["name"], doc["next"]["reason"])

    def test_beside_it_stands_what_was_really_shown(self):
        self.fill(2)
        listing = [("s00", "x" * 500), ("s01", ""), ("built-in", "Of the host.")]
        self.session(listing)
        self.make_store()
        data = self.budget()["data"]
        states = {skill["name"]: (skill["state"], skill["recorded_state"]) for skill in data["skills"]}
        self.assertEqual(states, {"s00": ("full", "full"), "s01": ("full", "name_only")})
        told = "".join("- %s%s\n" % (n, ": " + d if d else "") for n, d in listing)
        recorded = data["recorded"]
        self.assertEqual((recorded["session_id"], recorded["skills"], recorded["chars"]), ("s1", 3, len(told)))
        self.assertEqual((recorded["cut"], recorded["others"], recorded["others_chars"]),
                         (1, 1, len("- built-in: Of the host.\n")))

    def test_the_window_and_the_setting_of_the_host_decide_the_room(self):
        self.fill(20)
        self.make_store()
        self.assertEqual(self.budget("--context-tokens", "1000000")["data"]["limit"], 40000)
        (self.home / ".claude" / "settings.json").write_text('{"skillListingBudgetFraction":0.02}')
        data = self.budget()["data"]
        self.assertEqual(data["limit"], 16000)
        self.assertIn("skillListingBudgetFraction", data["limit_basis"])
        self.assertEqual({skill["state"] for skill in data["skills"]}, {"full"})
        self.assertIsNone(self.budget()["next"])

    def test_skills_of_a_project_count_where_it_is_named(self):
        self.install("mine")
        self.install("ours", root="work/.claude/skills")
        self.make_store()
        self.assertEqual([s["name"] for s in self.budget()["data"]["skills"]], ["mine"])
        data = self.budget("--project", "work")["data"]
        self.assertEqual(data["project"], str(self.home / "work"))
        self.assertEqual({s["name"]: s["scope"] for s in data["skills"]}, {"mine": "global", "ours": "project"})
        # A request is resolved as a flag is.
        for named in ("work", "./work/", "work/../work"):
            request = json.dumps({"op": "skill.budget", "params": {"project": named}})
            self.assertEqual(self.envelope("request", request)["data"]["project"], str(self.home / "work"), named)
        self.assertEqual(self.envelope("budget", "--project", "nowhere", code=64)["error"]["code"],
                         "INVALID_REQUEST")

    def test_what_a_project_switches_off_takes_no_room_there(self):
        for name in ("kept", "off"):
            self.install(name)
        settings = self.home / "work" / ".claude" / "settings.json"
        settings.parent.mkdir(parents=True)
        settings.write_text('{"skillOverrides":{"off":"off"}}', encoding="utf-8")
        self.make_store()
        listed = lambda *argv: sorted(s["name"] for s in self.budget(*argv)["data"]["skills"])
        self.assertEqual(listed(), ["kept", "off"])
        self.assertEqual(listed("--project", "work"), ["kept"])

    def test_a_host_whose_budget_is_not_known_says_so(self):
        self.install("mine", "y" * 20000, root=".gemini/skills")
        self.make_store()
        data = self.budget("--platform", "gemini")["data"]
        self.assertIsNone(data["limit"])
        self.assertEqual((data["cut"], data["limit_basis"]), ("unknown", "the budget of Gemini CLI is not known"))
        self.assertEqual([(s["state"], s["shown_chars"]) for s in data["skills"]], [("unknown", None)])
        self.assertEqual([h["platform"] for h in data["hosts"]], ["gemini"])

    def test_without_another_word_the_host_that_loses_most_is_shown(self):
        self.install("small", root=".claude/skills")
        for i in range(20):
            self.install("c%02d" % i, "z" * 600, root=".codex/skills")
        self.make_store()
        data = self.budget()["data"]
        self.assertEqual((data["platform"], data["cut"]), ("codex", "shortened"))
        self.assertEqual({skill["state"] for skill in data["skills"]}, {"truncated"})
        self.assertEqual({h["platform"]: (h["skills"], h["cut"]) for h in data["hosts"]},
                         {"claude_code": (1, 0), "codex": (20, 20)})

    def test_nothing_installed_is_an_answer(self):
        self.make_store()
        data = self.budget()["data"]
        self.assertEqual((data["platform"], data["listing_chars"], data["skills"], data["hosts"]), (None, 0, [], []))
        _, out, _ = self.run_cli("budget", "--text")
        self.assertIn("No skill is installed", out)

    def test_without_a_store_the_next_step_is_to_read(self):
        self.install("pdf")
        self.assertEqual(self.envelope("budget", code=4)["next"]["argv"], ["selftune", "sync"])

    def test_text_for_people(self):
        self.fill()
        self.session([("s00", "x" * 500), ("s01", "")], used=["s00"])
        self.install("other", root=".codex/skills")
        self.make_store()
        code, out, _ = self.run_cli("budget", "--since", "2026-11-01", "--text")
        self.assertEqual(code, 0)
        self.assertIn("Claude Code: list of skills", out)
        self.assertRegex(out, r"10 160 characters, room for 8 000: \d+ skills cut")
        self.assertRegex(out, r"s00 +508 +508 +1 +2\.0 +whole +whole")
        self.assertRegex(out, r"s19 +508 +6 +0 +0\.0 +name only +left out")
        self.assertRegex(out, r"Codex CLI +1 +\d+ +8 000 +0 +-")
        self.assertTrue(re.search(r"selftune skills lint \S+SKILL.md", out))


class Names(SkillCommands):
    def commands(self, value, key=""):
        """Every command line that a reply suggests."""
        if isinstance(value, dict):
            for name, part in value.items():
                yield from self.commands(part, name)
        elif isinstance(value, list):
            for part in value:
                yield from self.commands(part, key)
        elif isinstance(value, str) and key in ("command", "fix_command"):
            yield value

    def test_no_name_runs_as_a_command(self):
        evil = "!'; touch %s; '" % (self.home / "HERE")
        self.install("one", more="").write_text('---\nname: "%s"\ndescription: Does.\n---\n' % evil)
        folder = self.home / ".claude/skills" / ("w'; touch HERE; '")
        folder.mkdir()
        (folder / "SKILL.md").write_text("---\nname: [\n---\n")
        self.make_store()
        found = []
        for argv in (["doctor", "--exit-zero"], ["status"], ["why", evil], ["skills", "list"]):
            status, out, _ = self.run_cli(*argv)
            found += self.commands(json.loads(out))
        self.assertTrue(any("touch" in line for line in found), found)
        for line in found:
            if not line.startswith("selftune "):
                continue
            # As a shell would split it, with the program that does nothing.
            subprocess.run(["bash", "-c", "selftune() { :; }; " + line], cwd=self.home, env=self.env(), check=False)
            self.assertFalse((self.home / "HERE").exists(), line)


class Badge(SkillCommands):
    def test_a_picture_that_is_one(self):
        self.install("pdf")
        self.make_store()
        data = self.envelope("badge", "--skill", "pdf")["data"]
        self.assertEqual((data["message"], data["color"], data["state"]), ("no data", "#9f9f9f", "UNKNOWN"))
        picture = xml.etree.ElementTree.fromstring(data["content"])
        self.assertEqual(picture.get("aria-label"), "Skill Health: no data")
        code, out, _ = self.run_cli("badge", "--skill", "pdf", "--format", "url", "--text")
        self.assertEqual((code, out), (0, "https://img.shields.io/badge/Skill%20Health-no%20data-9f9f9f\n"))
        endpoint = json.loads(self.envelope("badge", "--skill", "pdf", "--format", "json")["data"]["content"])
        self.assertEqual(endpoint["schemaVersion"], 1)
        doc = self.envelope("badge", "--skill", "nobody", code=6)
        self.assertEqual(doc["error"]["code"], "SKILL_NOT_FOUND")

    def test_only_a_badge_is_replaced(self):
        self.install("pdf")
        self.make_store()
        target = self.home / "badge.svg"
        line = ("badge", "--skill", "pdf", "--output", "badge.svg")
        doc = self.envelope(*line, "--dry-run")
        self.assertFalse(doc["changed"] or target.exists())
        doc = self.envelope(*line)
        self.assertTrue(doc["changed"])
        self.assertEqual(target.read_text(), doc["data"]["content"])
        self.assertEqual(doc["data"]["receipt"]["undo"]["argv"], ["rm", str(target)])
        self.assertFalse(self.envelope(*line)["changed"])
        self.assertTrue(self.envelope(*line, "--style", "flat-square")["changed"])
        doc = self.envelope(*line, "--label", "another", code=2)
        self.assertEqual(doc["error"]["code"], "FILE_EXISTS")
        for text in ("# Mine\n", ""):
            target.write_text(text)
            doc = self.envelope(*line, code=2)
            self.assertEqual((doc["error"]["code"], target.read_text()), ("FILE_EXISTS", text))


if __name__ == "__main__":
    cli_case.SELFTUNE = os.path.abspath(sys.argv[1])
    cli_case.load_schemas(sys.argv[2])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=1)
