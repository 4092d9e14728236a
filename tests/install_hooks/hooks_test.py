#!/usr/bin/env python3
"""`selftune hooks`: settings that others own come out of it as they went in.

    hooks_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import place  # noqa: E402
from place import HOOK, Place, ours, random_settings, rng  # noqa: E402

SETTINGS_HOSTS = ("claude_code", "codex", "gemini", "qwen")
FILE_HOSTS = ("copilot", "opencode", "cline", "pi")
# OpenCode as far as prompts go: a session, its subagent, a command, sessions of before.
OPENCODE = r"""
const module = await import(process.argv[1]);
const known = { ses_old: {}, ses_child: { parentID: "ses_1" } };
const client = { session: { get: async ({ path }) => ({ data: known[path.id] }) } };
const plugin = await module.selftunePrompts({ client, directory: "/w" });
const created = (id, parentID) =>
  plugin.event({ event: { type: "session.created", properties: { info: { id, parentID } } } });
const say = (sessionID, id, text) =>
  plugin["chat.message"]({ sessionID }, { message: { id }, parts: [
    { type: "text", text }, { type: "text", text: "x", synthetic: true }] });
await created("ses_1");
await say("ses_1", "m1", "sum it up");
await plugin["command.execute.before"]({ command: "notes", sessionID: "ses_1", arguments: "for may" },
                                       { parts: [{ type: "text", text: "Write notes for may" }] });
