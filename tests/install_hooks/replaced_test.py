#!/usr/bin/env python3
"""A person's file that ours replaced: it comes back, or it is said where it is.

    replaced_test.py SELFTUNE SELFTUNE_HOOK
"""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import CLI, Place  # noqa: E402

SKILL = ".claude/skills/selftune"
MAIN = SKILL + "/SKILL.md"
THEIRS = b"MY OWN WORDS\r\n"


class Replaced(Place):
    def setUp(self):
        super().setUp()
        self.agent("claude")
        (self.home.path / ".claude").mkdir(parents=True)
        self.main = self.home.path / MAIN

    def replace(self):
        """A person's own skill of our name, for which ours was put; the tree as it was."""
        self.main.parent.mkdir(parents=True)
        self.main.write_bytes(THEIRS)
        self.main.chmod(0o640)
        before = self.tree()
        self.good("skill", "install", "--replace")
        self.assertNotEqual(self.main.read_bytes(), THEIRS)
        return before

    def remove(self, name):
        path = self.home.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def copies(self):
        """Where the person's words are."""
        return sorted(p for p in self.home.path.rglob("*") if p.is_file() and p.read_bytes() == THEIRS)

    def told(self, data):
        """The only copy, which a sentence about our edited file names."""
        sentence, = [s for s in data if str(self.main) in s]
        copy, = self.copies()
        self.assertIn(str(copy), sentence)
        return copy


class Unknown(Replaced):
    """Nothing names the copy any more: the doctor does."""

    def kept(self):
        checks = json.loads(self.run_cli("doctor").stdout)["data"]["checks"]
        return [check for check in checks if check["name"] == "files.kept"]

    def test_the_store_was_deleted(self):
        self.replace()
        self.assertEqual(self.kept(), [])
        for file in self.home.state.glob("selftune.db*"):
            file.unlink()
        copy, = self.copies()
        check, = self.kept()
        self.assertEqual((check["status"], check["path"]), ("warn", str(copy)))
        self.assertRegex(check["message"], r"%s \(the SKILL.md, replaced on 20\d\d-\d\d-\d\d\)$" % copy)

    def test_a_run_was_killed_between_the_copy_and_its_row(self):
        self.replace()
        copy, = self.copies()
        left = copy.with_name("1795341058153-0f343b09-codex-AGENTS.md")
        left.write_bytes(b"words of another file")
        check, = self.kept()
        self.assertEqual(check["path"], str(left))
        self.assertIn("(the AGENTS.md of codex, replaced on 2026-11-22)", check["message"])
        left.unlink()
        self.assertEqual(self.kept(), [])


class Edited(Replaced):
    """Ours was edited: it stays, and so does what it replaced."""

    def edit(self):
        with self.main.open("a") as file:
            file.write("x\n")
        return self.main.read_bytes()

    def test_a_purge_leaves_the_only_copy_and_names_it(self):
        self.replace()
        edited = self.edit()
        planned = self.good("uninstall", "--purge-evidence", "--dry-run")["data"]
        copy = self.told(planned["manual"])
        self.assertNotIn(str(copy), next(s["detail"] for s in planned["steps"] if s["id"] == "evidence"))
        data = self.good("uninstall", "--yes", "--purge-evidence")["data"]
        self.assertEqual(self.told(data["manual"]), copy)
        self.assertEqual(self.main.read_bytes(), edited)
        self.assertEqual([p for p in self.home.state.rglob("*") if p.is_file() and "/spool/" not in str(p)], [copy])
        # Nor does one of a later installation, which knows nothing of it.
        self.good("init", "--no-sync")
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual(self.copies(), [copy])

    def test_so_it_is_with_the_skill_of_the_reference(self):
        reference = self.skill_of_the_reference().read_bytes()
        self.good("init", "--no-sync")
        self.edit()
        manual = self.good("uninstall", "--yes", "--purge-evidence")["data"]["manual"]
        copy, = [p for p in self.home.state.rglob("*") if p.is_file() and p.read_bytes() == reference]
        self.assertIn(str(copy), json.dumps(manual))

    def test_whoever_takes_ours_out_is_told_where_theirs_is(self):
        self.replace()
        self.edit()
        for argv, key in ((["skill", "uninstall"], "needs"), (["uninstall", "--yes"], "manual")):
            with self.subTest(argv):
                self.told(self.good(*argv)["data"][key])

    def test_what_is_in_the_place_of_ours_changes_nothing(self):
        self.replace()
        for name, make in (("a folder", lambda p: p.mkdir()), ("a link", lambda p: p.symlink_to("/etc/hostname")),
                           ("a link to nowhere", lambda p: p.symlink_to("/nowhere"))):
            with self.subTest(name):
                self.main.rmdir() if self.main.is_dir() else self.main.unlink()
                make(self.main)
                self.told(self.good("uninstall", "--dry-run", "--purge-evidence")["data"]["manual"])

    def test_what_was_put_back_leaves_no_copy_in_our_folder(self):
        before = self.replace()
        self.good("uninstall", "--yes", "--purge-evidence")
        self.assertEqual(self.tree(), before)
        self.assertEqual(self.copies(), [self.main])
        self.assertFalse((self.home.state / "backups").exists())


