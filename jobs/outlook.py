"""What the model says of the customers, and how far it can be believed."""

import json
import math
import warnings
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.load import fingerprint
from conf.schema import Service
from features.declared import table_features
from jobs.context import Context
from jobs.train import MODEL
from models.evaluation import auc, roc_curve

NORMAL_95 = 1.96
SAME_AUC = 0.005  # a smaller difference is said to be none
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Judged:
    """A model or a baseline on customers it never saw."""

    name: str
    role: str
    rows: int
    positives: int
    auc: float
    accuracy: float
    log_loss: float
    roc: Points

    @property
    def auc_margin(self) -> float | None:
        """Half of the 95 % interval of the AUC (Hanley & McNeil 1982); none for a constant, whose AUC is known."""
        positives, negatives, a = self.positives, self.rows - self.positives, self.auc
        if not positives or not negatives or a in (0.5, 1.0) or math.isnan(a):
            return None
        two_positives, two_negatives = a / (2 - a), 2 * a * a / (1 + a)
        spread = (positives - 1) * (two_positives - a * a) + (negatives - 1) * (two_negatives - a * a)
        return NORMAL_95 * math.sqrt((a * (1 - a) + spread) / (positives * negatives))


@dataclass(frozen=True)
class Driver:
    """A term of the model, what it means, and its weight per standard deviation."""

    term: str
    meaning: str
    weight: float

    @property
    def raises(self) -> bool:
        """Whether more of it makes the outcome likelier."""
        return self.weight > 0

    @property
    def odds_ratio(self) -> float:
        """What one standard deviation more of it multiplies the odds by."""
        return math.exp(self.weight)


@dataclass(frozen=True)
class Best:
    """What the true probabilities of simulated customers reach on the held-out ones: no model can do better."""

    auc: float
    roc: Points
    rows: int

    def share_reached(self, by: float) -> float:
        """How far an AUC has come from chance to the best."""
        return (by - 0.5) / (self.auc - 0.5)


@dataclass(frozen=True)
class Verdict:
    """A trained model beside its baselines."""

    split: str
    test_as_of: str
    train_rows: int
    judged: list[Judged]
    drivers: list[Driver]
    best: Best | None

    @property
    def model(self) -> Judged:
        """The best of the models."""
        return max((one for one in self.judged if one.role == "model"), key=lambda one: one.auc)

    @property
    def baseline(self) -> Judged | None:
        """The best of the baselines."""
        return max((one for one in self.judged if one.role == "baseline"), key=lambda one: one.auc, default=None)

    @property
    def comparison(self) -> str:
        """How the model stands against the best baseline, in words."""
        gain = self.model.auc - (self.baseline.auc if self.baseline else 0.5)
        if abs(gain) < SAME_AUC:
            return "about as good as"
        return "better than" if gain > 0 else "worse than"


@dataclass(frozen=True)
class Decile:
    """A tenth of the customers by score."""

    decile: int
    customers: int
    mean_probability: float


@dataclass(frozen=True)
class Scores:
    """The newest scores; `staleness` says in words why they are not of the newest data and model, if so."""

    as_of: date
    customers: int
    mean_probability: float
    deciles: list[Decile]
    staleness: str

    @property
    def expected(self) -> int:
        """How many customers are expected to have the outcome."""
        return round(self.customers * self.mean_probability)


def verdict(context: Context, spark: SparkSession) -> Verdict | None:
    """The trained model of the data folder, None where there is none."""
    path = context.models / MODEL / "metrics.json"
    if not path.is_file():
        return None
    result = json.loads(path.read_text(encoding="utf-8"))
    return Verdict(
        split=result["split"],
        test_as_of=result["test_as_of"],
        train_rows=result["train_rows"],
        judged=[Judged(**one) for one in result["models"]],
        drivers=[_driver(one, context.service) for one in result["strongest"]],
        best=_best(context, spark, result["test_as_of"]),
    )


def scores(context: Context, spark: SparkSession) -> Scores | None:
    """The newest scores, None where there are none."""
    records = context.scores.records()
    if not records:
        return None
    day = max(records)
    per_decile = (
        context.scores.read(spark, [day])
        .groupBy("decile")
        .agg(F.count("*").alias("customers"), F.avg("probability").alias("mean_probability"))
    )
    deciles = [Decile(**row.asDict()) for row in per_decile.orderBy("decile").collect()]
    record = records[day]
    staleness = _staleness(context, day, record["basis"])
    return Scores(date.fromisoformat(day), record["customers"], record["mean_probability"], deciles, staleness)


def _driver(one: dict[str, Any], service: Service) -> Driver:
    """The meaning of a term: that of its feature, or of the level or the absence that it stands for."""
    feature = next((feature for feature in table_features(service) if feature.name == one["feature"]), None)
    kind = one["term"].removeprefix(one["feature"])
    meaning = one["meaning"]
    if kind == "_is_missing" and feature:
        meaning = f"Not known: {feature.null_means}"
    elif kind:
        meaning = f"{meaning}: {kind.removeprefix('_is_')}"
    return Driver(one["term"], meaning, one["weight"])


def _best(context: Context, spark: SparkSession, as_of: str) -> Best | None:
    """The true probabilities, judged on the held-out customers; only a simulation knows them."""
    if as_of not in context.truth.values():
        return None
    truth = spark.read.parquet(str(context.truth.partition(as_of)))  # beside it lies what is no Parquet
    [probability] = [name for name in truth.columns if name.endswith("_probability")]
    true = truth.select("customer_id", F.col(probability).alias("probability"))
    held_out = spark.read.parquet(str(context.models / MODEL / "test_scores")).select("customer_id", "label")
    judged = held_out.join(true, "customer_id", "inner")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*No Partition Defined")  # few rows: one per score
        return Best(auc(judged), roc_curve(judged), judged.count())


def _staleness(context: Context, day: str, basis: dict[str, Any]) -> str:
    tables = context.features.records()
    newest = max(tables, default=day)
    if newest > day:
        return f"there is a newer table of customers, as of {newest}"
    if day in tables and tables[day]["basis"] != basis["table"]:
        return "the table of customers has changed since"
    formula = context.models / MODEL / "formula.json"
    if formula.is_file() and fingerprint(json.loads(formula.read_text(encoding="utf-8"))) != basis["model"]:
        return "the model has been trained again since"
    return ""
