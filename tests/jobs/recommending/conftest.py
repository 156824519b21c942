"""A music service of which everybody was recommended something, made once for all modules."""

import shutil
from pathlib import Path

import pytest

from jobs.context import Context
from jobs.engine import engine
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.simulate import simulate
from jobs.unpack import unpack
from tests.support.engines import SMALL
from tests.support.made_once import made_once
from tests.support.recommending import AS_OF, music_context, recommended

CUSTOMERS, DAYS = 1_500, 30


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its data folder, which tests only read."""
    return made_once(tmp_path_factory, "recommended-music", _recommend)


@pytest.fixture(scope="session")
def done(folder: Path) -> Context:
    """Its context, for tests that only read."""
    return music_context(folder)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy of the test's own."""
    return Path(shutil.copytree(folder, tmp_path / "data"))


def _recommend(data: Path) -> None:
    simulate(data, CUSTOMERS, DAYS, seed=5)
    context = music_context(data)
    unpack(context)
    with engine("sail", SMALL) as sail:
        ingest(context, sail)
        rollup(context, sail)
        assert recommended(context, sail)[0] == str(AS_OF)
    shutil.rmtree(context.data.landing)
    shutil.rmtree(context.data.raw)
