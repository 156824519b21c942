"""The network of a rank with its optimizer: trains on blocks of batches, and computes the validation loss."""

from typing import Any

import numpy as np
import tensorflow as tf

from models.network.build import network_of_inputs, optimizer_of, row_losses
from models.network.checkpoint import VariableValues, values_of
from models.network.job import NetworkJob
from models.network.ranks import Ranks
from models.network.shards import LABEL_AND_WEIGHT, Singles

STEPS_A_EPOCH = 1 << 20  # more than an epoch has, so that draws of dropout differ between epochs


class Trainer:
    """Trains by gradients that are averaged over the ranks; `restore` gives all ranks the same weights."""

    def __init__(self, job: NetworkJob, ranks: Ranks) -> None:
        self._job, self._ranks = job, ranks
        self._network = network_of_inputs(job.network, *job.standard, job.seed + ranks.rank)
        self._optimizer = optimizer_of(job.network, ranks.size, job.train.steps)
        self._optimizer.build(self._network.trainable_variables)
        self._losses = row_losses(job.network)
        blocks = [tf.TensorSpec([None, None, None, job.train.width + LABEL_AND_WEIGHT], tf.float32)]
        # No XLA, which has no kernel for averaging.
        self._train = tf.function(self._train_block, input_signature=blocks, jit_compile=False)
        self._validate = tf.function(self._validate_block, input_signature=blocks, jit_compile=False)
        self.train(np.zeros((1, 0, 1, job.train.width + LABEL_AND_WEIGHT), np.float32))  # compiles without a step

    def restore(self, weights: VariableValues, optimizer: VariableValues) -> None:
        """Set weights and optimizer, if there are any, and copy those of rank 0 to all ranks."""
        for variables, found in ((self._network.weights, weights), (self._optimizer.variables, optimizer)):
            for variable, value in zip(variables, found, strict=True) if found else ():
                variable.assign(value)
        self._ranks.agree([variable.value for variable in (*self._network.weights, *self._optimizer.variables)])

    def seed_dropout(self, epoch: int) -> None:
        """Seed dropout for an epoch, so that a resumed fit draws the same."""
        for number, layer in enumerate(self._network.layers):
            if hasattr(layer, "seed_generator"):
                [seed] = np.random.default_rng([self._job.seed, self._ranks.rank, number]).integers(1 << 31, size=1)
                layer.seed_generator.state.assign(np.array([seed, epoch * STEPS_A_EPOCH], np.uint32))

    def train(self, block: Singles) -> tuple[float, float]:
        """Train on a block; returns the sums of weighted losses and of weights on this rank."""
        loss, weight = self._train(block)
        return float(loss), float(weight)

    def validate(self, block: Singles) -> tuple[float, float]:
        """The sums of weighted losses and of weights of a block on this rank, without training."""
        loss, weight = self._validate(block)
        return float(loss), float(weight)

    def state(self) -> tuple[VariableValues, VariableValues]:
        """The weights of the network and the variables of the optimizer."""
        return values_of(self._network.weights), values_of(self._optimizer.variables)

    def _train_block(self, block: Any) -> Any:
        trainable = self._network.trainable_variables
        losses, weights = 0.0, 0.0
        for step in tf.range(tf.shape(block)[1]):
            rows = tf.reshape(block[:, step], [-1, block.shape[-1]])
            with tf.GradientTape() as tape:
                loss, weight = self._weighted(rows, training=True)
                mean = loss / tf.cast(tf.shape(rows)[0], tf.float32)
            gradients = tape.gradient(mean, [variable.value for variable in trainable])
            self._optimizer.apply(self._ranks.average(gradients), trainable)
            losses += loss
            weights += weight
        return losses, weights

    def _validate_block(self, block: Any) -> Any:
        return self._weighted(tf.reshape(block, [-1, block.shape[-1]]), training=False)

    def _weighted(self, rows: Any, training: bool) -> Any:
        """The sums of weighted losses and of weights of some rows."""
        inputs, labels, weights = tf.split(rows, [rows.shape[-1] - LABEL_AND_WEIGHT, 1, 1], axis=1)
        losses = self._losses(self._network(inputs, training=training), labels[:, 0])
        return tf.reduce_sum(losses * weights[:, 0]), tf.reduce_sum(weights)
