#!/usr/bin/env python3
"""The loop through the real `claude`, without a network.

    real_claude_test.py SELFTUNE FOLDER

Installs the pinned Claude Code from npm into FOLDER once, then runs
tests/e2e/loop_test.py in a network namespace of its own that has nothing but
loopback. Exit 77 (skipped) when npm cannot fetch it or the kernel refuses the
namespace; both are said.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

SKIP = 77
PACKAGE = "@anthropic-ai/claude-code"
VERSION = "2.1.330"
LOOP = Path(__file__).resolve().parents[1] / "e2e" / "loop_test.py"


def skip(why):
    print(f"skipped: {why}")
    return SKIP


def installed(folder):
    binary = folder / "node_modules" / ".bin" / "claude"
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False,
                              env=own_environment(folder), timeout=120)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.startswith(VERSION)


def own_environment(folder):
    """Nothing of the person's home: neither agent folders nor npm settings."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    keep = {k: v for k, v in os.environ.items()
            if k in ("PATH", "LANG", "LD_LIBRARY_PATH") or k.lower().startswith("npm_config_")}
    return dict(keep, HOME=str(home))


def install(folder):
    """npm's words when it failed, else None."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    env = dict(os.environ, npm_config_cache=str(folder / "cache"))
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", f"{PACKAGE}@{VERSION}"],
                          cwd=folder, env=env, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        # npm may be told to run no install scripts; this one puts the binary in place.
        script = folder / "node_modules" / PACKAGE / "install.cjs"
        done = subprocess.run(["node", str(script)], cwd=script.parent, env=own_environment(folder),
                              capture_output=True, text=True, check=False)
    return None if done.returncode == 0 and installed(folder) else done.stdout + done.stderr


def raise_loopback():
    siocgifflags, siocsifflags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, siocgifflags, request))[1]
        fcntl.ioctl(sock, siocsifflags, struct.pack("16sh14x", b"lo", flags | up))


def main():
    if sys.argv[1] == "--inside":
        raise_loopback()
        os.execv(sys.executable, [sys.executable, "-B", str(LOOP), *sys.argv[2:]])
    selftune, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    for tool in ("node", "unshare"):
        if shutil.which(tool) is None:
            return skip(f"{tool} is not installed")
    if not installed(folder):
        if shutil.which("npm") is None:
            return skip("npm is not installed")
        problem = install(folder)
        if problem is not None:
            return skip(f"npm could not install {PACKAGE}@{VERSION}:\n{problem[-2000:]}")
    namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if subprocess.run([*namespace, "true"], check=False).returncode != 0:
        return skip("the kernel refuses a network namespace")
    return subprocess.run([*namespace, sys.executable, "-B", __file__, "--inside", str(selftune),
                           str(folder / "node_modules" / ".bin")], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
