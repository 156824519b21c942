"""The contract of the feature table: what the declarations promise, checked in one aggregation."""

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.schema import Service
from features.declared import NamedFeature, table_features


def broken_promises(table: DataFrame, service: Service) -> dict[str, int]:
    """Number of rows that break each promise of the contract; a promise that holds is left out.

    Promises: columns and their types are those declared, a customer stands once at an as_of, no null where none is
    said to occur, only finite numbers, values inside the least and greatest of their kind, a label exactly where it is
    mature.
    """
    expected = [
        "customer_id",
        *(f.name for f in table_features(service)),
        "eligible",
        "label",
        "label_status",
        "as_of",
    ]
    if sorted(table.columns) != sorted(expected):
        odd = sorted(set(table.columns) ^ set(expected))
        return {f"columns differ from the declaration: {', '.join(odd)}": 1}
    types = dict(table.dtypes)
    for feature in table_features(service):
        if types[feature.name] != feature.type:
            return {f"{feature.name} is of type {types[feature.name]}, not {feature.type},": 1}
    promises = {
        "label without being mature, or mature without a label": (
            F.col("label").isNotNull() != (F.col("label_status") == "mature")
        ),
        "customer_id is null": F.col("customer_id").isNull(),
    }
    for feature in table_features(service):
        promises |= _promises(feature)
    counts = [F.count_if(broken).alias(f"p{number}") for number, broken in enumerate(promises.values())]
    row = table.agg(F.count("*").alias("rows"), *counts).first()
    distinct = table.select("customer_id", "as_of").distinct().count()
    assert row is not None  # an aggregation without keys always has its one row
    found = {promise: row[f"p{number}"] for number, promise in enumerate(promises)}
    found["customer stands more than once at an as_of"] = row["rows"] - distinct
    return {promise: count for promise, count in found.items() if count}


def _promises(feature: NamedFeature) -> dict[str, Column]:
    value = F.col(feature.name)
    promises = {}
    if not feature.may_be_null:
        promises[f"{feature.name} is null"] = value.isNull()
    if feature.type == "double":
        promises[f"{feature.name} is not a finite number"] = F.isnan(value) | (F.abs(value) == math.inf)
    if feature.least is not None:
        promises[f"{feature.name} is below {feature.least:g}"] = value < feature.least
    if feature.greatest is not None:
        promises[f"{feature.name} is above {feature.greatest:g}"] = value > feature.greatest
    return promises
