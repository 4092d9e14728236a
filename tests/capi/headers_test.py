#!/usr/bin/env python3
"""Every public header is all that a program needs to include, in C and C++.

    headers_test.py HEADER_DIR SYMBOLS.golden
"""

import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

HEADERS = Path(sys.argv[1])
SYMBOLS = Path(sys.argv[2])
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-fsyntax-only")
LANGUAGES = (("c", "c11"), ("c", "c17"), ("c++", "c++11"), ("c++", "c++17"), ("c++", "c++20"))
COMPILERS = [c for c in ("gcc", "clang-19") if shutil.which(c)]


def compiles(compiler, language, standard, text):
    done = subprocess.run([compiler, "-x", language, f"-std={standard}", *STRICT, f"-I{HEADERS.parent}", "-"],
                          input=text, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


class Headers(unittest.TestCase):
    def each(self):
        names = sorted(path.name for path in HEADERS.glob("*.h"))
        self.assertIn("selftune.h", names)
        self.assertTrue(COMPILERS)
        for compiler in COMPILERS:
            for language, standard in LANGUAGES:
                for name in names:
                    with self.subTest(compiler=compiler, standard=standard, header=name):
                        yield compiler, language, standard, f"#include <selftune/{name}>\n"

    def test_alone_and_twice_without_a_warning(self):
        for compiler, language, standard, include in self.each():
            self.assertEqual(compiles(compiler, language, standard, include + include), "")

    def test_all_together_in_any_order(self):
        includes = [f"#include <selftune/{path.name}>\n" for path in sorted(HEADERS.glob("*.h"))]
        for compiler in COMPILERS:
            for language, standard in LANGUAGES:
                for order in (includes, includes[::-1]):
                    self.assertEqual(compiles(compiler, language, standard, "".join(order)), "")

    def test_every_exported_function_is_declared(self):
        declared = set(re.findall(r"\b(selftune_\w+)\(", "".join(
            path.read_text(encoding="utf-8") for path in HEADERS.glob("*.h"))))
        exported = {line.strip() for line in SYMBOLS.read_text(encoding="utf-8").splitlines()
                    if line.startswith("selftune_")}
        self.assertGreater(len(exported), 15)
        self.assertEqual(exported - declared, set())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
