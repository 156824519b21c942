"""What is held out: which days, and that nothing of them is known."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.recommender import Recommender
from features.windows import Window
from jobs.recommending.dataset import DRAWN, LATER, VALIDATION, Ground
from jobs.recommending.sources import Ratings, read_ratings
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


# ---- the parts of evidence ----

Names = set[tuple[str, str]]
FOUR_DAYS = {
    1: ["a,x,1", "b,x,0", "d,x,1", "e,x,1", "f,x,1", "g,v,0"],
    2: ["a,y,1", "b,x,1"],
    3: ["b,z,1", "d,z,1", "a,w,1"],
    4: ["a,z,1", "a,x,1", "b,w,1", "c,w,1"],
}
NOTHING_DRAWN = 1e-6


def ground(spark: SparkSession, folder: Path, rows: list[str], has_time: bool, **declared: Any) -> Ground:
    """On a file of ratings."""
    header = ["customer,title,strength" + (",time" if has_time else "")]
    (folder / "r.csv").write_text("\n".join(header + rows) + "\n", encoding="utf-8")
    evidence = read_ratings(spark, folder / "r.csv", folder / "ratings", False, None, None)
    return Ground(spark, evidence, folder / "work", Recommender(**declared), seed=1)


def of_four_days(spark: SparkSession, folder: Path, **declared: Any) -> Ground:
    rows = [f"{row},2024-01-0{number}" for number, rows in FOUR_DAYS.items() for row in rows]
    return ground(spark, folder, rows, True, holdout_days=1, popular_days=1, **declared)


def by_name(of: Ground, rows: DataFrame | None) -> Names:
    assert rows is not None
    for name in ("customers", "titles"):
        rows = rows.join(of.spark.read.parquet(str(of.work / name)), name.removesuffix("s"), "inner")
    return {(row["customer_id"], row["title_id"]) for row in rows.collect()}


def order(of: Ground, titles: Any) -> str:
    names = {row["title"]: row["title_id"] for row in of.spark.read.parquet(str(of.work / "titles")).collect()}
    return "".join(names[title] for title in titles)


@pytest.mark.parametrize(("exclude_seen", "slice_rows"), [(True, 6_000_000), (True, 3), (False, 6_000_000)])
def test_days_are_held_out_and_what_is_popular_was_liked_just_before_them(
    sail: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exclude_seen: bool, slice_rows: int
) -> None:
    """Of four days the fourth is the test and the third the validation part; c is a stranger, and b and g have only
    seen something on the first. Some customers at a time give the same as all of them.

    Most like x, but on the first day. On the second it is x and y, on the third z twice and w once, on the fourth w
    twice: what is popular on the days held out is not known.
    """
    monkeypatch.setattr("jobs.recommending.sources.SLICE_ROWS", slice_rows)
    on = of_four_days(sail, tmp_path, exclude_seen=exclude_seen, holdout_share=NOTHING_DRAWN)
    validation, later, whole = on.part(VALIDATION), on.part(LATER), on.whole
    assert validation and later
    first = {("a", "x"), ("d", "x"), ("e", "x"), ("f", "x"), ("a", "y"), ("b", "x")}
    third, again = {("b", "z"), ("d", "z"), ("a", "w")}, set() if exclude_seen else {("a", "x")}
    assert by_name(on, validation.pairs.liked) == first
    assert by_name(on, validation.held) == third
    assert by_name(on, later.pairs.liked) == first | third
    assert by_name(on, later.held) == {("a", "z"), ("b", "w")} | again
    assert [order(on, part.order) for part in (validation, later, whole)] == ["xy", "zwxy", "wxzy"]
    assert [part.likers for part in (validation, later, whole)] == [5, 5, 6]
    known = {row["title"]: row["customers"] for row in later.known(sail).collect()}
    assert {order(on, [title]): customers for title, customers in known.items()} == {"x": 5, "y": 1, "z": 2, "w": 1}


def test_what_is_drawn_by_hash_is_known_neither_to_the_test_part_nor_to_the_choice(
    sail: SparkSession, tmp_path: Path
) -> None:
    """Each part's pairs fall into those fitted on and those held out; validation has only what the test part leaves."""
    everything = {(f"c{customer:02d}", f"t{title}") for customer in range(12) for title in range(8)}
    on = ground(sail, tmp_path, [f"{c},{t},1" for c, t in sorted(everything)], False, holdout_share=0.3)
    known = everything
    for name in (DRAWN, VALIDATION):
        part = on.part(name)
        assert part
        fitted_on, out = by_name(on, part.pairs.frame), by_name(on, part.held)
        assert (fitted_on | out, fitted_on & out) == (known, set())
        assert 0.15 < len(out) / len(known) < 0.45
        known = fitted_on
    assert on.part(LATER) is None


def test_what_is_drawn_by_hash_is_known_to_no_choice_by_days_either(sail: SparkSession, tmp_path: Path) -> None:
    rows = [f"c{c:02d},t{t},1,2024-01-0{1 + (c + t) % 4}" for c in range(12) for t in range(8)]
    on = ground(sail, tmp_path, rows, True, holdout_days=1, holdout_share=0.3)
    validation, part = on.part(VALIDATION), on.part(DRAWN)
    assert validation and part
    seen = by_name(on, validation.pairs.frame) | by_name(on, validation.held)
    assert seen and not seen & by_name(on, part.held)


def test_no_more_customers_are_looked_at_than_is_declared(sail: SparkSession, tmp_path: Path) -> None:
    """All 300 are fitted on where they are judged; about 150 are tuned on and 60 judged."""
    rows = [f"c{customer},t{title},1" for customer in range(300) for title in range(4)]
    on = ground(sail, tmp_path, rows, False, holdout_share=0.5, tuning_customers=150, judged_customers=60)
    validation, part = on.part(VALIDATION), on.part(DRAWN)
    assert validation and validation.held and part and part.held
    assert part.pairs.frame.select("customer").distinct().count() > 250
    assert 30 < part.held.select("customer").distinct().count() < 90
    assert 90 < validation.pairs.frame.select("customer").distinct().count() < 180


class Nameless(Ratings):
    """Ratings of which one title has no name."""

    def names(self) -> DataFrame:
        return super().names().where("title_id <> 'x'").withColumn("name", F.lit("Y"))


def test_a_title_without_a_name_goes_by_its_id(sail: SparkSession, tmp_path: Path) -> None:
    named = ground(sail, tmp_path, ["a,x,1", "a,y,1"], False)
    on = replace(named, evidence=Nameless(**vars(named.evidence)))
    assert on.pairs.count() == 2
    rows = sail.read.parquet(str(on.work / "titles")).collect()
    assert {row["title_id"]: row["name"] for row in rows} == {"x": "x", "y": "Y"}
