#!/usr/bin/env python3
"""Makes skill/hooks/hooks.json, the hooks of the Claude Code plugin, from the table that `selftune hooks install`
registers: kSubscriptions of hosts/claude_code/hook.cc.

  tools/gen_plugin_hooks.py           writes the file
  tools/gen_plugin_hooks.py --check   fails when it is not up to date
"""

import json
import re
import sys

import generated
from generated import ROOT

SOURCE = "libselftune/src/hosts/claude_code/hook.cc"
# The same on every machine. Where there is no such program the agent is left in peace.
COMMAND = "! command -v selftune-hook >/dev/null || selftune-hook claude-code"
DESCRIPTION = ("Tells selftune of prompts, skill uses and ends of sessions as they happen, and guards skills that are "
               "being watched; without it the next sync reads sessions from the transcripts")
ROW = re.compile(r'\{\s*\.native = "(\w+)",\s*\.matcher = "([^"]*)",\s*\.handler = "[\w-]+",\s*'
                 r'\.timeout_seconds = (\d+)(,\s*\.async = true)?,?\s*\}')


def subscriptions(text):
    """(event, matcher, timeout, async) of each row."""
    table = text[text.index("kSubscriptions[] = {"):]
    table = table[:table.index("\n};")]
    rows = [(event, matcher, int(timeout), bool(later)) for event, matcher, timeout, later in ROW.findall(table)]
    if not rows or len(rows) != table.count(".native"):
        sys.exit("%s: %d rows, %d of them understood" % (SOURCE, table.count(".native"), len(rows)))
    return rows


def group(matcher, timeout, later):
    handler = {"type": "command", "command": COMMAND, "timeout": timeout, **({"async": True} if later else {})}
    return {**({"matcher": matcher} if matcher else {}), "hooks": [handler]}


def render():
    lines = ["{", "  %s: %s," % (json.dumps("description"), json.dumps(DESCRIPTION)), '  "hooks": {']
    events = {}
    for event, *rest in subscriptions((ROOT / SOURCE).read_text(encoding="utf-8")):
        events.setdefault(event, []).append("      " + json.dumps(group(*rest)))
    for i, (event, groups) in enumerate(events.items()):
        lines += ["    %s: [" % json.dumps(event), ",\n".join(groups), "    ]" + ("," if i + 1 < len(events) else "")]
    return "\n".join([*lines, "  }", "}", ""])


def main():
    args = generated.parser(__doc__).parse_args()
    return generated.update({ROOT / "skill/hooks/hooks.json": render()}, args.check)


if __name__ == "__main__":
    sys.exit(main())
