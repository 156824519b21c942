"""Events to daily tiles, computed by hand, and that parts of a day merge to the whole day."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.load import load_service
from tests.support.frames import AS_OF, Rows, before, collected, shop, tiles

MUSIC = load_service("music")
DAY = date(2017, 4, 30)
GRAIN = ("customer_id", "date")


def play(customer: int, seconds: object, song_seconds: object = None, **more: Any) -> dict[str, Any]:
    lengths = {"play_seconds": Decimal(str(seconds)), "song_seconds": song_seconds and Decimal(str(song_seconds))}
    return {"customer_id": customer, "date": DAY} | lengths | more


def music_tiles(spark: SparkSession, **rows: Rows) -> dict[Any, dict[str, Any]]:
    """The tiles of music, with the estimate of distinct songs instead of the sketch."""
    made = tiles(spark, MUSIC, rows)
    return collected(made.withColumn("songs_sketch", F.hll_sketch_estimate("songs_sketch")))


def test_a_customer_with_every_kind_of_event(engine: SparkSession) -> None:
    plays = [
        play(7, 160, 200, song_id=1, device="ar", is_paid=True),  # exactly 80 %: heard through
        play(7, "159.999", 200, song_id=1, device="ar", is_paid=False),
        play(7, 300, 200, song_id=2, device="ip"),  # longer than the song counts as the song
        play(7, 50, None, song_id=None, is_paid=True),
    ]
    downs = [{"customer_id": 7, "date": DAY, "device": "mc"}] * 2
    searches = [{"customer_id": 7, "date": DAY, "device": None}]
    assert music_tiles(engine, play=plays, down=downs, search=searches) == {
        7: {
            "customer_id": 7,
            "date": DAY,
            "events": 7,
            "device": "mc",  # the last in the alphabet of ar, ip, mc
            "plays": 4,
            "plays_through": 2,
            "paid_plays": 2,
            "play_seconds": Decimal("669.999"),
            "heard_seconds": Decimal("519.999"),  # 160 + 159.999 + 200
            "song_seconds": Decimal("600"),
            "songs_sketch": 2,
            "downloads": 2,
            "searches": 1,
            "is_bot": False,
        }
    }


def test_a_customer_who_only_searched(sail: SparkSession) -> None:
    searches = [{"customer_id": 7, "date": DAY}]
    assert music_tiles(sail, search=searches)[7] == {
        "customer_id": 7,
        "date": DAY,
        "events": 1,
        "device": None,
        "plays": 0,
        "plays_through": 0,
        "paid_plays": 0,
        "play_seconds": 0,
        "heard_seconds": 0,
        "song_seconds": 0,
        "songs_sketch": None,
        "downloads": 0,
        "searches": 1,
        "is_bot": False,
    }


def test_one_row_per_customer_and_day(sail: SparkSession) -> None:
    rows = [(7, AS_OF), (7, before(1)), (7, AS_OF), (8, AS_OF)]
    visits = [{"customer_id": customer, "date": day, "spent": 5} for customer, day in rows]
    found = collected(tiles(sail, shop(), {"visit": visits}), GRAIN)
    spent = {key: (row["events"], row["spent"]) for key, row in found.items()}
    assert spent == {(7, AS_OF): (2, 10), (7, before(1)): (1, 5), (8, AS_OF): (1, 5)}


def test_no_event_gives_no_tile(engine: SparkSession) -> None:
    assert tiles(engine, MUSIC, {}).count() == 0


def test_a_sum_over_nulls_is_nothing(sail: SparkSession) -> None:
    (row,) = tiles(sail, shop(), {"visit": [{"customer_id": 7, "date": DAY}]}).collect()
    assert (row["events"], row["spent"]) == (1, 0)


def test_over_a_day_of_play_is_a_bot(engine: SparkSession) -> None:
    plays = [play(7, 43_200, song_id=1), play(7, 43_200, song_id=2)]  # exactly 24 hours: hard to do, but no bot
    plays += [play(8, 43_200, song_id=1), play(8, "43200.001", song_id=2)]
    assert {who: row["is_bot"] for who, row in music_tiles(engine, play=plays).items()} == {7: False, 8: True}


@pytest.mark.parametrize(("searches", "is_bot"), [(5_000, False), (5_001, True)])
def test_events_beyond_the_limit_of_a_day_are_a_bots(sail: SparkSession, searches: int, is_bot: bool) -> None:
    rows = [{"customer_id": 7, "date": DAY}] * (searches - 1)
    down = [{"customer_id": 7, "date": DAY}]  # events of all kinds count together
    assert music_tiles(sail, search=rows, down=down)[7]["is_bot"] is is_bot


def test_a_service_without_bots_marks_nobody(sail: SparkSession) -> None:
    without = shop().model_copy(update={"bots": None})
    visits = [{"customer_id": 7, "date": DAY}] * 9
    assert [row["is_bot"] for row in tiles(sail, without, {"visit": visits}).collect()] == [False]


customers = st.integers(min_value=1, max_value=3)
seconds = st.decimals(min_value=0, max_value=500, places=3)
devices = st.sampled_from(["ar", "ip", None])
a_play = st.builds(
    play,
    customers,
    seconds,
    st.none() | seconds,
    song_id=st.none() | st.integers(min_value=1, max_value=30),
    device=devices,
    is_paid=st.sampled_from([True, False, None]),
)
a_search = st.fixed_dictionaries({"customer_id": customers, "date": st.just(DAY), "device": devices})
half_a_day = st.fixed_dictionaries({"play": st.lists(a_play, max_size=12), "search": st.lists(a_search, max_size=6)})


def merged(parts: DataFrame) -> DataFrame:
    """Tiles of parts of a day, merged as each measure says; the number of events is a sum."""
    measures = [F.expr(f"{measure.merged_by}({name})").alias(name) for name, measure in MUSIC.measures.items()]
    return parts.groupBy(*GRAIN).agg(F.sum("events").alias("events"), *measures)


def estimated(table: DataFrame) -> dict[Any, dict[str, Any]]:
    """Rows by customer and day; an empty sketch and none are the same number of songs."""
    shown = table.withColumn("songs_sketch", F.coalesce(F.hll_sketch_estimate("songs_sketch"), F.lit(0)))
    return collected(shown.select(*GRAIN, "events", *MUSIC.measures), GRAIN)


def check_halves(spark: SparkSession, morning: dict[str, Rows], evening: dict[str, Rows]) -> None:
    whole = {name: [*morning[name], *evening[name]] for name in morning}
    parts = tiles(spark, MUSIC, morning).unionByName(tiles(spark, MUSIC, evening))
    assert estimated(merged(parts)) == estimated(tiles(spark, MUSIC, whole))


@settings(max_examples=8)
@given(morning=half_a_day, evening=half_a_day)
def test_halves_of_a_day_merge_to_the_whole(sail: SparkSession, morning: Any, evening: Any) -> None:
    check_halves(sail, morning, evening)


@settings(max_examples=1)
@given(morning=half_a_day, evening=half_a_day)
def test_halves_of_a_day_merge_to_the_whole_on_spark(spark: SparkSession, morning: Any, evening: Any) -> None:
    check_halves(spark, morning, evening)
