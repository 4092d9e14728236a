#!/usr/bin/env python3
"""The dashboard's page: components in jsdom, then the whole in a browser.

    web_test.py WEB_DIR unit
    web_test.py WEB_DIR e2e SELFTUNE SELFTUNE_DASHBOARD [SELFTUNE_HOOK]

Needs npm; e2e also Chromium. Packages are installed from the lock file, once.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import embed_assets  # noqa: E402


def environment(scratch):
    """No state of the caller's home."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SELFTUNE_", "CLAUDE", "CODEX"))}
    return dict(env, CI="1", NO_COLOR="1", TZ="UTC", TMPDIR=scratch, HOME=scratch)


def unit(web, scratch):
    report = Path(scratch) / "vitest.json"
    done = subprocess.run(
        ["node", "node_modules/vitest/vitest.mjs", "run", "--reporter=default", "--reporter=json",
         f"--outputFile.json={report}"],
        cwd=web, env=environment(scratch), stdin=subprocess.DEVNULL, check=False)
    if not report.exists():
        return 0, 1
    counts = json.loads(report.read_text(encoding="utf-8"))
    failed = counts["numFailedTests"] + counts["numFailedTestSuites"] * (counts["numFailedTests"] == 0)
    if done.returncode != 0:
        failed = max(failed, 1)
    return counts["numPassedTests"], failed


def e2e(web, scratch, *programs):
    names = ("SELFTUNE", "SELFTUNE_DASHBOARD", "SELFTUNE_HOOK")
    env = environment(scratch) | {name: str(Path(program).resolve()) for name, program in zip(names, programs)}
    passed = failed = 0
    for file in sorted((web / "tests" / "e2e").glob("*.test.mjs")):
        done = subprocess.run(["node", "--test", "--test-reporter=tap", str(file)], cwd=web, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout, flush=True)
        good, bad = (int(found[1]) if (found := re.search(rf"^# {word} (\d+)$", done.stdout, re.M)) else 0
                     for word in ("pass", "fail"))
        passed += good
        failed += max(bad, 1) if done.returncode != 0 else bad
    return passed, failed


def main(argv):
    web, what = Path(argv[0]).resolve(), argv[1]
    embed_assets.install(web, "npm")
    with tempfile.TemporaryDirectory(prefix="selftune-web-") as scratch:
        passed, failed = unit(web, scratch) if what == "unit" else e2e(web, scratch, *argv[2:])
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
