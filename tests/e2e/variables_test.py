#!/usr/bin/env python3
"""HOME and SELFTUNE_HOME alone decide what is read and which database is used.

    variables_test.py SELFTUNE HOOK ASK PYTHON_PACKAGE [--preload RUNTIME]
"""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "python", "support")]

from claude_home import Home  # noqa: E402
from run_pytest import sanitizer_environment  # noqa: E402
import surroundings  # noqa: E402

SELFTUNE, HOOK, ASK = (str(Path(path).resolve()) for path in sys.argv[1:4])
PACKAGE = sys.argv[4]  # "" where Python is not built
PRELOAD = sanitizer_environment(sys.argv[6]) if "--preload" in sys.argv[5:] else {}
WHEN = datetime(2026, 11, 20, 9, tzinfo=timezone.utc)

# Variables by which hosts, former editions and the reference are told of other
# folders. Of the hosts: the platform, and where below the folder skills lie.
HOSTS = {
    "CLAUDE_CONFIG_DIR": ("claude_code", "skills"),
    "CODEX_HOME": ("codex", "skills"),
    "XDG_CONFIG_HOME": ("opencode", "opencode/skills"),
    "OPENCLAW_STATE_DIR": ("openclaw", "skills"),
    "CLINE_DIR": ("cline", "skills"),
    "PI_CODING_AGENT_DIR": ("pi", "skills"),
    "COPILOT_HOME": ("copilot", "skills"),
}
OTHERS = ("SELFTUNE_CONFIG_DIR", "SELFTUNE_CLAUDE_DIR", "SELFTUNE_LOG_DIR", "SELFTUNE_OPENCLAW_DIR",
          "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "OPENCODE_CONFIG_DIR",
          "OPENCODE_DATA_DIR", "CLINE_DATA_DIR", "GEMINI_DIR", "GEMINI_CLI_HOME", "QWEN_HOME")
VARIABLES = (*HOSTS, *OTHERS)
ROLLOUT = "sessions/2026/11/20/rollout-2026-11-20T09-00-00-{id}.jsonl"


def digest(folder):
    """Names and bytes of everything below."""
    out = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        out.update(str(path.relative_to(folder)).encode() + b"\0")
        if path.is_file():
            out.update(path.read_bytes() + b"\0")
    return out.hexdigest()


def add_skill(folder, name):
    folder = folder / name
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(f"---\nname: {name}\ndescription: Does {name}.\n---\n\n# {name}\n")


