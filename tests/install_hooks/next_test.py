#!/usr/bin/env python3
"""What comes next after a set-up that failed: a command that helps, and then the set-up works.

    next_test.py SELFTUNE SELFTUNE_HOOK
"""

import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from place import HOOK, Place  # noqa: E402


class Next(Place):
    def setUp(self):
        super().setUp()
        self.agent("claude")

    def test_a_hook_program_that_is_none_is_left_out(self):
        (self.bin / "selftune-hook").symlink_to(HOOK)
        (self.bin / "other").write_text("#!/bin/sh\n")
        (self.bin / "other").chmod(0o755)
        for code, program in (("FILE_NOT_FOUND", "/nowhere"), ("FILE_NOT_FOUND", str(self.root)),
                              ("INVALID_REQUEST", str(self.bin / "other"))):
            for command in (("init",), ("hooks", "install")):
                reply, _ = self.bad(code, *command, "--hook-program", program)
                self.assertEqual(reply["next"]["argv"], ["selftune", *command])
                self.assertIn("leave --hook-program out", reply["error"]["suggestion"])
        for command in (("init",), ("hooks", "install")):
            self.good(*command)

    def test_a_step_that_failed_is_what_comes_next(self):
        self.write("{ // mine\n}")
        reply, _ = self.bad("SETTINGS_INVALID", "init", "--no-sync")
        self.assertEqual(reply["next"]["argv"], ["selftune", "hooks", "status"])
        self.write("{}")
        self.assertEqual(self.good("init", "--no-sync")["next"]["argv"], ["selftune", "status"])

    def test_a_plan_that_is_another_one_now_is_shown_again(self):
        self.good("init", "--no-sync")
        for typed in (("--plan", "zzz"), ("--plan=zzz",), ("--plan", "zzz", "--yes")):
            reply, _ = self.bad("CONFLICTED", "uninstall", "--keep-config", *typed)
            self.assertEqual(reply["next"]["argv"], ["selftune", "uninstall", "--keep-config", "--json", "--dry-run"])
        plan = self.good(*reply["next"]["argv"][1:-2], "--dry-run")["data"]["plan_id"]
        self.good("uninstall", "--keep-config", "--plan", plan)

    def test_a_file_where_our_folder_belongs_is_moved_aside(self):
        self.home.state.write_text("theirs")
        reply, _ = self.bad("FILE_EXISTS", "init", "--no-sync")
        self.assertEqual(reply["next"]["argv"], ["ls", "-ld", str(self.home.state)])
        reply, _ = self.bad("UNHEALTHY", "doctor")
        self.assertIn("is no folder", reply["error"]["message"])
        subprocess.run(reply["next"]["argv"], check=True)
        self.good("init", "--no-sync")
        self.assertEqual(self.home.state.with_name(".selftune.kept").read_text(), "theirs")

    def test_a_file_that_was_named_as_our_folder_stays_where_it_is(self):
        other = self.root / "named"
        other.write_text("theirs")
        reply, _ = self.bad("UNHEALTHY", "doctor", "--home", str(other))
        self.assertEqual(reply["next"]["argv"], ["ls", "-ld", str(other)])
        self.assertIn("SELFTUNE_HOME", reply["error"]["suggestion"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
