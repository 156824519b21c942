"""What can be had without a model of many features: everybody the same, one recency rule, and BG/NBD."""

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
from models.baselines.bgnbd import counted, fit
from models.fitting.fit import constant_model, counted_labels, logistic_model
from models.scoring.portable import PlainModel, scored

EXPECTED = "log_expected_events"
LEAST_EXPECTED = 1e-12
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
    return logistic_model(train, [recency], service.training)


def plain_baselines(train: DataFrame, test: DataFrame, recency: PlainModel, service: Service) -> list[Baseline]:
    """The recency rule, and everybody the same."""
    plain = {
        ("recency", f"{service.recency_feature} alone"): recency,
        ("majority", "majority class"): constant_model(counted_labels(train)[1]),
    }
    return [
        Baseline(name, title, *(scored(rows, {"probability": model}, SCORED) for rows in (train, test)))
        for (name, title), model in plain.items()
    ]


def bgnbd_baseline(histories: DataFrame, train: DataFrame, test: DataFrame, service: Service, alive: Alive) -> Baseline:
    """BG/NBD fitted to histories, which it needs no label for: the events expected in the outcome, as a probability.

    Its P(alive) is 1 for everybody without a repeat purchase and so ranks nobody of them; the expected number of
    events ranks best of what it gives, and a logistic curve over its logarithm makes a probability of it.

    Args:
        histories: what is known of customers at the as-of date of the test.

    Raises:
        ValueError: the model cannot be fitted to these customers.
    """
    expected = fit(counted(histories, alive)).expected_events(alive, service.windows.outcome_days)
    # Who has no first purchase is expected to do nothing.
    log_expected = F.log(F.greatest(F.coalesce(expected, F.lit(0.0)), F.lit(LEAST_EXPECTED))).alias(EXPECTED)
    parts = [rows.select(*SCORED, log_expected) for rows in (train, test)]
    stages: list[Any] = [
        VectorAssembler(inputCols=[EXPECTED], outputCol="inputs"),
        LogisticRegression(featuresCol="inputs", probabilityCol="both"),
    ]
    curve = Pipeline(stages=stages).fit(parts[0])
    probability = vector_to_array(F.col("both"))[1].alias("probability")
    return Baseline(
        "bgnbd", "BG/NBD, expected events", *(curve.transform(part).select(*SCORED, probability) for part in parts)
    )