def add_rollout(folder, session):
    """A session of Codex CLI with one prompt."""
    path = folder / ROLLOUT.format(id=session)
    path.parent.mkdir(parents=True)
    meta = {"id": session, "timestamp": "2026-11-20T09:00:00.000Z", "cwd": "/home/dev/work",
            "originator": "codex_cli_rs", "cli_version": "0.169.0", "source": "cli",
            "model_provider": "openai"}
    lines = [{"timestamp": "2026-11-20T09:00:00.000Z", "type": "session_meta", "payload": meta},
             {"timestamp": "2026-11-20T09:00:01.000Z", "type": "event_msg",
              "payload": {"type": "user_message", "message": "sort the invoices", "images": []}}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


class World(unittest.TestCase):
    """A person's home with one session, and a folder that is full of others."""

    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="selftune-env-"))
        self.addCleanup(shutil.rmtree, self.scratch, True)
        self.home = self.scratch / "home"
        self.home.mkdir()
        Home(self.home).session(WHEN, {}).ask("what is due today")
        self.decoy = self.scratch / "decoy"
        moved = self.scratch / "moved"
        Home(moved).session(WHEN, {}).ask("this is read by nobody")
        (moved / ".claude").rename(self.decoy)
        for path in (self.decoy / "projects").rglob("*.jsonl"):
            path.rename(path.with_name("deadbeef-0000-4000-8000-000000000001.jsonl"))
        add_rollout(self.decoy, "deadbeef-0000-7000-8000-000000000002")
        for below in sorted({skills for _, skills in HOSTS.values()}):
            add_skill(self.decoy / below, f"decoy-{below.replace('/', '-')}")
        self.run_as({"HOME": str(moved)}, SELFTUNE, "sync", "--json")
        for file in (moved / ".selftune").glob("selftune.db*"):
            shutil.move(file, self.decoy)
        (self.decoy / "spool").mkdir()
        self.before = digest(self.decoy)
        self.state = self.home / ".selftune"

    def env(self, **more):
        return surroundings.environment(**{"home": self.home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"} | more)

    def run_as(self, env, *argv, stdin=b""):
        done = subprocess.run(argv, env=self.env(**env), input=stdin, capture_output=True,
                              check=False, timeout=120, cwd=self.scratch)
        self.assertEqual(done.returncode, 0, (argv, done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout

    def cli(self, *argv, **env):
        return json.loads(self.run_as(env, SELFTUNE, *argv, "--json"))

    # --- The frontends ---------------------------------------------------------

    def by_cli(self, op, env):
        return json.loads(self.run_as(env, SELFTUNE, "request", json.dumps({"op": op})))

    def by_c(self, op, env):
        return json.loads(self.run_as(env, ASK, json.dumps({"op": op})))

    def by_python(self, op, env):
        code = ("import json, sys, selftune\n"
                "with selftune.open(read_only=False) as engine:\n"
                "    print(json.dumps(engine.envelope(sys.argv[1])))\n")
        env = dict(env, PYTHONPATH=PACKAGE, PYTHONDONTWRITEBYTECODE="1", **PRELOAD)
        return json.loads(self.run_as(env, sys.executable, "-c", code, op))

    def engines(self):
        found = {"cli": self.by_cli, "c": self.by_c}
        return dict(found, python=self.by_python) if PACKAGE else found

    def by_shim(self, payload, env):
        self.run_as(env, HOOK, "claude-code", "prompt-log", stdin=payload)

    def by_c_hook(self, payload, env):
        self.run_as(env, ASK, "--hook", "claude-code", "prompt-log", stdin=payload)

    # --- What must hold --------------------------------------------------------

    def sources(self, state):
        with sqlite3.connect(f"file:{state / 'selftune.db'}?mode=ro", uri=True) as db:
            return [path for path, in db.execute("SELECT path FROM source_file WHERE kind<>'spool'")]

    def skills(self, state):
        with sqlite3.connect(f"file:{state / 'selftune.db'}?mode=ro", uri=True) as db:
            return {name for name, in db.execute("SELECT name FROM skill")}

    def assert_only_home(self, reply, state):
        self.assertTrue(reply["ok"], reply)
        sources = self.sources(state)
        self.assertEqual([p for p in sources if str(self.decoy) in p], [])
        self.assertEqual(sum(str(self.home) in p for p in sources), 1, sources)
        self.assertEqual([s for s in self.skills(state) if s.startswith("decoy")], [])
        self.assertEqual(digest(self.decoy), self.before, "the other folder was written to")
        self.assertEqual(sum(host["scanned"] for host in reply["data"]["sources"].values()), 1)


class OnlyHome(World):
    def settings(self):
        """Each variable by itself, then all of them."""
        for name in VARIABLES:
            yield name, {name: str(self.decoy)}
        yield "all", dict.fromkeys(VARIABLES, str(self.decoy))

    def test_engines_read_home_and_write_below_it(self):
        for frontend, ask in self.engines().items():
            for name, variables in self.settings():
                with self.subTest(frontend=frontend, variable=name):
                    shutil.rmtree(self.state, ignore_errors=True)
                    self.assert_only_home(ask("sync.run", variables), self.state)
                    info = ask("store.info", variables)
                    self.assertEqual(info["data"]["path"], str(self.state / "selftune.db"))

    def test_selftune_home_moves_the_state_and_nothing_else(self):
        variables = dict.fromkeys(VARIABLES, str(self.decoy))
        for frontend, ask in self.engines().items():
            with self.subTest(frontend=frontend):
                state = self.scratch / f"state-{frontend}"
                reply = ask("sync.run", dict(variables, SELFTUNE_HOME=str(state)))
                self.assert_only_home(reply, state)
                self.assertFalse(self.state.exists())

    def test_hooks_write_below_home(self):
        payload = json.dumps({"hook_event_name": "UserPromptSubmit", "session_id": "s1",
                              "prompt": "hello", "cwd": "/tmp"}).encode()
        for frontend, handle in (("shim", self.by_shim), ("c", self.by_c_hook)):
            for name, variables in self.settings():
                for moved in (False, True):
                    with self.subTest(frontend=frontend, variable=name, moved=moved):
                        state = self.scratch / "other" if moved else self.state
                        shutil.rmtree(state, ignore_errors=True)
                        more = {"SELFTUNE_HOME": str(state)} if moved else {}
                        handle(payload, dict(variables, **more))
                        self.assertEqual(len(list((state / "spool").glob("*.jsonl"))), 1)
                        self.assertEqual(digest(self.decoy), self.before)
        self.cli("sync")
        with sqlite3.connect(self.state / "selftune.db") as db:
            self.assertEqual(db.execute("SELECT count(*) FROM prompts WHERE prompt_text='hello'").fetchone(),
                             (1,))


class Recorded(World):
    """What a variable says counts once it is in our configuration."""

    def warned(self, reply, code):
        return [w["message"] for w in reply["warnings"] if w["code"] == code]

    def test_sync_names_the_folder_and_the_command_that_records_it(self):
        for name, (platform, skills) in HOSTS.items():
            with self.subTest(variable=name):
                shutil.rmtree(self.state, ignore_errors=True)
                variables = {name: str(self.decoy)}
                folder = str(self.decoy / skills.removesuffix("skills").rstrip("/"))
                reply = self.cli("sync", **variables)
                messages = self.warned(reply, "HOST_FOLDER_IGNORED")
                self.assertEqual(len(messages), 1, reply["warnings"])
                self.assertIn(name, messages[0])
                self.assertIn(folder, messages[0])
                self.assertEqual(reply["next"]["argv"],
                                 ["selftune", "config", "set", f"hosts.{platform}.home", folder])
                found = {c["name"]: c for c in self.cli("doctor", **variables)["data"]["checks"]}
                check = found[f"hosts.{platform}"]
                self.assertEqual((check["status"], check["path"]), ("warn", folder))
                self.assertEqual(check["guidance"]["command"], reply["next"]["command"])
                # The command does what it promises, also without the variable.
                self.assertTrue(self.cli(*reply["next"]["argv"][1:], **variables)["changed"])
                after = self.cli("sync")
                self.assertEqual(after["warnings"], [])
                self.assertEqual(self.cli("sync", **variables)["warnings"], [])
                self.assertIn(f"decoy-{skills.replace('/', '-')}", self.skills(self.state))
                read = [p for p in self.sources(self.state) if str(self.decoy) in p]
                self.assertEqual(len(read), 1 if platform in ("claude_code", "codex") else 0)
                found = {c["name"]: c for c in self.cli("doctor")["data"]["checks"]}
                self.assertEqual(found[f"hosts.{platform}"]["status"], "pass")

    def test_the_same_folder_is_no_news(self):
        for value in (self.home / ".claude", self.scratch / "nowhere"):
            self.assertEqual(self.cli("sync", CLAUDE_CONFIG_DIR=str(value))["warnings"], [])
        link = self.scratch / "link"
        link.symlink_to(self.home / ".claude")
        self.assertEqual(self.cli("sync", CLAUDE_CONFIG_DIR=str(link))["warnings"], [])

    def test_the_store_of_the_former_variable_is_named(self):
        reply = self.cli("sync", SELFTUNE_CONFIG_DIR=str(self.decoy))
        messages = self.warned(reply, "STATE_FOLDER_IGNORED")
        self.assertEqual(len(messages), 1)
        self.assertIn("SELFTUNE_HOME", messages[0])
        self.assertEqual(reply["next"]["argv"], ["selftune", "status", "--home", str(self.decoy)])
        self.assertTrue(self.cli(*reply["next"]["argv"][1:])["ok"])
        found = {c["name"]: c for c in
                 self.cli("doctor", SELFTUNE_CONFIG_DIR=str(self.decoy))["data"]["checks"]}
        self.assertEqual(found["state.folder"]["status"], "warn")
        both = {"SELFTUNE_CONFIG_DIR": str(self.decoy), "SELFTUNE_HOME": str(self.decoy)}
        self.assertEqual(self.warned(self.cli("sync", **both), "STATE_FOLDER_IGNORED"), [])

    def test_a_folder_that_cannot_be_used_is_said_each_time(self):
        self.cli("config", "set", "hosts.codex.home", str(self.scratch / "gone"))
        self.assertEqual(len(self.warned(self.cli("sync"), "HOST_FOLDER_MISSING")), 1)
        (self.state / "config.json").write_text('{"hosts":{"codex":{"home":"codex"},"nobody":{"home":"/x"}}}')
        self.assertEqual(len(self.warned(self.cli("sync"), "CONFIG_VALUE_IGNORED")), 2)
        (self.state / "config.json").write_text("{")
        done = subprocess.run([SELFTUNE, "sync", "--json"], env=self.env(), capture_output=True,
                              check=False, timeout=60)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "INVALID_CONFIG")

    def test_below_home_is_written_with_a_tilde(self):
        shutil.copytree(self.decoy, self.home / "codex")
        self.cli("config", "set", "hosts.codex.home", "~/codex/")
        self.cli("sync")
        self.assertEqual(len([p for p in self.sources(self.state) if "/codex/sessions/" in p]), 1)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
