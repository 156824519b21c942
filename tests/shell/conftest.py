"""Fixtures of the tests of shell/unpack.sh: the two folders, and each awk of this machine."""

import shutil
from pathlib import Path

import pytest

from tests.support.unpacking import AWKS


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
