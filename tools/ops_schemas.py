"""The JSON Schemas of the operations: parameters, replies, the envelope."""

from ops_list import object_schema

DRAFT = "https://json-schema.org/draft/2020-12/schema"
COMMAND = {"command": {"type": "string"}, "argv": {"type": "array", "items": {"type": "string"}}}


def next_schema():
    return {
        "type": ["object", "null"],
        "properties": {
            **COMMAND,
            "reason": {"type": "string"},
            "blocking": {"type": "boolean"},
            "alternatives": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {**COMMAND, "reason": {"type": "string"}},
                    "required": ["command", "argv", "reason"],
                },
            },
        },
        "required": ["command", "argv", "reason", "blocking", "alternatives"],
    }


def envelope_schema():
    error = {
        "type": ["object", "null"],
        "properties": {
            "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"},
            "message": {"type": "string"},
            "suggestion": {"type": ["string", "null"]},
            "retryable": {"type": "boolean"},
            "exit_code": {"type": "integer"},
            "details": {"type": ["object", "null"]},
        },
        "required": ["code", "message", "suggestion", "retryable", "exit_code", "details"],
    }
    warning = {
        "type": "object",
        "properties": {"code": {"type": "string"}, "message": {"type": "string"},
                       "next": {"type": ["object", "null"], "properties": COMMAND,
                                "required": list(COMMAND)}},
        "required": ["code", "message", "next"],
    }
    properties = {
        "schema": {"type": "string", "pattern": "^selftune/[a-z0-9_.]+@[0-9]+$"},
        "ok": {"type": "boolean"},
        "command": {"type": "string"},
        "selftune_version": {"type": "string"},
        "generated_at": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "dry_run": {"type": "boolean"},
        "changed": {"type": "boolean"},
        "data": {"type": ["object", "null"]},
        "warnings": {"type": "array", "items": warning},
        "next": next_schema(),
        "error": error,
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def fields(**properties):
    return {"type": "object", "properties": properties, "required": list(properties)}


def array(items):
    return {"type": "array", "items": items}


TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 0}


def command_schemas():
    """What commands print that ask no operation."""
    flag = fields(name=TEXT, letter=TEXT_OR_NULL, also=TEXT_OR_NULL,
                  type={"type": "string", "enum": ["text", "int", "number", "list", "switch"]},
                  choices=array(TEXT), help=TEXT, param=TEXT_OR_NULL)
    positional = fields(name=TEXT, help=TEXT, required=FLAG, many=FLAG, choices=array(TEXT), param=TEXT_OR_NULL)
    command = fields(path=TEXT, summary=TEXT, group=TEXT_OR_NULL, ops=array(TEXT), schema=TEXT_OR_NULL,
                     alias_of=TEXT_OR_NULL, dry_run=FLAG, confirm=FLAG, flags=array(flag), positionals=array(positional),
                     examples=array(fields(line=TEXT, what=TEXT)))
    return {
        "help": ("Help texts and what the commands take", fields(text=TEXT, commands=array(command))),
        "commands": ("What the commands take", fields(commands=array(command), flags=array(flag))),
        "completions": ("A completion script", fields(shell=TEXT, script=TEXT)),
        "man": ("Manual pages", fields(pages=array(fields(name=TEXT, file=TEXT, text=TEXT_OR_NULL)))),
        "dashboard": ("Where the dashboard listens",
                      fields(url=TEXT, port={"type": "integer"}, pid={"type": "integer"}, reused=FLAG, version=TEXT)),
        # Failures have no data.
        "error": ("Reply of a line that no command understood", {"type": "null"}),
    }


def closed(words):
    return {"type": "string", "enum": words.split()}


