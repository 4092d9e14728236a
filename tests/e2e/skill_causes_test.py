#!/usr/bin/env python3
"""Why a skill was not chosen, on a copy of each recording: by command only, hidden by
another copy, switched off in the host's settings.

    skill_causes_test.py SELFTUNE
"""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))

import surroundings  # noqa: E402

SELFTUNE = str(Path(sys.argv[1]).resolve())
RECORDINGS = TESTS / "data" / "hosts"

BY_KEY = "disable-model-invocation: true\n"
BY_POLICY = "policy:\n  allow_implicit_invocation: false\n"


class Machine:
    """A person whose home is a copy of one recording."""

    def __init__(self, test, recording):
        folder = tempfile.TemporaryDirectory(prefix="selftune-causes-")
        test.addCleanup(folder.cleanup)
        self.home = Path(folder.name) / "home"
        source = RECORDINGS / recording / "home"
        inner = source / "dev"
        shutil.copytree(inner if inner.is_dir() else source, self.home, symlinks=True)
        expected = json.loads((RECORDINGS / recording / "EXPECTED.json").read_text())
        self.session = next(one["session_id"] for one in expected["sessions"]
                            if not one.get("parent_session_id") and one["prompts"])

    def skill(self, folder, name, more="", description="Paints a zebra.", policy=""):
        path = self.home / folder / name / "SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text(f"---\nname: {name}\ndescription: {description}\n{more}---\n\nx\n")
        if policy:
            (path.parent / "agents").mkdir()
            (path.parent / "agents" / "openai.yaml").write_text(policy)
        return path

    def settings(self, name, more):
        """Adds to a file of settings, TOML as text; its path."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if path.exists() else ""
        if isinstance(more, str):
            path.write_text(before + "\n" + more.format(self.home, self.home))
        else:
            path.write_text(json.dumps({**json.loads(before or "{}"), **more}))
        return path

    def propose(self, path, state):
        """OpenClaw's workshop has a proposal for the skill; None: a table that nobody knows."""
        folder = self.home / ".openclaw" / "state"
        folder.mkdir(exist_ok=True)
        with sqlite3.connect(folder / "openclaw.sqlite") as db:
            if state is None:
                db.execute("CREATE TABLE skill_workshop_proposals(what TEXT)")
            else:
                # As in the store of that recording, which has no row; its unused columns left out.
                db.execute("CREATE TABLE skill_workshop_proposals(proposal_id TEXT NOT NULL PRIMARY KEY, record_json TEXT NOT NULL,"
                           " owner_agent_id TEXT, kind TEXT NOT NULL, status TEXT NOT NULL, draft_hash TEXT NOT NULL) STRICT")
                db.execute("INSERT INTO skill_workshop_proposals VALUES('p-1',?,'main','update',?,'h')",
                           (json.dumps({"id": "p-1", "status": state, "target": {"skillName": "zebra", "skillFile": str(path)}}), state))
        db.close()

    def doctor(self, name):
        done = self.run("doctor", "--only", name, ok=None)
        return [check for check in done["checks"] if check["name"] == name]

    def run(self, *argv, ok=True):
        done = subprocess.run([SELFTUNE, *argv, "--json"], capture_output=True, text=True,
                              env=surroundings.environment(self.home), check=False)
        reply = json.loads(done.stdout)
        if ok and not reply["ok"]:
            raise AssertionError(f"{argv}: {done.stdout}")
        return reply["data"]

    def evolve(self, name):
        """The reply of a run for which an agent is installed."""
        agent = self.home / "bin" / "claude"
        agent.parent.mkdir()
        shutil.copy(TESTS / "e2e" / "fake_claude.py", agent)
        agent.chmod(0o755)
        env = surroundings.environment(self.home)
        env["PATH"] = f"{agent.parent}:{env['PATH']}"
        done = subprocess.run([SELFTUNE, "evolve", "--skill", name, "--json"], env=env,
                              capture_output=True, text=True, check=False)
        return json.loads(done.stdout)

    def why(self, name, platform, *more):
        """Causes at a prompt of the session, for a text, and in general."""
        ask = ("why", name, "--platform", platform, *more)
        return [self.run(*ask, "--session", self.session)["cause"],
                self.run(*ask, "--prompt", "paint a zebra")["cause"],
                self.run(*ask)["cause"]]

    def listed(self, platform):
        """State by name, as the host would list the skills."""
        data = self.run("budget", "--platform", platform)
        return {line["name"]: line["state"] for line in data["skills"]}


