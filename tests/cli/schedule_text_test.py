#!/usr/bin/env python3
"""cron preview: what each scheduler is given, read as that scheduler reads it.

    schedule_text_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import datetime
import json
import pathlib
import plistlib
import re
import shlex
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402
import schedule_case  # noqa: E402
from schedule_case import ODD, Schedule  # noqa: E402


class Texts(Schedule):
    def contents(self, platform, *argv):
        data = self.cron("preview", "--platform", platform, *argv)["data"]
        return {pathlib.Path(f["path"]).name: f["text"] for f in data["contents"]}, data["commands"]

    def test_a_preview_writes_nothing_and_says_all(self):
        before = self.tree()
        for platform in ("cron", "launchd", "systemd", "openclaw"):
            files, commands = self.contents(platform)
            self.assertEqual(bool(files), platform != "openclaw")
            self.assertTrue(commands)
        self.assertEqual(self.tree(), before)
        files, _ = self.contents("systemd")
        self.assertIn("OnCalendar=*-*-* 00/6:20:00", files["selftune-run.timer"])
        self.assertIn("OnCalendar=*-*-* *:07/30:00", files["selftune-sync.timer"])
        self.assertIn("OnCalendar=*-*-* 08:00:00\nRandomizedDelaySec=600\n", files["selftune-health.timer"])
        self.assertIn('"status" "--refresh" "--json" "--quiet"', files["selftune-health.service"])
        self.assertIn("TimeoutStartSec=600\n", files["selftune-health.service"])
        self.assertIn('"orchestrate" "--max-skills" "3" "--scheduled"', files["selftune-run.service"])
        self.assertEqual(set(self.contents("systemd", "--jobs", "run")[0]), {"selftune-run.service", "selftune-run.timer"})
        refused = self.cron("preview", "--jobs", "sync,helth", "--platform", "cron", code=64)["error"]
        self.assertEqual((refused["code"], refused["suggestion"]), ("INVALID_FLAG", "did you mean health?"))
        self.assertEqual(self.cron("preview", "--every-hours", "5", "--platform", "cron", code=64)["error"]["code"], "INVALID_REQUEST")

    def test_each_text_is_read_by_its_scheduler_whatever_the_paths_are(self):
        for home in ("home", ODD):
            if home != "home":
                self.use_home(home)
            with self.subTest(home):
                extra = {"SELFTUNE_HOME": str(self.home / ".selftune")} if home != "home" else {}
                doc = self.cron("preview", "--platform", "launchd", **extra)
                plists = [plistlib.loads(f["text"].encode()) for f in doc["data"]["contents"]]
                run = next(p for p in plists if p["Label"] == "com.selftune.run")
                self.assertEqual(run["ProgramArguments"], [cli_case.SELFTUNE, "orchestrate", "--max-skills", "3", "--scheduled", "--json"])
                self.assertEqual(run["StartCalendarInterval"], [{"Hour": h, "Minute": 20} for h in (0, 6, 12, 18)])
                health = next(p for p in plists if p["Label"] == "com.selftune.health")
                self.assertEqual(health["ProgramArguments"], [cli_case.SELFTUNE, "status", "--refresh", "--json", "--quiet"])
                self.assertEqual(health["StartCalendarInterval"], [{"Hour": 8, "Minute": 0}])
                self.assertEqual(run["StandardOutPath"], str(self.home / "Library/Logs/selftune/run.log"))
                for name, value in extra.items():
                    self.assertEqual(run["EnvironmentVariables"][name], value)
                doc = self.cron("preview", "--platform", "cron", **extra)
                lines = [x for x in doc["data"]["contents"][0]["text"].splitlines() if not x.startswith("#")]
                self.assertEqual([x.split(" env ")[0] for x in lines], ["7,37 * * * *", "0 8 * * *", "20 */6 * * *"])
                for line in lines:
                    command = line.split(" ", 5)[5]
                    self.assertIsNone(re.search(r"(?<!\\)%", command))
                    words = shlex.split(command.replace("\\%", "%").split(" >>")[0])
                    self.assertEqual(words[0], "env")
                    self.assertIn(cli_case.SELFTUNE, words)
                    for name, value in extra.items():
                        self.assertIn(f"{name}={value}", words)
                doc = self.cron("preview", "--platform", "systemd", **extra)
                self.check_units(doc["data"]["contents"], extra)
                doc = self.cron("preview", "--platform", "openclaw", "--tz", "Europe/Berlin", **extra)
                health, argv = (command["argv"] for command in doc["data"]["commands"][1:])
                self.assertEqual(health[health.index("--cron") + 1], "0 8 * * *")
                self.assertEqual(health[health.index("--declaration-key") + 1], "selftune-health")
                self.assertEqual(argv[argv.index("--tz") + 1], "Europe/Berlin")
                command = json.loads(argv[argv.index("--command-argv") + 1])
                self.assertEqual(command[-5:], ["orchestrate", "--max-skills", "3", "--scheduled", "--json"])
                self.assertNotIn("--message", argv)

    def check_units(self, contents, extra):
        folder = self.home / "verify"
        folder.mkdir()
        for file in contents:
            (folder / pathlib.Path(file["path"]).name).write_text(file["text"])
        service = (folder / "selftune-run.service").read_text()
        for name, value in extra.items():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
            self.assertIn(f'Environment="{name}={quoted}"', service)
        if shutil.which("systemd-analyze"):
            done = subprocess.run(["systemd-analyze", "--user", "verify", *map(str, folder.glob("*.timer"))], capture_output=True, text=True)
            wrong = [x for x in (done.stdout + done.stderr).splitlines() if "selftune-" in x]
            self.assertEqual(wrong, [])
        shutil.rmtree(folder)

    def test_the_times_are_the_same_in_every_syntax(self):
        analyze = shutil.which("systemd-analyze")
        for hours in (1, 2, 3, 4, 6, 8, 12, 24):
            units, _ = self.contents("systemd", "--every-hours", str(hours))
            table, _ = self.contents("cron", "--every-hours", str(hours))
            agents, _ = self.contents("launchd", "--every-hours", str(hours))
            line = [x for x in table["crontab"].splitlines() if "orchestrate" in x][0]
            by_cron = times_of_cron(*line.split(" ")[:2])
            self.assertEqual(by_cron, {(h, 20) for h in range(0, 24, hours)})
            plist = plistlib.loads(agents["com.selftune.run.plist"].encode())
            self.assertEqual(by_cron, {(d["Hour"], d["Minute"]) for d in plist["StartCalendarInterval"]})
            calendar = re.search("OnCalendar=(.*)", units["selftune-run.timer"]).group(1)
            if analyze:
                done = subprocess.run([analyze, "calendar", "--iterations=24", calendar], capture_output=True, text=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin", "LC_ALL": "C"})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual({(int(h), int(m)) for h, m in re.findall(r"\d{4}-\d\d-\d\d (\d\d):(\d\d):00 UTC", done.stdout)}, by_cron)
        for job, calendar in (("sync", "*-*-* *:07/30:00"), ("health", "*-*-* 08:00:00")):
            self.assertIn("OnCalendar=" + calendar + "\n", units[f"selftune-{job}.timer"])
            if analyze:
                subprocess.run([analyze, "calendar", calendar], capture_output=True, check=True)
        next_run = {j["id"]: j["next_run"] for j in self.install("cron")["data"]["jobs"]}
        at = datetime.datetime.fromisoformat(next_run["run"].replace("Z", "+00:00"))
        self.assertEqual((at.minute, at.hour % 6), (20, 0))
        self.assertLess(at - datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(hours=6, minutes=1))

    def test_how_often_is_a_setting(self):
        self.fake("crontab")
        self.envelope("config", "set", "schedule.every_hours", "7", code=64, env=self.env())
        self.envelope("config", "set", "schedule.every_hours", "8", env=self.env())
        self.assertIn("every 8 hours", self.cron("setup", "--platform", "cron")["data"]["jobs"][2]["schedule"])
        self.assertIn("every 4 hours", self.cron("setup", "--platform", "cron", "--every", "4")["data"]["jobs"][2]["schedule"])


def times_of_cron(minute, hour):
    def values(field, most):
        out = set()
        for part in field.split(","):
            part, _, step = part.partition("/")
            low, high = (0, most - 1) if part == "*" else (int(part), int(part))
            out |= set(range(low, high + 1, int(step or 1)))
        return out
    return {(h, m) for h in values(hour, 24) for m in values(minute, 60)}


if __name__ == "__main__":
    schedule_case.main(sys.argv)
