"""The feature table: features and labels of customers computed by hand, and tests that the outcome does not leak."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from math import sqrt
from statistics import mean, stdev
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from conf.load import load_service
from conf.schema import Service
from features.table import excluded_bots, feature_table
from features.windows import Moment, Window
from tests.support.frames import AS_OF, SHOP, Rows, about, before, collected, frame, shop, tiles

MUSIC = load_service("music")
CDNOW = load_service("cdnow")
MAY_1 = Moment.at(AS_OF, MUSIC.windows)
LOGS = Window(before(60), before(-30))  # long enough on either side
WINDOWS = (1, 3, 7, 14, 30)


def play(customer: int, day: date, seconds: int, song_seconds: int | None = 200, **more: Any) -> dict[str, Any]:
    lengths = {"play_seconds": Decimal(seconds), "song_seconds": song_seconds and Decimal(song_seconds)}
    return {"customer_id": customer, "date": day, "device": "ar", "song_id": 1, "is_paid": False} | lengths | more


def other(customer: int, day: date, **more: Any) -> dict[str, Any]:
    """A download or a search."""
    return {"customer_id": customer, "date": day, "device": "ar"} | more


def by_window(stem: str, values: list[Any]) -> dict[str, Any]:
    return {f"{stem}_last_{days}d": value for days, value in zip(WINDOWS, values, strict=True)}


def music_table(spark: SparkSession, **rows: Rows) -> dict[Any, dict[str, Any]]:
    return collected(feature_table(tiles(spark, MUSIC, rows), [MAY_1], LOGS, MUSIC))


NOTHING_PLAYED: dict[str, Any] = {
    **by_window("plays", [0] * 5),
    **by_window("plays_through", [0] * 5),
    **by_window("play_seconds", [0] * 5),
    **by_window("completion", [None] * 5),
    "days_since_last_play": None,
    "plays_acceleration_7d": None,
    "plays_acceleration_14d": None,
    "distinct_songs_last_7d": 0,
    "distinct_songs_last_30d": 0,
    "paid_play_share": None,
}


def test_a_listener_with_events_on_every_edge(engine: SparkSession) -> None:
    plays = [
        play(1, before(31), 1_000, 1_000, song_id=99),  # the day before the observation: too early
        play(1, before(30), 100, song_id=11, is_paid=True),  # its first day
        play(1, before(8), 40, song_id=12),  # one day outside the last seven
        play(1, before(7), 160, song_id=12),  # their first day; exactly 80 % of the song
        play(1, before(7), 240, song_id=13, is_paid=True, device="ip"),  # over its end: 200 heard
        play(1, before(1), 50, None, song_id=14),  # of unknown length
        play(1, AS_OF, 5_000, 5_000, song_id=15, is_paid=True, device="wp"),  # the outcome's alone
    ]
    searches = [other(1, before(3), device="mc")]
    downs = [other(1, before(14), device=None), other(1, before(15)), other(1, before(-13))]
    (row,) = music_table(engine, play=plays, down=downs, search=searches).values()
    # Active days, counted back from as_of: 30, 15, 14, 8, 7, 3, 1; gaps: 15, 1, 6, 1, 4, 2.
    assert row == about(
        {
            "customer_id": 1,
            "as_of": AS_OF,
            **by_window("plays", [1, 1, 3, 4, 5]),
            **by_window("downloads", [0, 0, 0, 1, 2]),
            **by_window("searches", [0, 1, 1, 1, 1]),
            **by_window("play_seconds", [50, 50, 450, 490, 590]),
            **by_window("plays_through", [0, 0, 2, 2, 2]),
            **by_window("active_days", [1, 2, 3, 5, 7]),
            **by_window("completion", [None, None, 360 / 400, 400 / 600, 500 / 800]),
            "days_since_last_play": 1,
            "days_since_last_download": 14,
            "days_since_last_search": 3,
            "days_since_last_event": 1,
            "days_since_first_event": 30,
            "plays_acceleration_7d": (3 / 7) / (5 / 30),
            "plays_acceleration_14d": (4 / 14) / (5 / 30),
            "active_days_acceleration_7d": (3 / 7) / (7 / 30),
            "active_days_acceleration_14d": (5 / 14) / (7 / 30),
            "gap_days_mean": 29 / 6,
            # Squares of the gaps sum to 225 + 1 + 36 + 1 + 16 + 4 = 283.
            "gap_days_deviation": sqrt((283 - 29 * 29 / 6) / 5),
            "distinct_songs_last_7d": 3,
            "distinct_songs_last_30d": 4,
            "paid_play_share": 2 / 5,
            "device": "ar",  # of the last active day
            "eligible": True,
            "label": 0,
            "label_status": "mature",
        }
    )


def test_a_customer_who_left_after_one_download(sail: SparkSession) -> None:
    downs = [other(2, before(1), device=None), other(2, before(-14))]  # comes back a day after the outcome
    (row,) = music_table(sail, down=downs).values()
    assert row == about(
        NOTHING_PLAYED
        | {
            "customer_id": 2,
            "as_of": AS_OF,
            **by_window("downloads", [1] * 5),
            **by_window("searches", [0] * 5),
            **by_window("active_days", [1] * 5),
            "days_since_last_download": 1,
            "days_since_last_search": None,
            "days_since_last_event": 1,
            "days_since_first_event": 1,
            "active_days_acceleration_7d": 30 / 7,
            "active_days_acceleration_14d": 30 / 14,
            "gap_days_mean": None,
            "gap_days_deviation": None,
            "device": None,
            "eligible": True,
            "label": 1,
            "label_status": "mature",
        }
    )


def test_two_days_have_a_mean_gap_but_no_deviation(sail: SparkSession) -> None:
    row = music_table(sail, search=[other(3, before(9)), other(3, before(5)), other(3, before(5))])[3]
    assert (row["gap_days_mean"], row["gap_days_deviation"]) == (4, None)
    row = music_table(sail, search=[other(3, before(days)) for days in (9, 7, 5)])[3]
    assert (row["gap_days_mean"], row["gap_days_deviation"]) == (2, 0)


@pytest.mark.parametrize(("day", "churn"), [(0, 0), (-13, 0), (-14, 1)])
def test_one_event_of_any_kind_in_the_outcome_is_no_churn(sail: SparkSession, day: int, churn: int) -> None:
    for kind in ("play", "down", "search"):
        seen = play(4, before(day), 9) if kind == "play" else other(4, before(day))
        rows = {"search": [other(4, before(2))]}
        rows[kind] = [*rows.get(kind, []), seen]
        assert music_table(sail, **rows)[4]["label"] == churn


def test_who_was_not_there_in_the_observation_is_not_in_the_table(sail: SparkSession) -> None:
    searches = [other(1, before(30)), other(2, before(31)), other(3, AS_OF), other(4, before(1))]
    assert music_table(sail, search=searches).keys() == {1, 4}


def test_a_bot_counts_from_the_day_after_its_mark(sail: SparkSession) -> None:
    a_day = 86_401
    marks = {1: before(1), 2: AS_OF, 3: before(45), 4: before(-20)}  # 3: before the observation begins
    plays = [play(customer, day, 50_000, song_id=song) for customer, day in marks.items() for song in (1, 2)]
    plays += [play(5, before(1), a_day - 1)]  # exactly a day is none
    plays += [play(customer, before(20), 100) for customer in (1, 2, 3, 4)]
    made = tiles(sail, MUSIC, {"play": plays})
    assert collected(feature_table(made, [MAY_1], LOGS, MUSIC)).keys() == {2, 4, 5}
    assert [row.asDict() for row in excluded_bots(made, [MAY_1]).collect()] == [{"as_of": AS_OF, "bots": 2}]


@pytest.mark.parametrize(("last_day", "status"), [(before(-13), "mature"), (before(-12), "immature")])
def test_a_label_is_null_until_the_logs_reach_its_end(sail: SparkSession, last_day: date, status: str) -> None:
    logs = Window(before(40), last_day + (AS_OF - before(1)))
    made = tiles(sail, MUSIC, {"search": [other(1, before(1)), other(2, before(1)), other(2, AS_OF)]})
    found = collected(feature_table(made, [MAY_1], logs, MUSIC))
    labels = {1: 1, 2: 0} if status == "mature" else {1: None, 2: None}
    assert {who: row["label"] for who, row in found.items()} == labels
    assert {row["label_status"] for row in found.values()} == {status}


def test_days_of_a_gap_decide_nothing(sail: SparkSession) -> None:
    service = shop(gap_days=2)  # as_of and the day after; the outcome is the two days behind them
    days = {1: 0, 2: -1, 3: -2, 4: -3, 5: -4}
    visits = [{"customer_id": who, "date": before(day), "spent": 1} for who, day in days.items()]
    visits += [{"customer_id": who, "date": before(1), "spent": 1} for who in days]
    moment = Moment.at(AS_OF, service.windows)
    found = collected(feature_table(tiles(sail, service, {"visit": visits}), [moment], LOGS, service))
    assert {who: row["label"] for who, row in found.items()} == {1: 0, 2: 0, 3: 1, 4: 1, 5: 0}
    assert {row["spent_10d"] for row in found.values()} == {1}


def test_a_day_without_what_the_label_asks_for_is_no_return(sail: SparkSession) -> None:
    service = shop()
    visits = [{"customer_id": who, "date": before(1), "spent": 1} for who in (1, 2)]
    visits += [{"customer_id": 1, "date": AS_OF, "spent": 0}, {"customer_id": 2, "date": AS_OF, "spent": 3}]
    moment = Moment.at(AS_OF, service.windows)
    found = collected(feature_table(tiles(sail, service, {"visit": visits}), [moment], LOGS, service))
    assert {who: row["label"] for who, row in found.items()} == {1: 0, 2: 1}


def test_eligible_is_as_declared_and_never_null(sail: SparkSession) -> None:
    service = shop().model_copy(update={"eligible": shop().eligible.model_copy(update={"when": "last_spending < 3"})})
    visits = [
        {"customer_id": who, "date": before(days), "spent": spent}
        for who, days, spent in [(1, 2, 5), (2, 3, 5), (3, 1, 0)]
    ]  # the third never spent: null < 3
    moment = Moment.at(AS_OF, service.windows)
    found = collected(feature_table(tiles(sail, service, {"visit": visits}), [moment], LOGS, service))
    assert {who: row["eligible"] for who, row in found.items()} == {1: True, 2: False, 3: False}


def gap_feature(sql: str, where: str, **more: Any) -> dict[str, Any]:
    return {"kind": "days", "unit": "days", "from_tiles": sql, "where": where, "null_means": "fewer than two"} | more


def test_gaps_of_a_condition_are_those_between_the_days_that_meet_it(engine: SparkSession) -> None:
    declared = {
        "longest": gap_feature("max(gap_days)", "spent > 0"),
        "squares": gap_feature("sum(`gap_days` * gap_days)", "spent > 0"),
        "longest_{days}d": gap_feature("max(gap_days)", "spent > 0", windows=[3, 4]),
        "other_gaps": gap_feature("sum(gap_days)", "spent > 1"),
        "first": gap_feature("max(age_days)", "spent > 0"),
        "last": gap_feature("min(age_days)", "spent > 0"),
        "long_breaks": gap_feature("count(gap_days)", "gap_days > 2 and spent > 0"),  # of any visits
    }
    service = Service.model_validate(SHOP | {"features": SHOP["features"] | declared})
    days = {1: {11: 5, 10: 1, 8: 0, 5: 2, 4: None, 1: 3, 0: 9}, 2: {9: 0, 3: 7, 2: 0}, 3: {10: 1, 1: 1}}
    visits = [
        {"customer_id": who, "date": before(day), "spent": spent}
        for who, by_day in days.items()
        for day, spent in by_day.items()
    ]
    moment = Moment.at(AS_OF, service.windows)
    found = collected(feature_table(tiles(engine, service, {"visit": visits}), [moment], LOGS, service))
    # Customer 1 spends 10, 5 and 1 days before as_of; the 11th is before the window, and as_of behind it.
    assert {who: tuple(row[name] for name in ("longest", "squares", "other_gaps")) for who, row in found.items()} == {
        1: (5, 41, 4),
        2: (None, None, None),
        3: (9, 81, None),
    }
    assert {who: (row["longest_3d"], row["longest_4d"]) for who, row in found.items()} == {
        1: (4, 4),
        2: (None, None),
        3: (9, 9),
    }
    assert {who: (row["first"], row["last"]) for who, row in found.items()} == {1: (10, 1), 2: (3, 3), 3: (10, 1)}
    # Days with spending more than two days after the visit before: 5 (after 8) and 1 (after 4); 3 (after 9); 1.
    assert {who: row["long_breaks"] for who, row in found.items()} == {1: 2, 2: 1, 3: 1}
    assert {who: row["longest_gap"] for who, row in found.items()} == {1: 3, 2: 6, 3: 9}


def test_a_cd_buyer(sail: SparkSession) -> None:
    """Customer 1 of CDNOW bought at 1997-01-01, 01-18, 08-02 and 12-12 (all that the real file has of customer 4)."""
    as_of = date(1998, 1, 1)
    bought = [
        (1, "1997-01-01", 2, "29.33"),
        (1, "1997-01-18", 2, "29.73"),
        (1, "1997-08-02", 1, "14.96"),
        (1, "1997-12-12", 2, "26.48"),
        (2, "1997-01-01", 1, "0"),
        (2, "1998-06-30", 1, "9.99"),
        (3, "1996-12-31", 1, "9.99"),
        (4, "1997-01-01", 1, "9.99"),
        (4, "1998-07-01", 1, "9.99"),
    ]
    rows = [
        {"customer_id": who, "date": date.fromisoformat(day), "cds": cds, "price_usd": Decimal(price)}
        for who, day, cds, price in bought
    ]
    moment = Moment.at(as_of, CDNOW.windows)
    logs = Window(date(1997, 1, 1), date(1998, 7, 1))
    found = collected(feature_table(tiles(sail, CDNOW, {"purchase": rows}), [moment], logs, CDNOW))
    assert {who: row["label"] for who, row in found.items()} == {1: 0, 2: 1, 4: 0}  # 06-30 is the 181st day
    # 1997-12-12 is 20 days before as_of, 08-02 is 152, 01-18 is 348 and 01-01 is 365; gaps: 17, 196, 132.
    assert found[1] == about(
        {
            "customer_id": 1,
            "as_of": as_of,
            "purchases_last_30d": 1,
            "purchases_last_90d": 1,
            "purchases_last_180d": 2,
            "purchases_last_365d": 4,
            "cds_last_30d": 2,
            "cds_last_90d": 2,
            "cds_last_180d": 3,
            "cds_last_365d": 7,
            "price_usd_last_30d": 26.48,
            "price_usd_last_90d": 26.48,
            "price_usd_last_180d": 41.44,
            "price_usd_last_365d": 100.50,
            "purchase_days": 4,
            "price_usd_per_purchase": 25.125,
            "days_since_last_purchase": 20,
            "days_since_first_purchase": 365,
            "gap_days_mean": 115,
            "gap_days_deviation": sqrt((98**2 + 81**2 + 17**2) / 2),
            "recency_over_gap": 20 / 115,
            "eligible": True,
            "label": 0,
            "label_status": "mature",
        }
    )


def test_a_trend_is_the_last_days_over_as_many_before_them(sail: SparkSession) -> None:
    use = {"purchase": {"presets": ["recency", "trend"], "windows": [30, 183]}}
    service = Service.model_validate(CDNOW.model_dump(exclude={"features", "alive", "eligible"}) | {"use": use})
    days = {1: [1, 30, 30, 31, 60, 61], 2: [31, 60], 3: [1, 61, 365], 4: [1, 60]}
    bought = [
        {"customer_id": who, "date": before(day), "cds": 1, "price_usd": Decimal(1)}
        for who, ages in days.items()
        for day in ages
    ]
    moment = Moment.at(AS_OF, service.windows)
    made = tiles(sail, service, {"purchase": bought})
    found = collected(feature_table(made, [moment], Window(before(400), before(-200)), service))
    assert {who: row["purchases_trend_30d"] for who, row in found.items()} == {1: 3 / 2, 2: 0, 3: None, 4: 1}
    assert "purchases_trend_183d" not in found[1]  # the 183 days before do not fit into the 365


# --- against another implementation, in plain Python

Tile = tuple[int, date, int, bool]  # customer, day, coins, whether marked a bot
some_tiles = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=4),
        st.integers(min_value=-6, max_value=16).map(before),
        st.integers(min_value=0, max_value=9),
        st.sampled_from([False] * 9 + [True]),
    ),
    min_size=10,
    max_size=60,
    unique_by=lambda tile: tile[:2],
)
TILE_TYPES = {"customer_id": "bigint", "date": "date", "events": "bigint", "spent": "bigint", "is_bot": "boolean"}


def shop_tiles(spark: SparkSession, rows: list[Tile]) -> DataFrame:
    named = [{"customer_id": c, "date": d, "events": 1, "spent": s, "is_bot": b} for c, d, s, b in rows]
    return frame(spark, named, TILE_TYPES)


def expected(rows: list[Tile], moments: list[Moment], logs: Window) -> Iterator[dict[str, Any]]:
    """The shop's table, a customer at a time."""
    for moment in moments:
        for customer in {row[0] for row in rows}:
            mine = sorted((moment.as_of - day).days for who, day, _, _ in rows if who == customer)
            ages = [age for age in mine if 1 <= age <= moment.observation_days]
            coins = {(moment.as_of - day).days: spent for who, day, spent, _ in rows if who == customer}
            marks = [(moment.as_of - day).days for who, day, _, is_bot in rows if who == customer and is_bot]
            if not ages or any(age > 0 for age in marks):
                continue
            later = range(-moment.gap_days, -moment.gap_days - moment.outcome_days, -1)
            is_mature = (logs.end - moment.as_of).days >= moment.gap_days + moment.outcome_days
            last_spending = [age for age in ages if coins[age] > 0]
            gaps = [older - newer for newer, older in zip(ages, ages[1:], strict=False)]
            yield {
                "customer_id": customer,
                "as_of": moment.as_of,
                **{f"days_{days}d": sum(age <= days for age in ages) for days in (1, 3, 10)},
                **{f"spent_{days}d": sum(coins[age] for age in ages if age <= days) for days in (1, 3, 10)},
                "last_spending": min(last_spending, default=None),
                "longest_gap": max(gaps, default=None),
                "eligible": any(age <= 3 for age in ages),
                "label": int(any(coins.get(age, 0) > 0 for age in later)) if is_mature else None,
                "label_status": "mature" if is_mature else "immature",
            }


