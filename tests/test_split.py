"""Who trains and who judges."""

from datetime import date, timedelta

import pytest
from conftest import SMALL
from given import AS_OF, before, frame
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.schema import Windows
from features.windows import Moment
from jobs.engine import engine
from models.split import Split, chosen_split, is_held_out, train_and_test

FORTNIGHT = Windows(observation_days=30, outcome_days=14)


def moments(*ages: int) -> list[Moment]:
    return [Moment.at(before(age), FORTNIGHT) for age in ages]


def test_one_moment_is_split_by_customer_alone() -> None:
    split = chosen_split(moments(0))
    assert split == Split(train=(AS_OF,), test=AS_OF, unused=())
    assert not split.is_by_time and str(split).startswith("by customer: trained at 2017-05-01")


def test_a_moment_trains_when_its_outcome_had_ended_by_the_test() -> None:
    split = chosen_split(moments(13, 28, 0, 14))
    assert split == Split(train=(before(28), before(14)), test=AS_OF, unused=(before(13),))
    assert split.is_by_time and str(split).startswith("by customer and by time")


def test_moments_too_close_together_are_split_by_customer() -> None:
    assert chosen_split(moments(1, 0)) == Split(train=(AS_OF,), test=AS_OF, unused=(before(1),))


def test_no_moment_is_an_error() -> None:
    with pytest.raises(ValueError, match="no as-of date has mature labels"):
        chosen_split([])


@given(st.sets(st.dates(date(2017, 1, 1), date(2017, 12, 31)), min_size=1, max_size=8), st.integers(0, 9))
def test_no_training_label_reaches_past_the_test(days: set[date], gap_days: int) -> None:
    windows = Windows(observation_days=30, gap_days=gap_days, outcome_days=14)
    split = chosen_split([Moment.at(day, windows) for day in days])
    assert split.test == max(days)
    assert not set(split.train) & set(split.unused)
    assert {*split.train, *split.unused, split.test} == days
    last_outcome_days = [day + timedelta(days=gap_days + 13) for day in split.train]
    assert split.train == (split.test,) or max(last_outcome_days) < split.test


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


def test_no_customer_and_no_moment_is_on_both_sides(sail: SparkSession) -> None:
    split = Split(train=(before(28), before(21), before(14)), test=AS_OF, unused=(before(7),))
    train, test = (part.collect() for part in train_and_test(frame(sail, ROWS, TYPES), split))
    assert {row["as_of"] for row in train} == {before(28)}  # others: not eligible, not labelled, unused
    assert {row["as_of"] for row in test} == {AS_OF}
    trained, judged = ({row["customer_id"] for row in part} for part in (train, test))
    assert not trained & judged and trained | judged == set(range(400))


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
