#!/usr/bin/env python3
"""Compares the public headers with those of the last release.

    check_abi.py HEADERS BASELINE [--accept]

A program built against the baseline must keep working. Of each set of headers a
small C library is made that defines every function; abidiff compares the two.
The library proper cannot differ from its header (it includes it), so this sees
what callers see, and nothing of the C++ behind it. Macros are compared, too:
abidiff does not know them.

New functions, new macros and new headers are compatible. --accept makes the
present headers the baseline; do so with a release.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMPILER = shlex.split(os.environ.get("CC", "cc"))
FUNCTION = re.compile(r'(__attribute__\(\(visibility\("default"\)\)\)[^;{}]*\))\s*;')
MACRO = re.compile(r"^#define (SELFTUNE_\w+(?:\([^)]*\))?) ?(.*)$", re.MULTILINE)
# Differ from release to release and between building and using.
NOT_ABI = re.compile(r"SELFTUNE_(VERSION_\w+|API|BUILDING|\w+_H_)$")
INCOMPATIBLE = 4 | 8  # bits of abidiff's exit status: changed, changed for sure


def run(argv):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)


def must(argv):
    done = run(argv)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(str(a) for a in argv)}: exit {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
    return done.stdout


def headers(folder):
    return sorted(path.name for path in Path(folder).glob("*.h"))


def includes(folder, work):
    """A source that includes all headers as <selftune/...>, and its -I flag."""
    root = work / "include"
    (root / "selftune").mkdir(parents=True)
    for name in headers(folder):
        shutil.copy(Path(folder) / name, root / "selftune" / name)
    source = work / "all.c"
    source.write_text("".join(f"#include <selftune/{name}>\n" for name in headers(folder)))
    return source, f"-I{root}"


def stub_library(folder, work):
    """A library in C with the types and functions of the headers."""
    source, flag = includes(folder, work)
    text = must([*COMPILER, "-std=gnu11", "-E", "-P", flag, source])
    stubs = work / "stubs.c"
    stubs.write_text(FUNCTION.sub(r"\1 { __builtin_trap(); }", text))
    library = work / "libselftune.so"
    must([*COMPILER, "-std=gnu11", "-w", "-g", "-shared", "-fPIC", "-fvisibility=hidden", stubs,
          "-o", library, "-Wl,-soname,libselftune.so"])
    return library


def macros(folder, work):
    source, flag = includes(folder, work)
    found = MACRO.findall(must([*COMPILER, "-std=gnu11", "-E", "-dM", flag, source]))
    return {name: value for name, value in found if not NOT_ABI.match(name)}


def changed_macros(now, before):
    return ([f"{name} is gone" for name in sorted(before) if name not in now] +
            [f"{name} was {before[name]}, is {now[name]}" for name in sorted(before)
             if name in now and now[name] != before[name]])


def differences(present, baseline):
    """What breaks programs built against the baseline; [] = nothing."""
    gone = [f"header {name} is gone" for name in headers(baseline) if name not in headers(present)]
    with tempfile.TemporaryDirectory(prefix="selftune-abi-") as scratch:
        work = [Path(scratch) / name for name in ("now", "before", "macros-now", "macros-before")]
        for folder in work:
            folder.mkdir()
        found = changed_macros(macros(present, work[2]), macros(baseline, work[3]))
        report = run(["abidiff", "--no-added-syms", "--fail-no-debug-info",
                      stub_library(baseline, work[1]), stub_library(present, work[0])])
    if report.returncode & ~INCOMPATIBLE:
        raise SystemExit(f"abidiff: exit {report.returncode}\n{report.stdout}{report.stderr}")
    return gone + found + ([report.stdout] if report.returncode else [])


def accept(present, baseline):
    shutil.rmtree(baseline, ignore_errors=True)
    Path(baseline).mkdir(parents=True)
    for name in headers(present):
        shutil.copy(Path(present) / name, Path(baseline) / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("headers")
    parser.add_argument("baseline")
    parser.add_argument("--accept", action="store_true")
    args = parser.parse_args()
    if args.accept:
        accept(args.headers, args.baseline)
        return 0
    if not headers(args.baseline):
        raise SystemExit(f"{args.baseline}: no header to compare with")
    found = differences(args.headers, args.baseline)
    for problem in found:
        print(problem)
    if found:
        print(f"programs built against {args.baseline} would break; if that is meant, list it in "
              "CHANGELOG.md under ABI and run tools/check_abi.py with --accept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
