#!/usr/bin/env python3
"""Installs into an empty folder and uses the library from there, as others do.

    install_test.py BUILD_DIR

Programs are built with pkg-config alone, by every compiler there is, and run on
the recordings and on a made-up home whose numbers are known.
"""

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(sys.argv[1]).resolve()
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "support")]

import loop_test  # noqa: E402
import surroundings  # noqa: E402

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
HOMES = ("*/home", "*/*/home/dev")  # of recordings, below tests/data/hosts


def run(argv, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False,
                          timeout=300, **options)
    if done.returncode != 0:
        raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def build_option(name):
    options = json.loads(run(["meson", "introspect", "--buildoptions", BUILD]))
    return next(o["value"] for o in options if o["name"] == name)


def compilers():
    """Each finds other mistakes; the first also watches who owns what."""
    watched = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    chosen = [("gcc", "g++", watched), ("clang-19", "clang++-19", ())]
    return [found for found in chosen if shutil.which(found[0]) and shutil.which(found[1])]


def install(root):
    """The prefix below `root` that the configured one became."""
    run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root])
    return Path(root) / build_option("prefix").lstrip("/")


def files_below(home):
    return {str(p.relative_to(home)): p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file()}


def setUpModule():
    root = Path(tempfile.mkdtemp(prefix="selftune-install-"))
    unittest.addModuleCleanup(shutil.rmtree, root, True)
    Tree.root, Tree.built, Tree.compilers = root, {}, compilers()
    Tree.prefix = install(root / "tree")
    Tree.pc_dir = next(Tree.prefix.rglob("selftune.pc")).parent
    Tree.library = next(Tree.prefix.rglob("libselftune.so.0")).parent
    Tree.command = Tree.prefix / "bin" / "selftune"


class Tree(unittest.TestCase):
    """What the cases do with the installed tree, which they share."""

    def scratch(self, name):
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.root))
        return folder / name

    def flags(self, *packages):
        """What pkg-config says. The tree lies below a staging folder: only
        there its prefix is true."""
        env = dict(os.environ, PKG_CONFIG_PATH=str(self.pc_dir))
        return shlex.split(run(["pkg-config", f"--define-variable=prefix={self.prefix}", "--cflags",
                                "--libs", *packages], env=env))

    def build(self, compiler, source, *packages, library="selftune"):
        """The program; each is built once a compiler."""
        if (compiler, source) not in self.built:
            output = self.scratch(Path(source).stem)
            run([*compiler, *WARNINGS, source, "-o", output, *self.flags(library, *packages)])
            self.built[compiler, source] = output
        return self.built[compiler, source]

    def environment(self, home):
        return surroundings.environment(home, LANG="C.UTF-8", LD_LIBRARY_PATH=None, LD_PRELOAD=None)

    def call(self, home, *argv):
        """Exit code, stdout, stderr; whoever leaks or breaks a rule fails."""
        env = dict(self.environment(home), LD_LIBRARY_PATH=str(self.library))
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False,
                              timeout=300, env=env)
        for word in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error"):
            self.assertNotIn(word, done.stderr)
        return done.returncode, done.stdout, done.stderr

    def recordings(self):
        home = self.scratch("home")
        for pattern in HOMES:
            for recording in sorted((HERE.parent / "data" / "hosts").glob(pattern)):
                shutil.copytree(recording, home, dirs_exist_ok=True, symlinks=True)
        return home

    def known_history(self):
        """A home with 30 misses of one skill and 75 uses of it, by hand and not."""
        home = loop_test.free_home(self.scratch("known"))
        loop_test.history(home, datetime.now(timezone.utc))
        return home

    def sync(self, home):
        run([self.command, "sync"], env=self.environment(home))

    def each_compiler(self):
        self.assertTrue(self.compilers, "no compiler")
        for c, cxx, flags in self.compilers:
            yield (c, "-std=c11", *flags), (cxx, "-std=c++20", *flags)


