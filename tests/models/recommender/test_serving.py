"""Lists for customers and for titles: seen titles, what is filled up, blocks; and numbers for ids."""

import sys
from typing import Any

import numpy as np
import pytest
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from jobs.engine import engine as started
from models.recommender import serving as module
from models.recommender.histories import PAIRS, with_histories
from models.recommender.ids import HASHES, draw, is_drawn, number_ids
from models.recommender.rankers import FactorRanker, LinearRanker, PopularityRanker
from models.recommender.serving import RecommenderModel, Serving, recommend_titles
from tests.support.engines import SMALL
from tests.support.frames import frame

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # Spark's workers do not know the tests

# What a title of the history (row) says of others: title 4 is said nothing of, title 3 only by title 2.
EFFECTS = np.array([[9, 5, 3, 0, 0], [1, 9, 4, 0, 0], [2, 1, 9, 6, 0], [0, 0, 0, 9, 0], [0, 0, 0, 0, 9]], np.float32)
EFFECTS[EFFECTS == 0] = -np.inf
POPULAR = np.array([4, 0, 1, 2, 3])


class Given:
    """A model that is at hand."""

    def __init__(self, model: RecommenderModel) -> None:
        self.model = model

    def __call__(self) -> RecommenderModel:
        return self.model


class Said(LinearRanker):
    """Takes the highest of what the history's titles say, so that -inf can stand for nothing."""

    def scores(self, histories: Any) -> Any:
        rows = [histories.indices[histories.indptr[n] : histories.indptr[n + 1]] for n in range(histories.shape[0])]
        nothing = np.full(len(self.effects), -np.inf, np.float32)
        return np.array([self.effects[row].max(axis=0) if len(row) else nothing for row in rows], np.float32)


MODEL = RecommenderModel(Said(EFFECTS, "binary"), POPULAR, 5)
Lists = dict[int, list[tuple[int, float | None, str]]]


def lists(spark: SparkSession, pairs: list[tuple[int, int, float]], **changes: Any) -> tuple[Lists, Lists]:
    """By customer its titles with score and source, by title its customers."""
    how = Serving(**{"load": Given(MODEL), "top": 2, "exclude_seen": True} | changes)
    rows = recommend_titles(with_histories(spark.createDataFrame(pairs, PAIRS)), how).collect()
    found: tuple[Lists, Lists] = ({}, {})
    for row in sorted(rows, key=lambda row: (-(row["score"] or 0), row["rank"])):
        key, value = ("title", "customer") if row["for_title"] else ("customer", "title")
        found[row["for_title"]].setdefault(row[key], []).append((row[value], row["score"], row["source"]))
    # Each of the workers' parts has its own best.
    return found[0], {title: customers[: how.per_title] for title, customers in found[1].items()}


def test_the_best_titles_that_are_new_to_the_customer(engine: SparkSession) -> None:
    found, _ = lists(engine, [(7, 0, 1.0), (8, 2, 1.0)])
    assert found == {
        7: [(1, 5.0, "history"), (2, 3.0, "history")],
        8: [(3, 6.0, "history"), (0, 2.0, "history")],
    }


def test_seen_titles_stand_where_they_are_not_excluded(sail: SparkSession) -> None:
    found, _ = lists(sail, [(7, 0, 1.0)], exclude_seen=False)
    assert found == {7: [(0, 9.0, "history"), (1, 5.0, "history")]}


def test_what_was_seen_and_not_liked_says_nothing_and_is_not_recommended(sail: SparkSession) -> None:
    found, _ = lists(sail, [(7, 0, 1.0), (7, 1, 0.0), (7, 2, -3.0)])
    assert [title for title, _, _ in found[7]] == [4, 3]


def test_what_a_history_says_nothing_of_is_filled_up_by_what_is_popular(engine: SparkSession) -> None:
    """Popular are 4, 0, 1, 2, 3 in this order; 3 is the history, and says nothing of others."""
    found, _ = lists(engine, [(7, 3, 1.0), (8, 1, 1.0), (8, 0, 0.0)], top=3)
    assert found[7] == [(4, None, "popular"), (0, None, "popular"), (1, None, "popular")]
    assert found[8] == [(2, 4.0, "history"), (4, None, "popular"), (3, None, "popular")]


def test_a_customer_who_liked_nothing_gets_what_is_popular(sail: SparkSession) -> None:
    found, for_titles = lists(sail, [(7, 4, 0.0)], per_title=2)
    assert found[7] == [(0, None, "popular"), (1, None, "popular")]
    assert for_titles == {}


def test_who_liked_nothing_has_no_score_even_of_a_model_that_scores_all(sail: SparkSession) -> None:
    """The sum over nothing is 0, which is no score: not for the customer, and not for the titles' lists."""
    model = RecommenderModel(LinearRanker(np.ones((5, 5), np.float32), "binary"), POPULAR, 5)
    found, for_titles = lists(sail, [(7, 4, 0.0)], load=Given(model), per_title=2)
    assert found[7] == [(0, None, "popular"), (1, None, "popular")]
    assert for_titles == {}


