#!/usr/bin/env python3
"""The skill that an agent reads: format, budgets, links, commands, paths in replies, routing.

    skill_test.py SELFTUNE SCHEMA_DIR SOURCE_ROOT [unittest arguments]
"""

import json
import math
import os
import pathlib
import re
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
import cli_case  # noqa: E402
import texts_test  # noqa: E402

ROOT = pathlib.Path(".")
HEADINGS = ("When:", "Steps", "Report:", "Pitfalls:")
VALUES = {"skill": "zeta-check", "proposal-id": "none", "session": "77777777-1111-4111-8111-111111111111", "text": "check this",
          "folder": "~/folder", "id": "none", "host": "claude", "path": "SKILL.md", "sql": "SELECT 1"}
SERVES = ("dashboard", "mcp")


def skill():
    return ROOT / "skill"


def texts(*folders):
    return {p: p.read_text(encoding="utf-8") for f in folders for p in sorted((skill() / f).glob("*.md"))}


def frontmatter(text):
    """The keys of a frontmatter and their texts, by the few forms of YAML that we use."""
    block = re.match(r"---\n(.*?)\n---\n", text, re.S).group(1)
    out, parent = {}, None
    for line in block.split("\n"):
        m = re.fullmatch(r'( *)([a-z-]+):(?: (.*))?', line)
        value = m.group(3)
        if value is not None and value.startswith('"'):
            value = json.loads(value)
        elif value is not None and (": " in value or " #" in value):
            raise AssertionError("quote this text: %s" % line)
        if m.group(1):
            out[parent][m.group(2)] = value
        else:
            parent = m.group(2)
            out[parent] = {} if value is None else value
    return out


READS = {"skills show", "skills list", "why", "eval misses", "evidence", "budget", "doctor", "status", "query",
         "proposals show", "proposals diff", "init --dry-run", "hooks status", "skill status", "cron status", "evidence --sources",
         "config list"}


