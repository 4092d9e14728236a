#!/usr/bin/env python3
"""Stands in for `claude`: does what the file `mode` beside it says.

"judge" answers like a model; a JSON object is printed as the reply, with
"result" and "is_error"; other modes are below.
"""

import json
import sys
import time
from pathlib import Path

HERE = Path(sys.argv[0]).resolve().parent
FLAGS = ("-p --output-format --no-session-persistence --tools --settings --strict-mcp-config "
         "--disable-slash-commands --system-prompt --model --effort --json-schema")


def reply(**fields):
    print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "",
                      "usage": {}, "modelUsage": {}, **fields}))


def main():
    mode = json.loads((HERE / "mode").read_text(encoding="utf-8"))
    if "--help" in sys.argv:
        print("Usage: claude [options]" + ("" if mode.get("unsafe") else "".join(f"\n  {f}" for f in FLAGS.split())))
        return 0
    if "--version" in sys.argv:
        print("2.1.330 (Claude Code)")
        return 0
    prompt = sys.argv[sys.argv.index("--system-prompt") + 1] + sys.stdin.read()
    sys.path.insert(0, mode["models"])
    import stub_model  # pylint: disable=import-outside-toplevel
    if "purpose=proposal" in prompt and "edit" in mode:
        Path(mode["edit"]).write_text("---\nname: x\ndescription: y\n---\n", encoding="utf-8")
    if "fail" in mode:
        reply(is_error=True, result=mode["fail"], api_error_status=mode.get("status"))
    elif "purpose=trigger_batch" in prompt:
        reply(result=stub_model.judge(prompt))
    else:
        reply(result=json.dumps(dict(stub_model.PROPOSAL, **mode.get("proposal", {}))))
    time.sleep(mode.get("sleep", 0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
