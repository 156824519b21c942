"""Boosted trees of MLlib."""

from typing import Any

from models.fitting.class_balance import WEIGHT
from models.fitting.kind import TREE_MEMORY_MB, FitContext, ModelKind, Params, gains, trees_of_stage
from models.fitting.preprocessing import INPUTS


def stages(params: Params, context: FitContext) -> list[Any]:
    """The boosted trees."""
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


KIND = ModelKind("boosted trees", stages, trees_of_stage, gains)
