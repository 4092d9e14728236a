#!/usr/bin/env python3
"""Completions in real shells, and manual pages that roff has nothing to say about.

    docs_test.py SELFTUNE SCHEMA_DIR [unittest arguments]

Shells and formatters that this machine lacks are skipped.
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402

# What bash hands to a completion function: words are taken apart at = and :.
BASH = """
source "$1"; shift
COMP_LINE=$1; COMP_POINT=${#1}; shift
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_selftune
printf '%s\\n' "${COMPREPLY[@]}"
"""


class DocsTest(cli_case.CliTest):
    def setUp(self):
        super().setUp()
        self.bin = self.home / "bin"
        self.bin.mkdir()
        (self.bin / "selftune").symlink_to(cli_case.SELFTUNE)

    def env(self, **extra):
        return super().env(PATH="%s:/usr/bin:/bin" % self.bin, **extra)

    def script(self, shell, name):
        code, out, err = self.run_cli("completions", shell)
        self.assertEqual((code, err), (0, ""))
        path = self.home / name
        path.write_text(out, encoding="utf-8")
        return path

    def install_skill(self, name):
        path = self.home / ".claude" / "skills" / name / "SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text("---\nname: %s\ndescription: Fills forms.\n---\n" % name, encoding="utf-8")

    def offered(self, *words):
        code, out, err = self.run_cli("__complete", *words)
        self.assertEqual((code, err), (0, ""))
        return [line.split("\t")[0] for line in out.splitlines()]


class Candidates(DocsTest):
    def test_every_word_of_every_command_is_offered(self):
        commands = self.envelope("help", "--all")["data"]["commands"]
        for command in commands:
            words = command["path"].split()
            for i, word in enumerate(words):
                self.assertIn(word, self.offered(*words[:i], word[:2]))
        path = max(commands, key=lambda c: len(c["flags"]))
        flags = self.offered(*path["path"].split(), "--")
        self.assertEqual([f["name"] for f in path["flags"] if "--" + f["name"] not in flags], [])
        named_twice = [(c["path"], f["name"], f["also"]) for c in commands for f in c["flags"] if f["also"]]
        self.assertIn(("sync", "only", "source"), named_twice)
        for words, *names in named_twice:
            self.assertEqual([n for n in names if "--" + n not in self.offered(*words.split(), "--")], [])

    def test_values_are_offered_where_they_are_known(self):
        self.assertEqual(self.offered("version", "--color", ""), ["auto", "always", "never"])
        self.assertEqual(self.offered("version", "--color=a"), ["--color=auto", "--color=always"])
        self.assertEqual(self.offered("skills", "lint", ""), [":files"])
        self.assertEqual(self.offered("--home", ""), [":dirs"])
        self.assertEqual(self.offered("config", "get", "auton"), ["autonomy"])
        self.assertEqual(self.offered("completions", "z"), ["zsh"])
        self.assertIn("skills", self.offered("help", "sk"))
        self.assertEqual(self.offered("help", "evolve", ""), ["rollback"])
        self.assertEqual(self.offered("status", "--platform", "cl"), ["claude_code", "cline"])
        self.assertEqual(self.offered("sync", "--only", "pi"), ["pi"])
        self.assertEqual(self.offered("sync", "--source", "pi"), ["pi"])
        self.assertEqual(self.offered("sync", "--source=pi"), ["--source=pi"])
        self.assertIn("skills", self.offered("--home", "elsewhere", "sk"))
        self.assertEqual(self.offered("no-such-command", "x"), [])
        self.assertEqual(self.offered("why", "--", "--sk"), [])
        self.assertEqual(self.offered(), [])

    def test_what_the_library_checks_is_what_is_offered(self):
        """Every parameter of the list of operations that is a host or one of some words."""
        listed = [row["key"][len("hosts."):-len(".home")] for row in self.envelope("config", "list")["data"]["values"]
                  if row["key"].startswith("hosts.")]
        self.assertGreater(len(listed), 8)
        checked = 0
        for command in self.envelope("help", "--all")["data"]["commands"]:
            for op in command["ops"]:
                known = cli_case.SCHEMAS["selftune/%s.params@1" % op]["properties"] if op else {}
                slots = [(f["param"], command["path"].split() + ["--" + f["name"]]) for f in command["flags"]]
                slots += [(p["param"], command["path"].split()) for p in command["positionals"][:1]]
                for param, words in slots:
                    rule = known.get(param, {})
                    rule = rule.get("items", rule)
                    with self.subTest(op=op, words=words):
                        offered = self.offered(*words, "")
                        if "enum" in rule:  # or some of them: unlock --to
                            self.assertLess(0, len(offered))
                            self.assertLessEqual(set(offered), set(rule["enum"]))
                            checked += 1
                        elif rule and (param in ("platform", "platforms", "agents") or (op, param) == ("sync.run", "only")):
                            self.assertEqual(offered, listed)
                            checked += 1
        self.assertGreater(checked, 40)

    def test_hosts_agents_settings_schemas_and_pages_are_offered(self):
        for words, expected in ((("hooks", "install", "cl"), ["claude_code", "cline"]),
                                (("hooks", "install", "pi", "cod"), ["codex"]),
                                (("init", "--agent", "q"), ["qwen"]),
                                (("skill", "install", "--agent=ge"), ["--agent=gemini"]),
                                (("sync", "--only", "claude,co"), ["claude,codex", "claude,copilot"]),
                                (("sync", "--source=pi,q"), ["--source=pi,qwen"]),
                                (("evolve", "--agent", ""), ["claude", "codex"]),
                                (("orchestrate", "--agent", "co"), ["codex"]),
                                (("config", "set", "autonomy", ""), ["off", "propose", "deploy"]),
                                (("config", "set", "skills.pdf.autonomy", "l"), ["locked"]),
                                (("config", "set", "suggest.review", ""), ["off", "on"]),
                                (("config", "set", "schedule.every_hours", "1"), ["1", "12"]),
                                (("config", "set", "agent_cli", ""), ["claude", "codex"]),
                                (("config", "set", "hosts.pi.home", ""), [":dirs"]),
                                (("config", "set", "no-such-key", ""), []),
                                (("config", "set", "autonomy", "off", ""), []),
                                (("schema", "session.li"), ["session.list.params", "session.list"]),
                                (("schema", "selftune/status@"), ["selftune/status@1"]),
                                (("man", "syn"), ["sync"]), (("man", "selft"), ["selftune"]),
                                (("cron", "setup", "--jobs", ""), ["sync", "health", "run"]),
                                (("cron", "preview", "--jobs=sync,h"), ["--jobs=sync,health"]),
                                (("cron", "run-now", "h"), ["health"]),
                                (("skills", "list", "--status", "s"), ["settings_unknown", "silent"]),
                                (("skills", "list", "--status", "U"), ["UNKNOWN", "UNGRADED", "UNCERTAIN"]),
                                (("evolve", "--tier", "s"), ["standard", "strong"]),
                                (("orchestrate", "--effort", "m"), ["minimal", "medium", "max"]),
                                (("evidence", "--level", "s"), ["shell_read"]),
                                (("proposals", "list", "--state", "ro"), ["rolled_back"]),
                                (("hooks", "install", "--scope", "l"), ["local"])):
            with self.subTest(words=words):
                self.assertEqual(self.offered(*words), expected)
        self.install_skill("pdf")
        self.make_store()
        self.assertEqual(self.offered("config", "get", "skills.p"), ["skills.pdf.autonomy"])

    def test_skills_come_from_the_store_and_only_harmless_names(self):
        self.assertEqual(self.offered("why", ""), [])
        self.assertEqual([p.name for p in self.home.iterdir()], ["bin"], "looking makes no store")
        for name in ("pdf", "pdf-forms", "x$(touch bad)"):
            self.install_skill(name)
        self.make_store()
        self.assertEqual(sorted(self.offered("why", "")), ["pdf", "pdf-forms"])
        self.assertEqual(self.offered("why", "--skill=pdf-"), ["--skill=pdf-forms"])
        self.assertEqual(self.offered("evolve", "--skill", "pdf-"), ["pdf-forms"])
        self.assertEqual(self.offered("--home", str(self.home / "none"), "why", ""), [])


class Bash(DocsTest):
    def complete(self, line, *words):
        script = self.script("bash", "selftune.bash")
        done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", str(script), line, *words],
                              env=self.env(), cwd=self.home, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_completes(self):
        self.assertIn("skills", self.complete("selftune sk", "selftune", "sk"))
        self.assertEqual(self.complete("selftune skills lo", "selftune", "skills", "lo"), ["lock"])
        self.assertEqual(self.complete("selftune version --color=al", "selftune", "version", "--color", "=", "al"),
                         ["always"])
        self.assertEqual(self.complete("selftune version --color=", "selftune", "version", "--color", "="),
                         ["auto", "always", "never"])
        self.assertEqual(self.complete("selftune version --color a", "selftune", "version", "--color", "a"),
                         ["auto", "always"])
        self.assertIn("status", self.complete("selftune ", "selftune", ""))
        self.assertEqual(self.complete("selftune hooks install co", "selftune", "hooks", "install", "co"),
                         ["codex", "copilot"])
        self.assertEqual(self.complete("selftune config set autonomy d", "selftune", "config", "set", "autonomy", "d"),
                         ["deploy"])
        self.assertEqual(self.complete("selftune config set agent_type co", "selftune", "config", "set", "agent_type", "co"),
                         ["codex", "copilot"])
        self.assertEqual(self.complete("selftune sync --only=claude,q", "selftune", "sync", "--only", "=", "claude,q"),
                         ["claude,qwen"])

    def test_bash_completes_files_with_blanks(self):
        (self.home / "my skill.md").touch()
        (self.home / "mydir").mkdir()
        script = self.script("bash", "s.bash")
        done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", str(script), "selftune skills lint my",
                               "selftune", "skills", "lint", "my"],
                              env=self.env(), cwd=self.home, capture_output=True, text=True, check=False)
        self.assertEqual(sorted(done.stdout.splitlines()), ["my skill.md", "mydir"])
        self.assertEqual(self.complete("selftune export my", "selftune", "export", "my"), ["mydir"])

    def test_bash_finds_a_program_below_the_home(self):
        self.assertEqual(self.complete("~/bin/selftune skills lo", "~/bin/selftune", "skills", "lo"), ["lock"])

    def test_a_name_with_an_at_sign(self):
        done = self.complete("selftune schema selftune/version@", "selftune", "schema", "selftune/version@")
        self.assertEqual(done, ["selftune/version@1"])


@unittest.skipUnless(shutil.which("fish"), "no fish here")
class Fish(DocsTest):
    def test_fish_completes(self):
        script = self.script("fish", "selftune.fish")
        (self.home / "somewhere").mkdir()
        for line, expected in (("selftune skills lo", "lock"), ("selftune version --color al", "always"),
                               ("selftune version --color=al", "--color=always"),
                               ("selftune init --agent q", "qwen"), ("selftune man syn", "sync"),
                               ("selftune export some", "somewhere/"), ("selftune --home=some", "--home=somewhere/")):
            with self.subTest(line=line):
                done = subprocess.run(["fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]",
                                       str(script), line], env=self.env(XDG_CONFIG_HOME=str(self.home)),
                                      cwd=self.home, capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn(expected, [l.split("\t")[0] for l in done.stdout.splitlines()])


@unittest.skipUnless(shutil.which("zsh"), "no zsh here")
class Zsh(DocsTest):
    def test_zsh_completes_on_a_terminal(self):
        script = self.script("zsh", "_selftune")
        self.assertEqual(subprocess.run(["zsh", "-f", "-n", str(script)], env=self.env(), check=False).returncode, 0)
        master, slave = pty.openpty()
        zsh = subprocess.Popen(["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=self.home,
                               env=self.env(TERM="dumb"), start_new_session=True)
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(zsh.wait)
        self.addCleanup(zsh.kill)
        os.write(master, b"PS1='' PS2='' RPS1=''; unsetopt zle_bracketed_paste 2>/dev/null; fpath=($PWD $fpath); "
                         b"autoload -Uz compinit; compinit -D -u; print rea''dy\n")
        self.until(master, "ready")
        for typed, expected in (("selftune skills loc", "skills lock"), ("selftune bud", "budget"),
                                ("selftune version --color=al", "version --color=always"),
                                ("selftune hooks install ge", "hooks install gemini"),
                                ("selftune config set guards bl", "config set guards block")):
            with self.subTest(typed=typed):
                os.write(master, typed.encode() + b"\t\x01print -r -- 'it is' \x05; print do''ne\n")
                self.assertIn("it is selftune %s\n" % expected, self.until(master, "done").replace(" \n", "\n"))

    def until(self, master, mark):
        shown, end = "", time.monotonic() + 30
        while not re.search(r"(?m)^%s" % mark, shown):
            ready, _, _ = select.select([master], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, "zsh said only %r" % shown)
            shown += os.read(master, 65536).decode("utf-8", "replace").replace("\r", "")
        return shown


class ManPages(DocsTest):
    def pages(self):
        return {p["file"]: p["text"] for p in self.envelope("man", "--all")["data"]["pages"]}

    def test_there_is_a_page_for_every_command(self):
        pages = self.pages()
        for command in self.envelope("help", "--all")["data"]["commands"]:
            with self.subTest(command=command["path"]):
                page = pages["selftune-%s.1" % command["path"].split()[0]].replace("\\-", "-")
                self.assertIn("selftune " + command["path"], page)
                for flag in command["flags"]:
                    self.assertIn("--" + flag["name"], page)
                    self.assertIn("--" + (flag["also"] or flag["name"]), page)
        self.assertEqual(self.run_cli("man", "sync", "--text")[1], pages["selftune-sync.1"])
        listed = self.envelope("man", "--list")["data"]["pages"]
        self.assertEqual([p["file"] for p in listed], list(pages))
        self.assertEqual({p["text"] for p in listed}, {None})
        self.assertIn("selftune-sync", self.envelope("man", "synk", code=64)["error"]["suggestion"])

    @unittest.skipUnless(shutil.which("groff"), "no groff here")
    def test_groff_has_nothing_to_say(self):
        for name, text in self.pages().items():
            with self.subTest(page=name):
                done = subprocess.run(["groff", "-man", "-ww", "-Tutf8"], input=text.encode(), capture_output=True,
                                      check=False)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                shown = re.sub(rb"\x1b\[[0-9;]*m|.\x08", b"", done.stdout)
                self.assertNotIn(rb"\f", shown)
                self.assertIn(b"SEE ALSO", shown)

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc here")
    def test_mandoc_has_nothing_to_say(self):
        for name, text in self.pages().items():
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=text.encode(), capture_output=True,
                                  check=False)
            # A date would make each build another one.
            said = [l for l in done.stdout.decode().splitlines() if 'missing date, using ""' not in l]
            self.assertEqual(said, [], name)


if __name__ == "__main__":
    cli_case.SELFTUNE = os.path.abspath(sys.argv[1])
    cli_case.load_schemas(sys.argv[2])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=1)
