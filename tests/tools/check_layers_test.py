#!/usr/bin/env python3
"""Each layer rule fires on a small made-up tree, and a clean tree is clean."""

import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

import check_layers  # noqa: E402

RULES = ROOT / "tools" / "layers.toml"
SRC = "libselftune/src/"
README = {SRC + m + "/README.md": "# module\n" for m in (
    "base", "store", "ingest", "hosts", "hooks", "signals", "llm", "evolution", "eval", "sync",
    "stats", "capi")}


def problems(files, *, readmes=True):
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name, text in {**(README if readmes else {}), **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return check_layers.check(root, RULES)


class LayersTest(unittest.TestCase):
    def assert_clean(self, files, **options):
        self.assertEqual([str(p) for p in problems(files, **options)], [])

    def assert_problem(self, files, where, text, **options):
        found = [str(p) for p in problems(files, **options)]
        self.assertTrue(any(p.startswith(where) and text in p for p in found),
                        f"expected {where} ... {text}, found {found}")
        self.assertEqual(len(found), 1, found)

    def test_a_clean_tree_is_clean(self):
        self.assert_clean({
            SRC + "store/db.h": "#pragma once\n#include <string>\n#include <sqlite3.h>\n",
            SRC + "store/db.cc": '#include "store/db.h"\n\n#include "stats/wilson.h"\n',
            SRC + "ingest/line.h": '#include "base/error.h"\n#include <simdjson.h>\n',
            "frontends/cli/main.cc": '#include <selftune/selftune.h>\n#include "cli/args.h"\n',
            "frontends/cli/args.h": "#pragma once\n",
        })

    def test_a_module_includes_only_what_is_listed(self):
        self.assert_problem({SRC + "ingest/a.h": '\n#include "llm/backend.h"\n'},
                            SRC + "ingest/a.h:2", "ingest may not include llm")

    def test_base_includes_no_module(self):
        self.assert_problem({SRC + "base/a.h": '#include "store/db.h"\n'},
                            SRC + "base/a.h:1", "base may not include store")

    def test_evolution_never_touches_deploy(self):
        self.assert_problem({SRC + "evolution/a.h": '#include "deploy/swap.h"\n'},
                            SRC + "evolution/a.h:1", "evolution may not include deploy")

    def test_a_public_header_is_for_capi_and_for_whom_the_rules_name(self):
        standard = '#include "selftune/arrow_c_data.h"\n'
        self.assert_clean({SRC + "store/a.h": standard, SRC + "capi/a.h": standard})
        self.assert_problem({SRC + "sync/a.h": standard}, SRC + "sync/a.h:1", "public header")

    def test_capi_may_include_everything(self):
        self.assert_clean({SRC + "capi/a.h": '#include "deploy/swap.h"\n#include "llm/x.h"\n'})

    def test_an_unknown_module_is_reported(self):
        self.assert_problem({SRC + "misc/a.h": "", SRC + "misc/README.md": "x\n"},
                            SRC + "misc/a.h:1", "unit misc is not in layers.toml")

    def test_the_files_of_a_host_folder_have_different_rights(self):
        include = '#include "hooks/event.h"\n'
        self.assert_clean({SRC + "hosts/codex/hook.h": include})
        self.assert_problem({SRC + "hosts/codex/reader.h": include},
                            SRC + "hosts/codex/reader.h:1", "hosts.reader may not include hooks")
        self.assert_problem({SRC + "hosts/codex/row.h": '#include "store/db.h"\n'},
                            SRC + "hosts/codex/row.h:1", "hosts.row may not include store")
        self.assert_problem({SRC + "hosts/codex/install.h": '#include "ingest/source.h"\n'},
                            SRC + "hosts/codex/install.h:1",
                            "hosts.install may not include ingest")

    def test_a_hook_does_not_reach_a_reader(self):
        self.assert_problem({SRC + "hosts/pi/hook.h": '#include "hosts/pi/reader.h"\n'},
                            SRC + "hosts/pi/hook.h:1", "hosts.hook may not include hosts.reader")

    def test_third_party_headers_have_owners(self):
        cases = [
            ("ingest/a.h", "sqlite3.h"), ("store/a.h", "simdjson.h"), ("base/file.h", "simdjson.h"),
            ("signals/a.h", "utf8proc.h"), ("store/a.h", "sodium.h"), ("ingest/a.h", "zstd.h"),
            ("base/file.h", "utf8proc.h"), ("llm/a.h", "curl/curl.h"),
            ("store/a.h", "absl/strings/str_cat.h"), ("base/a.h", "regex"),
            ("base/a.h", "iostream"), ("capi/a.h", "boost/beast.hpp"),
        ]
        for name, header in cases:
            with self.subTest(name=name, header=header):
                self.assert_problem({SRC + name: f"#include <{header}>\n"}, SRC + name + ":1",
                                    f"may not include <{header}>")

    def test_owners_may_include_their_headers(self):
        self.assert_clean({
            SRC + "base/json_object.h": "#include <simdjson.h>\n",
            SRC + "base/utf8.cc": "#include <utf8proc.h>\n",
            SRC + "base/crypto.cc": "#include <sodium.h>\n",
            SRC + "hosts/openclaw/reader_sqlite.h": "#include <zstd.h>\n",
        })

    def test_own_header_comes_first(self):
        files = {SRC + "base/a.h": "", SRC + "base/a.cc": '#include <string>\n#include "base/a.h"\n'}
        self.assert_problem(files, SRC + "base/a.cc:1", 'the first include must be "base/a.h"')

    def test_includes_carry_their_module(self):
        self.assert_problem({SRC + "base/a.h": '#include "b.h"\n'}, SRC + "base/a.h:1",
                            "with its module")

    def test_frontends_see_public_headers_only(self):
        files = {SRC + "store/db.h": "", "frontends/cli/main.cc": '#include "store/db.h"\n'}
        self.assert_problem(files, "frontends/cli/main.cc:1", "only <selftune/...>")
        files = {"frontends/cli/main.cc": '#include "../../libselftune/src/store/db.h"\n'}
        self.assert_problem(files, "frontends/cli/main.cc:1", "only <selftune/...>")

    def test_angle_brackets_hide_no_private_header(self):
        self.assert_problem({SRC + "store/db.h": "#pragma once\n",
                             "frontends/cli/a.cc": "#include <store/db.h>\n"},
                            "frontends/cli/a.cc:1", "only <selftune/...>")

    def test_no_spelling_of_an_include_hides_a_header(self):
        for line in ('%:include "store/db.h"', '#import "store/db.h"', '#include_next "store/db.h"'):
            with self.subTest(line):
                self.assert_problem({SRC + "store/db.h": "", "frontends/cli/main.cc": line + "\n"},
                                    "frontends/cli/main.cc:1", "store/db.h")
        self.assert_problem({SRC + "store/db.h": "", "frontends/cli/main.cxx": '#include "store/db.h"\n'},
                            "frontends/cli/main.cxx:1", "store/db.h")
        for top in ("frontends/cli/main.cc", SRC + "stats/x.cc"):
            self.assert_problem({top: "#define H <string>\n#include H\n"}, top + ":2", "macro")

    def test_bindings_open_no_store_of_their_own(self):
        self.assert_problem({"bindings/python/selftune/x.py": "import sqlite3\n"},
                            "bindings/python/selftune/x.py:1", "libselftune only")

    def test_banned_identifiers(self):
        cases = [
            ("parser.iterate_many(x);", "iterate_many"), ("p.parse_many(x);", "parse_many"),
            ("std::system(cmd);", "runs a shell"), ("FILE* f = popen(c, m);", "runs a shell"),
            ("std::regex r(x);", "std::regex"), ("std::cerr << x;", "never prints"),
            ("fprintf(stderr, x);", "never prints"), ("exit(1);", "never ends the process"),
        ]
        for code, text in cases:
            with self.subTest(code=code):
                self.assert_problem({SRC + "base/a.h": "\n\n" + code + "\n"},
                                    SRC + "base/a.h:3", text)

    def test_frontends_hold_no_sql(self):
        for code in ('q("SELECT name FROM skill");', 'R"(\n insert into label values(1))"',
                     'q("update skill set name=1");', "q('delete from skill')", '"PRAGMA user_version=3"'):
            for folder in ("frontends/dashboard/", "bindings/python/", "examples/c/"):
                with self.subTest(code=code, folder=folder):
                    found = [str(p) for p in problems({folder + "a.cc": code + "\n"})]
                    self.assertTrue(any("no SQL outside libselftune" in p for p in found), found)
        for name, text in (("bindings/python/a.py", 'q = "SELECT name FROM skill"\n'),
                           ("bindings/python/a.pyi", 'Q = "delete from label"\n'),
                           ("web/src/a.ts", "ask(`select name from skill`);\n"),
                           ("frontends/a.ipynb", '{"source": ["update skill set name=1"]}')):
            with self.subTest(name=name):
                self.assert_problem({name: text}, name + ":1", "no SQL outside libselftune")
        self.assert_clean({
            "bindings/python/a.py": 'def sql(q):\n    """Like\n\n    SELECT name FROM skills"""\n'
                                    "    # select one from many\n    return q\n",
            "examples/python/a.py": 'engine.sql("SELECT name FROM skills")\n'})
        self.assert_clean({"frontends/cli/a.cc": "// select one from many\nSelect(from);\n",
                           SRC + "store/a.cc": 'q("SELECT name FROM skill");\n'})
        self.assert_problem({"frontends/cli/a.cc": "\nsqlite3_open(x);\n"}, "frontends/cli/a.cc:2",
                            "C interface")

    def test_comments_and_literals_are_not_code(self):
        self.assert_clean({SRC + "base/a.h": '// system("x")\n/* popen(\n */\n'
                           'constexpr char k[] = "std::regex iterate_many";\n'
                           'constexpr char r[] = R"(exit(1))";\n'})

    def test_names_that_only_contain_a_banned_one(self):
        self.assert_clean({SRC + "base/a.h": "file_system(x); env.system(); _exit(1);\n"})

    def test_long_files(self):
        self.assert_problem({SRC + "base/a.cc": "\n" * 801}, SRC + "base/a.cc:801", "limit 800")
        found = problems({SRC + "base/a.cc": "\n" * 500})
        self.assertEqual([p.warning for p in found], [True])
        self.assert_clean({SRC + "base/a.cc": "\n" * 400})

    def test_every_module_has_a_short_readme(self):
        self.assert_problem({SRC + "base/a.h": ""}, SRC + "base:1", "no README.md", readmes=False)
        self.assert_problem({SRC + "base/README.md": "x\n" * 61, SRC + "base/a.h": ""},
                            SRC + "base/README.md:61", "limit 60")

    def test_a_folder_without_code_needs_no_readme(self):
        self.assert_clean({SRC + "base/meson.build": "core_sources += files()\n"}, readmes=False)


if __name__ == "__main__":
    unittest.main()
