#!/usr/bin/env python3
"""Every command line that a text names would run, and every reference is what the command says.

    texts_test.py SELFTUNE SCHEMA_DIR SOURCE_ROOT [unittest arguments]

Texts: the README, docs/, examples/, skill/, help examples, the suggestions in the sources.
`selftune __parse LINE` says whether a line is one, without running it.
"""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402

ROOT = pathlib.Path(".")


def lines_of(text):
    """Command lines of a Markdown text: in back ticks, and in blocks of code."""
    found, code = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            code = not code
        elif code or line.startswith("    "):
            m = re.match(r"\s*(?:\$ )?selftune ([a-z_].*|--.*)", line)
            if m and " [" not in m.group(1):  # usage
                found.append(m.group(1))
        else:
            found += [each for each in re.findall(r"`selftune ([^`]+)`", line) if not re.search(r" \[|\.\.\.$|\|", each)]
    return found


def words_of(line):
    """The words of a line; `<n>` and the like become something that fits."""
    line = re.sub(r"<(n|limit|number)>", "1", line)
    line = re.sub(r"<([a-z][a-z0-9 _-]*)>", lambda m: m.group(1).replace(" ", "-"), line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|><&;()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words = []
    for word in lexer:
        if re.fullmatch(r"[|><&;()]+", word):
            break  # where a shell ends the command
        words.append(word)
    return words


class Texts(cli_case.CliTest):
    good = set()

    def check(self, line, where):
        if line in self.good:
            return
        self.good.add(line)
        code, out, _ = self.run_cli("__parse", *words_of(line))
        if code != 0:
            doc = json.loads(out)
            error = doc["error"]
            if error["code"] == "MISSING_FLAG" and line.strip() == doc["command"]:
                return  # the name of a command, not a line
            self.fail("%s: selftune %s: %s (%s)" % (where, line, error["message"], error["suggestion"]))

    def test_a_line_is_parsed_and_not_run(self):
        for line, good in (("sync", True), ("evolve --skill x --dry-run", True), ("evolve", False), ("evolev", False),
                           ("sync --no-such", False), ("why", False), ("last -n x", False), ("--json status", True),
                           ("evidence --sources --outcome missed", False), ("completions csh", False), ("help sync", True)):
            code, out, err = self.run_cli("__parse", *line.split())
            self.assertEqual(code, 0 if good else 64, line)
            self.assertEqual(bool(out), not good)
        self.assertEqual(list(self.home.iterdir()), [])

    def test_the_lines_of_documents(self):
        documents = [ROOT / n for n in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md")]
        for folder in ("docs", "examples", "skill"):
            documents += sorted((ROOT / folder).rglob("*.md"))
        found = 0
        for document in documents:
            for line in lines_of(document.read_text(encoding="utf-8")):
                self.check(line, document)
                found += 1
        self.assertGreater(found, 150)

    def test_the_lines_of_help(self):
        bare = []
        for command in self.envelope("help", "--all")["data"]["commands"]:
            bare += [] if command["examples"] else [command["path"]]
            for example in command["examples"]:
                found = re.search(r"^selftune (.*)|<\(selftune ([^)]*)", example["line"])
                if found:
                    self.check(found.group(1) or found.group(2), command["path"])
                else:
                    self.assertIn("selftune " + command["path"], example["line"])
        # Help begins with examples; a command that takes nothing may do without.
        self.assertLessEqual(len(bare), 5, bare)

    def test_the_lines_in_the_sources(self):
        found = 0
        for folder in ("libselftune/src", "frontends"):
            for source in sorted((ROOT / folder).rglob("*.[ch]*")):
                if source.name.endswith((".gen.cc", ".gen.h")):
                    continue
                for line in re.findall(r'"selftune ([a-z][^"\\{}]*)"', source.read_text(encoding="utf-8")):
                    if line.endswith((" ", "'", " manual", "[flags]")):
                        continue  # a part of one, or of a page
                    self.check(line, source)
                    found += 1
        self.assertGreater(found, 80)

    def test_next_steps_of_errors_can_be_run(self):
        for argv in (["status"], ["why", "x"], ["evolve", "--skill", "x"], ["watch"], ["proposals", "show", "x"],
                     ["backup", "restore", "x", "--yes"], ["statsu"], ["db", "check"], ["forget"], ["llm", "usage"]):
            code, out, _ = self.run_cli(*argv)
            doc = json.loads(out)
            if doc["next"] is not None:
                self.assertEqual(self.run_cli("__parse", *doc["next"]["argv"][1:])[0], 0, doc["next"])

    def test_what_the_doctor_advises_can_be_run(self):
        def findings():
            checks = json.loads(self.run_cli("doctor", "--deep")[1])["data"]["checks"]
            return [check for check in checks if check["status"] in ("info", "warn", "fail")]

        seen = findings()  # nothing is set up
        (self.home / ".claude" / "skills" / "bad").mkdir(parents=True)
        (self.home / ".claude" / "skills" / "bad" / "SKILL.md").write_text("---\nname: [\n")
        self.make_store()
        seen += findings()
        (self.home / ".claude" / "settings.json").write_text("{")
        (self.home / ".selftune" / "config.json").write_text("{")
        (self.home / ".selftune" / "spool").mkdir(exist_ok=True)
        (self.home / ".selftune" / "spool" / "2026-01-02.jsonl").symlink_to("/nowhere")
        seen += findings()
        (self.home / ".selftune" / "config.json").write_text('{"autonomy": "maybe", "theirs": 1}')
        seen += findings()
        self.assertGreater(len({check["name"] for check in seen}), 10)
        for check in seen:
            with self.subTest(check=check["name"], message=check["message"]):
                self.assertTrue(check["guidance"]["text"])
                words = shlex.split(check["guidance"]["command"])
                if words[0] == "selftune":
                    self.assertEqual(self.run_cli("__parse", *words[1:])[0], 0, words)

    def test_schemas_keep_the_rules_of_the_envelope(self):
        def names(schema):
            for name, below in schema.get("properties", {}).items():
                yield name
                yield from names(below)
            for below in (schema.get("items"), schema.get("additionalProperties")):
                if isinstance(below, dict):
                    yield from names(below)
            for below in schema.get("anyOf", []):
                yield from names(below)

        for ident, schema in cli_case.SCHEMAS.items():
            if ident in ("selftune/status.overview@1", "selftune/status.skill_v2@1"):
                continue  # shapes of the page of version 2
            for name in names(schema):
                self.assertRegex(name, r"^[a-z][a-z0-9_]*$", ident)

    def test_every_change_has_a_receipt(self):
        # Of these the reply itself is the account: rows read, watches judged, runs made.
        without = {"sync", "watch", "orchestrate", "run", "doctor"}
        for command in self.envelope("help", "--all")["data"]["commands"]:
            if not command["dry_run"] or command["path"] in without:
                continue
            with self.subTest(command=command["path"]):
                self.assertIn("receipt", cli_case.SCHEMAS[command["schema"]]["properties"])


class NoInput(cli_case.CliTest):
    def test_no_command_waits_for_input(self):
        """stdin is open and nobody writes to it."""
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        self.addCleanup(os.close, read)
        for command in self.envelope("help", "--all")["data"]["commands"]:
            if command["path"] in ("dashboard", "mcp", "hook"):
                continue  # they serve
            words = ["x" for p in command["positionals"] if p["required"]] + ["--dry-run"] * command["dry_run"]
            with self.subTest(command=command["path"]):
                done = subprocess.run([cli_case.SELFTUNE, *command["path"].split(), *words], stdin=read, env=self.env(),
                                      cwd=self.home, timeout=60, capture_output=True, check=False)
                self.assertIn(done.returncode, (0, 1, 2, 3, 4, 5, 6, 64), done.stderr)


if __name__ == "__main__":
    cli_case.SELFTUNE = os.path.abspath(sys.argv[1])
    cli_case.load_schemas(sys.argv[2])
    ROOT = pathlib.Path(sys.argv[3]).resolve()
    unittest.main(argv=[sys.argv[0]] + sys.argv[4:], verbosity=1)
