"""The operations of libselftune/api/operations.toml, as objects.

The grammar of the list is in its head comment.
"""

import json
import re

from generated import ROOT
from toml_list import ListError, load_toml

TOML = ROOT / "libselftune/api/operations.toml"

SCALARS = ("string", "int", "number", "bool", "time", "path", "platform", "object", "any")

GROUPS = {
    "S": """
skill         string   Name of the skill
skill_path?   path     Its SKILL.md, when the name is not unique
""",
    "S?": """
skill?        string   Name of the skill
skill_path?   path     Its SKILL.md, when the name is not unique
""",
    "I": """
skill?        string   Name of the skill
skill_path?   path     Its SKILL.md, when the name is not unique
skill_id?     int(1..)  As in skill.list, instead of the name
""",
    "W": """
since?        time     Only what happened at or after
until?        time     Only what happened before
""",
    "P": """
limit?        int(1..1000)=50   At most this many items
cursor?       string            next_cursor of the reply before
""",
    "M": """
agent?           string          Agent CLI that answers model calls
llm_mode?        enum(agent,api)  An agent CLI, or the server of the settings api.*
model?           string
tier?            enum(fast,standard,strong)
effort?          enum(minimal,low,medium,high,xhigh,max)  How hard the model should think
max_calls?       int(1..100000)  Budget
max_cost_usd?    number          Budget
max_tokens?      int(1..1000000000)   Budget
max_minutes?     number          Budget
seed?            int
plan?            bool=false      Only estimate, no call
""",
}
DRY_RUN = "dry_run?   bool=false   Describe the plan, write nothing\n"
YES = ("yes?       bool=false   Really do it\n"
       "plan_id?   string       Do exactly what a dry run with this plan_id showed, or nothing\n")
PLAN_ID = "\nplan_id   string|null   Of a dry run: what it showed, to be done by this name\n"


class Field:
    """One line of params or reply."""

    def __init__(self, name, optional, text, spec):
        self.name, self.optional, self.doc = name, optional, text
        self.children = []
        self.default, self.range, self.choices = None, None, None
        self.nullable, self.lists, self.is_dict = False, 0, False
        self.parse_type(spec)

    def parse_type(self, spec):
        m = re.fullmatch(r"(\w+)(?:\(([^)]*)\))?((?:\[\]|\{\})*)(\|null)?(?:=(.*))?", spec)
        if not m:
            raise ListError("field %s: cannot read type %r" % (self.name, spec))
        base, arg, suffix, null, default = m.groups()
        if base == "enum":
            self.choices = [c.strip() for c in arg.split(",")]
            base = "string"
        elif arg is not None:
            low, high = arg.split("..")
            self.range = (int(low) if low else -2**63, int(high) if high else 2**63 - 1)
        if base not in SCALARS:
            raise ListError("field %s: unknown type %r" % (self.name, base))
        self.base = base
        self.lists = suffix.count("[]")
        self.is_dict = "{}" in suffix
        self.nullable = bool(null)
        if default is not None:
            self.default = default if base in ("bool", "int", "number") else json.dumps(default)

    def schema(self):
        out = self.scalar_schema()
        if self.is_dict:
            out = {"type": "object", "additionalProperties": out}
        for _ in range(self.lists):
            out = {"type": "array", "items": out}
        if self.nullable:
            out = dict(out)
            if "type" in out and "enum" not in out:
                out["type"] = [out["type"], "null"]
            else:
                out = {"anyOf": [out, {"type": "null"}]} if out else out
        if self.doc:
            out["description"] = self.doc
        if self.default is not None:
            out["default"] = json.loads(self.default)
        return out

    def scalar_schema(self):
        if self.base == "any":
            return {}
        if self.base == "object":
            if not self.children:
                return {"type": "object"}
            return object_schema(self.children)
        kinds = {"int": "integer", "number": "number", "bool": "boolean"}
        out = {"type": kinds.get(self.base, "string")}
        if self.choices:
            out["enum"] = self.choices
        if self.range:
            out["minimum"], out["maximum"] = self.range
            out = {k: v for k, v in out.items() if v not in (-2**63, 2**63 - 1)}
        return out

    def type_text(self):
        text = " \\| ".join("`%s`" % c for c in self.choices) if self.choices else self.base
        if self.range:
            text += " %s..%s" % tuple("" if abs(v) >= 2**63 - 1 else v for v in self.range)
        text += "[]" * self.lists + ("{}" if self.is_dict else "") + (" or null" if self.nullable else "")
        return text

    def python_type(self):
        names = {"int": "int", "number": "float", "bool": "bool", "object": "dict[str, Any]", "any": "Any"}
        text = names.get(self.base, "str")
        if self.choices:
            text = "Literal[%s]" % ", ".join(json.dumps(c) for c in self.choices)
        if self.is_dict:
            text = "dict[str, %s]" % text
        for _ in range(self.lists):
            text = "list[%s]" % text
        return text + (" | None" if self.nullable else "")


