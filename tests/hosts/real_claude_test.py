#!/usr/bin/env python3
"""The loop through the real `claude`, without a network.

    real_claude_test.py SELFTUNE FOLDER

Installs the pinned Claude Code from npm into FOLDER once, then runs
tests/e2e/loop_test.py in a network namespace of its own that has nothing but
loopback. Exit 77 (skipped) when npm cannot fetch it or the kernel refuses the
namespace; both are said.
"""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import npm_agent  # noqa: E402
import ways  # noqa: E402

LOOP = Path(__file__).resolve().parents[1] / "e2e" / "loop_test.py"


def main():
    if sys.argv[1] == "--inside":
        npm_agent.raise_loopback()
        os.execv(sys.executable, [sys.executable, "-B", str(LOOP), *sys.argv[2:]])
    return ways.Claude.agent.run_inside(__file__, Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())


if __name__ == "__main__":
    sys.exit(main())
