"""Which sources may be compiled as one."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "dev"))
import grouped  # noqa: E402

HEADER = "namespace selftune::hosts {\nenum class ToolKind { kRead };\n}\n"


def source(body, *, home="selftune::hosts", header=""):
    include = f'#include "{header}"\n' if header else ""
    return f"{include}namespace {home} {{\n{body}\n}}\n"


def unnamed(body):
    return f"namespace {{\n{body}\n}}"


class WhatSharesAUnit(unittest.TestCase):
    def units(self, **files):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, text in files.items():
                path = Path(folder) / (name.replace("_h", ".h") if name.endswith("_h") else name + ".cc")
                path.write_text(text, encoding="utf-8")
                paths += [path] if path.suffix == ".cc" else []
            return [[path.stem for path in unit] for unit in grouped.packed(paths, lambda path: path)]

    def test_files_share_a_unit_unless_a_name_would_mean_two_things(self):
        mine = source(unnamed("int Count(int n) { return n; }"))
        cases = {
            "nothing alike": (source("int A() { return 1; }"), [["a", "b"]]),
            "the same name, each for itself": (mine, [["a"], ["b"]]),
            "one uses what another hides": (source("int B() { return Count(2); }"), [["a"], ["b"]]),
            "only in a comment": (source("// Count\nint B() { return 1; }"), [["a", "b"]]),
            "only in a text": (source('const char* B() { return "Count"; }'), [["a", "b"]]),
            "a macro": ("#define Count 3\n", [["a"], ["b"]]),
        }
        for name, (other, expected) in cases.items():
            with self.subTest(name):
                self.assertEqual(self.units(a=mine, b=other), expected)

    def test_the_same_thing_under_its_short_name_twice_is_one_thing(self):
        short = source(unnamed("using hooks::Event;") + "\nvoid F(Event e);")
        other = source(unnamed("using jobs::Event;") + "\nvoid G(Event e);")
        self.assertEqual(self.units(a=short, b=short.replace("F(", "H(")), [["a", "b"]])
        self.assertEqual(self.units(a=short, b=other), [["a"], ["b"]])

    def test_a_header_read_after_it_meets_the_name_in_its_own_namespace_only(self):
        reader = source("int B();", header="kinds.h")
        for home, expected in (("selftune::hosts", [["a"], ["b"]]), ("selftune::sync", [["a", "b"]])):
            with self.subTest(home):
                hides = source(unnamed("using hooks::ToolKind;"), home=home)
                self.assertEqual(self.units(kinds_h=HEADER, a=hides, b=reader), expected)

    def test_a_namespace_that_a_header_opens_hides_one_of_its_name_further_out(self):
        fixture = "namespace selftune::hosts::testing {\nint Scene();\n}\n"
        scene = source("int A() { return testing::Scene(); }", header="fixture.h")
        plain = source("int B() { return testing::TempDir(); }")
        both = source("int B() { return selftune::testing::TempDir() + testing::Scene(); }", header="fixture.h")
        elsewhere = source("int B() { return testing::TempDir(); }", home="selftune::sync")
        for name, other, expected in (("uses the outer one", plain, [["a"], ["b"]]),
                                      ("knows both", both, [["a", "b"]]),
                                      ("is elsewhere", elsewhere, [["a", "b"]]),
                                      ("uses none", source("int B();"), [["a", "b"]])):
            with self.subTest(name):
                self.assertEqual(self.units(fixture_h=fixture, a=scene, b=other), expected)

    def test_a_unit_has_an_end(self):
        files = {f"f{n}": source(f"int F{n}() {{ return {n}; }}") for n in range(grouped.MOST + 1)}
        self.assertEqual([len(unit) for unit in self.units(**files)], [grouped.MOST, 1])

    def test_a_unit_that_stays_is_not_touched(self):
        with tempfile.TemporaryDirectory() as folder:
            first, = grouped.write_units([[Path("a.cc"), Path("b.cc")]], Path(folder))
            written = first.stat().st_mtime_ns
            grouped.write_units([[Path("a.cc"), Path("b.cc")]], Path(folder))
            self.assertEqual(first.stat().st_mtime_ns, written)
            grouped.write_units([[Path("a.cc")]], Path(folder))
            self.assertNotIn("b.cc", first.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
