"""Writes preprocessed rows of Spark as a job that ranks fit without Spark; memory does not grow with the rows."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from pyspark.ml.feature import StandardScaler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.network import Network
from models.arrays import Floats
from models.fitting.class_balance import WEIGHT
from models.fitting.preprocessing import INPUTS
from models.network.job import TRAIN, VALIDATION, FitOrigin, NetworkJob
from models.network.sharding import Layout, lanes_for
from models.network.shards import LABEL_AND_WEIGHT, Singles, write_lanes

READ_ROWS = 65_536
VALIDATION_ROWS = 1_024  # of each lane, that a rank evaluates at a time


def write_job(
    folder: Path,
    train: DataFrame,
    validation: DataFrame,
    network: Network,
    seed: int,
    ranks: int,
    about: FitOrigin,
) -> None:
    """Write a job: the rows, in the order of a hash of their keys, and the file that describes the fit.

    Args:
        train, validation: preprocessed rows with `inputs`, `label` and `weight`.
        ranks: number of ranks; any other number that divides the lanes can fit the job too.
        about: what the fit begins with.

    Raises:
        ValueError: a set has no rows, or the batch does not divide into the ranks.
    """
    batch = network.batch * (1 if network.scaling == "none" else ranks)
    lanes = lanes_for(batch, ranks)
    files = {
        part: _sorted(rows, folder / f"{part}-sorted") for part, rows in ((TRAIN, train), (VALIDATION, validation))
    }
    counts = {part: sum(pq.read_metadata(file).num_rows for file in found) for part, found in files.items()}
    if empty := [part for part, count in counts.items() if not count]:
        raise ValueError(f"the {empty[0]} set has no rows")
    mean, deviation = _standard(train)
    layouts = {
        TRAIN: Layout(counts[TRAIN], len(mean), batch, lanes),
        VALIDATION: Layout(
            counts[VALIDATION], len(mean), lanes * min(VALIDATION_ROWS, -(-counts[VALIDATION] // lanes)), lanes
        ),
    }
    for part, layout in layouts.items():
        write_lanes(folder / part, layout, _rows(files[part], layout))
        shutil.rmtree(folder / f"{part}-sorted")
    NetworkJob(network, seed, tuple(mean), tuple(deviation), layouts[TRAIN], layouts[VALIDATION], about).write(folder)


def _standard(train: DataFrame) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the inputs; the latter is 1 for a constant input."""
    fitted = StandardScaler(inputCol=INPUTS, outputCol="standardised", withMean=True).fit(train)
    deviation = np.array(fitted.std.toArray(), float)
    return np.array(fitted.mean.toArray(), float), np.where(deviation > 0, deviation, 1.0)


def _sorted(rows: DataFrame, folder: Path) -> list[Path]:
    """Sort the rows into files, whose names are in the order of the rows."""
    inputs = vector_to_array(F.col(INPUTS), "float32").alias(INPUTS)
    keys = F.col("customer_id").cast("string"), F.col("as_of").cast("string")
    ordered = rows.orderBy(F.xxhash64(*keys, F.lit("lanes")), *keys).select(inputs, "label", WEIGHT)
    ordered.write.mode("overwrite").parquet(f"file:{folder.absolute()}")
    return sorted(path for path in folder.iterdir() if path.match("part-*.parquet"))


def _rows(files: list[Path], layout: Layout) -> Iterator[Singles]:
    """The rows of the files, (rows, width + 2) at a time."""
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(READ_ROWS, use_threads=False):
            rows = np.empty((batch.num_rows, layout.width + LABEL_AND_WEIGHT), np.float32)
            rows[:, : layout.width] = batch.column(INPUTS).flatten().to_numpy().reshape(batch.num_rows, layout.width)
            rows[:, layout.width] = batch.column("label").to_numpy()
            rows[:, layout.width + 1] = batch.column(WEIGHT).to_numpy() * layout.row_weight
            yield rows
