"""How good a model was at a date whose outcome is over, on customers that did not train it."""

from datetime import date
from functools import reduce

from pyspark.sql import DataFrame

from features.windows import Moment
from jobs.records.scoring import BacktestSection
from jobs.records.training import ModelRecord
from jobs.training.feature_tables import FeatureTables
from models.evaluation.histogram import count_scores
from models.evaluation.metrics import compute_metrics
from models.fitting.split import is_held_out

KEYS = ["customer_id", "as_of"]


def backtest(tables: FeatureTables, model: ModelRecord, table: DataFrame, scores: DataFrame) -> BacktestSection:
    """Measure a model at a past date.

    Args:
        table: the eligible rows of the feature table at that date.
        scores: `customer_id`, `as_of` and `probability` of the same customers.
    """
    known = table.where("label is not null")
    judged = _without_training_customers(tables, model, known)
    counted = count_scores(judged.join(scores.select(*KEYS, "probability"), KEYS).select("label", "probability"))
    customers = int(counted.rows.sum())
    metrics = compute_metrics(counted, model.threshold, model.seed) if customers else {}
    return BacktestSection(customers=customers, left_out=known.count() - customers, metrics=metrics)


def _without_training_customers(tables: FeatureTables, model: ModelRecord, rows: DataFrame) -> DataFrame:
    """The rows of customers of whom the model knows nothing, or nothing of their time since its outcomes had ended."""
    split, windows = model.split, tables.service.windows
    if split.by == "customer":
        return rows.where(is_held_out(rows["customer_id"]))
    trained = [Moment.at(date.fromisoformat(day), windows) for day in split.train_as_of]
    first = rows.select("as_of").first()
    if first is None or all(one.may_train_for(Moment.at(first["as_of"], windows)) for one in trained):
        return rows
    seen = reduce(
        DataFrame.unionByName,
        (
            tables.read(rows.sparkSession, [day]).where("eligible and label is not null").select("customer_id")
            for day in split.train_as_of
        ),
    )
    return rows.join(seen.distinct(), "customer_id", "left_anti")
