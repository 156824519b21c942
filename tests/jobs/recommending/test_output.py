"""What is recommended: titles for everybody who was here, and customers for titles."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.context import Context
from tests.support.archives import table
from tests.support.recommending import AS_OF, lists, music_context, recommended, rows_of, titles_of


def test_every_list_is_whole_and_nothing_seen_is_on_it(done: Context) -> None:
    seen = {(row["customer_id"], row["title"]) for row in rows_of(done.data.interactions)}
    found = lists(titles_of(done))
    for customer, rows in found.items():
        assert [row["rank"] for row in rows] == list(range(1, 11))
        assert len({row["title_id"] for row in rows}) == 10
        assert not {(customer, row["title_id"]) for row in rows} & seen
        scores = [row["score"] for row in rows if row["source"] == "history"]
        assert scores == sorted(scores, reverse=True)


def test_everybody_who_was_here_has_a_list_and_nobody_else(done: Context) -> None:
    """Those who searched only have no history; bots and uid 0 are nobody."""
    tiles = rows_of(done.data.daily)
    bots = {row["customer_id"] for row in tiles if row["is_bot"]}
    here = {row["customer_id"] for row in tiles} - bots
    known = {row["customer_id"] for row in rows_of(done.data.interactions) if row["strength"] > 0}
    found = lists(titles_of(done))
    assert bots and set(found) == here
    without = {customer for customer, rows in found.items() if all(row["source"] == "popular" for row in rows)}
    assert without == here - known and without
    assert not known & bots
    record = done.data.titles_for_customers.records()[str(AS_OF)]
    assert (record.customers, record.without_history) == (len(here), len(without))


def test_without_a_history_the_titles_are_those_most_liked_of_late(done: Context) -> None:
    likers: dict[int, set[int]] = {}
    bots = {row["customer_id"] for row in rows_of(done.data.daily) if row["is_bot"]}
    for row in rows_of(done.data.title_days):
        is_liked = row["plays_through"] + row["downloads"] > 0 and row["customer_id"] not in bots
        if is_liked and str(row["date"]) >= "2017-04-22":
            likers.setdefault(row["title"], set()).add(row["customer_id"])
    most = sorted((len(customers) for customers in likers.values()), reverse=True)[:10]
    found = lists(titles_of(done))
    popular = next(
        rows for rows in found.values() if all(row["source"] == "popular" and row["score"] is None for row in rows)
    )
    assert [len(likers[row["title_id"]]) for row in popular] == most


def test_titles_have_the_name_they_had_most_often(done: Context) -> None:
    names: dict[int, dict[str, int]] = {}
    for row in rows_of(done.data.title_names):
        of_title = names.setdefault(row["title"], {})
        of_title[row["name"]] = of_title.get(row["name"], 0) + row["events"]
    for row in titles_of(done):
        assert names[row["title_id"]][row["name"]] == max(names[row["title_id"]].values())


def test_for_a_title_those_customers_whose_score_of_it_is_highest(done: Context) -> None:
    """Whoever is told of a title is on its own list, or scores it no higher than the last who is."""
    found = lists(rows_of(done.data.customers_for_titles), "title_id")
    for rows in found.values():
        scores = [row["score"] for row in rows]
        assert scores == sorted(scores, reverse=True) and [row["rank"] for row in rows] == list(range(1, 11))
    is_listed = 0
    for row in titles_of(done):
        if row["source"] == "history":
            best = {one["customer_id"]: one["score"] for one in found[row["title_id"]]}
            if row["customer_id"] in best:
                assert row["score"] == pytest.approx(best[row["customer_id"]], rel=1e-5)
                is_listed += 1
            else:
                assert row["score"] <= min(best.values()) + 1e-6
    assert is_listed > 50


def test_what_is_told_of_the_lists_is_what_stands_on_them(done: Context) -> None:
    """What the report shows: titles by the lists they stand on, and customers with what they liked most."""
    record, rows = done.data.titles_for_customers.records()[str(AS_OF)], titles_of(done)
    counts = Counter(row["title_id"] for row in rows)
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:20]
    assert [(one.title_id, one.customers) for one in record.most_recommended] == most
    assert record.titles == len(counts)
    names = {row["title_id"]: row["name"] for row in table(done.data.recommender / "titles")}
    liked: dict[Any, list[tuple[float, Any]]] = {}
    for row in rows_of(done.data.interactions):
        if row["strength"] > 0:
            liked.setdefault(row["customer_id"], []).append((row["strength"], row["title"]))
    found = lists(rows)
    assert len(record.examples) == 5
    for one in record.examples:
        history = sorted(liked[one.customer_id], reverse=True)
        assert one.history_titles == len(history)
        eighth = history[7][0] * (1 + 1e-6)  # equally strong ones may stand in any order
        assert {names[title] for strength, title in history if strength > eighth} <= set(one.history)
        assert one.history[0] in {names[title] for strength, title in history if strength * (1 + 1e-6) > history[0][0]}
        assert len(one.history) == 8
        assert one.recommended == [row["name"] for row in found[one.customer_id]][:8]


def test_seen_titles_may_be_told_again(copy: Path, sail: SparkSession) -> None:
    context = music_context(copy, exclude_seen=False)
    recommended(context, sail, model="item-item")
    seen = {(row["customer_id"], row["title"]) for row in rows_of(context.data.interactions)}
    assert {(row["customer_id"], row["title_id"]) for row in titles_of(context)} & seen
