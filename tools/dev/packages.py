"""Debian packages that ./dev needs, by what they are needed for.

System libraries come first. Where they cannot be installed, --wrap builds them
from subprojects/ (Meson downloads the archives named in the *.wrap files).
"""

import os
import shutil
import subprocess

from common import DevError, note

TOOLS = ["g++", "gcc", "git", "meson", "ninja-build", "pkg-config"]

LIBRARIES = [
    "cmake",  # Meson finds doctest by its CMake file only
    "doctest-dev",
    "libabsl-dev",
    "libboost1.81-dev",  # headers, for the dashboard
    "libcurl4-openssl-dev",  # headers; the library is loaded on first use
    "libcxxopts-dev",
    "libfmt-dev",
    "libsimdjson-dev",
    "libsodium-dev",
    "libsqlite3-dev",
    "libssl-dev",
    "libutf8proc-dev",
    "libyaml-cpp-dev",  # tests only
    "libzstd-dev",
    "pybind11-dev",
    "python3-dev",
]

GROUPS = {
    "tools": TOOLS,
    "build": TOOLS + LIBRARIES + ["ccache"],
    "source": ["dpkg-dev"],
    "clang": ["clang-19", "libclang-rt-19-dev", "lld-19", "llvm-19"],
    "lint": ["binutils", "clang-format-19", "clang-tidy-19", "codespell", "git"],
    # The JSON libraries are what the programs of examples/ read replies with.
    # Shells and formatters are what completions and manual pages are tried in.
    # A real OpenCode searches with ripgrep, and would download one.
    "tests": ["abigail-tools", "chromium", "fish", "fonts-dejavu-core", "groff-base", "libjansson-dev", "mandoc",
              "nlohmann-json3-dev", "nodejs", "npm", "python3-venv", "ripgrep", "strace", "util-linux", "valgrind", "zsh", "zstd"],
}


# Often installed from elsewhere, with another package name.
COMMANDS = {"nodejs": "node", "npm": "npm"}


def missing(packages):
    """The packages of the list that dpkg does not have installed."""
    if shutil.which("dpkg-query") is None:
        return []
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *packages],
        capture_output=True, text=True, check=False)
    have = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("installed ")}
    return [p for p in packages if p not in have and not shutil.which(COMMANDS.get(p, ""))]


def ensure(*groups):
    """Installs what the groups lack; needs root, otherwise says the command."""
    wanted = sorted({p for group in groups for p in GROUPS[group]})
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        note("not a Debian system; taking what is installed (packages.py lists what is needed)")
        return
    lacking = missing(wanted)
    if not lacking:
        return
    command = "apt-get install -y --no-install-recommends " + " ".join(lacking)
    if os.geteuid() != 0:
        raise DevError(
            f"missing packages, which only root can install: {' '.join(lacking)}. Run:\n"
            f"  sudo apt-get update && sudo {command}\n"
            "or use --wrap to build the libraries from subprojects/ (the tools "
            f"{', '.join(TOOLS)} are still needed)")
    note("installing " + " ".join(lacking))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "update", "-qq"], env=env, check=False, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    done = subprocess.run(command.split(), env=env, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise DevError(f"{command}: exit {done.returncode}\n{done.stdout[-2000:]}\n"
                       "Without these packages try --wrap.")
