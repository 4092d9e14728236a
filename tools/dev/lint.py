"""The lint steps. Each returns an error text, or None when all is well."""

import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import builds
import grouped
from common import JOBS, ROOT, say
from suites import Count

NOT_OURS = re.compile(r"^(tests/data/|subprojects/|web/(node_modules|dist)/|.*\.golden$|"
                      r".*/corpus/|web/package-lock\.json$|tests/tools/vendor/)")


TIDY = ("libselftune", "frontends", "bindings")  # whose sources clang-tidy reads


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
    """Every file in CI, in groups; those that differ from HEAD with --changed."""
    database = builds.configure("ci")
    files = our_files(".cc")
    if changed_only:
        changed = _run(["git", "diff", "--name-only", "HEAD"]).stdout.splitlines()
        files = [f for f in files if f in changed]
    with open(database / "compile_commands.json", encoding="utf-8") as text:
        commands = {grouped.source_of(c): c for c in grouped.alone(json.load(text))}
    commands = [commands[path] for path in ((ROOT / f).resolve() for f in files)
                if path in commands and path.relative_to(ROOT).parts[0] in TIDY]
    groups = [[c] for c in commands] if changed_only else list(grouped.units(commands))
    problems = findings(groups, database / "tidy")
    say(f"clang-tidy: {len(commands)} files checked in {len(groups)} units")
    return "\n".join(re.sub(r"^\d+ warnings? .*\n", "", p, flags=re.MULTILINE)
                     for p in problems) or None


def findings(groups, folder):
    """What clang-tidy finds in groups of compile commands, whose units are written to folder."""
    units = grouped.write(groups, folder)

    def one(index):
        problem = _tidy_one(folder, units[index])
        if not problem or len(groups[index]) == 1:
            return problem
        # It may come from the company: each file by itself decides.
        apart = folder / f"apart{index}"
        return "".join(_tidy_one(apart, unit) for unit in grouped.write([[c] for c in groups[index]], apart))

    largest_first = sorted(range(len(groups)), key=lambda i: -len(groups[i]))
    with ThreadPoolExecutor(JOBS) as pool:
        return [p for p in pool.map(one, largest_first) if p]


def _tidy_one(database, file):
    done = _run(["clang-tidy-19", "-p", str(database), "--extra-arg=-Wno-error", "--quiet", str(file)])
    return done.stdout if done.returncode else ""
