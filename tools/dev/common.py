"""What every ./dev command shares: paths, messages, running other programs."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOBS = os.cpu_count() or 2


class DevError(Exception):
    """A command cannot go on; the text says what was tried and what to do."""


def say(text):
    print(text, flush=True)


def note(text):
    print(f"dev: {text}", file=sys.stderr, flush=True)


def tail(path, lines=40):
    """The last lines of a log file, for a message about a failure."""
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def run_logged(argv, log, *, cwd=ROOT, env=None, what):
    """Runs argv with all output in `log`; on failure shows its end and raises."""
    log = Path(log)
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as out:
        out.write(f"\n$ {' '.join(map(str, argv))}\n".encode())
        out.flush()
        done = subprocess.run(
            [str(a) for a in argv], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise DevError(f"{what}: exit {done.returncode}; the end of {log}:\n{tail(log)}")
