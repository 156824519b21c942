"""A kind of model: its unfitted stages, how a fitted one is ranked, compared and turned into a portable scorer.

Each kind is a module of `models.fitting.kinds`; what several kinds of MLlib share is here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from models.arrays import Floats
from models.evaluation.explanation import Importances
from models.fitting.preprocessing import INPUTS
from models.fitting.tree_import import mllib_trees
from models.scoring.linear import Scorer
from models.scoring.trees import Trees

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel

Params = Mapping[str, float]
TREE_MEMORY_MB = 1024  # for histograms of many nodes at a time, which takes fewer passes over the data


@dataclass(frozen=True)
class FitContext:
    """What a fit needs besides its hyperparameters: the random seed, and the number of tasks that run at a time."""

    seed: int
    slots: int


# ---- functions that the kinds of MLlib share ----


def mllib_rank(fitted: PipelineModel, prepared: DataFrame) -> DataFrame:
    """The rows as the fitted stages transform them."""
    return fitted.transform(prepared)


def mllib_probabilities(fitted: PipelineModel, prepared: DataFrame) -> tuple[Floats, Floats]:
    """Inputs, and P(label = 1) of the column `probability`."""
    from pyspark.ml.functions import vector_to_array

    probability = vector_to_array(F.col("probability"))[1]
    rows = fitted.transform(prepared).select(INPUTS, probability).collect()
    return np.array([row[0].toArray() for row in rows]), np.array([row[1] for row in rows])


def coefficients(stages: list[Any]) -> Importances:
    """Weights of a linear model on standardised inputs."""
    return Importances("coefficient", np.array(stages[-1].coefficients.toArray(), float))


def gains(stages: list[Any]) -> Importances:
    """Mean decrease of impurity, summing to 1 (Breiman 1984)."""
    return Importances("tree_importance", np.array(stages[-1].featureImportances.toArray(), float))


def trees_of_stage(stages: list[Any], spark: SparkSession, folder: str) -> Trees:
    """The trees that MLlib has saved in the folder of the last stage."""
    return mllib_trees(spark, folder)


@dataclass(frozen=True)
class ModelKind:
    """A kind of model; `rank` and `library_probabilities` are by default those of a classifier of MLlib.

    title: what people call it.
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
    rank: Callable[[PipelineModel, DataFrame], DataFrame] = mllib_rank
    library_probabilities: Callable[[PipelineModel, DataFrame], tuple[Floats, Floats]] = mllib_probabilities
    takes_all_slots: bool = False

    def fit(self, prepared: DataFrame, params: Params, seed: int) -> PipelineModel:
        """Fit the stages on preprocessed rows."""
        from pyspark.ml import Pipeline

        context = FitContext(seed, prepared.sparkSession.sparkContext.defaultParallelism)
        return Pipeline(stages=self.stages(params, context)).fit(prepared)
