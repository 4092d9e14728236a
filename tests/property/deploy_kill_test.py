#!/usr/bin/env python3
"""Deploys, rollbacks and recoveries, killed after every system call that can change
a file, and with every such call failing.

    deploy_kill_test.py DEPLOY_CHILD [--sanitized] [part...]

--sanitized: the runtime of a sanitizer makes thousands of calls of its own, so
calls about the scene's files only; and of those one kill in six and one failure in
nine, since a killed process tells a sanitizer nothing and the unsanitized
run goes through all of them.

The skill is installed in the folders of several hosts: two copies of its own
and links to them. Whatever happens, each file holds the old or the new bytes,
never less; a run that reports success made the change, one that reports a
failure did not; after the recovery all files are on the same side, nothing of
ours lies beside them, and the store agrees; and then the change can be made.
Prints "N passed, N failed".
"""

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

CHILD = Path(sys.argv[1]).resolve()
SANITIZED = "--sanitized" in sys.argv
WANTED = [a for a in sys.argv[2:] if a != "--sanitized"]

SPACE = {"write", "pwrite64", "ftruncate", "fallocate", "mkdir"}
DISK = SPACE - {"ftruncate"} | {"fsync", "fdatasync", "renameat2", "rename", "unlink", "fchmod"}
FAILING = {"openat": ("EACCES", "ENOSPC"), "write": ("ENOSPC", "EIO"), "pwrite64": ("ENOSPC", "EIO"),
           "ftruncate": ("ENOSPC",), "fallocate": ("ENOSPC",), "mkdir": ("ENOSPC",),
           "fsync": ("EIO",), "fdatasync": ("EIO",), "renameat2": ("EIO",), "rename": ("EIO",),
           "unlink": ("EIO",), "fchmod": ("EPERM",)}
READS = {"access", "close", "faccessat2", "fcntl", "fstat", "fstatfs", "getdents64", "lseek", "lstat", "mmap", "munmap",
         "newfstatat", "pread64", "read", "readlink", "stat", "statfs", "statx"}
NO_EXCHANGE = "inject=renameat2:error=EINVAL"  # as on file systems that cannot exchange

BODY = b"\n# PDF\n\nBody.\n"
# Folder, mode, bytes before, bytes after.
COPIES = (
    ("claude/skills/pdf", 0o644,
     b"---\nname: pdf\ndescription: Old words.\n---\n" + BODY,
     b"---\nname: pdf\ndescription: New words about forms.\n---\n" + BODY),
    ("codex/skills/pdf", 0o600,
     b"---\r\nname: pdf\r\ndescription: >-\r\n  Old words.\r\n---\r\n" + BODY * 400,
     b"---\r\nname: pdf\r\ndescription: >-\r\n  New words about forms.\r\n---\r\n" + BODY * 400),
)
LINKS = (("agents/skills", "pdf", "../../claude/skills/pdf"),
         ("opencode/skills/pdf", "SKILL.md", "../../../codex/skills/pdf/SKILL.md"))


class Scene:
    """A state folder and the skill in the folders of several hosts."""

    def __init__(self, base, replicas):
        self.root = base / "scene"
        self.replicas = COPIES if replicas else COPIES[:1]
        self.links = LINKS if replicas else ()
        self.kept = {}  # name: a copy of all this to come back to

    def make(self):
        shutil.rmtree(self.root, ignore_errors=True)
        plan = []
        for i, (folder, mode, old, new) in enumerate(self.replicas):
            file = self.root / folder / "SKILL.md"
            file.parent.mkdir(parents=True)
            file.write_bytes(old)
            file.chmod(mode)
            (self.root / f"new{i}").write_bytes(new)
            plan.append((file, self.root / f"new{i}"))
        for i, (folder, name, to) in enumerate(self.links):
            (self.root / folder).mkdir(parents=True)
            (self.root / folder / name).symlink_to(to)
            link = self.root / folder / "pdf/SKILL.md" if name == "pdf" else self.root / folder / name
            plan.append((link, self.root / f"new{i}"))
        (self.root / "plan").write_text("".join(f"{path}\t{new}\n" for path, new in plan))
        self.must("prepare")
        self.keep("prepared")

    def keep(self, name):
        self.kept[name] = self.root.parent / name
        shutil.copytree(self.root, self.kept[name], symlinks=True)

    def back_to(self, name):
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.kept[name], self.root, symlinks=True)

    def run(self, *commands, strace=()):
        return subprocess.run([*strace, str(CHILD), str(self.root / "state"),
                               str(self.root / "plan"), *commands],
                              capture_output=True, text=True, check=False)

    def must(self, *commands):
        done = self.run(*commands)
        if done.returncode != 0:
            sys.exit(f"{commands}: {done.stderr}")
        return done.stdout

    def files(self):
        """For each copy "old" or "new", or what is wrong with it."""
        out = []
        for folder, mode, old, new in self.replicas:
            file = self.root / folder / "SKILL.md"
            now = file.read_bytes() if file.exists() else None
            side = "old" if now == old else "new" if now == new else f"{file}: {str(now)[:60]}"
            if now is not None and file.stat().st_mode & 0o7777 != mode:
                side = f"{file}: mode {oct(file.stat().st_mode)}"
            out.append(side)
        for folder, name, to in self.links:
            link = self.root / folder / name
            if not link.is_symlink() or os.readlink(link) != to:
                out.append(f"{link}: no link any more")
        return out

    def litter(self):
        out = []
        for folder, *_ in (*self.replicas, *self.links):
            out += [p.name for p in (self.root / folder).iterdir()
                    if p.name not in ("SKILL.md", "pdf")]
        return out


