"""Runs the libFuzzer targets of tests/fuzz, for a while or until each has run often enough."""

import collections
import concurrent.futures
import json
import subprocess

import builds
import fuzz_seeds
from common import JOBS, DevError, say
from suites import Count


# Fixtures that are good first inputs as they are, besides tests/fuzz/corpus.
FIXTURES = {
    "frontmatter": ["tests/data/skills"],
}


SMOKE_RUNS = 5000

# Three of four long runs change inputs of at most this many bytes, which are run several times as
# often; targets whose smallest whole inputs are longer always take any length.
SHORT_INPUT = 1024
OF_ANY_LENGTH = {"fuzz_cline_reader", "fuzz_foreign_store", "fuzz_opencode_reader"}


def smoke():
    """The same inputs every time: seeds, and a few thousand changes of them."""
    count = Count()
    directory, targets = _build()
    options = ["-seed=1", f"-runs={SMOKE_RUNS}"]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for result, _ in pool.map(lambda target: _run_one("asan", directory, target, 60, options), targets):
            count.add(result)
    return count


def run(seconds):
    count = Count()
    directory, targets = _build()
    for target in targets:
        count.add(_run_one("asan", directory, target, seconds)[0])
    return count


def until(executions, seconds):
    """Each target so often, so many seconds at a time, the one with the fewest executions first.

    Without sanitizers, whose cost is most of a run; those read every input afterwards that
    reached something new. What was reached is kept beside the build: a run goes on where one ended.
    """
    directory, targets = _build("fuzz")
    tally_file = directory / "executions.json"
    tally = json.loads(tally_file.read_text()) if tally_file.exists() else {}
    count = Count()
    waiting = [target for target in targets if tally.get(target.name, 0) < executions]
    rounds = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        running = {}
        while waiting or running:
            waiting.sort(key=lambda target: -tally.get(target.name, 0))
            while waiting and len(running) < JOBS:
                target = waiting.pop()
                rounds[target.name] += 1
                short = target.name not in OF_ANY_LENGTH and rounds[target.name] % 4 != 0
                options = [f"-max_len={SHORT_INPUT}"] if short else []
                running[pool.submit(_run_one, "fuzz", directory, target, seconds, options)] = target
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                target = running.pop(future)
                result, executed = future.result()
                tally[target.name] = tally.get(target.name, 0) + executed
                tally_file.write_text(json.dumps(tally, indent=1, sort_keys=True) + "\n")
                if result.failed:
                    count.add(result)
                elif tally[target.name] < executions:
                    waiting.append(target)
    for target in _build("asan")[1]:
        count.add(_run_one("asan", directory, target, 600, ["-runs=0"])[0])
    return count


def _build(profile="asan"):
    names = sorted(p.stem for p in (builds.ROOT / "tests" / "fuzz").glob("fuzz_*.cc"))
    if not names:
        raise DevError("tests/fuzz has no targets")
    targets = [f"tests/fuzz/{name}" for name in names]
    directory = builds.build(profile, targets=targets)
    return directory, [directory / target for target in targets]


def _run_one(profile, directory, target, seconds, options=()):
    """(count, executions). New inputs go to the directory; kept ones come from tests/fuzz/corpus."""
    name = target.name[len("fuzz_"):]
    found, seeds, crashes = (directory / kind / name for kind in ("corpus", "seeds", "crashes"))
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    fuzz_seeds.write(name, seeds)
    folders = [seeds, *(builds.ROOT / folder
                        for folder in [f"tests/fuzz/corpus/{name}", *FIXTURES.get(name, [])])]
    argv = [str(target), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
            f"-artifact_prefix={crashes}/", "-print_final_stats=1", *options, str(found),
            *(str(folder) for folder in folders if folder.is_dir())]
    try:
        done = subprocess.run(argv, env=builds.test_environment(builds.PROFILES[profile]),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds + 120, check=False)
    except subprocess.TimeoutExpired as error:
        raise DevError(f"{target.name}: still running after {seconds + 120} s") from error
    output = done.stdout.decode("utf-8", "replace")
    runs = [int(l.split()[-1]) for l in output.splitlines() if "number_of_executed_units" in l]
    executed = runs[0] if runs else 0
    say(f"{target.name}: {'ok' if done.returncode == 0 else 'FAILED'}, {executed} executions")
    if done.returncode != 0:
        say(output[-4000:])
        return Count(failed=1), executed
    return Count(passed=1), executed
