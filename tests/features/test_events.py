"""Raw lines to typed events: valid texts of each type, the order of checks, and that no line is lost."""

from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.events import Event
from conf.load import load_service
from features.events import clean, is_unreadable, masked_addresses, rejected, tagged
from tests.support.frames import AS_OF, SHOP, Rows, before, collected, frame, lines

MUSIC = load_service("music")
PLAY, SEARCH = MUSIC.events["play"], MUSIC.events["search"]
GOOD = {
    "uid": "168551247",
    "device": "ar",
    "song_id": "11",
    "song_type": "0",
    "song_name": "晴天",
    "singer": "周杰伦",
    "play_time": "242",
    "song_length": "242",
    "paid_flag": "0",
}


def typed(spark: SparkSession, event: Event, row: dict[str, str | None]) -> dict[str, Any]:
    (found,) = tagged(lines(spark, event, [row]), event).collect()
    return found.asDict()


def visits(**more: Any) -> Event:
    """The shop's visits with other columns or checks."""
    return Event.model_validate(SHOP["events"]["visit"] | more)


def of_type(kind: str) -> Event:
    """An event with one field of text and one column of `kind` made of it."""
    return visits(
        landing={"files": "*", "fields": ["who", "value"], "customer": "who", "day": "name"},
        columns={
            "customer_id": {"type": "bigint", "sql": "who", "about": "Who"},
            "value": {"type": kind, "sql": "value", "about": "Value"},
        },
        measures={},
    )


def read_as(spark: SparkSession, kind: str, texts: list[str]) -> list[Any]:
    event = of_type(kind)
    rows = [{"who": str(number), "value": text} for number, text in enumerate(texts)]
    tags = tagged(lines(spark, event, rows), event)
    if kind == "timestamp":
        tags = tags.withColumn("value", F.col("value").cast("string"))
    found = collected(tags)
    for row in found.values():  # a value, or a count of its absence, or no text
        is_null = row["raw_value"].strip(" ").lower() in ("", "nan", "null")
        assert (row["value"] is None) == (row["repairs"] == "value_unreadable" or is_null)
        assert row["reason"] is None
    return [found[number]["value"] for number in range(len(texts))]


def compare(texts: dict[str, Any], found: list[Any]) -> None:
    pairs = zip_longest(texts.items(), found)
    wrong = {text: value for (text, expected), value in pairs if value != expected}
    assert not wrong


def test_a_good_line(engine: SparkSession) -> None:
    assert typed(engine, PLAY, GOOD) == {
        "customer_id": 168551247,
        "device": "ar",
        "song_id": 11,
        "song_type": 0,
        "song_name": "晴天",
        "singer": "周杰伦",
        "play_seconds": Decimal("242.000"),
        "song_seconds": Decimal("242.000"),
        "is_paid": False,
        "date": AS_OF,
        "reason": None,
        "repairs": None,
    } | {f"raw_{name}": text for name, text in GOOD.items()}


