"""Features as terms of a model, worked out by hand."""

from math import log1p
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.declared import NamedFeature
from models.fitting.encoding import terms_of
from tests.support.customers import AGE, DEVICE, SHARE, TYPES, VISITS
from tests.support.frames import about, frame


def values(spark: SparkSession, declared: NamedFeature, row: dict[str, Any]) -> dict[str, Any]:
    """The terms of one feature for one customer."""
    terms = [F.expr(term.sql).alias(term.name) for term in terms_of([declared])]
    (found,) = frame(spark, [row], TYPES).select(*terms).collect()
    return found.asDict()


@pytest.mark.parametrize(
    ("declared", "row", "expected"),
    [
        (VISITS, {"visits": 7}, {"visits": log1p(7)}),
        (VISITS, {"visits": 0}, {"visits": 0}),
        (VISITS, {"visits": -3}, {"visits": -log1p(3)}),  # of an amount, say
        (SHARE, {"share": 0.25}, {"share": 0.25}),  # already between 0 and 1
        (AGE, {"age": 4.5}, {"age": log1p(4.5), "age_is_missing": 0}),
        (AGE, {"age": None}, {"age": None, "age_is_missing": 1}),
        (DEVICE, {"device": "ip"}, {"device_is_ar": 0, "device_is_ip": 1}),
        (DEVICE, {"device": "wp"}, {"device_is_ar": 0, "device_is_ip": 0}),
        (DEVICE, {"device": None}, {"device_is_ar": 0, "device_is_ip": 0}),
    ],
)
def test_terms_by_hand(engine: SparkSession, declared: NamedFeature, row: dict[str, Any], expected: Any) -> None:
    assert values(engine, declared, row) == about(expected)
