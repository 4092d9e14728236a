"""Corpora of the standard sizes, made once and copied for each use."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from measure import progress

HERE = Path(__file__).resolve().parent
GENERATOR = Path(os.environ.get("SELFTUNE_CORPUS_GENERATOR",
                                HERE.parent / "tools" / "corpus_generate"))
CHECK = HERE.parent / "tools" / "hosts_check"

SIZES = {
    "S": ["--bytes-target", "10M"],
    "M": ["--bytes-target", "100M"],
    "L": ["--bytes-target", "500M"],
    "XL": ["--bytes-target", "2000M"],
    "giant": ["--bytes-target", "60M", "--hosts", "claude", "--variant", "single-giant"],
    "small": ["--bytes-target", "30M", "--sessions", "400"],
}


# Hosts of the generator that have a transcript reader here.
READERS = {"claude": "claude_code", "codex": "codex", "opencode": "opencode",
           "openclaw": "openclaw"}


def readable_hosts():
    sources = HERE.parents[1] / "libselftune" / "src" / "hosts"
    return [host for host, folder in READERS.items() if (sources / folder / "source.cc").exists()]


class WrongResult(Exception):
    """The program's totals differ from the truth: no figure counts."""


class Corpus:
    """One generated home; `jsonl_dirs` hold what a scanner would read."""

    def __init__(self, home):
        self.home = Path(home)
        self.jsonl_dirs = [str(p) for p in (self.home / ".claude/projects",
                                            self.home / ".codex",
                                            self.home / ".openclaw") if p.is_dir()]

    def lines_only(self):
        """The same folders without those that mostly hold databases, and their hosts."""
        hosts = {".claude/projects": "claude_code", ".codex": "codex"}
        return ([str(self.home / folder) for folder in hosts if (self.home / folder).is_dir()],
                list(hosts.values()))

    @property
    def manifest(self):
        return json.loads((self.home / "MANIFEST.json").read_text(encoding="utf-8"))

    def source_bytes(self):
        return sum(host["bytes"] for host in self.manifest["hosts"].values())

    def copy_to(self, target, *, links):
        """Hard links are enough unless the copy is going to grow."""
        shutil.rmtree(target, ignore_errors=True)
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-al" if links else "-a", str(self.home), str(target)], check=True)
        return Corpus(target)

    def grow(self):
        _generate("grow", self.home, ["--append", "3", "--new", "2"])


def make(folder, size, seed, hosts=None):
    hosts = hosts or readable_hosts()
    home = Path(folder) / f"corpus-{size}-{seed}-{'-'.join(hosts)}"
    if not (home / "MANIFEST.json").exists():
        progress(f"making corpus {size} with seed {seed}")
        shutil.rmtree(home, ignore_errors=True)
        _generate("make", home, ["--hosts", ",".join(hosts), "--seed", str(seed), *SIZES[size]])
    return Corpus(home)


def check(database, corpus):
    """Compares the public views with the manifest; raises on any difference."""
    done = subprocess.run(
        [sys.executable, "-B", str(CHECK), "corpus", "--db", str(database), "--manifest",
         str(corpus.home / "MANIFEST.json")], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()
        raise WrongResult("\n".join(lines[:15] + lines[-1:]))
    return done.stdout.splitlines()[-1]


def _generate(command, home, options):
    subprocess.run([sys.executable, "-B", str(GENERATOR), command, "--out", str(home), *options],
                   check=True, stdout=subprocess.DEVNULL)
