"""The network that takes a raw feature row: what makes its inputs are layers of the saved model, like all others."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from conf.network import Network
from models.dense import Dense
from models.network.build import network_of_inputs
from models.network.checkpoint import Arrays
from models.preparation import Input
from models.scorer import Floats
from models.terms import Term


def whole_network(network_of: Any, output: str, terms: Sequence[Term], inputs: Sequence[Input]) -> Any:
    """From features by name, each of shape (rows, 1), to P(label = 1), (rows, 1), or of both labels, (rows, 2).

    A number that is missing is NaN, a category is text, and empty where it is missing.

    Args:
        network_of: the network of the matrix of inputs.
        output: `sigmoid` or `softmax`.
        terms: how the inputs are made of features, at least those of `inputs`.
        inputs: in the order of the matrix, with what stands for null.
    """
    known = {term.name: term for term in terms}
    texts = {term.feature for term in terms if term.how == "is_level"}
    features = {
        name: keras.Input((1,), name=name, dtype="string" if name in texts else "float32")
        for name in dict.fromkeys(one.feature for one in inputs)
    }
    columns = [_column(known[one.name], one, features[one.feature]) for one in inputs]
    together = ops.concatenate(columns, axis=1) if len(columns) > 1 else columns[0]
    return keras.Model(features, keras.layers.Activation(output, name="probability")(network_of(together)))


def plain_copy(network_of: Any, mean: Floats, deviation: Floats, activation: str) -> Dense:
    """The network of a matrix of inputs as plain arrays; of two units by softmax, the difference is the log odds."""
    arrays = [np.asarray(weights, float) for weights in network_of.get_weights()]
    layers = list(zip(arrays[::2], arrays[1::2], strict=True))
    weights, bias = layers[-1]
    if weights.shape[1] == 2:
        layers[-1] = np.diff(weights, axis=1), np.diff(bias)
    return Dense(mean, deviation, tuple(layers), activation)


def _column(term: Term, one: Input, feature: Any) -> Any:
    """(rows, 1) of the term."""
    if term.how == "is_level":
        lookup = keras.layers.StringLookup(vocabulary=[term.level], output_mode="int", num_oov_indices=1)
        return ops.cast(lookup(feature), "float32")
    if term.how == "is_missing":
        return ops.cast(ops.isnan(feature), "float32")
    value = ops.sign(feature) * ops.log1p(ops.abs(feature)) if term.how == "signed_log" else feature
    return value if one.fill is None else ops.where(ops.isnan(feature), one.fill, value)
