"""Which lines are the same event: by their text, by what they mean, and repeats that are events of their own.

Cases 14, 15 and 28.
"""

from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession

from conf.events import Event
from conf.load import load_service
from features.events import clean, tagged
from tests.support.frames import Rows, lines

PLAY, PURCHASE = load_service("music").events["play"], load_service("audiobooks").events["purchase"]
BOUGHT = {
    "customer_id": "K1",
    "purchased_at": "2017-05-01 10:00:00",
    "title": "Alpha",
    "length_minutes": "480",
    "price": "9.90",
}
HEARD = {"uid": "101", "device": "ar", "song_id": "7", "song_type": "0", "song_name": "S", "singer": "B"}


def events(spark: SparkSession, event: Event, rows: Rows) -> list[dict[str, Any]]:
    return [row.asDict() for row in clean(tagged(lines(spark, event, rows), event), event).collect()]


@pytest.mark.parametrize(
    ("other", "copies"),
    [
        ({"purchased_at": "2017-05-01 10:00:00.000", "length_minutes": "480.0", "price": "9.9"}, [2]),
        ({"purchased_at": "2017-05-01 10:00:00.734"}, [2]),
        ({"purchased_at": "2017-05-01T10:00:00Z", "title": " Alpha\u00a0", "customer_id": "K1\u200b"}, [2]),
        ({"length_minutes": "NULL"}, [2]),
        ({"purchased_at": "2017-05-01 10:00:01"}, [1, 1]),
        ({"title": "Beta"}, [1, 1]),
        ({"price": "9.91"}, [1, 1]),
        ({"customer_id": "K2"}, [1, 1]),
        ({"purchased_at": "2017-05-01 10:00:00+02:00"}, [1, 1]),  # another instant of the same clock
    ],
)
def test_purchases_are_the_same_by_what_they_mean(sail: SparkSession, other: dict[str, str], copies: list[int]) -> None:
    """Case 15."""
    found = events(sail, PURCHASE, [BOUGHT, BOUGHT | other])
    assert [row["copies"] for row in found] == copies


@pytest.mark.parametrize("offsets", [("+02:00", "+01:00"), ("-04:00", "-05:00"), ("+11:00", "+10:30")])
@pytest.mark.parametrize("kind", ["listening", "visit"])
def test_an_hour_that_the_clock_shows_twice(engine: SparkSession, kind: str, offsets: tuple[str, str]) -> None:
    """Case 14: two instants are two events, and each is one in two copies; as landing writes them (clock.py)."""
    event = load_service("audiobooks").events[kind]
    time = event.landing.day
    row = dict.fromkeys(event.landing.fields, "30") | {event.landing.customer: "K1", time: "2017-10-29 02:30:00"}
    rows = [row | {time: row[time] + offset} for offset in (*offsets, offsets[1])]
    assert sorted(row["copies"] for row in events(engine, event, rows)) == [1, 2]


def test_what_is_not_known_is_not_the_same(sail: SparkSession) -> None:
    """Two books without a title in one basket are two; the same line twice is one."""
    blank = BOUGHT | {"title": "nan"}
    found = events(sail, PURCHASE, [blank, blank, blank | {"length_minutes": "481"}])
    assert sorted((row["length_minutes"], row["copies"]) for row in found) == [(480, 2), (481, 1)]


def test_the_same_one_of_equal_lines_stays(engine: SparkSession) -> None:
    """The first in the order of the bytes: that with the shorter length, in any order of the lines."""
    both = [BOUGHT, BOUGHT | {"length_minutes": "479"}]
    for rows in (both, both[::-1]):
        (found,) = events(engine, PURCHASE, rows)
        assert (found["length_minutes"], found["copies"]) == (479, 2)


def test_a_song_heard_to_its_end_again_is_a_repeat(engine: SparkSession) -> None:
    """Case 28: five times to the end are five plays of 240 s; 67 odd seconds twice are one, and so without a length."""
    to_the_end = HEARD | {"play_time": "240", "song_length": "240", "paid_flag": "0"}
    odd = to_the_end | {"play_time": "67", "song_length": "137"}
    without_length = to_the_end | {"song_length": "0"}
    found = events(engine, PLAY, [to_the_end] * 5 + [odd] * 2 + [without_length] * 2)
    counted = sorted((row["play_seconds"], row["song_seconds"] or 0, row["copies"]) for row in found)
    assert counted == [(67, 137, 2), (240, 0, 2), *[(240, 240, 1)] * 5]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"duplicates": []}, "duplicates: the list is empty"),
        ({"duplicates": ["customer_id", "cost"]}, "duplicates: 'cost' is not a column"),
        ({"duplicates": "keep", "repeats": "price > 0"}, "repeats: with `duplicates: keep` each line is an event"),
        ({"repeats": "cost > 0"}, "repeats: unknown column 'cost'"),
        ({"repeats": "sum(price) > 0"}, "must be an expression over one row"),
    ],
)
def test_declarations_that_make_no_sense(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("(", r"\(")):
        Event.model_validate(PURCHASE.model_dump() | changes)
