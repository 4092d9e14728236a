"""Running programs and comparing them: CPU, memory and bytes of whole processes."""

import os
import statistics
import sys
from dataclasses import dataclass


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