def check_against_python(spark: SparkSession, rows: list[Tile], offsets: set[int], gap_days: int) -> None:
    service = shop(gap_days=gap_days)
    moments = [Moment.at(before(days), service.windows) for days in sorted(offsets)]
    logs = Window(before(17), before(-3))
    table = feature_table(shop_tiles(spark, rows), moments, logs, service)
    keyed = {(row["customer_id"], row["as_of"]): row for row in expected(rows, moments, logs)}
    assert collected(table, ["customer_id", "as_of"]) == keyed


several = st.sets(st.integers(min_value=-2, max_value=10), min_size=1, max_size=4)


@settings(max_examples=15)
@given(rows=some_tiles, offsets=several, gap_days=st.integers(min_value=0, max_value=2))
def test_several_moments_in_one_pass(sail: SparkSession, rows: list[Tile], offsets: set[int], gap_days: int) -> None:
    check_against_python(sail, rows, offsets, gap_days)


@settings(max_examples=2)
@given(rows=some_tiles, offsets=several, gap_days=st.integers(min_value=0, max_value=2))
def test_several_moments_on_spark(spark: SparkSession, rows: list[Tile], offsets: set[int], gap_days: int) -> None:
    check_against_python(spark, rows, offsets, gap_days)


active_ages = st.sets(st.integers(min_value=1, max_value=30), min_size=3, max_size=30)