def file_schemas():
    """Files and payloads of others: what is read of them. What they have besides is theirs."""
    skill = {"type": "object", "properties": {"autonomy": closed("locked propose auto")}}
    host = {"type": "object", "properties": {"home": TEXT}}
    rules = ("correction", "regression", "broken", "review")
    config = {"type": "object", "properties": {
        "config_version": {"type": "integer", "const": 1},
        "agent_type": TEXT, "agents": array({"type": "object", "properties": {
            "type": TEXT, "binary": TEXT_OR_NULL, "home": TEXT}}),
        "cli_path": TEXT, "llm_mode": closed("agent api"), "agent_cli": TEXT_OR_NULL, "hooks_installed": FLAG,
        "initialized_at": TEXT, "autonomy": closed("off propose deploy"), "guards": closed("off advise block"),
        "suggestions": closed("off on"),
        "suggest": {"type": "object", "properties": {
            rule: closed("off on") for rule in rules} | {
            rule + "_days": {"type": ["integer", "string"], "description": "1 to 30"} for rule in rules}},
        "skills": {"type": "object", "additionalProperties": skill},
        "hosts": {"type": "object", "additionalProperties": host},
        "retention": {"type": "object", "properties": {"texts_days": {"type": ["integer", "string"]}}},
        "schedule": {"type": "object", "properties": {
            "every_hours": {"type": ["integer", "string"], "description": "1, 2, 3, 4, 6, 8, 12 or 24"}}},
        "api": {"type": "object", "properties": {
            "provider": closed("anthropic openai"), "base_url": TEXT, "key_env": TEXT, "allow_insecure": FLAG,
            "model": {"type": ["string", "object"], "description": "One name, or one for fast, standard, strong"},
            "headers": {"type": "object", "additionalProperties": TEXT}}},
        "budget": {"type": "object", "properties": {
            "daily_calls": {"type": "integer", "minimum": 0}, "daily_usd": {"type": "number", "minimum": 0}}},
        "privacy": {"type": "object", "properties": {"redact_emails": FLAG}},
        "alpha": {"type": "object", "properties": {
            "enrolled": FLAG, "user_id": TEXT, "email": TEXT, "display_name": TEXT, "consent_timestamp": TEXT},
            "required": ["enrolled"]}}}
    commit = {"type": "object", "properties": {"title": TEXT, "branch": TEXT, "remote": TEXT,
                                               "at_ms": {"type": "integer"}}}
    words = {name: TEXT for name in (
        "prompt", "prompt_id", "skill", "args", "path", "command", "output", "tool_name", "tool_call_id", "agent_id",
        "agent_type", "agent_session", "cwd", "transcript_path", "reason")}
    event = {"type": "object", "properties": {
        "type": closed("prompt_submit pre_tool_use post_tool_use skill_command turn_end agent_start agent_end "
                       "session_end"),
        "session_id": {"type": "string", "minLength": 1}, "tool": closed("skill read write shell"),
        "tool_failed": FLAG, "duration_ms": {"type": "integer"},
        "commits": {"type": "object", "additionalProperties": commit}, **words},
        "required": ["type", "session_id"]}
    reply = fields(decision=closed("allow block"), message=TEXT)
    entry = {"type": "object", "properties": {"query": {"type": "string", "minLength": 1}, "should_trigger": FLAG,
                                              "invocation_type": TEXT}, "required": ["query", "should_trigger"]}
    return {
        "config": ("config.json: the settings, and what init wrote down", config),
        "hook_event": ("What a program hands to `selftune-hook HOST event`", event),
        "hook_reply": ("What it is answered at pre_tool_use, if there is something to say", reply),
        "eval_set": ("A file of queries of one skill", array(entry)),
    }


def agent_schemas():
    """What the specialists of the skill answer with; who called them checks it."""
    finding = fields(what=TEXT, evidence=TEXT)
    counted = fields(what=TEXT, count=COUNT, of=COUNT, evidence=array(TEXT))
    answers = {
        "diagnosis-analyst": ("Why a skill does badly", fields(
            **{"class": closed("TRIGGER LISTING PROCESS QUALITY INFRASTRUCTURE")},
            confidence={"type": "number", "minimum": 0, "maximum": 1}, findings=array(counted),
            next=array(fields(command=TEXT, why=TEXT)), unknown=array(TEXT))),
        "evolution-reviewer": ("A second opinion on a proposal; anything but a valid APPROVE is a no", fields(
            verdict=closed("APPROVE CONDITIONS REJECT"), findings={**array(finding), "minItems": 1},
            required=array(TEXT), watch_for=array(TEXT))),
        "pattern-analyst": ("Which skills compete and what none answers", fields(
            conflicts=array(fields(skills={**array(TEXT), "minItems": 2}, count=COUNT, of=COUNT,
                                   evidence=array(TEXT))),
            gaps=array(fields(prompts=COUNT, about=TEXT)), changes=array(fields(skill=TEXT, what=TEXT)))),
        "eval-author": ("Queries to test a skill with; `entries` without `why` is a file.eval_set", fields(
            entries={**array(fields(query={"type": "string", "minLength": 1}, should_trigger=FLAG, why=TEXT)),
                     "minItems": 1})),
        "integration-guide": ("How selftune is set up here", fields(
            installed=array(TEXT), missing=array(TEXT), verify=array(TEXT), unknown=array(TEXT),
            steps=array({"type": "object", "properties": {"command": TEXT_OR_NULL, "why": TEXT, "needs": TEXT_OR_NULL},
                         "required": ["command", "why"]}))),
    }
    blocked = {**fields(blocked={"type": "string", "minLength": 1}), "additionalProperties": False}
    return {name: (title, {"anyOf": [{**answer, "additionalProperties": False}, blocked]})
            for name, (title, answer) in answers.items()}


def with_head(schema, ident, title):
    out = {"$schema": DRAFT, "$id": ident, "title": title}
    out.update(schema)
    return out


def schemas(ops):
    """(id, kind, op or "", file stem, schema), sorted by id."""
    out = [("selftune/envelope@1", "envelope", "", "envelope",
            with_head(envelope_schema(), "selftune/envelope@1", "Reply of every command and operation"))]
    for name, (title, schema) in command_schemas().items():
        ident = "selftune/%s@1" % name
        out.append((ident, "command", "", "command." + name, with_head(schema, ident, title)))
    for name, (title, schema) in file_schemas().items():
        ident = "selftune/file.%s@1" % name
        out.append((ident, "file", "", "file." + name, with_head(schema, ident, title)))
    for name, (title, schema) in agent_schemas().items():
        ident = "selftune/agent/%s@1" % name
        out.append((ident, "agent", "", "agent." + name, with_head(schema, ident, title)))
    for op in ops:
        params = object_schema(op.params)
        params["additionalProperties"] = False
        out.append((op.params_id, "params", op.name, op.name + ".params",
                    with_head(params, op.params_id, op.summary)))
        out.append((op.schema_id, "reply", op.name, op.name + ".reply",
                    with_head(object_schema(op.reply), op.schema_id, op.summary)))
    return sorted(out)
