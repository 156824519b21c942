"""Baselines without a model of many features: the majority class, recency alone, and BG/NBD."""

from dataclasses import dataclass
from typing import Any

from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.learning import Alive
from conf.schema import Service
from features.declared import table_features
from models.baselines.bgnbd import count_customers, fit_bgnbd
from models.fitting.fit import constant_model, count_labels, fit_logistic
from models.scoring.portable import PortableModel, score_table

BGNBD = "bgnbd"
EXPECTED = "log_expected_events"
LEAST_EXPECTED = 1e-12
SCORED = ("customer_id", "as_of", "label")


@dataclass(frozen=True)
class Baseline:
    """A baseline, with its probabilities (see SCORED) for the training set and for the test set."""

    name: str
    title: str
    train: DataFrame
    test: DataFrame


def fit_recency(train: DataFrame, service: Service) -> PortableModel:
    """Fit a logistic regression of the service's recency feature alone."""
    [recency] = [feature for feature in table_features(service) if feature.name == service.recency_feature]
    return fit_logistic(train, [recency], service.training)


def simple_baselines(train: DataFrame, test: DataFrame, recency: PortableModel, service: Service) -> list[Baseline]:
    """The recency model, and the same probability for everybody."""
    plain = {
        ("recency", f"{service.recency_feature} alone"): recency,
        ("majority", "majority class"): constant_model(count_labels(train)[1]),
    }
    return [
        Baseline(name, title, *(score_table(rows, {"probability": model}, SCORED) for rows in (train, test)))
        for (name, title), model in plain.items()
    ]


def bgnbd_baseline(histories: DataFrame, train: DataFrame, test: DataFrame, service: Service, alive: Alive) -> Baseline:
    """Fit BG/NBD to histories, which need no label, and turn the expected number of events into a probability.

    P(alive) is 1 for everybody without a repeat purchase and so does not rank them. The expected number of events in
    the outcome window ranks best; a logistic curve over its logarithm gives a probability.

    Args:
        histories: rows of customers at the as-of date of the test.

    Raises:
        ValueError: the model cannot be fitted to these customers.
    """
    expected = fit_bgnbd(count_customers(histories, alive)).expected_events(alive, service.windows.outcome_days)
    # A customer without a first purchase has no expected events.
    log_expected = F.log(F.greatest(F.coalesce(expected, F.lit(0.0)), F.lit(LEAST_EXPECTED))).alias(EXPECTED)
    parts = [rows.select(*SCORED, log_expected) for rows in (train, test)]
    stages: list[Any] = [
        VectorAssembler(inputCols=[EXPECTED], outputCol="inputs"),
        LogisticRegression(featuresCol="inputs", probabilityCol="both"),
    ]
    curve = Pipeline(stages=stages).fit(parts[0])
    probability = vector_to_array(F.col("both"))[1].alias("probability")
    return Baseline(
        BGNBD, "BG/NBD, expected events", *(curve.transform(part).select(*SCORED, probability) for part in parts)
    )