@settings(max_examples=5)
@given(customers=st.lists(active_ages, min_size=5, max_size=20))
def test_gaps_are_those_of_the_statistics_module(sail: SparkSession, customers: list[set[int]]) -> None:
    rows = [other(who, before(age)) for who, ages in enumerate(customers) for age in ages]
    found = music_table(sail, search=rows)
    for who, ages in enumerate(customers):
        days = sorted(ages)
        gaps = [older - newer for newer, older in zip(days, days[1:], strict=False)]
        assert found[who]["gap_days_mean"] == pytest.approx(mean(gaps), rel=1e-12)
        assert found[who]["gap_days_deviation"] == pytest.approx(stdev(gaps), rel=1e-9, abs=1e-12)


# --- leakage

OUTCOME = ("label", "label_status")


def peeking() -> Service:
    """Music with features that would change if they had access to later days."""
    peek = {"kind": "count", "unit": "days", "about": "A trap", "windows": [], "fill": 0, "alias": None}
    trap = MUSIC.features["active_days_last_{days}d"].model_copy(update=peek)
    traps = {
        "newest_day": trap.model_copy(update={"from_tiles": "max(datediff(date, date '2017-01-01'))"}),
        "youngest": trap.model_copy(update={"from_tiles": "min(age_days)"}),
        "everything": trap.model_copy(update={"from_tiles": "sum(events)"}),
    }
    return MUSIC.model_copy(update={"features": MUSIC.features | traps})


