"""What is held out of interactions: nothing of it is known to what is fitted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.recommender import Recommender
from jobs.recommending.dataset import DRAWN, LATER, VALIDATION, InteractionDataset
from jobs.recommending.sources import RatedInteractions, read_ratings

Names = set[tuple[str, str]]
FOUR_DAYS = {
    1: ["a,x,1", "b,x,0", "d,x,1", "e,x,1", "f,x,1", "g,v,0"],
    2: ["a,y,1", "b,x,1"],
    3: ["b,z,1", "d,z,1", "a,w,1"],
    4: ["a,z,1", "a,x,1", "b,w,1", "c,w,1"],
}
NOTHING_DRAWN = 1e-6


def dataset_of(
    spark: SparkSession, folder: Path, rows: list[str], has_time: bool, **declared: Any
) -> InteractionDataset:
    """The dataset of a file of ratings."""
    header = ["customer,title,strength" + (",time" if has_time else "")]
    (folder / "r.csv").write_text("\n".join(header + rows) + "\n", encoding="utf-8")
    source = read_ratings(spark, folder / "r.csv", folder / "ratings", False, None, None)
    return InteractionDataset(spark, source, folder / "work", Recommender(**declared), seed=1)


def of_four_days(spark: SparkSession, folder: Path, **declared: Any) -> InteractionDataset:
    rows = [f"{row},2024-01-0{number}" for number, rows in FOUR_DAYS.items() for row in rows]
    return dataset_of(spark, folder, rows, True, holdout_days=1, popular_days=1, **declared)


def by_name(dataset: InteractionDataset, rows: DataFrame | None) -> Names:
    assert rows is not None
    for name in ("customers", "titles"):
        rows = rows.join(dataset.spark.read.parquet(str(dataset.work / name)), name.removesuffix("s"), "inner")
    return {(row["customer_id"], row["title_id"]) for row in rows.collect()}


def order(dataset: InteractionDataset, titles: Any) -> str:
    names = {
        row["title"]: row["title_id"] for row in dataset.spark.read.parquet(str(dataset.work / "titles")).collect()
    }
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
    dataset = of_four_days(sail, tmp_path, exclude_seen=exclude_seen, holdout_share=NOTHING_DRAWN)
    validation, later, whole = dataset.part(VALIDATION), dataset.part(LATER), dataset.whole
    assert validation and later
    first = {("a", "x"), ("d", "x"), ("e", "x"), ("f", "x"), ("a", "y"), ("b", "x")}
    third, again = {("b", "z"), ("d", "z"), ("a", "w")}, set() if exclude_seen else {("a", "x")}
    assert by_name(dataset, validation.pairs.liked) == first
    assert by_name(dataset, validation.held) == third
    assert by_name(dataset, later.pairs.liked) == first | third
    assert by_name(dataset, later.held) == {("a", "z"), ("b", "w")} | again
    assert [order(dataset, part.order) for part in (validation, later, whole)] == ["xy", "zwxy", "wxzy"]
    assert [part.likers for part in (validation, later, whole)] == [5, 5, 6]
    known = {row["title"]: row["customers"] for row in later.known(sail).collect()}
    assert {order(dataset, [title]): customers for title, customers in known.items()} == {
        "x": 5,
        "y": 1,
        "z": 2,
        "w": 1,
    }


def test_what_is_drawn_by_hash_is_known_neither_to_the_test_part_nor_to_the_choice(
    sail: SparkSession, tmp_path: Path
) -> None:
    """Each part's pairs fall into those fitted on and those held out; validation has only what the test part leaves."""
    everything = {(f"c{customer:02d}", f"t{title}") for customer in range(12) for title in range(8)}
    dataset = dataset_of(sail, tmp_path, [f"{c},{t},1" for c, t in sorted(everything)], False, holdout_share=0.3)
    known = everything
    for name in (DRAWN, VALIDATION):
        part = dataset.part(name)
        assert part
        fitted_on, out = by_name(dataset, part.pairs.frame), by_name(dataset, part.held)
        assert (fitted_on | out, fitted_on & out) == (known, set())
        assert 0.15 < len(out) / len(known) < 0.45
        known = fitted_on
    assert dataset.part(LATER) is None


def test_what_is_drawn_by_hash_is_known_to_no_choice_by_days_either(sail: SparkSession, tmp_path: Path) -> None:
    rows = [f"c{c:02d},t{t},1,2024-01-0{1 + (c + t) % 4}" for c in range(12) for t in range(8)]
    dataset = dataset_of(sail, tmp_path, rows, True, holdout_days=1, holdout_share=0.3)
    validation, part = dataset.part(VALIDATION), dataset.part(DRAWN)
    assert validation and part
    seen = by_name(dataset, validation.pairs.frame) | by_name(dataset, validation.held)
    assert seen and not seen & by_name(dataset, part.held)


def test_no_more_customers_are_looked_at_than_is_declared(sail: SparkSession, tmp_path: Path) -> None:
    """All 300 are fitted on where they are judged; about 150 are tuned on and 60 judged."""
    rows = [f"c{customer},t{title},1" for customer in range(300) for title in range(4)]
    dataset = dataset_of(sail, tmp_path, rows, False, holdout_share=0.5, tuning_customers=150, judged_customers=60)
    validation, part = dataset.part(VALIDATION), dataset.part(DRAWN)
    assert validation and validation.held and part and part.held
    assert part.pairs.frame.select("customer").distinct().count() > 250
    assert 30 < part.held.select("customer").distinct().count() < 90
    assert 90 < validation.pairs.frame.select("customer").distinct().count() < 180


class Nameless(RatedInteractions):
    """Ratings of which one title has no name."""

    def names(self) -> DataFrame:
        return super().names().where("title_id <> 'x'").withColumn("name", F.lit("Y"))


def test_a_title_without_a_name_goes_by_its_id(sail: SparkSession, tmp_path: Path) -> None:
    named = dataset_of(sail, tmp_path, ["a,x,1", "a,y,1"], False)
    dataset = replace(named, source=Nameless(**vars(named.source)))
    assert dataset.pairs.count() == 2
    rows = sail.read.parquet(str(dataset.work / "titles")).collect()
    assert {row["title_id"]: row["name"] for row in rows} == {"x": "x", "y": "Y"}
