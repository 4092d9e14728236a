"""What clang-tidy finds in sources that it reads together."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "dev"))
import lint  # noqa: E402

FINDING = "#include <string>\nbool {}(const std::string& text) {{ return text.size() == 0; }}\n"
# By itself this is sound; after the macro of the other it is the finding.
MACRO = "#define NOTHING text.size() == 0\n"
MEETS = ("#include <string>\n#ifndef NOTHING\n#define NOTHING text.empty()\n#endif\n"
         "bool {}(const std::string& text) {{ return NOTHING; }}\n")


@unittest.skipUnless(shutil.which("clang-tidy-19"), "clang-tidy-19 is not installed")
class Findings(unittest.TestCase):
    def findings(self, **sources):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copy(ROOT / ".clang-tidy", folder)
            (folder / "libselftune" / "src").mkdir(parents=True)
            group = []
            for stem, text in sources.items():
                path = folder / "libselftune" / "src" / f"{stem}.cc"
                path.write_text(text, encoding="utf-8")
                group.append({"directory": name, "file": str(path), "command": f"c++ -std=c++20 -o {stem}.o -c {path}"})
            return "".join(lint.findings([group], folder / "tidy"))

    def test_a_group_without_any_has_none(self):
        self.assertEqual(self.findings(a="int A() { return 1; }\n", b="int B() { return 2; }\n"), "")

    def test_the_file_that_has_one_is_named_and_no_other(self):
        found = self.findings(a="int A() { return 1; }\n", b=FINDING.format("B"), c="int C() { return 3; }\n")
        self.assertIn("readability-container-size-empty", found)
        self.assertIn("/b.cc:2:", found)
        self.assertNotIn("/a.cc", found)
        self.assertNotIn("/c.cc", found)
        self.assertNotIn("clang-diagnostic-error", found)

    def test_one_that_comes_from_the_company_is_none(self):
        self.assertEqual(self.findings(a=MACRO, b=MEETS.format("B")), "")


if __name__ == "__main__":
    unittest.main()