def parse_fields(text, where):
    """Lines with columns; nesting by two blanks."""
    roots, stack = [], []
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth, odd = divmod(len(line) - len(line.lstrip(" ")), 2)
        if odd or depth > len(stack):
            raise ListError("%s: bad indentation: %r" % (where, line))
        columns = re.split(r" {2,}", line.strip(), maxsplit=2) + ["", ""]
        name, spec, doc = columns[:3]
        if not re.fullmatch(r"[a-z][a-z0-9_]*\??", name) or not spec:
            raise ListError("%s: expected `name  type  text`: %r" % (where, line))
        field = Field(name.rstrip("?"), name.endswith("?"), doc.strip(), spec)
        del stack[depth:]
        siblings = stack[-1].children if stack else roots
        if any(f.name == field.name for f in siblings):
            raise ListError("%s: %s appears twice" % (where, field.name))
        siblings.append(field)
        stack.append(field)
    return roots


def object_schema(fields):
    return {
        "type": "object",
        "properties": {f.name: f.schema() for f in fields},
        "required": [f.name for f in fields if not f.optional],
    }


class Op:
    def __init__(self, table):
        self.name = table["name"]
        if not re.fullmatch(r"[a-z]+\.[a-z0-9_]+", self.name):
            raise ListError("bad operation name %r" % self.name)
        known = {"name", "summary", "flags", "schema", "command", "use", "params", "reply", "since", "state",
                 "tool", "tool_text", "tool_hide"}
        unknown = set(table) - known
        if unknown:
            raise ListError("%s: unknown keys %s" % (self.name, ", ".join(sorted(unknown))))
        self.summary = table["summary"]
        self.flags = table.get("flags", "").replace(" ", "")
        self.schema_id = table.get("schema", "selftune/%s@1" % self.name)
        self.command = table.get("command", "")
        # "name", or "name param": that parameter is always true.
        self.tool, _, self.tool_set = table.get("tool", "").partition(" ")
        self.tool_text = table.get("tool_text", "")
        self.tool_hide = table.get("tool_hide", "").split()
        self.since = table.get("since", "0.1")
        self.state = table.get("state", "unstable")
        text = "".join(GROUPS[g] for g in table.get("use", "").split()) + table.get("params", "")
        if set(self.flags) & set("SFR"):
            text += DRY_RUN
        if "Y" in self.flags:
            text += YES
        self.params = parse_fields(text, self.name + " params")
        for name in [n for n in [self.tool_set, *self.tool_hide] if n not in [f.name for f in self.params] + [""]]:
            raise ListError("%s: its tool has no parameter %s" % (self.name, name))
        reply = table["reply"] + (PLAN_ID if "Y" in self.flags else "")
        self.reply = parse_fields(reply, self.name + " reply")

    @property
    def function(self):
        return "".join(p.capitalize() for p in re.split(r"[._]", self.name))

    @property
    def params_id(self):
        return "selftune/%s.params@1" % self.name


def load_ops():
    tables = load_toml(TOML.read_text(encoding="utf-8"))["op"]
    ops = sorted((Op(t) for t in tables), key=lambda o: o.name)
    for attribute in ("name", "schema_id"):
        values = [getattr(o, attribute) for o in ops]
        twice = {v for v in values if values.count(v) > 1}
        if twice:
            raise ListError("%s appears twice: %s" % (attribute, ", ".join(sorted(twice))))
    return ops
