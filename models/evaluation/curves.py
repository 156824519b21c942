"""Curves of scores for a report, each with a bounded number of points."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats
from models.evaluation.histogram import TENTHS, ScoreHistogram, in_tenths
from models.evaluation.intervals import NORMAL_95

POINTS = 200
Points = list[list[float]]


@dataclass(frozen=True)
class Curve:
    """The title, axes and explanation of a curve."""

    title: str
    x: str
    y: str
    about: str


CURVES: dict[str, Curve] = {
    "roc": Curve(
        "ROC",
        "share of those without the outcome who are selected",
        "share of those with it who are selected",
        "Customers are selected from the highest score down: the further the curve lies above the diagonal, the better "
        "the score separates.",
    ),
    "precision_recall": Curve(
        "Precision and recall",
        "recall: share of those with the outcome who are selected",
        "precision: share of those selected who have it",
        "Customers are selected from the highest score down: how precise the selection stays while it grows.",
    ),
    "gains": Curve(
        "Cumulative gains",
        "share of customers, the highest scores first",
        "share of those with the outcome among them",
        "How many of those with the outcome have the highest scores; a random order gives the diagonal.",
    ),
    "lift": Curve(
        "Lift",
        "share of customers, the highest scores first",
        "how many times as frequent as among all",
        "How many times as frequent the outcome is at the top of the list as among all; a random order gives 1.",
    ),
    "calibration": Curve(
        "Calibration",
        "mean probability",
        "observed share with 95 % interval",
        "Ten groups of equal size by score: on the diagonal, three in ten of the customers with a probability of 30 % "
        "have the outcome.",
    ),
}


def curves(histogram: ScoreHistogram) -> dict[str, Points]:
    """Compute the points of all CURVES, at most 200 each, by rising x; none if a curve is not defined.

    roc: [share of negatives, share of positives], from (0, 0) to (1, 1). precision_recall: [recall, precision].
    gains: [share of customers, share of positives], from (0, 0) to (1, 1). lift: [share of customers, lift].
    calibration: [mean probability, observed share, low, high, rows], where low and high are Wilson's interval and rows
    is a tenth of all customers, not always an integer.
    """
    hits, alarms = _from_the_top(histogram.positives), _from_the_top(histogram.negatives)
    positives, negatives = hits[-1], alarms[-1]
    called = hits + alarms
    recall, share = hits / max(positives, 1), called / max(called[-1], 1)
    cuts = _spread_cuts(recall + alarms / max(negatives, 1))
    later = cuts[1:]  # a ratio needs at least one selected customer
    found = {
        "roc": _points(alarms[cuts] / negatives, recall[cuts]) if positives and negatives else [],
        "precision_recall": _points(recall[later], hits[later] / called[later]) if positives else [],
        "gains": _points(share[cuts], recall[cuts]) if positives else [],
        "lift": _points(share[later], recall[later] / share[later]) if positives else [],
        "calibration": _calibration(histogram),
    }
    assert list(found) == list(CURVES)
    return found


def _from_the_top(counts: Floats) -> Floats:
    """(bins + 1,) sums of the counts above each edge, the highest edge first, from 0 to all."""
    return np.concatenate([[0.0], np.cumsum(counts[::-1])])


def _spread_cuts(way: Floats) -> list[int]:
    """At most POINTS edges, the first and the last among them, at even steps of a rising quantity."""
    steps = np.searchsorted(way, np.linspace(0, way[-1], POINTS))
    return sorted({0, len(way) - 1} | {int(step) for step in steps if 0 < step < len(way) - 1})


def _calibration(histogram: ScoreHistogram) -> Points:
    rows = histogram.rows.sum() / TENTHS
    if not rows:
        return []
    share = (in_tenths(histogram, histogram.positives) / rows).clip(0, 1)
    low, high = _wilson(share, rows)
    return _points(in_tenths(histogram, histogram.expected) / rows, share, low, high, np.full(len(share), rows))


def _wilson(share: Floats, rows: float) -> tuple[Floats, Floats]:
    """The 95 % interval of a share (Wilson 1927)."""
    z2 = NORMAL_95**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = NORMAL_95 * np.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2)) / (1 + z2 / rows)
    return np.minimum(middle - half, share).clip(0, 1), np.maximum(middle + half, share).clip(0, 1)


def _points(*columns: Floats) -> Points:
    return [[float(value) for value in row] for row in zip(*columns, strict=True)]