class Missing(Replaced):
    """Ours was deleted by hand: theirs comes back all the same."""

    def test_taking_out_puts_theirs_back_with_its_mode_and_folders(self):
        for argv in (["skill", "uninstall"], ["uninstall", "--yes"], ["uninstall", "--yes", "--purge-evidence"]):
            for gone in (MAIN, SKILL, ".claude/skills"):
                with self.subTest(argv=argv, gone=gone):
                    before = self.replace()
                    self.remove(gone)
                    planned = self.tree()
                    dry = [word for word in argv if word != "--yes"] + ["--dry-run"]
                    self.assertIn(str(self.main), json.dumps(self.good(*dry)))
                    self.assertEqual(self.tree(), planned)
                    self.assertIn(str(self.main), json.dumps(self.good(*argv)))
                    self.assertEqual(self.tree(), before)
                    self.remove(".claude/skills")

    def test_a_reinstallation_keeps_what_is_to_be_put_back(self):
        for again in (["init", "--no-sync"], ["skill", "install"], ["skill", "install", "--replace"]):
            with self.subTest(again):
                before = self.replace()
                self.remove(SKILL)
                self.good(*again)
                self.assertNotEqual(self.main.read_bytes(), THEIRS)
                self.good("uninstall", "--yes")
                self.assertEqual(self.tree(), before)
                self.remove(".claude/skills")

    def test_so_it_is_with_a_specialist(self):
        self.agent("opencode")
        mine = self.home.path / ".config/opencode/agents/selftune-eval-author.md"
        mine.parent.mkdir(parents=True)
        mine.write_bytes(THEIRS)
        mine.chmod(0o600)
        before = self.tree()
        self.good("skill", "install", "--agent", "opencode", "--replace")
        mine.unlink()
        self.good("skill", "uninstall")
        self.assertEqual(self.tree(), before)

    def test_an_init_that_finds_nothing_of_an_agent_it_does_not_set_up_writes_nothing_there(self):
        before = self.replace()
        self.agent("codex")
        self.remove(SKILL)
        self.good("init", "--no-sync", "--agent", "codex")
        self.assertFalse((self.home.path / SKILL).exists())
        self.good("uninstall", "--yes")
        self.assertEqual({n: e for n, e in self.tree().items() if n.startswith(".claude")},
                         {n: e for n, e in before.items() if n.startswith(".claude")})

    def test_an_agent_s_own_folder_is_not_made_again_and_the_copy_is_named(self):
        self.replace()
        self.remove(".claude")
        for argv in (["uninstall", "--yes"], ["uninstall", "--yes", "--purge-evidence"]):
            self.told(self.good(*argv)["data"]["manual"])
            self.assertFalse((self.home.path / ".claude").exists())

    def test_a_copy_that_is_gone_holds_up_nothing(self):
        self.replace()
        for copy in self.copies():
            copy.unlink()
        manual = self.good("uninstall", "--yes")["data"]["manual"]
        self.assertIn("cannot be put back", json.dumps(manual))
        self.assertFalse(self.main.exists())
        self.assertEqual(self.home.sql("SELECT path FROM install WHERE kind IN ('skill','agent')"), [])


