"""Sources put together into few translation units.

Most of the time of a tool that parses C++ goes into headers, which a group of
sources needs once. A file shares no unit with one that uses a name which it
defines for itself alone; what this misses, a compiler refuses.

    grouped.py FOLDER SOURCE...    write the units, print their paths
"""

import functools
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

MOST = 12  # files a unit; more leave nothing for the second core to do
UNITS = ".units"  # a folder with this file holds units

_NOISE = re.compile(
    r'R"(?P<end>[^()\s]*)\(.*?\)(?P=end)"'  # raw strings first: they hold quotes
    r'|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_TYPE = re.compile(r"\b(?:(?:struct|class|union|enum(?:\s+class)?|concept)\s+(\w+)|using\s+(\w+)\s*=)")
_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
_USING = re.compile(r"^using\s+((?:\w+::)*)(\w+)$")
_NAMESPACE = re.compile(r"^namespace\s+([\w:]+)", re.MULTILINE)
_UNNAMED = re.compile(r"\bnamespace\s*\{")


def plain(text):
    """C++ without comments and literals."""
    return _NOISE.sub(lambda m: '""' if m.group().startswith(('"', "R", "'")) else " ", text)


@dataclass(frozen=True)
class Source:
    own: dict  # name: what it stands for, "" if that is found in this file alone
    words: set  # every name it uses
    types: set  # (namespace, name) of what the headers of ours define that it includes
    inner: set  # (namespace, name) of the namespaces within another that these open
    home: str  # its namespace

    @staticmethod
    def read(path):
        text = plain(path.read_text(encoding="utf-8"))
        own = dict.fromkeys(_MACRO.findall(text), "")
        for opening in _UNNAMED.finditer(text):
            own |= _declared(_outermost(text, opening.end()))
        headers = _headers(path)
        return Source(own, set(_WORD.findall(text)), set().union(*map(_header_types, headers)),
                      set().union(*map(_inner_namespaces, headers)), _home(text))

    def hides(self, other):
        """Whether a name of this file would mean something else in the other."""
        return any((name in other.words and not (meant and other.own.get(name) == meant))
                   or (self.home, name) in other.types for name, meant in self.own.items()) or any(
                       outer == other.home and name in other.words for outer, name in self.inner - other.inner)


@functools.cache
def _headers(path):
    """The headers of ours that a file includes, and those that these include."""
    found = set()
    for name in _INCLUDE.findall(path.read_text(encoding="utf-8")):
        for folder in path.parents:
            header = folder / name
            if header.is_file():
                found |= {header} | _headers(header)
                break
    return frozenset(found)


@functools.cache
def _header_types(path):
    text = plain(path.read_text(encoding="utf-8"))
    return frozenset((_home(text), a or b) for a, b in _TYPE.findall(text))


@functools.cache
def _inner_namespaces(path):
    """a::b::c is c within a::b, where it hides an a::c."""
    opened = _NAMESPACE.findall(plain(path.read_text(encoding="utf-8")))
    return frozenset(tuple(name.rsplit("::", 1)) for name in opened if "::" in name)


def _home(text):
    named = _NAMESPACE.search(text)
    return named.group(1) if named else ""


def _outermost(text, start):
    """The block that begins at start, its inner blocks left out."""
    depth, kept = 0, []
    for piece in re.finditer(r"[{}]|[^{}]+", text[start:]):
        token = piece.group()
        if token == "}":
            if depth == 0:
                break
            depth -= 1
            if depth == 0:
                kept.append(";")  # ends a function as well as a type
        elif token == "{":
            if depth == 0:
                kept.append("{")
            depth += 1
        elif depth == 0:
            kept.append(token)
    return "".join(kept)


def _declared(block):
    block = re.sub(r"^[ \t]*#.*$", "", block, flags=re.MULTILINE)
    block = re.sub(r"\[\[.*?\]\]", "", block)
    names = {}
    for statement in block.split(";"):
        used = _USING.match(statement.strip())
        named = _TYPE.search(statement)
        words = _WORD.findall(re.split(r"[({=\[]", statement, maxsplit=1)[0])
        if used:
            names[used.group(2)] = used.group(1)
        elif named:
            names[named.group(1) or named.group(2)] = ""
        elif words and words[0] != "using":  # of a whole namespace
            names[words[-1]] = ""
    return names


def alone(commands):
    """The commands of a compilation database with one for each source in place of a unit's."""
    for command in commands:
        unit = source_of(command)
        if not (unit.parent / UNITS).is_file():
            yield command
            continue
        for name in _INCLUDE.findall(unit.read_text(encoding="utf-8")):
            source = (unit.parent / name).resolve()
            yield dict(command, file=str(source), command=f"{_flags(command)} -o {source.name}.o -c {source}")


def units(commands):
    """Lists of compile commands (of a compilation database) that can share a unit."""
    alike = {}
    for command in commands:
        alike.setdefault(_flags(command), []).append(command)
    for members in alike.values():
        yield from packed(members, source_of)


def packed(members, source):
    """First fit: each member, whose file source() tells, joins the first list
    with room in which no name means two things."""
    groups = []
    for member in members:
        new = Source.read(source(member))
        for group in groups:
            if len(group) < MOST and not any(new.hides(old) or old.hides(new) for _, old in group):
                break
        else:
            group = []
            groups.append(group)
        group.append((member, new))
    return [[member for member, _ in group] for group in groups]


def source_of(command):
    return (Path(command["directory"]) / command["file"]).resolve()


def _flags(command):
    # A target's own folder holds nothing that is included.
    text = re.sub(r" -(?:o|MF|MQ) \S+| -I\S+\.p(?= )", "", command["command"])
    return re.sub(r" -c \S+$", "", text)


def write(groups, folder):
    """Writes a file for each group of commands and their database; returns the files."""
    files = write_units([[source_of(c) for c in commands] for commands in groups], folder)
    rows = [dict(commands[0], file=str(unit),
                 command=f"{_flags(commands[0])} -o {unit}.o -c {unit}")
            for commands, unit in zip(groups, files)]
    (folder / "compile_commands.json").write_text(json.dumps(rows), encoding="utf-8")
    return files


def write_units(groups, folder):
    """A file of its own for each list of sources; one that stays is not touched."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / UNITS).touch()
    files = []
    for number, sources in enumerate(groups):
        unit = folder / f"unit{number}.cc"
        # Relative, so that a clone elsewhere hits the same compiler cache.
        names = [os.path.relpath(source, folder) for source in sources]
        text = "".join(f'#include "{name}"  // NOLINT\n' for name in names)
        if not unit.exists() or unit.read_text(encoding="utf-8") != text:
            unit.write_text(text, encoding="utf-8")
        files.append(unit)
    return files


def main(folder, *sources):
    for unit in write_units(packed(map(Path, sources), Path), Path(folder)):
        print(unit)


if __name__ == "__main__":
    main(*sys.argv[1:])
