"""The example notebook runs on a store of recordings, and how notebooks show things."""

import base64
import json
from pathlib import Path

import nbclient
import nbformat
import pytest

import selftune
from selftune import notebook

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/python/evidence.ipynb"


def execute(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    document = nbformat.read(EXAMPLE, as_version=4)
    nbclient.NotebookClient(document, timeout=300, kernel_name="python3",
                            resources={"metadata": {"path": str(EXAMPLE.parent)}}).execute()
    return document


def outputs(document, kind):
    return [o["data"][kind] for cell in document.cells if cell.cell_type == "code"
            for o in cell.outputs if kind in o.get("data", {})]


def streams(document):
    return [o for cell in document.cells if cell.cell_type == "code" for o in cell.outputs
            if o.output_type in ("stream", "error")]


def test_the_example_is_kept_without_outputs():
    document = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
    nbformat.validate(nbformat.read(EXAMPLE, as_version=4))


def test_the_example_runs_and_plots(evidence, monkeypatch):
    document = execute(evidence, monkeypatch)
    assert streams(document) == [], "no warning, nothing printed"
    plots = [base64.b64decode(text) for text in outputs(document, "image/png")]
    assert len(plots) == 5 and all(png.startswith(b"\x89PNG") and len(png) > 5_000 for png in plots)
    tables = outputs(document, "text/html")
    assert len(tables) == 3
    assert "claude_code" in tables[0] and "codex" in tables[0]
    assert "ledger-export" in tables[1] or "query-tuner" in tables[1] or "release-notes" in tables[1]
    assert "tokens_per_use" in tables[2]


def test_the_example_runs_without_a_single_miss(tmp_path, monkeypatch):
    """The recordings alone: nobody complained in them."""
    import homes

    homes.copy_recordings(tmp_path)
    with selftune.open(home=tmp_path, read_only=False) as engine:
        engine.request("sync.run")
    document = execute(tmp_path, monkeypatch)
    assert streams(document) == []
    assert len(outputs(document, "image/png")) == 5


@pytest.mark.parametrize("value, text", [
    (None, ""), (True, "True"), (0.1 + 0.2, "0.3"), ("a\n  b", "a b"), ("x" * 200, "x" * 79 + "…"),
])
def test_cells_are_short_texts(value, text):
    assert notebook.cell_text(value) == text


def test_the_cell_magic_runs_sql(evidence):
    class Shell:
        def register_magic_function(self, function, magic_kind, magic_name):
            assert (magic_kind, magic_name) == ("cell", "selftune")
            self.cell = function

    shell = Shell()
    notebook.load_ipython_extension(shell)
    frame = shell.cell(str(evidence), "SELECT count(*) AS n FROM sessions")
    assert frame["n"][0] > 100