class PutBackByHand(Replaced):
    """The person copied theirs over ours: it is theirs, as before."""

    def put_back(self):
        before = self.replace()
        self.main.write_bytes(THEIRS)
        return before

    def state(self):
        drift, = self.good("skill", "status")["data"]["drift"]
        return drift["state"]

    def test_init_leaves_it_and_says_so(self):
        self.put_back()
        for _ in range(2):
            warning, = [w for w in self.good("init", "--no-sync")["warnings"] if w["code"] == "SKILL_KEPT"]
            self.assertIn(str(self.main), warning["message"])
            self.assertEqual((self.main.read_bytes(), self.state()), (THEIRS, "edited"))

    def test_so_it_is_after_ours_was_put_there_once_more(self):
        before = self.put_back()
        for verb in (["update"], ["install"], ["install", "--replace"]):
            with self.subTest(verb):
                kept, = self.good("skill", *verb)["data"]["kept_as_orig"]
                self.assertEqual(Path(kept["kept_as"]).read_bytes(), THEIRS)
                self.assertNotEqual(self.main.read_bytes(), THEIRS)
                self.main.write_bytes(THEIRS)
                self.good("init", "--no-sync", "--no-hooks")
                self.assertEqual(self.main.read_bytes(), THEIRS)
        self.good("skill", "update")
        self.good("uninstall", "--yes")
        self.assertEqual(self.tree(), before)

    def test_taking_out_leaves_it_as_it_is(self):
        for argv in (["skill", "uninstall"], ["uninstall", "--yes", "--purge-evidence"]):
            with self.subTest(argv):
                before = self.put_back()
                reply = self.good(*argv)
                self.assertNotIn("was edited since", json.dumps(reply))
                self.assertEqual((self.tree(), self.copies()), (before, [self.main]))
                self.remove(".claude/skills")

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_a_replacement_that_was_killed_before_it_wrote_is_carried_on(self):
        for verb in (["skill", "install", "--replace"], ["uninstall", "--yes"]):
            with self.subTest(verb):
                self.main.parent.mkdir(parents=True)
                self.main.write_bytes(THEIRS)
                before, log = self.tree(), self.root / "trace"
                subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", "trace=renameat2",
                                "-e", "inject=renameat2:signal=KILL:when=1",
                                str(CLI), "skill", "install", "--replace", "--json"],
                               env=self.env(ASAN_OPTIONS="detect_leaks=0"), stdout=subprocess.DEVNULL,
                               check=False, timeout=120)
                self.assertIn("killed by SIGKILL", log.read_text())
                self.assertEqual(self.main.read_bytes(), THEIRS)
                self.assertEqual(self.good(*verb)["data"].get("kept_as_orig", []), [])
                self.good("uninstall", "--yes")
                self.assertEqual(self.tree(), before)
                self.remove(".claude/skills")

    def test_one_that_was_killed_right_after_it_wrote_ends_with_the_next_init(self):
        """The row still tells of theirs as what may be left in the place of ours."""
        self.replace()
        with sqlite3.connect(self.home.database) as db:
            db.execute("UPDATE install SET ours=json_set(ours, '$.former', ?) WHERE path=?",
                       (hashlib.sha256(THEIRS).hexdigest(), str(self.main)))
        db.close()
        self.good("init", "--no-sync")
        self.main.write_bytes(THEIRS)
        self.good("init", "--no-sync")
        self.assertEqual(self.main.read_bytes(), THEIRS)


