"""Random forest of MLlib."""

from typing import Any

from models.fitting.class_balance import WEIGHT
from models.fitting.kind import TREE_MEMORY_MB, FitContext, ModelKind, Params, gains, trees_of_stage
from models.fitting.preprocessing import INPUTS


def stages(params: Params, context: FitContext) -> list[Any]:
    """The forest."""
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


KIND = ModelKind("random forest", stages, trees_of_stage, gains)
