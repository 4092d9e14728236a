#!/usr/bin/env python3
"""Every command and flag that skill/SKILL.md and the README tell about exists.

    operator_skill_test.py SELFTUNE SKILL_MD DOCUMENT...
"""

import json
import re
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

SELFTUNE, SKILL, DOCUMENTS = sys.argv[1], sys.argv[2], sys.argv[2:]
GLOBAL = {"json", "text", "fields", "home", "db", "help", "yes", "dry-run"}


def reply(*arguments):
    done = subprocess.run([SELFTUNE, *arguments], capture_output=True, check=False)
    return json.loads(done.stdout)["data"]


class OperatorSkill(unittest.TestCase):
    def test_its_commands_and_flags_exist(self):
        flags = {c["path"]: {f["name"] for f in c["flags"]}
                 for c in reply("help", "--all")["commands"]}
        found = 0
        for document in DOCUMENTS:
            text = Path(document).read_text(encoding="utf-8")
            for line in re.findall(r"`selftune ([^`\n]+)`", text):
                words = line.split()
                path = max((p for p in flags if words[:len(p.split())] == p.split()),
                           key=len, default=None)
                self.assertIsNotNone(path, f"{document}: no command: {line}")
                used = {w[2:].split("=")[0] for w in words if w.startswith("--")}
                self.assertLessEqual(used, flags[path] | GLOBAL, f"{document}: {line}")
                found += 1
        self.assertGreater(found, 8)

    def test_the_steps_after_errors_exist(self):
        flags = {c["path"]: {f["name"] for f in c["flags"]}
                 for c in reply("help", "--all")["commands"]}
        table = Path(SKILL).parents[1] / "libselftune/src/base/error_next.h"
        lines = re.findall(r'^    ErrorNext\{"[A-Z_]+", "selftune ([^"]+)"', table.read_text(), re.M)
        self.assertGreater(len(lines), 40)
        for line in lines:
            words = shlex.split(line)
            path = max((p for p in flags if words[:len(p.split())] == p.split()), key=len, default=None)
            self.assertIsNotNone(path, line)
            used = {w[2:] for w in words if w.startswith("--")}
            self.assertLessEqual(used, flags[path] | GLOBAL | {"all"}, line)

    def test_it_is_a_skill_that_the_hosts_understand(self):
        parsed = reply("skills", "parse", SKILL)
        self.assertEqual(parsed["name"], "selftune")
        self.assertEqual((parsed["errors"], parsed["warnings"]), ([], []))
        self.assertLess(len(parsed["description"]), 1024)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
