#!/usr/bin/env python3
"""Writes the next command of each error code for the frontends and for Python.

    gen_errors.py [--check]

From base/error_next.h, which the frontends may not include.
"""

import json
import re
import shlex
import sys

import generated
from generated import ROOT

TABLE = ROOT / "libselftune" / "src" / "base" / "error_next.h"
OUTPUT = ROOT / "frontends" / "cli" / "error_next.gen.h"
PYTHON = ROOT / "bindings" / "python" / "selftune" / "_error_next.py"
ROW = re.compile(r'^    ErrorNext\{"([A-Z_]+)", "([^"]+)", "([^"]+)"\},$', re.MULTILINE)

HEAD = """\
// Written by tools/gen_errors.py from libselftune/src/base/error_next.h.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace selftune::cli {

struct ErrorNext {
  std::string_view code;
  std::string_view command;
  std::string_view text;
  std::array<std::string_view, %d> words;  // of the command, the rest empty

  [[nodiscard]] std::vector<std::string> argv() const {
    std::vector<std::string> out;
    for (const std::string_view word : words) {
      if (!word.empty()) out.emplace_back(word);
    }
    return out;
  }
};

// clang-format off
inline constexpr ErrorNext kErrorNext[] = {
"""
TAIL = """\
};
// clang-format on

// What to do after a failure that names no step of its own; never without a
// command.
constexpr const ErrorNext& FindErrorNext(std::string_view code) {
  constexpr std::string_view kOther = "INTERNAL";
  const ErrorNext* other = nullptr;
  for (const ErrorNext& row : kErrorNext) {
    if (row.code == code) return row;
    if (row.code == kOther) other = &row;
  }
  return *other;
}

}  // namespace selftune::cli
"""

PYTHON_HEAD = '''\
# Written by tools/gen_errors.py from libselftune/src/base/error_next.h.
"""What to do after an error that names no step of its own."""

#: By the name of the error: a sentence, and the command.
ERROR_NEXT: dict[str, tuple[str, list[str]]] = {
'''


def header(rows):
    split = [shlex.split(command) for _, command, _ in rows]
    lines = ["    {%s, %s, %s, {%s}},\n" % (*map(json.dumps, row), ", ".join(map(json.dumps, words)))
             for row, words in zip(rows, split)]
    return HEAD % max(map(len, split)) + "".join(lines) + TAIL


def module(rows):
    lines = ["    %s: (%s, %s),\n" % (json.dumps(code), json.dumps(text), json.dumps(shlex.split(command)))
             for code, command, text in rows]
    return PYTHON_HEAD + "".join(lines) + "}\n"


def main():
    args = generated.parser(__doc__).parse_args()
    rows = ROW.findall(TABLE.read_text(encoding="utf-8"))
    return generated.update({OUTPUT: header(rows), PYTHON: module(rows)}, args.check)


if __name__ == "__main__":
    sys.exit(main())
