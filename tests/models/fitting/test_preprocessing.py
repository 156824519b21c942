"""The matrix that models are fitted on, worked out by hand."""

from math import log1p

import pytest
from pyspark.sql import SparkSession

from models.fitting.preprocessing import fit_preprocessing
from tests.support.customers import AGE, ALL, CONSTANT, DEVICE, VISITS, customers, table

SEEN = [
    {"customer_id": 1, "visits": 0, "age": 3.0, "device": "ar", "label": 0},
    {"customer_id": 2, "visits": 4, "age": None, "device": "ip", "label": 1},
    {"customer_id": 3, "visits": 1, "age": 8.0, "device": None, "label": 0},
]
MEAN_AGE = (log1p(3) + log1p(8)) / 2  # of the logarithms, since these are what is imputed


def test_null_is_the_mean_of_the_training_rows_with_an_indicator(spark: SparkSession) -> None:
    preprocessing = fit_preprocessing(table(spark, SEEN), [VISITS, AGE, DEVICE])
    assert [one.name for one in preprocessing.inputs] == [
        "visits",
        "age",
        "age_is_missing",
        "device_is_ar",
        "device_is_ip",
    ]
    assert [one.feature for one in preprocessing.inputs] == ["visits", "age", "age", "device", "device"]
    later = [{"customer_id": 9, "visits": 2, "age": None, "device": "ip"}]
    (row,) = preprocessing.transform(table(spark, later)).collect()
    assert row["inputs"].toArray() == pytest.approx([log1p(2), MEAN_AGE, 1, 0, 1])
    assert row["customer_id"] == 9 and row["label"] is None


def test_plain_inputs_are_those_of_the_stages(spark: SparkSession) -> None:
    rows = table(spark, customers(60))
    preprocessing = fit_preprocessing(rows, ALL)
    stages = {row["customer_id"]: list(row["inputs"].toArray()) for row in preprocessing.transform(rows).collect()}
    plain = {
        row[0]: list(row[1:]) for row in rows.select("customer_id", *(o.value for o in preprocessing.inputs)).collect()
    }
    assert len(stages) == 60
    assert all(plain[key] == pytest.approx(stages[key], rel=1e-14) for key in stages)


def test_what_says_nothing_is_left_out_and_named(spark: SparkSession) -> None:
    rows = [row | {"age": None, "device": "ar"} for row in customers(50)]
    preprocessing = fit_preprocessing(table(spark, rows), ALL)
    assert [one.name for one in preprocessing.inputs] == ["visits", "share"]
    assert dict(preprocessing.left_out) == {
        "age": "never known in training",
        "device": "the same for everybody in training",
        "constant": "the same for everybody in training",
    }


def test_one_value_or_none_still_tells_by_its_absence(spark: SparkSession) -> None:
    rows = [row | {"age": None if row["customer_id"] % 2 else 5.0} for row in customers(20)]
    preprocessing = fit_preprocessing(table(spark, rows), [AGE])
    assert [one.name for one in preprocessing.inputs] == ["age_is_missing"]
    assert not preprocessing.left_out


def test_without_any_difference_there_is_nothing_to_learn(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="every feature is the same"):
        fit_preprocessing(table(spark, customers(20)), [CONSTANT])
