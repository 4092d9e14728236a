#!/usr/bin/env python3
"""pip install of the working tree into a clean virtual environment.

    pip_install.py MESON_VERSION OPTION...

First as a user does it, with the build tools from PyPI; then, where they are
installed, with the distribution's (python3-mesonpy). Looks into the wheel,
installs it and uses it, package and command. The arguments are those of the
build this test belongs to, and only save time: with the same options and the
same Meson the compiler cache has every file of the library already.
Prints what unittest prints.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MESON, OPTIONS = sys.argv[1], [a for a in sys.argv[2:] if a.startswith("-D")]
del sys.argv[1:2 + len(OPTIONS)]
DISTRIBUTION = Path("/usr/bin/python3")

MODULES = {p.name for p in (ROOT / "bindings/python/selftune").iterdir()
           if p.suffix in (".py", ".pyi", ".typed")} | {"py.typed"}

PROGRAM = """
import selftune, json, sys
with selftune.open(home=sys.argv[1], read_only=False) as engine:
    engine.request("sync.run")
    frame = engine.sql("SELECT count(*) AS n, 'x' AS t FROM sessions")
    about = engine.request("about.version")
print(json.dumps([frame.to_pylist(), about["version"], selftune.__version__, selftune.__file__]))
"""


def run(argv, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, errors="replace",
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def has_module(python, name):
    return subprocess.run([str(python), "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


class WheelTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="selftune-wheel-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        home = self.scratch / "home"
        home.mkdir()
        # Compilers and their cache as in this build; the options too, so that
        # what was compiled already is not compiled again.
        self.env = {k: v for k, v in os.environ.items()
                    if k in ("PATH", "CC", "CXX", "PIP_INDEX_URL", "PIP_CACHE_DIR", "PIP_CERT", "CCACHE_DIR",
                             "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")}
        self.env.setdefault("CCACHE_DIR", os.path.expanduser("~/.cache/ccache"))
        self.env.setdefault("PIP_CACHE_DIR", os.path.expanduser("~/.cache/pip"))
        self.env.update(HOME=str(home), LANG="C.UTF-8", CCACHE_BASEDIR=str(ROOT), CCACHE_NOHASHDIR="1",
                        PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
        if shutil.which("ccache"):
            self.env.setdefault("CC", "ccache gcc")
            self.env.setdefault("CXX", "ccache g++")

    def settings(self, name):
        """Where and how to build; the folder is one of this tree's, for the cache."""
        build = ROOT / f"build-wheel-{name}"
        self.addCleanup(shutil.rmtree, build, ignore_errors=True)
        return build, OPTIONS

    def check(self, wheel, python):
        names = zipfile.ZipFile(wheel).namelist()
        inside = {n.split("/", 1)[1] for n in names if n.startswith("selftune/")}
        self.assertEqual({n for n in inside if not n.startswith("_core.")} | {"_core.pyi"}, MODULES)
        self.assertEqual(len([n for n in inside if n.startswith("_core.") and n.endswith(".so")]), 1)
        rest = [n for n in names if not n.startswith("selftune/")]
        self.assertTrue(any(n.endswith("/scripts/selftune") for n in rest), rest)
        for wrong in (".h", ".a", ".pc", "libselftune.so", ".gen.cc"):
            self.assertFalse([n for n in names if wrong in n], wrong)
        # With debugging information it is larger: 100 MB at -O2.
        limit = 60 << 20 if "-Dbuildtype=release" in OPTIONS else 200 << 20
        self.assertLess(wheel.stat().st_size, limit)

        venv = self.scratch / "clean"
        run([python, "-m", "venv", "--clear", venv])
        inner = venv / "bin" / "python"
        run([inner, "-m", "pip", "install", "--no-deps", "--no-index", wheel], env=self.env)
        home = self.scratch / "user"
        shutil.copytree(ROOT / "tests/data/hosts/claude-code/home", home, dirs_exist_ok=True, symlinks=True)
        env = {"HOME": str(home), "PATH": f"{venv}/bin:/usr/bin:/bin"}
        rows, version, package, file = __import__("json").loads(
            run([inner, "-c", PROGRAM, home], env=env, cwd=self.scratch))
        self.assertGreater(rows[0]["n"], 0)
        self.assertEqual(version, package)
        self.assertIn(str(venv), file)
        # The same library as a command, on the same store.
        said = run([venv / "bin" / "selftune", "query", "SELECT count(*) FROM sessions"], env=env)
        self.assertIn(str(rows[0]["n"]), said)
        # Nothing of the library but the module's entry is visible.
        core = next(venv.rglob("_core.*.so"))
        exported = run(["nm", "-D", "--defined-only", core])
        self.assertNotIn("selftune_open", exported)
        self.assertIn("PyInit__core", exported)
        self.assertNotIn("libselftune", run(["ldd", core]))

    def made(self):
        (wheel,) = self.scratch.glob("*.whl")
        return wheel

    def test_pip_install_with_tools_from_pypi(self):
        tool = self.scratch / "tool" / "bin" / "python"
        run([sys.executable, "-m", "venv", tool.parent.parent])
        run([tool, "-m", "pip", "install", "--quiet", "pip==24.3.1"], env=self.env)
        pin = self.scratch / "constraint.txt"
        pin.write_text(f"meson=={MESON}\n", encoding="ascii")
        build, options = self.settings("pypi")
        run([tool, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", self.scratch,
             f"--config-settings=builddir={build}",
             *(f"--config-settings=setup-args={o}" for o in options), ROOT],
            env=dict(self.env, PIP_CONSTRAINT=str(pin)), cwd=self.scratch)
        self.check(self.made(), sys.executable)

    # Compiles the library a second time, so only on request.
    @unittest.skipUnless(os.environ.get("SELFTUNE_DISTRIBUTION_WHEEL") == "1" and DISTRIBUTION.exists() and
                         has_module(DISTRIBUTION, "mesonpy"),
                         "needs python3-mesonpy and SELFTUNE_DISTRIBUTION_WHEEL=1")
    def test_with_the_tools_of_the_distribution(self):
        # What pip does with --no-build-isolation; the pip of Debian 12 cannot
        # pass two options on.
        build, options = self.settings("distribution")
        settings = {"builddir": str(build), "setup-args": options}
        run([DISTRIBUTION, "-c", f"import mesonpy; mesonpy.build_wheel({str(self.scratch)!r}, {settings!r})"],
            env=self.env, cwd=ROOT)
        self.check(self.made(), DISTRIBUTION)


if __name__ == "__main__":
    unittest.main()
