#!/usr/bin/env python3
"""Writes tests/capi/layout.gen.c: where each member of a public struct lies.

    gen_layout.py [--check]

Sizes and offsets are worked out here from the headers, by the rules of 64-bit
platforms; compiling the file asks a real compiler for its opinion.
"""

import re
import sys

import generated
from generated import ROOT

HEADERS = ROOT / "libselftune" / "include" / "selftune"
OUTPUT = ROOT / "tests" / "capi" / "layout.gen.c"

POINTER = (8, 8)  # size and alignment
TYPES = {"char": (1, 1), "int8_t": (1, 1), "uint8_t": (1, 1), "int32_t": (4, 4), "uint32_t": (4, 4),
         "int": (4, 4), "float": (4, 4), "int64_t": (8, 8), "uint64_t": (8, 8), "size_t": (8, 8),
         "double": (8, 8)}
STRUCT = re.compile(r"typedef struct (?P<tag>\w+)? ?{(?P<body>[^{}]*)} (?P<name>\w+);|"
                    r"^struct (?P<plain>\w+) {(?P<inside>[^{}]*)};", re.MULTILINE)
INCLUDE = re.compile(r'^#include "(\w+\.h)"', re.MULTILINE)
ALIAS = re.compile(r"typedef (\w+) (\w+);")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
CALLBACK = re.compile(r"\(\*(\w+)\)\s*\(")
MEMBER = re.compile(r"(?P<type>.*?)(?P<name>\w+)\Z", re.DOTALL)


def member(declaration, types):
    """(name, size, alignment) of one member."""
    callback = CALLBACK.search(declaration)
    if callback:
        return (callback.group(1), *POINTER)
    found = MEMBER.match(declaration)
    if "*" in found.group("type"):
        return (found.group("name"), *POINTER)
    kind = " ".join(w for w in found.group("type").split() if w not in ("const", "struct"))
    if kind not in types:
        raise SystemExit(f"gen_layout.py: no size known for \"{declaration}\"")
    return (found.group("name"), *types[kind])


def lay_out(body, types):
    """[(member, offset)], size and alignment of a struct."""
    offset, widest, members = 0, 1, []
    for declaration in filter(None, (part.strip() for part in body.split(";"))):
        name, size, alignment = member(declaration, types)
        offset = -(-offset // alignment) * alignment
        members.append((name, offset))
        offset += size
        widest = max(widest, alignment)
    return members, -(-offset // widest) * widest, widest


def asserts(text, types):
    """The lines for one header; adds what it declares to `types`."""
    text = COMMENT.sub("", text)
    for old, new in ALIAS.findall(text):
        if old in types:
            types[new] = types[old]
    lines = []
    for found in STRUCT.finditer(text):
        name = found.group("name") or found.group("plain")
        spelled = name if found.group("name") else f"struct {name}"
        members, size, alignment = lay_out(found.group("body") or found.group("inside"), types)
        types[name] = (size, alignment)
        lines.append(f"FIXED(sizeof({spelled}), {size});")
        lines += [f"FIXED(offsetof({spelled}, {m}), {offset});" for m, offset in members]
    return lines


def in_order(names):
    """Each header behind those it includes."""
    done = []

    def visit(name):
        if name in done or name not in names:
            return
        for included in INCLUDE.findall((HEADERS / name).read_text(encoding="utf-8")):
            visit(included)
        done.append(name)

    for name in names:
        visit(name)
    return done


def render():
    types = dict(TYPES)
    names = sorted(path.name for path in HEADERS.glob("*.h"))
    lines = ["/* Transparent structs are part of the ABI: their layout does not move.",
             " * Written by tools/gen_layout.py. */",
             "#include <stddef.h>", "#include <stdint.h>", ""]
    lines += [f"#include <selftune/{name}>" for name in names]
    lines += ["", "#define FIXED(what, bytes) _Static_assert((what) == (bytes), #what)", "",
              "#if UINTPTR_MAX == 0xffffffffffffffffu"]
    for name in in_order(names):
        lines += asserts((HEADERS / name).read_text(encoding="utf-8"), types)
    lines += ["#endif", "FIXED(sizeof(selftune_code_t), 4);", "", "int main(void) { return 0; }"]
    return "\n".join(lines) + "\n"


def main():
    args = generated.parser(__doc__).parse_args()
    return generated.update({OUTPUT: render()}, args.check)


if __name__ == "__main__":
    sys.exit(main())
