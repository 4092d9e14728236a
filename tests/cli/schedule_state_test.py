#!/usr/bin/env python3
"""cron status and doctor: are the jobs there, complete and in order, and did they run?

    schedule_state_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import pathlib
import shutil
import sqlite3
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import schedule_case  # noqa: E402
from schedule_case import PROGRAM, Schedule  # noqa: E402


class State(Schedule):
    def test_doctor_says_when_nothing_or_too_little_runs(self):
        self.assertEqual(self.check("scheduler")["status"], "info")
        self.install("systemd")
        (self.home / "enabled").write_text("")
        self.assertEqual(self.check("scheduler")["status"], "pass")
        self.assertEqual(self.check("scheduler", "--deep")["status"], "fail")
        shutil.rmtree(self.units)
        self.assertIn("is gone", self.check("scheduler")["message"])

    def test_doctor_says_when_the_next_run_is_and_how_the_last_one_ended(self):
        self.make_store()
        self.install("cron")
        check = self.check("scheduler")
        self.assertEqual(check["status"], "pass")
        self.assertRegex(check["message"], r"run every 6 hours at :20 by cron, next at 20\d\d-\d\d-\d\dT")
        self.assertNotIn("the last run", check["message"])
        put = "INSERT INTO job_run(run_id,job,started_ms,status,trigger,error) VALUES(?,'orchestrate',?,?,?,?)"
        for row, status in ((("a", 1, "ok", "cron", None), "pass"), (("b", 2, "error", "manual", "typed"), "pass"),
                            (("c", 3, "error", "cron", "no agent"), "warn"), (("d", 4, "nothing_to_do", "cron", None), "pass")):
            with sqlite3.connect(self.home / ".selftune" / "selftune.db") as db:
                db.execute(put, row)
            db.close()
            check = self.check("scheduler")
            self.assertEqual(check["status"], status, check)
            self.assertIn("the last run, at 1970-01-01T", check["message"])
            if status == "warn":
                self.assertIn("ended error: no agent", check["message"])
                self.assertEqual(check["guidance"]["command"], "selftune cron run-now run")

    def as_of_before_health(self, platform):
        """What a version installed that had two jobs: its record, and no text of the third."""
        self.install(platform, "--jobs", "sync,run", "--every-hours", "12")
        record = self.home / ".selftune/schedule/installed.json"
        record.write_text(record.read_text().replace('"version":2', '"version":1'))

    def test_a_setup_of_before_there_was_health_is_in_order_and_gets_it_from_the_next_one(self):
        for platform in ("systemd", "launchd", "cron", "openclaw"):
            with self.subTest(platform):
                self.use_home("home of " + platform)
                self.fake(PROGRAM[platform])
                before = self.tree()
                self.as_of_before_health(platform)
                doc = self.cron("status")
                self.assertEqual([(j["id"], j["problem"]) for j in doc["data"]["jobs"]], [("sync", None), ("run", None)])
                renew = ["selftune", "cron", "setup", "--platform", platform, "--every-hours", "12"]
                self.assertEqual(doc["next"]["argv"], renew)
                check = self.check("scheduler")
                self.assertEqual((check["status"], check["guidance"]["command"]), ("info", " ".join(renew)))
                self.envelope(*renew[1:], env=self.env(**self.plain_path()))
                doc = self.cron("status")
                self.assertEqual([(j["id"], j["problem"], j["schedule"]) for j in doc["data"]["jobs"]],
                                 [("sync", None, "every 30 minutes"), ("health", None, "daily at 08:00"), ("run", None, "every 12 hours at :20")])
                self.assertIsNone(doc["next"])
                self.assertEqual(self.check("scheduler")["status"], "pass")
                self.cron("remove")
                self.assertEqual({k: v for k, v in self.tree().items() if k not in ("enabled", "jobs") or v}, before)

    def test_who_chose_some_jobs_is_not_asked_for_the_others(self):
        self.install("systemd", "--jobs", "sync,run")
        self.assertIsNone(self.cron("status")["next"])
        self.assertEqual(self.check("scheduler")["status"], "pass")

    def test_two_schedulers_with_the_same_jobs_are_told(self):
        self.install("systemd", "--jobs", "run")
        doc = self.install("cron")
        self.assertIn("systemd runs run as well", " ".join(w["message"] for w in doc["warnings"]))
        self.assertEqual({(j["platform"], j["id"]) for j in self.cron("list")["data"]["jobs"]},
                         {("systemd", "run"), ("cron", "sync"), ("cron", "health"), ("cron", "run")})
        self.cron("remove")
        self.assertEqual(self.cron("list")["data"]["jobs"], [])

    def test_an_agent_that_moved_is_told_and_found_again_by_another_setup(self):
        for folder in ("old", "new"):
            (self.home / folder).mkdir()

        def path(folder):
            program = self.home / folder / "claude"
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
            plain = self.plain_path()
            return {"PATH": f"{self.home / folder}:{plain['PATH']}"}

        self.fake("crontab")
        self.envelope("cron", "setup", "--platform", "cron", "--every-hours", "12", "--jobs", "run", env=self.env(**path("old")))

        def status(folder):
            env = self.env(**path(folder))
            doc = self.envelope("cron", "status", env=env)
            check, = self.envelope("doctor", "--only", "scheduler", env=env)["data"]["checks"]
            return {tuple(job["drift"]) for job in doc["data"]["jobs"]}, [w["code"] for w in doc["warnings"]], check

        drift, warnings, check = status("old")
        self.assertEqual((drift, warnings, check["status"]), ({()}, [], "pass"))
        (self.home / "old" / "claude").unlink()
        drift, warnings, check = status("new")
        self.assertEqual((drift, warnings, check["status"]), ({("claude",)}, ["AGENT_NOT_IN_JOBS"], "warn"))
        # What it advises changes neither where, nor which, nor how often.
        self.assertEqual(check["guidance"]["command"], "selftune cron setup --platform cron --every-hours 12 --jobs run")
        self.envelope(*check["guidance"]["command"].split()[1:], env=self.env(**path("new")))
        self.assertEqual(status("new")[:2], ({()}, []))
        job, = self.envelope("cron", "status")["data"]["jobs"]
        self.assertEqual((job["id"], job["platform"], job["schedule"]), ("run", "cron", "every 12 hours at :20"))

    def test_a_record_with_other_hours_than_there_are_is_damaged(self):
        self.fake("crontab")
        self.envelope("cron", "setup", "--platform", "cron")
        record = self.home / ".selftune/schedule/installed.json"
        written = record.read_text()
        for hours in ("0", "-6", "5", "99999999999999"):
            record.write_text(written.replace('"every_hours":6', f'"every_hours":{hours}'))
            check, = self.envelope("doctor", "--only", "scheduler")["data"]["checks"]
            self.assertEqual((check["status"], check["guidance"]["command"]), ("warn", "selftune cron setup"), check)
        self.envelope("cron", "setup", "--platform", "cron")
        self.assertEqual(record.read_text(), written)


if __name__ == "__main__":
    schedule_case.main(sys.argv)
