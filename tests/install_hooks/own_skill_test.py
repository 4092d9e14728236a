#!/usr/bin/env python3
"""`selftune skill`: our own skill comes to the agents, is renewed and goes again.

    own_skill_test.py SELFTUNE SELFTUNE_HOOK
"""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from own_skill_case import MAIN, SKILL, OwnSkill  # noqa: E402
from place import CLI  # noqa: E402


class Install(OwnSkill):
    def test_what_was_installed_goes_again_without_a_trace(self):
        self.agent("codex")
        (self.path(".codex")).mkdir()
        before = self.tree()
        reply = self.good("skill", "install")
        self.assertTrue(reply["changed"])
        self.assertEqual([(p["action"], p["platforms"]) for p in reply["data"]["places"]],
                         [("installed", ["claude_code"]), ("installed", ["claude_code"]), ("installed", ["codex"])])
        for name in (MAIN, SKILL + "/references/cli.md", ".claude/agents/selftune-pattern-analyst.md",
                     ".agents/skills/selftune/SKILL.md"):
            self.assertTrue(self.path(name).is_file(), name)
        self.assertEqual(set(reply["data"]["receipt"]["targets"]), {row[0] for row in self.rows()})
        self.assertEqual(set(self.states().values()), {"current"})
        for undo in (reply["data"]["receipt"]["undo"]["argv"][1:], ("skill", "uninstall"), ("uninstall", "--yes")):
            self.good("skill", "install")
            self.good(*undo)
            self.assertEqual(self.tree(), before, undo)
            self.assertEqual([row for row in self.rows() if row[1] in ("skill", "agent")], [])

    def test_twice_is_once(self):
        for argv in (("install",), ("update",)):
            self.good("skill", "install")
            before, rows = self.tree(), self.rows()
            reply = self.good("skill", *argv)
            self.assertFalse(reply["changed"], argv)
            self.assertEqual((reply["data"]["files"], reply["data"]["receipt"]), ([], None))
            self.assertEqual((self.tree(), self.rows()), (before, rows))

    def test_a_dry_run_changes_neither_the_tree_nor_the_store(self):
        before = self.tree(but=())
        plan = self.good("skill", "install", "--dry-run")
        self.assertEqual((plan["changed"], plan["data"]["receipt"]), (False, None))
        self.good("skill", "update", "--dry-run")
        self.assertEqual(self.tree(but=()), before)
        done = self.data("install")
        self.assertEqual(plan["data"]["files"], done["files"])
        self.of_an_older_version(SKILL + "/workflows/former.md")
        self.of_an_older_version(SKILL + "/workflows/run.md")
        self.path(MAIN).write_text("edited")
        before, rows = self.tree(), self.rows()
        for verb in ("install", "update"):
            plan = self.data(verb, "--dry-run")
            self.assertEqual({f["action"] for f in plan["files"]}, {"updated", "removed"})
            self.assertEqual([k["kept_as"] for k in plan["kept_as_orig"]], [str(self.path(MAIN)) + ".orig"])
            self.data("uninstall", "--dry-run")
            self.assertEqual((self.tree(), self.rows()), (before, rows))
        done = self.data("update")
        self.assertEqual((plan["files"], plan["kept_as_orig"]), (done["files"], done["kept_as_orig"]))

    def test_agents_are_chosen_also_those_that_are_not_here(self):
        data = self.data("install", "--agent", "codex")
        self.assertEqual([p["platforms"] for p in data["places"]], [["codex"]])
        self.assertFalse(self.path(SKILL).exists())
        self.data("install", "--agent", "claude", "--agent", "pi")
        self.assertTrue(self.path(MAIN).exists())
        self.data("uninstall", "--agent", "codex")
        self.assertEqual((self.path(".agents").exists(), self.path(MAIN).exists()), (False, True))

    def test_specialists_are_written_as_each_agent_reads_them(self):
        repo = self.project()
        name = "selftune-diagnosis-analyst"
        files = {"claude": (".claude/agents/", ".md"), "opencode": (".config/opencode/agents/", ".md"),
                 "gemini": (".gemini/agents/", ".md"), "qwen": (".qwen/agents/", ".md"),
                 "cline": (".cline/agents/", ".yaml"),
                 "copilot": (".copilot/agents/", ".agent.md")}
        of_project = {**files, "opencode": (".opencode/agents/", ".md"), "copilot": (".github/agents/", ".agent.md")}
        self.data("install", *(word for agent in (*files, "codex") for word in ("--agent", agent)))
        texts = {agent: self.path(name.join(file)).read_text() for agent, file in files.items()}
        self.assertRegex(texts["claude"], r"\ntools: Bash\(selftune skills show:\*\), .*, Read\n")
        # OpenCode has no `tools`: what is not named is not allowed.
        self.assertRegex(texts["opencode"], r'\nmode: subagent\npermission:\n  "\*": deny\n  read: allow\n  bash:\n    "\*": deny\n'
                                            r'    "selftune skills show \*": allow\n')
        for agent, shell, read in (("gemini", "run_shell_command", "read_file"), ("copilot", "bash", "view"),
                                   ("cline", "run_commands", "read_files")):
            self.assertRegex(texts[agent], rf'^---\nname: {name}\ndescription: ".*"\ntools:\n  - {shell}\n  - {read}\n---\n')
        self.assertEqual(texts["qwen"], texts["gemini"])
        self.assertEqual(len({text.split("---\n", 2)[2] for text in texts.values()}), 1)
        # An agent without any reads them beside the skill, whose text names them.
        self.assertEqual(self.path(f".agents/skills/selftune/agents/{name}.md").read_text(), texts["claude"])
        self.data("install", "--scope", "project", *(word for agent in files for word in ("--agent", agent)))
        for agent, file in of_project.items():
            self.assertEqual((repo / name.join(file)).read_text(), texts[agent])
        # From elsewhere, where only the rows know of the project, nothing seems amiss or is changed.
        self.cwd = self.root
        self.assertEqual({p["state"] for p in self.data("status")["installed"]}, {"current"})
        self.assertEqual(self.data("update")["files"], [])
        former = repo / ".opencode/agents" / f"{name}.md"
        former.write_text("of an older version")
        with sqlite3.connect(self.home.database) as db:
            db.execute("UPDATE install SET sha256=?, version='0.0.1' WHERE path=?",
                       (hashlib.sha256(former.read_bytes()).digest(), str(former)))
        db.close()
        self.assertEqual([f["path"] for f in self.data("update")["files"]], [str(former)])
        self.assertEqual(former.read_text(), texts["opencode"])

    def test_a_folder_goes_with_the_last_file_of_ours_in_it(self):
        self.agent("opencode")  # without a folder of its own: hooks make it, specialists lie in it
        before = self.tree()
        ways = (("hooks", "uninstall", "opencode"), ("skill", "uninstall")), (("skill", "uninstall"), ("hooks", "uninstall", "opencode"))
        for way in ways:
            self.good("hooks", "install", "opencode")
            self.good("skill", "install")
            for argv in way:
                self.good(*argv)
            self.assertEqual(self.tree(), before, way)

    def test_a_project_has_its_own(self):
        repo = self.project()
        reply = self.good("skill", "install", "--scope", "project", "--agent", "claude", "--agent", "gemini")
        self.assertEqual({p["scope"] for p in reply["data"]["places"]}, {"project"})
        for name in (MAIN, ".claude/agents/selftune-pattern-analyst.md", ".agents/skills/selftune/SKILL.md"):
            self.assertTrue((repo / name).is_file(), name)
        self.assertFalse(self.path(SKILL).exists())
        installed = {p["path"]: (p["scope"], p["state"]) for p in self.data("status")["installed"]}
        self.assertEqual(installed[str(repo / SKILL)], ("project", "current"))
        self.assertEqual(installed[str(self.path(SKILL))], ("user", "absent"))
        # An update finds it from anywhere, and does not bring back a project that is gone.
        (repo / MAIN).write_text("edited")
        self.cwd = self.root
        self.assertEqual(len(self.data("update")["kept_as_orig"]), 1)
        (repo / (MAIN + ".orig")).unlink()
        (self.root / "repo").rename(self.root / "elsewhere")
        self.assertFalse(self.good("skill", "update")["changed"])
        self.assertEqual((repo.exists(), self.data("status")["drift"]), (False, []))
        self.assertEqual({p["state"] for p in self.data("status")["installed"]}, {"absent", "gone"})
        (self.root / "elsewhere").rename(repo)
        self.cwd = repo
        self.good(*reply["data"]["receipt"]["undo"]["argv"][1:])
        self.assertEqual(sorted(p.name for p in repo.iterdir()), [".git", "below"])

    def test_a_moved_project_is_known_again(self):
        repo = self.project()
        self.good("skill", "install", "--scope", "project", "--agent", "claude")
        repo.rename(self.root / "moved")
        self.cwd = self.root / "moved"
        self.assertFalse(self.good("skill", "install", "--scope", "project", "--agent", "claude")["changed"])
        self.good("uninstall", "--yes")
        self.assertEqual(sorted(p.name for p in self.cwd.iterdir()), [".git", "below"])


