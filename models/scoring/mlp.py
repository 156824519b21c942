"""A multi-layer perceptron as plain arrays: scored and explained without the library that fitted it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.arrays import Floats
from models.scoring.linear import sigmoid

BLOCK_ROWS = 4096  # so many rows that their hidden units fit into the processor's cache
PATH_POINTS = 24
# Each activation function and its derivative.
ACTIVATIONS: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z: 1.0 - np.tanh(z) ** 2),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0))), lambda z: np.exp(np.minimum(z, 0.0))),
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
            found[rows] = self._forward(self._standardised(inputs[rows]))[-1][:, 0]
        return found

    def probability(self, inputs: Floats) -> Floats:
        """(rows,) P(label = 1)."""
        return sigmoid(self.margin(inputs))

    def contributions(self, inputs: Floats) -> Floats:
        """(rows, terms) integrated gradients along the straight line from the average customer to the row.

        Their sum is the difference of the two margins, up to the error of PATH_POINTS steps.

        Source: Sundararajan, Taly & Yan, Axiomatic attribution for deep networks (2017).
        """
        found = np.zeros(inputs.shape)
        for rows in _blocks(len(inputs)):
            ends = self._standardised(inputs[rows])
            for point in (np.arange(PATH_POINTS) + 0.5) / PATH_POINTS:
                found[rows] += self._slopes(point * ends)
            found[rows] *= ends / PATH_POINTS
        return found

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

    def _forward(self, values: Floats) -> list[Floats]:
        """The weighted sums of each layer, before activation: (rows, units)."""
        function, _ = ACTIVATIONS[self.activation]
        sums: list[Floats] = []
        for weights, bias in self.layers:
            sums.append(values @ weights + bias)
            values = function(sums[-1])
        return sums

    def _slopes(self, values: Floats) -> Floats:
        """(rows, terms) derivatives of the log odds at these standardised inputs."""
        _, slope = ACTIVATIONS[self.activation]
        *hidden, _ = self._forward(values)
        back = np.broadcast_to(self.layers[-1][0][:, 0], (len(values), len(self.layers[-1][0])))
        for sums, (weights, _) in zip(reversed(hidden), reversed(self.layers[:-1]), strict=True):
            back = (back * slope(sums)) @ weights.T
        return np.asarray(back)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_ROWS) for start in range(0, rows, BLOCK_ROWS))
