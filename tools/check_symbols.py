#!/usr/bin/env python3
"""Compares the names a shared library exports with the kept list.

    check_symbols.py LIBRARY GOLDEN [--accept]

A name that appears or goes is an ABI change: it is reviewed by accepting it
here (or with SELFTUNE_ACCEPT=1) and noted in CHANGELOG.md under "ABI".
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HEADER = "# Exported symbols of libselftune.so; tools/check_symbols.py compares.\n"


def parse_nm(output):
    """Names of `nm -D --defined-only`, without versions and version nodes."""
    names = set()
    for line in output.splitlines():
        fields = line.split()
        if len(fields) < 3 or fields[1] == "A":
            continue
        names.add(fields[2].split("@", 1)[0])
    return names


def exported(library):
    done = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True,
                          text=True, check=True)
    return parse_nm(done.stdout)


def read_golden(path):
    if not Path(path).exists():
        return set()
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def differences(have, want):
    return ([f"added, not in the list: {n}" for n in sorted(have - want)] +
            [f"gone, still in the list: {n}" for n in sorted(want - have)] +
            [f"not prefixed selftune_: {n}" for n in sorted(have)
             if not n.startswith("selftune_")])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("golden")
    parser.add_argument("--accept", action="store_true")
    args = parser.parse_args()
    have = exported(args.library)
    if args.accept or os.environ.get("SELFTUNE_ACCEPT") == "1":
        Path(args.golden).write_text(HEADER + "".join(f"{n}\n" for n in sorted(have)),
                                     encoding="utf-8")
        return 0
    found = differences(have, read_golden(args.golden))
    for line in found:
        print(f"{args.golden}: {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
