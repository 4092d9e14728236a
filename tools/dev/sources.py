"""Sources that a release compiles into the library, from Debian's source packages.

The system's libraries of C++ are thirty shared objects, Abseil alone 26, which the loader takes most of
the time of a short command to bring together. Meson builds subprojects/<name> where it is asked to, and
asks nobody where the folder is there already; what lies in it here is what Debian's package of the
library is made from, its patches applied.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import packages
from common import ROOT, DevError, note

SUBPROJECTS = ROOT / "subprojects"
# Wraps of subprojects/ by the name of Debian's source package, and how its version begins: that of
# the packages the other builds link, which the overlay was tried with.
PACKAGES = {
    "abseil-cpp": ("abseil", "20220623."),
    "fmt": ("fmtlib", "9.1."),
    "simdjson": ("simdjson", "3.0."),
}


class NotToBeHad(Exception):
    """The source cannot be fetched or is not the one that the overlay is for."""


def ready(wrap):
    """Whether Meson can build the wrap without downloading it; fetches the source if it must."""
    target = SUBPROJECTS / _value_of(wrap, "directory")
    if (target / "meson.build").exists():
        return True
    try:
        _fetch(wrap, target)
    except (NotToBeHad, DevError, OSError) as error:
        note(f"{wrap}: the system's shared libraries are linked, with which each command starts "
             f"some milliseconds later ({error})")
        return False
    return True


def source_lists(folder="/etc/apt"):
    """What APT's lists say of binary packages, said of their sources: (deb822, lines)."""
    folder = Path(folder)
    stanzas, lines = [], []
    for path in sorted(folder.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            if re.search(r"^Types:(.*\s)?deb(\s|$)", stanza, re.M) and not re.search(r"^Enabled:\s*no", stanza, re.M):
                stanzas.append(re.sub(r"^Types:.*$", "Types: deb-src", stanza.strip(), flags=re.M))
    for path in [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]:
        if path.exists():
            lines += [re.sub(r"^deb\s", "deb-src ", line)
                      for line in path.read_text(encoding="utf-8").splitlines()
                      if re.match(r"deb\s", line)]
    return "\n\n".join(stanzas) + "\n", "\n".join(lines) + "\n"


def _fetchable():
    if shutil.which("apt-get") is None:
        raise NotToBeHad("not a Debian system")
    packages.ensure("source")


def _fetch(wrap, target):
    _fetchable()
    package, version = PACKAGES[wrap]
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=SUBPROJECTS) as scratch:
        scratch = Path(scratch)
        apt = _apt(scratch)
        note(f"{wrap}: fetching Debian's source")
        _run([*apt, "update"], scratch)
        # A source of another version may lack files that the overlay names.
        said = _run([*apt, "showsrc", "--only-source", package], scratch, "apt-cache")
        if not re.search(rf"^Version: {re.escape(version)}", said, re.M):
            raise NotToBeHad(f"Debian has no version {version}")
        _run([*apt, "source", package], scratch)
        found = [path for path in scratch.glob(f"{package}-{version}*") if path.is_dir()]
        if len(found) != 1:
            raise NotToBeHad(f"{len(found)} folders were unpacked")
        shutil.copytree(SUBPROJECTS / "packagefiles" / wrap, found[0], dirs_exist_ok=True)
        os.replace(found[0], target)


def _apt(scratch):
    """Options of APT with lists of its own: the machine's stay as they are."""
    stanzas, lines = source_lists()
    parts = scratch / "parts"
    for folder in ("parts", "lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    (parts / "all.sources").write_text(stanzas, encoding="utf-8")
    (parts / "all.list").write_text(lines, encoding="utf-8")
    return ["-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={parts}",
            "-o", f"Dir::State::Lists={scratch / 'lists'}", "-o", f"Dir::Cache={scratch / 'cache'}",
            "-o", "APT::Sandbox::User="]


def _run(arguments, folder, program="apt-get"):
    done = subprocess.run([program, *map(str, arguments)], cwd=folder, check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise NotToBeHad(f"{program} {arguments[-1]}: exit {done.returncode}: "
                         + " ".join(done.stdout.split()[-30:]))
    return done.stdout


def _value_of(wrap, key):
    text = (SUBPROJECTS / f"{wrap}.wrap").read_text(encoding="utf-8")
    return re.search(rf"^{key}\s*=\s*(\S+)$", text, re.M).group(1)
