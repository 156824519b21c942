"""Who trains and who judges."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.schema import Windows
from features.windows import Moment
from jobs.engine import engine
from models.fitting.split import Split, choose_split, fold, is_for_calibration, is_held_out, is_in_share
from tests.support.engines import SMALL
from tests.support.frames import AS_OF, before, frame

FORTNIGHT = Windows(observation_days=30, outcome_days=14)


def moments(*ages: int) -> list[Moment]:
    return [Moment.at(before(age), FORTNIGHT) for age in ages]


def test_one_moment_is_split_by_customer_alone() -> None:
    split = choose_split(moments(0))
    assert split == Split("customer", train=(AS_OF,), test=AS_OF)
    assert str(split).startswith("by customer: trained at 2017-05-01")


def test_a_moment_trains_when_its_outcome_had_ended_by_the_test() -> None:
    split = choose_split(moments(13, 28, 0, 14))
    assert split == Split("time", train=(before(28), before(14)), test=AS_OF, unused=(before(13),))
    assert str(split).startswith("by time: trained at 2017-04-03, 2017-04-17, whose outcomes were known by then")


def test_moments_too_close_together_are_split_by_customer() -> None:
    assert choose_split(moments(1, 0)) == Split("customer", train=(before(1), AS_OF), test=AS_OF)
    with pytest.raises(ValueError, match="so none may be used for training"):
        choose_split(moments(1, 0), "time")


def test_by_customer_all_mature_moments_train() -> None:
    split = choose_split(moments(28, 0), "customer")
    assert split == Split("customer", train=(before(28), AS_OF), test=AS_OF)


def test_the_newest_moments_train_and_no_more_than_asked_for() -> None:
    assert choose_split(moments(0, 28, 42, 56), most=2).train == (before(42), before(28))
    assert choose_split(moments(0, 28, 42, 56), "customer", most=2).train == (before(28), AS_OF)


def test_no_moment_is_an_error() -> None:
    with pytest.raises(ValueError, match="no as-of date has mature labels"):
        choose_split([])


@given(st.sets(st.dates(date(2017, 1, 1), date(2017, 12, 31)), min_size=1, max_size=8), st.integers(0, 9))
def test_no_training_label_reaches_past_the_test(days: set[date], gap_days: int) -> None:
    windows = Windows(observation_days=30, gap_days=gap_days, outcome_days=14)
    split = choose_split([Moment.at(day, windows) for day in days])
    assert split.test == max(days)
    assert not set(split.train) & set(split.unused)
    assert {*split.train, *split.unused, split.test} == days
    last_outcome_days = [day + timedelta(days=gap_days + 13) for day in split.train]
    assert split.by == "customer" or max(last_outcome_days) < split.test


ROWS = [
    {"customer_id": who, "as_of": day, "eligible": eligible, "label": label}
    for who in range(400)
    for day, eligible, label in [
        (before(28), True, 1),
        (before(7), True, 1),
        (AS_OF, True, 0),
        (before(14), False, 1),
        (before(21), True, None),
    ]
]
TYPES = {"customer_id": "bigint", "as_of": "date", "eligible": "boolean", "label": "int"}


def sides(sail: SparkSession, split: Split) -> list[set[tuple[int, date]]]:
    """Keys of the rows that train, and of those that judge."""
    parts = split.apply(frame(sail, ROWS, TYPES))
    return [{(row["customer_id"], row["as_of"]) for row in part.collect()} for part in parts]


def test_by_customer_nobody_is_on_both_sides_at_any_moment(sail: SparkSession) -> None:
    train, test = sides(sail, Split("customer", train=(before(28), before(14), AS_OF), test=AS_OF))
    trained, judged = ({who for who, _ in part} for part in (train, test))
    assert not trained & judged and trained | judged == set(range(400))
    assert {day for _, day in train} == {before(28), AS_OF} and {day for _, day in test} == {AS_OF}


def test_by_time_all_customers_train_before_and_judge_after(sail: SparkSession) -> None:
    train, test = sides(sail, Split("time", train=(before(28), before(21), before(14)), test=AS_OF))
    assert train == {(who, before(28)) for who in range(400)}  # elsewhere not eligible, or not labelled
    assert test == {(who, AS_OF) for who in range(400)}


def test_shares_of_customers_are_as_said_and_drawn_apart(sail: SparkSession) -> None:
    """Calibration, folds and held-out customers say nothing of each other."""
    who = F.col("id")
    draws = sail.range(0, 20_000).select(
        is_held_out(who).alias("held"),
        is_for_calibration(who).alias("calibrates"),
        fold(who, 5).alias("fold"),
        is_in_share(who, 0.3, "tuning").alias("some"),
    )
    rows = draws.collect()
    trained = [row for row in rows if not row["held"]]
    assert len(trained) == pytest.approx(15_000, abs=250)
    assert sum(row["calibrates"] for row in trained) == pytest.approx(3_000, abs=200)
    assert sum(row["some"] for row in trained) == pytest.approx(4_500, abs=230)
    assert {row["fold"] for row in rows} == set(range(5))
    assert sum(row["fold"] == 2 and row["some"] for row in trained) == pytest.approx(900, abs=120)


def test_a_quarter_is_held_out_and_the_same_by_either_type(sail: SparkSession) -> None:
    rows = sail.range(0, 8_000).select(F.col("id"), F.col("id").cast("string").alias("text"))
    found = rows.select("id", is_held_out(F.col("id")).alias("n"), is_held_out(F.col("text")).alias("t")).collect()
    assert all(row["n"] == row["t"] for row in found)
    assert sum(row["n"] for row in found) == pytest.approx(2_000, abs=160)  # four standard deviations


def test_both_engines_hold_out_the_same() -> None:
    held_out = []
    for name in ("sail", "spark"):
        with engine(name, SMALL) as session:
            rows = session.range(0, 1_000).where(is_held_out(F.col("id"))).collect()
            held_out.append(sorted(row["id"] for row in rows))
    assert held_out[0] == held_out[1]
