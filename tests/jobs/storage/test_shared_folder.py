"""Whether a cluster writes where this process reads; Spark's default file system is set to another place."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from jobs.storage.shared_folder import require_shared


@pytest.fixture
def elsewhere(spark: SparkSession, tmp_path: Path) -> Iterator[Path]:
    """Where Spark takes plain paths to be: as on a cluster whose paths are those of HDFS."""
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    before = hadoop.get("fs.defaultFS")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    name = tmp_path.name.replace("_", "-")  # Hadoop keeps each file system that it has once opened
    hadoop.set(f"fs.viewfs.mounttable.{name}.linkFallback", f"file:{folder}")
    hadoop.set("fs.defaultFS", f"viewfs://{name}/")
    yield folder
    hadoop.set("fs.defaultFS", before)


def test_a_folder_that_all_share_is_taken(spark: SparkSession, tmp_path: Path) -> None:
    require_shared(spark, tmp_path)
    assert not list(tmp_path.iterdir()), "nothing is left there"


def test_a_folder_that_is_another_one_for_the_cluster_is_refused(
    spark: SparkSession, elsewhere: Path, tmp_path: Path
) -> None:
    here = tmp_path / "data"
    here.mkdir()
    with pytest.raises(InputError, match="of 4 rows that the cluster wrote there, 0 are seen from here; give a folder"):
        require_shared(spark, here)
    assert list(elsewhere.rglob("*.parquet")), "that is where they went"


def test_a_folder_that_cannot_be_written_is_refused(spark: SparkSession, elsewhere: Path, tmp_path: Path) -> None:
    elsewhere.rmdir()
    elsewhere.write_text("in its place")
    here = tmp_path / "data"
    here.mkdir()
    with pytest.raises(InputError, match="0 are seen from here .*; give a folder"):
        require_shared(spark, here)