def test_what_is_popular_is_no_score_of_a_history(sail: SparkSession) -> None:
    """Popularity says the same of everybody, so that its lists say that they are of popularity."""
    model = RecommenderModel(PopularityRanker(np.array([4, 3, 2, 1, 5], np.float32)), POPULAR, 5)
    found, _ = lists(sail, [(7, 0, 1.0)], load=Given(model))
    assert found == {7: [(4, None, "popular"), (1, None, "popular")]}


def test_ranks_are_from_1_on(sail: SparkSession) -> None:
    """They are what metrics divide by."""
    histories = with_histories(sail.createDataFrame([(7, 0, 1.0), (8, 3, 1.0)], PAIRS))
    rows = recommend_titles(histories, Serving(Given(MODEL), 2, True)).collect()
    assert sorted((row["customer"], row["rank"]) for row in rows) == [(7, 1), (7, 2), (8, 1), (8, 2)]


def test_no_more_titles_than_there_are(sail: SparkSession) -> None:
    found, _ = lists(sail, [(7, 0, 1.0)], top=9)
    assert [title for title, _, _ in found[7]] == [1, 2, 4, 3]


def test_the_best_customers_for_a_title(engine: SparkSession) -> None:
    pairs = [(customer, 0, 1.0) for customer in (1, 2, 3)] + [(4, 1, 1.0), (5, 2, 1.0)]
    _, found = lists(engine, pairs, per_title=2)
    customers = {title: [customer for customer, _, _ in rows] for title, rows in found.items()}
    assert customers[0] == [5, 4]  # those who have it are not told of it
    assert set(customers[1]) < {1, 2, 3}
    assert customers[2][0] == 4
    assert customers[3] == [5]
    assert 4 not in customers


@pytest.mark.parametrize("rows", [1, 2, 512])
def test_blocks_change_nothing(sail: SparkSession, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(module, "BLOCK_ROWS", rows)
    random = np.random.default_rng(1)
    titles = random.normal(size=(30, 4)).astype(np.float32)
    model = RecommenderModel(FactorRanker(titles, 1.0, "log", 0.1, False), np.arange(30), 30)
    pairs = [(c, int(t), float(t % 3)) for c in range(25) for t in random.choice(30, 5, replace=False)]
    found = lists(sail, pairs, load=Given(model), top=4, per_title=3)
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    wanted = lists(sail, pairs, load=Given(model), top=4, per_title=3)
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        for key, titles_of in one.items():
            assert [name for name, _, _ in titles_of] == [name for name, _, _ in other[key]]
            assert [score for _, score, _ in titles_of if score] == pytest.approx(
                [score for _, score, _ in other[key] if score], rel=1e-4
            )


# ---- numbers for ids ----


@pytest.mark.parametrize("ids", [[], ["a"], [f"customer {n}" for n in range(500)] * 2])
def test_numbers_have_no_gap_and_none_twice(engine: SparkSession, ids: list[str]) -> None:
    rows = number_ids(frame(engine, [{"id": one} for one in ids], {"id": "string"}), "id", "number").collect()
    assert sorted(row["number"] for row in rows) == list(range(len(set(ids))))
    assert {row["id"] for row in rows} == set(ids)


def test_numbers_are_the_same_on_both_engines(sail: SparkSession) -> None:
    ids = [{"id": 7 * n - 100} for n in range(300)]
    wanted = {
        row["id"]: row["number"] for row in number_ids(frame(sail, ids, {"id": "bigint"}), "id", "number").collect()
    }
    with started("spark", SMALL) as spark:
        rows = number_ids(frame(spark, ids, {"id": "bigint"}), "id", "number").collect()
        assert {row["id"]: row["number"] for row in rows} == wanted


def test_a_share_is_drawn_by_its_keys_and_each_purpose_draws_anew(engine: SparkSession) -> None:
    rows = engine.range(4_000).selectExpr("id as customer", "id % 7 as title")
    columns = {name: draw(name, 1, "customer", "title") for name in ("test", "validation")}
    drawn_rows = rows.withColumns(columns)
    of = {name: {row["customer"] for row in drawn_rows.where(is_drawn(name, 0.2)).collect()} for name in columns}
    for customers in of.values():
        assert 0.17 < len(customers) / 4_000 < 0.23
    assert 0.02 < len(of["test"] & of["validation"]) / 4_000 < 0.06  # a fifth of a fifth
    (row,) = drawn_rows.selectExpr("min(test) as low", "max(test) as high").collect()
    assert row["low"] >= 0 and row["high"] < HASHES
    assert drawn_rows.where(is_drawn("test", 1.0)).count() == 4_000


def test_a_draw_is_of_its_seed_and_of_all_its_keys(engine: SparkSession) -> None:
    """Another seed draws other pairs, and of a customer's titles some are drawn and others are not."""
    rows = engine.range(1_000).selectExpr("id div 10 as customer", "id % 10 as title")
    drawn_rows = rows.withColumns({f"seed_{n}": draw("test", n, "customer", "title") for n in (1, 2)}).collect()
    assert sum(row["seed_1"] == row["seed_2"] for row in drawn_rows) < 5
    assert len({row["seed_1"] for row in drawn_rows if row["customer"] == 3}) > 5
