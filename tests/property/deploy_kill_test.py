#!/usr/bin/env python3
"""A deploy killed at every system call, and every system call failed.

    deploy_kill_test.py DEPLOY_CHILD [every-nth]

Whatever happens, the SKILL.md holds the old or the new bytes, never less; after
the recovery no temporary file is left, the journal is closed, and the store
agrees with the file. Prints "N passed, N failed".
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

CHILD = Path(sys.argv[1]).resolve()
STEP = int(sys.argv[2]) if len(sys.argv) > 2 else 1
OLD = b"---\nname: pdf\ndescription: Old words.\n---\n\n# PDF\n\nBody.\n"
NEW = b"---\nname: pdf\ndescription: New words about forms.\n---\n\n# PDF\n\nBody.\n"
# Calls that cannot change anything on disk are not worth a run each.
HARMLESS = {"mmap", "munmap", "mprotect", "brk", "fstat", "newfstatat", "read", "pread64", "lseek",
            "access", "getpid", "gettid", "getuid", "geteuid", "rt_sigaction", "rt_sigprocmask",
            "futex", "getrandom", "prlimit64", "arch_prctl", "set_tid_address", "set_robust_list",
            "rseq", "exit_group", "clock_gettime", "clock_nanosleep", "uname", "sysinfo",
            "getcwd", "readlink", "statfs", "fadvise64", "madvise", "close", "execve"}
FAILING = {"openat": "EACCES", "write": "ENOSPC", "pwrite64": "ENOSPC", "fsync": "EIO",
           "fdatasync": "EIO", "renameat2": "EIO", "rename": "EIO", "unlink": "EIO",
           "fchmod": "EPERM", "mkdir": "ENOSPC", "ftruncate": "ENOSPC"}


class Scene:
    """A state folder with an approved proposal, and the skill it is for."""

    def __init__(self, base, template):
        self.root = base / "scene"
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(template, self.root)
        self.skill = self.root / "skill" / "SKILL.md"
        self.state = self.root / "state"

    def run(self, *command, strace=()):
        return subprocess.run([*strace, str(CHILD), str(self.state), *command],
                              capture_output=True, text=True, check=False)

    def deploy(self, strace=()):
        return self.run("deploy", str(self.skill), str(self.root / "new.md"), strace=strace)


def make_template(base):
    template = base / "template"
    (template / "skill").mkdir(parents=True)
    (template / "skill" / "SKILL.md").write_bytes(OLD)
    (template / "new.md").write_bytes(NEW)
    done = subprocess.run([str(CHILD), str(template / "state"), "prepare",
                           str(template / "skill" / "SKILL.md")], check=False)
    if done.returncode != 0:
        sys.exit("prepare failed")
    return template


def calls_of_a_deploy(base, template):
    """(name, ordinal) of each call from the first one in the state folder on."""
    scene = Scene(base, template)
    log = base / "log"
    done = scene.deploy(strace=("strace", "-qq", "-o", str(log)))
    if done.returncode != 0 or scene.skill.read_bytes() != NEW:
        sys.exit(f"an undisturbed deploy failed: {done.stderr}")
    seen, begun, out = Counter(), False, []
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"([a-z0-9_]+)\(", line)
        if not match:
            continue
        name = match.group(1)
        seen[name] += 1
        begun = begun or str(scene.state) in line
        if begun and name not in HARMLESS:
            out.append((name, seen[name]))
    return out


def problems(scene, what):
    """Why the scene is not as it has to be after the recovery."""
    now = scene.skill.read_bytes() if scene.skill.exists() else None
    if now not in (OLD, NEW):
        return f"{what}: the file holds {now!r}"
    if scene.skill.stat().st_mode & 0o777 != 0o644:
        return f"{what}: mode {oct(scene.skill.stat().st_mode)}"
    recovered = scene.run("recover")
    if recovered.returncode != 0:
        return f"{what}: recovery failed: {recovered.stderr.strip()}"
    if "conflicted 0" not in recovered.stdout:
        return f"{what}: {recovered.stdout.strip()}"
    again = scene.run("recover")
    if again.stdout.strip() != "finished 0 aborted 0 conflicted 0":
        return f"{what}: a second recovery found work: {again.stdout.strip()}"
    after = scene.skill.read_bytes()
    if after not in (OLD, NEW):
        return f"{what}: after the recovery the file holds {after!r}"
    litter = [p.name for p in scene.skill.parent.iterdir() if p.name != "SKILL.md"]
    if litter:
        return f"{what}: left behind {litter}"
    state = scene.run("state")
    if state.returncode != 0:
        return f"{what}: {state.stderr.strip()}"
    deployed = "deploy deployed" in state.stdout
    if deployed != (after == NEW):
        return f"{what}: file {'new' if after == NEW else 'old'}, store says {state.stdout.split()}"
    if ("proposal deployed" in state.stdout) != deployed or "chain ok" not in state.stdout:
        return f"{what}: {state.stdout.split()}"
    return None


def main():
    if shutil.which("strace") is None:
        sys.exit("strace is missing; run: apt-get install strace")
    os.umask(0o022)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="selftune-kill-") as folder:
        base = Path(folder)
        template = make_template(base)
        calls = calls_of_a_deploy(base, template)
        cases = [(f"killed at {name} {n}", f"inject={name}:signal=SIGKILL:when={n}")
                 for name, n in calls]
        cases += [(f"{name} {n} fails with {FAILING[name]}",
                   f"inject={name}:error={FAILING[name]}:when={n}")
                  for name, n in calls if name in FAILING]
        for what, inject in cases[::STEP]:
            scene = Scene(base, template)
            scene.deploy(strace=("strace", "-qq", "-o", "/dev/null", "-e", inject))
            problem = problems(scene, what)
            if problem is None:
                passed += 1
            else:
                failed += 1
                print(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