await say("ses_1", "m2", "Write notes for may");
await say("ses_1", "m3", '"a \\"b\\" c"\n');
await created("ses_2", "ses_1");
await say("ses_2", "m4", "a task");
await say("ses_old", "m5", "go on");
await say("ses_child", "m6", "a task of before");
await say("ses_gone", "m7", "nobody knows");
"""
PLAIN = '{\n  "model": "opus",\n  "permissions": { "allow": ["Bash(git *)"] }\n}\n'


class Settings(Place):
    def test_any_settings_come_back_byte_for_byte(self):
        for seed in range(25):
            with self.subTest(seed=seed):
                text = random_settings(rng(seed)).encode()
                path = self.write(text, mode=0o644 if seed % 2 else 0o600)
                mode = path.stat().st_mode
                self.assertTrue(self.good("hooks", "install", "claude")["changed"])
                self.assertGreater(len(ours(path.read_text("utf-8-sig"))), 3)
                self.assertTrue(self.good("hooks", "uninstall", "claude")["changed"])
                self.assertEqual(path.read_bytes(), text)
                self.assertEqual(path.stat().st_mode, mode)

    def test_on_every_host_a_machine_is_as_before(self):
        for host in SETTINGS_HOSTS:
            self.write(PLAIN, host)
        for host in FILE_HOSTS:
            (self.home.path / {"copilot": ".copilot", "opencode": ".config/opencode",
                               "cline": ".cline", "pi": ".pi/agent"}[host]).mkdir(parents=True)
        before = self.tree()
        reply = self.good("hooks", "install")
        self.assertEqual(sorted(p["id"] for p in reply["data"]["platforms"]),
                         sorted(SETTINGS_HOSTS + FILE_HOSTS))
        self.assertTrue(all(p["action"] == "installed" for p in reply["data"]["platforms"]), reply)
        installed = self.tree()
        self.assertNotEqual(installed, before)
        again = self.good("hooks", "install")
        self.assertFalse(again["changed"])
        self.assertIsNone(again["data"]["receipt"])
        self.assertEqual(self.tree(), installed)
        items = self.good("hooks", "list")["data"]["items"]
        self.assertEqual({i["drift"] for i in items}, {"none"})
        self.assertEqual(len(items), 13)  # Cline has six
        self.assertEqual(reply["data"]["receipt"]["undo"]["argv"][:3], ["selftune", "hooks", "uninstall"])
        self.good(*reply["data"]["receipt"]["undo"]["argv"][1:])
        self.assertEqual(self.tree(), before)
        self.assertEqual(self.good("hooks", "list")["data"]["items"], [])
        self.assertFalse(self.good("hooks", "uninstall")["changed"])

    def test_files_and_folders_that_were_made_go_again(self):
        before = self.tree()
        for host in SETTINGS_HOSTS + FILE_HOSTS:
            self.good("hooks", "install", host)
            self.assertTrue(self.settings(host).exists())
        self.good("hooks", "uninstall")
        self.assertEqual(self.tree(), before)

    def test_a_dry_run_writes_nothing_and_shows_the_lines(self):
        self.write(PLAIN)
        reply = self.good("hooks", "install", "claude", "--dry-run")
        self.assertFalse(reply["changed"])
        file = reply["data"]["platforms"][0]["files"][0]
        self.assertIn('+  "hooks": {', file["diff"])
        self.assertEqual(self.settings().read_text(), PLAIN)
        self.assertFalse(self.home.state.exists())
        self.good("hooks", "install", "claude")
        text = self.settings().read_bytes()
        self.assertFalse(self.good("hooks", "uninstall", "--dry-run")["changed"])
        self.assertEqual(self.settings().read_bytes(), text)

    def test_what_cannot_be_read_is_refused_and_left(self):
        for host, text in (("claude_code", '{\n  // a note\n  "a": 1\n}'), ("claude_code", '{"a": 1,}'),
                           ("claude_code", '{"a": '), ("codex", "[]"), ("gemini", '{"hooks": []}'),
                           ("claude_code", '{"hooks": {}, "hooks": {}}'),
                           ("claude_code", '{"hooks": {"Stop": [{"hooks": [], "hooks": []}]}}')):
            with self.subTest(host=host, text=text):
                path = self.write(text, host)
                reply, status = self.bad("SETTINGS_INVALID", "hooks", "install", host)
                self.assertEqual(status, 1)
                self.assertIn(str(path), reply["error"]["message"])
                self.assertEqual(path.read_text(), text)
                self.assertEqual(self.good("hooks", "status", host)["data"]["platforms"][0]["state"], "unreadable")
        reply, _ = self.bad("SETTINGS_INVALID", "hooks", "install", "gemini")
        self.write('{\n  "a": 1,\n}', "qwen")
        reply, _ = self.bad("SETTINGS_INVALID", "hooks", "install", "qwen")
        self.assertIn("line 3, column 1", reply["error"]["message"])

    def test_comments_stay_where_the_host_reads_them(self):
        text = '{\n  // mine\n  "a": 1 /* one */ // last\n}\n'
        path = self.write(text, "gemini")
        self.good("hooks", "install", "gemini")
        for comment in ("// mine", "/* one */", "// last"):
            self.assertIn(comment, path.read_text())
        self.good("hooks", "uninstall", "gemini")
        self.assertEqual(path.read_text(), text)

    def test_one_bad_file_holds_up_no_other_host(self):
        self.write("{", "claude_code")
        self.write(PLAIN, "codex")
        reply, _ = self.bad("SETTINGS_INVALID", "hooks", "install")
        actions = {p["id"]: p["action"] for p in reply["data"]["platforms"]}
        self.assertEqual(actions, {"claude_code": "failed", "codex": "installed"})

    def test_a_project_has_settings_of_its_own(self):
        project = self.root / "proj"
        (project / ".git").mkdir(parents=True)
        (project / "sub").mkdir()
        self.write(PLAIN)
        shared = project / ".claude" / "settings.json"
        local = project / ".claude" / "settings.local.json"

        def run(*argv):
            done = subprocess.run([place.CLI, *argv, "--json"], capture_output=True, text=True, env=self.env(),
                                  cwd=project / "sub", check=False)
            return json.loads(done.stdout)

        first = run("hooks", "install", "claude", "--scope", "project")
        self.assertGreater(len(ours(shared.read_text())), 3)
        second = run("hooks", "install", "claude", "--scope", "local")
        self.assertGreater(len(ours(local.read_text())), 3)
        self.assertEqual(self.settings().read_text(), PLAIN)
        state = run("hooks", "status", "claude", "--scope", "local")["data"]["platforms"][0]
        self.assertEqual((state["state"], state["path"]), ("installed", str(local)))
        self.assertTrue(run(*first["data"]["receipt"]["undo"]["argv"][1:])["changed"])
        self.assertFalse(shared.exists())
        self.assertTrue(local.exists())
        self.good("hooks", "install", "claude")
        self.good("hooks", "uninstall", "claude")  # wherever they are
        self.assertFalse(local.exists())
        self.assertEqual(self.settings().read_text(), PLAIN)
        self.assertEqual(second["data"]["receipt"]["undo"]["argv"][-2:], ["--scope", "local"])
        self.bad("UNSUPPORTED_TYPE", "hooks", "install", "codex", "--scope", "project")
        self.bad("UNSUPPORTED_TYPE", "hooks", "install", "gemini", "--scope", "local")

    def test_what_a_repository_brings_is_not_run(self):
        project = self.root / "clone"
        (project / ".git").mkdir(parents=True)
        evil = project / "evil" / "selftune-hook"
        evil.parent.mkdir()
        mark = self.root / "PWNED"
        evil.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
        evil.chmod(0o755)
        settings = project / ".claude" / "settings.json"
        settings.parent.mkdir()
        for command in (f"selftune-hook claude; touch '{mark}'", f"selftune-hook $(touch '{mark}')",
                        f"'{evil}' claude", f"'{HOOK}' claude; touch '{mark}'", f"env X=1 '{evil}' claude",
                        f"command -v selftune-hook >/dev/null 2>&1 && selftune-hook claude; touch '{mark}'"):
            with self.subTest(command=command):
                settings.write_text(json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}}))
                for scope in ("project", "local", "user"):
                    place_of = {"local": "settings.local.json", "project": "settings.json"}.get(scope)
                    if place_of is None:
                        if "evil" in command:
                            continue  # a program that the person's own settings name is the person's
                        self.write(settings.read_text())
                    else:
                        (settings.parent / place_of).write_text(settings.read_text())
                    done = subprocess.run([place.CLI, "hooks", "verify", "claude", "--scope", scope, "--json"],
                                          capture_output=True, text=True, env=self.env(), cwd=project, check=False)
                    self.assertEqual(done.returncode, 3, done.stdout)
                    self.assertIn("was not run", done.stdout)
                    self.assertFalse(mark.exists(), (command, scope))

    def test_settings_of_a_team_name_no_place_of_this_machine(self):
        project = self.root / "shared"
        (project / ".git").mkdir(parents=True)

        def run(*argv):
            return json.loads(subprocess.run([place.CLI, *argv, "--json"], capture_output=True, text=True,
                                             env=self.env(), cwd=project, check=False).stdout)

        self.good("hooks", "install", "claude")
        reply = run("hooks", "install", "claude", "--scope", "project")
        self.assertEqual([w["code"] for w in reply["warnings"]], ["HOOKS_TWICE"])
        text = (project / ".claude/settings.json").read_text()
        self.assertNotIn(str(HOOK), text)
        commands = {handler["command"] for _, _, handler in ours(text)}
        self.assertEqual(len(commands), 1)
        done = subprocess.run(["sh", "-c", commands.pop()], input=b"{}", env={"PATH": "/usr/bin:/bin"},
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        self.assertFalse(run("hooks", "install", "claude", "--scope", "project")["changed"])
        self.assertEqual(run("hooks", "status", "claude", "--scope", "project")["data"]["platforms"][0]["state"],
                         "installed")
        verified = run("hooks", "verify", "claude", "--scope", "project")
        self.assertTrue(verified["ok"], verified)
        run("hooks", "uninstall", "claude", "--scope", "project")
        self.assertFalse((project / ".claude").exists())

    def test_each_hook_is_called_as_its_agent_would(self):
        for host in SETTINGS_HOSTS + FILE_HOSTS:
            self.good("hooks", "install", host)
        self.good("hooks", "status")
        before = self.tree()
        reply = self.good("hooks", "verify")
        events = {p["id"]: [h["event"] for h in p["hooks"]] for p in reply["data"]["platforms"]}
        self.assertEqual(sorted(events), sorted(SETTINGS_HOSTS + FILE_HOSTS))
        self.assertEqual(len(events["claude_code"]), 10)
        self.assertEqual(len(events["cline"]), 6)
        self.assertEqual(events["pi"], ["plugin"])
        for platform in reply["data"]["platforms"]:
            for hook in platform["hooks"]:
                self.assertTrue(hook["ok"], (platform["id"], hook))
                self.assertEqual((hook["exit_code"], hook["problem"]), (0, None))
                self.assertGreaterEqual(hook["elapsed_ms"], 0)
        self.assertEqual(self.tree(), before)
        self.assertFalse((self.home.state / "spool").exists())

    def test_a_hook_that_does_not_work_is_found(self):
        shim = self.bin / "selftune-hook"
        shim.write_text("#!/bin/sh\ncat >/dev/null\necho hello\n")
        shim.chmod(0o755)
        self.good("hooks", "install", "claude", "--hook-program", str(shim))
        reply, status = self.bad("UNHEALTHY", "hooks", "verify", "claude")
        self.assertEqual(status, 3)
        problems = {h["problem"] for h in reply["data"]["platforms"][0]["hooks"]}
        self.assertEqual(problems, {"what it prints is no JSON"})
        shim.write_text("#!/bin/sh\ncat >/dev/null\n")
        reply, _ = self.bad("UNHEALTHY", "hooks", "verify", "claude")
        problems = {h["event"]: h["problem"] for h in reply["data"]["platforms"][0]["hooks"]}
        self.assertEqual(problems["Stop"], "the event did not arrive")
        self.assertIsNone(problems["PreToolUse"])
        shim.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
        reply, _ = self.bad("UNHEALTHY", "hooks", "verify", "claude")
        self.assertIn("exit code 3: broken", reply["error"]["message"])
        self.good("hooks", "verify", "codex")

    def test_what_a_person_changed_since_stays(self):
        path = self.write(PLAIN)
        self.good("hooks", "install", "claude")
        document = json.loads(path.read_text())
        document["model"] = "haiku"
        document["hooks"]["Stop"].append({"hooks": [{"type": "command", "command": "say done"}]})
        path.write_text(json.dumps(document, indent=2))
        self.assertFalse(self.good("hooks", "install", "claude")["changed"])
        self.good("hooks", "uninstall", "claude")
        left = json.loads(path.read_text())
        self.assertEqual(left, {"model": "haiku", "permissions": {"allow": ["Bash(git *)"]},
                                "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]}})

    def test_a_link_stays_a_link(self):
        real = self.home.path / "dotfiles" / "claude.json"
        real.parent.mkdir(parents=True)
        real.write_text(PLAIN)
        self.settings().parent.mkdir(parents=True)
        self.settings().symlink_to(real)
        before = self.tree()
        self.good("hooks", "install", "claude")
        self.assertTrue(self.settings().is_symlink())
        self.assertGreater(len(ours(real.read_text())), 3)
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(self.tree(), before)
        # One that we made and a person moved: its link still leads somewhere.
        self.settings().unlink()
        self.good("hooks", "install", "claude")
        real.unlink()
        os.replace(self.settings(), real)
        self.settings().symlink_to(real)
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(json.loads(self.settings().read_text()), {})
        real.unlink()
        self.bad("FILE_UNREADABLE", "hooks", "install", "claude")

    def test_the_references_hooks_are_replaced_and_do_not_come_back(self):
        handler = {"type": "command", "command": "node /x/bin/run-hook.cjs /x/cli/selftune/hooks/prompt-log.ts"}
        mine = {"type": "command", "command": "echo mine"}
        path = self.write(json.dumps({"hooks": {
            "UserPromptSubmit": [{"hooks": [handler, mine]}],
            "Notification": [{"matcher": "Write|Edit", "hooks": [handler]}]}}))
        self.good("hooks", "install", "claude")
        self.assertNotIn("run-hook", path.read_text())
        self.assertNotIn("Notification", path.read_text())
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(json.loads(path.read_text()), {"hooks": {"UserPromptSubmit": [{"hooks": [mine]}]}})

    def test_a_moved_program_is_updated_in_its_place(self):
        path = self.write('{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a"}]}]}}', "codex")
        self.good("hooks", "install", "codex")
        other = self.root / "other" / "selftune-hook"
        other.parent.mkdir()
        shutil.copy(HOOK, other)
        self.assertEqual(self.good("hooks", "status", "codex")["data"]["platforms"][0]["state"], "unapproved")
        self.assertTrue(self.good("hooks", "install", "codex", "--hook-program", str(other))["changed"])
        commands = {h["command"] for _, _, h in ours(path.read_text())}
        self.assertEqual(commands, {f"'{other}' codex"})
        self.good("hooks", "uninstall", "codex")
        self.assertEqual(json.loads(path.read_text()),
                         {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a"}]}]}})

    def test_writers_at_the_same_time_lose_nothing(self):
        path = self.write('{"n": 0}')
        stop = threading.Event()
        last = [0]

        def host():
            while not stop.is_set() and last[0] < 2000:
                document = json.loads(path.read_text())
                document["n"] = last[0] + 1
                fresh = path.with_name(".theirs")
                fresh.write_text(json.dumps(document))
                os.replace(fresh, path)
                last[0] += 1

        writer = threading.Thread(target=host)
        writer.start()
        codes = set()
        try:
            for _ in range(6):
                for verb in ("install", "uninstall"):
                    done = self.run_cli("hooks", verb, "claude")
                    codes.add(json.loads(done.stdout)["error"] and json.loads(done.stdout)["error"]["code"])
        finally:
            stop.set()
            writer.join()
        self.assertLessEqual(codes, {None, "FILE_CHANGED"})
        self.assertEqual(json.loads(path.read_text())["n"], last[0])
        left = [p.name for p in path.parent.iterdir() if "selftune" in p.name]
        self.assertEqual([n for n in left if "conflict" not in n], [])

    def folder(self):
        return {p.name: p.read_bytes() for p in self.settings().parent.iterdir()} \
            if self.settings().parent.exists() else {}

    def killed(self, call, when, verb):
        """Whether `verb` was killed at this system call."""
        log = self.root / "trace"
        subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e",
                        f"inject={call}:signal=KILL:when={when}", str(place.CLI), "hooks", verb, "claude", "--json"],
                       env=self.env(ASAN_OPTIONS="detect_leaks=0", LSAN_OPTIONS="detect_leaks=0"),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=120)
        return "killed by SIGKILL" in log.read_text()

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_killed_at_any_change_of_a_file_the_next_run_goes_on(self):
        kills = 0
        for text, first, then in ((PLAIN, "install", ["install", "uninstall"]),
                                  ("", "install", ["install", "uninstall"]), (None, "install", ["uninstall"]),
                                  (PLAIN, "uninstall", ["uninstall"])):
            for call in ("renameat2", "link", "unlink", "fsync"):
                for when in range(1, 5):
                    shutil.rmtree(self.home.state, ignore_errors=True)
                    shutil.rmtree(self.settings().parent, ignore_errors=True)
                    if text is not None:
                        self.write(text)
                    before = self.folder()
                    if first == "uninstall":
                        self.good("hooks", "install", "claude")
                    if not self.killed(call, when, first):
                        break
                    kills += 1
                    for name, content in self.folder().items():
                        if name == "settings.json" and content:
                            json.loads(content)  # whole, old or new
                    for verb in then:
                        self.good("hooks", verb, "claude")
                    with self.subTest(text=text, first=first, call=call, when=when):
                        self.assertEqual(self.folder(), before)
        self.assertGreater(kills, 10)

    def test_a_file_that_is_not_ours_is_not_replaced(self):
        path = self.settings("opencode")
        path.parent.mkdir(parents=True)
        path.write_text("// mine\n")
        self.bad("FILE_EXISTS", "hooks", "install", "opencode")
        self.assertEqual(path.read_text(), "// mine\n")
        path.unlink()
        self.good("hooks", "install", "opencode")
        path.write_text(path.read_text() + "// edited\n")
        self.bad("FILE_CHANGED", "hooks", "install", "opencode")
        reply = self.good("hooks", "uninstall", "opencode")
        self.assertIn("edited", reply["data"]["platforms"][0]["needs"][0])
        self.assertTrue(path.exists())

    def test_a_file_that_only_speaks_of_us_is_kept(self):
        path = self.settings("opencode")
        path.parent.mkdir(parents=True)
        for text in ("// my own, instead of the selftune-managed one\n", None):
            if text is None:
                path.unlink()
                self.good("hooks", "install", "opencode")
                text = path.read_text() + "// edited\n"
                shutil.rmtree(self.home.state)
            path.write_text(text)
            self.good("hooks", "uninstall")
            self.assertEqual(path.read_text(), text)

    def test_hooks_come_out_when_config_and_store_are_broken(self):
        path = self.write(PLAIN)
        for name in ("config.json", "selftune.db"):
            self.good("hooks", "install", "claude")
            for side in ("selftune.db-wal", "selftune.db-shm"):
                (self.home.state / side).unlink(missing_ok=True)
            (self.home.state / name).write_text("{")
            self.good("hooks", "uninstall")
            self.assertEqual(path.read_text(), PLAIN)
            (self.home.state / name).unlink()

    def test_a_folder_that_is_not_followed_is_named(self):
        self.write(PLAIN)
        done = subprocess.run([place.CLI, "hooks", "install", "claude", "--json"], capture_output=True, text=True,
                              env=self.env(CLAUDE_CONFIG_DIR=str(self.root)), check=False)
        self.assertIn("HOST_FOLDER_IGNORED", done.stdout)

    def test_without_a_record_uninstall_still_finds_them(self):
        path = self.write(PLAIN)
        self.good("hooks", "install", "claude")
        shutil.rmtree(self.home.state)
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(path.read_text(), PLAIN)
        self.assertFalse(self.home.database.exists())

    def test_a_file_that_was_written_anew_is_the_persons(self):
        path = self.settings()
        self.settings().parent.mkdir(parents=True)
        self.good("hooks", "install", "claude")
        path.unlink()
        self.write('{"model": "opus"}\n')
        self.good("hooks", "install", "claude")
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(path.read_text(), '{"model": "opus"}\n')
        # The same with a file that was ours and grew.
        path.unlink()
        self.good("hooks", "install", "claude")
        document = json.loads(path.read_text())
        document["model"] = "haiku"
        document["hooks"]["Stop"][0]["hooks"][0]["timeout"] = 7
        path.write_text(json.dumps(document))
        self.assertTrue(self.good("hooks", "install", "claude")["changed"])
        self.good("hooks", "uninstall", "claude")
        self.assertEqual(json.loads(path.read_text()), {"model": "haiku"})

    @unittest.skipIf(os.geteuid() == 0, "root may write anything")
    def test_a_file_that_may_not_be_written_is_not_replaced(self):
        self.write(PLAIN, mode=0o444)
        self.bad("WRITE_FAILED", "hooks", "install", "claude")
        self.assertEqual(self.settings().read_text(), PLAIN)

    def test_the_program_of_hooks_is_known_by_its_name(self):
        self.write(PLAIN)
        other = self.root / "my-hook"
        shutil.copy(HOOK, other)
        self.bad("INVALID_REQUEST", "hooks", "install", "claude", "--hook-program", str(other))
        self.bad("FILE_NOT_FOUND", "hooks", "install", "claude", "--hook-program", str(self.root))
        self.assertEqual(self.settings().read_text(), PLAIN)

    def test_a_broken_file_of_a_host_that_has_nothing_of_ours_is_passed_by(self):
        self.write(PLAIN)
        self.write('{"a": 1,}', "gemini")
        self.settings("qwen").mkdir(parents=True)
        self.good("hooks", "install", "claude")
        reply = self.good("hooks", "uninstall")
        self.assertEqual(self.settings().read_text(), PLAIN)
        self.assertIn("could not be read", json.dumps(reply["data"]["platforms"]))
        self.write('{"a": "/usr/bin/selftune-hook gemini",}', "gemini")
        self.bad("SETTINGS_INVALID", "hooks", "uninstall")

    def test_a_host_without_hooks_and_no_host_at_all(self):
        self.bad("UNSUPPORTED_TYPE", "hooks", "install", "openclaw")
        self.bad("NOT_FOUND", "hooks", "install")
        self.agent("codex")
        self.assertEqual([p["id"] for p in self.good("hooks", "install")["data"]["platforms"]], ["codex"])


class Codex(Place):
    def approve(self):
        path = self.settings("codex")
        config = path.with_name("config.toml")
        text = config.read_text() if config.exists() else ""
        for event, group, _ in ours(path.read_text()):
            snake = "".join("_" + c.lower() if c.isupper() else c for c in event).lstrip("_")
            text += f'\n[hooks.state."{path}:{snake}:{group}:0"]\ntrusted_hash = "sha256:00"\n'
        config.write_text(text)

    def state(self):
        return self.good("hooks", "status", "codex")["data"]["platforms"][0]["state"]

    def test_installed_is_not_approved(self):
        config = self.write('model = "x"\n', "codex").with_name("config.toml")
        self.settings("codex").rename(config)
        self.assertEqual(self.state(), "absent")
        reply = self.good("hooks", "install", "codex")
        self.assertIn("approve", reply["data"]["platforms"][0]["needs"][0])
        self.assertEqual(self.state(), "unapproved")
        self.approve()
        self.assertEqual(self.state(), "installed")
        self.assertEqual(self.good("hooks", "install", "codex")["data"]["platforms"][0]["needs"], [])
        self.good("hooks", "uninstall", "codex")
        self.assertEqual(config.read_text(), 'model = "x"\n')
        self.assertFalse(self.settings("codex").exists())

    def test_the_place_of_a_foreign_hook_is_kept(self):
        theirs = {"hooks": [{"type": "command", "command": "theirs"}]}
        path = self.write(json.dumps({"hooks": {"Stop": [theirs]}}), "codex")
        self.good("hooks", "install", "codex")
        groups = json.loads(path.read_text())["hooks"]["Stop"]
        self.assertEqual(groups[0], theirs)
        late = {"hooks": [{"type": "command", "command": "late"}]}
        document = json.loads(path.read_text())
        document["hooks"]["Stop"].append(late)
        path.write_text(json.dumps(document))
        self.good("hooks", "uninstall", "codex")
        self.assertEqual(json.loads(path.read_text())["hooks"]["Stop"], [theirs, {"hooks": []}, late])


class Doctor(Place):
    def check(self, host):
        done = self.run_cli("doctor", "--only", f"hooks.{host}", "--exit-zero")
        reply = json.loads(done.stdout)
        if reply["error"]:
            return None
        return reply["data"]["checks"][0]

    def fix(self, *more):
        return json.loads(self.run_cli("doctor", "--fix", "--only", "hooks.*", *more).stdout)

    def test_it_says_what_is_wrong_with_hooks_and_puts_it_in_order(self):
        path = self.write('{"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "true"}]}]}}')
        self.good("sync")
        self.assertIsNone(self.check("claude_code"))  # nobody asked for hooks
        self.good("hooks", "install", "claude")
        check = self.check("claude_code")
        self.assertIn(check["status"], ("pass", "warn"), check)  # warn: a slow machine
        self.assertIn("beside 1 of others, 1 of which run at every tool call", check["message"])

        document = json.loads(path.read_text())
        del document["hooks"]["Stop"]
        path.write_text(json.dumps(document))
        check = self.check("claude_code")
        self.assertEqual((check["status"], check["guidance"]["command"]),
                         ("warn", "selftune hooks install claude_code"))
        before = path.read_bytes()
        planned = self.fix("--dry-run")
        self.assertEqual([c["name"] for c in planned["data"]["applied"]], ["hooks.claude_code"])
        self.assertEqual(path.read_bytes(), before)
        self.assertEqual([c["name"] for c in self.fix()["data"]["applied"]], ["hooks.claude_code"])
        self.assertEqual(json.loads(path.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]["command"], "true")
        self.assertNotIn("missing", self.check("claude_code")["message"])
        self.assertEqual(self.fix()["data"]["applied"], [])

    def test_a_program_that_is_gone_and_a_file_that_is_broken(self):
        other = self.root / "other" / "selftune-hook"
        other.parent.mkdir()
        shutil.copy(HOOK, other)
        self.good("hooks", "install", "claude", "--hook-program", str(other))
        other.unlink()
        self.good("sync")
        self.assertIn("there is no program", self.check("claude_code")["message"])
        self.assertEqual(len(self.fix()["data"]["applied"]), 1)
        self.assertNotIn(str(other), self.settings().read_text())
        self.settings().write_text("{")
        check = self.check("claude_code")
        self.assertEqual(check["status"], "warn")
        self.assertIn("line 1, column 2", check["message"])
        self.assertEqual([c["name"] for c in self.fix()["data"]["remaining"]], ["hooks.claude_code"])
        self.assertEqual(self.settings().read_text(), "{")

    def test_codex_hooks_that_wait_for_approval(self):
        self.good("hooks", "install", "codex")
        check = self.check("codex")
        self.assertEqual(check["status"], "warn")
        self.assertIn("not approved", check["message"])
        self.assertIn("/hooks", check["guidance"]["text"])


class Events(Place):
    def test_the_installed_command_brings_events_into_the_store(self):
        payloads = {
            "claude_code": {"session_id": "s-1", "cwd": "/w", "hook_event_name": "UserPromptSubmit", "prompt": "one"},
            "codex": {"session_id": "s-2", "cwd": "/w", "hook_event_name": "UserPromptSubmit", "prompt": "two"},
            "gemini": {"session_id": "s-3", "cwd": "/w", "hook_event_name": "BeforeAgent", "prompt": "three"},
            "qwen": {"session_id": "s-4", "cwd": "/w", "hook_event_name": "UserPromptSubmit", "prompt": "four"},
        }
        for host, payload in payloads.items():
            self.write("{}", host)
            self.good("hooks", "install", host)
            handlers = {h["command"] for event, _, h in ours(self.settings(host).read_text())}
            self.assertEqual(len(handlers), 1)
            done = subprocess.run(["sh", "-c", handlers.pop()], input=json.dumps(payload), text=True, env=self.env(),
                                  capture_output=True, check=False, timeout=30)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.good("sync")
        self.assertEqual(self.home.sql("SELECT platform, prompt_text FROM prompts ORDER BY session_id"),
                         [("claude_code", "one"), ("codex", "two"), ("gemini", "three"), ("qwen", "four")])

    def test_clines_script_says_go_on_and_makes_room_for_a_foreign_one(self):
        theirs = self.write("#!/bin/sh\n", "cline")
        self.good("hooks", "install", "cline")
        self.assertEqual(theirs.read_text(), "#!/bin/sh\n")
        ours = self.home.path / "Documents/Cline/Hooks/PostToolUse"
        payload = {"taskId": "conv_1", "sessionContext": {"rootSessionId": "s-6"}, "hookName": "tool_result",
                   "tool_result": {"id": "c", "name": "skills", "input": {"skill": "commit-helper", "args": None}}}
        done = subprocess.run([str(ours)], input=json.dumps(payload), text=True, env=self.env(),
                              capture_output=True, check=False, timeout=30)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '{"cancel":false}\n', ""))
        event = json.dumps(self.home.spool()[-1])
        for word in ("s-6", "commit-helper", "cline"):
            self.assertIn(word, event)
        self.good("hooks", "uninstall", "cline")
        self.assertEqual([p.name for p in theirs.parent.iterdir()], ["PostToolUse"])
        self.assertFalse((self.home.path / "Documents").exists())

    def run_command(self, command, payload):
        done = subprocess.run(["bash", "-c", command], input=json.dumps(payload), text=True, env=self.env(),
                              capture_output=True, check=False, timeout=30)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_copilot_tells_of_prompts_of_persons_only(self):
        (self.home.path / ".copilot").mkdir()
        self.good("hooks", "install", "copilot")
        command = json.loads(self.settings("copilot").read_text())["hooks"]["userPromptSubmitted"][0]["bash"]
        typed = {"sessionId": "s-7", "timestamp": 1, "cwd": "/w", "prompt": "sum it up"}
        task = {**typed, "sessionId": "a-1", "agentId": "a-1", "agentType": "general-purpose", "parentAgentId": "s-7"}
        for payload in (typed, task):
            self.run_command(command, payload)
        self.assertEqual([record["payload"]["prompt"] for record in self.home.spool()], ["sum it up"])

    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_opencode_tells_of_prompts_of_persons_only(self):
        (self.home.path / ".config/opencode").mkdir(parents=True)
        self.good("hooks", "install", "opencode")
        module = self.root / "plugin.mjs"
        shutil.copy(self.settings("opencode"), module)
        done = subprocess.run(["node", "--input-type=module", "-e", OPENCODE, str(module)], env=self.env(),
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        deadline = time.monotonic() + 20
        while len(self.home.spool()) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        heard = {tuple(record["payload"][key] for key in ("session_id", "prompt_id", "prompt"))
                 for record in self.home.spool()}
        self.assertEqual(heard, {("ses_1", "m1", "sum it up"), ("ses_1", "m2", "/notes for may"),
                                 ("ses_1", "m3", 'a "b" c'), ("ses_old", "m5", "go on")})

    def test_qwen_calls_a_call_by_the_id_of_its_chat_file(self):
        (self.home.path / ".qwen").mkdir()
        self.good("hooks", "install", "qwen")
        command = json.loads(self.settings("qwen").read_text())["hooks"]["PostToolUse"][0]["hooks"][0]["command"]
        self.run_command(command, {"session_id": "s-8", "hook_event_name": "PostToolUse", "tool_name": "skill",
                                   "tool_input": {"skill": "commit-helper"}, "tool_response": {},
                                   "tool_use_id": "toolu_1_x", "tool_call_id": "call_1"})
        self.assertIn("call_1", json.dumps(self.home.spool()[-1]))
        self.assertNotIn("toolu", json.dumps(self.home.spool()[-1]))

    def test_copilots_file_says_the_handler(self):
        (self.home.path / ".copilot").mkdir()
        self.good("hooks", "install", "copilot")
        hooks = json.loads(self.settings("copilot").read_text())["hooks"]
        payload = {"sessionId": "s-5", "timestamp": 1, "cwd": "/w", "reason": "complete"}
        command = hooks["sessionEnd"][0]["bash"]
        done = subprocess.run(["bash", "-c", command], input=json.dumps(payload), text=True, env=self.env(),
                              capture_output=True, check=False, timeout=30)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        event = json.dumps(self.home.spool()[-1])
        for word in ("session_end", "s-5", "copilot"):
            self.assertIn(word, event)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
