"""Check, on a cluster, that executors write where this process reads."""

from pathlib import Path

from pyspark.sql import SparkSession

from conf.errors import InputError
from jobs.storage.backend import dataset, matching, staging_folder

TASKS_PER_SLOT = 2  # so that hardly an executor is left out


def require_shared(spark: SparkSession, data: Path) -> None:
    """Raise InputError where the data folder is not the same for executors and for this process.

    A path means a disk of each node, or, where the cluster says so, a folder in HDFS. What is then written is seen in
    part or not at all, without any error. So a few rows are written and counted first.
    """
    tasks = TASKS_PER_SLOT * spark.sparkContext.defaultParallelism
    try:
        with staging_folder(data / "probe") as folder:
            written = folder / "rows"
            spark.range(0, tasks, numPartitions=tasks).write.parquet(str(written))
            seen = dataset(written).count_rows() if any(matching(written, "*.parquet")) else 0
    except Exception as error:  # whatever Spark raises where a folder cannot be written
        seen, problem = 0, f" ({' '.join(str(error).split())[:200]})"
    else:
        problem = ""
    if seen != tasks:
        raise InputError(
            f"{data}: of {tasks} rows that the cluster wrote there, {seen} are seen from here{problem}; give a folder "
            f"that all nodes share, or a URL (hdfs://, s3a://, gs://)"
        )
