#!/usr/bin/env python3
"""The TypeScript selftune's skill gives way to ours and comes back; what of it still runs is told.

    takeover_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import Place, SKILL_OF_THE_REFERENCE  # noqa: E402

MAIN = ".claude/skills/selftune/SKILL.md"
# Nothing of it is in the reference's: neither its author nor the file that it sends agents to.
SKILL_OF_A_PERSON = "---\nname: selftune\ndescription: How we tune radios.\n---\n\n# selftune\n\nTurn the knob.\n"


class Taken(Place):
    def setUp(self):
        super().setUp()
        self.agent("claude")
        (self.home.path / ".claude").mkdir(parents=True)

    def main(self):
        return (self.home.path / MAIN).read_text()

    def step(self, reply, step="skill"):
        return next(s for s in reply["data"]["steps"] if s["id"] == step)

    def warnings(self, reply, code):
        return [w for w in reply["warnings"] if w["code"] == code]

    def checks(self):
        return {c["name"]: c for c in self.good("doctor", "--only", "reference.*", "--exit-zero")["data"]["checks"]}


class Skill(Taken):
    def test_it_gives_way_to_ours_and_comes_back(self):
        self.skill_of_the_reference()
        before = self.tree()
        planned = self.good("init", "--no-sync", "--dry-run")
        self.assertIn("instead of the TypeScript selftune's skill", self.step(planned)["detail"])
        self.assertEqual(self.tree(), before)
        reply = self.good("init", "--no-sync")
        self.assertIn("instead of the TypeScript selftune's skill", self.step(reply)["detail"])
        self.assertIn(str(self.home.path / MAIN), reply["data"]["receipt"]["targets"])
        self.assertNotIn("selftune-dev", self.main())
        self.assertEqual(self.warnings(reply, "SKILL_KEPT"), [])
        self.assertEqual({p["state"] for p in self.good("skill", "status")["data"]["installed"]}, {"current"})
        self.assertFalse(self.step(self.good("init", "--no-sync"))["changed"])
        self.good(*reply["data"]["receipt"]["undo"]["argv"][1:])
        self.assertEqual(self.tree(), before)

    def test_skill_install_takes_it_over_and_says_where_it_is_kept(self):
        self.skill_of_the_reference()
        before = self.tree()
        data = self.good("skill", "install")["data"]
        kept = {Path(k["path"]).name: Path(k["kept_as"]) for k in data["kept_as_orig"]}
        self.assertEqual(kept["SKILL.md"].read_text(), SKILL_OF_THE_REFERENCE)
        self.good(*data["receipt"]["undo"]["argv"][1:])
        self.assertEqual(self.tree(), before)

    def test_every_host_s_folder_is_looked_at(self):
        self.agent("codex")
        (self.home.path / ".codex").mkdir()
        self.skill_of_the_reference(".agents/skills/selftune")
        self.good("init", "--no-sync")
        self.assertNotIn("selftune-dev", (self.home.path / ".agents/skills/selftune/SKILL.md").read_text())

    def test_its_shape_counts_not_one_version_of_it(self):
        old = SKILL_OF_THE_REFERENCE.replace("metadata:\n  author: selftune-dev\n  version: 0.2.28\n", "")
        for name, text, beside, ours in (
                ("a later version", SKILL_OF_THE_REFERENCE.replace("0.2.28", "1.4.0"), None, True),
                ("an early one, with its workflows", old.replace("workflows/", "Workflows/"), "Workflows", True),
                ("an early one's text alone", old, None, False),
                ("of another author", SKILL_OF_THE_REFERENCE.replace("selftune-dev", "me"), None, False),
                ("of another name", SKILL_OF_THE_REFERENCE.replace("name: selftune", "name: tuner"), None, False),
                ("with nothing to set up", SKILL_OF_THE_REFERENCE.replace("Initialize", "Radio"), None, False),
                ("a person's", SKILL_OF_A_PERSON, "workflows", False)):
            with self.subTest(name):
                folder = (self.home.path / MAIN).parent
                folder.mkdir(parents=True)
                (folder / "SKILL.md").write_text(text)
                if beside:
                    (folder / beside).mkdir()
                    (folder / beside / "Initialize.md").write_text("# Set up\n")
                reply = self.good("init", "--no-sync")
                self.assertEqual(self.main() != text, ours)
                self.assertEqual(bool(self.warnings(reply, "SKILL_KEPT")), not ours)
                self.good("uninstall", "--yes")
                self.assertEqual(self.main(), text)
                for path in sorted(folder.rglob("*"), reverse=True):
                    path.rmdir() if path.is_dir() else path.unlink()
                folder.rmdir()

    def test_what_is_kept_is_told_with_the_command_that_replaces_it(self):
        path = self.home.path / MAIN
        path.parent.mkdir(parents=True)
        path.write_text(SKILL_OF_A_PERSON)
        before = self.tree()
        warning, = self.warnings(self.good("init", "--no-sync", "--no-hooks"), "SKILL_KEPT")
        self.assertIn(str(path), warning["message"])
        self.assertEqual(self.main(), SKILL_OF_A_PERSON)
        self.good(*warning["next"]["argv"][1:])
        self.assertIn("operate the `selftune` command", self.main())
        self.assertEqual(self.warnings(self.good("init", "--no-sync", "--no-hooks"), "SKILL_KEPT"), [])
        self.good("skill", "uninstall")
        self.assertEqual(self.tree(), before)

    def test_what_a_person_changed_since_stays_and_is_told(self):
        self.skill_of_the_reference()
        self.good("init", "--no-sync")
        (self.home.path / MAIN).write_text("edited")
        warning, = self.warnings(self.good("init", "--no-sync"), "SKILL_KEPT")
        self.good(*warning["next"]["argv"][1:])
        self.assertEqual((self.home.path / (MAIN + ".orig")).read_text(), "edited")
        self.assertNotEqual(self.main(), "edited")

    def test_a_link_is_moved_away_by_hand(self):
        theirs = self.home.path / "theirs.md"
        theirs.write_text(SKILL_OF_THE_REFERENCE)
        (self.home.path / MAIN).parent.mkdir(parents=True)
        (self.home.path / MAIN).symlink_to(theirs)
        warning, = self.warnings(self.good("init", "--no-sync"), "SKILL_KEPT")
        subprocess.run(warning["next"]["argv"], check=True)
        self.assertEqual(self.warnings(self.good("init", "--no-sync"), "SKILL_KEPT"), [])
        self.assertEqual(theirs.read_text(), SKILL_OF_THE_REFERENCE)
        self.assertIn("operate the `selftune` command", self.main())


class Folder(Taken):
    def mode(self):
        return self.home.state.stat().st_mode & 0o777

    def test_it_is_closed_to_others_and_that_is_said(self):
        self.installation_of_the_reference()
        self.home.state.chmod(0o755)
        self.assertIn("mode 755", self.step(self.good("init", "--no-sync", "--dry-run"), "folder")["detail"])
        self.assertEqual(self.mode(), 0o755)
        reply = self.good("init", "--no-sync")
        self.assertTrue(self.step(reply, "folder")["changed"])
        self.assertEqual((self.mode(), len(self.warnings(reply, "FOLDER_CLOSED"))), (0o700, 1))
        again = self.good("init", "--no-sync")
        self.assertNotIn("folder", [s["id"] for s in again["data"]["steps"]])

    def test_one_that_was_named_is_left_to_doctor(self):
        folder = self.root / "shared folder"
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        self.good("init", "--no-sync", "--home", str(folder))
        self.assertEqual(folder.stat().st_mode & 0o777, 0o755)
        check, = self.good("doctor", "--only", "config.mode", "--home", str(folder), "--exit-zero")["data"]["checks"]
        subprocess.run(shlex.split(check["guidance"]["command"]), check=True)
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)


class Running(Taken):
    def test_timers_are_told_without_a_database_and_the_command_ends_them(self):
        units = self.timers_of_the_reference()
        (self.bin / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>"{self.root}/said"\n')
        (self.bin / "systemctl").chmod(0o755)
        told = {"init": self.good("init", "--no-sync"), "cron": self.good("cron", "status"),
                "import": self.good("init", "--no-sync", "--dry-run")}
        for name, reply in told.items():
            warning, = self.warnings(reply, "REFERENCE_STILL_RUNS")
            self.assertIn("selftune-orchestrate.timer", warning["message"], name)
        check = self.checks()["reference.timers"]
        self.assertEqual((check["status"], self.checks()["reference.hooks"]["status"]), ("warn", "skip"))
        self.assertEqual(check["guidance"]["command"].split()[:2], ["sh", "-c"])
        self.assertEqual(len(list(units.iterdir())), 4)
        subprocess.run(warning["next"]["argv"], check=True, env=self.env())
        self.assertEqual(sorted((self.root / "said").read_text().split()),
                         sorted(["--user", "disable", "--now", "selftune-sync.timer", "selftune-orchestrate.timer"]))
        self.assertEqual(list(units.iterdir()), [])
        self.assertEqual(len(list((self.home.state / "reference-timers").iterdir())), 4)
        self.assertEqual(self.warnings(self.good("init", "--no-sync"), "REFERENCE_STILL_RUNS"), [])
        self.assertEqual({c["status"] for c in self.checks().values()}, {"skip"})

    def crontab(self, text):
        table = self.root / "table"
        table.write_bytes(text.encode())
        (self.bin / "crontab").write_text(
            f'#!/bin/sh\ncase $1 in -l) cat "{table}";; -) [ ! -e "{self.root}/full" ] && cat >"{table}.new" && '
            f'mv "{table}.new" "{table}";; esac\n')
        (self.bin / "crontab").chmod(0o755)
        artifact = self.home.state / "schedule/selftune.crontab"
        artifact.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        artifact.write_text("# the reference's\n")
        return table

    def end_timers(self, code=0):
        warning, = self.warnings(self.good("init", "--no-sync"), "REFERENCE_STILL_RUNS")
        done = subprocess.run(warning["next"]["argv"], check=False, env=self.env(), capture_output=True, text=True)
        self.assertEqual(done.returncode == 0, code == 0, done.stderr)

    def test_its_lines_of_the_crontab_go_and_those_of_others_stay(self):
        mine = "1 2 * * * mine\n\n\n"
        block = "# BEGIN SELFTUNE\nPATH=/x\n*/30 * * * *  selftune sync\n# END SELFTUNE\n"
        ours = "# BEGIN SELFTUNE managed by selftune, hash 0\n1 1 * * * ours\n# END SELFTUNE\n"
        # An editor, or another system, may leave white space behind the mark.
        tabs, lines = block.replace("SELFTUNE\n", "SELFTUNE \t\n"), block.replace("\n", "\r\n")
        tables = ((mine + block, mine), (ours + block + mine, ours + mine), (mine + tabs + mine, mine + mine),
                  (lines + mine, mine))
        for i, (before, after) in enumerate(tables):
            with self.subTest(before):
                table = self.crontab(before)
                self.end_timers()
                self.assertEqual(table.read_bytes(), after.encode())
                # What was put aside before stays.
                for n, (text, _) in enumerate(tables[:i + 1]):
                    folder = self.home.state / ("reference-timers" + (f".{n + 1}" if n else ""))
                    self.assertEqual((folder / "crontab.before").read_bytes(), text.encode())
                self.assertEqual(self.checks()["reference.timers"]["status"], "skip")

    def test_where_its_lines_are_no_longer_there_its_file_goes(self):
        for text in ("", "1 2 * * * mine\n"):
            table = self.crontab(text)
            self.end_timers()
            self.assertEqual(table.read_text(), text)
            self.assertEqual(self.checks()["reference.timers"]["status"], "skip")

    def test_nothing_is_taken_out_where_it_is_not_plain_what_is_its(self):
        begin, end, line = "# BEGIN SELFTUNE\n", "# END SELFTUNE\n", "1 2 * * * mine\n"
        for text in (begin + line, begin + line + begin + line + end, begin + end + line + begin + line + end,
                     begin + line + "# BEGIN SELFTUNE managed by selftune, hash 0\n" + end):
            with self.subTest(text):
                self.crontab(text)
                warning, = self.warnings(self.good("init", "--no-sync"), "REFERENCE_STILL_RUNS")
                self.assertEqual(warning["next"]["argv"], ["crontab", "-l"])
                self.assertIn("take them out with crontab -e", warning["message"])
                check = self.checks()["reference.timers"]
                self.assertEqual((check["status"], check["guidance"]["command"]), ("warn", "crontab -l"))
                self.assertIn("with crontab -e", check["guidance"]["text"])

    def test_a_step_that_fails_changes_nothing(self):
        table = self.crontab("# BEGIN SELFTUNE\n1 1 * * * its\n# END SELFTUNE\n1 2 * * * mine\n")
        before = table.read_text()
        (self.root / "full").touch()
        self.end_timers(code=1)
        self.assertEqual((table.read_text(), self.checks()["reference.timers"]["status"]), (before, "warn"))
        # It is looked at once more when the command runs.
        (self.root / "full").unlink()
        for text in (before.replace("# END SELFTUNE\n", ""), "1 2 * * * mine\n"):
            table.write_text(before)
            warning, = self.warnings(self.good("init", "--no-sync"), "REFERENCE_STILL_RUNS")
            table.write_text(text)
            self.assertNotEqual(subprocess.run(warning["next"]["argv"], check=False, env=self.env()).returncode, 0)
            self.assertEqual(table.read_text(), text)
        table.write_text(before)
        self.end_timers()
        self.assertEqual(table.read_text(), "1 2 * * * mine\n")
        self.assertEqual(self.checks()["reference.timers"]["status"], "skip")

    def test_hooks_that_stay_are_told_and_the_command_replaces_them(self):
        self.write(json.dumps({"hooks": {"Stop": [{"hooks": [{
            "type": "command", "command": "node /x/bin/run-hook.cjs /x/cli/selftune/hooks/session-stop.ts"}]}]}}))
        warning, = self.warnings(self.good("init", "--no-sync", "--no-hooks"), "REFERENCE_STILL_RUNS")
        self.assertEqual(self.checks()["reference.hooks"]["status"], "warn")
        self.assertEqual(self.warnings(self.good("init", "--no-sync", "--dry-run"), "REFERENCE_STILL_RUNS"), [])
        self.good(*warning["next"]["argv"][1:])
        self.assertNotIn("run-hook", self.settings().read_text())
        self.assertEqual(self.checks()["reference.hooks"]["status"], "skip")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
