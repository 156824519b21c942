"""The contract of the feature table: a valid table keeps every promise, and each broken one is named and counted."""

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.schema import Service
from features.contract import broken_promises
from tests.support.frames import AS_OF, SHOP, Rows, before, frame

SHARE = {"kind": "share", "unit": "share", "about": "x", "from_features": "spent_1d / spent_10d", "null_means": "none"}
SERVICE = Service.model_validate(SHOP | {"features": SHOP["features"] | {"share": SHARE}})
TYPES = {
    "customer_id": "bigint",
    **{f"{name}_{days}d": "bigint" for name in ("days", "spent") for days in (1, 3, 10)},
    **dict.fromkeys(["last_spending", "longest_gap", "share"], "double"),
    "eligible": "boolean",
    "label": "int",
    "label_status": "string",
    "as_of": "date",
}
SOUND: dict[str, Any] = {
    "customer_id": 7,
    **{name: 1 for name, kind in TYPES.items() if kind == "bigint" and name != "customer_id"},
    "last_spending": 1.0,
    "longest_gap": None,
    "share": 0.5,
    "eligible": True,
    "label": 0,
    "label_status": "mature",
    "as_of": AS_OF,
}


def table(spark: SparkSession, *changes: dict[str, Any]) -> DataFrame:
    """Valid rows of different customers, each with a change."""
    rows: Rows = [SOUND | {"customer_id": number} | change for number, change in enumerate(changes)]
    return frame(spark, rows, TYPES)


def test_a_sound_table_breaks_nothing(engine: SparkSession) -> None:
    immature = {"label": None, "label_status": "immature"}
    edges = {"share": 1.0, "last_spending": 0.0}
    another_day = {"customer_id": 0, "as_of": before(1)}
    assert broken_promises(table(engine, {}, immature, edges, another_day), SERVICE) == {}


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        ({"label": None}, "label without status mature, or status mature without label"),
        ({"label_status": "immature"}, "label without status mature, or status mature without label"),
        ({"customer_id": None}, "customer_id is null"),
        ({"spent_3d": None}, "spent_3d is null"),
        ({"spent_3d": -1}, "spent_3d is below 0"),
        ({"last_spending": -0.5}, "last_spending is below 0"),
        ({"share": 1.0001}, "share is above 1"),
        ({"customer_id": 0}, "customer occurs more than once at an as-of date"),
    ],
)
def test_each_broken_promise_is_counted(sail: SparkSession, change: dict[str, Any], promise: str) -> None:
    assert broken_promises(table(sail, {}, change), SERVICE) == {promise: 1}


def test_what_is_no_finite_number_is_met(engine: SparkSession) -> None:
    odd = [{"longest_gap": float(value)} for value in ("nan", "inf", "-inf")]
    finite: list[dict[str, Any]] = [{"longest_gap": 1.7e308}, {"longest_gap": 0.0}, {"longest_gap": None}]
    broken = broken_promises(table(engine, *odd, *finite), SERVICE)
    assert broken == {"longest_gap is not a finite number": 3, "longest_gap is below 0": 1}


def test_several_broken_promises_stand_side_by_side(sail: SparkSession) -> None:
    broken = broken_promises(table(sail, {"spent_3d": -1}, {"spent_3d": -2, "share": 2.0}), SERVICE)
    assert broken == {"spent_3d is below 0": 2, "share is above 1": 1}


def test_columns_are_those_declared(sail: SparkSession) -> None:
    sound = table(sail, {})
    assert list(broken_promises(sound.drop("share"), SERVICE)) == ["columns differ from the declaration: share"]
    odd = broken_promises(sound.withColumnRenamed("share", "part"), SERVICE)
    assert list(odd) == ["columns differ from the declaration: part, share"]


def test_a_column_of_another_type_is_named(sail: SparkSession) -> None:
    wrong = table(sail, {}).withColumn("spent_3d", F.col("spent_3d").cast("double"))
    assert broken_promises(wrong, SERVICE) == {"spent_3d is of type double, not bigint,": 1}
