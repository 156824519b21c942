"""Rows of Spark as a plan: each in the lanes once, in an order that is theirs and not that of the partitions."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession

from conf.network import Network
from models.network.data import write_job
from models.network.job import FitOrigin, NetworkJob
from models.network.sharding import Layout
from models.network.shards import Singles, read_blocks
from tests.support.frames import AS_OF

NETWORK = Network(batch=16)
ORIGIN = FitOrigin({"of": "the caller"}, 1, ())
CONSTANT = 0.1  # of which the mean is not exact in double precision


def rows_of(count: int, first: int = 0) -> list[tuple[Any, ...]]:
    """Customers of two days each, with inputs of which one is far off 0 and one is always the same."""
    random = np.random.default_rng(count)
    return [
        (first + n // 2, AS_OF + timedelta(n % 2), n % 3 % 2, 0.5 + n % 4, [1e4 + n, random.normal(), CONSTANT])
        for n in range(count)
    ]


TRAIN, VALIDATION = rows_of(101), rows_of(23, first=500)


def prepared(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    """With sparse vectors among the dense ones, as MLlib makes them where many inputs are 0."""
    made = [
        (*keys, Vectors.sparse(3, enumerate(inputs)) if keys[0] % 5 == 0 else Vectors.dense(inputs))
        for *keys, inputs in rows
    ]
    schema = spark.createDataFrame([made[0]]).schema
    names = ["customer_id", "as_of", "label", "weight", "inputs"]
    return spark.createDataFrame(made, schema).toDF(*names)


def written(
    folder: Path, train: DataFrame, validation: DataFrame, network: Network = NETWORK, ranks: int = 1
) -> NetworkJob:
    write_job(folder, train, validation, network, 3, ranks, ORIGIN)
    return NetworkJob.read(folder)


def in_order(folder: Path, layout: Layout) -> Singles:
    """All rows that were given, batch after batch."""
    blocks = read_blocks(folder, layout, range(layout.lanes))
    rows = np.concatenate([block.swapaxes(0, 1).reshape(-1, block.shape[-1]) for block in blocks])
    assert not rows[layout.rows :].any()
    return rows[: layout.rows]


def given(rows: list[tuple[Any, ...]], layout: Layout) -> list[list[float]]:
    """The same from the rows themselves, sorted."""
    lines = [[*inputs, label, weight * layout.row_weight] for _, _, label, weight, inputs in rows]
    return sorted(np.array(lines).astype(np.float32).tolist())


def test_every_row_is_in_the_lanes_once(spark: SparkSession, tmp_path: Path) -> None:
    plan = written(tmp_path, prepared(spark, TRAIN), prepared(spark, VALIDATION))
    assert (plan.network, plan.seed, plan.about) == (NETWORK, 3, ORIGIN)
    assert (plan.train, plan.validation) == (Layout(101, 3, 16, 8), Layout(23, 3, 24, 8))
    for part, layout, rows in (("train", plan.train, TRAIN), ("validation", plan.validation, VALIDATION)):
        found = in_order(tmp_path / part, layout)
        assert sorted(found.tolist()) == given(rows, layout)
        assert len({row[0] for row in found.tolist()}) == layout.rows
    inputs = np.array([row[-1] for row in TRAIN])
    assert plan.mean == pytest.approx(inputs.mean(axis=0))
    assert plan.deviation[:2] == pytest.approx(inputs[:, :2].std(axis=0, ddof=1))
    assert plan.deviation[2] == 1.0  # by which a constant input is 0 for everybody


def test_the_order_is_one_of_the_customers(spark: SparkSession, tmp_path: Path) -> None:
    """However Spark holds them, and whatever else is known of them; it is not that of their keys."""
    found = []
    shuffled = [TRAIN[n] for n in np.random.default_rng(1).permutation(len(TRAIN))]
    others = [(*keys, 1 - label, 9.0, [-x, y, z]) for *keys, label, _, (x, y, z) in TRAIN]
    for rows, partitions in ((TRAIN, 1), (shuffled, 5), (others, 2)):
        folder = tmp_path / str(len(found))
        table = prepared(spark, rows).repartition(partitions)
        plan = written(folder, table, prepared(spark, VALIDATION))
        found.append(in_order(folder / "train", plan.train))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0][:, 0], -found[2][:, 0])
    places = found[0][:, 0] - 1e4
    assert abs(np.corrcoef(places, np.arange(len(places)))[0, 1]) < 0.5
    assert (np.diff(places)[np.arange(0, 100, 2)] == 1).mean() < 0.2  # nor do a customer's days stand together


@pytest.mark.parametrize(("scaling", "batch"), [("none", 16), ("linear", 32)])
def test_batch_is_of_all_ranks_or_of_each(spark: SparkSession, tmp_path: Path, scaling: str, batch: int) -> None:
    network = Network(batch=16, scaling=scaling)
    plan = written(tmp_path, prepared(spark, TRAIN), prepared(spark, VALIDATION), network, ranks=2)
    assert plan.train == Layout(101, 3, batch, 8)


@pytest.mark.parametrize("empty", ["train", "validation"])
def test_a_part_without_rows_is_refused(spark: SparkSession, tmp_path: Path, empty: str) -> None:
    parts = {"train": prepared(spark, TRAIN), "validation": prepared(spark, VALIDATION)}
    parts[empty] = parts[empty].where("label > 1")
    with pytest.raises(ValueError, match=f"the {empty} set has no rows"):
        written(tmp_path, parts["train"], parts["validation"])
    assert not (tmp_path / "plan.json").exists()


def test_a_batch_that_ranks_cannot_share_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a batch of 16 rows does not divide into 3 ranks"):
        written(tmp_path, prepared(spark, TRAIN), prepared(spark, VALIDATION), ranks=3)
