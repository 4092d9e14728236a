"""How the page gets into the server: tools/embed_assets.py with an npm that
works, fails, or is not there."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

EMBED = Path(__file__).resolve().parents[2] / "tools" / "embed_assets.py"
BUILDS = """#!/bin/sh
[ "$1" = run ] || exit 0
mkdir -p "$5" && echo '<!doctype html>the page' > "$5/index.html"
"""
FAILS = "#!/bin/sh\necho 'no network today'\nexit 7\n"


class PageBuild(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="selftune-page-")
        self.addCleanup(scratch.cleanup)
        self.web, self.out = Path(scratch.name, "web"), Path(scratch.name, "out")
        self.npm = Path(scratch.name, "npm")
        (self.web / "node_modules").mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            (self.web / name).write_text("{}", encoding="utf-8")

    def embed(self, mode, npm=None):
        if npm is not None:
            self.npm.write_text(npm, encoding="utf-8")
            self.npm.chmod(0o755)
        return subprocess.run(
            [sys.executable, "-B", EMBED, "--web", self.web, "--mode", mode, "--out", self.out,
             "--npm", self.npm if npm else "", "--depfile", self.out / "assets.d"],
            capture_output=True, text=True, check=False, timeout=60,
            env={"PATH": os.environ["PATH"] if npm else "/nowhere"})

    def table(self):
        return (self.out / "assets.gen.cc").read_text(encoding="utf-8")

    def tries_again(self):
        """The build tool sees a file that is not there."""
        names = (self.out / "assets.d").read_text(encoding="utf-8").split(": ", 1)[1].split()
        return any(not Path(name).exists() for name in names)

    def test_a_page_that_npm_builds_is_embedded_quietly(self):
        done = self.embed("auto", BUILDS)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('"/index.html"', self.table())
        self.assertIn('WhyNoPage() { return ""; }', self.table())
        self.assertIn(b"the page", (self.out / "assets.gen.bin").read_bytes())
        self.assertFalse(self.tries_again())

    def test_a_build_that_changes_nothing_writes_nothing(self):
        self.embed("auto", BUILDS)
        os.utime(self.out / "assets.gen.cc", (1, 1))
        self.embed("auto", BUILDS)
        self.assertEqual((self.out / "assets.gen.cc").stat().st_mtime, 1)

    def test_other_bytes_are_another_text_to_assemble(self):
        self.embed("auto", BUILDS)
        before = (self.out / "assets.gen.S").read_text(encoding="utf-8")
        (self.web / "index.html").write_text("changed", encoding="utf-8")
        self.embed("auto", BUILDS.replace("the page", "ye page"))  # as many of them
        self.assertIn(b"ye page", (self.out / "assets.gen.bin").read_bytes())
        self.assertNotEqual((self.out / "assets.gen.S").read_text(encoding="utf-8"), before)

    def test_auto_goes_on_without_a_page_but_says_so(self):
        done = self.embed("auto", FAILS)
        self.assertEqual(done.returncode, 0)
        self.assertIn("WARNING: the dashboard is built WITHOUT ITS PAGE: npm ci: exit 7", done.stderr)
        self.assertIn("no network today", done.stderr)
        self.assertIn("-Dweb=disabled", done.stderr)
        self.assertIn('WhyNoPage() { return "npm ci: exit 7"; }', self.table())
        self.assertNotIn("index.html", self.table())
        self.assertTrue(self.tries_again())

    def test_auto_without_npm_says_so_and_takes_what_was_built(self):
        done = self.embed("auto")
        self.assertEqual(done.returncode, 0)
        self.assertIn("there is no npm", done.stderr)
        self.assertTrue(self.tries_again())
        (self.web / "dist").mkdir()
        (self.web / "dist" / "index.html").write_text("<!doctype html>", encoding="utf-8")
        done = self.embed("auto")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('"/index.html"', self.table())

    def test_enabled_fails_and_disabled_is_content(self):
        done = self.embed("enabled", FAILS)
        self.assertEqual(done.returncode, 1)
        self.assertIn("npm ci: exit 7", done.stderr)
        self.assertFalse((self.out / "assets.gen.cc").exists())
        done = self.embed("disabled", FAILS)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('WhyNoPage() { return "built with -Dweb=disabled"; }', self.table())
        self.assertFalse(self.tries_again())


if __name__ == "__main__":
    unittest.main()
