"""What is held out: which days, and that nothing of them is known."""

from datetime import date, timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from features.windows import Window
from models.recommender.histories import PAIRS
from models.recommender.splits import held_out_by_hash, held_out_later, history_window, time_splits

START = date(2017, 4, 1)


def day(number: int) -> date:
    """Day 0 is the first of the logs."""
    return START + timedelta(days=number)


def test_the_last_days_and_as_many_before_them() -> None:
    validation, test = time_splits(Window(day(0), day(44)), holdout_days=7, history_days=30) or ()
    assert (test.before, test.after) == (Window(day(7), day(37)), Window(day(37), day(44)))
    assert (validation.before, validation.after) == (Window(day(0), day(30)), Window(day(30), day(37)))


def test_a_history_without_bound_reaches_back_to_the_first_day() -> None:
    validation, test = time_splits(Window(day(0), day(44)), holdout_days=7, history_days=None) or ()
    assert (test.before.start, validation.before.start) == (day(0), day(0))


@pytest.mark.parametrize(("days", "is_enough"), [(20, False), (21, True)])
def test_three_times_the_days_held_out_are_needed(days: int, is_enough: bool) -> None:
    assert (time_splits(Window(day(0), day(days)), 7, 30) is not None) == is_enough


@examples(days=st.integers(1, 100), holdout=st.integers(1, 30), history=st.none() | st.integers(1, 90))
def test_what_is_fitted_on_ends_where_what_is_held_out_begins(days: int, holdout: int, history: int | None) -> None:
    logs = Window(day(0), day(days))
    for cut in time_splits(logs, holdout, history) or ():
        assert cut.before.end == cut.after.start
        assert cut.after.days == holdout
        assert cut.before.start >= logs.start and cut.after.end <= logs.end
        assert cut.before.days >= min(holdout, history or holdout)
        assert history is None or cut.before.days <= history


def test_a_history_has_its_days_and_ends_before_the_moment() -> None:
    assert history_window(day(10), Window(day(0), day(44)), 4) == Window(day(6), day(10))
    assert history_window(day(3), Window(day(0), day(44)), 4) == Window(day(0), day(3))


def pairs(spark: SparkSession, rows: list[tuple[int, int, float]]) -> DataFrame:
    return spark.createDataFrame(rows, PAIRS)


def found(held: DataFrame) -> set[tuple[int, int]]:
    rows = [(row["customer"], row["title"]) for row in held.collect()]
    assert len(rows) == len(set(rows))
    return set(rows)


@pytest.mark.parametrize(("exclude_seen", "wanted"), [(True, {(1, 12)}), (False, {(1, 10), (1, 11), (1, 12)})])
def test_what_known_customers_liked_later(
    engine: SparkSession, exclude_seen: bool, wanted: set[tuple[int, int]]
) -> None:
    """Customer 2 has only seen something before, customer 3 nothing at all; 13 was seen later and not liked."""
    before = pairs(engine, [(1, 10, 1.0), (1, 11, 0.0), (2, 10, 0.0)])
    after = pairs(engine, [(1, 10, 2.0), (1, 11, 2.0), (1, 12, 2.0), (1, 13, 0.0), (2, 12, 1.0), (3, 12, 1.0)])
    assert found(held_out_later(before, after, exclude_seen)) == wanted


def test_of_what_was_drawn_the_liked_titles_of_those_who_keep_some(engine: SparkSession) -> None:
    stays = pairs(engine, [(1, 10, 1.0), (2, 10, 0.0)])
    out = pairs(engine, [(1, 11, 1.0), (1, 12, 0.0), (2, 11, 1.0), (3, 11, 1.0)])
    assert found(held_out_by_hash(stays, out)) == {(1, 11)}
