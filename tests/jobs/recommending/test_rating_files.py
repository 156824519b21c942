"""Recommending from a file of ratings instead of logs."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError, NothingToLearnError
from jobs import recommend as module
from jobs.engine import engine
from models.evaluation.intervals import Interval
from models.recommender.ratings import RatingErrors
from tests.support.engines import SMALL
from tests.support.ratings import share_of_own_kind, write_ratings
from tests.support.recommending import (
    SMALL_GRIDS,
    fitted,
    lists,
    music_context,
    ratings_context,
    recommended,
    rows_of,
    titles_of,
    values_of_metrics,
)


@pytest.mark.parametrize("model", ["als", "item-item", "ease", "popular"])
def test_any_file_of_ratings_by_every_model(tmp_path: Path, sail: SparkSession, model: str) -> None:
    context = ratings_context(tmp_path)
    day, record = recommended(context, sail, ratings=write_ratings(tmp_path / "r.csv"), model=model, top=2)
    assert (day, record.model, record.customers) == ("2024-01-31", model, 40)
    assert set(fitted(context).parts) == {"later", "drawn"}
    assert set(fitted(context).settings) == {model, "item-item", "popular"}
    of_titles = lists(rows_of(context.data.customers_for_titles), "title_id")
    if model == "popular":
        assert of_titles == {}
    else:
        assert share_of_own_kind([row for row in titles_of(context) if row["rank"] == 1]) > 0.8
        assert of_titles and share_of_own_kind([row for rows in of_titles.values() for row in rows]) > 0.6


def test_without_times_a_share_of_each_customers_titles_is_held_out(tmp_path: Path, sail: SparkSession) -> None:
    context = ratings_context(tmp_path)
    file = write_ratings(tmp_path / "r.csv", has_time=False)
    day, _ = recommended(context, sail, ratings=file, as_of=date(2024, 2, 1), model="als")
    parts = fitted(context).parts
    assert (day, set(parts)) == ("2024-02-01", {"drawn"})
    judged = parts["drawn"]
    assert judged["als"].metrics["ndcg"].low > judged["popular"].metrics["ndcg"].high


def test_spark_alone_judges_as_sail_and_implicit_do(tmp_path: Path, sail: SparkSession) -> None:
    """Item-item, which both compute exactly, has the same figures; and ALS by MLlib recommends by taste."""
    file = write_ratings(tmp_path / "r.csv", has_time=False)
    one, other = ratings_context(tmp_path / "sail"), replace(ratings_context(tmp_path / "spark"), engine="spark")
    recommended(one, sail, ratings=file, model="item-item")
    with engine("spark", SMALL) as spark:
        _, record = recommended(other, spark, ratings=file, model="als", library="spark")
    item_item = {name: value for name, value in values_of_metrics(one).items() if "item-item" in name}
    assert item_item == pytest.approx({name: values_of_metrics(other)[name] for name in item_item}, abs=1e-6)
    assert (record.customers, record.model) == (40, "als")
    assert share_of_own_kind([row for row in titles_of(other) if row["rank"] == 1]) > 0.8


def test_some_customers_at_a_time_have_the_same_lists_and_figures(
    tmp_path: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs made, popularity counted and lists served in slices are those of all customers at once."""
    file, found = write_ratings(tmp_path / "r.csv"), []
    for rows in (6_000_000, 50):
        monkeypatch.setattr("jobs.recommending.sources.SLICE_ROWS", rows)
        monkeypatch.setattr("jobs.recommending.output.SLICE_PAIRS", rows)
        context = ratings_context(tmp_path / str(rows))
        recommended(context, sail, ratings=file, model="item-item", top=3)
        for_titles = rows_of(context.data.customers_for_titles)
        of = [{(row["title_id"], row["rank"]): row["customer_id"] for row in for_titles}]
        of += [{(row["customer_id"], row["rank"]): row["title_id"] for row in titles_of(context)}]
        found.append((values_of_metrics(context), of))
    assert found[0][0] == pytest.approx(found[1][0])
    assert found[0][1] == found[1][1]


# ---- explicit ratings ----


def test_explicit_ratings_have_an_error_besides(tmp_path: Path, sail: SparkSession) -> None:
    context = ratings_context(tmp_path)
    recommended(context, sail, ratings=write_ratings(tmp_path / "r.csv"), is_explicit=True, model="item-item")
    found = fitted(context).ratings
    assert found and found.rmse.value < 0.8 * found.rmse_of_mean.value
    assert found.rmse.low < found.rmse.value < found.rmse.high and found.rows > 50
    assert share_of_own_kind([row for row in titles_of(context) if row["rank"] == 1]) > 0.8


def test_no_rating_that_is_foretold_is_known(
    tmp_path: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fitted on all ratings the error would be smaller still, and say nothing."""
    parts: list[set[tuple[int, int]]] = []

    def errors(*rows_of_parts: Any) -> RatingErrors:
        parts.extend({(row["customer"], row["title"]) for row in rows.collect()} for rows in rows_of_parts[:2])
        return RatingErrors(Interval(2.0, 1.0, 3.0), Interval(2.0, 1.0, 3.0), 0)

    monkeypatch.setattr(module, "rating_errors", errors)
    monkeypatch.setattr(module, "start_engine", lambda *which: nullcontext(sail))  # no Spark is needed for that
    context = ratings_context(tmp_path)
    file = write_ratings(tmp_path / "r.csv", has_time=False)
    recommended(context, sail, ratings=file, is_explicit=True, model="popular")
    known, held = parts
    assert known and held and not known & held
    assert len(known | held) == fitted(context).pairs


def test_so_few_ratings_that_all_are_held_out_have_no_error(tmp_path: Path, sail: SparkSession) -> None:
    (tmp_path / "r.csv").write_text("customer,title,strength\na,x,5\n")
    context = ratings_context(tmp_path, exclude_seen=False)
    recommended(context, sail, ratings=tmp_path / "r.csv", is_explicit=True)
    assert fitted(context).ratings is None


# ---- too little, and too much ----


def test_nothing_liked_is_nothing_to_learn_from(tmp_path: Path, sail: SparkSession) -> None:
    (tmp_path / "r.csv").write_text("customer,title,strength\na,x,0\nb,y,-1\n")
    with pytest.raises(NothingToLearnError, match="no interaction has a strength above 0"):
        recommended(ratings_context(tmp_path), sail, ratings=tmp_path / "r.csv")


def test_one_customer_and_one_title_are_enough_not_to_fail(tmp_path: Path, sail: SparkSession) -> None:
    (tmp_path / "r.csv").write_text("customer,title,strength\na,x,1\n")
    context = ratings_context(tmp_path, exclude_seen=False)
    _, record = recommended(context, sail, ratings=tmp_path / "r.csv")
    assert (record.customers, fitted(context).parts) == (1, {})
    assert [(row["title_id"], row["rank"]) for row in titles_of(context)] == [("x", 1)]


def test_a_catalogue_too_large_for_ease_is_refused(tmp_path: Path, sail: SparkSession) -> None:
    context = music_context(tmp_path, grids=SMALL_GRIDS | {"ease": {"most_titles": 29}})
    with pytest.raises(InputError, match="there are 30 titles; the service allows 29"):
        recommended(context, sail, ratings=write_ratings(tmp_path / "r.csv"), model="ease")
