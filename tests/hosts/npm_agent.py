"""A real agent command line from npm, in a network namespace without a network.

What the tests of this folder share: install once by name and exact version,
then run a script again inside a namespace that has nothing but loopback.
"""

import contextlib
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import surroundings  # noqa: E402

SKIP = 77
# What npm itself runs with: a Node from npm does not know the certificates that
# the machine trusts.
NPM_PATH = os.environ.get("PATH", "")


def skip(why):
    print(f"skipped: {why}")
    return SKIP


def own_environment(folder):
    """Nothing of the person's home: neither agent folders nor npm settings."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    npm = {k: v for k, v in os.environ.items() if k.lower().startswith("npm_config_")}
    # What an agent prints is read with its colours off already.
    return surroundings.environment(home, NO_COLOR=None, **npm)


@contextlib.contextmanager
def alone(folder):
    """One test at a time installs into a folder; the others find it installed."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Agent:
    """`setup`: script of the package that puts the binary in place, "" = none.
    `node`: the oldest release of Node it runs on, (0,) = it brings its own."""

    def __init__(self, package, version, command, setup="", node=(0,)):
        self.package, self.version, self.command, self.setup = package, version, command, setup
        self.node = node

    def installed(self, folder):
        binary = folder / "node_modules" / ".bin" / self.command
        try:
            done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False,
                                  env=own_environment(folder), timeout=120)
        except OSError:
            return False
        return done.returncode == 0 and self.version in re.findall(r"\d+(?:\.\d+)+", done.stdout)

    def install(self, folder):
        """npm's words when it failed, else None."""
        if shutil.which("npm") is None:
            return "npm is not installed"
        (folder / "package.json").write_text('{"private": true}\n')
        env = dict(os.environ, PATH=NPM_PATH, npm_config_cache=str(folder / "cache"))
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund",
                               f"{self.package}@{self.version}"], cwd=folder, env=env,
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode == 0 and self.setup:
            # npm may be told to run no install scripts.
            script = folder / "node_modules" / self.package / self.setup
            done = subprocess.run(["node", str(script)], cwd=script.parent, check=False,
                                  env=own_environment(folder), capture_output=True, text=True)
        if done.returncode == 0 and self.installed(folder):
            shutil.rmtree(folder / "cache", ignore_errors=True)
            return None
        return done.stdout + done.stderr

    def run_inside(self, script, selftune, folder, *more):
        """Runs `script --inside SELFTUNE BIN_DIR MORE...` without a network."""
        for tool in ("node", "unshare"):
            if shutil.which(tool) is None:
                return skip(f"{tool} is not installed")
        problem = take_node(self.node, folder.parent / "node")
        if problem is not None:
            return skip(problem)
        with alone(folder):
            problem = None if self.installed(folder) else self.install(folder)
        if problem is not None:
            return skip(f"npm could not install {self.package}@{self.version}:\n{problem[-2000:]}")
        namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
        if subprocess.run([*namespace, "true"], check=False).returncode != 0:
            return skip("the kernel refuses a network namespace")
        return subprocess.run([*namespace, sys.executable, "-B", script, "--inside", str(selftune),
                               str(folder / "node_modules" / ".bin"), *more], check=False).returncode


# What Debian has is older than some agents want. npm names it by machine.
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}
NODE = Agent(f"node-linux-{MACHINES.get(os.uname().machine, 'x64')}", "22.23.3", "node")


def take_node(oldest, folder):
    """Puts a Node that is new enough first on PATH; words when there is none."""
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    found = tuple(int(part) for part in done.stdout.strip().lstrip("v").split(".") if part.isdigit())
    if found >= oldest:
        return None
    with alone(folder):
        problem = None if NODE.installed(folder) else NODE.install(folder)
    if problem is not None:
        return f"npm could not install {NODE.package}@{NODE.version}:\n{problem[-2000:]}"
    os.environ["PATH"] = f"{folder / 'node_modules' / '.bin'}:{os.environ['PATH']}"
    return None


def raise_loopback():
    siocgifflags, siocsifflags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, siocgifflags, request))[1]
        fcntl.ioctl(sock, siocsifflags, struct.pack("16sh14x", b"lo", flags | up))
