"""Exports a fitted network: as a Keras model of raw features, and as a portable scorer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import tensorflow as tf
from keras import ops
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.arrays import Floats
from models.fitting.encoding import Term
from models.scoring.inputs import Input
from models.scoring.mlp import Mlp
from models.scoring.portable import PortableModel

SAME_PROBABILITY = 1e-4  # the network computes in single precision


def network_with_preprocessing(network_of: Any, output: str, terms: Sequence[Term], inputs: Sequence[Input]) -> Any:
    """Build the network that takes raw features: its first layers compute the inputs.

    It maps features by name, each of shape (rows, 1), to P(label = 1), (rows, 1), or for softmax to the probability of
    both labels, (rows, 2). A missing number is NaN; a category is text, and empty if missing.

    Args:
        network_of: the network of the matrix of inputs.
        output: `sigmoid` or `softmax`.
        terms: how the inputs are computed from features; at least those of `inputs`.
        inputs: in the order of the matrix, with the values that replace null.
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


def portable_copy(network_of: Any, mean: Floats, deviation: Floats, activation: str) -> Mlp:
    """The portable scorer of a network; the log odds of a softmax are the difference of its two outputs."""
    arrays = [np.asarray(weights, float) for weights in network_of.get_weights()]
    layers = list(zip(arrays[::2], arrays[1::2], strict=True))
    weights, bias = layers[-1]
    if weights.shape[1] == 2:
        layers[-1] = np.diff(weights, axis=1), np.diff(bias)
    return Mlp(mean, deviation, tuple(layers), activation)


def require_same_scores(file: Path, plain: PortableModel, rows: DataFrame) -> None:
    """Compare the network of a file with its portable copy on some rows of a feature table.

    Raises:
        RuntimeError: the probabilities differ.
    """
    names = [f"input_{number}" for number in range(len(plain.inputs))]
    inputs = [one.value.alias(name) for one, name in zip(plain.inputs, names, strict=True)]
    table = rows.select(*(F.col(name).alias(f"raw_{name}") for name in plain.features), *inputs).toArrow()
    by_file = probabilities(keras.saving.load_model(file), {name: table[f"raw_{name}"] for name in plain.features})
    by_copy = plain.scorer.probability(np.column_stack([table[name].to_numpy() for name in names]))
    apart = np.abs(by_file - by_copy).max()
    if not apart < SAME_PROBABILITY:
        raise RuntimeError(f"{file}: gives other probabilities than its portable copy, by {apart:g}")


def probabilities(network: Any, features: Mapping[str, pa.ChunkedArray]) -> Floats:
    """(rows,) P(label = 1) by a saved network of raw features, which are given as columns."""
    output = network({name: _raw(column) for name, column in features.items()}, training=False)
    return np.asarray(output, float)[:, -1]


def _raw(column: pa.ChunkedArray) -> Any:
    """(rows, 1) the column as the network takes it."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return tf.constant([[value or ""] for value in column.to_pylist()])
    return tf.constant(column.cast(pa.float64(), safe=False).to_numpy()[:, None], tf.float32)


def _column(term: Term, one: Input, feature: Any) -> Any:
    """(rows, 1) the values of a term."""
    if term.how == "is_level":
        lookup = keras.layers.StringLookup(vocabulary=[term.level], output_mode="int", num_oov_indices=1)
        return ops.cast(lookup(feature), "float32")
    if term.how == "is_missing":
        return ops.cast(ops.isnan(feature), "float32")
    value = ops.sign(feature) * ops.log1p(ops.abs(feature)) if term.how == "signed_log" else feature
    return value if one.fill is None else ops.where(ops.isnan(feature), one.fill, value)
