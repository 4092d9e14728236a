#!/usr/bin/env python3
"""Turns the built page of the dashboard into sources that hold its bytes.

    embed_assets.py --web DIR [--mode auto|enabled|disabled] [--npm NPM] --out DIR
                    [--depfile FILE]

Writes to --out: assets.gen.cc (a table sorted by path: MIME type, SHA-256, raw
and gzip bytes), assets.gen.S (takes in the bytes with .incbin, which costs no
compile time) and assets.gen.bin.

The page is built by npm when DIR/package.json and npm are there; else
DIR/dist is taken as it stands; else the table is empty, the build warns and is
tried again the next time, and the server says why and how to get the page.
`enabled` makes a missing page an error, `disabled` wants none.
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

MIMES = {
    ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon", ".js": "text/javascript; charset=utf-8",
    ".json": "application/json", ".map": "application/json", ".png": "image/png",
    ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}
COMPRESSIBLE = {".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".webmanifest"}
WORTH = 0.9  # gzip is kept when it is at most this share of the raw bytes
ALIGN = 16
SKIPPED = {"node_modules", "dist", "test-results", "playwright-report", "coverage"}


class NoPage(Exception):
    """There is nothing to embed: why, in a line, and what the program said."""

    def __init__(self, why, output=""):
        super().__init__(why + (f"\n{output}" if output else ""))
        self.why = why


def sources(web):
    """Files that the page is made from."""
    found = []
    for folder, folders, names in os.walk(web):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("."))
        found += [Path(folder) / name for name in sorted(names)]
    return found


def run(argv, cwd):
    env = dict(os.environ, CI="1", NO_COLOR="1")
    done = subprocess.run(argv, cwd=cwd, env=env, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        shown = " ".join([Path(argv[0]).name, *argv[1:3]]).removesuffix(" --no-audit")
        raise NoPage(f"{shown}: exit {done.returncode}", done.stdout[-3000:])


def install(web, npm):
    """npm ci, unless it was done for this lock file."""
    lock, stamp = web / "package-lock.json", web / "node_modules" / ".installed-for"
    if not lock.exists():
        raise NoPage(f"{lock.name} is missing")
    want = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == want:
        return
    run([npm, "ci", "--no-audit", "--no-fund"], web)
    stamp.write_text(want, encoding="ascii")


def built_page(web, npm, work):
    """The folder that holds index.html."""
    if npm and (web / "package.json").exists():
        install(web, npm)
        out = work / "web-dist"
        shutil.rmtree(out, ignore_errors=True)
        run([npm, "run", "build", "--", "--outDir", str(out), "--emptyOutDir"], web)
        if not (out / "index.html").exists():
            raise NoPage("npm run build wrote no index.html")
        return out
    if (web / "dist" / "index.html").exists():
        return web / "dist"
    raise NoPage("there is no npm and no web/dist that was built before")


def read_page(folder):
    """(path, mime, digest, raw, gzip or b"") of each file, sorted by path."""
    out = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        packed = gzip.compress(raw, 9, mtime=0) if path.suffix in COMPRESSIBLE else b""
        if len(packed) > WORTH * len(raw):
            packed = b""
        out.append(("/" + path.relative_to(folder).as_posix(),
                    MIMES.get(path.suffix, "application/octet-stream"),
                    hashlib.sha256(raw).hexdigest(), raw, packed))
    return sorted(out)


def literal(text):
    if any(c in text for c in '"\\\n'):
        raise NoPage(f"the file name {text!r} cannot be served")
    return f'"{text}"'


def write(path, data):
    """Leaves a file alone that is already so: what depends on it is not built again."""
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


def emit(files, why, out):
    """Writes the three files; `why` there is no page, or ""."""
    blob, rows = bytearray(), []

    def place(data):
        blob.extend(b"\0" * (-len(blob) % ALIGN))
        at = len(blob)
        blob.extend(data)
        return f"{{kBytes + {at}, {len(data)}}}" if data else "{}"

    for path, mime, digest, raw, packed in files:
        rows.append(f"    {{{literal(path)}, {literal(mime)}, {literal(digest)}, "
                    f"{place(raw)}, {place(packed)}}},\n")
    build = hashlib.sha256("".join(f[0] + f[2] for f in files).encode()).hexdigest()[:12]
    text = (
        "// Generated by tools/embed_assets.py.\n"
        '#include "dashboard/assets.h"\n\n'
        'extern "C" const char selftune_assets[];\n\n'
        "namespace selftune::dashboard {\n\n"
        "std::span<const Asset> EmbeddedAssets() {\n"
        + ("  return {};\n" if not rows else
           "  static const char* const kBytes = selftune_assets;\n"
           "  static const Asset kAssets[] = {\n" + "".join("  " + r for r in rows) +
           "  };\n  return kAssets;\n") +
        "}\n\n"
        f'std::string_view EmbeddedBuild() {{ return "{build if rows else ""}"; }}\n\n'
        f'std::string_view WhyNoPage() {{ return {json.dumps(why)}; }}\n\n'
        "}  // namespace selftune::dashboard\n")
    out.mkdir(parents=True, exist_ok=True)
    binary = out / "assets.gen.bin"
    assembler = (
        "/* Generated by tools/embed_assets.py. */\n"
        "#ifdef __APPLE__\n#define NAME _selftune_assets\n  .section __DATA,__const\n"
        "#else\n#define NAME selftune_assets\n  .section .rodata\n#endif\n"
        "  .globl NAME\n  .balign 16\n"
        # Other bytes are another text: else nothing would assemble them.
        f"  .set .Lbytes_{hashlib.sha256(blob).hexdigest()[:32]}, 0\nNAME:\n"
        f'  .incbin "{binary.as_posix()}"\n  .byte 0\n'
        '#if defined(__linux__) && defined(__ELF__)\n  .section .note.GNU-stack,"",%progbits\n#endif\n')
    write(binary, bytes(blob))
    write(out / "assets.gen.cc", text.encode())
    write(out / "assets.gen.S", assembler.encode())


def warn(problem):
    """Not to be missed between the lines of a build."""
    bar = "*" * 78
    print(f"{bar}\nWARNING: the dashboard is built WITHOUT ITS PAGE: {problem.why}\n\n"
          f"{problem}\n\n"
          "To get the page: install Node.js 18.18 or newer with npm, let npm reach its\n"
          "registry, and build again. -Dweb=enabled makes this an error, -Dweb=disabled\n"
          f"says that no page is wanted.\n{bar}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--web", type=Path, required=True)
    parser.add_argument("--mode", choices=["auto", "enabled", "disabled"], default="auto")
    parser.add_argument("--npm", default="")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--depfile", type=Path)
    args = parser.parse_args()
    out, web = args.out.resolve(), args.web.resolve()
    files, why, depends = [], "", sources(web)
    try:
        if args.mode == "disabled":
            raise NoPage("built with -Dweb=disabled")
        files = read_page(built_page(web, args.npm or shutil.which("npm"), out))
    except NoPage as problem:
        if args.mode == "enabled":
            print(f"embed_assets: {problem}", file=sys.stderr)
            return 1
        why = problem.why
        if args.mode == "auto":
            warn(problem)
            depends.append(out / "page-missing")  # never made: the next build tries again
    emit(files, why, out)
    if args.depfile:
        names = " ".join(str(p).replace(" ", "\\ ") for p in depends)
        args.depfile.write_text(f"{out / 'assets.gen.cc'}: {names}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
