"""What the generators share: they write what is out of date, or name it."""

import argparse
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def parser(doc):
    out = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is out of date")
    return out


def update(files, check, left_over=()):
    """Brings {path: text} up to date and removes what is left over; with `check`
    only says what it would do. The exit code."""
    stale = [p for p, text in files.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for path in sorted(stale) + sorted(left_over):
        print("%s: %s" % ("out of date" if check else "writing" if path in files else "removing",
                          path.relative_to(ROOT)))
    if check:
        return 1 if stale or left_over else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    for path in left_over:
        path.unlink()
    return 0