WHOLE = {
    "5": 5,
    "+5": 5,
    "-5": -5,
    " 5 ": 5,
    "0005": 5,
    "9223372036854775807": 2**63 - 1,
    "9223372036854775808": None,
    "99999999999999999999999": None,
    "5.0": None,
    "5.": None,
    "1e3": None,
    "5L": None,
    "0x10": None,
    "1,000": None,
    "٥": None,
    "５": None,
    "--5": None,
    "\x7f5": None,  # case 41
    "5\x7f": None,
    "17850.0": None,  # case 10: only by declaration
    "": None,
    "null": None,
}
DECIMALS = {
    "5": Decimal("5"),
    "+5": Decimal("5"),
    " 5.25 ": Decimal("5.25"),
    ".5": Decimal("0.5"),
    "5.": Decimal("5"),
    "1e3": Decimal("1000"),
    "2.5E-1": Decimal("0.25"),
    "1e-400": Decimal("0"),
    "0.0005": Decimal("0.001"),
    "-0.0005": Decimal("-0.001"),
    "999999999999": Decimal("999999999999"),
    "1490000000000": Decimal("1490000000000"),
    "1d": None,
    "1F": None,
    " 1d ": None,
    "0x1p3": None,
    "inf": None,
    "-Infinity": None,
    "NaN": None,
    "1e400": None,
    "1e15": None,  # 16 digits before the point, and the type has 15
    "99999999999999999999999": None,
    "1_000": None,
    "٥": None,
    "7>(203.0.113.7)TM": None,
    ".": None,
    # Case 13: commas, currencies, signs of accountants.
    **dict.fromkeys(
        ["9,90", "1.009,90", "$9.90", "9.90 \u20ac", "EUR 9.90", "(9.90)", "9.90-", "1\u00a0080", "1'080.00"]
    ),
    # Case 41: DEL in front of a number, behind it, within it.
    **dict.fromkeys(["\x7f5", "5\x7f", "1\x7f5"]),
    "e1": None,
    "": None,
}
TRUTHS = {
    **dict.fromkeys(["1", "true", "True", "T", "y", "YES", " 1 "], True),
    **dict.fromkeys(["0", "false", "FALSE", "f", "n", "No"], False),
    **dict.fromkeys(["2", "-1", "1.0", "on", "off", "tr", "ye", "fa", ""], None),
}
TIMES = {  # as text, since Python would show them by the clock of its machine
    "2017-03-30 10:11:12": "2017-03-30 10:11:12",
    "2017-03-30T10:11:12": "2017-03-30 10:11:12",
    " 2017-03-30 10:11:12 ": "2017-03-30 10:11:12",
    "2017-3-3 1:2:3": "2017-03-03 01:02:03",
    "2017-03-30 00:00:00": "2017-03-30 00:00:00",
    "2017-03-30 23:59:59.999999": "2017-03-30 23:59:59.999999",
    "2017-03-26 02:30:00": "2017-03-26 02:30:00",  # an hour that many clocks skipped
    "2017-03-30": "2017-03-30 00:00:00",
    "2017-03-30T10:11:12Z": "2017-03-30 10:11:12",
    "2017-03-30 10:11:12 UTC": "2017-03-30 10:11:12",
    "2017-03-30 10:11:12 Europe/Berlin": None,  # of another clock than the day of the line
    "2017-03-30 10:11:12 GMT+1": None,
    "2017-02-29 10:00:00": None,
    "2017-03-30 24:00:00": None,
    "2017-03-30 10:00:60": None,
    "2017/03/30 10:00:00": None,
    "20170330": None,
    "1490868000": None,
    "10:00:00": None,  # of which day?
    "T10:00:00": None,
    "2017": None,
    "now": None,
    "0000-00-00 00:00:00": None,
    "": None,
}
DATES = {
    "2017-03-30": date(2017, 3, 30),
    "2017-3-3": date(2017, 3, 3),
    " 2017-03-30 ": date(2017, 3, 30),
    "2017-03-30 10:11:12": date(2017, 3, 30),
    "2017-03-30T23:59:59": date(2017, 3, 30),
    "2016-02-29": date(2016, 2, 29),
    "2017-02-29": None,
    "2017-13-01": None,
    "2017-03": None,
    "2017-03-301": None,
    "today": None,
    "": None,
}


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("bigint", WHOLE),
        ("decimal(18,3)", DECIMALS),
        ("boolean", TRUTHS),
        ("timestamp", TIMES),
        ("date", DATES),
        ("int", {"2147483647": 2**31 - 1, "2147483648": None, "-2147483648": -(2**31), "-2147483649": None}),
        ("string", {"": None, " a ": " a ", "null": None}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_texts_as_each_type(engine: SparkSession, kind: str, texts: dict[str, Any]) -> None:
    compare(texts, read_as(engine, kind, list(texts)))


def test_a_field_without_text_is_missing_only_where_it_is_required(engine: SparkSession) -> None:
    assert typed(engine, PLAY, GOOD | {"uid": None})["reason"] == "customer_id_missing"
    assert typed(engine, PLAY, GOOD | {"singer": None})["reason"] is None


# Case 12: markers of a missing value, in several spellings, and texts that are like them and are none.
MARKERS = ["", "  ", "NULL", "null", r"\N", "NaN", " nan ", "None", "N/A", "n/a"]


def test_markers_are_no_value_and_no_customer(engine: SparkSession) -> None:
    rows = [GOOD | {"singer": marker, "song_length": marker, "paid_flag": marker} for marker in MARKERS]
    rows += [GOOD | {"uid": marker} for marker in MARKERS] + [GOOD | {"play_time": marker} for marker in MARKERS]
    rows += [GOOD | {"singer": name} for name in ("NA", "Nullpointer", "-", "none left")]
    found = tagged(lines(engine, PLAY, rows), PLAY).collect()
    kept = [row for row in found if row["reason"] is None]
    assert sorted(row["singer"] or "" for row in kept) == [""] * len(MARKERS) + ["-", "NA", "Nullpointer", "none left"]
    assert {row["repairs"] for row in kept} == {None}
    reasons = sorted(row["reason"] for row in found if row["reason"])
    assert reasons == ["customer_id_missing"] * len(MARKERS) + ["play_seconds_missing"] * len(MARKERS)


# Case 08: what a file may hold, and the customer whom it names; None is rejected.
CUSTOMERS = {
    **dict.fromkeys(["17850", "17850.0", "17850.", " 17850", "17850\u00a0", "\ufeff17850", "17850.000"], "17850"),
    **dict.fromkeys(["AB-1", "AB-1\u200b", "\u3000AB-1", "AB-1\u2028", "\u202aAB-1\u202c", "AB\xad-1"], "AB-1"),
    **dict.fromkeys(["a b", "a  b", "a\u00a0b", "a \u2009b"], "a b"),
    "00417": "00417",
    "417": "417",
    "417.0": "417",
    "ab-1": "ab-1",
    "caf\u00e9-1": "caf\u00e9-1",
    "9007199254740993": "9007199254740993",
    "17850.5": "17850.5",
    "9.007199254740992E+15": None,  # the last digits are lost
    "1.785e+4": None,
}


def test_one_spelling_of_a_customer(engine: SparkSession) -> None:
    event = load_service("audiobooks").events["visit"]
    rows: Rows = [{"customer_id": text, "visited_at": "2017-03-30 10:00:00"} for text in CUSTOMERS]
    found = tagged(lines(engine, event, rows), event).collect()
    assert {row["raw_customer_id"]: row["customer_id"] for row in found} == CUSTOMERS
    assert {row["raw_customer_id"] for row in found if row["reason"]} == {"9.007199254740992E+15", "1.785e+4"}


def test_address_in_a_number_rejects_the_line_and_is_masked(engine: SparkSession) -> None:
    leaked = GOOD | {"play_time": "7>(203.0.113.7)TM", "singer": "10.0.0.1 and 192.168.100.200"}
    (row,) = rejected(tagged(lines(engine, PLAY, [leaked]), PLAY), PLAY).collect()
    assert row.asDict() == leaked | {
        "date": AS_OF,
        "reason": "play_seconds_unreadable",
        "play_time": "7>(<address>)TM",
        "singer": "<address> and <address>",
    }


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("1.2.3.4", "<address>"),
        ("::ffff:203.0.113.7%eth0", "::ffff:<address>%eth0"),
        ("2017.03.30", "2017.03.30"),
        ("3.14", "3.14"),
        (None, None),
    ],
)
def test_masking(sail: SparkSession, text: str | None, masked: str | None) -> None:
    (row,) = frame(sail, [{"text": text}], {"text": "string"}).select(masked_addresses(F.col("text"))).collect()
    assert row[0] == masked


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"uid": "0"}, "no_customer"),
        ({"uid": "-7"}, "no_customer"),
        ({"play_time": "-0.001"}, "play_seconds_negative"),
        ({"play_time": "0"}, None),
        ({"play_time": "86400", "song_length": "10000"}, None),
        ({"play_time": "86400.001", "song_length": "10000"}, "play_seconds_over_a_day"),
        ({"play_time": "86400001", "song_length": "242"}, "play_seconds_over_a_day"),  # milliseconds or not
        ({"play_time": "1490000000000"}, "play_seconds_over_a_day"),
        ({"play_time": "much"}, "play_seconds_unreadable"),
        ({"play_time": "N/A"}, "play_seconds_missing"),
        ({"uid": " null\u200b"}, "customer_id_missing"),
        ({"uid": "1.6855E+8"}, "customer_id_unreadable"),  # the digits behind are lost
        ({"uid": "0", "play_time": "-5"}, "no_customer"),  # the first check names the reason
        ({"uid": "0", "play_time": "?"}, "play_seconds_unreadable"),  # typing comes before every check
        ({"uid": "?", "play_time": "?"}, "customer_id_unreadable"),
    ],
)
def test_why_a_play_is_rejected(sail: SparkSession, changed: dict[str, str], reason: str | None) -> None:
    """Case 26."""
    assert typed(sail, PLAY, GOOD | changed)["reason"] == reason


