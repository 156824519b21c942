"""The engines as fixtures. Their sessions start at the first use and live as long as the test process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from pyspark.sql import SparkSession

from jobs.engine import engine as started
from jobs.storage.location import Remote
from tests.support.engines import FOR_FEW_ROWS, JVM, SMALL
from tests.support.object_store import Store, serving

os.environ.setdefault("SPARK_SUBMIT_OPTS", JVM)
os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"{FOR_FEW_ROWS} pyspark-shell")

# The fixtures below hold no state of a test, so examples may share them; a failure must come again on CI. To shrink
# one takes minutes of an engine.
settings.register_profile(
    "encore",
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("encore")

TESTS = Path(__file__).parent
# The files that take longest, in that order: two processes that begin with them end together.
LONGEST = (
    "jobs/cluster/test_cluster.py",
    "jobs/test_train_keras.py",
    "jobs/pipelines/test_remote.py",
    "jobs/recommending/test_rating_files.py",
    "jobs/recommending/test_logged_interactions.py",
    "jobs/recommending/test_reruns.py",
    "jobs/recommending/test_output.py",
    "jobs/recommending/test_audience.py",
    "models/network/test_ranks.py",
    "jobs/onboarding/test_foreign_shops.py",
    "jobs/pipelines/test_cdnow.py",
    "jobs/pipelines/test_audiobook_table.py",
    "models/fitting/test_fit.py",
    "jobs/test_train.py",
    "jobs/pipelines/test_kill.py",
    "jobs/pipelines/test_audiobooks.py",
    "jobs/pipelines/test_demo.py",
    "jobs/pipelines/test_layers.py",
    "jobs/test_train_audited.py",
    "jobs/test_score.py",
    "shell/test_setup.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    rank = {TESTS / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture
def sail() -> Iterator[SparkSession]:
    """Sail. Within the test, expressions belong to it."""
    with _started("sail") as session:
        yield session


@pytest.fixture
def spark() -> Iterator[SparkSession]:
    """Classic Spark on two cores. Within the test, expressions belong to it."""
    with _started("spark") as session:
        yield session


@pytest.fixture(params=["sail", "spark"])
def engine(request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    """Each engine in turn."""
    with _started(request.param) as session:
        yield session


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """An object store that this process alone writes to."""
    store = Store()
    with serving(store, os.environ.__setitem__):  # file systems are opened once: it lives as long as they do
        yield store


FOLDERS = count()


@pytest.fixture
def bucket(store: Store) -> Remote:
    """An empty folder in the store."""
    return Remote("s3a", "encore", f"/{next(FOLDERS)}/data", "sail")


@pytest.fixture
def mounted(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Remote:
    """An empty folder of a file system that only Hadoop knows: a mount table, with a disk behind it."""
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    hadoop.setIfUnset("fs.viewfs.mounttable.encore.link./disk", f"file:{tmp_path_factory.getbasetemp()}")
    return Remote("viewfs", "encore", f"/disk/mounted-{next(FOLDERS)}/data", "spark")


@contextmanager
def _started(name: str) -> Iterator[SparkSession]:
    with started(name, SMALL) as session:
        if name == "spark":  # a test of the command line may have brought its own profile
            session.conf.set("spark.sql.shuffle.partitions", str(SMALL.shuffle_partitions))
        yield session
