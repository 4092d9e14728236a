"""Comparison with ccusage, the fastest scanner of the same stores that we know.

It is installed from npm by name below the folder of the corpora and runs with
its ordinary command line, on the same home, in turn with selftune, without a
network. It adds up tokens, keeps nothing, and so reads everything at each run.
"""

import datetime
import json
import os
import shutil
import subprocess
from pathlib import Path

import corpora
import measure
from measure import Ratio, progress
from subject import database

NAME, VERSION = "ccusage", "20.0.24"
ARGUMENTS = ["daily", "--offline", "--json"]
PROGRAMS = {
    "cold": "selftune sync, new store",
    "peer": f"{NAME} {VERSION} {' '.join(ARGUMENTS)}",
    "same": "selftune sync, nothing new",
    "scan": "yard_scan: lines and JSON only, counts nothing else",
}
COLOURS = {"cold": "#1f6feb", "peer": "#9a6700", "same": "#2da44e", "scan": "#8c959f"}
MIB = 1024 * 1024

# Size, rounds, hosts. Nine tenths of the peer's time on a home with OpenClaw go to
# that twentieth of the bytes, so such a home is measured beside, not instead.
BOTH_ARE_QUICK = ["claude", "codex", "opencode"]
CORPORA = [("S", 15, BOTH_ARE_QUICK), ("M", 9, BOTH_ARE_QUICK), ("L", 9, BOTH_ARE_QUICK), ("L", 3, None)]


class NotInstalled(Exception):
    pass


def install(folder):
    """The command line; installed unless it is there."""
    target = Path(folder) / f"{NAME}-{VERSION}"
    program = target / "node_modules" / ".bin" / NAME
    if not program.exists():
        if shutil.which("npm") is None:
            raise NotInstalled("npm is not installed")
        progress(f"installing {NAME} {VERSION}")
        target.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--prefix", str(target), "--ignore-scripts", "--no-audit", "--no-fund",
             f"{NAME}@{VERSION}"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotInstalled(f"npm: {done.stderr.strip().splitlines()[-1:]}")
    return [*without_network(), str(program), *ARGUMENTS]


def without_network():
    """A prefix that starts a program in a network of its own, without devices."""
    argv = [shutil.which("unshare") or "", "--map-root-user", "--net", "--"]
    if argv[0]:
        if subprocess.run([*argv, "true"], capture_output=True, check=False).returncode == 0:
            return argv
    progress("no network of its own for the peer: it runs with --offline only")
    return []


def compare(subject, corpus, folder, state, command, count):
    """Usages by program, each round one of each, in turn."""
    home = Path(folder) / "run"
    run = corpus.copy_to(home, links=True)
    env = dict(subject.env(home, state), PATH=os.environ["PATH"])
    output = Path(folder) / "peer.out"
    scan = [subject.yard("yard_scan"), *run.jsonl_dirs]
    measure.run(scan, env)  # warm the page cache
    usages = {name: [] for name in PROGRAMS}
    for _ in range(count):
        usages["cold"].append(subject.cold_sync(home, state))
        usages["peer"].append(measure.run(command, env, output=output))
        usages["same"].append(subject.sync(home, state))
        usages["scan"].append(measure.run(scan, env))
    corpora.check(database(state), run)
    tokens = json.loads(output.read_text(encoding="utf-8"))["totals"]["outputTokens"]
    if not tokens:
        raise corpora.WrongResult(f"{NAME} found no tokens in {home}")
    return usages


def ratio(usages):
    return Ratio.of([s.cpu / p.cpu for s, p in zip(usages["cold"], usages["peer"])])


# ------------------------------------------------------------------- documents


