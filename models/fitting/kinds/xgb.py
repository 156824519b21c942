"""XGBoost on Spark."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from models.arrays import Floats
from models.evaluation.explanation import Importances
from models.fitting.class_balance import WEIGHT
from models.fitting.kind import FitContext, ModelKind, Params
from models.fitting.preprocessing import INPUTS
from models.fitting.tree_import import xgboost_trees
from models.scoring.trees import Trees

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel


def stages(params: Params, context: FitContext) -> list[Any]:
    """The boosted trees; each task is one worker of XGBoost."""
    from xgboost.spark import SparkXGBClassifier  # slow to import, and only this kind needs it

    logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
    return [
        SparkXGBClassifier(
            features_col=INPUTS,
            weight_col=WEIGHT,
            n_estimators=int(params["rounds"]),
            max_depth=int(params["depth"]),
            learning_rate=params["learning_rate"],
            num_workers=context.slots,
            seed=context.seed,
            verbosity=0,
            verbose=False,
        )
    ]


def scorer(stages: list[Any], spark: SparkSession, folder: str) -> Trees:
    """The trees of the booster."""
    return xgboost_trees(stages[-1].get_booster().save_raw("json"))


def total_gains(stages: list[Any]) -> Importances:
    """Total gain of the splits on each input, summing to 1, like that of MLlib's trees."""
    booster = stages[-1].get_booster()
    found = booster.get_score(importance_type="total_gain")
    gains = np.array([found.get(name, 0.0) for name in _names(booster)], float)
    return Importances("tree_importance", np.asarray(gains / max(gains.sum(), np.finfo(float).tiny)))


def rank(fitted: PipelineModel, prepared: DataFrame) -> DataFrame:
    """Margins by the portable trees: `transform` of XGBoost logs a line for each task."""
    from pyspark.ml.functions import vector_to_array

    trees = scorer(_stages(fitted), prepared.sparkSession, "")

    def margins(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            inputs = batch.column("inputs").flatten().to_numpy().reshape(batch.num_rows, -1)
            columns = [batch.column("label"), pa.array(trees.margin(inputs))]
            yield pa.RecordBatch.from_arrays(columns, names=["label", "rawPrediction"])

    rows = prepared.select("label", vector_to_array(F.col(INPUTS)).alias("inputs"))
    return rows.mapInArrow(margins, "label int, rawPrediction double")


def library_probabilities(fitted: PipelineModel, prepared: DataFrame) -> tuple[Floats, Floats]:
    """Inputs, and P(label = 1) of the booster."""
    inputs = np.array([row[0].toArray() for row in prepared.select(INPUTS).collect()])
    return inputs, np.array(_stages(fitted)[-1].get_booster().inplace_predict(inputs), np.float64)


def _names(booster: Any) -> list[str]:
    return booster.feature_names or [f"f{number}" for number in range(booster.num_features())]


def _stages(fitted: PipelineModel) -> list[Any]:
    """The fitted stages; PySpark does not declare their types."""
    return fitted.stages


KIND = ModelKind("XGBoost", stages, scorer, total_gains, rank, library_probabilities, takes_all_slots=True)
