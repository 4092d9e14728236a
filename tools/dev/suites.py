"""Running Meson's tests and counting what passed.

Counts are test cases where a runner says them (doctest, unittest, pytest and
"N passed, N failed" lines), otherwise one a test program.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass

import builds
from common import JOBS, DevError, note, say, tail

DOCTEST = re.compile(r"test cases:\s*\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
PLAIN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_END = re.compile(r"^(?:OK|FAILED) \((.*?)\)$", re.MULTILINE)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0  # could not run here; neither of the two

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed"


def count_result(result, output):
    """Cases of one test program: Meson's result word and what it printed."""
    output = ANSI.sub("", output)
    if result == "SKIP":
        return Count(skipped=1)
    count = _cases(output)
    if result in ("OK", "EXPECTEDFAIL"):
        # A program that passed for Meson but reports failures is believed.
        return count if count.passed + count.failed + count.skipped else Count(passed=1)
    count.failed = max(count.failed, 1)  # crashes and time-outs print no summary
    return count


def _cases(output):
    count = Count()
    for passed, failed in DOCTEST.findall(output) + PLAIN.findall(output):
        count.add(Count(int(passed), int(failed)))
    for ran in UNITTEST.findall(output):
        count.passed += int(ran)
    for end in UNITTEST_END.findall(output):
        failed = sum(int(n) for n in re.findall(r"\b(?:failures|errors)=(\d+)", end))
        skipped = sum(int(n) for n in re.findall(r"\bskipped=(\d+)", end))
        count.add(Count(-failed - skipped, failed, skipped))
    return count


def count_log(directory):
    """Sums meson-logs/testlog.json of a build directory."""
    total = Count()
    with open(directory / "meson-logs" / "testlog.json", encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            printed = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
            total.add(count_result(test["result"], printed))
    return total


def run_release():
    """What a release that is installed does for a program in C or C++, and in Python beside packages
    with a runtime of C++ of their own."""
    directory = builds.build("release-ci")
    tests = builds.ROOT / "tests"
    count = Count()
    for argv in ([tests / "install/install_test.py", directory],
                 [tests / "python/run_pytest.py", directory / "bindings/python", builds.ROOT / "build-python/venv",
                  f"--ignore={tests / 'python/test_engine.py'}", f"--ignore={tests / 'python/test_notebook.py'}"]):
        done = subprocess.run([sys.executable, "-B", *map(str, argv)], check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode != 0:
            say(done.stdout[-20000:])
        count.add(count_result("OK" if done.returncode == 0 else "FAIL", done.stdout))
    return count


def run(profile_name, suites=(), *, wrap=False):
    """Builds a profile, runs its suites and returns the counts."""
    profile = builds.PROFILES[profile_name]
    directory = builds.configure(profile_name, wrap=wrap)
    names, targets = builds.tests_of(profile_name)
    part = bool(profile.skip_suites or profile.only_suites)
    builds.build(profile_name, targets=targets if part else ())
    note(f"testing {profile.directory}/")
    argv = ["meson", "test", "-C", str(directory), "--no-rebuild", "--print-errorlogs",
            "--num-processes", str(JOBS + profile.spare),
            "--timeout-multiplier", "1" if profile.compiler == "gcc" else "4"]
    for suite in suites:
        argv += ["--suite", suite]
    if part:
        argv += names
    log = directory / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    done = subprocess.run(argv, env=builds.test_environment(profile), check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        say(done.stdout[-20000:])
    if not log.exists():
        raise DevError(f"{' '.join(argv)}: no test ran; the end of its output:\n"
                       f"{done.stdout[-2000:]}")
    count = count_log(directory)
    if done.returncode != 0 and count.failed == 0:
        raise DevError(f"meson test: exit {done.returncode} although no test failed\n"
                       f"{tail(directory / 'meson-logs' / 'testlog.txt', 20)}")
    say(f"{profile.directory}: {count.passed} cases passed, {count.failed} cases failed, "
        f"{count.skipped} skipped")
    return count
