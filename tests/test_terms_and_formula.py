"""Features as terms of a linear model, and the fitted formula beside MLlib's own transform."""

import json
from math import log1p
from typing import Any

import pytest
from conftest import SMALL
from given import AS_OF, Rows, about, frame
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.declared import NamedFeature
from jobs.engine import engine as started
from models.logistic import FittedTerm, Formula, fit_logistic, formula_of
from models.terms import linear_terms


def feature(name: str, kind: str, may_be_null: bool = False, levels: tuple[str, ...] = ()) -> NamedFeature:
    fill, null_means = (None, "nothing seen") if may_be_null else (0, "")
    return NamedFeature(
        name=name, about=name, unit="one", kind=kind, days=30, from_tiles="count(*)", where=None, from_features=None,
        fill=fill, null_means=null_means, alias="", levels=levels, internal=False,
    )  # fmt: skip


VISITS, SHARE = feature("visits", "count"), feature("share", "share")
AGE = feature("age", "days", may_be_null=True)
DEVICE = feature("device", "category", may_be_null=True, levels=("ar", "ip"))
TYPES = {"visits": "bigint", "share": "double", "age": "double", "device": "string"}


def values(spark: SparkSession, declared: NamedFeature, row: dict[str, Any]) -> dict[str, Any]:
    """The terms of one feature for one customer."""
    terms = [F.expr(term.sql).alias(term.name) for term in linear_terms([declared])]
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


def customers(count: int = 400) -> Rows:
    """Whose label follows visits, and whose other features are null now and then."""
    return [
        {
            "customer_id": n,
            "as_of": AS_OF,
            "visits": n % 13,
            "share": (n % 7) / 7,
            "age": None if n % 5 == 0 else float(n % 29),
            "device": ("ar", "ip", "wp", None)[n % 4],
            "constant": 3,
            "label": int((n % 13) + 3 * ((n * 31) % 11) / 11 > 8),
        }
        for n in range(count)
    ]


ALL = [VISITS, SHARE, AGE, DEVICE, feature("constant", "count")]


def table(spark: SparkSession, rows: Rows) -> DataFrame:
    keys = {"customer_id": "bigint", "as_of": "date", "constant": "bigint", "label": "int"}
    return frame(spark, rows, keys | TYPES)


def probabilities(scored: DataFrame) -> dict[int, float]:
    return {row["customer_id"]: row["p"] for row in scored.select("customer_id", "p").collect()}


def test_formula_is_what_mllib_computes(spark: SparkSession) -> None:
    """Nulls, a constant column, levels never seen in training: on both engines as in MLlib."""
    train, others = customers(), customers(440)[400:]
    others[3] |= {"visits": 10**9, "device": "mc", "age": None}
    terms = linear_terms(ALL)
    model = fit_logistic(table(spark, train), terms)
    formula = formula_of(model, terms)
    transformed = model.transform(table(spark, others))
    mllib = probabilities(transformed.withColumn("p", vector_to_array("probability")[1]))
    assert len(mllib) == 40 and max(mllib.values()) > 0.9 and min(mllib.values()) < 0.1
    assert probabilities(table(spark, others).withColumn("p", formula.probability())) == pytest.approx(mllib, abs=1e-12)
    with started("sail", SMALL) as sail:
        scored = table(sail, others).withColumn("p", formula.probability())
        assert probabilities(scored) == pytest.approx(mllib, abs=1e-12)
    again = Formula.from_json(json.loads(json.dumps(formula.to_json())) | {"terms": formula.to_json()["terms"]})
    assert again == formula


def test_what_decides_weighs_most(spark: SparkSession) -> None:
    terms = linear_terms(ALL)
    formula = formula_of(fit_logistic(table(spark, customers()), terms), terms)
    weights = {term.name: term.weight for term in formula.terms}
    assert max(weights, key=lambda name: abs(weights[name])) == "visits" and weights["visits"] > 0
    assert weights["constant"] == 0


def test_a_feature_that_is_null_for_everyone_does_no_harm(spark: SparkSession) -> None:
    """As days since the last download, where nobody downloads."""
    rows = [row | {"age": None} for row in customers(100)]
    terms = linear_terms([VISITS, AGE])
    formula = formula_of(fit_logistic(table(spark, rows), terms), terms)
    found = probabilities(table(spark, rows).withColumn("p", formula.probability()))
    assert all(0 < p < 1 for p in found.values())


def test_formula_by_hand(sail: SparkSession) -> None:
    terms = (
        FittedTerm("share", "share", "share", None, mean=0.5, deviation=0.25, weight=2.0),
        FittedTerm("age", "age", "age", fill=7.0, mean=5.0, deviation=4.0, weight=-1.0),
        FittedTerm("visits", "visits", "visits", None, mean=3.0, deviation=0.0, weight=9.0),  # never varied
    )
    probability = Formula(intercept=0.5, terms=terms).probability()
    rows: Rows = [{"share": 0.75, "age": 1.0, "visits": 3}, {"share": 0.5, "age": None, "visits": 99}]
    found = [row["p"] for row in frame(sail, rows, TYPES).select(probability.alias("p")).collect()]
    # 0.5 + 1 * 2 + -1 * -1 = 3.5, and 0.5 + 0 + (7 - 5) / 4 * -1 = 0.
    assert found == pytest.approx([0.970687769248644, 0.5], rel=1e-12)
