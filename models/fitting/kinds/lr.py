"""Logistic regression of MLlib, on standardised inputs."""

from typing import Any

import numpy as np
from pyspark.sql import SparkSession

from models.fitting.class_balance import WEIGHT
from models.fitting.kind import FitContext, ModelKind, Params, coefficients
from models.fitting.preprocessing import INPUTS
from models.scoring.linear import Linear

STANDARDISED = "standardised"


def stages(params: Params, context: FitContext) -> list[Any]:
    """The scaler and the regression."""
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


def scorer(stages: list[Any], spark: SparkSession, folder: str) -> Linear:
    """The scaler and the regression as plain arrays."""
    scaler, regression = stages
    return Linear(
        float(regression.intercept),
        np.array(scaler.mean.toArray(), float),
        np.array(scaler.std.toArray(), float),
        np.array(regression.coefficients.toArray(), float),
    )


KIND = ModelKind("logistic regression", stages, scorer, coefficients)
