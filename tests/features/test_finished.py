"""Rows of a finished table: types, swapped labels, filled values, rules, and the feature table computed from them."""

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.finished import FinishedTable, TableColumn
from conf.schema import Service
from features.finished import (
    BrokenRule,
    Fill,
    broken_rules,
    feature_rows,
    fills,
    swapped_back,
    swapped_pairs,
    typed,
    unfilled,
    unlabelled,
)
from tests.support.finished_table import NAMES, row, service
from tests.support.frames import AS_OF, Rows, about, collected, frame

SERVICE = service()


def table_of(one: Service = SERVICE) -> FinishedTable:
    assert one.table
    return one.table


def given(spark: SparkSession, *rows: dict[str, Any], table: FinishedTable | None = None) -> DataFrame:
    """Typed rows of a file with these cells."""
    return typed(frame(spark, list(rows), dict.fromkeys(NAMES, "string")), table or table_of())


def rated(customer: int, rating: str | None, was_rated: int = 0) -> dict[str, Any]:
    return row(str(customer), rated=str(was_rated), stars=rating)


def test_texts_become_what_is_declared(engine: SparkSession) -> None:
    texts = ["12", " 3 ", "1.0", "1.00 ", "-4", "1.5", "1e2", "x", "", "nan", None, "9223372036854775807"]
    rows: Rows = [row(f"{number:03}", minutes=text, heard=text) for number, text in enumerate(texts)]
    found = collected(given(engine, *rows))
    whole = [12, 3, 1, 1, -4, None, None, None, None, None, None, 2**63 - 1]
    number = ["12", "3", "1", "1", "-4", "1.5", "100", None, None, None, None, None]
    assert [found[f"{n:03}"]["minutes"] for n in range(len(texts))] == whole
    assert [found[f"{n:03}"]["heard"] for n in range(len(texts))] == [
        Decimal(text) if text else None for text in number
    ]
    assert found["007"]["raw_heard"] == "x"
    assert found["007"]["mean"] == Decimal(10)


def test_spaces_around_a_text_are_none_of_it(engine: SparkSession) -> None:
    """Otherwise a customer could occur twice, and a blank text would be an id."""
    rows = given(engine, row("7"), row(" 7 "), row("  ", again=" "))
    assert sorted(str(one["customer_id"]) for one in rows.collect()) == ["7", "7", "None"]
    assert broken_rules(rows, table_of()) == [
        BrokenRule("customer_id is empty", 1, None),
        BrokenRule("customer_id occurs more than once", 2, "7"),
    ]


@pytest.mark.parametrize(
    ("prices", "swapped"),
    [
        ([("3", "2"), ("2", "2")], {("mean", "total"): 1}),
        ([("3", "2"), ("4", "1"), ("1", "")], {("mean", "total"): 2}),
        ([("3", "2"), ("2", "3")], {}),
        ([("2", "2")], {}),
        ([("1", "2")], {}),
    ],
)
def test_labels_are_swapped_where_the_order_is_never_kept_and_once_broken(
    sail: SparkSession, prices: list[tuple[str, str]], swapped: dict[Any, int]
) -> None:
    rows = [row(str(number), mean=mean, total=total) for number, (mean, total) in enumerate(prices)]
    assert swapped_pairs(given(sail, *rows), table_of()) == swapped


def test_each_pair_is_looked_at_by_itself(sail: SparkSession) -> None:
    table = table_of(service(ordered=[["mean", "total"], ["heard", "minutes"]]))
    rows = given(sail, row(mean="1", total="2", heard="9", minutes="8"), table=table)
    assert swapped_pairs(rows, table) == {("heard", "minutes"): 1}
    assert swapped_pairs(rows, table_of(service(ordered=[]))) == {}


def test_swapped_columns_change_places(sail: SparkSession) -> None:
    rows = given(sail, row(mean="3", total="2"))
    [found] = swapped_back(rows, [("mean", "total")]).collect()
    assert (found["mean"], found["total"], found["heard"]) == (2, 3, 30)
    [same] = swapped_back(rows, []).collect()
    assert (same["mean"], same["total"]) == (3, 2)


@pytest.mark.parametrize(
    ("ratings", "fill"),
    [
        ([*"333", "5"], ("3", 3, 4)),
        ([*"33", "4", "5"], None),  # a half is not most
        ([*"333", None, None], ("3", 3, 5)),
        ([None, None, "3"], None),  # most have none, as it should be
        (["3"], ("3", 1, 1)),
        ([], None),
    ],
)
def test_a_fill_is_what_most_share_who_have_no_value(
    sail: SparkSession, ratings: list[str | None], fill: tuple[str, int, int] | None
) -> None:
    rows = [rated(number, rating) for number, rating in enumerate(ratings)]
    others = [rated(90, "4", 1), rated(91, "4", 1), rated(92, "3", 1)]
    found = fills(given(sail, *rows, *others), table_of())
    assert found == ({"stars": Fill(Decimal(fill[0]), *fill[1:])} if fill else {})


def test_what_most_others_have_too_is_no_fill(sail: SparkSession) -> None:
    """If most customers give five stars, five stars were not filled in."""
    few = [rated(1, "5"), rated(2, "5"), rated(3, "2")]
    assert fills(given(sail, *few, rated(8, "5", 1), rated(9, "4", 1)), table_of()) == {}
    assert fills(given(sail, *few, rated(8, None, 1)), table_of()) == {"stars": Fill(Decimal(5), 2, 3)}


