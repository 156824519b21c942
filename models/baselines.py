"""What can be had without a model of many features: everybody the same, one recency rule, and BG/NBD."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.schema import Service
from features.declared import table_features
from models.bgnbd import counted, fit
from models.plain import PlainModel, scored
from models.training import constant_model, one_feature_model

SCORED = ("customer_id", "as_of", "label")


@dataclass(frozen=True)
class Baseline:
    """A baseline by name, with the probabilities of the rows that trained and of those that judge."""

    name: str
    title: str
    train: DataFrame
    test: DataFrame


def recency_rule(train: DataFrame, service: Service) -> PlainModel:
    """The probability by the service's recency feature alone."""
    [recency] = [feature for feature in table_features(service) if feature.name == service.recency_feature]
    return one_feature_model(train, recency, service.training)


def baselines(train: DataFrame, test: DataFrame, recency: PlainModel, service: Service) -> Iterator[Baseline]:
    """Each baseline fitted on the training part; BG/NBD only where the service declares what it reads."""
    plain = {
        ("recency", f"{service.recency_feature} alone"): recency,
        ("majority", "majority class"): constant_model(_positive_share(train)),
    }
    for (name, title), model in plain.items():
        yield Baseline(name, title, *(scored(rows, {"probability": model}, SCORED) for rows in (train, test)))
    if service.alive:
        buying = fit(counted(train, service.alive))
        active = buying.probability_active(service.alive, service.windows.outcome_days)
        known = active if service.label.one_if == "present" else 1.0 - active
        probability = F.coalesce(known, F.lit(_positive_share(train)))  # who has no first purchase is like everybody
        parts = (rows.select(*SCORED, probability.alias("probability")) for rows in (train, test))
        yield Baseline("bgnbd", "BG/NBD", *parts)


def _positive_share(train: DataFrame) -> float:
    row = train.agg(F.avg("label")).first()
    assert row is not None  # an aggregation without keys always has its one row
    return float(row[0])
