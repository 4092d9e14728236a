#!/usr/bin/env python3
"""Checks the module rules of libselftune and its frontends.

    check_layers.py [--root DIR] [--rules layers.toml]

Prints `file:line: what is wrong` for each problem and exits 1 if there is one.
The rules are data in layers.toml: who may include whom, which third-party
header belongs to whom, banned identifiers, file length, own header first, a
README in every module folder, frontends only on the public headers.
"""

import argparse
import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

SOURCE_DIR = "libselftune/src"
HASH = r"^\s*(?:#|%:)\s*(?:include|include_next|import)\b\s*"
INCLUDE = re.compile(HASH + r'(?:"([^"]+)"|<([^>]+)>)')
COMPUTED = re.compile(HASH + r"[A-Za-z_]")  # names what nobody can see
CODE_SUFFIXES = {".cc", ".h", ".c", ".cpp", ".cxx", ".hpp", ".hxx", ".hh", ".inc", ".ipp"}
SCRIPT_SUFFIXES = {".py", ".pyi", ".ts", ".tsx", ".ipynb"}
LENGTH_SUFFIXES = {".cc", ".h", ".c", ".py", ".ts", ".tsx"}
LENGTH_DIRS = ("libselftune", "frontends", "bindings", "tests", "tools", "web/src", "examples")
PUBLIC_ONLY_DIRS = ("frontends", "bindings", "examples")


@dataclass(frozen=True)
class Problem:
    path: str
    line: int
    text: str
    warning: bool = False

    def __str__(self):
        return f"{self.path}:{self.line}: {'warning: ' if self.warning else ''}{self.text}"


def glob_match(path, pattern):
    """Like fnmatch, but `**` crosses folders and `*` does not."""
    regex = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    regex = regex.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return re.fullmatch(regex, path) is not None


class Rules:
    def __init__(self, data):
        self.limits = data["limits"]
        self.exempt = self.limits.get("exempt", {}).get("files", [])
        self.units = [(u["name"], u["files"]) for u in data.get("unit", [])]
        self.may_include = data["may_include"]
        self.public_headers = data.get("public_headers", {})
        self.system = data.get("system", {})
        self.banned = [(re.compile(b["pattern"], re.MULTILINE), b["where"], b["reason"])
                       for b in data.get("banned", [])]
        self.banned_text = [(re.compile(b["pattern"], re.MULTILINE), b["where"],
                             b.get("except", []), b["reason"]) for b in data.get("banned_text", [])]

    def unit_of(self, path):
        """The unit of a path under libselftune/src."""
        for name, patterns in self.units:
            if any(glob_match(path, p) for p in patterns):
                return name
        return path.split("/", 1)[0]

    def allows(self, unit, target):
        if target in (unit, "base"):
            return True
        allowed = self.may_include.get(unit, [])
        return "*" in allowed or target in allowed

    def system_owners(self, header):
        """Who may include a third-party header; None when it is free."""
        for pattern, owners in self.system.items():
            if fnmatchcase(header, pattern):
                return owners
        return None


def strip_code(text):
    """Blanks comments and literals, keeping line breaks and include lines."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^(\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
        re.DOTALL)

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return token.sub(blank, text)


def without_comments(path, text):
    """The text with comments and docstrings blanked, literals kept."""
    if path.suffix in (".py", ".pyi"):
        lines = text.splitlines(keepends=True)
        for node in ast.walk(ast.parse(text)):
            body = getattr(node, "body", None)
            first = body[0] if isinstance(body, list) and body else None
            if (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
                    and isinstance(first.value.value, str)):
                for number in range(first.lineno - 1, first.end_lineno):
                    lines[number] = "\n"
        return re.sub(r"(?m)^\s*#.*", "", "".join(lines))
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text,
                  flags=re.DOTALL)


def includes_of(text):
    """(line number, quoted path or None, angle path or None) of each include."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


