"""The audiobook shop's columns for customers computed by hand: returns, missing lengths, edges of the window."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import SparkSession

from conf.load import load_service
from features.events import tagged
from features.table import capped_customers, feature_table
from features.windows import Moment, Window
from tests.support.frames import AS_OF, Rows, before, collected, lines, tiles

SHOP = load_service("audiobooks")
MOMENT = Moment.at(AS_OF, SHOP.windows)
LOGS = Window(before(800), before(-200))


def bought(customer: str, day: date, minutes: int | None, price: str) -> dict[str, Any]:
    length = None if minutes is None else Decimal(minutes)
    return {"customer_id": customer, "date": day, "length_minutes": length, "price": Decimal(price)}


def heard(customer: str, day: date, minutes: int) -> dict[str, Any]:
    return {"customer_id": customer, "date": day, "minutes": Decimal(minutes)}


def rated(customer: str, day: date, rating: str | None) -> dict[str, Any]:
    return {"customer_id": customer, "date": day, "rating": rating and Decimal(rating)}


def seen(customer: str, day: date) -> dict[str, Any]:
    return {"customer_id": customer, "date": day}


EVENTS: dict[str, Rows] = {
    "purchase": [
        bought("007", before(731), 999, "99.00"),  # the day before the observation
        bought("007", before(730), 600, "10.00"),  # its first day
        bought("007", before(1), 300, "5.00"),  # its last
        bought("007", AS_OF, 120, "3.00"),  # the outcome's first: bought again
        bought("returns", before(100), 600, "10.00"),
        bought("returns", before(100), 200, "4.00"),
        bought("returns", before(90), -600, "-10.00"),
        bought("all back", before(50), 600, "10.00"),
        bought("all back", before(49), -600, "-10.00"),
        bought("all back", before(-183), 600, "10.00"),  # the day after the outcome
        bought("older back", before(740), 600, "10.00"),
        bought("older back", before(700), -600, "-10.00"),  # of what was bought before the window
        bought("older back", before(20), None, "0.00"),  # free, and of unknown length
        bought("older back", before(-182), 1, "0.00"),  # the outcome's last day
    ],
    "listening": [heard("007", before(2), 450), heard("returns", before(99), 250), heard("listener", before(3), 10)],
    "review": [rated("007", before(5), "9"), rated("007", before(4), "8.5"), rated("returns", before(9), None)],
    "support": [seen("returns", before(95)), seen("returns", before(95))],
    "visit": [seen("007", before(1)), seen("returns", before(40)), seen("all back", before(60))],
}


def test_the_columns_on_paper(engine: SparkSession) -> None:
    rows = collected(feature_table(tiles(engine, SHOP, EVENTS), [MOMENT], LOGS, SHOP))
    ten = {
        "007": (450, 900, 7.5, 15, 1, 8.75, 0.5, 450, 0, 729),
        "returns": (200, 200, 4, 4, 1, None, 1, 250, 2, 60),  # heard 250 of 200 minutes
        "all back": (None, 0, None, 0, 0, None, None, 0, 0, 0),  # its visit was before its purchase
        "older back": (None, 0, None, 0, 0, None, None, 0, 0, 0),
        "listener": (None, 0, None, 0, 0, None, None, 10, 0, None),
    }
    names = (
        "length_minutes_avg", "length_minutes_sum", "price_avg", "price_sum", "review_left", "review_out_of_10",
        "completion", "minutes_listened", "support_requests", "last_visit_minus_first_purchase_days",
    )  # fmt: skip
    assert {customer: tuple(row[name] for name in names) for customer, row in rows.items()} == ten
    assert {customer: (row["eligible"], row["label"]) for customer, row in rows.items()} == {
        "007": (True, 1),
        "returns": (True, 0),
        "all back": (True, 0),
        "older back": (True, 1),
        "listener": (False, 0),
    }
    # What was learned from the music service stands beside.
    # Active days, counted back from as_of: 730, 5, 4, 2, 1.
    expected = {
        "purchases_last_30d": 1,
        "purchases_last_365d": 1,
        "purchases_last_730d": 2,
        "active_days_last_30d": 4,
        "active_days_last_730d": 5,
        "minutes_listened_last_30d": 450,
        "days_since_last_purchase": 1,
        "days_since_last_listening": 2,
        "purchase_gap_days_mean": 729,
        "recency_over_gap": 1 / 729,
        "gap_days_mean": 729 / 4,
        "active_days_acceleration_30d": (4 / 30) / (4 / 365),
        "minutes_listened_acceleration_90d": 365 / 90,
        "price_sum_last_365d": 5,
    }
    assert {name: round(rows["007"][name], 9) for name in expected} == {
        n: round(value, 9) for n, value in expected.items()
    }


def test_those_above_a_cap_are_counted(engine: SparkSession) -> None:
    rows = capped_customers(tiles(engine, SHOP, EVENTS), [MOMENT], SHOP).collect()
    assert [row.asDict() for row in rows] == [{"as_of": AS_OF, "completion": 1}]


def test_lengths_and_prices_of_purchases_and_returns(engine: SparkSession) -> None:
    """The length of a return may have either sign; an invalid length becomes null, and the purchase counts."""
    texts = [
        ("600", "10"),
        ("600", "-10"),
        ("-600", "-10"),
        ("0", "10"),
        ("-5", "10"),
        ("?", "0"),
        (None, "1"),
        ("5", None),
    ]
    rows = [
        {"customer_id": "01", "purchased_at": "2017-05-01 10:00:00", "title": str(n), "length_minutes": m, "price": p}
        for n, (m, p) in enumerate(texts)
    ]
    event = SHOP.events["purchase"]
    found = {row["title"]: row for row in tagged(lines(engine, event, rows), event).collect()}
    assert [found[str(n)]["length_minutes"] for n in range(7)] == [600, -600, -600] + [None] * 4
    reasons = [found[str(n)]["reason"] for n in range(8)]
    assert reasons == [None] * 7 + ["price_missing"]
    assert found["5"]["repairs"] == "length_minutes_unreadable"
    assert found["0"]["purchased_at"] == datetime(2017, 5, 1, 10)


def test_spaces_around_an_id_are_none_of_it(engine: SparkSession) -> None:
    """Spaces around an id are removed; otherwise one customer would be two in each event."""
    times = {name: event.landing.names[1] for name, event in SHOP.events.items()}
    numbers = {"price": "1", "minutes": "1"}
    for name, event in SHOP.events.items():
        given = dict.fromkeys(event.landing.names) | {times[name]: "2017-05-01 10:00:00"}
        given |= {field: text for field, text in numbers.items() if field in event.landing.names}
        rows = [given | {"customer_id": text} for text in ("007", " 007", "007  ", "  ")]
        found = {row["raw_customer_id"]: row for row in tagged(lines(engine, event, rows), event).collect()}
        assert [found[text]["customer_id"] for text in found] == ["007", "007", "007", None], name
        assert [found[text]["reason"] for text in found] == [None, None, None, "customer_id_missing"], name
