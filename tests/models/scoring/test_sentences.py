"""Facts in words, by hand, and on a table of either engine."""

import pytest
from pyspark.sql import SparkSession

from models.scoring.sentences import Fact, Value, reasons_in_words
from tests.support.frames import frame

DAYS = Fact("last heard {value} {1:day|days} ago", "days", "days", "not heard in 30 days", 4.0)
BOOKS = Fact("bought {value} {1:book|books} in the last year", "count", "books", "", 3.0)
SHARE = Fact("heard {percent} of each song", "share", "share", "heard nothing", 0.5)
HEARD = Fact("heard {value} in 30 days", "duration", "seconds", "", 7200.0)
REVIEW = Fact("left {1:a review|no review}", "flag", "0 or 1", "", 0.0)
DEVICE = Fact("uses {ar:Android|ip:an iPhone}", "category", "device", "no device", "ar")
MONEY = Fact("paid {value} US dollars", "amount", "US dollars", "", 14.2)


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        (DAYS, 16.0, "last heard 16 days ago; typical: 4"),
        (DAYS, 1.0, "last heard 1 day ago; typical: 4"),
        (DAYS, None, "not heard in 30 days; typical: last heard 4 days ago"),
        (BOOKS, 1, "bought 1 book in the last year; typical: 3"),
        (BOOKS, 0, "bought no books in the last year; typical: 3"),
        (BOOKS, 1200, "bought 1,200 books in the last year; typical: 3"),
        (SHARE, 0.123, "heard 12 % of each song; typical: 50 %"),
        (SHARE, 1.0, "heard 100 % of each song; typical: 50 %"),
        (SHARE, 0.0, "heard 0 % of each song; typical: 50 %"),
        (SHARE, 0.502, "heard 50.2 % of each song; typical: 50 %"),
        (HEARD, 1.0, "heard 1 second in 30 days; typical: 2 hours"),
        (HEARD, 60.0, "heard 1 minute in 30 days; typical: 2 hours"),
        (HEARD, 5399.0, "heard 90 minutes in 30 days; typical: 2 hours"),
        (HEARD, 5400.0, "heard 1.5 hours in 30 days; typical: 2 hours"),
        (HEARD, 0.0, "heard 0 minutes in 30 days; typical: 2 hours"),
        (REVIEW, 1, "left a review; typical: no review"),
        (DEVICE, "ip", "uses an iPhone; typical: Android"),
        (DEVICE, "wp", "uses wp; typical: Android"),
        (DEVICE, None, "no device; typical: uses Android"),
        (MONEY, 14.4, "paid 14.4 US dollars; typical: 14.2"),
        (MONEY, 14.203, "paid 14.203 US dollars; typical: 14.2"),
        (MONEY, 0.456, "paid 0.46 US dollars; typical: 14"),
        (MONEY, 0.0061, "paid 0.01 US dollars; typical: 14"),
        (MONEY, -3.0, "paid -3 US dollars; typical: 14"),
        (MONEY, 1234.5, "paid 1,234 US dollars; typical: 14"),
    ],
)
def test_words_by_hand(fact: Fact, value: Value, words: str) -> None:
    assert fact.words(value) == words


def test_no_stands_beside_a_choice_only() -> None:
    plain = Fact("Books bought: {value}", "count", "books", "", 3.0)
    assert plain.words(0) == "Books bought: 0; typical: 3"


def test_typical_customers_may_have_none() -> None:
    rare = Fact("last searched {value} {1:day|days} ago", "days", "days", "no search in 30 days", None)
    assert rare.words(3.0) == "last searched 3 days ago; typical: no search in 30 days"
    assert Fact("made {value} {1:request|requests}", "count", "", "", 0.0).words(2) == "made 2 requests; typical: none"


def test_sentences_beside_scores(engine: SparkSession) -> None:
    scored = frame(
        engine,
        [
            {"customer_id": 1, "probability": 0.5, "reason_1_feature": "days", "reason_2_feature": "books"},
            {"customer_id": 2, "probability": 0.6, "reason_1_feature": "books", "reason_2_feature": None},
            {"customer_id": 3, "probability": 0.7, "reason_1_feature": "gone", "reason_2_feature": "days"},
        ],
        {"customer_id": "bigint", "probability": "double", "reason_1_feature": "string", "reason_2_feature": "string"},
    )
    table = frame(
        engine,
        [
            {"customer_id": 1, "days": 16.0, "books": 1},
            {"customer_id": 2, "days": None, "books": 0},
            {"customer_id": 3, "days": None, "books": 5},
        ],
        {"customer_id": "bigint", "days": "double", "books": "bigint"},
    )
    found = reasons_in_words(scored, table, {"days": DAYS, "books": BOOKS, "gone": SHARE})
    assert found.columns == [*scored.columns, "reason_1_words", "reason_2_words"]
    assert {row["customer_id"]: (row["reason_1_words"], row["reason_2_words"]) for row in found.collect()} == {
        1: ("last heard 16 days ago; typical: 4", "bought 1 book in the last year; typical: 3"),
        2: ("bought no books in the last year; typical: 3", None),
        3: (None, "not heard in 30 days; typical: last heard 4 days ago"),
    }