@pytest.mark.parametrize(
    ("changed", "repairs", "values"),
    [
        ({"play_time": "241070"}, "milliseconds", {"play_seconds": Decimal("241.070")}),
        ({"play_time": "500"}, None, {"play_seconds": Decimal("500")}),  # longer than the song, as 7 % are
        ({"song_id": "0"}, "song_unknown", {"song_id": None}),
        ({"song_id": "-1"}, "song_unknown", {"song_id": None}),
        ({"song_length": "0"}, "length_unknown", {"song_seconds": None, "play_seconds": Decimal("242")}),
        ({"song_length": "-1"}, "length_unknown", {"song_seconds": None}),
        ({"song_length": "2147483647"}, "length_unknown", {"song_seconds": None}),
        ({"song_length": "242000"}, "length_milliseconds", {"song_seconds": Decimal("242")}),
        ({"song_length": "10800000"}, "length_milliseconds", {"song_seconds": Decimal("10800")}),
        ({"song_length": "10800000.001"}, "length_unknown", {"song_seconds": None}),
        ({"song_length": "10800"}, None, {"song_seconds": Decimal("10800")}),
        (
            {"song_length": "200000", "play_time": "200000"},
            "length_milliseconds,milliseconds",
            {"song_seconds": Decimal("200"), "play_seconds": Decimal("200")},
        ),
        ({"song_length": "much"}, "song_seconds_unreadable", {"song_seconds": None, "play_seconds": Decimal("242")}),
        ({"song_length": r"\N", "singer": "None", "song_id": "n/a"}, None, {"song_seconds": None, "singer": None}),
        (
            {"song_type": "99999999999", "song_id": "x", "paid_flag": "2", "song_length": "0"},
            "song_id_unreadable,song_type_unreadable,is_paid_unreadable,length_unknown",
            {"song_type": None, "song_id": None, "is_paid": None},
        ),
        ({"uid": "\u00a0168551247.0 ", "song_id": "11.0"}, None, {"customer_id": 168551247, "song_id": 11}),
        ({"song_length": "-2147483648"}, "length_unknown", {"song_seconds": None}),
        (
            {"song_id": "-1", "song_length": "0", "play_time": "241070"},
            "song_unknown,length_unknown,milliseconds",
            {"song_id": None, "song_seconds": None, "play_seconds": Decimal("241.070")},
        ),
    ],
)
def test_how_a_play_is_repaired(
    engine: SparkSession, changed: dict[str, str], repairs: str | None, values: dict[str, Any]
) -> None:
    """Case 26."""
    row = typed(engine, PLAY, GOOD | changed)
    assert row["reason"] is None
    assert row["repairs"] == repairs
    assert {name: row[name] for name in values} == values


