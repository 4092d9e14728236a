#!/usr/bin/env python3
"""A model for tests: reads a prompt, answers the two questions of an evolution.

Routing: YES for each query that shares a word (its first five letters) with the
description. Proposal: always the same text.
"""

import json
import re
import sys

PROPOSAL = {
    "critique": "It names none of the words people use.",
    "proposed_description": "Totals and exports money records. Use when the user mentions invoices, "
                            "receipts, a ledger, payments, refunds or billing, such as summing "
                            "invoices of a month.",
    "rationale": "The missed prompts speak of invoices, receipts, ledgers, payments and refunds.",
    "confidence": 0.9,
    "expected_gains": [],
}


def block(prompt, source):
    found = re.search(rf'<untrusted-[0-9a-f]+ source="{source}">\n(.*?)\n</untrusted-', prompt, re.DOTALL)
    return json.loads(found.group(1))


def words(text):
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())}


def judge(prompt):
    description = words(block(prompt, "description"))
    return "\n".join(f"{query['n']}. {'YES' if words(query['query']) & description else 'NO'}"
                     for query in block(prompt, "queries"))


def main():
    prompt = sys.stdin.read()
    print(judge(prompt) if "purpose=trigger_batch" in prompt else json.dumps(PROPOSAL))


if __name__ == "__main__":
    main()
