"""Calibration of probabilities: a fitted map from a model's probability to the share of customers with label 1."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from models.arrays import Floats
from models.scoring.linear import sigmoid

CalibrationMethod = Literal["none", "isotonic", "platt"]
SMALLEST = 1e-15  # a probability is kept this far from 0 and 1


@dataclass(frozen=True)
class Calibration:
    """A map from probabilities to probabilities that never reverses their order.

    isotonic: linear between the points (x, y). platt: x holds slope and intercept of the log odds.
    """

    how: CalibrationMethod = "none"
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __call__(self, probability: Floats) -> Floats:
        """(rows,) calibrated probabilities."""
        if self.how == "isotonic":
            return np.asarray(np.interp(probability, self.x, self.y))
        if self.how == "platt":
            slope, intercept = self.x
            return sigmoid(intercept + slope * log_odds(probability))
        return probability

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Calibration":
        """The calibration of `to_json`."""
        return cls(data["how"], tuple(data["x"]), tuple(data["y"]))


def log_odds(probability: Floats) -> Floats:
    """log(p / (1 - p)), finite for 0 and 1."""
    inside = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(inside) - np.log1p(-inside))
