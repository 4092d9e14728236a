#!/usr/bin/env python3
"""Writes the manual pages of a built command into a folder, which becomes theirs.

    tools/write_man.py SELFTUNE FOLDER
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path


def main():
    selftune, folder = sys.argv[1], Path(sys.argv[2])
    done = subprocess.run([selftune, "man", "--all", "--json"], check=True, stdout=subprocess.PIPE)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for page in json.loads(done.stdout)["data"]["pages"]:
        (folder / page["file"]).write_text(page["text"], encoding="utf-8")


if __name__ == "__main__":
    main()
