#!/usr/bin/env python3
"""Where the sources of what a release has inside come from, and what happens where there are none."""

import contextlib
import io
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "dev"))

import builds  # noqa: E402
import sources  # noqa: E402


class Lists(unittest.TestCase):
    """What a machine says of its binary packages is said of their sources."""

    def setUp(self):
        self.apt = Path(tempfile.mkdtemp(prefix="selftune-apt-"))
        self.addCleanup(shutil.rmtree, self.apt, True)
        (self.apt / "sources.list.d").mkdir()

    def write(self, name, text):
        (self.apt / name).write_text(text, encoding="utf-8")

    def test_stanzas_keep_all_but_their_type(self):
        self.write("sources.list.d/debian.sources",
                   "# the mirror\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n"
                   "Components: main\nSigned-By: /usr/share/keyrings/debian.gpg\n\n"
                   "Types: deb deb-src\nURIs: http://other.example/debian\nSuites: bookworm\nComponents: main\n\n"
                   "Types: deb-src\nURIs: http://third.example/debian\nSuites: bookworm\nComponents: main\n\n"
                   "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n")
        stanzas, lines = sources.source_lists(self.apt)
        self.assertEqual(
            stanzas,
            "# the mirror\nTypes: deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm\n"
            "Components: main\nSigned-By: /usr/share/keyrings/debian.gpg\n\n"
            "Types: deb-src\nURIs: http://other.example/debian\nSuites: bookworm\nComponents: main\n")
        self.assertEqual(lines.strip(), "")

    def test_lines_keep_all_but_their_type(self):
        self.write("sources.list", "# deb http://comment.example bookworm main\n"
                   "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n"
                   "deb-src http://mirror.example/debian bookworm main\n")
        self.write("sources.list.d/more.list", "deb http://more.example/debian bookworm main\n")
        _, lines = sources.source_lists(self.apt)
        self.assertEqual(lines, "deb-src [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n"
                         "deb-src http://more.example/debian bookworm main\n")

    def test_a_machine_without_lists_has_none(self):
        self.assertEqual([text.strip() for text in sources.source_lists(self.apt)], ["", ""])


class Ready(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="selftune-wraps-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        shutil.copy(sources.SUBPROJECTS / "abseil-cpp.wrap", self.folder)
        shutil.copytree(sources.SUBPROJECTS / "packagefiles", self.folder / "packagefiles")
        replaced = mock.patch.object(sources, "SUBPROJECTS", self.folder)
        replaced.start()
        self.addCleanup(replaced.stop)

    def ready(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            return sources.ready("abseil-cpp"), said.getvalue()

    def left(self):
        return sorted(path.name for path in self.folder.iterdir())

    def fake_apt(self, version, exit_code=0, unpacks="abseil-20220623.1"):
        """Replaces APT: shows `version`, and unpacks what a source package holds."""
        def run(arguments, folder, program="apt-get"):
            if exit_code != 0:
                raise sources.NotToBeHad(f"{program} {arguments[-1]}: exit {exit_code}")
            if arguments[-2] == "source":
                (folder / unpacks / "absl").mkdir(parents=True)
                (folder / unpacks / "absl" / "status.cc").write_text("//\n", encoding="utf-8")
            return f"Package: abseil\nVersion: {version}\n"
        for name, value in (("_run", run), ("_fetchable", lambda: None)):
            replaced = mock.patch.object(sources, name, value)
            replaced.start()
            self.addCleanup(replaced.stop)

    def test_what_was_fetched_is_not_fetched_again(self):
        self.fake_apt("20220623.1-1+deb12u2")
        self.assertEqual(self.ready()[0], True)
        target = self.folder / "abseil-cpp-20220623.0"
        self.assertEqual(sorted(path.name for path in target.iterdir()), ["absl", "meson.build"])
        self.fake_apt("none", exit_code=100)
        self.assertEqual(self.ready(), (True, ""))

    def test_where_there_is_no_source_the_system_s_library_is_linked_and_nothing_left(self):
        before = self.left()
        for version, exit_code, unpacks, why in (("20220623.1-1", 100, "abseil-20220623.1", "exit 100"),
                                                 ("20240722.0-1", 0, "abseil-20240722.0", "no version 20220623."),
                                                 ("20220623.1-1", 0, "something-else", "0 folders")):
            with self.subTest(why=why):
                self.fake_apt(version, exit_code, unpacks)
                ready, said = self.ready()
                self.assertFalse(ready)
                self.assertIn(why, said)
                self.assertIn("the system's shared libraries are linked", said)
                self.assertEqual(self.left(), before)

    def test_elsewhere_than_on_debian_nothing_is_tried(self):
        with mock.patch.object(sources.shutil, "which", return_value=None):
            ready, said = self.ready()
        self.assertFalse(ready)
        self.assertIn("not a Debian system", said)


class Profiles(unittest.TestCase):
    def test_the_runtime_is_inside_when_no_library_of_cpp_is_outside(self):
        release = builds.PROFILES["release"]
        for missing, options in (
                ((), ["--force-fallback-for=abseil-cpp,fmt,simdjson", "-Dself_contained=true"]),
                (("fmt",), ["--force-fallback-for=abseil-cpp,simdjson"]),
                (release.inside, [])):
            with self.subTest(missing=missing), \
                    mock.patch.object(builds.sources, "ready", lambda name: name not in missing):
                self.assertEqual(builds.inside_options(release), options)
        self.assertEqual(builds.inside_options(builds.PROFILES["ci"]), [])

    def test_what_a_release_has_inside_are_wraps_whose_source_debian_has(self):
        inside = {name for profile in builds.PROFILES.values() for name in profile.inside}
        self.assertEqual(inside, set(sources.PACKAGES))
        for name in inside:
            self.assertTrue((sources.SUBPROJECTS / f"{name}.wrap").exists())


if __name__ == "__main__":
    unittest.main()
