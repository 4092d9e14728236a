#!/usr/bin/env python3
"""Commits that no hook saw: sync asks the repositories that sessions worked in.

    git_log_test.py HOOK SELFTUNE

Real repositories and transcripts of Claude Code; hours of one day in 2026.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True

import harness  # noqa: E402

HOOK, SELFTUNE = (Path(a).resolve() for a in sys.argv[1:3])
DAY = datetime(2026, 11, 20, tzinfo=timezone.utc).timestamp()
FOUND = "SELECT session_id, commit_sha, commit_title, branch, repo_remote, capture FROM commit_tracking ORDER BY timestamp, session_id"


def iso(hour):
    return datetime.fromtimestamp(DAY + hour * 3600, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Repositories(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-git-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name).resolve()
        self.home = harness.Home(self.root / "home", HOOK, SELFTUNE)
        self.repo = self.make("repo")

    # ---- what there is

    def git(self, *argv, cwd=None, hour=None, check=True):
        env = {**self.home.env(), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": "A", f"GIT_{who}_EMAIL": "a@b"}
            if hour is not None:
                env[f"GIT_{who}_DATE"] = f"{int(DAY + hour * 3600)} +0000"
        done = subprocess.run(["git", *argv], cwd=cwd or self.repo, env=env, capture_output=True, text=True, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def make(self, name):
        folder = self.root / name
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", cwd=folder)
        self.git("config", "gc.auto", "0", cwd=folder)
        return folder

    def commit(self, title, hour, *more, cwd=None):
        self.git("commit", "--allow-empty", "--quiet", "-m", title, *more, cwd=cwd, hour=hour)
        return self.git("rev-parse", "HEAD", cwd=cwd)

    def session(self, name, begin, end, cwd=None, tools=True):
        """A session from hour to hour; one that is there already goes on."""
        sid = f"{name:0>8}-0000-4000-8000-000000000000"
        folder = self.home.path / ".claude/projects/work"
        folder.mkdir(parents=True, exist_ok=True)
        common = {"sessionId": sid, "cwd": str(cwd or self.repo), "version": "2.1.330", "isSidechain": False,
                  "userType": "external", "entrypoint": "cli", "parentUuid": None}
        lines = [{**common, "type": "user", "uuid": f"{name}-{begin}-a", "promptId": f"{name}-{begin}", "timestamp": iso(begin),
                  "promptSource": "typed", "message": {"role": "user", "content": "commit what is there"}}]
        if tools:
            lines.append({**common, "type": "assistant", "uuid": f"{name}-{begin}-b", "timestamp": iso(begin),
                          "requestId": f"r-{begin}", "message": {"id": f"m-{begin}", "role": "assistant", "model": "claude-opus-5-5", "content": [
                              {"type": "tool_use", "id": f"t-{begin}", "name": "Bash", "input": {"command": "make release"}}]}})
            lines.append({**common, "type": "user", "uuid": f"{name}-{begin}-c", "timestamp": iso(end), "message": {
                "role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t-{begin}", "content": "ok"}]}})
        lines.append({**common, "type": "assistant", "uuid": f"{name}-{begin}-d", "timestamp": iso(end), "requestId": f"q-{begin}",
                      "message": {"id": f"n-{begin}", "role": "assistant", "model": "claude-opus-5-5", "content": [{"type": "text", "text": "Done."}]}})
        with open(folder / f"{sid}.jsonl", "a", encoding="utf-8") as out:
            out.writelines(json.dumps(line) + "\n" for line in lines)
        return sid

    def sync(self, *argv, **env):
        self.home.env, plain = (lambda **more: plain(**env, **more)), self.home.env
        try:
            return self.home.selftune("sync", *argv)["data"]["commits"]
        finally:
            self.home.env = plain

    def titles(self):
        return [(row[0][:8].lstrip("0"), row[2]) for row in self.home.sql(FOUND)]

    def noting_git(self):
        """A folder for PATH whose `git` writes down each call."""
        real = shutil.which("git")
        bin_dir = self.root / "bin"
        bin_dir.mkdir()
        (bin_dir / "git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{self.root}/calls"\nexec "{real}" "$@"\n')
        (bin_dir / "git").chmod(0o755)
        return f"{bin_dir}:{os.environ['PATH']}"

    def calls(self):
        file = self.root / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    # ---- what is found

    def test_what_was_committed_while_a_session_was_at_work_is_its(self):
        self.git("remote", "add", "origin", "https://me:token@example.com/a.git")
        self.commit("before", 8)
        a = self.session("a", 9, 11)
        sha = self.commit("in it", 10)
        self.commit("after", 11.5)
        counts = self.sync()
        self.assertEqual(counts, {"repositories": 1, "added": 1, "ambiguous": 0, "waiting": 0, "refused": 0, "git": True})
        self.assertEqual(self.home.sql(FOUND), [(a, sha, "in it", "main", "https://example.com/a.git", "batch")])

    def test_what_was_made_here_counts_and_what_came_from_elsewhere_does_not(self):
        self.commit("first", 8)
        other = self.root / "other"
        self.git("clone", "-q", str(self.repo), str(other), cwd=self.root)
        self.commit("a colleague's", 10, cwd=other)
        self.session("a", 9, 12)
        self.git("pull", "-q", "--ff-only", str(other), "main", hour=10.1)
        self.git("checkout", "-q", "-b", "topic", hour=10.2)
        self.commit("draft", 10.3)
        self.commit("draft, better", 10.4, "--amend")
        self.git("checkout", "-q", "--detach", hour=10.5)
        self.commit("nowhere", 10.6)
        self.git("checkout", "-q", "main", hour=10.7)
        self.git("merge", "-q", "--no-ff", "-m", "with topic", "topic", hour=10.8)
        self.git("reset", "-q", "--hard", "HEAD~1", hour=10.9)
        self.sync()
        self.assertEqual([(row[2], row[3]) for row in self.home.sql(FOUND)],
                         [("draft", "topic"), ("draft, better", "topic"), ("nowhere", None), ("merge topic", "main")])

    def test_a_session_that_goes_on_is_looked_at_again_and_one_that_does_not_is_not(self):
        path = self.noting_git()
        self.session("a", 9, 10)
        self.sync(PATH=path)
        self.assertEqual(len(self.calls()), 2)  # nothing was committed yet: the log, and whether there is a HEAD
        self.commit("later", 11)
        self.assertEqual(self.sync(PATH=path)["repositories"], 0)
        self.assertEqual(self.calls(), [])
        self.session("a", 10.5, 12)
        self.sync(PATH=path)
        self.assertEqual(len(self.calls()), 3)  # the log, its branch, its origin
        self.assertEqual(self.titles(), [("a", "later")])

    def test_sessions_of_a_repository_are_one_question(self):
        path = self.noting_git()
        (self.repo / "sub").mkdir()
        for i in range(8):
            self.session(f"a{i}", 9 + i, 9.5 + i, cwd=self.repo / "sub" if i % 2 else self.repo)
            self.commit(f"c{i}", 9.2 + i)
        self.assertEqual(self.sync(PATH=path)["added"], 8)
        self.assertEqual(len(self.calls()), 3)
        self.assertEqual(self.titles(), [(f"a{i}", f"c{i}") for i in range(8)])

    def test_a_commit_that_two_sessions_may_have_made_is_nobodys_in_any_order(self):
        self.session("a", 9, 12)
        alone, both = self.commit("alone", 9.5), self.commit("both", 10.5)
        self.sync()
        self.assertEqual(self.titles(), [("a", "alone"), ("a", "both")])
        self.session("b", 10, 11)
        self.session("c", 9, 12, tools=False)  # it called no tool
        self.assertEqual(self.sync()["ambiguous"], 1)
        self.assertEqual(self.titles(), [("a", "alone")])
        shutil.rmtree(self.home.state)
        self.assertEqual(self.sync()["ambiguous"], 1)
        self.assertEqual([row[1] for row in self.home.sql(FOUND)], [alone])
        self.assertNotEqual(alone, both)

    def test_what_a_hook_saw_stays_its(self):
        self.sync()
        a = self.session("a", 9, 12)
        sha = self.commit("seen", 10)
        other = "bbbbbbbb-0000-4000-8000-000000000000"
        payload = harness.tool("Bash", "t1", other, {"command": "git commit -m seen"}, cwd=str(self.repo),
                               tool_response={"stdout": f"[main {sha[:7]}] seen", "stderr": ""})
        self.assertEqual(self.sync()["added"], 1)
        self.assertEqual(self.home.sql(FOUND)[0][::5], (a, "batch"))
        self.assertEqual(self.home.hook(payload), (0, b"", b""))
        for _ in range(2):
            self.session("a", 12, 13)
            self.sync()
            self.assertEqual([row[::5] for row in self.home.sql(FOUND)], [(other, "hook")])

    def test_a_repository_inside_another_is_its_own(self):
        inner = self.make("repo/vendor/lib")
        self.session("a", 9, 12)
        self.session("b", 9, 12, cwd=inner)
        self.commit("outer", 10)
        self.commit("inner", 11, cwd=inner)
        self.sync()
        self.assertEqual(self.titles(), [("a", "outer"), ("b", "inner")])

    def test_a_folder_that_is_gone_or_no_repository_has_no_commits(self):
        gone = self.repo / "gone"
        gone.mkdir()
        plain = self.root / "plain"
        plain.mkdir()
        self.session("a", 9, 12, cwd=gone)
        self.session("b", 9, 12, cwd=plain)
        self.session("c", 9, 12, cwd="relative")
        self.commit("of the repository above", 10)
        gone.rmdir()
        counts = self.sync()
        self.assertEqual((counts["repositories"], counts["waiting"]), (0, 0))
        self.assertEqual(self.titles(), [])

    def test_a_session_in_a_folder_that_is_gone_may_have_made_it_too(self):
        gone = self.repo / "gone"
        gone.mkdir()
        self.session("a", 9, 12)
        self.session("b", 10, 11, cwd=gone)
        self.commit("perhaps b's", 10.5)
        self.commit("a's", 11.5)
        gone.rmdir()
        self.assertEqual(self.sync()["ambiguous"], 1)
        self.assertEqual(self.titles(), [("a", "a's")])

    def test_a_git_that_is_no_repository_does_not_stand_for_the_one_above(self):
        inner = self.repo / "inner"
        (inner / ".git").mkdir(parents=True)
        self.session("a", 9, 12)
        self.session("b", 9.5, 11, cwd=inner)
        self.commit("outer", 10)
        counts = self.sync()
        self.assertEqual((counts["added"], counts["refused"]), (1, 1))
        self.assertEqual(self.titles(), [("a", "outer")])

    def test_work_trees_and_submodules_tell_their_own(self):
        self.commit("first", 8)
        other, sub = self.root / "other", self.make("library")
        self.commit("of the library", 8, cwd=sub)
        self.git("worktree", "add", "-q", "-b", "side", str(other), hour=8.5)
        self.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(sub), "lib", hour=8.6)
        for name, cwd in (("a", self.repo), ("b", other), ("c", self.repo / "lib")):
            self.session(name, 9, 12, cwd=cwd)
            self.commit(f"by {name}", 10, cwd=cwd)
        self.assertEqual(self.sync()["added"], 3)
        self.assertEqual(self.titles(), [("a", "by a"), ("b", "by b"), ("c", "by c")])

    def test_a_message_of_megabytes_hides_no_others(self):
        self.session("a", 9, 12)
        self.commit("before", 9.5)
        (self.root / "message").write_text("long " * 1_000_000)
        self.git("commit", "--allow-empty", "--quiet", "-F", str(self.root / "message"), hour=10)
        self.commit("\u00e4fter, with \U0001f600", 11)
        self.assertEqual(self.sync()["added"], 3)
        before, between, after = self.titles()
        self.assertEqual((before, after), (("a", "before"), ("a", "\u00e4fter, with \U0001f600")))
        self.assertTrue(between[1].startswith("long long ") and len(between[1]) <= 500)

    def test_a_title_that_is_no_utf8_is_made_one(self):
        self.session("a", 9, 12)
        (self.root / "message").write_bytes(b"caf\xe9 \xff")
        self.git("-c", "i18n.commitEncoding=latin1", "commit", "--allow-empty", "--quiet", "-F", str(self.root / "message"), hour=10)
        self.sync()
        (found,), = self.home.sql("SELECT commit_title FROM commit_tracking")
        self.assertTrue(found.startswith("caf"), found)

    def test_sessions_from_before_all_this_are_asked_about(self):
        self.session("a", 9, 12)
        self.commit("old", 10)
        self.sync(PATH=str(self.root / "nowhere"))
        with sqlite3.connect(self.home.database) as db:  # as an older version left it
            db.executescript("DROP TABLE commit_due; DROP TABLE commit_logged")
        db.close()
        self.assertEqual(self.sync()["added"], 1)
        self.assertEqual(self.titles(), [("a", "old")])

    # ---- what may not happen

    def test_of_a_session_that_was_forgotten_no_title_is_kept(self):
        nowhere = str(self.root / "nowhere")
        a = self.session("a", 9, 12)
        b = self.session("b", 13, 14)
        sha, other = self.commit("secret", 10), self.commit("not secret", 13.5)
        self.sync(PATH=nowhere)  # both are due
        self.home.selftune("forget", "--session", a, "--yes")
        seen = harness.tool("Bash", "t1", a, {"command": "git commit"}, cwd=str(self.repo),
                            tool_response={"stdout": f"[main {sha[:7]}] secret", "stderr": ""})
        for _ in range(2):
            self.sync()
            self.assertEqual(self.home.sql("SELECT session_id, commit_sha, commit_title FROM commit_tracking ORDER BY timestamp"),
                             [(a, sha, None), (b, other, "not secret")])
            self.assertEqual(self.home.hook(seen), (0, b"", b""))  # nor when a hook tells it
        self.home.selftune("forget", "--before", "2026-11-21", "--yes")
        self.session("b", 14, 15)
        self.commit("of that day", 14.5)
        self.sync()
        self.assertEqual({row[2] for row in self.home.sql(FOUND)}, {None})

    def test_a_dry_run_asks_nobody_and_changes_nothing(self):
        path = self.noting_git()
        self.session("a", 9, 12)
        self.commit("x", 10)
        self.sync("--dry-run", PATH=path)
        self.assertEqual(self.calls(), [])
        self.assertFalse(self.home.database.exists())

    def test_the_repository_is_as_it_was(self):
        def tree():
            return {p: (p.lstat().st_mtime_ns, hashlib.sha256(p.read_bytes()).digest() if p.is_file() else b"")
                    for p in sorted(self.repo.rglob("*"))}
        (self.repo / "file").write_text("x")
        self.git("add", "file")
        self.commit("x", 10)
        os.utime(self.repo / "file", (1, 1))  # its index is stale: git would write it anew
        before = tree()
        self.session("a", 9, 12)
        self.assertEqual(self.sync()["added"], 1)
        self.assertEqual(tree(), before)

    def test_programs_that_a_repository_names_are_not_run(self):
        self.commit("good", 10)
        ran = self.root / "ran"
        program = self.root / "program"
        program.write_text(f'#!/bin/sh\necho "$0 $*" >>"{ran}"\n')
        program.chmod(0o755)
        # Signed, so that showing the signature would run something; and one that is
        # not here, so that a partial clone would fetch it.
        tree = self.git("write-tree")
        raw = (f"tree {tree}\nparent {self.git('rev-parse', 'HEAD')}\nauthor A <a@b> {int(DAY + 39600)} +0000\n"
               f"committer A <a@b> {int(DAY + 39600)} +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----\n\nsigned\n")
        (self.root / "raw").write_text(raw)
        signed = self.git("hash-object", "-t", "commit", "-w", str(self.root / "raw"))
        self.git("update-ref", "--create-reflog", "-m", "commit: signed", "HEAD", signed, hour=11)
        for key, value in (("core.fsmonitor", program), ("core.pager", program), ("pager.log", program), ("gpg.program", program),
                           ("log.showSignature", "true"), ("core.sshCommand", program), ("core.hooksPath", self.root),
                           ("alias.log", f"!{program}"), ("diff.external", program), ("remote.origin.url", "ssh://x/y"),
                           ("remote.origin.promisor", "true"), ("core.repositoryFormatVersion", "1"), ("extensions.partialClone", "origin")):
            self.git("config", key, str(value))
        self.git("log", "-g", "-n1", check=False)
        self.assertTrue(ran.exists())  # such settings do run something
        ran.unlink()
        log = self.repo / ".git/logs/HEAD"
        with open(log, "a", encoding="utf-8") as out:
            out.write(f"{signed} {'7' * 40} A <a@b> {int(DAY + 41000)} +0000\tcommit: not here\n")
        self.session("a", 9, 12)
        self.sync()
        self.assertFalse(ran.exists(), ran.exists() and ran.read_text())
        self.assertIn(("a", "signed"), self.titles())

    # ---- what cannot be read

    def test_without_git_sessions_wait_for_it(self):
        self.session("a", 9, 12)
        self.commit("x", 10)
        nowhere = str(self.root / "nowhere")
        for _ in range(2):
            counts = self.sync(PATH=nowhere)
            self.assertEqual((counts["git"], counts["waiting"], counts["added"]), (False, 1, 0))
        self.home.env, plain = (lambda **more: plain(PATH=nowhere, **more)), self.home.env
        check = self.home.selftune("doctor", "--only", "evidence.commits", accept=(0, 1))["data"]["checks"][0]
        self.home.env = plain
        self.assertEqual(check["status"], "info")
        self.assertIn("1 sessions", check["message"])
        self.assertIn("git is not installed", check["message"])
        self.assertEqual(self.sync()["added"], 1)

    @unittest.skipIf(os.getuid() != 0, "only root can give a folder away")
    def test_a_repository_of_somebody_else_is_read_once_it_is_trusted(self):
        self.session("a", 9, 12)
        self.commit("x", 10)
        for path in [self.repo, *self.repo.rglob("*")]:
            os.lchown(path, 65534, 65534)
        reply = self.home.selftune("sync")
        self.assertEqual((reply["data"]["commits"]["refused"], reply["data"]["commits"]["added"]), (1, 0))
        self.assertIn("dubious ownership", next(w["message"] for w in reply["warnings"] if w["code"] == "COMMITS_UNREADABLE"))
        self.assertEqual(self.sync()["repositories"], 0)  # not asked each time
        check = self.home.selftune("doctor", "--only", "evidence.commits", accept=(0, 1))["data"]["checks"][0]
        self.assertEqual(check["status"], "warn")
        (self.home.path / ".gitconfig").write_text(f"[safe]\n\tdirectory = {self.repo}\n")
        self.assertEqual(self.sync("--repair-only")["added"], 1)
        self.assertEqual(self.titles(), [("a", "x")])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
