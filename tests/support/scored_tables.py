"""What tests of evaluation begin with: scored tables, and their cells counted by numpy alone."""

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from models.arrays import Floats
from models.evaluation.histogram import ScoreHistogram
from tests.support.frames import frame

Scored = list[tuple[int, float]]


def scored(spark: SparkSession, rows: Scored) -> DataFrame:
    """A table of (label, probability)."""
    named = [{"label": label, "probability": probability} for label, probability in rows]
    return frame(spark, named, {"label": "int", "probability": "double"})


def cells_of(labels: Floats, probabilities: Floats) -> ScoreHistogram:
    """The cells of such rows, by the book: log odds in steps of 1/500 from -16 to 16."""
    inside = np.clip(probabilities, 1e-15, 1 - 1e-15)
    bins = np.clip(np.floor(np.log(inside / (1 - inside)) * 500), -8_000, 7_999).astype(np.int64)
    numbers = np.unique(bins)
    amounts = {
        "probability": [probabilities, probabilities],
        "loss": [-np.log(np.maximum(1 - probabilities, 1e-15)), -np.log(np.maximum(probabilities, 1e-15))],
    }
    counts = [np.array([((bins == one) & (labels == label)).sum() for one in numbers], float) for label in (0, 1)]
    means = [
        np.array([amount[label][(bins == one) & (labels == label)].sum() for one in numbers])
        / np.maximum(counts[label], 1)
        for amount in amounts.values()
        for label in (0, 1)
    ]
    return ScoreHistogram(numbers, *counts, *means)


def hand_made(rows: Scored) -> ScoreHistogram:
    """Cells of a few rows."""
    return cells_of(np.array([label for label, _ in rows]), np.array([p for _, p in rows], float))


def simulated(rows: int, seed: int = 0, shift: float = 0.0) -> tuple[Floats, Floats]:
    """Labels and probabilities: half of them of 19 values, some of the others all but certain.

    Labels follow the probabilities when `shift`, in log odds, is 0.
    """
    random = np.random.default_rng(seed)
    log_odds = random.normal(-0.8, 1.2, rows)
    probabilities = 1 / (1 + np.exp(-log_odds))
    probabilities[::2] = np.round(probabilities[::2] * 20).clip(1, 19) / 20
    true = 1 / (1 + np.exp(-np.log(probabilities / (1 - probabilities)) - shift))
    labels = (random.random(rows) < true).astype(int)
    extremes = [0.0, 1.0, 1e-9, 1 - 1e-9, 1e-15, 1e-300]
    probabilities[1 : 1 + 4 * len(extremes) : 2] = np.repeat(extremes, 2)  # even the sure ones may be wrong
    return labels, probabilities
