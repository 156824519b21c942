"""Interactions of customers and titles computed by hand: days, names, windows, decay, bots."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from conf.schema import Service
from features.events import clean, tagged
from features.interactions import best_names, dictionary_rows, interactions, title_days, title_names, without_bots
from features.windows import Window
from tests.support.frames import SHOP, Rows, before, collected, events, lines, tiles

AS_OF = before(0)
TITLES: dict[str, Any] = {
    "sources": {
        "visit": {
            "title": "book",
            "name": "label",
            "where": "spent <> 99",
            "measures": {
                "visits": {"sql": "count(*)", "about": "Visits"},
                "spent": {"sql": "sum(spent)", "about": "Coins"},
                "most": {"sql": "max(spent)", "about": "Most coins at once"},
            },
        },
        "gift": {
            "title": "title",
            "name": "upper(title)",
            "measures": {"gifts": {"sql": "count(*)", "about": "Gifts"}},
        },
    },
    "columns": {"share": {"sql": "spent / nullif(visits, 0)", "about": "Coins a visit"}},
    "strength": "spent + 10 * gifts",
    "half_life_days": 2,
    "history_days": 4,
}


def described(**changes: Any) -> dict[str, Any]:
    """The small shop, with books to visit and to be given."""
    shop = deepcopy(SHOP)
    visit, gift = shop["events"]["visit"], deepcopy(shop["events"]["visit"])
    visit["columns"]["book"] = {"type": "string", "sql": "who", "is_id": True, "about": "Which book"}
    visit["columns"]["label"] = {"type": "string", "sql": "who", "about": "Its name"}
    gift["columns"]["title"] = {"type": "string", "sql": "who", "is_id": True, "about": "Which book"}
    shop["events"]["gift"] = gift | {"measures": {"gifts_of_day": {"sql": "count(*)", "about": "Gifts"}}}
    return shop | {"interactions": TITLES | changes}


SERVICE = Service.model_validate(described())
DECLARED = SERVICE.interactions
assert DECLARED is not None
WINDOW = Window(before(4), AS_OF)


def visit(day: date, spent: int | None = 1, customer: int = 1, book: str | None = "a", label: str | None = None) -> Any:
    return {"customer_id": customer, "date": day, "spent": spent, "book": book, "label": label}


def gift(day: date, customer: int = 1, title: str | None = "a") -> Any:
    return {"customer_id": customer, "date": day, "title": title}


def days(spark: SparkSession, visits: Rows, gifts: Rows = []) -> DataFrame:  # noqa: B006 (nobody changes it)
    assert DECLARED is not None
    return title_days(events(spark, SERVICE, {"visit": visits, "gift": gifts}), DECLARED)


def merged(spark: SparkSession, visits: Rows, gifts: Rows = [], window: Window = WINDOW) -> dict[Any, dict[str, Any]]:  # noqa: B006
    assert DECLARED is not None
    return collected(interactions(days(spark, visits, gifts), DECLARED, window), ("customer_id", "title"))


def test_a_day_has_one_row_per_customer_and_title(engine: SparkSession) -> None:
    visits = [visit(before(1), 3), visit(before(1), 4), visit(before(1), 5, book="b"), visit(before(2), 6)]
    found = collected(days(engine, visits, [gift(before(1))]), ("title", "date"))
    assert set(found) == {("a", before(1)), ("b", before(1)), ("a", before(2))}
    assert found["a", before(1)] == {
        "customer_id": 1, "title": "a", "date": before(1), "visits": 2, "spent": 7, "most": 4, "gifts": 1,
    }  # fmt: skip
    assert found["a", before(2)]["gifts"] == 0


def test_a_gift_alone_has_sums_of_nothing_and_no_most(engine: SparkSession) -> None:
    (row,) = days(engine, [], [gift(before(1))]).collect()
    assert (row["visits"], row["spent"], row["most"], row["gifts"]) == (0, 0, None, 1)


def test_what_has_no_title_or_does_not_count_is_out(engine: SparkSession) -> None:
    visits = [visit(before(1), book=None), visit(before(1), 99), visit(before(1), None, book="c")]
    assert days(engine, visits, [gift(before(1), title=None)]).collect() == []


def test_the_window_ends_before_as_of_and_begins_with_its_first_day(engine: SparkSession) -> None:
    visits = [
        visit(day, 1, book=name)
        for name, day in {"as_of": AS_OF, "last": before(1), "first": before(4), "out": before(5)}.items()
    ]
    assert {title for _, title in merged(engine, visits)} == {"last", "first"}


def test_an_interaction_is_the_sum_of_its_days(engine: SparkSession) -> None:
    found = merged(engine, [visit(before(3), 2), visit(before(3), 2), visit(before(1), 5)], [gift(before(2))])[1, "a"]
    assert (found["visits"], found["spent"], found["most"], found["gifts"]) == (3, 9, 5, 1)
    assert (found["days"], found["first_date"], found["last_date"]) == (3, before(3), before(1))
    assert found["share"] == 3
    # 4 coins three days before as_of, a gift two days before it, 5 coins the day before; half is gone in two days.
    assert found["strength"] == pytest.approx(4 * 0.5**1.5 + 10 * 0.5 + 5 * 0.5**0.5)


def test_what_takes_back_can_leave_nothing_liked(engine: SparkSession) -> None:
    assert merged(engine, [visit(before(1), -3)])[1, "a"]["strength"] < 0


def test_nothing_in_the_window_gives_no_rows(engine: SparkSession) -> None:
    assert merged(engine, [visit(AS_OF)]) == {}


def test_without_a_half_life_a_day_counts_as_much_as_another(engine: SparkSession) -> None:
    declared = Service.model_validate(described(half_life_days=None)).interactions
    assert declared is not None
    rows = interactions(days(engine, [visit(before(4), 2), visit(before(1), 2)]), declared, WINDOW)
    assert [row["strength"] for row in rows.collect()] == [4.0]


def test_who_was_a_bot_before_as_of_is_out_and_who_becomes_one_later_is_not(engine: SparkSession) -> None:
    visits = [visit(before(1), customer=number) for number in (1, 2, 3)]
    crowd = [visit(before(9), customer=1)] * 4 + [visit(AS_OF, customer=2)] * 4  # more than three visits in a day
    pairs = interactions(days(engine, visits), DECLARED, WINDOW)  # type: ignore[arg-type]
    left = without_bots(pairs, tiles(engine, SERVICE, {"visit": visits + crowd}), WINDOW)
    assert {row["customer_id"] for row in left.collect()} == {2, 3}


def test_every_column_is_explained_from_its_declaration(sail: SparkSession) -> None:
    rows = interactions(days(sail, [visit(before(1))]), DECLARED, WINDOW)  # type: ignore[arg-type]
    told = dict(dictionary_rows(DECLARED))  # type: ignore[arg-type]
    assert list(told) == rows.columns
    assert (told["gifts"], told["share"]) == ("Gifts", "Coins a visit")
    assert "spent + 10 * gifts, with a half-life of 2 days" in told["strength"]


def test_a_title_goes_by_the_name_it_has_most_often_and_by_the_first_of_equal_ones(engine: SparkSession) -> None:
    labels = ["Anna", "Bert", "Bert"]
    visits = [visit(before(n), label=label) for n, label in enumerate(labels, 1)]
    visits += [visit(before(1), book="b", label=label) for label in ("Zoe", "Yan")]
    visits += [visit(before(1), book="c", label=label) for label in (None, "")]
    names = title_names(events(engine, SERVICE, {"visit": visits, "gift": [gift(before(1), title="d")]}), DECLARED)  # type: ignore[arg-type]
    found = {title: row["name"] for title, row in collected(best_names(names), ["title"]).items()}
    assert found == {"a": "Bert", "b": "Yan", "d": "D"}


def test_a_name_counts_by_its_events_and_not_by_its_days(sail: SparkSession) -> None:
    """Three visits on one day under one name are more than two days with one visit under another."""
    visits = [visit(before(1), label="Anna")] * 3 + [visit(before(day), label="Bert") for day in (2, 3)]
    names = title_names(events(sail, SERVICE, {"visit": visits}), DECLARED)  # type: ignore[arg-type]
    assert [row["name"] for row in best_names(names).collect()] == ["Anna"]


@settings(max_examples=10)
@examples(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(-3, 9), st.integers(1, 2), st.sampled_from("ab")),
        min_size=1,
        max_size=12,
    )
)
def test_merging_days_made_apart_is_merging_all(sail: SparkSession, rows: list[tuple[int, int, int, str]]) -> None:
    """Days that are aggregated one by one give the same interactions as all days at once."""
    visits = [visit(before(age), spent, customer, book) for age, spent, customer, book in rows]
    whole = days(sail, visits)
    parts = [days(sail, [one for one in visits if one["date"] == day]) for day in {one["date"] for one in visits}]
    apart = parts[0]
    for part in parts[1:]:
        apart = apart.unionByName(part)
    key = ("customer_id", "title", "date")
    assert collected(apart, key) == collected(whole, key)
    by_hand: dict[tuple[int, str], float] = {}
    for age, spent, customer, book in rows:
        if age <= 4:
            by_hand[customer, book] = by_hand.get((customer, book), 0.0) + spent * 0.5 ** (age / 2)
    found = collected(interactions(apart, DECLARED, WINDOW), ("customer_id", "title"))  # type: ignore[arg-type]
    assert {pair: row["strength"] for pair, row in found.items()} == pytest.approx(by_hand)


def test_a_title_of_text_is_an_id_without_being_told(sail: SparkSession) -> None:
    """Cases 25 and 44: spellings of one title, and texts that name none."""
    shop = described()
    del shop["events"]["visit"]["columns"]["book"]["is_id"]
    event = Service.model_validate(shop).events["visit"]
    assert [name for name in event.columns if event.is_id(name)] == ["customer_id", "book"]
    names = [
        "Noir",
        " Noir",
        "Noir\u00a0",
        "\u200bNoir",
        "Le  Noir",
        "Le\u3000Noir",
        "",
        "   ",
        "\u00a0",
        "nan",
        "NULL",
        "N/A",
    ]
    shop["events"]["visit"]["landing"]["fields"] = ["who", "spent", "book"]
    shop["events"]["visit"]["columns"]["book"]["sql"] = "book"
    event = Service.model_validate(shop).events["visit"]
    rows: Rows = [{"who": "1", "spent": str(n), "book": name} for n, name in enumerate(names)]
    found = {row["spent"]: row["book"] for row in clean(tagged(lines(sail, event, rows), event), event).collect()}
    assert [found[n] for n in range(len(names))] == ["Noir"] * 4 + ["Le Noir"] * 2 + [None] * 6


VISIT, GIFT = TITLES["sources"]["visit"], TITLES["sources"]["gift"]


def of_visits(**changes: Any) -> dict[str, Any]:
    return {"sources": {"visit": VISIT | changes}}


def measured(name: str, aggregate: str) -> dict[str, Any]:
    return of_visits(measures={name: {"sql": aggregate, "about": "x"}})


def column(name: str) -> dict[str, Any]:
    return {"columns": {name: {"sql": "visits", "about": "x"}}}


TWO_TYPES = {"sources": {"visit": VISIT | {"title": "spent"}, "gift": GIFT}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sources": {"sale": VISIT}}, "sources.sale: there is no such event; there are: gift, visit"),
        (of_visits(title="isbn"), "title: 'isbn' cannot identify titles; choose one of book, label, spent"),
        (of_visits(title="customer_id"), "title: 'customer_id' cannot identify titles"),
        (of_visits(where="price > 0"), "unknown column 'price'"),
        (of_visits(name="isbn"), "unknown column 'isbn'"),
        ({"strength": "sum(spent)"}, "interactions.strength: 'sum(spent)' must be an expression over one row"),
        ({"strength": "stars"}, "interactions.strength: unknown column 'stars'"),
        (column("spent"), "interactions.columns.spent: this name is taken; choose another"),
        (column("days"), "interactions.columns.days: this name is taken"),
        (TWO_TYPES, "interactions.sources: the titles have different types (int, string); declare columns of one type"),
        (measured("strength", "count(*)"), "sources.visit.measures.strength: this name is reserved; choose another"),
        (
            measured("s", "hll_sketch_agg(book, 12)"),
            "sources.visit.measures.s: a sketch cannot be a measure of a title; remove it",
        ),
        ({"history_days": 0}, "greater than 0"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as refused:
        Service.model_validate(described(**change))
    assert words in str(refused.value)
