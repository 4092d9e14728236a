#!/usr/bin/env python3
"""cron setup|preview|list|status|remove against schedulers that note what they are told.

    schedule_test.py SELFTUNE SCHEMA_DIR [unittest arguments]
"""

import datetime
import json
import pathlib
import plistlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402

ODD = "o'd & <50%> \"$HOME\" ü"
FOREIGN = "# mine\nMAILTO=me\n*/5 * * * * /usr/bin/true  # 50\\% \n"
NOTE = 'printf "%s" "$0" | sed "s,.*/,," >>"$HOME/told"; for w in "$@"; do printf " %s" "$w" >>"$HOME/told"; done; echo >>"$HOME/told"\n'
FAKES = {
    "systemctl": NOTE + """
case "$*" in
  *show-environment*) [ -e "$HOME/no-manager" ] && exit 1; exit 0;;
  *"enable --now"*) [ -e "$HOME/fail" ] && { echo "Failed to enable" >&2; exit 1; }; echo "$4" >>"$HOME/enabled"; exit 0;;
  *"disable --now"*) grep -v "$4" "$HOME/enabled" >"$HOME/e2"; mv "$HOME/e2" "$HOME/enabled"; exit 0;;
  *is-enabled*) grep -q "^$3\\$" "$HOME/enabled" 2>/dev/null;;
esac
""",
    "launchctl": NOTE + """
case "$1" in
  bootstrap) [ -e "$HOME/fail" ] && exit 5; basename "$3" .plist >>"$HOME/enabled";;
  bootout) name=${2##*/}; grep -v "$name" "$HOME/enabled" >"$HOME/e2"; mv "$HOME/e2" "$HOME/enabled";;
  print) grep -q "^${2##*/}\\$" "$HOME/enabled" 2>/dev/null;;
esac
""",
    "crontab": NOTE + """
case "$1" in
  -l) [ -e "$HOME/tab" ] || { echo "no crontab for me" >&2; exit 1; }; cat "$HOME/tab";;
  -r) rm "$HOME/tab";;
  -) [ -e "$HOME/fail" ] && { echo "bad minute" >&2; exit 1; }; cat >"$HOME/tab";;
esac
""",
    "openclaw": NOTE + """
jobs="$HOME/jobs"
case "$2" in
  add) [ -e "$HOME/fail" ] && exit 1; shift 3; grep -q "^$1\\$" "$jobs" 2>/dev/null || echo "$1" >>"$jobs"; echo '{}';;
  rm) sed -i "/^${3#id-}\\$/d" "$jobs";;
  list) printf '{"jobs":[{"id":"host","name":"heartbeat-main"}'; for j in $(cat "$jobs" 2>/dev/null); do
          printf ',{"id":"id-%s","declarationKey":"%s"}' "$j" "$j"; done; echo ']}';;
esac
""",
}