class Files(Tree):
    def test_what_others_need_is_installed(self):
        source = ROOT / "libselftune"
        for installed, folder in ((self.prefix / "include" / "selftune", source / "include" / "selftune"),
                                  (self.prefix / "share" / "selftune" / "schema", source / "api" / "schema"),
                                  (self.prefix / "share" / "selftune" / "skill", ROOT / "skill")):
            self.assertEqual(files_below(installed), files_below(folder))
        share = self.prefix / "share"
        for file in ("man/man1/selftune.1", "man/man1/selftune-sync.1", "bash-completion/completions/selftune",
                     "zsh/site-functions/_selftune", "fish/vendor_completions.d/selftune.fish"):
            self.assertTrue((share / file).is_file(), file)
        self.assertTrue((self.library / "libselftune.a").is_file())
        self.assertEqual({p.name for p in self.library.glob("libselftune.so*")},
                         {"libselftune.so", "libselftune.so.0", "libselftune.so.0.1.0"})
        # Programs of the tree need no hint where the library lies.
        reply = json.loads(run([self.command, "version"], env=self.environment(self.root)))
        self.assertTrue(reply["ok"])

    def test_a_self_contained_build_loads_sqlite_and_the_c_library_alone(self):
        if not build_option("self_contained"):
            self.skipTest("this build loads the system's libraries")
        there = {"libselftune.so.0", "libsqlite3.so.0", "libm.so.6", "libc.so.6"}
        for program in (self.command, *(self.prefix / "libexec").rglob("selftune-dashboard")):
            loaded = {Path(line.split()[0]).name for line in run(["ldd", program]).splitlines()}
            self.assertEqual({name for name in loaded if not name.startswith(("linux-vdso", "ld-linux"))}, there)

    def test_a_program_in_c_runs_with_the_flags_of_pkg_config(self):
        for c, _ in self.each_compiler():
            program = self.build(c, HERE / "program.c")
            home = self.scratch("home")
            home.mkdir()
            code, out, err = self.call(home, program)
            self.assertEqual((code, err), (0, ""))
            self.assertTrue(json.loads(out)["data"]["version"])


class TopSkills(Tree):
    SOURCE = ROOT / "examples" / "c" / "top_skills.c"

    def rows(self, text):
        head, *lines = text.splitlines()
        self.assertEqual(head.split(), "skill uses fired when needed good sessions".split())
        return [line.split() for line in lines]

    def test_the_skills_of_the_recordings_come_by_use(self):
        home = self.recordings()
        self.sync(home)
        with sqlite3.connect(f"file:{home}/.selftune/selftune.db?mode=ro", uri=True) as db:
            uses = dict(db.execute("SELECT skill_name, count(*) FROM skill_invocations "
                                   "WHERE outcome = 'triggered' GROUP BY 1"))
        for c, _ in self.each_compiler():
            program = self.build(c, self.SOURCE, "jansson")
            code, out, err = self.call(home, program, "3650d", "100")
            self.assertEqual((code, err), (0, ""))
            rows = self.rows(out)
            counts = [int(row[1]) for row in rows]
            self.assertEqual(counts, sorted(counts, reverse=True))
            self.assertEqual({row[0]: int(row[1]) for row in rows if int(row[1])}, uses)
            self.assertEqual(self.rows(self.call(home, program, "3650d", "2")[1]), rows[:2])

    def test_rates_come_with_their_interval(self):
        home = self.known_history().root
        self.sync(home)
        for c, _ in self.each_compiler():
            code, out, _ = self.call(home, self.build(c, self.SOURCE, "jansson"))
            self.assertEqual(code, 0)
            first = self.rows(out)[0]
            self.assertEqual(first[:3], [loop_test.SKILL, "90", "0/30"])
            low, high = (float(bound) for bound in first[3].split("-"))
            self.assertTrue(low == 0 and 0.10 <= high <= 0.12, first)  # Wilson, 0 of 30

    def test_a_table_that_could_not_be_written_is_an_error(self):
        home = self.recordings()
        self.sync(home)
        for c, _ in self.each_compiler():
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([self.build(c, self.SOURCE, "jansson"), "3650d"], stdout=full,
                                      stderr=subprocess.PIPE, text=True, check=False,
                                      env=dict(self.environment(home), LD_LIBRARY_PATH=str(self.library)))
            self.assertEqual((done.returncode, "No space left" in done.stderr), (1, True))

    def test_without_a_store_it_names_the_command_that_makes_one(self):
        home = self.scratch("empty")
        home.mkdir()
        for c, _ in self.each_compiler():
            code, out, err = self.call(home, self.build(c, self.SOURCE, "jansson"))
            self.assertEqual((code, out), (1, ""))
            self.assertIn("next: selftune sync", err)
            self.assertEqual(list(home.iterdir()), [])


