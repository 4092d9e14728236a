"""Checks a JSON value against the part of JSON Schema that our schemas use.

Stricter than the standard in one point: a key that an object schema with
properties does not declare is an error, so that a reply cannot grow unnoticed.
"""

import re

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


def problems(schema, value, where="$"):
    """Every way in which `value` does not fit, as texts."""
    out = []
    if "anyOf" in schema:
        tries = [problems(s, value, where) for s in schema["anyOf"]]
        if not any(not t for t in tries):
            out += min(tries, key=len)
        return out
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(TYPES[k](value) for k in kinds):
            return ["%s: expected %s, found %r" % (where, " or ".join(kinds), value)]
    if "enum" in schema and value not in schema["enum"]:
        out.append("%s: %r is none of %s" % (where, value, schema["enum"]))
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        out.append("%s: %r does not match %s" % (where, value, schema["pattern"]))
    for kind, word in ((str, "minLength"), (list, "minItems")):
        if isinstance(value, kind) and len(value) < schema.get(word, 0):
            out.append("%s: %r is too short" % (where, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            out.append("%s: %r is out of range" % (where, value))
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            out += problems(schema["items"], item, "%s[%d]" % (where, i))
    if isinstance(value, dict):
        out += _object_problems(schema, value, where)
    return out


def _object_problems(schema, value, where):
    out = ["%s: %s is missing" % (where, k) for k in schema.get("required", []) if k not in value]
    known = schema.get("properties")
    extra = schema.get("additionalProperties")
    for key, member in value.items():
        below = "%s.%s" % (where, key)
        if known is not None and key in known:
            out += problems(known[key], member, below)
        elif isinstance(extra, dict):
            out += problems(extra, member, below)
        elif known is not None:
            out.append("%s: undeclared" % below)
    return out
