#!/usr/bin/env python3
"""Implementation of ./dev; `./dev help` prints the commands."""

import argparse
import os
import shutil
import subprocess
import sys
import time

import builds
import fuzz
import lint
import packages
import run_job
import suites
from common import ROOT, DevError, note, say


def cmd_run(args):
    return run_job.run(builds.build("dev", wrap=args.wrap, targets=["frontends/cli/selftune"]))


def cmd_build(args):
    directory = builds.build("dev", wrap=args.wrap)
    say(f"built {directory.relative_to(ROOT)}/")
    return 0


def cmd_install(args):
    prefix = os.path.abspath(args.prefix)
    builds.install(builds.configure("release", wrap=args.wrap), prefix)
    say(f"installed under {prefix}")
    return 0


def cmd_test(args):
    if args.everything:
        return everything()
    if args.sanitize:
        names = ["asan", "tsan"]
    else:
        names = ["dev"]
        packages.ensure("tests")
    total = suites.Count()
    for name in names:
        total.add(suites.run(name, args.suites, wrap=args.wrap))
    say(str(total))
    return 1 if total.failed else 0


def everything():
    """All stages of .ci/run; a stage that breaks counts as one failure. What a stage built goes when
    all that need it passed: together the builds take twice the disk that one of them does."""
    stages = [
        ("packages", install_everything, ()),
        ("lint", lint.run, ()),
        ("tests, gcc", lambda: suites.run("ci"), ()),
        ("clang-tidy", lint.run_tidy, ("build-ci", "build-agents")),
        ("tests, clang ASan+UBSan", lambda: suites.run("asan"), ()),
        ("fuzz smoke", fuzz.smoke, ("build-asan",)),
        ("tests, clang TSan", lambda: suites.run("tsan"), ("build-tsan",)),
        ("a release", suites.run_release, ("build-release-ci",)),
    ]
    total = run_stages(stages, ROOT)
    say(str(total))
    return 1 if total.failed or total.passed == 0 else 0


def run_stages(stages, root):
    """Title, what is run, and the folders below root that none needs after it."""
    total = suites.Count()
    for title, stage, no_longer_needed in stages:
        started = time.monotonic()
        say(f"== {title}")
        try:
            count = stage()
        except DevError as error:
            say(f"{title}: {error}")
            count = suites.Count(failed=1)
        total.add(count)
        free = shutil.disk_usage(root).free / 1e9
        say(f"== {title}: {'FAILED' if count.failed else 'ok'}, "
            f"{time.monotonic() - started:.0f} s, {free:.1f} GB of the disk are free")
        if not total.failed:
            for directory in no_longer_needed:
                shutil.rmtree(root / directory, ignore_errors=True)
    return total


def install_everything():
    packages.ensure("build", "clang", "lint", "tests")
    return suites.Count()


def cmd_bench(args):
    packages.ensure("build")
    directory = builds.build("release", wrap=args.wrap)
    size = "--peer" if args.peer else "--full" if args.full else "--quick"
    return subprocess.run([sys.executable, str(ROOT / "tests/perf/run"), str(directory), size],
                          check=False).returncode


def cmd_lint(args):
    packages.ensure("lint")
    if args.fix:
        lint.fix()
    count = lint.run(with_tidy=args.tidy or args.changed, changed_only=args.changed)
    say(str(count))
    return 1 if count.failed else 0


def cmd_fuzz(args):
    if args.until:
        count = fuzz.until(args.until, args.seconds)
    else:
        count = fuzz.run(args.seconds)
    say(str(count))
    return 1 if count.failed else 0


def cmd_accept(args):
    """Rewrites golden files from what the program says now; review the diff."""
    directory = builds.build("dev")
    env = dict(builds.test_environment(builds.PROFILES["dev"]), SELFTUNE_ACCEPT="1")
    log = directory / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    done = subprocess.run(["meson", "test", "-C", str(directory), "--no-rebuild",
                           "--suite", "golden"], env=env, check=False)
    if not log.exists():
        raise DevError("no golden test ran, so no file was rewritten")
    subprocess.run(["git", "-C", str(ROOT), "diff", "--stat"], check=False)
    note("golden files rewritten; review the difference before you commit it")
    return done.returncode


def parser():
    top = argparse.ArgumentParser(prog="./dev", description="Build, test and try selftune.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    def add(name, function, text):
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(function=function)
        command.add_argument("--wrap", action="store_true",
                             help="build the libraries from subprojects/ instead of the system's")
        return command

    add("run", cmd_run, "install what is missing, build, and show what selftune finds")
    add("build", cmd_build, "install what is missing and build into build/")
    add("install", cmd_install, "build a release and install it").add_argument("prefix")
    test = add("test", cmd_test, "run the tests (all suites, or those named)")
    test.add_argument("suites", nargs="*", metavar="SUITE")
    test.add_argument("--sanitize", action="store_true", help="with ASan+UBSan, then with TSan")
    test.add_argument("--everything", action="store_true", help="all that CI runs")
    bench = add("bench", cmd_bench, "build a release and measure it (default --quick)")
    bench.add_argument("--quick", action="store_true", help="corpora S and M")
    bench.add_argument("--full", action="store_true", help="all corpora; takes long")
    bench.add_argument("--peer", action="store_true",
                       help="beside ccusage from npm; writes docs/benchmarks/")
    check = add("lint", cmd_lint, "layers, format, spelling, generated files")
    check.add_argument("--tidy", action="store_true", help="and clang-tidy, as CI does")
    check.add_argument("--changed", action="store_true",
                       help="and clang-tidy on files that differ from HEAD")
    check.add_argument("--fix", action="store_true", help="format and generate first")
    fuzzing = add("fuzz", cmd_fuzz, "run every fuzz target")
    fuzzing.add_argument("seconds", nargs="?", type=int, default=60, help="per target (60)")
    fuzzing.add_argument("--until", type=int, metavar="N",
                         help="go on, so many seconds at a time, until each has run N times")
    add("accept", cmd_accept, "rewrite golden files from the present output")
    add("help", lambda args: top.print_help() or 0, "print this")
    return top


def main():
    args = parser().parse_args(sys.argv[1:] or ["help"])
    try:
        return args.function(args)
    except DevError as error:
        note(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