def test_a_fill_becomes_null_only_where_there_is_no_value(sail: SparkSession) -> None:
    rows = given(
        sail, rated(1, "3"), rated(2, "3"), rated(3, "4"), rated(4, "3", 1), rated(5, "4", 1), rated(6, "4", 1)
    )
    emptied = unfilled(rows, table_of(), fills(rows, table_of()))
    stars = {customer: found["stars"] for customer, found in collected(emptied).items()}
    assert stars == {"1": None, "2": None, "3": 4, "4": 3, "5": 4, "6": 4}
    assert broken_rules(emptied, table_of()) == []


def test_sound_rows_break_nothing(engine: SparkSession) -> None:
    """Each bound, the order and the identity at their edges."""
    edges = [
        row("1", mean="0.5", total="0.5", rated="0", stars="1", again="0"),
        row("2", stars="5", minutes="20", heard="30"),
        row("3", stars=None, again=None),
        row("03"),
    ]
    assert broken_rules(given(engine, *edges), table_of()) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"minutes": "4x"}, "minutes cannot be read as a whole number"),
        ({"heard": "4,5"}, "heard cannot be read as a number"),
        ({"minutes": None}, "minutes is empty"),
        ({"mean": "0.49"}, "mean is below 0.5"),
        ({"rated": "-1"}, "rated is below 0"),
        ({"rated": "2"}, "rated is above 1"),
        ({"stars": "5.01"}, "stars is above 5"),
        ({"mean": "20.01"}, "mean is above total"),
        (
            {"heard": "60.01"},
            "the identity heard_is_on_it (Nobody hears much more: heard <= 1.5 * minutes) does not hold",
        ),
        ({"customer_id": "1"}, "customer_id occurs more than once"),
    ],
)
def test_each_rule_is_counted_with_one_of_its_customers(sail: SparkSession, change: dict[str, Any], rule: str) -> None:
    rows = given(sail, row("1"), row("3"), row("4") | change)
    rows_of, customer = (2, "1") if "customer_id" in change else (1, "4")
    assert broken_rules(rows, table_of()) == [BrokenRule(rule, rows_of, customer)]


def test_rows_without_a_customer_are_empty_and_not_repeated(sail: SparkSession) -> None:
    rows = given(sail, row() | {"customer_id": None}, row() | {"customer_id": None})
    assert broken_rules(rows, table_of()) == [BrokenRule("customer_id is empty", 2, None)]


def test_broken_rules_come_in_the_order_to_fix_them(sail: SparkSession) -> None:
    """Types, missing values, ranges, identities, order, and customers who occur twice."""
    changes: Rows = [
        {"mean": "30"}, {"heard": "99"}, {"rated": "7"}, {"total": None}, {"heard": "x"}, {"heard": "y"},
    ]  # fmt: skip
    rows = [row(str(number), **change) for number, change in enumerate(changes)]
    found = broken_rules(given(sail, *rows, row("5")), table_of())
    assert [(one.rule.split(" (")[0], one.rows, one.customer) for one in found] == [
        ("heard cannot be read as a number", 2, "4"),
        ("total is empty", 1, "3"),
        ("rated is above 1", 1, "2"),
        ("the identity heard_is_on_it", 1, "1"),
        ("mean is above total", 1, "0"),
        ("customer_id occurs more than once", 2, "5"),
    ]


def test_outcomes_that_are_not_known_are_counted(sail: SparkSession) -> None:
    assert unlabelled(given(sail, row("1", again=None), row("2"), row("3", again=None)), SERVICE) == 2
    assert unlabelled(given(sail, row("1")), SERVICE) == 0


def test_a_row_becomes_one_of_the_feature_table(engine: SparkSession) -> None:
    rows = given(engine, row("007"), row("8", mean="3", total="10", stars=None, heard="50", again="0"))
    table = feature_rows(rows, SERVICE, AS_OF, is_mature=True)
    features = {"price": 20.0, "records": 2.0, "stars": 4.5, "heard": 0.75}
    seven = {"customer_id": "007", "as_of": AS_OF, **features, "eligible": True, "label": 1, "label_status": "mature"}
    other = {"price": 10.0, "records": 10 / 3, "stars": None, "heard": 1.0, "eligible": False, "label": 0}
    assert collected(table) == {"007": seven, "8": about(seven | other | {"customer_id": "8"})}
    assert dict(table.dtypes)["stars"] == "double"
    [immature, _] = feature_rows(rows, SERVICE, AS_OF, is_mature=False).orderBy("customer_id").collect()
    assert (immature["label"], immature["label_status"], immature["price"]) == (None, "immature", 20.0)


def test_a_label_may_say_who_stays_away(sail: SparkSession) -> None:
    absent = SERVICE.model_copy(update={"label": SERVICE.label.model_copy(update={"one_if": "absent"})})
    table = collected(feature_rows(given(sail, row("1"), row("2", again="0")), absent, AS_OF, is_mature=True))
    assert {customer: found["label"] for customer, found in table.items()} == {"1": 0, "2": 1}


def test_a_label_reads_the_column_and_not_the_feature_of_its_name(sail: SparkSession) -> None:
    again = SERVICE.features["price"].model_copy(update={"from_features": "1 - again"})
    named = SERVICE.model_copy(update={"features": SERVICE.features | {"again": again}})
    [found] = feature_rows(given(sail, row(again="0")), named, AS_OF, is_mature=True).collect()
    assert (found["again"], found["label"]) == (1.0, 0)


def test_a_column_of_another_type_says_which(sail: SparkSession) -> None:
    table = table_of()
    dated = table.model_copy(update={"columns": table.columns | {"heard": TableColumn(type="date")}, "identities": {}})
    rows = given(sail, row("1", heard="2017-04-30"), row("2", heard="soon"), table=dated)
    assert broken_rules(rows, dated) == [BrokenRule("heard cannot be read as a date", 1, "2")]