class HookProgram(Tree):
    SOURCE = ROOT / "examples" / "hooks" / "my_agent_hook.c"

    def test_a_program_of_ones_own_and_ours_hand_in_events(self):
        for c, _ in self.each_compiler():
            # The hook library is inside the program: nothing of ours is loaded.
            program = self.build(c, self.SOURCE, library="selftune-hook")
            home = self.scratch("home")
            home.mkdir()
            env = {**self.environment(home), "LD_LIBRARY_PATH": "", "MY_AGENT_DEBUG": "1"}
            for argv in (["s1", "prompt", 'say "hello"\n'], ["s1", "skill", "pdf", "call-1"], ["s1", "end"]):
                self.assertEqual(run([program, *argv], env=env), "")
            payload = json.dumps({"session_id": "s2", "hook_event_name": "UserPromptSubmit", "prompt": "by the shim"})
            shim = self.prefix / "bin" / "selftune-hook"
            self.assertEqual(run([shim, "--strict", "claude-code"], env=env, input=payload), "")
            self.sync(home)
            with sqlite3.connect(f"file:{home}/.selftune/selftune.db?mode=ro", uri=True) as db:
                self.assertEqual(db.execute("SELECT platform, prompt_text FROM prompts ORDER BY 1").fetchall(),
                                 [("claude_code", "by the shim"), ("my_agent", 'say "hello"\n')])
                self.assertEqual(
                    db.execute("SELECT platform, skill_name, capture_mode FROM skill_invocations").fetchall(),
                    [("my_agent", "pdf", "hook")])
            self.assertEqual(self.call(home, program)[0], 64)
            self.assertEqual(self.call(home, program, "s1", "dance")[0], 64)


class EmbedIngest(Tree):
    SOURCE = ROOT / "examples" / "cpp" / "embed_ingest.cc"
    MODEL = shlex.join([sys.executable, "-B", str(HERE / "stub_model.py")])

    def test_a_home_is_read_into_a_store_of_its_own_and_left_alone(self):
        home = self.recordings()
        before = files_below(home)
        for _, cxx in self.each_compiler():
            program, state = self.build(cxx, self.SOURCE, "nlohmann_json"), self.scratch("state")
            code, out, err = self.call(self.root, program, home, state)
            self.assertEqual(code, 0, err)
            self.assertRegex(out, r"claude_code: [1-9]\d* files, [1-9]\d* sessions touched, 0 lines")
            steps = re.findall(r"sync\.run: \w+ (\d+) of (\d+)\n", err)
            self.assertGreater(len(steps), 10)
            self.assertEqual([s for s in steps if int(s[0]) > int(s[1])], [])
            self.assertEqual(files_below(home), before)
            with sqlite3.connect(f"file:{state}/selftune.db?mode=ro", uri=True) as db:
                sessions = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
            touched = sum(int(line.split(" files, ")[1].split()[0]) for line in out.splitlines())
            self.assertEqual(sessions, touched)

    def test_the_programs_own_model_finds_a_better_text_and_nothing_is_deployed(self):
        home = self.known_history().root
        before = files_below(home)
        for _, cxx in self.each_compiler():
            program, state = self.build(cxx, self.SOURCE, "nlohmann_json"), self.scratch("state")
            code, out, err = self.call(self.root, program, home, state, loop_test.SKILL, self.MODEL)
            self.assertEqual(code, 0, err)
            self.assertRegex(out, r"dry_run: a candidate does better on the training prompts")
            self.assertIn("{+Totals and exports money records.", out)
            self.assertIn("evolve.run: evolve", err)
            self.assertEqual(files_below(home), before)
            with sqlite3.connect(f"file:{state}/selftune.db?mode=ro", uri=True) as db:
                self.assertEqual(db.execute("SELECT DISTINCT backend FROM llm_call").fetchall(),
                                 [("handler",)])

    def test_a_model_that_fails_and_a_skill_that_is_unknown_are_said(self):
        home = self.known_history().root
        for _, cxx in self.each_compiler():
            program, state = self.build(cxx, self.SOURCE, "nlohmann_json"), self.scratch("state")
            code, _, err = self.call(self.root, program, home, state, loop_test.SKILL, "false")
            self.assertEqual(code, 1)
            self.assertIn("the model: false did not succeed", err)
            self.assertRegex(err, r"embed_ingest: .+")
            code, _, err = self.call(self.root, program, home, state, "no-such-skill", "false")
            self.assertEqual(code, 1)
            self.assertIn("next: selftune skills list", err)
            self.assertEqual(self.call(self.root, program)[0], 64)


class Dashboard(Tree):
    def test_the_command_finds_the_server_that_was_installed(self):
        if not list(self.prefix.rglob("selftune-dashboard")):
            self.skipTest("built without the dashboard")
        home = self.scratch("home")
        home.mkdir()
        child = subprocess.Popen(
            [self.command, "--json", "dashboard", "--no-open", "--allow-root"],
            env=self.environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            data = json.loads(child.stdout.readline())["data"]
            self.assertEqual((data["pid"], data["reused"]), (child.pid, False))
            with urllib.request.urlopen(f"http://127.0.0.1:{data['port']}/api/health") as reply:
                self.assertEqual(json.load(reply)["service"], "selftune-dashboard")
        finally:
            child.terminate()
            child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
