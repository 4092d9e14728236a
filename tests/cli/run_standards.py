#!/usr/bin/env python3
"""Runs the tests that need other people's packages: the official client of MCP and the
validator of Agent Skills.

    run_standards.py SELFTUNE SKILL_DIR VENV_DIR

The environment is made from requirements.txt once, by name from PyPI, and again
when that file changes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))


def environment(venv):
    import run_pytest
    run_pytest.HERE = HERE
    return run_pytest.environment(venv)


def main():
    selftune, skill, venv = (Path(a).resolve() for a in sys.argv[1:4])
    python = environment(venv)
    with tempfile.TemporaryDirectory(prefix="selftune-standards-") as scratch:
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": scratch, "LANG": "C.UTF-8",
               "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": scratch}
        failed = subprocess.run([python, HERE / "mcp_client.py", selftune], env=env, check=False).returncode != 0
        placed = Path(scratch) / "selftune"  # a skill lies in a folder of its name
        shutil.copytree(skill, placed)
        valid = subprocess.run([python.parent / "agentskills", "validate", placed], env=env, check=False).returncode == 0
    print("%d passed, %d failed" % (int(valid), int(not valid)))
    return int(failed or not valid)


if __name__ == "__main__":
    sys.exit(main())
