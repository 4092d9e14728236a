"""Runs every libFuzzer target of tests/fuzz for a while."""

import subprocess

import builds
from common import DevError, note, say
from suites import Count


# Recordings and fixtures that are good first inputs, besides tests/fuzz/corpus.
SEEDS = {
    "frontmatter": ["tests/data/skills"],
}


SMOKE_RUNS = 5000


def smoke():
    """The same inputs every time: seeds, and a few thousand changes of them."""
    return run(60, ["-seed=1", f"-runs={SMOKE_RUNS}"])


def run(seconds, options=()):
    names = sorted(p.stem for p in (builds.ROOT / "tests" / "fuzz").glob("fuzz_*.cc"))
    count = Count()
    if not names:
        note("tests/fuzz has no targets")
        return count
    targets = [f"tests/fuzz/{name}" for name in names]
    directory = builds.build("asan", targets=targets)
    for target in targets:
        count.add(_run_one(directory, directory / target, seconds, options))
    return count


def _run_one(directory, target, seconds, options):
    """New inputs go to the build directory; kept ones come from tests/fuzz/corpus."""
    name = target.name[len("fuzz_"):]
    found = directory / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    crashes = directory / "crashes"
    crashes.mkdir(exist_ok=True)
    seeds = [f"tests/fuzz/corpus/{name}", *SEEDS.get(name, [])]
    argv = [str(target), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
            f"-artifact_prefix={crashes}/{name}-", "-print_final_stats=1", *options, str(found)]
    argv += [str(builds.ROOT / seed) for seed in seeds if (builds.ROOT / seed).is_dir()]
    try:
        done = subprocess.run(argv, env=builds.test_environment(builds.PROFILES["asan"]),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds + 120, check=False)
    except subprocess.TimeoutExpired as error:
        raise DevError(f"{target.name}: still running after {seconds + 120} s") from error
    output = done.stdout.decode("utf-8", "replace")
    runs = [l.split()[-1] for l in output.splitlines() if "number_of_executed_units" in l]
    say(f"{target.name}: {'ok' if done.returncode == 0 else 'FAILED'}, "
        f"{runs[0] if runs else '?'} executions")
    if done.returncode != 0:
        say(output[-4000:])
        return Count(failed=1)
    return Count(passed=1)
