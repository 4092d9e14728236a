"""What the tests of `cron` share: schedulers that note what they are told."""

import pathlib
import shutil
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_case  # noqa: E402

ODD = "o'd & <50%> \"$HOME\" ü"
FOREIGN = "# mine\nMAILTO=me\n*/5 * * * * /usr/bin/true  # 50\\% \n"
NOTE = 'printf "%s" "$0" | sed "s,.*/,," >>"$HOME/told"; for w in "$@"; do printf " %s" "$w" >>"$HOME/told"; done; echo >>"$HOME/told"\n'
FAKES = {
    "systemctl": NOTE + """
case "$*" in
  *show-environment*) [ -e "$HOME/no-manager" ] && exit 1; exit 0;;
  *"enable --now"*) [ -e "$HOME/fail" ] && { echo "Failed to enable" >&2; exit 1; }; echo "$4" >>"$HOME/enabled"; exit 0;;
  *"disable --now"*) grep -v "$4" "$HOME/enabled" >"$HOME/e2"; mv "$HOME/e2" "$HOME/enabled"; exit 0;;
  *is-enabled*) grep -q "^$3\\$" "$HOME/enabled" 2>/dev/null;;
esac
""",
    "launchctl": NOTE + """
case "$1" in
  bootstrap) [ -e "$HOME/fail" ] && exit 5; basename "$3" .plist >>"$HOME/enabled";;
  bootout) name=${2##*/}; grep -v "$name" "$HOME/enabled" >"$HOME/e2"; mv "$HOME/e2" "$HOME/enabled";;
  print) grep -q "^${2##*/}\\$" "$HOME/enabled" 2>/dev/null;;
esac
""",
    "crontab": NOTE + """
case "$1" in
  -l) [ -e "$HOME/tab" ] || { echo "no crontab for me" >&2; exit 1; }; cat "$HOME/tab";;
  -r) rm "$HOME/tab";;
  -) [ -e "$HOME/fail" ] && { echo "bad minute" >&2; exit 1; }; cat >"$HOME/tab";;
esac
""",
    "openclaw": NOTE + """
jobs="$HOME/jobs"
case "$2" in
  add) [ -e "$HOME/fail" ] && exit 1; shift 3; grep -q "^$1\\$" "$jobs" 2>/dev/null || echo "$1" >>"$jobs"; echo '{}';;
  rm) sed -i "/^${3#id-}\\$/d" "$jobs";;
  list) printf '{"jobs":[{"id":"host","name":"heartbeat-main"}'; for j in $(cat "$jobs" 2>/dev/null); do
          printf ',{"id":"id-%s","declarationKey":"%s"}' "$j" "$j"; done; echo ']}';;
esac
""",
}
PROGRAM = {"systemd": "systemctl", "launchd": "launchctl", "cron": "crontab", "openclaw": "openclaw"}


class Schedule(cli_case.CliTest):
    def setUp(self):
        super().setUp()
        self.outer = self.home
        self.use_home("home")

    def use_home(self, name):
        self.home = self.outer / name
        self.home.mkdir()
        self.bin = self.home / "bin"
        self.bin.mkdir()
        self.units = self.home / ".config/systemd/user"
        self.agents = self.home / "Library/LaunchAgents"

    def fake(self, *names):
        for name in names:
            path = self.bin / name
            path.write_text("#!/bin/sh\n" + FAKES[name])
            path.chmod(0o755)

    def env(self, **extra):
        extra.setdefault("PATH", f"{self.bin}:/usr/bin:/bin")
        extra.setdefault("TZ", "UTC")
        return super().env(**extra)

    def plain_path(self):
        """Only the fakes and what they need: no scheduler of this machine."""
        tools = self.home / "tools"
        tools.mkdir(exist_ok=True)
        for tool in ("sed", "grep", "mv", "cat", "rm", "basename", "env"):
            if not (tools / tool).exists():
                (tools / tool).symlink_to(shutil.which(tool))
        return {"PATH": f"{self.bin}:{tools}"}

    def cron(self, *argv, code=0, **more):
        return self.envelope("cron", *argv, code=code, env=self.env(**{**self.plain_path(), **more}))

    def install(self, platform, *argv, code=0, **more):
        self.fake(PROGRAM[platform])
        return self.cron("setup", "--platform", platform, *argv, code=code, **more)

    def check(self, name, *argv):
        doc = self.envelope("doctor", "--only", name, "--exit-zero", *argv, env=self.env(**self.plain_path()))
        return doc["data"]["checks"][0]

    def told(self):
        path = self.home / "told"
        return path.read_text().splitlines() if path.exists() else []

    def tree(self, without=("told", "tools", "locks")):
        return {str(p.relative_to(self.home)): p.read_bytes() for p in sorted(self.home.rglob("*"))
                if p.is_file() and not any(part in without for part in p.relative_to(self.home).parts)}


def main(argv):
    """SELFTUNE SCHEMA_DIR [unittest arguments]"""
    cli_case.SELFTUNE = str(pathlib.Path(argv[1]).resolve())
    cli_case.load_schemas(argv[2])
    unittest.main(module="__main__", argv=[argv[0], *argv[3:]])
