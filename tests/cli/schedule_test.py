#!/usr/bin/env python3
"""cron run-now, and what a scheduled run does; what a job needs.

    schedule_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import datetime
import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import schedule_case  # noqa: E402
from schedule_case import Schedule  # noqa: E402


class Jobs(Schedule):
    def test_a_job_runs_as_the_scheduler_would_start_it(self):
        data = self.cron("run-now", "sync", SECRET_TOKEN="x")["data"]
        self.assertEqual((data["job"], data["exit_code"], data["problem"]), ("sync", 0, None))
        self.assertEqual(data["argv"][1:], ["sync", "--quiet", "--json"])
        self.assertTrue(json.loads(data["output"])["ok"])
        health = self.cron("run-now", "health")["data"]
        self.assertEqual(health["argv"][1:], ["status", "--refresh", "--json", "--quiet"])
        told = json.loads(health["output"])
        self.assertEqual((told["schema"], told["ok"], health["exit_code"]), ("selftune/status@1", True, 0))
        self.assertTrue((self.home / ".selftune/selftune.db").exists())
        self.assertEqual(self.cron("run-now", "nope", code=64)["error"]["code"], "INVALID_FLAG")
        self.assertEqual(self.cron("run-now", "run")["data"]["exit_code"], 0)
        for path in (self.home / ".selftune").glob("selftune.db*"):
            path.unlink()
        (self.home / ".selftune/selftune.db").write_text("no database" * 100)
        failed = self.cron("run-now", "sync", code=1)
        self.assertEqual(failed["error"]["code"], "PROCESS_FAILED")
        self.assertNotEqual(failed["data"]["exit_code"], 0)

    def test_a_scheduled_run_keeps_a_backup_of_each_day(self):
        self.make_store()
        folder = self.home / ".selftune" / "backups"
        self.envelope("orchestrate")
        self.envelope("orchestrate", "--scheduled", "--dry-run")
        self.assertFalse(folder.exists())
        self.assertTrue(self.envelope("orchestrate", "--scheduled")["changed"])
        first, = folder.glob("selftune-*.db")
        self.assertTrue(self.envelope("backup", "verify")["data"]["backups"][0]["ok"])
        self.envelope("orchestrate", "--scheduled")
        self.assertEqual(list(folder.iterdir()), [first])
        day_before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=25)
        first.rename(folder / day_before.strftime("selftune-%Y%m%dT%H%M%S000Z.db"))
        self.envelope("orchestrate", "--scheduled")
        self.assertEqual(len(list(folder.iterdir())), 2)
        # One that a wrong clock dated says nothing of today, and today's is one.
        [path.rename(folder / "selftune-20990101T000000000Z.db") for path in folder.iterdir()]
        self.envelope("orchestrate", "--scheduled")
        self.envelope("orchestrate", "--scheduled")
        self.assertEqual(len(list(folder.iterdir())), 2)
        # It runs all the same where no copy can be made.
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        folder.write_text("in the way")
        doc = self.envelope("orchestrate", "--scheduled")
        self.assertEqual([w["code"] for w in doc["warnings"] if w["code"] == "BACKUP_FAILED"], ["BACKUP_FAILED"])

    def test_a_key_that_jobs_do_not_have_is_said(self):
        self.assertEqual(self.cron("setup", "--platform", "cron", "--dry-run")["warnings"], [])
        (self.home / ".selftune").mkdir()
        (self.home / ".selftune/config.json").write_text('{"llm_mode": "api"}')
        codes = [w["code"] for w in self.cron("setup", "--platform", "cron", "--dry-run")["warnings"]]
        self.assertEqual(codes, ["NO_API_KEY"])


if __name__ == "__main__":
    schedule_case.main(sys.argv)
