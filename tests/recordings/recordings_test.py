#!/usr/bin/env python3
"""Every recorded home, read by the program and compared with its ground truth.

    recordings_test.py SELFTUNE DATA_DIR

For each EXPECTED.json below DATA_DIR: a first sync from nothing, the comparison
through the public views; then a second and a forced sync, after which the
evidence must be the same. Then, by three seeds, the transcripts appear one group after the other
in any order, each cut at any byte and completed later, with a sync between
(documents too: one that is cut off says nothing until it is whole); every file of the home but
the installed skills comes in any order, those beside the transcripts after them, and cut off at first;
and five syncs of one store run at once. Of rollouts, compressed copies are read
in their place, and instead of them after they were read.
Prints what hosts_check prints.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "perf"))

import subject as programs  # noqa: E402

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed", re.MULTILINE)


def sync(selftune, home, *options):
    state = home / ".selftune"
    done = subprocess.run([str(selftune), "sync", *options], capture_output=True, text=True,
                          env=programs.Subject.env(home, state), check=False)
    if done.returncode != 0:
        raise RuntimeError(f"sync {' '.join(options)}: exit {done.returncode}\n"
                           f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return programs.database(state)


def check(database, expected):
    """Facts that agree and facts that do not."""
    done = subprocess.run(
        [sys.executable, "-B", str(TESTS / "tools" / "hosts_check"), "--db", str(database),
         "--expected", str(expected)], capture_output=True, text=True, check=False)
    closing = CLOSING.findall(done.stdout)
    if not closing or done.returncode == 2:
        raise RuntimeError(f"hosts_check: exit {done.returncode}\n{done.stdout}{done.stderr}")
    lines = [l for l in done.stdout.splitlines() if not CLOSING.match(l)]
    if int(closing[-1][1]):
        print("\n".join(lines[:60]))
    return int(closing[-1][0]), int(closing[-1][1])


def one_recording(selftune, expected, scratch):
    home = scratch / "home"
    truth = json.loads(expected.read_text(encoding="utf-8"))
    shutil.copytree(expected.parent / truth["home"], home, symlinks=True)
    passed, failed = check(sync(selftune, home), expected)
    first = programs.evidence_digest(programs.database(home / ".selftune"))
    for options in ([], ["--force"]):
        same = programs.evidence_digest(sync(selftune, home, *options)) == first
        passed, failed = passed + same, failed + (not same)
        if not same:
            print(f"sync {' '.join(options)} again changed the evidence")
    return passed, failed


def documents(home):
    """Sessions that are documents, which their host writes anew."""
    data = home / ".cline" / "data"
    return [*data.rglob("sessions/*/*.json"), *data.rglob("tasks/*/*.json")]


def transcripts(home):
    return [p.relative_to(home) for p in sorted([*home.rglob("*.jsonl"), *documents(home)])
            if p.is_file() and not p.is_symlink()]


def missing(expected, home, late):
    """Makes a copy of a recorded home without the files that `late` finds in it.

    Returns the recorded one and the paths of those files below it.
    """
    whole = expected.parent / json.loads(expected.read_text(encoding="utf-8"))["home"]
    shutil.copytree(whole, home, symlinks=True)
    paths = late(home)
    for path in paths:
        (home / path).unlink()
    return whole, paths


def in_pieces(selftune, expected, scratch, seed):
    """A home whose transcripts come in any order and grow from any byte."""
    dice = random.Random(seed)
    home = scratch / f"home-{seed}"
    whole, waiting = missing(expected, home, transcripts)
    dice.shuffle(waiting)
    cut = []
    while waiting or cut:
        for path in cut:
            (home / path).write_bytes((whole / path).read_bytes())
        group, waiting = waiting[:12], waiting[12:]
        cut = [path for path in group if dice.random() < 0.7]
        for path in group:
            content = (whole / path).read_bytes()
            keep = dice.randrange(len(content) + 1) if path in cut else len(content)
            (home / path).write_bytes(content[:keep])
        sync(selftune, home)
    return check(sync(selftune, home), expected)


def files(home):
    """All that the hosts wrote below a home. Installed skills are there from the start."""
    return [p.relative_to(home) for p in sorted(home.rglob("*"))
            if p.is_file() and not p.is_symlink() and "skills" not in p.relative_to(home).parts[:-1]
            and "skill" not in p.relative_to(home).parts[:-1]]


def beside(home):
    """Files that are no transcripts, and tell of sessions all the same. Of a database all is in one."""
    told = {p.relative_to(home) for p in [*home.rglob("*.jsonl"), *documents(home)]}
    return [p for p in files(home) if p not in told and ".sqlite" not in p.name
            and not p.name.endswith((".db", ".db-wal", ".db-shm"))]


def any_order(selftune, expected, scratch, seed):
    """Every file of a home comes late, a group after the other, each whole."""
    dice = random.Random(seed)
    home = scratch / f"home-order-{seed}"
    whole, waiting = missing(expected, home, files)
    dice.shuffle(waiting)
    step = -(-len(waiting) // 4)
    while waiting:
        group, waiting = waiting[:step], waiting[step:]
        for path in group:
            shutil.copyfile(whole / path, home / path)
        sync(selftune, home)
    return check(sync(selftune, home), expected)


def beside_later(selftune, expected, scratch):
    """What lies beside the transcripts is empty when they are read, then cut off, then whole."""
    home = scratch / "home-beside"
    whole, late = missing(expected, home, beside)
    sync(selftune, home)
    for part in (lambda text: b"{}", lambda text: text[:len(text) // 2], lambda text: text):
        for path in late:
            (home / path).write_bytes(part((whole / path).read_bytes()))
        sync(selftune, home)
    return check(programs.database(home / ".selftune"), expected)


def rollouts(home):
    return sorted(p for p in (home / ".codex").rglob("rollout-*.jsonl") if p.is_file())


def compress(path):
    """As the host does it: one frame, the time of the plain file, then that is removed."""
    subprocess.run(["zstd", "-q", "-3", "--no-check", str(path)], check=True)
    before = path.stat()
    packed = path.with_name(path.name + ".zst")
    os.utime(packed, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.unlink()
    return packed


def all_compressed(selftune, expected, scratch):
    """Every rollout is compressed before it is read for the first time."""
    home = scratch / "home-compressed"
    truth = json.loads(expected.read_text(encoding="utf-8"))
    shutil.copytree(expected.parent / truth["home"], home, symlinks=True)
    for path in rollouts(home):
        compress(path)
    return check(sync(selftune, home), expected)


def compressed_later(selftune, expected, scratch, seed):
    """Rollouts appear plain or compressed, whole or cut; later each takes the other form."""
    dice = random.Random(seed)
    home = scratch / f"home-later-{seed}"
    truth = json.loads(expected.read_text(encoding="utf-8"))
    shutil.copytree(expected.parent / truth["home"], home, symlinks=True)
    paths = rollouts(home)
    dice.shuffle(paths)
    plain = {path: path.read_bytes() for path in paths}
    packed = {}
    for path in paths:
        frame = compress(path)
        packed[frame] = frame.read_bytes()
        frame.unlink()
    for path in paths:
        frame = path.with_name(path.name + ".zst")
        whole, name = (packed[frame], frame) if dice.random() < 0.5 else (plain[path], path)
        name.write_bytes(whole[:dice.randrange(len(whole) + 1)] if dice.random() < 0.5 else whole)
    sync(selftune, home)
    passed = failed = 0
    for _ in range(2):
        for path in paths:
            frame = path.with_name(path.name + ".zst")
            if frame.exists():
                path.write_bytes(plain[path])
                frame.unlink()
            else:
                frame.write_bytes(packed[frame])
                path.unlink()
        more = check(sync(selftune, home), expected)
        passed, failed = passed + more[0], failed + more[1]
    return passed, failed


def came_back(selftune, expected, scratch):
    """A part of each rollout is read, then its compressed form; then the file itself is there again, and whole."""
    home, aside = scratch / "home-back", scratch / "aside"
    truth = json.loads(expected.read_text(encoding="utf-8"))
    shutil.copytree(expected.parent / truth["home"], home, symlinks=True)
    aside.mkdir()
    plain = {path: path.read_bytes() for path in rollouts(home)}
    frames = {}
    for path, whole in plain.items():
        frame = compress(path)
        frames[path] = frame.read_bytes()
        frame.unlink()
        path.write_bytes(whole[:whole.index(b"\n", len(whole) // 2) + 1])
    sync(selftune, home)
    for path in plain:
        path.rename(aside / path.name)
        path.with_name(path.name + ".zst").write_bytes(frames[path])
    sync(selftune, home)
    for path, whole in plain.items():
        path.with_name(path.name + ".zst").unlink()
        (aside / path.name).rename(path)  # the same file, as its number says
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size:])
    return check(sync(selftune, home), expected)


def at_once(selftune, expected, scratch):
    """Several syncs of one new store at the same time count everything once."""
    home = scratch / "home-shared"
    truth = json.loads(expected.read_text(encoding="utf-8"))
    shutil.copytree(expected.parent / truth["home"], home, symlinks=True)
    env = programs.Subject.env(home, home / ".selftune")
    running = [subprocess.Popen([str(selftune), "sync"], env=env, stdout=subprocess.DEVNULL)
               for _ in range(5)]
    if any([process.wait() for process in running]):
        raise RuntimeError("a sync among others failed")
    return check(programs.database(home / ".selftune"), expected)


def main():
    selftune, data = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    total = [0, 0]
    recordings = sorted(data.rglob("EXPECTED.json"))
    if not recordings:
        print(f"{data}: no EXPECTED.json")
        return 1
    for expected in recordings:
        name = expected.parent.relative_to(data)
        with tempfile.TemporaryDirectory(prefix="selftune-recording-") as scratch:
            try:
                passed, failed = one_recording(selftune, expected, Path(scratch))
                ways = [("at once", lambda: at_once(selftune, expected, Path(scratch)))]
                ways += [(f"in pieces, seed {seed}",
                          lambda seed=seed: in_pieces(selftune, expected, Path(scratch), seed))
                         for seed in (1, 2, 3)]
                ways += [(f"any order, seed {seed}",
                          lambda seed=seed: any_order(selftune, expected, Path(scratch), seed))
                         for seed in (1, 2)]
                ways += [("beside later", lambda: beside_later(selftune, expected, Path(scratch)))]
                if rollouts(Path(scratch) / "home"):
                    ways += [("compressed", lambda: all_compressed(selftune, expected, Path(scratch))),
                             ("there again", lambda: came_back(selftune, expected, Path(scratch)))]
                    ways += [(f"compressed later, seed {seed}",
                              lambda seed=seed: compressed_later(selftune, expected, Path(scratch), seed))
                             for seed in (1, 2, 3)]
                for way, read in ways:
                    more = read()
                    if more[1]:
                        print(f"{name}: {way}: {more[1]} facts differ")
                    passed, failed = passed + more[0], failed + more[1]
            except RuntimeError as error:
                print(f"{name}: {error}")
                passed, failed = 0, 1
        print(f"{name}: {passed} facts agree, {failed} do not")
        total[0] += passed
        total[1] += failed
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] else 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
