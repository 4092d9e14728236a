"""Sources put together into few translation units.

Most of the time of a tool that parses C++ goes into headers, which a group of
sources needs once. Files that name something of their own alike cannot share a
unit; what this misses is seen by the caller, who then takes them one by one.
"""

import json
import re
from pathlib import Path

MOST = 12  # files a unit; more leave nothing for the second core to do

_NOISE = re.compile(
    r'R"(?P<end>[^()\s]*)\(.*?\)(?P=end)"'  # raw strings first: they hold quotes
    r'|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_TYPE = re.compile(r"\b(?:(?:struct|class|union|enum(?:\s+class)?|concept)\s+(\w+)|using\s+(\w+)\s*=)")
_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
_UNNAMED = re.compile(r"\bnamespace\s*\{")


def plain(text):
    """C++ without comments and literals."""
    return _NOISE.sub(lambda m: '""' if m.group().startswith(('"', "R", "'")) else " ", text)


def own_names(text):
    """What a source (as plain() leaves it) defines for itself alone."""
    names = set(_MACRO.findall(text))
    for opening in _UNNAMED.finditer(text):
        names |= _declared(_outermost(text, opening.end()))
    return names


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
    names = set()
    for statement in block.split(";"):
        named = _TYPE.search(statement)
        words = _WORD.findall(re.split(r"[({=\[]", statement, maxsplit=1)[0])
        if named:
            names.add(named.group(1) or named.group(2))
        elif words and words[0] != "using":  # of the same thing twice is no harm
            names.add(words[-1])
    return names


def units(commands):
    """Lists of compile commands (of a compilation database) that can share a unit."""
    alike = {}
    for command in commands:
        alike.setdefault(_flags(command), []).append(command)
    for members in alike.values():
        yield from _packed(members)


def _packed(commands):
    """First fit: each source joins the first unit in which no name meets itself."""
    groups, names = [], []
    for command in commands:
        own = own_names(plain(source_of(command).read_text(encoding="utf-8")))
        for group, taken in zip(groups, names):
            if len(group) < MOST and not own & taken:
                group.append(command)
                taken |= own
                break
        else:
            groups.append([command])
            names.append(own)
    return groups


def source_of(command):
    return (Path(command["directory"]) / command["file"]).resolve()


def _flags(command):
    # A target's own folder holds nothing that is included.
    text = re.sub(r" -(?:o|MF|MQ) \S+| -I\S+\.p(?= )", "", command["command"])
    return re.sub(r" -c \S+$", "", text)


def write(groups, folder):
    """Writes a file for each group and their database; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, files = [], []
    for number, commands in enumerate(groups):
        unit = folder / f"unit{number}.cc"
        unit.write_text("".join(f'#include "{source_of(c)}"  // NOLINT\n' for c in commands),
                        encoding="utf-8")
        rows.append(dict(commands[0], file=str(unit),
                         command=f"{_flags(commands[0])} -o {unit}.o -c {unit}"))
        files.append(unit)
    (folder / "compile_commands.json").write_text(json.dumps(rows), encoding="utf-8")
    return files
