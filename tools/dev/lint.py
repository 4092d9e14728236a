"""The lint steps. Each returns an error text, or None when all is well."""

import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import builds
from common import JOBS, ROOT, say
from suites import Count

NOT_OURS = re.compile(r"^(tests/data/|subprojects/|web/(node_modules|dist)/|.*\.golden$|"
                      r".*/corpus/|web/package-lock\.json$|tests/tools/vendor/)")


def run(with_tidy=False, changed_only=False):
    steps = [("layers", layers), ("format", formatting), ("spelling", spelling),
             ("generated files", generated)]
    if with_tidy:
        steps.append(("clang-tidy", lambda: tidy(changed_only)))
    return _count(steps)


def run_tidy():
    """clang-tidy alone, over every file."""
    return _count([("clang-tidy", tidy)])


def _count(steps):
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


def generators():
    """The scripts whose output is kept in the tree."""
    tools = ROOT / "tools"
    return [*sorted(tools.glob("gen_*.py")), tools / "embed_skill.py", tools / "embed_sql.py"]


def fix():
    """Rewrites what a tool can put right by itself."""
    _run(["clang-format-19", "-i", *our_files(".cc", ".h", ".c")])
    for script in generators():
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
    """Every generator knows with --check whether its output is up to date."""
    problems = []
    for script in generators():
        done = _run([sys.executable, "-B", str(script), "--check"])
        if done.returncode:
            problems.append(f"{script.name} --check: exit {done.returncode}\n{done.stdout}")
    return "\n".join(problems) or None


def tidy(changed_only=False):
    """Seconds a file: every file in CI, those that differ from HEAD with --changed."""
    database = builds.configure("ci")  # the sanitizers' asks for a precompiled header
    files = our_files(".cc")
    if changed_only:
        changed = _run(["git", "diff", "--name-only", "HEAD"]).stdout.splitlines()
        files = [f for f in files if f in changed]
    with open(database / "compile_commands.json", encoding="utf-8") as commands:
        compiled = {(Path(c["directory"]) / c["file"]).resolve() for c in json.load(commands)}
    files = [f for f in files if f.startswith(("libselftune/src/", "frontends/", "bindings/"))
             and (ROOT / f).resolve() in compiled]

    def one(file):
        done = _run(["clang-tidy-19", "-p", str(database), "--extra-arg=-Wno-error", "--quiet", file])
        return done.stdout if done.returncode else ""

    with ThreadPoolExecutor(JOBS) as pool:
        problems = [p for p in pool.map(one, files) if p]
    say(f"clang-tidy: {len(files)} files checked")
    return "\n".join(re.sub(r"^\d+ warnings? .*\n", "", p, flags=re.MULTILINE)
                     for p in problems) or None
