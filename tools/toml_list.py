"""Reads the lists under libselftune/api that the generators work from."""

import json
import re


class ListError(Exception):
    """The list says something this tool does not understand."""


def load_toml(text):
    try:
        import tomllib  # Python 3.11+
    except ImportError:
        return parse_toml(text)
    return tomllib.loads(text)


def parse_toml(text):
    """The subset the list uses: [[table]], key = "text" | \"\"\"text\"\"\" | bool | int."""
    doc, table = {}, None
    lines = iter(text.split("\n"))
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        head = re.fullmatch(r"\[\[(\w+)\]\]", stripped)
        if head:
            table = {}
            doc.setdefault(head.group(1), []).append(table)
            continue
        key, _, value = stripped.partition("=")
        key, value = key.strip(), value.strip()
        if value == '"""':
            body = []
            for inner in lines:
                if inner.strip() == '"""':
                    break
                body.append(inner)
            table[key] = "\n".join(body) + "\n"
        elif value.startswith('"'):
            table[key] = json.loads(value)
        elif value in ("true", "false"):
            table[key] = value == "true"
        else:
            table[key] = int(value)
    return doc
