#!/usr/bin/env python3
"""cron setup|list|remove: nothing of others is touched, nothing is left behind.

    schedule_install_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import schedule_case  # noqa: E402
from schedule_case import FOREIGN, PROGRAM, Schedule  # noqa: E402


class Install(Schedule):
    def test_installed_twice_is_once_listed_and_removed_without_a_trace(self):
        for platform in ("systemd", "launchd", "cron", "openclaw"):
            with self.subTest(platform):
                self.use_home("home of " + platform)
                self.fake(PROGRAM[platform])
                if platform == "cron":
                    (self.home / "tab").write_text(FOREIGN)
                before = self.tree()
                doc = self.install(platform)
                self.assertTrue(doc["changed"] and doc["data"]["activated"] and doc["data"]["verified"])
                self.assertEqual([j["id"] for j in doc["data"]["jobs"]], ["sync", "health", "run"])
                again = self.install(platform)
                self.assertFalse(again["changed"])
                self.assertEqual({f["action"] for f in again["data"]["files"]}, {"unchanged"})
                for command in ("list", "status"):
                    jobs = self.cron(command)["data"]["jobs"]
                    self.assertEqual([(j["id"], j["platform"], j["problem"]) for j in jobs],
                                     [(job, platform, None) for job in ("sync", "health", "run")])
                self.assertEqual(self.check("scheduler")["status"], "pass")
                dry = self.cron("remove", "--dry-run")
                self.assertFalse(dry["changed"])
                installed = self.tree()
                undo = doc["data"]["receipt"]["undo"]["argv"]
                self.assertEqual(undo, ["selftune", "cron", "remove"])
                gone = self.envelope(*undo[1:], env=self.env(**self.plain_path()))
                self.assertTrue(gone["changed"])
                self.assertEqual(gone["data"]["receipt"]["undo"]["argv"], ["selftune", "cron", "setup", "--platform", platform, "--every-hours", "6"])
                left = {k: v for k, v in self.tree().items() if k not in ("enabled", "jobs") or v}
                self.assertEqual(left, before)
                self.assertNotEqual(installed, before)
                self.assertFalse(self.cron("remove")["changed"])
                self.assertEqual(self.cron("list")["data"]["jobs"], [])

    def test_undoing_a_removal_brings_back_the_same_jobs(self):
        for platform in ("systemd", "launchd", "cron", "openclaw"):
            with self.subTest(platform):
                self.use_home("home of " + platform)
                self.fake(PROGRAM[platform])
                self.install(platform, "--every-hours", "12", "--jobs", "sync,run")
                before = self.tree(), self.cron("list")["data"]["jobs"]
                self.assertEqual(len(before[1]), 2)
                undo = self.cron("remove")["data"]["receipt"]["undo"]["argv"]
                self.envelope(*undo[1:], env=self.env(**self.plain_path()))
                self.assertEqual((self.tree(), self.cron("list")["data"]["jobs"]), before)

    def test_undoing_a_removal_from_two_schedulers_brings_back_the_jobs_of_both(self):
        self.fake("systemctl", "crontab")
        self.install("systemd", "--every-hours", "12", "--jobs", "sync,run")
        self.install("cron", "--every-hours", "6")
        before = self.tree(), self.cron("list")["data"]["jobs"]
        self.assertEqual([job["platform"] for job in before[1]], ["systemd"] * 2 + ["cron"] * 3)
        undo = self.cron("remove")["data"]["receipt"]["undo"]["argv"]
        self.assertEqual(self.cron("list")["data"]["jobs"], [])
        self.envelope(*undo[1:], env=self.env(**self.plain_path()))
        self.assertEqual((self.tree(), self.cron("list")["data"]["jobs"]), before)
        # Brought back once, there is nothing more to bring.
        doc = self.envelope("cron", "setup", "--again", code=6, env=self.env(**self.plain_path()))
        self.assertEqual(doc["error"]["code"], "NOT_FOUND")

    def test_one_scheduler_that_fails_keeps_none_of_the_others_from_coming_back(self):
        broken = {"systemctl": ("systemd", 'enable --now"*) [ -e "$HOME/fail" ]'), "crontab": ("cron", '-) [ -e "$HOME/fail" ]')}
        for program, (platform, step) in broken.items():
            with self.subTest(platform):
                self.use_home("home with no " + platform)
                self.fake("systemctl", "crontab")
                self.install("systemd", "--every-hours", "12", "--jobs", "sync,run")
                self.install("cron", "--every-hours", "6")
                jobs = {(job["platform"], job["id"], job["schedule"]) for job in self.cron("list")["data"]["jobs"]}
                undo = self.cron("remove")["data"]["receipt"]["undo"]["argv"]
                path = self.bin / program
                whole = path.read_text()
                self.assertIn(step, whole)
                path.write_text(whole.replace(step, step.replace('[ -e "$HOME/fail" ]', "true")))
                doc = self.envelope(*undo[1:], code=1, env=self.env(**self.plain_path()))
                self.assertEqual(doc["error"]["code"], "PROCESS_FAILED")
                self.assertIn(program, doc["error"]["message"])
                came = {(job["platform"], job["id"], job["schedule"]) for job in self.cron("list")["data"]["jobs"]}
                self.assertEqual(came, {job for job in jobs if job[0] != platform})
                self.assertTrue(doc["changed"])
                self.assertEqual({job["platform"] for job in doc["data"]["jobs"]}, {"systemd", "cron"} - {platform})
                left = json.loads((self.home / ".selftune/schedule/removed.json").read_text())["jobs"]
                self.assertEqual({job["platform"] for job in left}, {platform})
                path.write_text(whole)
                self.envelope(*undo[1:], env=self.env(**self.plain_path()))
                self.assertEqual({(job["platform"], job["id"], job["schedule"]) for job in self.cron("list")["data"]["jobs"]}, jobs)
                self.assertFalse((self.home / ".selftune/schedule/removed.json").exists())

    def test_where_all_schedulers_fail_nothing_is_lost(self):
        self.fake("systemctl", "crontab")
        self.install("systemd", "--every-hours", "12")
        self.install("cron")
        undo = self.cron("remove")["data"]["receipt"]["undo"]["argv"]
        removed = (self.home / ".selftune/schedule/removed.json").read_text()
        (self.home / "fail").touch()
        doc = self.envelope(*undo[1:], code=1, env=self.env(**self.plain_path()))
        self.assertEqual(doc["error"]["code"], "PROCESS_FAILED")
        for program in ("systemctl", "crontab"):
            self.assertIn(program, doc["error"]["message"])
        self.assertEqual((self.home / ".selftune/schedule/removed.json").read_text(), removed)

    def test_a_dry_run_changes_nothing(self):
        for platform in ("systemd", "launchd", "cron", "openclaw"):
            self.fake("systemctl", "launchctl", "crontab", "openclaw")
            before = self.tree()
            doc = self.install(platform, "--dry-run")
            self.assertFalse(doc["changed"])
            self.assertTrue(doc["data"]["commands"])
            self.assertIsNone(doc["data"]["receipt"])
            self.assertEqual(self.tree(), before)

    def test_a_step_that_fails_leaves_no_files(self):
        (self.home / "fail").touch()
        for platform in ("systemd", "launchd", "cron", "openclaw"):
            with self.subTest(platform):
                self.fake("systemctl", "launchctl", "crontab", "openclaw")
                (self.home / "tab").write_text(FOREIGN)
                before = self.tree()
                doc = self.install(platform, code=1)
                self.assertEqual(doc["error"]["code"], "PROCESS_FAILED")
                self.assertEqual({k: v for k, v in self.tree().items() if v or k in before}, before)
                self.assertEqual(self.cron("list")["data"]["jobs"], [])

    def test_what_somebody_edited_is_not_overwritten(self):
        self.install("systemd")
        timer = self.units / "selftune-run.timer"
        mine = timer.read_text().replace("00/6:20", "03:00")
        timer.write_text(mine)
        self.assertEqual(self.check("scheduler")["status"], "fail")
        self.assertEqual(self.cron("status", code=3)["error"]["code"], "UNHEALTHY")
        doc = self.install("systemd", "--every-hours", "12", code=2)
        self.assertEqual(doc["error"]["code"], "CONFLICTED")
        self.assertEqual(timer.read_text(), mine)
        self.assertIn("00/12:20", (self.units / "selftune-run.timer.selftune-new").read_text())
        self.install("systemd", "--every-hours", "12", "--force")
        self.assertIn("00/12:20", timer.read_text())
        self.cron("remove")
        self.assertEqual(list(self.units.glob("*")), [])
        self.install("cron")
        tab = self.home / "tab"
        tab.write_text(tab.read_text().replace("*/6", "*/2"))
        self.assertEqual(self.install("cron", code=2)["error"]["code"], "CONFLICTED")
        self.assertIn("*/2", tab.read_text())
        self.install("cron", "--force")
        self.assertNotIn("*/2", tab.read_text())

    def test_lines_of_others_stay_byte_for_byte(self):
        self.fake("crontab")
        tab = self.home / "tab"
        old = "# BEGIN SELFTUNE\nPATH=/x\n0 8 * * *  selftune status\n# END SELFTUNE\n"
        for name, before, after in (
                ("none", None, None), ("some", FOREIGN, FOREIGN), ("no end", FOREIGN[:-1], FOREIGN[:-1]),
                ("crlf", FOREIGN.replace("\n", "\r\n"), FOREIGN.replace("\n", "\r\n")), ("blank lines", "\n\n" + FOREIGN + "\n\n", "\n\n" + FOREIGN + "\n\n"),
                ("two old blocks", old + FOREIGN + "\n\n" + old, FOREIGN + "\n\n"), ("only an old block", old, None)):
            with self.subTest(name):
                tab.unlink(missing_ok=True)
                if before is not None:
                    tab.write_bytes(before.encode())
                self.install("cron")
                text = tab.read_text()
                self.assertEqual(text.count("# BEGIN SELFTUNE"), 1)
                for line in (after or "").splitlines():
                    self.assertIn(line, text)
                self.assertTrue(text.endswith("# END SELFTUNE\n"))
                self.cron("remove")
                self.assertEqual(tab.read_bytes() if tab.exists() else None, after.encode() if after is not None else None)
        tab.write_text(FOREIGN + "# BEGIN SELFTUNE\n0 8 * * *  selftune status\n1 1 * * * mine\n")
        broken = tab.read_text()
        for refused in (self.install("cron", code=2), self.cron("remove", code=2)):
            self.assertEqual((refused["error"]["code"], refused["next"]["argv"]), ("CONFLICTED", ["selftune", "cron", "status"]))
        self.assertEqual(tab.read_text(), broken)

    def test_what_older_versions_left_is_removed_and_nothing_else(self):
        self.fake("systemctl")
        self.units.mkdir(parents=True)
        self.agents.mkdir(parents=True)
        for name in ("selftune-sync.timer", "selftune-sync.service", "selftune-orchestrate.timer", "other.timer", "selftune-mine.timer"):
            (self.units / name).write_text("[Timer]\n")
        for name in ("com.selftune.status.plist", "dev.selftune.orchestrate.plist", "com.other.plist"):
            (self.agents / name).write_text("<plist/>\n")
        doc = self.cron("remove")
        self.assertEqual(len(doc["data"]["files"]), 5)
        self.assertEqual(sorted(p.name for p in self.units.iterdir()), ["other.timer", "selftune-mine.timer"])
        self.assertEqual([p.name for p in self.agents.iterdir()], ["com.other.plist"])
        self.assertIn("systemctl --user disable --now selftune-orchestrate.timer", self.told())

    def test_which_scheduler_is_taken(self):
        self.assertEqual(self.cron("setup", code=5)["error"]["code"], "SCHEDULER_NOT_FOUND")
        self.fake("systemctl", "crontab")
        runtime = self.home / "run"
        runtime.mkdir()
        self.assertEqual(self.cron("setup", "--dry-run")["data"]["platform"], "cron")
        doc = self.cron("setup", "--dry-run", XDG_RUNTIME_DIR=str(runtime))
        self.assertEqual(doc["data"]["platform"], "systemd")
        (self.home / "no-manager").touch()
        self.assertEqual(self.cron("setup", "--dry-run", XDG_RUNTIME_DIR=str(runtime))["data"]["platform"], "cron")
        self.assertEqual(self.cron("setup", code=2, CI="true")["error"]["code"], "BLOCKED")
        self.cron("setup", "--force", CI="true")

    def test_a_job_that_cannot_be_added_leaves_the_others_running(self):
        self.install("systemd", "--jobs", "sync,run")
        before = self.tree(without=("told", "tools", "locks", "fail"))
        (self.home / "fail").touch()
        self.assertEqual(self.install("systemd", code=1)["error"]["code"], "PROCESS_FAILED")
        self.assertEqual(self.tree(without=("told", "tools", "locks", "fail")), before)
        self.assertEqual([(j["id"], j["problem"]) for j in self.cron("status")["data"]["jobs"]], [("sync", None), ("run", None)])

    def test_the_alias_and_the_terminal(self):
        self.fake("crontab")
        code, shown = self.on_terminal("schedule", "install", "--platform", "cron", "--color", "never", env=self.env(**self.plain_path()))
        self.assertEqual(code, 0)
        self.assertIn("every 6 hours at :20", shown)
        code, shown = self.on_terminal("schedule", "list", "--color", "never", env=self.env(**self.plain_path()))
        self.assertIn("run", shown)


if __name__ == "__main__":
    schedule_case.main(sys.argv)