class Form(cli_case.CliTest):
    def test_it_is_a_skill_that_the_hosts_understand(self):
        doc = self.envelope("skills", "parse", str(skill() / "SKILL.md"))["data"]
        self.assertEqual((doc["name"], doc["errors"], doc["warnings"]), ("selftune", [], []))
        self.assertLessEqual(len(doc["description"]), 600)
        placed = self.home / "selftune"  # as hosts have it: a folder of its name
        shutil.copytree(skill(), placed)
        self.assertEqual(self.envelope("skills", "lint", str(placed / "SKILL.md"))["data"]["findings"], [])
        head = frontmatter((skill() / "SKILL.md").read_text(encoding="utf-8"))
        self.assertLessEqual(set(head), {"name", "description", "license", "compatibility", "metadata", "allowed-tools"})
        self.assertEqual(head["metadata"]["version"], self.envelope("version")["data"]["version"])

    def test_it_costs_little(self):
        # Four bytes a token is what prose and commands come to.
        body = (skill() / "SKILL.md").read_text(encoding="utf-8")
        self.assertLessEqual((len(body.splitlines()), len(body) // 4), (150, 2000))
        for path, text in texts("workflows").items():
            self.assertLessEqual(len(text.splitlines()), 120, path)
            self.assertLessEqual(len(text) // 4, 1500, path)
        lines = {"cli.md": 120, "evidence-model.md": 100, "platforms.md": 100, "troubleshooting.md": 80, "examples.md": 120,
                 "skill-authoring.md": 100, "embedding.md": 60}
        for path, text in texts("references").items():
            self.assertLessEqual(len(text.splitlines()), lines.get(path.name, 150), path)
        self.assertLess(sum(p.stat().st_size for p in skill().rglob("*") if p.is_file()), 80_000)

    def test_agents_have_what_a_host_wants(self):
        for path, text in texts("agents").items():
            head = frontmatter(text)
            self.assertEqual(head["name"], path.stem)
            self.assertTrue(head["name"].startswith("selftune-"))
            self.assertLessEqual(len(head["description"]), 300)
            # What they may run reads; --fix and the like are not among it.
            grants = re.findall(r"Bash\(selftune ([^):]*)(:\*)?\)", head["tools"])
            self.assertEqual(head["tools"], ", ".join(f"Bash(selftune {w}{s})" for w, s in grants) + ", Read")
            for words, _ in grants:
                self.assertIn(words.replace(" --json", ""), READS)
            for line in re.findall(r"`selftune ([^`]*)`", text):
                self.assertTrue(any(line == w or (s and line.startswith(w + " ")) for w, s in grants), line)
        self.assertEqual(len(texts("agents")), 5)

    def test_what_an_agent_answers_has_a_schema(self):
        listed = {row["id"] for row in self.envelope("schema", "--list")["data"]["schemas"] if row["kind"] == "agent"}
        self.assertEqual(listed, {f"selftune/agent/{p.stem.removeprefix('selftune-')}@1" for p in texts("agents")})
        for path, text in texts("agents").items():
            schema = self.envelope("schema", "agent/" + path.stem.removeprefix("selftune-"))["data"]["schema"]

            def valid(value, schema=schema):
                return not cli_case.schema_check.problems(schema, value)

            answer = json.loads(re.search(r"```json\n(.*?)```", text, re.S).group(1))
            self.assertTrue(valid(answer), path)
            self.assertTrue(valid(json.loads(re.search(r'`({"blocked": .*?})`', text).group(1))), path)
            # Nothing of it may be missing, and nothing else be there.
            for key in answer:
                self.assertFalse(valid({k: v for k, v in answer.items() if k != key}), (path, key))
            for wrong in ({}, [], {"blocked": ""}, {**answer, "blocked": "x"}, "APPROVE"):
                self.assertFalse(valid(wrong), (path, wrong))
        # A reviewer that says nothing about it, or in other words, has not approved.
        schema = self.envelope("schema", "agent/evolution-reviewer")["data"]["schema"]
        approved = {"verdict": "APPROVE", "findings": [{"what": "says when", "evidence": "line 3"}],
                    "required": [], "watch_for": []}
        self.assertEqual(cli_case.schema_check.problems(schema, approved), [])
        for change in ({"verdict": "approve"}, {"findings": []}, {"verdict": "I APPROVE, but REJECT"}):
            self.assertNotEqual(cli_case.schema_check.problems(schema, approved | change), [], change)

    def test_plugin_and_marketplace_say_the_same(self):
        version = self.envelope("version")["data"]["version"]
        plugin = json.loads((skill() / ".claude-plugin/plugin.json").read_text(encoding="utf-8"))
        market = json.loads((ROOT / ".claude-plugin/marketplace.json").read_text(encoding="utf-8"))
        entry = market["plugins"][0]
        self.assertEqual((plugin["name"], plugin["version"]), ("selftune", version))
        self.assertEqual((entry["name"], entry["version"], entry["description"]),
                         ("selftune", version, plugin["description"]))
        self.assertTrue((ROOT / entry["source"] / ".claude-plugin/plugin.json").is_file())

    def test_the_plugin_hears_what_installed_hooks_hear(self):
        plugin = json.loads((skill() / "hooks/hooks.json").read_text(encoding="utf-8"))["hooks"]
        commands = {h["command"] for groups in plugin.values() for g in groups for h in g["hooks"]}
        self.assertEqual(len(commands), 1)
        # Where the program is missing, the agent is left in peace.
        for command in commands:
            self.assertEqual(os.waitstatus_to_exitcode(os.system("PATH=/nowhere; " + command)), 0)
        shim = self.home / "bin/selftune-hook"
        shim.parent.mkdir()
        shim.write_text("#!/bin/sh\n")
        shim.chmod(0o755)
        settings = self.home / ".claude/settings.json"
        settings.parent.mkdir()
        settings.write_text("{}")
        self.envelope("hooks", "install", "claude", "--hook-program", str(shim))
        installed = json.loads(settings.read_text(encoding="utf-8"))["hooks"]
        for hooks in (plugin, installed):
            for group in (g for groups in hooks.values() for g in groups):
                for handler in group["hooks"]:
                    handler.pop("command")
        self.assertEqual(plugin, installed)

    def test_workflows_have_one_shape(self):
        for path, text in texts("workflows").items():
            with self.subTest(file=path.name):
                self.assertRegex(path.name, r"^[a-z-]+\.md$")
                self.assertTrue(text.startswith("# "))
                for heading in HEADINGS:
                    self.assertRegex(text, r"(?m)^" + heading)

    def test_nothing_is_said_twice_or_left_open(self):
        seen = {}
        for path, text in texts("workflows").items():
            self.assertNotRegex(text, r"TODO|FIXME|(?<![\w.~<])/(?:home|work|usr|tmp)/")
            prose = re.sub(r"`[^`]*`|\(default: [^)]*\)", " . ", text)
            for sentence in re.split(r"[.:;|\n](?=\s)", re.sub(r"\n(?=\S|  )", " ", prose)):
                words = re.findall(r"\w+", sentence.lower())
                for i in range(len(words) - 8):
                    piece = " ".join(words[i:i + 9])
                    self.assertIn(seen.setdefault(piece, path), (path,), "%s: %s" % (path.name, piece))


class Links(cli_case.CliTest):
    def test_every_file_that_is_named_exists_and_every_file_is_named(self):
        everything = dict(texts("workflows", "references", "agents"))
        everything[skill() / "SKILL.md"] = (skill() / "SKILL.md").read_text(encoding="utf-8")
        named = set()
        for path, text in everything.items():
            for name in re.findall(r"`((?:[a-z]+/)?[a-z-]+\.md)`", text):
                target = skill() / name if "/" in name else path.parent / name
                self.assertTrue(target.is_file(), "%s names %s" % (path.name, name))
                named.add(target)
        own = {p for p in texts("workflows", "references")}
        self.assertEqual(own - named, set())

    def test_every_command_is_told_about(self):
        told = " ".join(t for t in texts("workflows", "references").values())
        for command in self.envelope("help", "--all")["data"]["commands"]:
            self.assertIn("selftune " + command["path"], told)

    def test_paths_into_replies_exist(self):
        """`data.a.b` in a file is part of the reply of some command in that file."""
        commands = {c["path"]: c for c in self.envelope("help", "--all")["data"]["commands"]}

        def below(schema, names):
            while True:
                if schema.get("type") == "array":
                    schema = schema["items"]
                elif "anyOf" in schema:
                    schema = schema["anyOf"][0]
                else:
                    break
            if not names:
                return True
            if schema.get("type") == "object" and "properties" not in schema:
                return True  # free keys
            extra = schema.get("additionalProperties")
            known = schema.get("properties", {})
            return names[0] in known and below(known[names[0]], names[1:]) or isinstance(extra, dict) and below(extra, names[1:])

        found = 0
        for path, text in texts("workflows", "agents").items():
            schemas = []
            for line in texts_test.lines_of(text):
                words = line.split()
                fits = [p for p in commands if words[:len(p.split())] == p.split()]
                if fits:
                    command = commands[max(fits, key=len)]
                    ids = [command["schema"] or "selftune/%s@1" % command["path"]]
                    ids += ["selftune/%s@1" % op for op in command["ops"]]
                    schemas += [cli_case.SCHEMAS[i] for i in ids if i in cli_case.SCHEMAS]
                for field in re.findall(r"--fields ([a-z_.,]+)", line):
                    for each in field.split(","):
                        self.assertTrue(any(below(s, each.split(".")) for s in schemas), "%s: --fields %s" % (path.name, each))
            for name in re.findall(r"`data\.(?!md`)([a-z_.]+)`", text):
                found += 1
                self.assertTrue(any(below(s, name.split(".")) for s in schemas), "%s: data.%s" % (path.name, name))
        self.assertGreater(found, 60)


class Commands(cli_case.EvidenceHome):
    """On a home with evidence, as an agent would run them: nothing is changed."""

    def test_the_commands_of_every_workflow_run(self):
        self.envelope("sync")
        (self.home / "SKILL.md").write_text(cli_case.SKILL, encoding="utf-8")
        (self.home / "folder").mkdir()
        table = {c["path"]: c for c in self.envelope("help", "--all")["data"]["commands"]}
        counts = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM prompts)"
        before, ran, done = self.rows(counts), 0, set()
        for path, text in texts("workflows", "agents").items():
            for line in dict.fromkeys(texts_test.lines_of(text)):
                line = re.sub(r"<([a-z-]+)>", lambda m: VALUES[m.group(1)], line)
                words = texts_test.words_of(line)
                fits = [p for p in table if words[:len(p.split())] == p.split()]
                command = table[max(fits, key=len)]
                if command["path"] in SERVES:
                    continue
                if command["dry_run"] and "--dry-run" not in words:
                    words.append("--dry-run")
                if tuple(words) in done:
                    continue
                done.add(tuple(words))
                with self.subTest(file=path.name, line=" ".join(words)):
                    code, out, err = self.run_cli(*[w for w in words if w != "--text"])
                    doc = json.loads(out)
                    self.assertIn(code, (0, 2, 3, 5, 6), out + err)
                    self.assertNotIn((doc["error"] or {}).get("code"), ("INVALID_REQUEST", "INVALID_FLAG"))
                    self.assertFalse(doc["changed"] and command["dry_run"])
                    self.assertNotIn("UNKNOWN_FIELD", [w["code"] for w in doc["warnings"]])
                ran += 1
        self.assertEqual(self.rows(counts), before)
        self.assertGreater(ran, 70)


class Routing(unittest.TestCase):
    """The words of the table lead where the cases say; a smoke test, not a model."""

    def setUp(self):
        body = (skill() / "SKILL.md").read_text(encoding="utf-8")
        self.rows = {f: words for words, f in re.findall(r"^\| (.*?) \| `((?:workflows|references)/[a-z-]+\.md)` \|$", body, re.M)}
        by_file = json.loads((skill() / "assets/eval/routing.json").read_text(encoding="utf-8"))
        self.cases = [{"query": query, "file": None if file == "none" else file}
                      for file, queries in by_file.items() for query in queries]

    @staticmethod
    def stems(text):
        small = set("""a all an and any are at be before by can did do everything for from go have how i if in into is it
            its last make may me my not of on or our out over please run? selftune? set? skill? skills? that the them there this to
            up us use was we what when which with you your""".replace("?", "").split()) - {"run", "set", "use", "everything"}
        words = [w for w in re.findall(r"[a-zA-Z]+", text.lower()) if len(w) > 1 and w not in small]
        return {re.sub(r"(?:ing|ed|es|s|e)$", "", w) for w in words}

    def route(self, query):
        rows = {f: self.stems(w) for f, w in self.rows.items()}
        weight = lambda w: math.log(1 + len(rows) / sum(w in r for r in rows.values()))  # noqa: E731
        scores = {f: sum(weight(w) for w in self.stems(query) & r) for f, r in rows.items()}
        best = max(scores, key=scores.get)
        return best if scores[best] > 0 else None

    def test_the_table_and_the_files_are_the_same(self):
        files = {"workflows/" + p.name for p in texts("workflows")} | {"references/embedding.md"}
        self.assertEqual(set(self.rows), files)
        self.assertGreaterEqual(len(self.cases), 120)
        self.assertEqual({c["file"] for c in self.cases} - {None}, files)
        self.assertEqual(len({c["query"] for c in self.cases}), len(self.cases))

    def test_its_words_lead_there(self):
        positive = [c for c in self.cases if c["file"] is not None]
        right = [c for c in positive if self.route(c["query"]) == c["file"]]
        wrong = ["%s -> %s, not %s" % (c["query"], self.route(c["query"]), c["file"]) for c in positive if c not in right]
        self.assertGreaterEqual(len(right), 0.85 * len(positive), "\n".join(wrong))
        for file in self.rows:
            of = [c for c in positive if c["file"] == file]
            self.assertGreaterEqual(sum(c in right for c in of), 0.6 * len(of), file)


if __name__ == "__main__":
    cli_case.SELFTUNE = os.path.abspath(sys.argv[1])
    cli_case.load_schemas(sys.argv[2])
    ROOT = pathlib.Path(sys.argv[3]).resolve()
    unittest.main(argv=[sys.argv[0]] + sys.argv[4:], verbosity=1)
