"""What programs under test are started in: a person's environment, not that of
the machine or the CI job that runs the tests."""

import os

# How programs are found and written down, and what a build needs of its own.
KEPT = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "MALLOC_PERTURB_",
        "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")


def environment(home, **more):
    """The variables of a person at home in `home`; one given as None is not set."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env.update(HOME=str(home), NO_COLOR="1")
    env.update(more)
    return {name: value for name, value in env.items() if value is not None}