def test_search_of_another_day_than_its_archive(engine: SparkSession) -> None:
    day = {"date": date(2017, 3, 30), "uid": "7", "device": "ip", "search_query": "%e5%91%a8"}
    times = {
        "2017-03-30 00:00:00": None,
        "2017-03-30 23:59:59": None,
        "2017-03-29 23:59:59": "another_day",
        "2017-03-31 00:00:00": "another_day",
        "once": "searched_at_unreadable",
    }
    rows = tagged(lines(engine, SEARCH, [day | {"time_stamp": time} for time in times]), SEARCH)
    assert {row["raw_time_stamp"]: row["reason"] for row in rows.collect()} == times


def test_checks_see_what_earlier_repairs_made(sail: SparkSession) -> None:
    halve = {"then": "repair", "set": {"spent": "spent / 2"}, "about": "Halved"}
    checks = {
        "even": {"when": "spent > 10", **halve},
        "again": {"when": "spent > 10", **halve},
        "many": {"when": "spent > 10", "then": "reject", "about": "Too many"},
        "late": {"when": "spent = 5", **halve},
    }
    event = visits(checks=checks)
    rows = [{"who": who, "spent": spent} for who, spent in [("1", "8"), ("2", "20"), ("3", "40"), ("4", "44")]]
    found = collected(tagged(lines(sail, event, rows), event))
    outcome = {who: (row["spent"], row["repairs"], row["reason"]) for who, row in found.items()}
    assert outcome == {
        1: (8, None, None),
        2: (10, "even", None),
        3: (10, "even,again", None),
        4: (11, "even,again", "many"),
    }


