#!/usr/bin/env python3
"""Runs the pytest files beside it in a virtual environment of its own.

    run_pytest.py PACKAGE_DIR VENV_DIR [--preload RUNTIME] [PYTEST_ARGUMENT...]

PACKAGE_DIR holds the built package "selftune". The environment is made from
requirements.txt once, by name from PyPI, and again when that file changes.
RUNTIME: of the sanitizer that the package was built with, loaded first into
every Python; what Python and other packages leak or race about is not ours.
Prints "N passed, M failed".
"""

import argparse
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent


def environment(venv):
    """The environment's Python, made when it is missing or out of date: by one of several runs."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{venv}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return made(venv)


def made(venv):
    wanted = (HERE / "requirements.txt").read_bytes() + sys.version.encode() + str(venv).encode()
    stamp, digest = venv / "made-for", hashlib.sha256(wanted).hexdigest()
    python = venv / "bin" / "python"
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest and python.exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                           "-r", HERE / "requirements.txt"], check=False)
    if done.returncode != 0:
        raise SystemExit("python: cannot install tests/python/requirements.txt (see above)")
    stamp.write_text(digest, encoding="ascii")
    return python


def sanitizer_environment(runtime):
    """They stop at the first error. ASan cannot tell the interpreter's leaks from
    ours."""
    return {"LD_PRELOAD": runtime,
            "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
            "ASAN_OPTIONS": "detect_leaks=0:strict_string_checks=1",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("package", type=Path)
    arguments.add_argument("venv", type=Path)
    arguments.add_argument("--preload")
    options, pytest_arguments = arguments.parse_known_args()
    python = environment(options.venv.resolve())
    with tempfile.TemporaryDirectory(prefix="selftune-python-") as scratch:
        report = Path(scratch) / "report.xml"
        home = Path(scratch) / "home"
        home.mkdir()
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(home), "LANG": "C.UTF-8",
               "PYTHONPATH": str(options.package.resolve()), "PYTHONDONTWRITEBYTECODE": "1",
               "MPLBACKEND": "agg", "TMPDIR": scratch}
        if options.preload:
            env.update(sanitizer_environment(options.preload))
        done = subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers",
                               f"--basetemp={scratch}/tests", f"--junit-xml={report}", HERE,
                               *pytest_arguments], env=env, cwd=scratch, check=False)
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
        counts = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    failed = counts["failures"] + counts["errors"]
    print(f"{counts['tests'] - failed - counts['skipped']} passed, {failed} failed")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
