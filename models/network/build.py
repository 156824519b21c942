"""Builds the network and its optimizer by their declaration. Importing this module loads TensorFlow (seconds)."""

import math
from collections.abc import Callable
from itertools import count
from typing import Any

import keras
from keras import ops

from conf.network import Network
from models.arrays import Floats

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
WITH_MOMENTUM = ("rmsprop", "sgd")


def network_of_inputs(network: Network, mean: Floats, deviation: Floats, seed: int) -> Any:
    """Build the network: a matrix (rows, inputs), standardised by the first layer, to log odds.

    The output is (rows, 1), or for softmax (rows, 2), one column for each label.

    Args:
        mean, deviation: (inputs,) of the training rows.
        seed: of the initial weights and of dropout.
    """
    draws = count(seed % 2**53 * 1000)  # Keras takes seeds up to 2**63

    def dense(units: int, **more: Any) -> Any:
        return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(next(draws)), **more)

    inputs = keras.Input((len(mean),), name="inputs")
    values = keras.layers.Normalization(mean=mean, variance=deviation**2, name="standardised")(inputs)
    for number, units in enumerate(network.hidden, 1):
        values = dense(units, activation=network.activation, name=f"hidden_{number}")(values)
        if network.dropout:
            values = keras.layers.Dropout(network.dropout, seed=next(draws), name=f"dropout_{number}")(values)
    return keras.Model(inputs, dense(2 if network.output == "softmax" else 1, name="log_odds")(values))


def row_losses(network: Network) -> Callable[[Any, Any], Any]:
    """The loss function: from the network's output and the labels (rows,) to the loss of each row, (rows,)."""
    losses: dict[tuple[str, str], Callable[[Any, Any], Any]] = {
        ("cross_entropy", "sigmoid"): lambda y, z: keras.losses.binary_crossentropy(y, z, from_logits=True),
        ("focal", "sigmoid"): lambda y, z: keras.losses.binary_focal_crossentropy(y, z, from_logits=True),
        ("squared", "sigmoid"): lambda y, z: keras.losses.mean_squared_error(y, ops.sigmoid(z)),
        ("cross_entropy", "softmax"): lambda y, z: keras.losses.categorical_crossentropy(y, z, from_logits=True),
        ("focal", "softmax"): lambda y, z: keras.losses.categorical_focal_crossentropy(
            y, z, alpha=1.0, from_logits=True
        ),
        ("squared", "softmax"): lambda y, z: keras.losses.mean_squared_error(y, ops.softmax(z)),
    }
    loss = losses[network.loss, network.output]
    if network.output == "softmax":
        return lambda output, labels: loss(ops.one_hot(ops.cast(labels, "int32"), 2), output)
    return lambda output, labels: loss(labels[:, None], output)


def optimizer_of(network: Network, ranks: int, steps: int) -> Any:
    """Build the optimizer, with its schedule of learning rates.

    Args:
        ranks: number of ranks, for `scaling`.
        steps: batches per epoch.
    """
    limits = {"clipnorm": network.clip_norm, "global_clipnorm": network.global_clip_norm}
    momentum = {"momentum": network.momentum} if network.optimizer in WITH_MOMENTUM else {}
    return OPTIMIZERS[network.optimizer](learning_rate=LearningRate(network, ranks, steps), **limits, **momentum)


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The declared learning rate, scaled by the ranks; it rises from 0 during warm-up and falls by the schedule.

    Source of linear scaling and warm-up: Goyal et al., Accurate, large minibatch SGD (2017); of square root scaling:
    Krizhevsky, One weird trick for parallelizing convolutional neural networks (2014).
    """

    def __init__(self, network: Network, ranks: int, steps: int) -> None:
        by_ranks = {"none": 1.0, "linear": float(ranks), "square_root": math.sqrt(ranks)}
        self.peak = network.learning_rate * by_ranks[network.scaling]
        self.network, self.steps = network, steps

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step; steps are numbered from 0."""
        done = ops.cast(step, "float32")
        warm_up = self.network.warmup_epochs * self.steps
        risen = ops.minimum(1.0, (done + 1.0) / warm_up) if warm_up else 1.0
        return self.peak * risen * self._left(done)

    def _left(self, done: Any) -> Any:
        if self.network.schedule == "cosine":
            return 0.5 * (1.0 + ops.cos(math.pi * ops.minimum(1.0, done / (self.network.epochs * self.steps))))
        if self.network.schedule == "exponential":
            return ops.power(self.network.decay, ops.floor(done / self.steps))
        return 1.0
