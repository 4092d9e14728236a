#!/usr/bin/env python3
"""Installs into an empty prefix and builds a C program with pkg-config alone.

    install_test.py BUILD_DIR PROGRAM.c
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile


def run(argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise SystemExit("%s: exit %d\n%s%s" % (argv, done.returncode, done.stdout, done.stderr))
    return done.stdout


def install(build, root):
    """The prefix below `root` that the configured one became."""
    run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", root])
    options = json.loads(run(["meson", "introspect", "--buildoptions", build]))
    prefix = next(o["value"] for o in options if o["name"] == "prefix")
    return pathlib.Path(root) / prefix.lstrip("/")


def main():
    build, program = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory(prefix="selftune-install-") as root:
        prefix = install(build, root)
        pc_dir = next(prefix.rglob("selftune.pc")).parent
        library = next(prefix.rglob("libselftune.so.0")).parent
        env = dict(os.environ, PKG_CONFIG_PATH=str(pc_dir))
        # The tree lies below a staging folder: only there its prefix is true.
        flags = shlex.split(run(["pkg-config", "--define-variable=prefix=%s" % prefix, "--cflags", "--libs",
                                 "selftune"], env=env))
        output = os.path.join(root, "program")
        compiler = shlex.split(os.environ.get("CC", "cc"))
        run(compiler + ["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", program, "-o", output] + flags)
        home = os.path.join(root, "home")
        os.mkdir(home)
        env = {"HOME": home, "LD_LIBRARY_PATH": str(library), "PATH": os.environ["PATH"]}
        for name in ("ASAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        reply = json.loads(run([output], env=env))
        if reply["ok"] is not True or not reply["data"]["version"]:
            raise SystemExit("unexpected reply %s" % reply)
        command = prefix / "bin" / "selftune"
        if command.exists():
            assert json.loads(run([str(command), "version"], env=env))["ok"] is True
        headers = sorted(p.name for p in (prefix / "include" / "selftune").iterdir())
        assert "selftune.h" in headers, headers
    return 0


if __name__ == "__main__":
    sys.exit(main())
