"""Fixtures of the tests of shell/unpack.sh: the two folders, and each awk of this machine."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.support.unpacking import AWKS


@pytest.fixture(autouse=True)
def this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """unpack.sh runs the Python of the tests, whatever python3 is here."""
    monkeypatch.setenv("PYTHON", sys.executable)


@pytest.fixture(params=AWKS)
def awk(request: pytest.FixtureRequest) -> str:
    program = str(request.param)
    if not shutil.which(program.split()[0]):
        pytest.skip(f"{program} is not installed")
    return program


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"
