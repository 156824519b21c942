"""The engines as fixtures. Their sessions start at the first use and live as long as the test process."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession

from conf.schema import Profile
from jobs.engine import engine as started

SMALL = Profile(engine="spark", master="local[2]", driver_memory="1g", shuffle_partitions=2)

# The fixtures below hold no state of a test, so examples may share them; a failure must come again on CI.
settings.register_profile(
    "encore",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("encore")


@pytest.fixture
def sail() -> Iterator[SparkSession]:
    """Sail. Within the test, expressions belong to it."""
    with started("sail", SMALL) as session:
        yield session


@pytest.fixture
def spark() -> Iterator[SparkSession]:
    """Classic Spark on two cores. Within the test, expressions belong to it."""
    with started("spark", SMALL) as session:
        yield session


@pytest.fixture(params=["sail", "spark"])
def engine(request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    """Each engine in turn."""
    with started(request.param, SMALL) as session:
        yield session