class Checker:
    def __init__(self, root, rules):
        self.root = Path(root)
        self.rules = rules
        self.problems = []

    def run(self):
        source = self.root / SOURCE_DIR
        for path in self._code_files(SOURCE_DIR):
            self._check_library_file(path, path.relative_to(source).as_posix())
        for directory in PUBLIC_ONLY_DIRS:
            for path in self._code_files(directory):
                self._check_public_only(path)
        for directory in (*PUBLIC_ONLY_DIRS, SOURCE_DIR):
            for path in self._code_files(directory):
                self._check_computed(path)
        self._check_banned()
        self._check_banned_texts()
        self._check_lengths()
        self._check_readmes(source)
        return sorted(self.problems, key=lambda p: (p.path, p.line, p.text))

    def _code_files(self, directory, suffixes=frozenset(CODE_SUFFIXES)):
        base = self.root / directory
        return sorted(p for p in base.rglob("*")
                      if p.suffix in suffixes and "node_modules" not in p.parts
                      and p.is_file()) if base.is_dir() else []

    def _add(self, path, line, text, warning=False):
        self.problems.append(
            Problem(path.relative_to(self.root).as_posix(), line, text, warning))

    def _check_library_file(self, path, name):
        unit = self.rules.unit_of(name)
        if unit not in self.rules.may_include:
            self._add(path, 1, f"unit {unit} is not in layers.toml")
            return
        found = list(includes_of(path.read_text(encoding="utf-8", errors="replace")))
        for line, quoted, angle in found:
            if quoted:
                self._check_quoted(path, line, unit, quoted)
            else:
                self._check_system(path, line, unit, name, angle)
        self._check_own_header(path, name, found)

    def _check_quoted(self, path, line, unit, quoted):
        if quoted.startswith("selftune/"):  # a public header, by its install name
            if unit != "capi" and unit not in self.rules.public_headers.get(quoted, []):
                self._add(path, line, f"{unit} may not include the public header {quoted}")
            return
        if "/" not in quoted:
            self._add(path, line, f'write "{quoted}" with its module: "module/{quoted}"')
            return
        target = self.rules.unit_of(quoted)
        if not self.rules.allows(unit, target):
            self._add(path, line, f"{unit} may not include {target} ({quoted})")

    def _check_system(self, path, line, unit, name, header):
        owners = self.rules.system_owners(header)
        if owners is None:
            return
        if not any(owner == unit or glob_match(name, owner) for owner in owners):
            self._add(path, line, f"{unit} may not include <{header}>"
                      + (f"; only {', '.join(owners)}" if owners else ""))

    def _check_own_header(self, path, name, found):
        if path.suffix != ".cc" or not path.with_suffix(".h").exists():
            return
        own = name[:-len(".cc")] + ".h"
        if not found or found[0][1] != own:
            self._add(path, found[0][0] if found else 1, f'the first include must be "{own}"')

    def _check_public_only(self, path):
        text = path.read_text(encoding="utf-8", errors="replace")
        for line, quoted, angle in includes_of(text):
            header = quoted or angle
            private = (self.root / SOURCE_DIR / header).exists() and not (
                quoted and self._is_local(path, quoted))
            if private or SOURCE_DIR in header:
                self._add(path, line, f"only <selftune/...> may be included here, not {header}")

    def _check_computed(self, path):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            if COMPUTED.match(line):
                self._add(path, number, "write the name of the header, not a macro")

    def _is_local(self, path, quoted):
        """A frontend's own header, found beside the file or under its frontends folder."""
        top = self.root / path.relative_to(self.root).parts[0]
        return (path.parent / quoted).exists() or (top / quoted).exists()

    def _check_banned(self):
        for top in ("libselftune", "frontends", "bindings", "examples", "tests"):
            for path in self._code_files(top):
                name = path.relative_to(self.root).as_posix()
                code = None
                for pattern, where, reason in self.rules.banned:
                    if not any(glob_match(name, w) for w in where):
                        continue
                    code = code or strip_code(path.read_text(encoding="utf-8", errors="replace"))
                    for match in pattern.finditer(code):
                        line = code.count("\n", 0, match.start()) + 1
                        self._add(path, line, f"{match.group(0).strip()}: {reason}")

    def _check_banned_texts(self):
        """The whole text of a file, literals included; comments may say what they like.
        Scripts count as much as compiled code."""
        for pattern, where, exceptions, reason in self.rules.banned_text:
            for top in sorted({w.split("/", 1)[0] for w in where}):
                for path in self._code_files(top, CODE_SUFFIXES | SCRIPT_SUFFIXES):
                    name = path.relative_to(self.root).as_posix()
                    if not any(glob_match(name, w) for w in where) or any(
                            glob_match(name, e) for e in exceptions):
                        continue
                    text = without_comments(path, path.read_text(encoding="utf-8",
                                                                 errors="replace"))
                    for match in pattern.finditer(text):
                        line = text.count("\n", 0, match.start()) + 1
                        self._add(path, line, f"{match.group(0).strip()[:60]}: {reason}")

    def _check_lengths(self):
        for top in LENGTH_DIRS:
            base = self.root / top
            if not base.is_dir():
                continue
            for path in sorted(base.rglob("*")):
                name = path.relative_to(self.root).as_posix()
                if path.suffix not in LENGTH_SUFFIXES or not path.is_file() or "/data/" in name:
                    continue
                if "node_modules" in path.parts:
                    continue
                if any(glob_match(name, p) for p in self.rules.exempt):
                    continue
                with open(path, "rb") as file:
                    lines = sum(1 for _ in file)
                if lines > self.rules.limits["hard_lines"]:
                    self._add(path, lines, f"{lines} lines, limit {self.rules.limits['hard_lines']}")
                elif lines > self.rules.limits["warn_lines"]:
                    self._add(path, lines, f"{lines} lines, aim for "
                              f"{self.rules.limits['warn_lines']}", warning=True)

    def _check_readmes(self, source):
        for module in sorted(p for p in source.iterdir() if p.is_dir()) if source.is_dir() else []:
            if not any(p.suffix in CODE_SUFFIXES for p in module.rglob("*")):
                continue  # a module that has not begun
            readme = module / "README.md"
            if not readme.exists():
                self._add(module, 1, "no README.md saying what the module owns and must not do")
                continue
            lines = len(readme.read_text(encoding="utf-8").splitlines())
            if lines > self.rules.limits["readme_lines"]:
                self._add(readme, lines, f"{lines} lines, limit "
                          f"{self.rules.limits['readme_lines']} (one screen)")


def check(root, rules_path):
    with open(rules_path, "rb") as file:
        rules = Rules(tomllib.load(file))
    return Checker(root, rules).run()


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=here.parent)
    parser.add_argument("--rules", default=here / "layers.toml")
    args = parser.parse_args()
    problems = check(args.root, args.rules)
    for problem in problems:
        print(problem)
    errors = [p for p in problems if not p.warning]
    if not errors:
        print("layers: ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
