"""A store with evidence, made once; tests that write get a copy."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import homes  # noqa: E402

# No test may see the person's own home.
os.environ.pop("SELFTUNE_HOME", None)

import selftune  # noqa: E402


def sync(home):
    with selftune.open(home=home, read_only=False, env={"PATH": "/nonexistent"}) as engine:
        return engine.request("sync.run")


@pytest.fixture(scope="session")
def evidence(tmp_path_factory):
    """A home whose store was synced from the recordings and a made-up history."""
    home = tmp_path_factory.mktemp("evidence")
    homes.copy_recordings(home)
    homes.add_history(home)
    sync(home)
    return home


@pytest.fixture
def engine(evidence):
    with selftune.open(home=evidence) as opened:
        yield opened


@pytest.fixture
def own_home(evidence, tmp_path):
    """A copy that the test may change."""
    home = tmp_path / "home"
    shutil.copytree(evidence, home, symlinks=True)
    return home
