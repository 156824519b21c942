"""What the tests of `encore recommend` share: a music service whose candidates are fitted soon, files of ratings."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from conf.load import overridden
from jobs.context import Context
from jobs.interactions import declared_interactions
from jobs.recommend import RecommendRequest, recommend
from jobs.recommending.sources import LoggedInteractions
from jobs.records.recommending import RecommenderRecord, TitlesRecord
from jobs.storage.layer import RECORD, Layer
from jobs.storage.records import read_record
from tests.support.archives import context as music
from tests.support.archives import table
from tests.support.engines import SMALL

AS_OF = date(2017, 4, 29)  # the day after the last of the simulated logs
GRIDS = {
    "als": {"factors": [32], "alpha": [10.0], "weights": ["log"], "regularisation": [0.5]},
    "item_item": {"neighbours": [100], "weights": ["binary"]},
}
SMALL_GRIDS = {
    "als": {"factors": [4], "alpha": [1.0], "weights": ["binary"], "regularisation": [0.1],
            "regularisation_per_interaction": [0.05], "iterations": 5},
    "item_item": {"neighbours": [30], "weights": ["binary"]},
    "ease": {"regularisation": [0.5]},
}  # fmt: skip
Rows = list[dict[str, Any]]


def music_context(data: Path, **recommender: Any) -> Context:
    """The music service with a few candidates; recommender: what else it declares."""
    context = replace(music(data), profile=SMALL)
    return replace(context, service=overridden(context.service, {"recommender": {"grids": GRIDS} | recommender}))


def ratings_context(data: Path, **recommender: Any) -> Context:
    """The same with candidates that suit small files of ratings."""
    return music_context(data, grids=SMALL_GRIDS, holdout_days=5, **recommender)


def recommended(context: Context, spark: SparkSession, **request: Any) -> tuple[str, TitlesRecord]:
    """Recommend as asked for."""
    return recommend(context, spark, RecommendRequest(**{"library": "implicit"} | request), _check_progress)


def _check_progress(done: int, total: int, what: str) -> None:
    assert done <= total and what


def logged(context: Context, spark: SparkSession, as_of: date = AS_OF) -> LoggedInteractions:
    """The interactions of the logs before a date."""
    return LoggedInteractions(context.data, spark, declared_interactions(context), context.engine, as_of)


# ---- what is left in the data folder ----


def fitted(context: Context) -> RecommenderRecord:
    """The record of the recommender."""
    return read_record(RecommenderRecord, context.data.recommender / RECORD)


def rows_of(layer: Layer[Any]) -> Rows:
    """The rows of a layer."""
    return table(layer.root)


def titles_of(context: Context) -> Rows:
    """The titles for customers."""
    return rows_of(context.data.titles_for_customers)


def lists(rows: Iterable[dict[str, Any]], key: str = "customer_id") -> dict[Any, Rows]:
    """The rows of each customer, or of each other key, by rank."""
    found: dict[Any, Rows] = {}
    for row in sorted(rows, key=lambda row: int(row["rank"])):
        found.setdefault(row[key], []).append(row)
    return found


def values_of_metrics(context: Context) -> dict[str, float]:
    """The metrics of all models on all parts."""
    return {
        f"{part} {model} {metric}": value.value
        for part, models in fitted(context).parts.items()
        for model, one in models.items()
        for metric, value in one.metrics.items()
    }
