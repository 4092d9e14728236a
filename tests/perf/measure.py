"""Running programs and comparing them: CPU, memory and bytes of whole processes."""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What one finished process used."""

    cpu: float  # seconds, user + system, with its reaped children
    wall: float  # seconds
    peak: int  # bytes of resident memory
    read: int  # bytes by read system calls; -1 where the kernel does not say


class ProgramFailed(Exception):
    pass


LAUNCHER = None  # tests/perf/launch of the build; set by use_build()


def use_build(build):
    global LAUNCHER
    LAUNCHER = str(build / "tests" / "perf" / "launch")


def run(argv, env, stdin=os.devnull, accept=(0,), output=os.devnull):
    """Runs a program to its end; raises unless its exit status is accepted."""
    argv = [LAUNCHER, *(str(a) for a in argv)]
    reading, writing = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, str(stdin), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 3),
    ]
    pid = os.posix_spawn(LAUNCHER, argv, env, file_actions=actions)
    os.close(writing)
    with open(reading, encoding="ascii") as file:
        line = file.readline()
    os.waitpid(pid, 0)
    if not line:
        raise ProgramFailed(f"{' '.join(argv[1:])}: did not start")
    code, cpu_us, wall_ns, peak_kib, read = map(int, line.split())
    if code not in accept:
        raise ProgramFailed(f"{' '.join(argv[1:])}: exit {code}")
    return Usage(cpu_us / 1e6, wall_ns / 1e9, peak_kib * 1024, read)


def reads_by_file(argv, env, ending=".jsonl"):
    """Bytes that a run read of each file with such a name, by strace; its output.

    A file that is mapped is an error: what is read of it cannot be told.
    """
    with tempfile.TemporaryDirectory(prefix="selftune-strace-") as folder:
        done = subprocess.run(
            ["strace", "-ff", "-y", "-qq", "-s", "0", "-o", f"{folder}/log",
             "-e", "trace=read,pread64,readv,preadv,preadv2,mmap", *(str(a) for a in argv)],
            env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ProgramFailed(f"{argv}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        lines = [line for log in Path(folder).iterdir()
                 for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    out = {}
    for line in lines:
        call = re.match(r"(\w+)\(.*?\d+<(\S+)>.* = (\w+)$", line)
        if call is None or not call.group(2).endswith(ending):
            continue
        if call.group(1) == "mmap":
            raise ProgramFailed(f"mapped: {line}")
        path = Path(call.group(2))
        out[path] = out.get(path, 0) + int(call.group(3))
    return out


def pairs(subject, yardstick, count):
    """Interleaves both (A Y A Y ...); returns their two lists of results."""
    subjects, yards = [], []
    for _ in range(count):
        subjects.append(subject())
        yards.append(yardstick())
    return subjects, yards


@dataclass(frozen=True)
class Ratio:
    """Median of pairwise ratios, with the extremes."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(numbers):
        return Ratio(statistics.median(numbers), min(numbers), max(numbers))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)
