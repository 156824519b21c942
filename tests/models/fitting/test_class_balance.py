"""Balanced training parts, by count."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from models.fitting.class_balance import balance_labels
from tests.support.customers import customers, table

ROWS = [row | {"label": int(row["customer_id"] % 10 == 0)} for row in customers(4_000)]  # 400 of 4,000


def counted(spark: SparkSession, rows: list, share: float, how: str) -> dict[int, tuple[int, float]]:
    found = balance_labels(table(spark, rows), share, how, seed=1).groupBy("label").agg(F.count("*"), F.sum("weight"))
    return {row[0]: (row[1], row[2]) for row in found.collect()}


def test_none_leaves_every_row_as_it_is(engine: SparkSession) -> None:
    assert counted(engine, ROWS, 0.1, "none") == {0: (3_600, 3_600), 1: (400, 400)}


def test_weights_make_both_labels_count_the_same(engine: SparkSession) -> None:
    found = counted(engine, ROWS, 0.1, "weights")
    assert (found[0][0], found[1][0]) == (3_600, 400)
    assert found[0][1] == pytest.approx(2_000) and found[1][1] == pytest.approx(2_000)


@pytest.mark.parametrize("rarer", [0, 1])
def test_undersampling_keeps_the_rarer_and_draws_as_many_of_the_other(engine: SparkSession, rarer: int) -> None:
    rows = ROWS if rarer else [row | {"label": 1 - row["label"]} for row in ROWS]
    found = counted(engine, rows, 0.1 if rarer else 0.9, "undersample")
    assert found[rarer] == (400, 400)
    assert found[1 - rarer][0] == pytest.approx(400, abs=80)  # four standard deviations


def test_even_labels_are_all_kept(engine: SparkSession) -> None:
    rows = [row | {"label": row["customer_id"] % 2} for row in customers(100)]
    assert counted(engine, rows, 0.5, "undersample") == {0: (50, 50), 1: (50, 50)}
