"""The contract of the feature table: checks of what the declarations promise, in one aggregation."""

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.schema import Service
from features.declared import NamedFeature, table_features


def broken_promises(table: DataFrame, service: Service) -> dict[str, int]:
    """Count the rows that break each promise of the contract.

    The promises: columns and types are as declared; a customer has one row per as-of date; a feature is null only if it
    may be; numbers are finite and between the least and the greatest value of their kind; there is a label exactly if
    `label_status` is mature.

    Returns:
        By promise in words, the number of rows that break it; a promise that all rows keep is left out.
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
        "label without status mature, or status mature without label": (
            F.col("label").isNotNull() != (F.col("label_status") == "mature")
        ),
        "customer_id is null": F.col("customer_id").isNull(),
    }
    for feature in table_features(service):
        promises |= _promises(feature)
    counts = [F.count_if(broken).alias(f"p{number}") for number, broken in enumerate(promises.values())]
    row = table.agg(F.count("*").alias("rows"), *counts).first()
    distinct = table.select("customer_id", "as_of").distinct().count()
    assert row is not None  # an aggregation without keys always has one row
    found = {promise: row[f"p{number}"] for number, promise in enumerate(promises)}
    found["customer occurs more than once at an as-of date"] = row["rows"] - distinct
    return {promise: count for promise, count in found.items() if count}


def _promises(feature: NamedFeature) -> dict[str, Column]:
    """By promise in words, the condition of a row that breaks it."""
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