def calls_of(scene, command, strace_options):
    """(name, ordinal, calls of each name so far, whether it is about the scene's
    files) of every system call from the program's start to its end."""
    log = scene.root.parent / "log"
    done = scene.run(command, strace=("strace", "-f", "-qq", "-y", "-s", "0", "-o", str(log),
                                      *strace_options))
    if done.returncode != 0:
        sys.exit(f"an undisturbed {command} failed: {done.stderr}")
    seen, out = Counter(), []
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"\d+ +([a-z0-9_]+)\(", line)
        if not match:
            continue
        seen[match.group(1)] += 1
        out.append((match.group(1), seen[match.group(1)], Counter(seen), str(scene.root) in line))
    if not any(name == "renameat2" and ours for name, _, _, ours in out):
        sys.exit(f"the log of {command} shows no change of a file")
    return out


def kills(calls):
    """Where a call about the scene's files may have changed them since the kill before: at all
    calls between two of those a kill finds the same bytes. The first is at the program's start."""
    changed = True
    for name, n, _, ours in calls:
        # Before execve there is no program of ours.
        if changed and name != "execve" and (ours or not SANITIZED):
            yield f"killed at {name} {n}", [f"inject={name}:signal=SIGKILL:when={n}"]
            changed = False
        changed = changed or (ours and name not in READS)


def failures(calls):
    for name, n, _, _ in calls:
        for error in FAILING.get(name, ()):
            yield f"{name} {n} fails with {error}", [f"inject={name}:error={error}:when={n}"]


def lasting(calls, names, error):
    """From one call on every call of its kind fails: the disk is full, or gone."""
    for name, _, seen, _ in calls:
        if name in names:
            before = Counter(seen)
            before[name] -= 1
            yield (f"{error} from {name} {seen[name]} on",
                   [f"inject={each}:error={error}:when={before[each] + 1}+" for each in sorted(names)])


def traced(log, injections):
    """strace that prints the calls in question only. Not with --seccomp-bpf: that
    is faster and delivers no signals."""
    names = ",".join(sorted({i.split("=")[1].split(":")[0] for i in injections}))
    options = [x for i in injections for x in ("-e", i)]
    return ("strace", "-f", "-o", str(log), "-s", "0", "-e", f"trace={names}", *options)


def state_problem(lines, side):
    """What is wrong with the printed state when all files are on `side`."""
    rows = {i: (kind, state) for word, i, kind, state in
            (x.split() for x in lines if x.startswith("row "))}
    journals = {i: ending for word, i, ending in
                (x.split() for x in lines if x.startswith("journal "))}
    in_effect = [i for i, row in rows.items() if row == ("deploy", "deployed")]
    rolled_back = [i for i, row in rows.items() if row == ("deploy", "rolled_back")]
    for i, (kind, state) in rows.items():
        if journals.get(i) != ("deployed" if state == "rolled_back" else state):
            return f"{kind} {i}: the store says {state}, the journal {journals.get(i)}"
    if (side == "new") != (len(in_effect) == 1):
        return f"files {side}, deploys in effect: {in_effect}"
    want = "deployed" if side == "new" else "rolled_back" if rolled_back else "approved"
    if f"proposal {want}" not in lines or "chain ok" not in lines:
        return f"files {side}, but {[x for x in lines if x.split()[0] in ('proposal', 'chain')]}"
    if "rests yes" not in lines and (side == "new" or rolled_back):
        return "the skill does not rest after it was changed"
    return None


