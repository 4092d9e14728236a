#!/usr/bin/env python3
"""tools/check_abi.py sees what breaks programs, and only that."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import check_abi  # noqa: E402

HEADER = ROOT / "libselftune" / "include" / "selftune" / "selftune.h"

BREAKING = {
    "members that change places": (
        "  uint32_t struct_size;\n  uint32_t flags; ", "  uint32_t flags;\n  uint32_t struct_size; "),
    "a member of another type": ("int64_t (*now_ms)(void* user);", "int32_t (*now_ms)(void* user);"),
    "a member that is new": ("  void* user; /**< for log and now_ms */",
                             "  void* user; /**< for log and now_ms */\n  int32_t more;"),
    "a parameter that is new": ("selftune_job_cancel(selftune_job_t* job)",
                                "selftune_job_cancel(selftune_job_t* job, int32_t why)"),
    "a parameter of another type": ("selftune_job_t* job, int64_t timeout_ms",
                                    "selftune_job_t* job, int32_t timeout_ms"),
    "another result": ("SELFTUNE_API uint32_t selftune_abi_version",
                       "SELFTUNE_API uint64_t selftune_abi_version"),
    "a function that is gone": ("SELFTUNE_API void selftune_job_release(selftune_job_t* job);", ""),
    "a callback with another signature": ("void (*event)(void* user, selftune_str_t json);",
                                          "void (*event)(selftune_str_t json, void* user);"),
    "another type of all codes": ("typedef int32_t selftune_code_t;", "typedef int64_t selftune_code_t;"),
    "a code with another number": ("#define SELFTUNE_E_ABORTED 10", "#define SELFTUNE_E_ABORTED 17"),
    "a flag that is gone": ("#define SELFTUNE_NO_NETWORK 0x8u", ""),
}
HARMLESS = {
    "nothing": ("", ""),
    "another comment": ("/** Borrowed bytes, normally UTF-8. */", "/** Bytes. */"),
    "another name of a parameter": ("selftune_has(const char* feature)", "selftune_has(const char* what)"),
    "a function that is new": ("SELFTUNE_API const char* selftune_version(void);",
                               "SELFTUNE_API const char* selftune_version(void);\n"
                               "SELFTUNE_API int32_t selftune_new(selftune_str_t text);"),
    "a code that is new": ("#define SELFTUNE_E_ABORTED 10",
                           "#define SELFTUNE_E_ABORTED 10\n#define SELFTUNE_E_NEW 99"),
    "another version": ("#define SELFTUNE_VERSION_MINOR 1", "#define SELFTUNE_VERSION_MINOR 2"),
}


class CheckAbi(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="selftune-abi-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        self.before = self.root / "before"
        shutil.copytree(HEADER.parent, self.before)

    def changed(self, old, new):
        now = self.root / "now"
        shutil.copytree(HEADER.parent, now, dirs_exist_ok=True)
        header = next((h for h in sorted(now.glob("*.h")) if old in h.read_text(encoding="utf-8")), None)
        self.assertIsNotNone(header, f"no header says {old}")
        text = header.read_text(encoding="utf-8")
        header.write_text(text.replace(old, new, 1), encoding="utf-8")
        return check_abi.differences(now, self.before)

    def test_what_breaks_programs_is_found(self):
        for name, (old, new) in BREAKING.items():
            with self.subTest(name):
                self.assertNotEqual(self.changed(old, new), [])

    def test_what_breaks_nothing_is_not(self):
        for name, (old, new) in HARMLESS.items():
            with self.subTest(name):
                self.assertEqual(self.changed(old, new), [])

    def test_a_header_that_is_gone_is_found(self):
        (self.before / "more.h").write_text("#define SELFTUNE_MORE 1\n", encoding="utf-8")
        self.assertTrue(any("more.h is gone" in line for line in self.changed("", "")))

    def test_every_function_is_compared(self):
        """The pattern that finds declarations finds all of them."""
        work = self.root / "work"
        work.mkdir()
        library = check_abi.stub_library(HEADER.parent, work)
        names = check_abi.must(["nm", "-D", "--defined-only", library]).split()
        declared = set()
        for header in HEADER.parent.glob("*.h"):
            declared |= {line.split("(")[0].split()[-1].lstrip("*") for line in
                         header.read_text(encoding="utf-8").splitlines()
                         if line.startswith("SELFTUNE_API") and "(" in line}
        self.assertGreater(len(declared), 15)
        self.assertEqual(declared - set(names), set())

    def test_accepting_makes_the_headers_the_baseline(self):
        baseline = self.root / "new" / "baseline"
        check_abi.accept(HEADER.parent, baseline)
        self.assertEqual(check_abi.differences(HEADER.parent, baseline), [])
        self.assertEqual(check_abi.headers(baseline), check_abi.headers(HEADER.parent))


if __name__ == "__main__":
    unittest.main()
