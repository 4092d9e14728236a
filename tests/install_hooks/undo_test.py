#!/usr/bin/env python3
"""What a receipt offers as undo takes back that change, all of it and nothing else.

    undo_test.py SELFTUNE SELFTUNE_HOOK
"""

import json
import sys
import unittest

sys.dont_write_bytecode = True

from place import HOOK, PLAIN, Place, ours  # noqa: E402

TABLE = """#!/bin/sh
tab="$HOME/crontab"
case "$1" in
-l) cat "$tab" 2>/dev/null || { echo "no crontab for me" >&2; exit 1; };;
*) cat > "$tab";;
esac
"""


class Undo(Place):
    def setUp(self):
        super().setUp()
        self.agent("claude")
        self.write(PLAIN)
        crontab = self.bin / "crontab"
        crontab.write_text(TABLE)
        crontab.chmod(0o755)

    def receipt(self, *argv):
        reply = self.good(*argv)
        self.assertTrue(reply["changed"], argv)
        self.assertIsNotNone(reply["data"]["receipt"], argv)
        return reply["data"]["receipt"]

    def assert_undone(self, *argv):
        """The change has an undo, and that brings back every byte."""
        before = self.tree()
        undo = self.receipt(*argv)["undo"]["argv"]
        self.assertNotEqual(self.tree(), before)
        self.good(*undo[1:])
        self.assertEqual({k: v for k, v in self.tree().items() if k != "crontab"},
                         {k: v for k, v in before.items() if k != "crontab"})

    def test_what_was_not_there_before_is_taken_out_again(self):
        for argv in (["hooks", "install", "claude"], ["skill", "install"], ["cron", "setup", "--platform", "cron"],
                     ["init", "--no-sync"], ["quickstart"]):
            with self.subTest(argv):
                self.assert_undone(*argv)

    def test_a_later_init_has_none_because_that_would_take_out_everything(self):
        self.good("init", "--no-sync")
        for argv in (["init", "--autonomy", "propose"], ["quickstart"], ["init", "--force", "--autonomy", "deploy"]):
            with self.subTest(argv):
                receipt = self.receipt(*argv)
                self.assertEqual(receipt["targets"], [str(self.home.state / "config.json")])
                self.assertIsNone(receipt["undo"])
        self.agent("codex")
        receipt = self.receipt("init", "--no-sync")
        self.assertIn(str(self.home.path / ".codex/hooks.json"), receipt["targets"])
        self.assertIsNone(receipt["undo"])
        self.assertTrue(ours(self.settings().read_text()))

    def test_hooks_put_in_order_are_not_taken_out_for_an_undo(self):
        self.good("hooks", "install", "claude")
        path = self.settings()
        whole = json.loads(path.read_text())
        # One is missing; then all of them start another program.
        part = json.loads(path.read_text())
        del part["hooks"]["Stop"]
        path.write_text(json.dumps(part))
        receipt = self.receipt("hooks", "install", "claude")
        self.assertEqual((receipt["targets"], receipt["undo"]), ([str(path)], None))
        self.assertEqual(json.loads(path.read_text())["hooks"].keys(), whole["hooks"].keys())
        moved = self.bin / "selftune-hook"
        moved.symlink_to(HOOK)
        self.assertIsNone(self.receipt("hooks", "install", "claude", "--hook-program", str(moved))["undo"])
        # Beside them those of an agent that had none.
        self.write(PLAIN, "gemini")
        path.write_text(json.dumps(part))
        self.assertIsNone(self.receipt("hooks", "install", "claude", "gemini")["undo"])

    def test_jobs_that_run_at_other_times_are_not_taken_out_for_an_undo(self):
        self.good("cron", "setup", "--platform", "cron", "--every-hours", "12")
        self.assertIsNone(self.receipt("cron", "setup", "--platform", "cron", "--every-hours", "24")["undo"])

    def test_jobs_of_a_later_init_are_in_its_receipt(self):
        self.good("init", "--no-sync")
        (self.bin / "systemctl").write_text("#!/bin/sh\nexit 1\n")  # this machine has cron alone
        (self.bin / "systemctl").chmod(0o755)
        receipt = self.receipt("init", "--no-sync", "--schedule")
        self.assertTrue(receipt["targets"])
        self.assertIsNone(receipt["undo"])

    def test_uninstall_has_none_where_init_would_not_bring_everything_back(self):
        self.good("init", "--no-sync", "--autonomy", "off")
        self.assertIsNone(self.receipt("uninstall", "--yes")["undo"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
