"""Build directories: one profile each, set up once, then only recompiled."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import packages
import sources
from common import JOBS, ROOT, DevError, note, run_logged


@dataclass(frozen=True)
class Profile:
    """How one build directory is configured."""

    directory: str
    options: tuple = ()
    compiler: str = "gcc"
    env: dict = field(default_factory=dict)  # of its tests
    skip_suites: tuple = ()
    only_suites: tuple = ()  # none: all
    # Tests at a time beyond one a core: many a test waits for a disk, a process or a clock.
    spare: int = 1
    inside: tuple = ()  # wraps whose code the library is to contain, where their source is to be had
    when_inside: tuple = ()  # options, where the source of all of them is


SANITIZER_OPTIONS = ("-Dbuildtype=debug", "-Doptimization=1", "-Db_lundef=false",
                     "-Dhook_static=disabled", "-Dgrouped=true", "-Dtests_link=shared",
                     "-Dc_link_args=-fuse-ld=lld", "-Dcpp_link_args=-fuse-ld=lld")
# What reads sources, and what waits for other programs: the real agents, whose payloads and
# sessions other suites replay.
NOT_SANITIZED = ("lint", "hosts")
# A mark of the tests in which threads meet: it tells TSan nothing to see the same threads again in
# one command after another, nor code that has one.
THREADS = ("threads",)
# Lines are enough for a sanitizer's report.
CLANG_ARGS = "-gline-tables-only -Wthread-safety"

RELEASE = Profile("build-release", ("-Dbuildtype=release", "-Dtests=disabled"),
                  inside=("abseil-cpp", "fmt", "simdjson"), when_inside=("-Dself_contained=true",))

PROFILES = {
    "dev": Profile("build"),
    # In groups for time's sake: ./dev build compiles each file by itself. -Og compiles as fast as -O0
    # when it writes less for debuggers, and what it makes runs several times as fast.
    "ci": Profile("build-ci", ("-Dbuildtype=debug", "-Doptimization=g", "-Dcpp_args=-g1",
                               "-Dc_args=-g1", "-Dwerror=true", "-Dgrouped=true")),
    "release": RELEASE,
    # What ./dev install makes, put together in less time.
    "release-ci": replace(RELEASE, directory="build-release-ci", options=RELEASE.options + ("-Dgrouped=true", "-Doptimization=1")),
    # Also the build of the fuzz targets: the library is compiled once for both.
    # It hashes with libsodium, the others with OpenSSL.
    # object-size finds what ASan finds and takes two fifths of the time to compile.
    "asan": Profile(
        "build-asan",
        ("-Db_sanitize=address,undefined", "-Dfuzz=true", "-Dlibcrypto=disabled",
         f"-Dcpp_args={CLANG_ARGS} -fsanitize=fuzzer-no-link -fno-sanitize=object-size") + SANITIZER_OPTIONS,
        "clang",
        {"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:check_initialization_order=1",
         "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"},
        skip_suites=NOT_SANITIZED),
    # For long runs: twenty times as fast as with sanitizers, which read what it found afterwards.
    "fuzz": Profile(
        "build-fuzz",
        ("-Dbuildtype=debugoptimized", "-Db_lundef=false", "-Dfuzz=true", "-Dgrouped=true",
         f"-Dcpp_args={CLANG_ARGS} -D_GLIBCXX_ASSERTIONS -fsanitize=fuzzer-no-link"
         " -fno-sanitize-coverage=trace-cmp"),
        "clang"),
    "tsan": Profile(
        "build-tsan",
        ("-Db_sanitize=thread", f"-Dcpp_args={CLANG_ARGS}") + SANITIZER_OPTIONS, "clang",
        {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"},
        only_suites=THREADS, spare=0),  # these compute more than they wait
}

COMPILERS = {"gcc": ("gcc", "g++"), "clang": ("clang-19", "clang++-19")}


def environment(profile):
    """Compilers and ccache settings; a clone in another folder hits the same cache."""
    cc, cxx = COMPILERS[profile.compiler]
    env = dict(os.environ, CCACHE_BASEDIR=str(ROOT), CCACHE_NOHASHDIR="1")
    if profile.compiler != "gcc" or "CC" not in os.environ:
        ccache = "ccache " if _has("ccache") else ""
        env.update(CC=ccache + cc, CXX=ccache + cxx)
    return env


def test_environment(profile):
    return dict(os.environ, **profile.env)


def configure(name, *, wrap=False, options=()):
    """Sets a profile's directory up unless it is; returns it."""
    profile = PROFILES[name]
    packages.ensure("tools" if wrap else "build", *(["clang"] if profile.compiler == "clang" else []))
    directory = ROOT / profile.directory
    if (directory / "build.ninja").exists():
        if wrap or options:
            note(f"{profile.directory}/ is set up already; delete it to change its options")
        # What the build files say now: tests_of() asks before anything is compiled.
        # Which sources are compiled as one depends on what they say.
        again = (["meson", "setup", "--reconfigure", directory, ROOT]
                 if "-Dgrouped=true" in profile.options else ["ninja", "-C", directory, "build.ninja"])
        run_logged(again, directory / "dev.log", env=environment(profile), what="meson setup")
        return directory
    note(f"setting up {profile.directory}/")
    wrap_options = ["--wrap-mode=forcefallback"]
    if not wrap:
        wrap_options = inside_options(profile)
    run_logged(["meson", "setup", directory, ROOT, *profile.options, *wrap_options, *options],
               directory / "dev.log", env=environment(profile), what="meson setup")
    return directory


