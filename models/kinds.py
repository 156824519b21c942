"""The kinds of model: how each is set up by its grid, fitted by its library, and turned into a plain scorer."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import GBTClassifier, LogisticRegression, RandomForestClassifier
from pyspark.ml.feature import StandardScaler
from pyspark.sql import DataFrame, SparkSession

from conf.schema import Grids
from models.preparation import INPUTS
from models.scorer import Floats, Linear, Scorer
from models.tree_formats import mllib_trees, xgboost_trees
from models.trees import Trees

Params = Mapping[str, float]
WEIGHT = "weight"
STANDARDISED = "standardised"
TREE_MEMORY_MB = 1024  # histograms of more nodes at a time: fewer passes over the data


@dataclass(frozen=True)
class Setting:
    """What a fit is given beside its parameters: the seed, and how many tasks run at a time."""

    seed: int
    slots: int


@dataclass(frozen=True)
class Kind:
    """A kind of model. `stages` are fitted on a table with `inputs`, `label` and `weight`."""

    title: str
    stages: Callable[[Params, Setting], list[Any]]
    scorer: Callable[[list[Any], SparkSession, str], Scorer]  # of fitted stages, the last of which lies in a folder
    scorer_from_json: Callable[[dict[str, Any]], Scorer]
    importances: Callable[[list[Any]], Floats]  # (inputs,) of the library's own; standardised weights of a linear model
    takes_all_slots: bool = False  # its tasks start all together, so two fits at a time would wait for each other

    def fit(self, prepared: DataFrame, params: Params, seed: int) -> PipelineModel:
        """The fitted stages behind the preparation."""
        setting = Setting(seed, prepared.sparkSession.sparkContext.defaultParallelism)
        return Pipeline(stages=self.stages(params, setting)).fit(prepared)


def candidates(name: str, grids: Grids) -> list[dict[str, float]]:
    """Every combination of the model's grid, in the order of declaration."""
    grid = getattr(grids, name).model_dump()
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _logistic(params: Params, setting: Setting) -> list[Any]:
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


def _forest(params: Params, setting: Setting) -> list[Any]:
    return [
        RandomForestClassifier(
            featuresCol=INPUTS,
            weightCol=WEIGHT,
            numTrees=int(params["trees"]),
            maxDepth=int(params["depth"]),
            maxMemoryInMB=TREE_MEMORY_MB,
            seed=setting.seed,
        )
    ]


def _boosted(params: Params, setting: Setting) -> list[Any]:
    return [
        GBTClassifier(
            featuresCol=INPUTS,
            weightCol=WEIGHT,
            maxIter=int(params["rounds"]),
            maxDepth=int(params["depth"]),
            stepSize=params["learning_rate"],
            maxMemoryInMB=TREE_MEMORY_MB,
            seed=setting.seed,
        )
    ]


def _xgboost(params: Params, setting: Setting) -> list[Any]:
    from xgboost.spark import SparkXGBClassifier  # slow to import, and only this kind needs it

    return [
        SparkXGBClassifier(
            features_col=INPUTS,
            weight_col=WEIGHT,
            n_estimators=int(params["rounds"]),
            max_depth=int(params["depth"]),
            learning_rate=params["learning_rate"],
            num_workers=setting.slots,
            seed=setting.seed,
            verbosity=0,
        )
    ]


def _weights(stages: list[Any]) -> Floats:
    return np.array(stages[-1].coefficients.toArray(), float)


def _gains(stages: list[Any]) -> Floats:
    """Mean decrease of impurity, summing to 1 (Breiman 1984)."""
    return np.array(stages[-1].featureImportances.toArray(), float)


def _total_gains(stages: list[Any]) -> Floats:
    """Total gain of the splits on each input, summing to 1, like that of MLlib's trees."""
    booster = stages[-1].get_booster()
    found = booster.get_score(importance_type="total_gain")
    gains = np.array([found.get(name, 0.0) for name in _names(booster)], float)
    return np.asarray(gains / max(gains.sum(), np.finfo(float).tiny))


def _names(booster: Any) -> list[str]:
    return booster.feature_names or [f"f{number}" for number in range(booster.num_features())]


def _mllib_trees(stages: list[Any], spark: SparkSession, folder: str) -> Trees:
    return mllib_trees(spark, folder)


def _xgboost_trees(stages: list[Any], spark: SparkSession, folder: str) -> Trees:
    return xgboost_trees(stages[-1].get_booster().save_raw("json"))


KINDS: dict[str, Kind] = {
    "lr": Kind("logistic regression", _logistic, _linear, Linear.from_json, _weights),
    "rf": Kind("random forest", _forest, _mllib_trees, Trees.from_json, _gains),
    "gbt": Kind("boosted trees", _boosted, _mllib_trees, Trees.from_json, _gains),
    "xgb": Kind("XGBoost", _xgboost, _xgboost_trees, Trees.from_json, _total_gains, takes_all_slots=True),
}
