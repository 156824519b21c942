"""Probabilities set right on customers kept for it, where the training part was balanced or it was asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from models.scoring.linear import Floats, sigmoid

if TYPE_CHECKING:
    from models.evaluation.histogram import Cells

How = Literal["none", "isotonic", "platt"]
EDGE = 1e-6  # isotonic steps of 0 and 1 are moved this far in: no customer is certain
NO_PENALTY = 1e12


@dataclass(frozen=True)
class Calibration:
    """A map of probabilities onto probabilities that never turns their order around.

    isotonic: linear between the points (x, y); platt: slope and intercept of the log odds, in x.
    """

    how: How = "none"
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __call__(self, probability: Floats) -> Floats:
        """(rows,) calibrated probabilities."""
        if self.how == "isotonic":
            return np.asarray(np.interp(probability, self.x, self.y))
        if self.how == "platt":
            slope, intercept = self.x
            return sigmoid(intercept + slope * _log_odds(probability))
        return probability

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Calibration:
        """The calibration of `to_json`."""
        return cls(data["how"], tuple(data["x"]), tuple(data["y"]))


def fit_calibration(cells: Cells, how: How) -> Calibration:
    """Fit on labelled customers that the model was not fitted on.

    isotonic: pool adjacent violators (Zadrozny & Elkan 2002); platt: a logistic curve (Platt 1999).
    """
    if how == "none":
        return Calibration()
    from sklearn.isotonic import IsotonicRegression  # here, since workers that score import this module
    from sklearn.linear_model import LogisticRegression

    labels = np.concatenate([np.ones_like(cells.positives), np.zeros_like(cells.negatives)])
    weights = np.concatenate([cells.positives, cells.negatives])
    probability = np.concatenate([cells.probability, cells.probability])
    seen = weights > 0
    labels, weights, probability = labels[seen], weights[seen], probability[seen]
    if how == "isotonic":
        fitted = IsotonicRegression(y_min=EDGE, y_max=1 - EDGE).fit(probability, labels, weights)
        return Calibration("isotonic", tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))
    line = LogisticRegression(C=NO_PENALTY).fit(_log_odds(probability)[:, None], labels, weights)
    return Calibration("platt", (max(float(line.coef_[0, 0]), 0.0), float(line.intercept_[0])))


def _log_odds(probability: Floats) -> Floats:
    inside = np.clip(probability, 1e-15, 1 - 1e-15)
    return np.asarray(np.log(inside) - np.log1p(-inside))