def inside_options(profile):
    """Which wraps are built although the system has them, and what holds when all of them are."""
    ready = [name for name in profile.inside if sources.ready(name)]
    options = [f"--force-fallback-for={','.join(ready)}"] if ready else []
    return options + (list(profile.when_inside) if len(ready) == len(profile.inside) else [])


def build(name, *, wrap=False, options=(), targets=()):
    """Compiles a profile; returns its directory."""
    directory = configure(name, wrap=wrap, options=options)
    note(f"building {directory.name}/")
    run_logged(["ninja", "-C", directory, "-j", str(JOBS), *targets], directory / "dev.log",
               env=environment(PROFILES[name]), what="build")
    return directory


def install(directory, prefix, env=None):
    """Compiles a build directory for a prefix and installs it there. In this
    order: what is installed where is decided when the directory is set up
    again, which compiling does."""
    log, env = directory / "dev.log", env or environment(PROFILES["release"])
    for argv, what in ((["meson", "configure", directory, f"-Dprefix={prefix}"], "meson configure"),
                       (["ninja", "-C", directory, "-j", str(JOBS)], "build"),
                       (["meson", "install", "-C", directory, "--no-rebuild", "--quiet"], "install")):
        run_logged(argv, log, env=env, what=what)


def tests_of(name):
    """Names of the tests a profile runs, and the files they need built."""
    profile = PROFILES[name]
    directory = ROOT / profile.directory
    chosen = []
    for test in _introspect(directory, "--tests"):
        labels = {test["name"], *(s.split(":")[-1] for s in test["suite"])}
        if labels & set(profile.skip_suites) or (profile.only_suites and not labels & set(profile.only_suites)):
            continue
        chosen.append(test)
    needed = {i for test in chosen for i in test["depends"]}
    files = [f for target in _introspect(directory, "--targets") if target["id"] in needed
             for f in target["filename"]]
    return [t["name"] for t in chosen], [str(Path(f).relative_to(directory)) for f in files]


def _introspect(directory, what):
    done = subprocess.run(["meson", "introspect", what, str(directory)], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise DevError(f"meson introspect {what}: exit {done.returncode}\n{done.stdout}"
                       f"{done.stderr}")
    return json.loads(done.stdout)


def find_tool(directory, *names):
    """The first of the given paths below a build directory that exists."""
    for name in names:
        path = Path(directory) / name
        if path.exists():
            return path
    raise DevError(f"{directory}: none of {', '.join(names)} was built")


def _has(program):
    return shutil.which(program) is not None
