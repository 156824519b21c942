"""What is said of probabilities on the rows that trained and on those that judge, as JSON-ready data."""

from dataclasses import asdict
from typing import Any

from pyspark.sql import DataFrame

from models.evaluation.curves import curves
from models.evaluation.histogram import cells
from models.evaluation.metrics import best_threshold, measured


def judged(train: DataFrame, test: DataFrame, seed: int) -> dict[str, Any]:
    """Metrics with intervals on either part, the threshold chosen on the training part, and curves of the test part.

    Args:
        train: `label` and `probability` of the rows that trained.
        test: the same of the rows that judge, in the distribution that they came in.
    """
    trained, tested = cells(train), cells(test)
    threshold = best_threshold(trained)
    parts = {"train": measured(trained, threshold, seed), "test": measured(tested, threshold, seed)}
    return {
        "threshold": threshold,
        "metrics": {part: {name: asdict(one) for name, one in found.items()} for part, found in parts.items()},
        "curves": curves(tested),
    }