def without_outcome(table: DataFrame) -> dict[Any, dict[str, Any]]:
    return collected(table.drop(*OUTCOME))


def test_whatever_happens_from_as_of_on_changes_no_feature(sail: SparkSession) -> None:
    past = {
        "play": [play(who, before(3 * age), 37 * age, song_id=age) for who in range(1, 6) for age in range(1, who + 4)],
        "down": [other(who, before(who)) for who in range(1, 6)],
    }
    wild = [play(who, before(-age), 80_000, song_id=7, device="wp") for who in range(1, 9) for age in (0, 0, 1, 9, 40)]
    calm = feature_table(tiles(sail, MUSIC, past), [MAY_1], LOGS, peeking())
    stormy = feature_table(tiles(sail, MUSIC, past | {"play": past["play"] + wild}), [MAY_1], LOGS, peeking())
    assert without_outcome(calm) == without_outcome(stormy)
    seen = {who: (row["newest_day"], row["youngest"], row["everything"]) for who, row in collected(calm).items()}
    assert seen == {1: (119, 1, 5), 2: (118, 2, 6), 3: (117, 3, 7), 4: (117, 3, 8), 5: (117, 3, 9)}
    assert {row["label"] for row in calm.collect()} == {1}
    assert {row["label"] for row in stormy.collect()} == {0}
