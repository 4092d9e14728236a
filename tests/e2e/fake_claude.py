#!/usr/bin/env python3
"""Stands in for `claude` where the real one is not installed: takes the same
command line, asks the server at ANTHROPIC_BASE_URL, prints the same object."""

import json
import os
import sys
import urllib.request

HELP = """Usage: claude [options] [prompt]
  -p, --print                        Print and exit
  --output-format <format>           text, json, stream-json
  --no-session-persistence           Do not save the session
  --tools <tools...>                 Tools that may be used
  --settings <file-or-json>          Further settings
  --strict-mcp-config                Only MCP servers that are named
  --disable-slash-commands           No skills
  --system-prompt <prompt>           System prompt
  --model <model>                    Model
  --effort <level>                   Effort
  --json-schema <schema>             Structured output
"""


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def main():
    if "--help" in sys.argv:
        print(HELP)
        return 0
    if "--version" in sys.argv:
        print("2.1.330 (Claude Code)")
        return 0
    for needed in ("-p", "--no-session-persistence", "--tools", "--settings", "--system-prompt"):
        if needed not in sys.argv:
            print(f"missing {needed}", file=sys.stderr)
            return 2
    if os.environ.get("SELFTUNE_INTERNAL") != "1" or os.listdir("."):
        print("not isolated", file=sys.stderr)
        return 2
    body = {"model": option("--model"), "max_tokens": 4000, "system": option("--system-prompt"),
            "messages": [{"role": "user", "content": sys.stdin.read()}]}
    request = urllib.request.Request(
        os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", json.dumps(body).encode(),
        {"content-type": "application/json", "x-api-key": os.environ["ANTHROPIC_API_KEY"]})
    with urllib.request.urlopen(request, timeout=60) as answer:
        reply = json.load(answer)
    text = "".join(b.get("text", "") for b in reply["content"])
    print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": text,
                      "usage": reply["usage"], "modelUsage": {reply["model"]: {}},
                      "total_cost_usd": 0.001, "num_turns": 1}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