class Renew(OwnSkill):
    def setUp(self):
        super().setUp()
        self.good("skill", "install")

    def test_edits_are_kept_as_orig_and_said(self):
        current = self.path(MAIN).read_bytes()
        for verb, name in (("update", ".orig"), ("install", ".orig.2")):
            self.path(MAIN).write_text("edited " + verb)
            self.path(MAIN).chmod(0o600)
            self.assertEqual(self.drift(), {MAIN: ("edited", "selftune skill update")})
            reply = self.good("skill", verb)
            kept = str(self.path(MAIN)) + name
            self.assertEqual(reply["data"]["kept_as_orig"], [{"path": str(self.path(MAIN)), "kept_as": kept}])
            self.assertEqual((Path(kept).read_text(), self.path(MAIN).read_bytes()), ("edited " + verb, current))
            self.assertEqual(Path(kept).stat().st_mode & 0o777, 0o600)
            # No command brings the edit back as if nothing had been.
            self.assertIsNone(reply["data"]["receipt"]["undo"])
            self.assertEqual(self.drift(), {})
        # The same text is not kept twice; a link or a folder of that name is nobody's to write to.
        self.path(MAIN).write_text("edited install")
        self.assertEqual([k["kept_as"] for k in self.data("update")["kept_as_orig"]], [kept])
        for taken in (".orig.3", ".orig.4"):
            Path(str(self.path(MAIN)) + taken).symlink_to("/nowhere") if taken.endswith("3") else \
                Path(str(self.path(MAIN)) + taken).mkdir()
        self.path(MAIN).write_text("a third")
        self.assertEqual([k["kept_as"][-7:] for k in self.data("update")["kept_as_orig"]], [".orig.5"])
        needs = " ".join(self.data("uninstall")["needs"])
        self.assertIn("SKILL.md.orig has your edits and was kept", needs)
        self.assertEqual(Path(kept).read_text(), "edited install")

    def test_files_of_an_older_version_are_renewed_or_go(self):
        run, former, edited = (SKILL + "/workflows/" + n for n in ("run.md", "former.md", "edited.md"))
        specialist = ".claude/agents/selftune-former.md"
        for name in (run, former, edited):
            self.of_an_older_version(name)
        self.of_an_older_version(specialist, kind="agent")
        self.path(edited).write_text("mine")
        theirs = self.path(SKILL + "/notes.md")
        theirs.write_text("theirs")
        self.assertEqual({name: state for name, (state, _) in self.drift().items()},
                         {run: "outdated", former: "dropped", edited: "dropped", specialist: "dropped"})
        self.assertEqual({command for _, command in self.drift().values()}, {"selftune skill update"})
        self.assertEqual(self.states()[SKILL], "outdated")
        data = self.data("update")
        self.assertEqual([Path(k["kept_as"]).name for k in data["kept_as_orig"]], ["edited.md.orig"])
        self.assertEqual([self.path(n).exists() for n in (former, edited, specialist)], [False] * 3)
        self.assertEqual(self.path(edited + ".orig").read_text(), "mine")
        self.assertEqual(theirs.read_text(), "theirs")
        self.assertEqual((self.drift(), self.states()[SKILL]), ({}, "current"))

    def test_only_the_version_differs(self):
        with sqlite3.connect(self.home.database) as db:
            db.execute("UPDATE install SET version='0.0.1'")
        db.close()
        (place, *_) = self.data("status")["installed"]
        self.assertEqual((place["state"], place["version"], place["command"]),
                         ("outdated", "0.0.1", "selftune skill update"))
        before = self.tree()
        self.assertFalse(self.good("skill", "update")["changed"])
        self.assertEqual(self.tree(), before)
        self.assertEqual(self.states()[SKILL], "current")

    def test_a_missing_file_comes_back_and_a_removed_skill_only_when_asked(self):
        run = SKILL + "/workflows/run.md"
        self.path(run).unlink()
        self.assertEqual(self.drift(), {run: ("missing", "selftune skill install --agent claude_code")})
        self.data("update")
        self.assertTrue(self.path(run).exists())
        for path in sorted(self.path(SKILL).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.path(SKILL).rmdir()
        self.assertFalse(self.good("skill", "update")["changed"])
        self.assertFalse(self.path(SKILL).exists())
        self.data("install")
        self.assertEqual(self.drift(), {})

    def test_a_run_that_was_killed_is_carried_on(self):
        """Whenever it dies: the next one ends it, and calls nothing an edit that is none."""
        self.good("skill", "uninstall")
        before = self.tree()
        for delay in (0.0, 0.01, 0.02, 0.03, 0.05, 0.08):
            for older in (False, True):
                if older:
                    self.good("skill", "install")
                    for name in ("run", "sync", "watch", "why"):
                        if self.path(f"{SKILL}/workflows/{name}.md").exists():
                            self.of_an_older_version(f"{SKILL}/workflows/{name}.md")
                child = subprocess.Popen([CLI, "skill", "install"], env=self.env(), stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
                time.sleep(delay)
                child.send_signal(signal.SIGKILL)
                child.wait()
                self.assertEqual(self.data("install")["kept_as_orig"], [])
                self.assertEqual(self.drift(), {})
                self.good("skill", "uninstall")
                self.assertEqual(self.tree(), before)

    def test_a_row_that_went_ahead_of_its_file_is_no_edit(self):
        """Killed between the two: the row tells of the new text, the file is the old one."""
        run = self.path(SKILL + "/workflows/run.md")
        ours = hashlib.sha256(run.read_bytes()).digest()
        run.write_text("of an older version")
        former = hashlib.sha256(run.read_bytes()).hexdigest()
        with sqlite3.connect(self.home.database) as db:
            db.execute("UPDATE install SET sha256=?, ours=? WHERE path=?",
                       (ours, json.dumps({"before": "", "made": [], "dirs": [], "former": former}), str(run)))
        db.close()
        self.assertEqual(self.data("update")["kept_as_orig"], [])
        self.assertEqual(hashlib.sha256(run.read_bytes()).digest(), ours)


class Refused(OwnSkill):
    def refused(self, code, *argv):
        reply, status = self.bad(code, *argv)
        self.assertTrue(reply["error"]["suggestion"])
        self.assertIn(reply["next"]["argv"][0], ("selftune", "mv"))
        return reply, status

    def test_a_skill_of_the_person_is_never_written_to(self):
        self.agent("codex")
        self.path(SKILL).mkdir(parents=True)
        self.path(MAIN).write_text("---\nname: selftune\n---\nmine")
        before = {name: entry for name, entry in self.tree().items() if "claude/skills" in name}
        reply, status = self.refused("FILE_EXISTS", "skill", "install")
        self.assertEqual(status, 2)
        self.assertEqual([p["action"] for p in reply["data"]["places"]], ["failed", "installed", "installed"])
        self.good("skill", "update")
        drift = self.data("status")["drift"]
        self.assertEqual([(d["path"], d["state"]) for d in drift], [(str(self.path(MAIN)), "foreign")])
        # The advice of both ends in the same command, and that one works.
        argv = ["selftune", "skill", "install", "--agent", "claude_code", "--replace"]
        self.assertEqual(reply["next"]["argv"], argv)
        self.assertEqual(self.good("skill", "status")["next"]["argv"], argv)
        self.assertEqual(drift[0]["command"].split(), argv)
        self.assertEqual(self.states()[SKILL], "foreign")
        self.good("skill", "uninstall")
        self.assertEqual({n: e for n, e in self.tree().items() if "claude/skills" in n}, before)

    def test_single_files_of_the_person_stay_and_the_rest_comes(self):
        mine = self.path(".claude/agents/selftune-pattern-analyst.md")
        mine.parent.mkdir()
        mine.write_text("mine")
        self.refused("FILE_EXISTS", "skill", "install")
        self.assertEqual(mine.read_text(), "mine")
        self.assertTrue(self.path(MAIN).exists())
        self.assertTrue((mine.parent / "selftune-diagnosis-analyst.md").exists())
        self.good("uninstall", "--yes")
        self.assertEqual(list(mine.parent.iterdir()), [mine])

    def test_what_was_there_before_byte_for_byte_stays(self):
        self.good("skill", "install")
        copy = self.path(MAIN).read_bytes()
        self.good("skill", "uninstall")
        self.path(SKILL).mkdir(parents=True)
        self.path(MAIN).write_bytes(copy)
        before = self.tree()
        for way in (("skill", "uninstall"), ("uninstall", "--yes")):
            self.good("skill", "install")
            self.assertIn("was there before selftune and was kept", json.dumps(self.good(*way)["data"]))
            self.assertEqual(self.tree(), before, way)

    def test_links_and_things_that_are_no_files_are_left_alone(self):
        def fifo(path):
            os.mkfifo(path)

        def loose(path):
            path.symlink_to(self.root / "nowhere")

        def link(path):
            (self.root / "mine.md").write_text("mine")
            path.symlink_to(self.root / "mine.md")

        for make, code in ((fifo, "FILE_UNREADABLE"), (loose, "FILE_UNREADABLE"), (Path.mkdir, "FILE_UNREADABLE"),
                           (link, "FILE_EXISTS")):
            for installed in (False, True):
                with self.subTest(make=make.__name__, installed=installed):
                    if installed:
                        self.good("skill", "install")
                        self.path(MAIN).unlink()
                    else:
                        self.path(SKILL).mkdir(parents=True)
                    make(self.path(MAIN))
                    kind = self.path(MAIN).lstat().st_mode
                    reply, _ = self.refused(code, "skill", "install")
                    self.assertIn(str(self.path(MAIN)), reply["error"]["message"])
                    away = ["mv", "-n", str(self.path(MAIN)), str(self.path(MAIN)) + ".kept"]
                    self.assertEqual(reply["next"]["argv"], away if make is link else ["selftune", "skill", "status"])
                    self.assertEqual(self.good("skill", "status")["next"]["argv"], away)
                    self.assertIn(MAIN, self.drift())
                    self.assertEqual(self.path(MAIN).lstat().st_mode, kind)
                    if make is link:
                        self.assertEqual((self.root / "mine.md").read_text(), "mine")
                    self.path(MAIN).rmdir() if self.path(MAIN).is_dir() else self.path(MAIN).unlink()
                    self.good("skill", "uninstall")
                    if self.path(SKILL).exists():
                        self.path(SKILL).rmdir()

    def test_requests_that_cannot_be_met(self):
        self.refused("INVALID_REQUEST", "skill", "install", "--agent", "nobody")
        done = self.run_cli("skill", "install", "--scope", "team")
        self.assertEqual((done.returncode, json.loads(done.stdout)["ok"]), (64, False))
        reply, _ = self.refused("NOT_FOUND", "skill", "install", "--scope", "project")
        self.assertEqual(reply["next"]["argv"][1:], ["skill", "install", "--scope", "user"])
        # A home under version control is no project.
        (self.path(".git")).mkdir()
        self.cwd = self.path(".claude")
        self.refused("NOT_FOUND", "skill", "install", "--scope", "project")
        self.project()
        self.refused("UNSUPPORTED_TYPE", "skill", "install", "--scope", "project", "--agent", "openclaw")
        self.cwd = self.root
        (self.bin / "claude").unlink()
        self.path(".claude").rmdir()
        self.refused("NOT_FOUND", "skill", "install")
        self.assertFalse(self.good("skill", "update")["changed"])
        self.assertEqual(self.data("status")["installed"], [])
        self.assertFalse(self.home.database.exists())

    def test_a_folder_that_cannot_be_made_holds_up_no_other(self):
        self.path(".claude/skills").write_text("a file")
        self.agent("codex")
        reply, status = self.refused("FILE_EXISTS", "skill", "install")
        self.assertEqual((status, [p["action"] for p in reply["data"]["places"]]),
                         (2, ["failed", "installed", "installed"]))
        self.assertEqual(self.path(".claude/skills").read_text(), "a file")
        self.assertEqual([row for row in self.rows() if "/.claude/skills/" in row[0]], [])

    @unittest.skipIf(os.geteuid() == 0, "root may write anything")
    def test_a_folder_that_may_not_be_written(self):
        self.path(".claude").chmod(0o500)
        self.addCleanup(self.path(".claude").chmod, 0o700)
        self.refused("WRITE_FAILED", "skill", "install")

    def test_selftune_does_not_improve_its_own_skill(self):
        self.good("skill", "install")
        self.good("sync")
        shown = self.good("skills", "show", "selftune")["data"]
        self.assertEqual((shown["autonomy"], shown["autonomy_source"]), ("locked", "default"))
        self.assertIn("selftune's own", shown["autonomy_reason"])
        before = self.tree()
        self.good("orchestrate", "--dry-run")
        self.run_cli("evolve", "--skill", "selftune")
        self.assertEqual(self.tree(), before)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
