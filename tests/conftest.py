"""The engines as fixtures. Their sessions start at the first use and live as long as the test process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from pyspark.sql import SparkSession

from conf.profile import Profile
from jobs.engine import engine as started
from jobs.storage.location import Remote
from tests.store import Store, serving

# Tests have few rows: to start soon is worth more to them than to run fast. But they run much of Spark: with this
# compiler alone the JVM keeps 48 MB of compiled code, and would forever throw some away and interpret it.
JVM = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
os.environ.setdefault("SPARK_SUBMIT_OPTS", JVM)
FOR_FEW_ROWS = "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.adaptive.enabled=false"
os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"{FOR_FEW_ROWS} pyspark-shell")
SMALL = Profile(engine="spark", master="local[2]", driver_memory="1g", shuffle_partitions=2)

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

# The files that take longest, in that order: two processes that begin with them end together.
LONGEST = (
    "test_cluster.py",
    "test_train_keras.py",
    "test_remote.py",
    "test_recommend.py",
    "test_ranks.py",
    "test_cdnow.py",
    "test_audiobook_table.py",
    "test_training.py",
    "test_train.py",
    "test_kill.py",
    "test_audiobooks.py",
    "test_demo.py",
    "test_layers.py",
    "test_train_audited.py",
    "test_score.py",
    "test_setup.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


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