def test_checks_on_null_are_not_met(engine: SparkSession) -> None:
    event = visits(checks={"poor": {"when": "spent < 1", "then": "reject", "about": "Poor"}})
    row = typed(engine, event, {"who": "1", "spent": None})
    assert (row["spent"], row["reason"]) == (None, None)


def test_duplicates_are_equal_texts_of_one_day(engine: SparkSession) -> None:
    rows: Rows = [{"who": "7", "spent": "5"}] * 3
    rows += [{"who": "7", "spent": "05"}]  # the same number, but another line
    rows += [{"who": "7", "spent": "5", "date": before(1)}]
    rows += [{"who": "7", "spent": None}] * 2
    found = clean(tagged(lines(engine, visits(), rows), visits()), visits()).collect()
    counted = sorted((row["date"], row["spent"] or 0, row["copies"]) for row in found)
    assert counted == [(before(1), 5, 1), (AS_OF, 0, 2), (AS_OF, 5, 1), (AS_OF, 5, 3)]


def test_duplicates_can_be_kept(sail: SparkSession) -> None:
    event = visits(duplicates="keep")
    found = clean(tagged(lines(sail, event, [{"who": "7", "spent": "5"}] * 3), event), event).collect()
    assert [row["copies"] for row in found] == [1, 1, 1]


def test_rejected_lines_keep_their_copies(sail: SparkSession) -> None:
    rows = tagged(lines(sail, visits(), [{"who": "x", "spent": "5"}] * 3), visits())
    assert rejected(rows, visits()).count() == 3
    assert clean(rows, visits()).count() == 0


@pytest.mark.parametrize(
    ("reason", "from_typing"),
    [("play_seconds_unreadable", True), ("customer_id_missing", True), ("no_customer", False), ("another_day", False)],
)
def test_reasons_from_typing(sail: SparkSession, reason: str, from_typing: bool) -> None:
    (row,) = frame(sail, [{"reason": reason}], {"reason": "string"}).select(is_unreadable(F.col("reason"))).collect()
    assert row[0] is from_typing


NASTY = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "+1",
    "1d",
    "1e3",
    "1e400",
    "NaN",
    "inf",
    "0x1p3",
    "9" * 23,
    "241070",
    "晴",
    "1.2.3.4",
]
anything = st.none() | st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["C", "Z"]), max_size=8)
any_line = st.fixed_dictionaries(
    dict.fromkeys(PLAY.landing.fields, anything) | {"uid": st.sampled_from(["1", "2", "02", "x"])}
)
many_lines = st.lists(st.one_of(any_line, st.just(GOOD)), min_size=1, max_size=30)


def places(spark: SparkSession, rows: Rows) -> tuple[int, int, int]:
    """The numbers of events, rejected lines and duplicates."""
    tags = tagged(lines(spark, PLAY, rows), PLAY)
    copies = [row["copies"] for row in clean(tags, PLAY).collect()]
    return len(copies), rejected(tags, PLAY).count(), sum(copies) - len(copies)


@settings(max_examples=8)
@given(rows=many_lines)
def test_every_line_ends_in_one_place(sail: SparkSession, rows: Rows) -> None:
    assert sum(places(sail, rows)) == len(rows)


@settings(max_examples=2)
@given(rows=st.lists(st.one_of(any_line, st.just(GOOD)), min_size=20, max_size=30))
def test_every_line_ends_in_one_place_on_spark(spark: SparkSession, rows: Rows) -> None:
    assert sum(places(spark, rows)) == len(rows)