class Schedule(cli_case.CliTest):
    def setUp(self):
        super().setUp()
        self.outer = self.home
        self.use_home("home")

    def use_home(self, name):
        self.home = self.outer / name
        self.home.mkdir()
        self.bin = self.home / "bin"
        self.bin.mkdir()
        self.units = self.home / ".config/systemd/user"
        self.agents = self.home / "Library/LaunchAgents"

    def fake(self, *names):
        for name in names:
            path = self.bin / name
            path.write_text("#!/bin/sh\n" + FAKES[name])
            path.chmod(0o755)

    def env(self, **extra):
        extra.setdefault("PATH", f"{self.bin}:/usr/bin:/bin")
        extra.setdefault("TZ", "UTC")
        return super().env(**extra)

    def plain_path(self):
        """Only the fakes and what they need: no scheduler of this machine."""
        tools = self.home / "tools"
        tools.mkdir(exist_ok=True)
        for tool in ("sed", "grep", "mv", "cat", "rm", "basename", "env"):
            if not (tools / tool).exists():
                (tools / tool).symlink_to(shutil.which(tool))
        return {"PATH": f"{self.bin}:{tools}"}

    def cron(self, *argv, code=0, **more):
        return self.envelope("cron", *argv, code=code, env=self.env(**{**self.plain_path(), **more}))

    def told(self):
        path = self.home / "told"
        return path.read_text().splitlines() if path.exists() else []

    def tree(self, without=("told", "tools", "locks")):
        return {str(p.relative_to(self.home)): p.read_bytes() for p in sorted(self.home.rglob("*"))
                if p.is_file() and not any(part in without for part in p.relative_to(self.home).parts)}

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

    def test_how_often_is_a_setting(self):
        self.fake("crontab")
        self.envelope("config", "set", "schedule.every_hours", "7", code=64, env=self.env())
        self.envelope("config", "set", "schedule.every_hours", "8", env=self.env())
        self.assertIn("every 8 hours", self.cron("setup", "--platform", "cron")["data"]["jobs"][2]["schedule"])
        self.assertIn("every 4 hours", self.cron("setup", "--platform", "cron", "--every", "4")["data"]["jobs"][2]["schedule"])

    # ---- what is written

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

    # ---- installing

    def install(self, platform, *argv, code=0, **more):
        self.fake({"systemd": "systemctl", "launchd": "launchctl", "cron": "crontab", "openclaw": "openclaw"}[platform])
        return self.cron("setup", "--platform", platform, *argv, code=code, **more)

    def test_installed_twice_is_once_listed_and_removed_without_a_trace(self):
        for platform in ("systemd", "launchd", "cron", "openclaw"):
            with self.subTest(platform):
                self.use_home("home of " + platform)
                self.fake({"systemd": "systemctl", "launchd": "launchctl", "cron": "crontab", "openclaw": "openclaw"}[platform])
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
                self.assertEqual(gone["data"]["receipt"]["undo"]["argv"], ["selftune", "cron", "setup", "--platform", platform])
                left = {k: v for k, v in self.tree().items() if k not in ("enabled", "jobs") or v}
                self.assertEqual(left, before)
                self.assertNotEqual(installed, before)
                self.assertFalse(self.cron("remove")["changed"])
                self.assertEqual(self.cron("list")["data"]["jobs"], [])

    def check(self, name, *argv):
        doc = self.envelope("doctor", "--only", name, "--exit-zero", *argv, env=self.env(**self.plain_path()))
        return doc["data"]["checks"][0]

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

    def test_two_schedulers_with_the_same_jobs_are_told(self):
        self.install("systemd", "--jobs", "run")
        doc = self.install("cron")
        self.assertIn("systemd runs run as well", " ".join(w["message"] for w in doc["warnings"]))
        self.assertEqual({(j["platform"], j["id"]) for j in self.cron("list")["data"]["jobs"]},
                         {("systemd", "run"), ("cron", "sync"), ("cron", "health"), ("cron", "run")})
        self.cron("remove")
        self.assertEqual(self.cron("list")["data"]["jobs"], [])

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
                self.fake({"systemd": "systemctl", "launchd": "launchctl", "cron": "crontab", "openclaw": "openclaw"}[platform])
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

    def test_a_job_that_cannot_be_added_leaves_the_others_running(self):
        self.install("systemd", "--jobs", "sync,run")
        before = self.tree(without=("told", "tools", "locks", "fail"))
        (self.home / "fail").touch()
        self.assertEqual(self.install("systemd", code=1)["error"]["code"], "PROCESS_FAILED")
        self.assertEqual(self.tree(without=("told", "tools", "locks", "fail")), before)
        self.assertEqual([(j["id"], j["problem"]) for j in self.cron("status")["data"]["jobs"]], [("sync", None), ("run", None)])

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

    def test_the_alias_and_the_terminal(self):
        self.fake("crontab")
        code, shown = self.on_terminal("schedule", "install", "--platform", "cron", "--color", "never", env=self.env(**self.plain_path()))
        self.assertEqual(code, 0)
        self.assertIn("every 6 hours at :20", shown)
        code, shown = self.on_terminal("schedule", "list", "--color", "never", env=self.env(**self.plain_path()))
        self.assertIn("run", shown)


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
    cli_case.SELFTUNE = str(pathlib.Path(sys.argv[1]).resolve())
    cli_case.load_schemas(sys.argv[2])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