def write(folder, results, machine):
    """`results`: (bytes, files, hosts, usages) of each corpus; a table and a plot."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peer.md").write_text(table(results, machine), encoding="utf-8")
    (folder / "peer.svg").write_text(plot(results), encoding="utf-8")


def title(size, hosts):
    return f"{size / 1e6:.0f} MB" + (" with OpenClaw" if hosts is None else "")


def table(results, machine):
    lines = [
        f"# Beside {NAME}", "",
        "Written by `./dev bench --peer`; see [performance.md](../performance.md) for the method.",
        f"{datetime.date.today()}, {machine}. The same homes, the same run, in turn, without a network. CPU is",
        "user and system time of the whole process; each figure is a median, with its extremes.",
        "The ratios of a round decide, not the seconds: other work ran on the machine.", "",
        f"`{NAME}` adds up the tokens of each day and keeps nothing; a selftune sync writes sessions, prompts, tool",
        "calls, skill uses, errors, tokens and exposures to a store, which was compared with the truth.",
        "Both read the same files. A second sync is what runs every few hours from then on.", "",
        "The homes hold sessions of Claude Code, Codex and OpenCode. The last one has a twentieth of OpenClaw as",
        f"well, on which this version of `{NAME}` spends most of its time: it says little about the rest.", "",
        f"![CPU seconds of selftune and {NAME}](peer.svg)", "",
        "| Corpus | Program | CPU s | least | most | peak MiB | MB per CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    for size, files, hosts, usages in results:
        for name, text in PROGRAMS.items():
            cpu = Ratio.of([u.cpu for u in usages[name]])
            peak = Ratio.of([u.peak / MIB for u in usages[name]]).median
            speed = "" if name == "same" else f"{size / 1e6 / cpu.median:.0f}"
            lines.append(f"| {title(size, hosts)}, {files} files | {text} | {cpu.median:.3f} | {cpu.low:.3f} | "
                         f"{cpu.high:.3f} | {peak:.1f} | {speed} |")
    lines += ["", f"| Corpus | CPU of a cold sync / CPU of {NAME} | least | most |", "|---|---|---|---|"]
    for size, _, hosts, usages in results:
        row = ratio(usages)
        lines.append(f"| {title(size, hosts)} | {row.median:.2f} | {row.low:.2f} | {row.high:.2f} |")
    return "\n".join(lines) + "\n"


def plot(results):
    """Bars of CPU seconds, one group a corpus; a line from the least to the most."""
    names = ["peer", "cold", "same"]
    results = [result for result in results if result[2] is not None]  # on one scale
    left, bar, gap, width = 250, 18, 22, 420
    most = max(u.cpu for *_, usages in results for name in names for u in usages[name])
    height = 40 + len(results) * (len(names) * bar + gap)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 90} {height}" '
           f'font-family="sans-serif" font-size="12" role="img">',
           "<title>CPU seconds, less is better</title>",
           f'<rect width="100%" height="100%" fill="#ffffff"/>',
           f'<text x="{left}" y="20" font-weight="bold">CPU seconds of a whole run (less is better)</text>']
    y = 36
    for size, *_, usages in results:
        for i, name in enumerate(names):
            cpu = Ratio.of([u.cpu for u in usages[name]])
            text = {"peer": f"{NAME} {VERSION}", "cold": "selftune sync, new store",
                    "same": "selftune sync, nothing new"}[name]
            if i == 0:
                out.append(f'<text x="8" y="{y + bar * 1.8:.0f}">{size / 1e6:.0f} MB</text>')
            middle = y + (bar - 4) / 2
            out.append(f'<text x="{left - 8}" y="{middle + 4:.1f}" text-anchor="end">{text}</text>')
            out.append(f'<rect x="{left}" y="{y}" width="{max(1, cpu.median / most * width):.1f}" '
                       f'height="{bar - 4}" fill="{COLOURS[name]}"/>')
            low, high = (left + v / most * width for v in (cpu.low, cpu.high))
            out.append(f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="#24292f"/>')
            out.append(f'<text x="{high + 6:.1f}" y="{middle + 4:.1f}">{cpu.median:.3f} s</text>')
            y += bar
        y += gap
    return "\n".join(out + ["</svg>"]) + "\n"