class Causes(unittest.TestCase):
    maxDiff = None

    def test_settings_that_nobody_understands(self):
        # Recording, host, folder, file of settings, what stands in it.
        table = [
            ("claude-code", "claude_code", ".claude/skills", ".claude/settings.json", "{"),
            ("codex", "codex", ".codex/skills", ".codex/config.toml", "a = 1\nb = yes\n"),
            ("opencode/1.18.33", "opencode", ".config/opencode/skills", ".config/opencode/opencode.json",
             '{"permission": {"skill": {"zebra": "deny"}'),
            ("gemini/0.61.0", "gemini", ".gemini/skills", ".gemini/settings.json",
             '{"x": "' + "x" * (4 << 20) + '"}'),
            ("pi/0.87.1", "pi", ".pi/agent/skills", ".pi/agent/settings.json", '{"skills": ["!zebra"]'),
        ]
        for recording, platform, folder, name, text in table:
            with self.subTest(recording=recording):
                machine = Machine(self, recording)
                path = machine.skill(folder, "zebra")
                settings = machine.home / name
                settings.write_text(text)
                told = machine.run("sync")
                if platform != "gemini":  # of which a sync reads them for extensions alone
                    self.assertEqual(told["skill_problems_total"], 1)
                    self.assertEqual(told["skill_problems"][0]["path"], str(settings))
                item = next(one for one in machine.run("skills", "list")["items"] if one["name"] == "zebra")
                self.assertEqual(item["switched_off"], [])
                self.assertEqual(item["settings_unknown"],
                                 [{"platform": platform, "path": str(path), "settings": str(settings), "project_root": None}])
                self.assertIn("settings_unknown", item["flags"])
                self.assertEqual(machine.run("budget", "--platform", platform)["settings_unknown"], [str(settings)])
                why = machine.run("why", "zebra", "--platform", platform)
                self.assertEqual(why["cause"], "unknown")
                self.assertIn(str(settings), why["explanation"])
                self.assertEqual(why["what_would_fix"]["command"], "selftune doctor --only skills.parse")
                choice = next(one for one in machine.run("orchestrate", "--dry-run")["decisions"] if one["skill"] == "zebra")
                self.assertEqual((choice["action"], choice["reason_code"]), ("skip", "settings_unknown"))
                self.assertIn(f"{settings} is not understood; see what is wrong there with selftune doctor --only skills.parse",
                              choice["reason"])

    def test_by_command_only(self):
        # Recording, host, folder, what the file says, what lies beside it.
        table = [
            ("claude-code", "claude_code", ".claude/skills", BY_KEY, ""),
            ("codex", "codex", ".codex/skills", "", BY_POLICY),
            ("codex", "codex", ".agents/skills", "", BY_POLICY),
            ("pi/0.87.1", "pi", ".pi/agent/skills", BY_KEY, ""),
            ("pi/0.87.1", "pi", ".agents/skills", BY_KEY, ""),
            ("openclaw/2026.9.6", "openclaw", ".openclaw/skills", BY_KEY, ""),
        ]
        for recording, platform, folder, more, policy in table:
            with self.subTest(recording=recording, folder=folder):
                machine = Machine(self, recording)
                machine.skill(folder, "zebra", more, policy=policy)
                machine.skill(folder, "zebu")
                machine.run("sync")
                self.assertEqual(machine.why("zebra", platform), ["disabled"] * 3)
                self.assertEqual(machine.listed(platform)["zebra"], "explicit_only")
                self.assertNotIn("disabled", machine.why("zebu", platform))

    def test_another_host_may_load_what_this_one_may_not(self):
        # OpenCode reads the folder of Claude Code, and does not know the key.
        machine = Machine(self, "claude-code")
        machine.skill(".claude/skills", "zebra", BY_KEY)
        (machine.home / ".config" / "opencode").mkdir(parents=True)
        machine.run("sync")
        self.assertEqual(machine.why("zebra", "claude_code"), ["disabled"] * 3)
        self.assertNotEqual(machine.run("why", "zebra")["cause"], "disabled")
        self.assertEqual(machine.run("why", "zebra", "--session", machine.session)["cause"],
                         "disabled")

    def test_hidden_by_another_copy(self):
        # Recording, host, folder of the hidden copy, folder of the one that is taken.
        table = [
            ("gemini/0.61.0", "gemini", ".gemini/skills", ".agents/skills"),
            ("pi/0.87.1", "pi", ".agents/skills", ".pi/agent/skills"),
            ("openclaw/2026.9.6", "openclaw", ".openclaw/skills", ".agents/skills"),
        ]
        for recording, platform, folder, winner in table:
            with self.subTest(recording=recording, folder=folder):
                machine = Machine(self, recording)
                hidden = machine.skill(folder, "zebra", description="Paints a zebra grey.")
                taken = machine.skill(winner, "zebra")
                machine.run("sync")
                self.assertEqual(machine.why("zebra", platform, "--skill-path", str(hidden)),
                                 ["shadowed"] * 3)
                for more in ((), ("--skill-path", str(taken))):
                    self.assertNotIn("shadowed", machine.why("zebra", platform, *more))

    def test_switched_off_in_the_settings(self):
        # Recording, host, folder, file of settings, what is added to it; {} is the home.
        zebra = {"zebra": {"enabled": False}}
        toml = '[[skills.config]]\n{} = "{}"\nenabled = {}\n'
        path = "{}/.codex/skills/zebra/SKILL.md"
        table = [
            ("claude-code", "claude_code", ".claude/skills", ".claude/settings.json",
             {"skillOverrides": {"zebra": "off"}}),
            ("codex", "codex", ".codex/skills", ".codex/config.toml",
             toml.format("path", path.format("/nowhere"), "true") +
             toml.format("path", path, "false")),
            ("codex", "codex", ".agents/skills", ".codex/config.toml",
             toml.format("name", "zebra", "false") + toml.format("name", "zebu", "true")),
            ("gemini/0.61.0", "gemini", ".gemini/skills", ".gemini/settings.json",
             {"skills": {"disabled": ["Zebra"]}}),
            ("opencode/1.18.33", "opencode", ".claude/skills", ".config/opencode/opencode.json",
             {"permission": {"skill": {"zeb*": "deny", "zebu": "allow"}}}),
            ("openclaw/2026.9.6", "openclaw", ".openclaw/skills", ".openclaw/openclaw.json",
             {"skills": {"entries": zebra}}),
            ("pi/0.87.1", "pi", ".pi/agent/skills", ".pi/agent/settings.json",
             {"skills": ["-skills/zebra"]}),
            ("qwen/0.24.4", "qwen", ".qwen/skills", ".qwen/settings.json",
             {"skills": {"defaultDisabled": ["zebra", "zebu"], "enabled": ["zebu"]}}),
            ("copilot/1.0.102", "copilot", ".copilot/skills", ".copilot/settings.json",
             {"disabledSkills": ["zebra"]}),
        ]
        for recording, platform, folder, settings, more in table:
            with self.subTest(recording=recording, folder=folder):
                machine = Machine(self, recording)
                machine.skill(folder, "zebra")
                machine.skill(folder, "zebu")
                self.assertNotIn("disabled", machine.run("sync") and machine.why("zebra", platform))
                file = machine.settings(settings, more)
                self.assertEqual(machine.why("zebra", platform), ["disabled"] * 3)
                self.assertNotIn("disabled", machine.why("zebu", platform))
                self.assertNotIn("zebra", machine.listed(platform))
                self.assertIn("zebu", machine.listed(platform))
                fix = machine.run("why", "zebra", "--platform", platform)["what_would_fix"]
                self.assertIn(str(file), fix["text"])
                check = machine.doctor("skills.disabled")
                self.assertIn(f"zebra ({platform})", check[0]["message"])

    def test_settings_that_cannot_be_understood_are_told(self):
        machine = Machine(self, "gemini/0.61.0")
        machine.skill(".gemini/skills", "zebra")
        machine.run("sync")
        (machine.home / ".gemini" / "settings.json").write_text('{"skills": {"disabled": ["zebra"')
        told = [check for check in machine.doctor("skills.parse")
                if check["path"].endswith("/.gemini/settings.json")]
        self.assertEqual(len(told), 1, told)
        self.assertIn("SETTINGS_INVALID", told[0]["message"])

    def test_skills_that_plugins_packages_and_settings_bring(self):
        # Recording, host, folder of the skill, its name, files of settings ({} is the home),
        # why it is never changed ("" = it may be).
        manifest = {"name": "acme", "version": "1.0.0"}
        table = [
            ("gemini/0.61.0", "gemini", ".gemini/extensions/acme/skills", "zebra",
             {".gemini/extensions/acme/gemini-extension.json": manifest}, "part of plugin acme"),
            ("codex", "codex", ".codex/plugins/cache/market/tool/1.0.0/skills", "acme:zebra",
             {".codex/plugins/cache/market/tool/1.0.0/.codex-plugin/plugin.json": manifest,
              ".codex/config.toml": '[plugins."tool@market"]\nenabled = true\n'},
             "part of plugin acme"),
            ("openclaw/2026.9.6", "openclaw", ".openclaw/agents/main/agent/workshop-skills",
             "zebra", {}, "scope system"),
            ("openclaw/2026.9.6", "openclaw", "shelf", "zebra",
             {".openclaw/openclaw.json": {"skills": {"load": {"extraDirs": ["{}/shelf"]}}}}, ""),
            ("opencode/1.18.33", "opencode", "shelf", "zebra",
             {".config/opencode/opencode.json": {"skills": {"paths": ["~/shelf"]}}}, ""),
            ("pi/0.87.1", "pi", ".pi/agent/npm/node_modules/kit/skills", "zebra",
             {".pi/agent/settings.json": {"packages": ["npm:kit@1.0.0"]}},
             "part of plugin npm:kit@1.0.0"),
            ("pi/0.87.1", "pi", "shelf", "zebra",
             {".pi/agent/settings.json": {"skills": ["~/shelf"]}}, ""),
        ]
        for recording, platform, folder, name, settings, kept in table:
            with self.subTest(recording=recording, folder=folder):
                machine = Machine(self, recording)
                path = machine.skill(folder, "zebra")
                for file, more in settings.items():
                    if not isinstance(more, str):
                        more = json.loads(json.dumps(more).replace("{}", str(machine.home)))
                    machine.settings(file, more)
                machine.run("sync")
                items = {one["name"]: one for one in machine.run("skills", "list")["items"]}
                self.assertEqual(items[name]["paths"], [str(path)])
                self.assertEqual(items[name]["managed"], bool(kept))
                self.assertIn(name, machine.listed(platform))
                before = path.read_bytes()
                reply = machine.evolve(name)
                if kept:
                    self.assertEqual(reply["error"]["code"], "MANAGED_BY_PLUGIN")
                    self.assertIn(kept, reply["error"]["message"])
                else:  # nothing is known of it yet, which is another matter
                    self.assertEqual(reply["error"]["code"], "INSUFFICIENT_EVIDENCE")
                self.assertEqual(path.read_bytes(), before)

    def test_a_skill_of_which_its_host_proposes_a_change_is_not_changed(self):
        # What lies beside a skill, the state of the proposal, and is the skill left alone?
        table = [
            (".openclaw/skills", "pending", True),
            (".openclaw/workspace/skills", "pending", True),
            (".agents/skills", "pending", True),
            (".openclaw/skills", "rejected", False),
            (".openclaw/skills", None, False),  # a store that cannot be understood
        ]
        for folder, state, kept in table:
            with self.subTest(folder=folder, state=state):
                machine = Machine(self, "openclaw/2026.9.6")
                path = machine.skill(folder, "zebra")
                machine.propose(path, state)
                machine.run("sync")
                before = path.read_bytes()
                reply = machine.evolve("zebra")
                if kept:
                    self.assertEqual(reply["error"]["code"], "BLOCKED")
                    self.assertIn("OpenClaw's skill workshop has proposal p-1", reply["error"]["message"])
                    self.assertEqual(reply["next"]["argv"], ["openclaw", "skills", "workshop", "list"])
                    run = machine.run("orchestrate", "--dry-run", "--skill", "zebra", ok=None)
                    self.assertEqual([(one["action"], one["reason_code"]) for one in run["decisions"] if one["skill"] == "zebra"],
                                     [("skip", "held_by_host")])
                    plan = machine.run("status", "--skill", "zebra")["plan"]
                    self.assertEqual([(one["action"], one["reason_code"]) for one in plan], [("skip", "held_by_host")])
                else:  # nothing is known of it yet, which is another matter
                    plan = machine.run("status", "--skill", "zebra")["plan"]
                    self.assertNotIn("held_by_host", [one["reason_code"] for one in plan])
                    self.assertEqual(reply["error"]["code"], "INSUFFICIENT_EVIDENCE")
                told = [one["message"] for one in reply["warnings"] if "change of a skill" in one["message"]]
                self.assertEqual(len(told), 0 if state else 1, reply["warnings"])
                self.assertEqual(path.read_bytes(), before)

    def test_no_copy_goes_on_without_the_one_that_is_held(self):
        machine = Machine(self, "openclaw/2026.9.6")
        held, other = machine.skill(".openclaw/skills", "zebra"), machine.skill(".claude/skills", "zebra")
        machine.propose(held, "pending")
        machine.run("sync")
        self.assertEqual(machine.evolve("zebra")["error"]["code"], "BLOCKED")
        self.assertEqual(other.read_bytes(), held.read_bytes())

    def test_a_setting_names_the_skill_that_wins(self):
        # Recording, host, folder that loses, folder that wins, what names it.
        table = [
            ("pi/0.87.1", "pi", ".pi/agent/skills", "shelf",
             (".pi/agent/settings.json", {"skills": ["~/shelf"]})),
            ("openclaw/2026.9.6", "openclaw", ".openclaw/agents/main/agent/workshop-skills",
             ".openclaw/skills", None),
        ]
        for recording, platform, folder, winner, named in table:
            with self.subTest(recording=recording, folder=folder):
                machine = Machine(self, recording)
                hidden = machine.skill(folder, "zebra", description="Paints a zebra grey.")
                machine.skill(winner, "zebra")
                if named:
                    machine.settings(*named)
                machine.run("sync")
                self.assertEqual(machine.why("zebra", platform, "--skill-path", str(hidden)),
                                 ["shadowed"] * 3)

    def test_an_extension_that_is_off_in_a_folder(self):
        machine = Machine(self, "gemini/0.61.0")
        machine.skill(".gemini/extensions/acme/skills", "zebra")
        machine.settings(".gemini/extensions/acme/gemini-extension.json",
                         {"name": "acme", "version": "1.0.0"})
        machine.run("sync")
        self.assertNotIn("disabled", machine.why("zebra", "gemini"))
        file = machine.settings(".gemini/extensions/extension-enablement.json",
                                {"acme": {"overrides": ["!/*"]}})
        self.assertEqual(machine.why("zebra", "gemini"), ["disabled"] * 3)
        self.assertIn(str(file), machine.run("why", "zebra")["what_would_fix"]["text"])
        self.assertIn("zebra (gemini)", machine.doctor("skills.disabled")[0]["message"])

    def test_settings_that_name_folders_and_cannot_be_understood_are_told(self):
        table = [("gemini/0.61.0", ".gemini/extensions/extension-enablement.json"),
                 ("openclaw/2026.9.6", ".openclaw/openclaw.json"),
                 ("opencode/1.18.33", ".config/opencode/opencode.json"),
                 ("pi/0.87.1", ".pi/agent/settings.json")]
        for recording, name in table:
            with self.subTest(name=name):
                machine = Machine(self, recording)
                machine.run("sync")
                file = machine.home / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text('{"skills": [')
                told = [check for check in machine.doctor("skills.parse")
                        if check["path"] == str(file)]
                self.assertEqual(len(told), 1, told)
                self.assertIn("SETTINGS_INVALID", told[0]["message"])

    def test_of_equal_names_in_opencode_none_is_hidden(self):
        # It reads the files of all folders at once: whichever is read last stands, which is
        # chance; neither the order of folders nor a setting that names one decides.
        shelf = (".config/opencode/opencode.json", {"skills": {"paths": ["~/shelf"]}})
        table = [
            (".claude/skills", ".agents/skills", None),
            (".claude/skills", ".config/opencode/skills", None),
            (".agents/skills", ".config/opencode/skill", None),
            (".config/opencode/skills", "shelf", shelf),
        ]
        for one, other, named in table:
            with self.subTest(one=one, other=other):
                machine = Machine(self, "opencode/1.18.33")
                paths = [machine.skill(folder, "zebra", description=f"Paints a zebra in {folder}.")
                         for folder in (one, other)]
                if named:
                    machine.settings(*named)
                machine.run("sync")
                for path in paths:
                    self.assertNotIn("shadowed",
                                     machine.why("zebra", "opencode", "--skill-path", str(path)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
