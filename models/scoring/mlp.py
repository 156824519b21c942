"""A multi-layer perceptron as plain arrays: scored and explained without the library that fitted it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ints
from models.scoring.linear import sigmoid
from models.scoring.shapley import Effects, Explainer, alone_weights, family_count, members, shapley_weights

BLOCK_ROWS = 4096  # so many rows that their hidden units fit into the processor's cache
ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda z: np.maximum(z, 0.0),
    "tanh": np.tanh,
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0))),
}


@dataclass(frozen=True, eq=False)
class Mlp:
    """A multi-layer perceptron from standardised inputs to the log odds of label 1.

    mean, deviation: (terms,); a standardised input is `(input - mean) / deviation`.
    layers: weights (units of the layer before, units) and bias (units,) of each layer; the last layer has one unit and
        no activation.
    """

    mean: Floats
    deviation: Floats
    layers: tuple[tuple[Floats, Floats], ...]
    activation: str

    def margin(self, inputs: Floats) -> Floats:
        """(rows,) log odds."""
        found = np.empty(len(inputs))
        for rows in _blocks(len(inputs)):
            weights, bias = self.layers[0]
            found[rows] = self._margin(self._standardised(inputs[rows]) @ weights + bias)
        return found

    def probability(self, inputs: Floats) -> Floats:
        """(rows,) P(label = 1)."""
        return self.probability_of(self.margin(inputs))

    def probability_of(self, margin: Floats) -> Floats:
        """(rows,) P(label = 1) by the margin."""
        return sigmoid(margin)

    def explainer(self, family: Ints) -> Explainer:
        """Effects of families, exact: in the game of a row, all others' inputs are those of the average customer."""
        families = family_count(family)
        holds, moved, alone = members(families), shapley_weights(families), alone_weights(families)
        belongs = family == np.arange(families)[:, None]

        def explain(inputs: Floats) -> Effects:
            worth = np.empty((len(inputs), len(holds)))
            for rows in _blocks(len(inputs)):
                parts = self._parts(self._standardised(inputs[rows]), belongs)
                average = np.broadcast_to(self.layers[0][1], (len(inputs[rows]), len(self.layers[0][1])))
                for number, some in enumerate(holds):
                    own = (part for part, is_own in zip(parts, some, strict=True) if is_own)
                    worth[rows, number] = self._margin(sum(own, start=average))
            return Effects(self.margin(inputs), worth @ moved, worth @ alone)

        return explain

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `from_json`."""
        layers = [{"weights": weights.tolist(), "bias": bias.tolist()} for weights, bias in self.layers]
        arrays = {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}
        return {"activation": self.activation, **arrays, "layers": layers}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Mlp":
        """The scorer of `to_json`."""
        layers = tuple((np.array(one["weights"], float), np.array(one["bias"], float)) for one in data["layers"])
        return cls(np.array(data["mean"], float), np.array(data["deviation"], float), layers, data["activation"])

    def _standardised(self, inputs: Floats) -> Floats:
        return np.asarray((inputs - self.mean) / self.deviation)

    def _parts(self, standardised: Floats, belongs: NDArray[np.bool_]) -> list[Floats]:
        """For each family, what its terms add to the sums of the first layer; the average customer adds 0."""
        weights = self.layers[0][0]
        return [standardised[:, terms] @ weights[terms] for terms in belongs]

    def _margin(self, sums: Floats) -> Floats:
        """(rows,) log odds by the sums of the first layer, (rows, units)."""
        activation = ACTIVATIONS[self.activation]
        for weights, bias in self.layers[1:]:
            sums = activation(sums) @ weights + bias
        return sums[:, 0]


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, rows, BLOCK_ROWS))
