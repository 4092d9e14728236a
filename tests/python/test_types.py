"""The stubs: complete, strict, and true."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import selftune
from selftune import _core

ROOT = Path(__file__).resolve().parents[2]


def mypy(*args):
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--config-file", ROOT / "pyproject.toml",
                           "--cache-dir", "/dev/null", *args], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_package_is_strictly_typed():
    code, text = mypy("bindings/python/selftune")
    assert code == 0, text


def test_users_get_types_and_are_warned(tmp_path):
    program = tmp_path / "program.py"
    program.write_text('''
import datetime
import selftune

with selftune.open(home="/x", llm=lambda request: request["user"]) as engine:
    reveal_type(engine.request("about.version")["version"])
    reveal_type(engine.request("doctor.run")["pass"])
    reveal_type(engine.misses(skill="a", since=datetime.date(2026, 1, 1)))
    reveal_type(engine.sql("SELECT 1", types={"a": "time"}).to_pylist())
    engine.request("skill.parse")
    engine.request("skill.list", limit="many")
    engine.misses(speed=1)
    engine.sql("SELECT 1", types={"a": "number"})
    engine.request("no.such_op")
    engine.envelope("some.future.op", {"anything": 1})
''', encoding="utf-8")
    _, text = mypy(str(program))
    assert re.findall(r'Revealed type is "(.*?)"', text) == [
        "str", "int", "selftune.frames.Frame", "list[dict[str, Any]]"] or \
        re.findall(r'Revealed type is "(?:builtins\.)?(\w+)', text) == ["str", "int", "selftune", "list"], text
    lines = sorted({int(n) for n in re.findall(r"program\.py:(\d+): error", text)})
    assert lines == [10, 11, 12, 13, 14], text


def test_the_stub_of_the_core_says_what_the_core_has():
    stub = (ROOT / "bindings/python/selftune/_core.pyi").read_text(encoding="utf-8")
    for name, cls in inspect.getmembers(_core, inspect.isclass):
        body = re.search(rf"^class {name}:\n((?:    .*\n|\n)+)", stub, re.MULTILINE).group(1)
        told = set(re.findall(r"def (\w+)\(", body)) - {"__init__"}
        have = {n for n in vars(cls) if not n.startswith("_") and n != "pybind11_detail"}
        assert told == have, name
    for name in vars(_core):
        assert name.startswith("_") or re.search(rf"^(class|def)? ?{name}\b", stub, re.MULTILINE), name


def test_everything_public_has_a_docstring():
    for name in selftune.__all__:
        thing = getattr(selftune, name)
        if inspect.isclass(thing) and thing.__module__.startswith("selftune"):
            assert thing.__doc__, name
    for name, method in inspect.getmembers(selftune.Engine, inspect.isfunction):
        if not name.startswith("_") and name not in ("close", "table"):
            assert method.__doc__, name
