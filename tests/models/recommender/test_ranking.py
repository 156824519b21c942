"""Ranked lists judged, by hand and by scikit-learn."""

import math

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn.metrics import ndcg_score

from models.recommender.ranking import means_of, measure_ranking, metrics_per_customer, novelty, paired_difference
from tests.support.frames import collected, frame

LISTS = {"customer": "int", "title": "int", "rank": "int"}
PAIRS = {"customer": "int", "title": "int"}


def lists(spark: SparkSession, of: dict[int, list[int]]) -> DataFrame:
    rows = [{"customer": c, "title": t, "rank": n} for c, titles in of.items() for n, t in enumerate(titles, 1)]
    return frame(spark, rows, LISTS)


def held(spark: SparkSession, of: dict[int, list[int]]) -> DataFrame:
    return frame(spark, [{"customer": c, "title": t} for c, titles in of.items() for t in titles], PAIRS)


def test_a_customer_by_hand(engine: SparkSession) -> None:
    """Titles 1 and 4 of the list are held out, and 9, which is not on it; k is 4, so three hits could stand there."""
    (row,) = metrics_per_customer(lists(engine, {7: [1, 2, 3, 4]}), held(engine, {7: [4, 1, 9]}), 4).collect()
    assert row["ndcg"] == pytest.approx((1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2))
    assert row["map"] == pytest.approx((1 / 1 + 2 / 4) / 3)
    assert row["precision"] == pytest.approx(2 / 4)
    assert row["recall"] == pytest.approx(2 / 3)


def test_more_held_out_than_a_list_is_long(sail: SparkSession) -> None:
    (row,) = metrics_per_customer(lists(sail, {7: [1, 2]}), held(sail, {7: [1, 2, 3, 4, 5]}), 2).collect()
    assert (row["ndcg"], row["map"], row["precision"], row["recall"]) == (1.0, 1.0, 1.0, 0.4)


def test_ranks_beyond_the_list_do_not_count_and_a_short_list_pays_for_it(sail: SparkSession) -> None:
    found = collected(
        metrics_per_customer(lists(sail, {1: [5, 6, 7], 2: [8]}), held(sail, {1: [7], 2: [8]}), 2), ["customer"]
    )
    assert (found[1]["ndcg"], found[1]["recall"]) == (0.0, 0.0)
    assert (found[2]["ndcg"], found[2]["precision"]) == (1.0, 0.5)


def test_a_customer_without_a_list_has_nothing_and_one_without_a_title_held_out_does_not_count(
    sail: SparkSession,
) -> None:
    found = collected(
        metrics_per_customer(lists(sail, {1: [5], 2: [6]}), held(sail, {1: [5], 3: [5]}), 1), ["customer"]
    )
    assert {customer: row["ndcg"] for customer, row in found.items()} == {1: 1.0, 3: 0.0}


def test_ndcg_is_that_of_scikit_learn(sail: SparkSession) -> None:
    random = np.random.default_rng(1)
    relevant = {customer: random.choice(30, 6, replace=False).tolist() for customer in range(20)}
    shown = {customer: random.permutation(30).tolist() for customer in range(20)}
    found = collected(metrics_per_customer(lists(sail, shown), held(sail, relevant), 10), ["customer"])
    for customer in range(20):
        truth = [[float(title in relevant[customer]) for title in range(30)]]
        score = [[-float(shown[customer].index(title)) for title in range(30)]]
        assert found[customer]["ndcg"] == pytest.approx(ndcg_score(truth, score, k=10))


def test_novelty_is_bits_of_surprise(sail: SparkSession) -> None:
    """Of 8 customers, 4 know title 1 (one bit) and 1 knows title 2 (three bits)."""
    known = frame(
        sail, [{"title": 1, "customers": 4}, {"title": 2, "customers": 1}], {"title": "int", "customers": "bigint"}
    )
    rows = collected(novelty(lists(sail, {1: [1, 2], 2: [1, 3, 2]}), known, 8, 2), ["customer"])
    assert {customer: row["novelty"] for customer, row in rows.items()} == {1: 2.0, 2: 1.0}


def test_means_have_the_interval_of_their_deviation(sail: SparkSession) -> None:
    rows = frame(sail, [{"x": value} for value in (0.0, 0.0, 1.0, 1.0)], {"x": "double"})
    found = means_of(rows, ("x",))["x"]
    half = 1.959964 * math.sqrt(1 / 3) / 2
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))
    assert math.isnan(means_of(rows.where("x > 1"), ("x",))["x"].value)
    of_one = means_of(rows.limit(1), ("x",))["x"]
    assert of_one.value in (0.0, 1.0) and math.isnan(of_one.low) and math.isnan(of_one.high)


def test_a_judgement_counts_customers_and_coverage(engine: SparkSession) -> None:
    known = frame(engine, [{"title": t, "customers": 1} for t in range(4)], {"title": "int", "customers": "bigint"})
    shown = lists(engine, {1: [0, 1], 2: [1, 0], 3: [0, 3]})
    measured = metrics_per_customer(shown, held(engine, {1: [0], 2: [0], 3: [2]}), 2)
    found = measure_ranking(measured, shown, known, 4, 2)
    assert (found.customers, found.coverage) == (3, 3 / 4)
    assert found.metrics["ndcg"].value == pytest.approx((1 + 1 / math.log2(3) + 0) / 3)
    assert found.metrics["novelty"].value == 2.0


def test_coverage_counts_what_stands_on_the_lists_and_not_below(sail: SparkSession) -> None:
    known = frame(sail, [{"title": t, "customers": 1} for t in range(4)], {"title": "int", "customers": "bigint"})
    shown = lists(sail, {1: [0, 1, 2]})
    assert measure_ranking(metrics_per_customer(shown, held(sail, {1: [0]}), 2), shown, known, 4, 2).coverage == 2 / 4


def test_a_difference_is_paired(engine: SparkSession) -> None:
    """Customers differ much, the models by a tenth on each: only when paired that is sure."""
    of = frame(engine, [{"customer": n, "ndcg": n / 10 + 0.1} for n in range(9)], {"customer": "int", "ndcg": "double"})
    over = frame(engine, [{"customer": n, "ndcg": n / 10} for n in range(9)], {"customer": "int", "ndcg": "double"})
    found = paired_difference(of, over)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
