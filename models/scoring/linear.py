"""The interface of scorers, and logistic regression as plain arrays."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from models.arrays import Floats, Ints
from models.scoring.shapley import Effects, Explainer, family_count


class Scorer(Protocol):
    """A fitted model that scores a matrix of inputs, (rows, terms), without missing values."""

    def margin(self, inputs: Floats) -> Floats:
        """(rows,) the score on the model's own scale: log odds, or a share of votes."""
        ...

    def probability(self, inputs: Floats) -> Floats:
        """(rows,) P(label = 1), before calibration."""
        ...

    def probability_of(self, margin: Floats) -> Floats:
        """(rows,) the same by the margin."""
        ...

    def explainer(self, family: Ints) -> Explainer:
        """What explains margins by families of features. family: (terms,) number of the family of each term."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `from_json` of the same class; its keys are the names of the fields."""
        ...


@dataclass(frozen=True)
class Linear:
    """A logistic regression on standardised inputs: `(input - mean) / deviation * weight`, all of shape (terms,)."""

    intercept: float
    mean: Floats
    deviation: Floats
    weight: Floats

    def margin(self, inputs: Floats) -> Floats:
        """(rows,) log odds."""
        return np.asarray(self.intercept + self._added(inputs).sum(axis=1))

    def probability(self, inputs: Floats) -> Floats:
        """(rows,) P(label = 1)."""
        return self.probability_of(self.margin(inputs))

    def probability_of(self, margin: Floats) -> Floats:
        """(rows,) P(label = 1) by the margin."""
        return sigmoid(margin)

    def explainer(self, family: Ints) -> Explainer:
        """Effects of families: sums over their terms, exact, since the mean of a standardised input is 0."""
        belongs = (family[:, None] == np.arange(family_count(family))).astype(float)

        def explain(inputs: Floats) -> Effects:
            added = self._added(inputs)
            moved = added @ belongs
            return Effects(np.asarray(self.intercept + added.sum(axis=1)), moved, moved)

        return explain

    def _added(self, inputs: Floats) -> Floats:
        """(rows, terms) what each term adds to the log odds."""
        slope = np.divide(self.weight, self.deviation, out=np.zeros_like(self.weight), where=self.deviation > 0)
        return np.asarray((inputs - self.mean) * slope)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `from_json`."""
        arrays = {"mean": self.mean, "deviation": self.deviation, "weight": self.weight}
        return {"intercept": self.intercept, **{name: values.tolist() for name, values in arrays.items()}}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Linear":
        """The scorer of `to_json`."""
        return cls(data["intercept"], *(np.array(data[name], float) for name in ("mean", "deviation", "weight")))


def sigmoid(margin: Floats) -> Floats:
    """P = 1 / (1 + exp(-margin)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * margin)))
