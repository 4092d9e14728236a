"""The lint steps. Each returns an error text, or None when all is well."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import builds
from common import JOBS, ROOT, say
from suites import Count

# clang-tidy takes seconds a file, so it runs on request (--tidy, --changed) and
# within this budget: the files of the newest commits first, then round the
# others; the line it prints says how far it came. 0 = no limit.
TIDY_SECONDS = int(os.environ.get("SELFTUNE_TIDY_SECONDS", "360"))

NOT_OURS = re.compile(r"^(tests/data/|subprojects/|web/(node_modules|dist)/|.*\.golden$|"
                      r".*/corpus/|web/package-lock\.json$|tests/tools/vendor/)")


def run(with_tidy=False, changed_only=False):
    steps = [("layers", layers), ("format", formatting), ("spelling", spelling),
             ("generated files", generated)]
    if with_tidy:
        steps.append(("clang-tidy", lambda: tidy(changed_only)))
    count = Count()
    for name, step in steps:
        started = time.monotonic()
        problem = step()
        verdict = "FAILED" if problem else "ok"
        say(f"lint {name}: {verdict}, {time.monotonic() - started:.0f} s")
        if problem:
            say(problem)
            count.failed += 1
        else:
            count.passed += 1
    return count


def our_files(*suffixes):
    """Tracked and new files, without recordings and other people's code."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    return sorted({f for f in done.stdout.splitlines()
                   if not NOT_OURS.match(f) and (ROOT / f).is_file()
                   and (not suffixes or f.endswith(suffixes))})


def _run(argv):
    return subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)


def layers():
    done = _run([sys.executable, "-B", "tools/check_layers.py"])
    return done.stdout if done.returncode else None


def fix():
    """Rewrites what a tool can put right by itself."""
    _run(["clang-format-19", "-i", *our_files(".cc", ".h", ".c")])
    for script in sorted((ROOT / "tools").glob("gen_*.py")):
        _run([sys.executable, "-B", str(script)])


def formatting():
    files = our_files(".cc", ".h", ".c")
    done = _run(["clang-format-19", "--dry-run", "-Werror", *files])
    if done.returncode == 0:
        return None
    bad = sorted({line.split(":", 1)[0] for line in done.stdout.splitlines()
                  if "clang-format-violations" in line})
    return "run clang-format-19 -i " + " ".join(bad)


def spelling():
    files = [f for f in our_files(".cc", ".h", ".c", ".py", ".md", ".toml", ".ts", ".tsx",
                                  ".build", ".txt", ".sql") if "/phrases" not in f]
    done = _run(["codespell", "--ignore-words", "tools/codespell_ignore.txt", *files])
    return done.stdout if done.returncode else None


def generated():
    """Every tools/gen_*.py knows with --check whether its output is up to date."""
    problems = []
    for script in sorted((ROOT / "tools").glob("gen_*.py")):
        done = _run([sys.executable, "-B", str(script), "--check"])
        if done.returncode:
            problems.append(f"{script.name} --check: exit {done.returncode}\n{done.stdout}")
    return "\n".join(problems) or None


def tidy(changed_only):
    database = builds.configure("asan")
    files = [f for f in our_files(".cc") if f.startswith(("libselftune/src/", "frontends/"))]
    if not files:
        return None
    first = _changed_files() if changed_only else _recent_files()
    ordered = [f for f in first if f in set(files)]
    if not changed_only:
        turn = int(time.time() // 86400) * 37 % len(files)
        ordered += [f for f in files[turn:] + files[:turn] if f not in set(ordered)]
    return _tidy_until_late(database, ordered)


def _tidy_until_late(database, files):
    deadline = time.monotonic() + TIDY_SECONDS if TIDY_SECONDS else None
    problems = []

    def one(file):
        if deadline and time.monotonic() > deadline:
            return False
        done = _run(["clang-tidy-19", "-p", str(database), "--quiet", file])
        if done.returncode:
            problems.append(re.sub(r"^\d+ warnings? .*\n", "", done.stdout, flags=re.MULTILINE))
        return True

    with ThreadPoolExecutor(JOBS) as pool:
        checked = sum(pool.map(one, files))
    say(f"clang-tidy: {checked} of {len(files)} files checked")
    return "\n".join(problems) or None


def _changed_files():
    done = _run(["git", "diff", "--name-only", "HEAD"])
    return done.stdout.splitlines()


def _recent_files():
    """Files of the newest commits, newest first."""
    done = _run(["git", "log", "-20", "--name-only", "--format="])
    return list(dict.fromkeys(done.stdout.splitlines())) if done.returncode == 0 else []
