"""Files of ratings: what is read, and what is refused."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from features.windows import Window
from jobs.recommending.sources import RatedInteractions, read_ratings
from tests.support.frames import collected

TODAY = date(2024, 3, 9)


def read(
    spark: SparkSession, folder: Path, text: str, is_explicit: bool = False, liked_from: float | None = None
) -> RatedInteractions:
    file = folder / "ratings.csv"
    file.write_text(text, encoding="utf-8")
    return read_ratings(spark, file, folder / "typed", is_explicit, liked_from, TODAY if dateless(text) else None)


def dateless(text: str) -> bool:
    return "time" not in text


def strengths(ratings: RatedInteractions, window: Window | None = None) -> dict[tuple[str, str], float]:
    rows = collected(ratings.pairs(window or ratings.days), ("customer_id", "title_id"))
    return {pair: row["strength"] for pair, row in rows.items()}


def test_without_a_time(engine: SparkSession, tmp_path: Path) -> None:
    text = 'customer,title,strength\n007,"War, and peace",2\n007,Emma,0.5\nb,"Say ""Hi"", Bob",1e1\nb,"C:\\",1\n'
    found = read(engine, tmp_path, text)
    wanted = {("007", "War, and peace"): 2, ("007", "Emma"): 0.5, ("b", 'Say "Hi", Bob'): 10, ("b", "C:\\"): 1}
    assert strengths(found) == wanted
    assert (found.is_dated, found.is_explicit, found.days) == (False, False, Window(date(2024, 3, 8), TODAY))


def test_what_is_not_before_as_of_is_not_known(engine: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("customer,title,strength,time\na,x,1,2024-03-01\na,y,1,2024-03-02\na,z,1,2024-03-03\n")
    found = read_ratings(engine, file, tmp_path / "typed", False, None, date(2024, 3, 2))
    assert found.days == Window(date(2024, 3, 1), date(2024, 3, 2))
    assert set(strengths(found)) == {("a", "x")}
    with pytest.raises(InputError, match="nothing in it was before 2024-03-01; its times go from 2024-03-01"):
        read_ratings(engine, file, tmp_path / "again", False, None, date(2024, 3, 1))


def test_the_mean_from_which_on_a_title_is_liked_is_of_what_is_known(sail: SparkSession, tmp_path: Path) -> None:
    """The mean of 1 and 4.5 is 2.75; with the 9 of as_of itself it would be 4.8, and with 99 later far above."""
    file = tmp_path / "ratings.csv"
    rows = ["a,x,1,2024-03-01", "a,y,4.5,2024-03-01", "a,z,9,2024-03-02", "a,w,99,2024-03-03"]
    file.write_text("\n".join(["customer,title,strength,time", *rows]) + "\n")
    found = read_ratings(sail, file, tmp_path / "typed", True, None, date(2024, 3, 2))
    assert strengths(found) == {("a", "x"): 0, ("a", "y"): 4.5}


def test_columns_in_another_order_and_what_stands_twice_is_added_up(engine: SparkSession, tmp_path: Path) -> None:
    found = read(engine, tmp_path, "\ufeffStrength,customer, title\n2,a,x\n3,a,x\n-4,b,x\n-1,c,x\n2,c,x\n")
    assert strengths(found) == {("a", "x"): 5, ("b", "x"): 0, ("c", "x"): 1}


def test_a_time_is_a_date_a_timestamp_or_seconds(engine: SparkSession, tmp_path: Path) -> None:
    text = "customer,title,strength,time\na,x,1,2024-03-01\na,y,1,2024-03-02 23:59:59\na,z,1,1709424000\n"
    found = read(engine, tmp_path, text)
    assert found.days == Window(date(2024, 3, 1), date(2024, 3, 4))  # 1709424000 is midnight of the third
    assert found.is_dated
    assert set(strengths(found, Window(date(2024, 3, 1), date(2024, 3, 3)))) == {("a", "x"), ("a", "y")}
    assert set(strengths(found, Window(date(2024, 3, 3), date(2024, 3, 4)))) == {("a", "z")}


@pytest.mark.parametrize(
    ("liked_from", "liked"), [(None, {"y": 4, "z": 5}), (5.0, {"z": 5}), (1.0, {"x": 1.5, "y": 4, "z": 5})]
)
def test_explicit_ratings_are_liked_from_the_mean_on_or_from_what_is_said(
    sail: SparkSession, tmp_path: Path, liked_from: float | None, liked: dict[str, float]
) -> None:
    """x was rated twice; the mean of the four ratings is 3."""
    found = read(sail, tmp_path, "customer,title,strength\na,x,1\na,x,2\na,y,4\na,z,5\n", True, liked_from)
    assert found.is_explicit
    rows = collected(found.pairs(found.days), ("title_id",))
    assert {title: row["rating"] for title, row in rows.items()} == {"x": 1.5, "y": 4, "z": 5}
    assert {title: row["strength"] for title, row in rows.items() if row["strength"] > 0} == liked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("customer,title\na,x\n", "has the columns customer,title; the header must be customer,title,strength"),
        ("a,x,1\n", "has the columns a,x,1; the header must be"),
        ("", "has the columns none"),
        ("customer,title,strength\n", "no row"),
        ("customer,title,strength\na,x,much\nb,x,1\n", "1 of 2 rows lack"),
        ("customer,title,strength\na,x,NaN\nb,x,Infinity\nc,x,\n,x,1\nd,,1\n", "5 of 5 rows lack"),
        ("customer,title,strength,time\na,x,1,yesterday\na,x,1,\n", "2 of 2 rows lack"),
        ("customer,title,strength,time\na,x,1,1709424000000\n", "1 of 1 rows lack"),  # milliseconds
    ],
)
def test_what_is_no_file_of_ratings_is_refused(sail: SparkSession, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        read(sail, tmp_path, text)
    assert words in str(refused.value)
    assert str(tmp_path / "ratings.csv") in str(refused.value)


def test_a_row_of_other_columns_is_refused(engine: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read(engine, tmp_path, "customer,title,strength\na,x,1\na\nb,y,1,9,9\n")


def test_a_file_that_is_not_there_or_not_text(sail: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FileNotFoundError"):
        read_ratings(sail, tmp_path / "none.csv", tmp_path / "typed", False, None, TODAY)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00customer")
    with pytest.raises(InputError, match="UTF-8"):
        read_ratings(sail, tmp_path / "binary.csv", tmp_path / "typed", False, None, TODAY)