def problem(scene, command, done, goal):
    """Why the scene is not as it has to be after `command` ended like `done`."""
    files = scene.files()
    if not set(files) <= {"old", "new"}:
        return f"right after it: {files}"
    start = "old" if goal == "new" else "new"
    if command != "recover" and done.returncode == 0 and set(files) != {goal}:
        return f"reported success, files {files}"
    if command != "recover" and done.returncode == 1 and set(files) != {start}:
        return f"reported {done.stderr.strip()}, files {files}"
    settled = scene.run("recover", "recover", "state")
    if settled.returncode != 0:
        return f"recovery failed: {settled.stderr.strip()}"
    lines = settled.stdout.splitlines()
    if "conflicted 0" not in lines[0] or lines[1] != "finished 0 aborted 0 conflicted 0":
        return f"recoveries: {lines[:2]}"
    files = scene.files()
    if files not in (["old"] * len(files), ["new"] * len(files)):
        return f"after the recovery: {files}"
    if scene.litter():
        return f"left behind {scene.litter()}"
    wrong = state_problem(lines[2:], files[0])
    if wrong is not None or files[0] == goal:
        return wrong
    again = scene.run("deploy" if goal == "new" else "rollback", "state")
    if again.returncode != 0 or set(scene.files()) != {goal}:
        return f"cannot be made afterwards: {again.stderr.strip()} {scene.files()}"
    return state_problem(again.stdout.splitlines(), goal)


class Part:
    """One operation in one setting; its cases are independent of each other."""

    def __init__(self, name, replicas, command, goal, fixed=()):
        self.name, self.replicas, self.command, self.goal = name, replicas, command, goal
        self.fixed = list(fixed)  # injections of every case

    def prepare(self, base):
        """The scene, with the state to begin at kept as "begin"."""
        scene = Scene(base, self.replicas)
        scene.make()
        if self.command == "rollback":
            scene.must("deploy")
        if self.command == "recover":  # one file is swapped, the other is not
            scene.run("deploy", strace=traced(base / "log",
                                              ["inject=renameat2:signal=SIGKILL:when=2"]))
            if scene.files() != ["new", "old"]:
                sys.exit(f"a deploy killed at its second swap: {scene.files()}")
        scene.keep("begin")
        return scene

    def cases(self, scene):
        options = [x for i in self.fixed for x in ("-e", i)]
        calls = calls_of(scene, self.command, options)
        yield from list(kills(calls))[::6 if SANITIZED else 1]
        if not self.fixed:
            calls = [call for call in calls if call[3]]
            syncs = [call for call in calls if call[0] in ("fsync", "fdatasync", "renameat2")]
            failing = [*failures(calls), *lasting(calls, SPACE, "ENOSPC"), *lasting(syncs, DISK, "EIO")]
            yield from failing[::9 if SANITIZED else 1]

    def check(self, scene, injections):
        scene.back_to("begin")
        log = scene.root.parent / "log"
        done = scene.run(self.command, strace=traced(log, self.fixed + injections))
        text = log.read_text(errors="replace")
        done_to = "killed by SIGKILL" if "SIGKILL" in injections[0] else "(INJECTED)"
        if done_to not in text:
            return f"nothing happened to it: {text[-200:]}"
        return problem(scene, self.command, done, self.goal)


PARTS = (
    Part("deploy of one file", False, "deploy", "new"),
    Part("deploy of replicas", True, "deploy", "new"),
    Part("deploy without exchange", True, "deploy", "new", [NO_EXCHANGE]),
    Part("rollback of one file", False, "rollback", "old"),
    Part("rollback of replicas", True, "rollback", "old"),
    Part("recovery of replicas", True, "recover", "new"),
)


def run_part(part, bases):
    """[problem or None] of all cases, worked off by one thread a base folder."""
    scenes = [part.prepare(base / part.name.replace(" ", "_")) for base in bases]
    work, out = queue.Queue(), []
    for case in part.cases(scenes[0]):
        work.put(case)

    def worker(scene):
        while True:
            try:
                what, injections = work.get_nowait()
            except queue.Empty:
                return
            found = part.check(scene, injections)
            out.append(None if found is None else f"{part.name}, {what}: {found}")

    threads = [threading.Thread(target=worker, args=(scene,)) for scene in scenes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def main():
    if shutil.which("strace") is None:
        sys.exit("strace is missing; run: apt-get install strace")
    os.umask(0o022)
    # Memory instead of a disk: there are thousands of flushes.
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    results = []
    with tempfile.TemporaryDirectory(prefix="selftune-kill-", dir=shm) as folder:
        bases = [Path(folder) / str(i) for i in range(len(os.sched_getaffinity(0)))]
        for part in PARTS:
            if not WANTED or any(word in part.name for word in WANTED):
                results += run_part(part, bases)
    failed = [x for x in results if x is not None]
    for line in failed:
        print(line)
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
