"""The main job of `./dev run`: read transcripts, show what was found."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import builds
from common import ROOT, DevError, note

# What was read, which skills fire, which were missed and why, what would be done next.
LOOP = (["sync"], ["status", "--window", "{window}"], ["evidence", "--outcome", "missed", "--limit", "10"],
        ["orchestrate", "--dry-run"])


def run(directory):
    """Sync, status, misses and plan on the person's own sessions, or on recordings."""
    selftune = builds.find_tool(directory, "frontends/cli/selftune")
    home = Path(os.environ.get("HOME", "/nonexistent"))
    if has_sessions(selftune):
        note(f"reading the agent sessions under {home}")
        return show(selftune, dict(os.environ), "30d")
    note("no agent sessions found under your home; "
         "showing the recorded sessions of tests/data/hosts in a temporary home instead")
    with tempfile.TemporaryDirectory(prefix="selftune-demo-") as scratch:
        demo = Path(scratch)
        copy_recordings(demo)
        env = dict(os.environ, HOME=str(demo), SELFTUNE_HOME=str(demo / ".selftune"))
        return show(selftune, env, "3650d")  # recordings grow old


def show(selftune, env, window):
    """What a person sees first. The only place that names commands."""
    for words in LOOP:
        command = [word.format(window=window) for word in words]
        note("$ selftune " + " ".join(command))
        done = subprocess.run([str(selftune), *command, "--text"], env=env, check=False)
        if done.returncode != 0:
            return done.returncode
    return 0


def has_sessions(selftune):
    """Whether a sync would find any file of a host; itself it reads none."""
    done = subprocess.run([str(selftune), "sync", "--dry-run", "--json"], stdout=subprocess.PIPE,
                          check=False)
    data = json.loads(done.stdout)["data"]
    if done.returncode != 0 or data is None:
        raise DevError("selftune sync --dry-run failed, see above")
    return any(source["scanned"] for source in data["sources"].values())


def copy_recordings(home):
    """Lays the bundled recordings of all hosts into one home."""
    recordings = sorted((ROOT / "tests/data/hosts").glob("*/home"))
    recordings += sorted((ROOT / "tests/data/hosts").glob("*/*/home/dev"))
    if not recordings:
        raise DevError("tests/data/hosts: no recorded home found")
    for recording in recordings:
        shutil.copytree(recording, home, dirs_exist_ok=True, symlinks=True)