class Undo(Replaced):
    """What brings ours back after it was taken out."""

    def undo(self, *argv):
        return self.good(*argv)["data"]["receipt"]["undo"]

    def test_ours_is_put_in_the_place_of_theirs_again(self):
        self.replace()
        installed = self.tree()
        undo = self.undo("skill", "uninstall")
        self.assertEqual(undo["argv"], "selftune skill install --agent claude_code --scope user --replace".split())
        self.good(*undo["argv"][1:])
        self.assertEqual(self.tree(), installed)
        self.good("uninstall", "--yes")
        self.assertEqual(self.main.read_bytes(), THEIRS)

    def test_where_nothing_was_replaced_nothing_is_to_be(self):
        self.good("skill", "install")
        installed = self.tree()
        undo = self.undo("skill", "uninstall")
        self.assertNotIn("--replace", undo["argv"])
        self.good(*undo["argv"][1:])
        self.assertEqual(self.tree(), installed)

    def test_where_another_file_of_theirs_stayed_there_is_none(self):
        theirs = self.home.path / ".claude/agents/selftune-pattern-analyst.md"
        theirs.parent.mkdir()
        theirs.write_bytes(THEIRS)
        self.bad("FILE_EXISTS", "skill", "install")
        self.assertIsNone(self.undo("skill", "uninstall"))
        theirs.unlink()
        self.good("skill", "install")
        self.main.write_text("edited")
        self.assertIsNone(self.undo("skill", "uninstall"))

    def test_where_it_would_also_go_elsewhere_there_is_none(self):
        self.replace()
        self.remove(".claude/agents")
        with sqlite3.connect(self.home.database) as db:
            db.execute("DELETE FROM install WHERE kind='agent'")
        db.close()
        self.assertIsNone(self.undo("skill", "uninstall"))

    def test_init_would_not_replace_theirs(self):
        self.good("init", "--no-sync", "--no-hooks")
        self.good("skill", "uninstall")
        self.replace()
        self.assertIsNone(self.undo("uninstall", "--yes", "--keep-config"))


class Several(Replaced):
    """One person's file in more than one place: each place has a copy of its own."""

    def setUp(self):
        super().setUp()
        self.agent("codex")
        self.other = self.home.path / ".agents/skills/selftune/SKILL.md"
        for main in (self.main, self.other):
            main.parent.mkdir(parents=True)
            main.write_bytes(THEIRS)
        self.before = self.tree()
        self.good("skill", "install", "--replace")

    def test_equal_texts_come_back_to_each(self):
        self.assertEqual(len(self.copies()), 2)
        self.good("uninstall", "--yes")
        self.assertEqual(self.tree(), self.before)
        self.assertEqual(self.copies(), [self.other, self.main])

    def test_one_goes_back_and_the_other_stays_kept(self):
        self.good("skill", "uninstall", "--agent", "claude", "--scope", "user")
        self.main.write_bytes(b"something else")
        self.good("skill", "uninstall")
        self.assertEqual(self.copies(), [self.other])

    def test_rows_of_an_older_store_that_name_one_copy(self):
        first, second = sorted(self.copies())
        second.unlink()
        with sqlite3.connect(self.home.database) as db:
            db.execute("UPDATE install SET backup_path=? WHERE backup_path=?", (str(first), str(second)))
        db.close()
        self.good("uninstall", "--yes")
        self.assertEqual(self.copies(), [self.other, self.main])


class Elsewhere(Replaced):
    def test_a_persons_words_go_into_no_project(self):
        """A repository that has our skill committed is not where a row went that is still owed a file."""
        project = self.root / "repo"
        (project / ".git").mkdir(parents=True)
        self.run_in(project, "skill", "install", "--scope", "project")
        shutil.copytree(project / ".claude", self.root / "committed")
        self.run_in(project, "skill", "uninstall", "--scope", "project")
        shutil.copytree(self.root / "committed", project / ".claude", dirs_exist_ok=True)
        committed = (project / MAIN).read_bytes()
        self.replace()
        shutil.rmtree(self.main.parent)
        self.run_in(project, "init", "--scope", "project", "--no-sync", "--no-hooks")
        self.good("uninstall", "--yes")
        self.assertEqual((project / MAIN).read_bytes(), committed)
        self.assertEqual(self.copies(), [self.main])

    def run_in(self, folder, *argv):
        done = subprocess.run([CLI, *argv, "--json"], capture_output=True, text=True, env=self.env(), cwd=folder,
                              check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_is_no_folder_in_its_place_does_not_stop_the_rest(self):
        for what, make in (("a link to nowhere", lambda p: p.symlink_to("/nowhere/x")), ("a file", lambda p: p.write_text("x"))):
            with self.subTest(what):
                self.replace()
                shutil.rmtree(self.main.parent)
                make(self.main.parent)
                manual = self.good("uninstall", "--yes")["data"]["manual"]
                sentence, = [line for line in manual if f"{self.main.parent} is no folder" in line]
                copy, = self.copies()
                self.assertIn(str(copy), sentence)
                self.main.parent.unlink()
                self.good("skill", "install")
                self.good("uninstall", "--yes")
                self.assertEqual(self.copies(), [self.main])
                self.remove(SKILL)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
