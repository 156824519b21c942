"""The kinds of model: the stages of each, its grid of hyperparameters, and how it becomes a portable scorer."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.learning import Grids
from models.arrays import Floats
from models.evaluation.explanation import Importances
from models.fitting.preprocessing import INPUTS
from models.fitting.tree_import import mllib_trees, xgboost_trees
from models.scoring.linear import Linear, Scorer
from models.scoring.trees import Trees

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel

Params = Mapping[str, float]
LOGISTIC = "lr"  # the kind of the baselines
WEIGHT = "weight"
STANDARDISED = "standardised"
TREE_MEMORY_MB = 1024  # for histograms of many nodes at a time, which takes fewer passes over the data


@dataclass(frozen=True)
class FitContext:
    """What a fit needs besides its hyperparameters: the random seed, and the number of tasks that run at a time."""

    seed: int
    slots: int


@dataclass(frozen=True)
class ModelKind:
    """A kind of model.

    stages: unfitted stages, for a table with `inputs`, `label` and `weight`.
    scorer: the portable scorer of fitted stages; the last of them is saved in the folder.
    importances: the importances of the inputs that the library gives.
    rank: prepared rows with `rawPrediction`, higher for label 1.
    library_probabilities: of a few prepared rows, their inputs and P(label = 1) as the library computes it.
    takes_all_slots: whether all its tasks start together, so that two fits at a time would wait for each other.
    """

    title: str
    stages: Callable[[Params, FitContext], list[Any]]
    scorer: Callable[[list[Any], SparkSession, str], Scorer]
    importances: Callable[[list[Any]], Importances]
    rank: Callable[[PipelineModel, DataFrame], DataFrame]
    library_probabilities: Callable[[PipelineModel, DataFrame], tuple[Floats, Floats]]
    takes_all_slots: bool = False

    def fit(self, prepared: DataFrame, params: Params, seed: int) -> PipelineModel:
        """Fit the stages on preprocessed rows."""
        from pyspark.ml import Pipeline

        context = FitContext(seed, prepared.sparkSession.sparkContext.defaultParallelism)
        return Pipeline(stages=self.stages(params, context)).fit(prepared)


def parameter_grid(name: str, grids: Grids) -> list[dict[str, float]]:
    """Every combination of the hyperparameters declared for a kind, in the order of declaration."""
    grid = getattr(grids, name).model_dump()
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _logistic(params: Params, context: FitContext) -> list[Any]:
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import StandardScaler

    return [
        StandardScaler(inputCol=INPUTS, outputCol=STANDARDISED, withMean=True, withStd=True),
        LogisticRegression(
            featuresCol=STANDARDISED,
            weightCol=WEIGHT,
            regParam=params["regularisation"],
            elasticNetParam=params["l1_share"],
            standardization=False,
            maxIter=200,
        ),
    ]


def _linear(stages: list[Any], spark: SparkSession, folder: str) -> Linear:
    scaler, regression = stages
    return Linear(
        float(regression.intercept),
        np.array(scaler.mean.toArray(), float),
        np.array(scaler.std.toArray(), float),
        np.array(regression.coefficients.toArray(), float),
    )


def _forest(params: Params, context: FitContext) -> list[Any]:
    from pyspark.ml.classification import RandomForestClassifier

    return [
        RandomForestClassifier(
            featuresCol=INPUTS,
            weightCol=WEIGHT,
            numTrees=int(params["trees"]),
            maxDepth=int(params["depth"]),
            maxMemoryInMB=TREE_MEMORY_MB,
            seed=context.seed,
        )
    ]


def _boosted(params: Params, context: FitContext) -> list[Any]:
    from pyspark.ml.classification import GBTClassifier

    return [
        GBTClassifier(
            featuresCol=INPUTS,
            weightCol=WEIGHT,
            maxIter=int(params["rounds"]),
            maxDepth=int(params["depth"]),
            stepSize=params["learning_rate"],
            maxMemoryInMB=TREE_MEMORY_MB,
            seed=context.seed,
        )
    ]


def _xgboost(params: Params, context: FitContext) -> list[Any]:
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


def _weights(stages: list[Any]) -> Importances:
    return Importances("coefficient", np.array(stages[-1].coefficients.toArray(), float))


def _gains(stages: list[Any]) -> Importances:
    """Mean decrease of impurity, summing to 1 (Breiman 1984)."""
    return Importances("tree_importance", np.array(stages[-1].featureImportances.toArray(), float))


def _total_gains(stages: list[Any]) -> Importances:
    """Total gain of the splits on each input, summing to 1, like that of MLlib's trees."""
    booster = stages[-1].get_booster()
    found = booster.get_score(importance_type="total_gain")
    gains = np.array([found.get(name, 0.0) for name in _names(booster)], float)
    return Importances("tree_importance", np.asarray(gains / max(gains.sum(), np.finfo(float).tiny)))


def _names(booster: Any) -> list[str]:
    return booster.feature_names or [f"f{number}" for number in range(booster.num_features())]


def _stages(fitted: PipelineModel) -> list[Any]:
    """The fitted stages; PySpark does not declare their types."""
    return fitted.stages


def _transformed(fitted: PipelineModel, prepared: DataFrame) -> DataFrame:
    return fitted.transform(prepared)


def _mllib_probabilities(fitted: PipelineModel, prepared: DataFrame) -> tuple[Floats, Floats]:
    from pyspark.ml.functions import vector_to_array

    probability = vector_to_array(F.col("probability"))[1]
    rows = fitted.transform(prepared).select(INPUTS, probability).collect()
    return np.array([row[0].toArray() for row in rows]), np.array([row[1] for row in rows])


def _xgboost_margins(fitted: PipelineModel, prepared: DataFrame) -> DataFrame:
    """Margins by the portable trees: `transform` of XGBoost logs a line for each task."""
    from pyspark.ml.functions import vector_to_array

    trees = _xgboost_trees(_stages(fitted), prepared.sparkSession, "")

    def margins(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            inputs = batch.column("inputs").flatten().to_numpy().reshape(batch.num_rows, -1)
            columns = [batch.column("label"), pa.array(trees.margin(inputs))]
            yield pa.RecordBatch.from_arrays(columns, names=["label", "rawPrediction"])

    rows = prepared.select("label", vector_to_array(F.col(INPUTS)).alias("inputs"))
    return rows.mapInArrow(margins, "label int, rawPrediction double")


def _xgboost_probabilities(fitted: PipelineModel, prepared: DataFrame) -> tuple[Floats, Floats]:
    inputs = np.array([row[0].toArray() for row in prepared.select(INPUTS).collect()])
    return inputs, np.array(_stages(fitted)[-1].get_booster().inplace_predict(inputs), np.float64)


def _mllib_trees(stages: list[Any], spark: SparkSession, folder: str) -> Trees:
    return mllib_trees(spark, folder)


def _xgboost_trees(stages: list[Any], spark: SparkSession, folder: str) -> Trees:
    return xgboost_trees(stages[-1].get_booster().save_raw("json"))


_MLLIB = (_transformed, _mllib_probabilities)
_XGBOOST = (_xgboost_margins, _xgboost_probabilities)
KINDS: dict[str, ModelKind] = {
    LOGISTIC: ModelKind("logistic regression", _logistic, _linear, _weights, *_MLLIB),
    "rf": ModelKind("random forest", _forest, _mllib_trees, _gains, *_MLLIB),
    "gbt": ModelKind("boosted trees", _boosted, _mllib_trees, _gains, *_MLLIB),
    "xgb": ModelKind("XGBoost", _xgboost, _xgboost_trees, _total_gains, *_XGBOOST, takes_all_slots=True),
}
