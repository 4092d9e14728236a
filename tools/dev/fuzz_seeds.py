"""First inputs of the fuzz targets, cut from the recordings below tests/data.

A fuzzer does most with small inputs: long texts are shortened, lines are taken a few
at a time, and of pieces with the same shape one is kept.
"""

import json
import sqlite3

import builds


MAX_BYTES = 2000
MAX_TEXT = 80
MAX_ITEMS = 12
HOSTS = builds.ROOT / "tests" / "data" / "hosts"
HOOKS = builds.ROOT / "tests" / "data" / "hooks"


def _short(value):
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, list):
        return [_short(item) for item in value[:MAX_ITEMS]]
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    return value


def _shape(value):
    """What is left of a value without its texts: those that say a kind stay."""
    if isinstance(value, dict):
        return {key: item if key in ("type", "role", "kind", "subtype", "name") else _shape(item)
                for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return type(value).__name__


def _dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _values(path):
    """Each line of a file that is JSON."""
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _json_lines(path):
    """(short text, shape) of each line that is JSON."""
    for value in _values(path):
        yield _dump(_short(value)), _dump(_shape(value))


def _pieces(records):
    """Whole records, as many as fit into one input."""
    text, shapes = "", []
    for record, shape in records:
        if len(record.encode()) > MAX_BYTES:
            continue
        if len((text + record).encode()) > MAX_BYTES:
            yield text, tuple(shapes)
            text, shapes = "", []
        text += record + "\n"
        shapes.append(shape)
    if text:
        yield text, tuple(shapes)


def _files(host, pattern):
    return sorted(path for path in (HOSTS / host).rglob(pattern) if path.is_file())


def _lines(host, pattern="*.jsonl"):
    for path in _files(host, pattern):
        yield from _pieces(_json_lines(path))


def _documents(host, pattern):
    for path in _files(host, pattern):
        value = _short(json.loads(path.read_text("utf-8")))
        yield _dump(value), _dump(_shape(value))


def _every_line():
    for host in sorted(path.name for path in HOSTS.iterdir()):
        for path in _files(host, "*.jsonl"):
            yield from _json_lines(path)


def _open_code_rows():
    """A line is a row: the letter of its table, and what it holds."""
    for path in _files("opencode", "opencode.db"):
        store = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        rows = []
        for message, data in store.execute("SELECT id, data FROM message ORDER BY session_id, time_created, id"):
            rows.append(("m", data))
            rows += [("p", part) for part, in store.execute(
                "SELECT data FROM part WHERE message_id = ? ORDER BY id", (message,))]
        store.close()
        values = [(letter, _short(json.loads(data))) for letter, data in rows]
        yield from _pieces((letter + _dump(value), letter + _dump(_shape(value))) for letter, value in values)


def _commands_in(value):
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("command", "cmd") and isinstance(item, str):
                yield item, item
            else:
                yield from _commands_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _commands_in(item)


def _commands():
    """Whatever a session calls a command."""
    for host in sorted(path.name for path in HOSTS.iterdir()):
        for path in _files(host, "*.jsonl"):
            for value in _values(path):
                yield from _commands_in(value)


def _hook_payloads():
    """A file is a payload, or has one a line; the first byte chooses the handler."""
    for path in sorted(HOOKS.rglob("*.json*")):
        try:
            value = _short(json.loads(path.read_text("utf-8", "replace")))
            payloads = [(_dump(value), _dump(_shape(value)))]
        except ValueError:
            payloads = list(_json_lines(path))
        for payload, shape in payloads:
            yield from ((f"{handler}{payload}", f"{handler}{shape}") for handler in range(6))


def _prompts():
    path = builds.ROOT / "tests" / "data" / "signals" / "signals.jsonl"
    for line in path.read_text("utf-8").splitlines():
        prompt = json.loads(line)["prompt"]
        yield prompt, prompt


def _settings():
    for host in ("claude-code", "gemini", "qwen", "copilot", "codex"):
        for name in ("settings.json", "hooks.json", "config.json"):
            for path in _files(host, name):
                text = path.read_text("utf-8")[:MAX_BYTES]
                yield from ((f"{rules}{text}", f"{rules}{text}") for rules in range(4))


SEEDS = {
    "claude_reader": lambda: _lines("claude-code"),
    "cline_reader": lambda: _documents("cline", "*.json"),
    "codex_reader": lambda: _lines("codex"),
    "copilot_reader": lambda: _lines("copilot"),
    "gemini_reader": lambda: _lines("gemini"),
    "hook": _hook_payloads,
    "json_line": _every_line,
    "json_scan": _every_line,
    "json_value": _every_line,
    "openclaw_reader": lambda: _lines("openclaw"),
    "opencode_reader": _open_code_rows,
    "pi_reader": lambda: _lines("pi"),
    "prompt_history": lambda: [*_lines("claude-code", "history.jsonl"), *_lines("codex", "history.jsonl")],
    "qwen_reader": lambda: _lines("qwen"),
    "settings": _settings,
    "shell": _commands,
    "signals": _prompts,
    "text": _prompts,
}


def write(target, folder):
    """Writes the seeds of a target into a folder; how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    shapes = set()
    for text, shape in SEEDS[target]() if target in SEEDS else ():
        if shape in shapes or len(text.encode()) > 2 * MAX_BYTES:
            continue
        shapes.add(shape)
        (folder / f"{len(shapes):04}").write_text(text, "utf-8")
    return len(shapes)
