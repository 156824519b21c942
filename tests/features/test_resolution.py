"""The SQL of a service, resolved on empty frames: what an engine refuses, and what only one of them would."""

import copy

import pytest
from pyspark.sql import SparkSession

from conf.errors import UsageError
from conf.load import load_service
from conf.schema import Service
from features.resolution import resolve
from tests.support.frames import SHOP, Change, put

DERIVED = {"kind": "amount", "unit": "coins", "about": "x", "null_means": "none"}
INTERACTIONS = {
    "sources": {
        "visit": {
            "title": "spent",
            "name": "'x'",
            "measures": {"visits": {"sql": "count(*)", "about": "x"}, "coins": {"sql": "sum(spent)", "about": "x"}},
        }
    },
    "strength": "visits",
}
TARGETING = {
    "currency": "EUR",
    "cost_of_contact": 1.0,
    "value_of_customer": "spent_10d",
    "value_about": "what was spent",
    "kept_share": 0.1,
}


def service(change: Change) -> Service:
    """The shop with interactions and targeting, and with a change."""
    declared = copy.deepcopy(SHOP | {"interactions": INTERACTIONS, "targeting": TARGETING})
    change(declared)
    return Service.model_validate(declared)


@pytest.mark.parametrize("name", ["music", "audiobooks", "cdnow", "audiobooks_table"])
def test_services_of_encore_resolve(sail: SparkSession, name: str) -> None:
    resolve(sail, load_service(name))


def test_a_service_resolves_on_both_engines(engine: SparkSession) -> None:
    resolve(engine, service(lambda _: None))
    resolve(engine, load_service("audiobooks_table"))


@pytest.mark.parametrize("strength", ["visits", "coins", "visits + coins", "case when coins > 3 then 1 else 0 end"])
def test_a_strength_may_be_one_measure_alone(sail: SparkSession, strength: str) -> None:
    """Sail refused two sums of one name, that of the measure and that of the strength."""
    resolve(sail, service(put("interactions/strength", strength)))
    resolve(sail, service(lambda shop: shop["interactions"].update(strength=strength, half_life_days=7)))


REPAIR = {"when": "spent < 0", "then": "repair", "set": {"spent": "year(spent)"}, "about": ""}
SAME = ("arguments of a label", "second of two features", "number as condition", "day and number")  # on Spark
MISTAKES: dict[str, tuple[Change, str]] = {
    # an argument too many, or too few
    "arguments of a column": (put("events/visit/columns/spent/sql", "substring(spent)"), "events.visit.columns.s"),
    "arguments of a label": (put("label/when", "length(spent, 3) > 1"), "label.when"),
    "arguments of a measure": (
        put("events/visit/measures/x", {"sql": "sum(length(spent, 1))", "about": "x"}),
        "events.visit.measures.x.sql",
    ),
    # arguments of a wrong type
    "day of a number": (put("features/days_{days}d/from_tiles", "sum(year(spent))"), "features.days_{days}d.fr"),
    "truth and number": (put("eligible/when", "(spent_1d > 0) > 3"), "eligible.when"),
    "feature": (put("features/x", DERIVED | {"from_features": "year(spent_1d)"}), "features.x.from_features"),
    "second of two features": (
        lambda shop: shop["features"].update(
            x=DERIVED | {"from_features": "spent_1d + 1"}, y_=DERIVED | {"from_features": "x and x"}
        ),
        "features.y_.from_features",
    ),
    "where of a feature": (put("features/last_spending/where", "spent and true"), "features.last_spending.where"),
    "repair": (
        put("events/visit/checks", {"c": REPAIR}),
        "events.visit.checks.c.set.spent",
    ),
    # values of other types than the key needs
    "number as condition": (put("label/when", "spent"), "label.when: 'spent' is of type bigint; give a condition"),
    "number as check": (
        put("events/visit/checks", {"c": {"when": "spent + 1", "then": "reject", "about": ""}}),
        "events.visit.checks.c.when: 'spent + 1' is of type int; give a condition",
    ),
    "text as condition": (put("bots/when", "'yes'"), "bots.when: \"'yes'\" is of type string; give a condition"),
    "truth as strength": (put("interactions/strength", "coins > 1"), "interactions.strength: 'coins > 1' is of"),
    "truth as value": (put("targeting/value_of_customer", "spent_10d > 1"), "targeting.value_of_customer: 'spent"),
    # comparisons of values of other types, which each engine converts in its own way
    "number and text": (put("label/when", "spent = 'abc'"), "label.when: \"spent = 'abc'\" compares spent"),
    "text in a list": (put("label/when", "spent in (1, 'a')"), "label.when: \"spent in (1, 'a')\" compares spent"),
    "text between": (put("bots/when", "events between '1' and 3"), "bots.when: \"events between '1' and 3\" compares"),
    "day and number": (put("bots/when", "date > 5"), "bots.when: 'date > 5' compares date, which is of type"),
    "day that is none": (put("bots/when", "date < '2017-13-x'"), "bots.when: \"date < '2017-13-x'\" compares date"),
    "raw text and number": (
        put("events/visit/columns/spent/sql", "case when spent > 3 then spent end"),
        "events.visit.columns.spent.sql: 'case when spent > 3 then spent end' compares spent, which is of type string",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_an_engine_cannot_resolve_is_named_by_its_key(sail: SparkSession, mistake: str) -> None:
    assert_refused(sail, mistake)


@pytest.mark.parametrize("mistake", SAME)
def test_spark_refuses_the_same(spark: SparkSession, mistake: str) -> None:
    assert_refused(spark, mistake)


def assert_refused(engine: SparkSession, mistake: str) -> None:
    """The engine refuses a mistake in one line that begins with its key."""
    change, begins = MISTAKES[mistake]
    with pytest.raises(UsageError) as caught:
        resolve(engine, service(change))
    assert str(caught.value).startswith(begins) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "when",
    ["spent > 1.5", "date >= '2017-04-01'", "date > date '2017-04-01'", "events in (1, 2)", "null", "spent = null"],
)
def test_comparisons_that_are_sound(sail: SparkSession, when: str) -> None:
    resolve(sail, service(put("label/when", when)))
