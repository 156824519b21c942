"""A rank's network with its optimizer: a step, a block of steps, and the loss of rows that judge."""

from typing import Any

import numpy as np
import tensorflow as tf

from models.network.build import network_of_inputs, optimizer_of, row_losses
from models.network.checkpoint import Arrays, values_of
from models.network.job import NetworkJob
from models.network.ranks import Ranks
from models.network.shards import LABEL_AND_WEIGHT, Singles

STEPS_A_EPOCH = 1 << 20  # more draws of dropout than an epoch has steps


class Trainer:
    """Fits by gradients that are averaged over the ranks; each begins with weights of its own until they agree."""

    def __init__(self, plan: NetworkJob, ranks: Ranks) -> None:
        self._plan, self._ranks = plan, ranks
        self._network = network_of_inputs(plan.network, *plan.standard, plan.seed + ranks.rank)
        self._optimizer = optimizer_of(plan.network, ranks.size, plan.train.steps)
        self._optimizer.build(self._network.trainable_variables)
        self._losses = row_losses(plan.network)
        blocks = [tf.TensorSpec([None, None, None, plan.train.width + LABEL_AND_WEIGHT], tf.float32)]
        # No XLA: it has no kernel for averaging.
        self._train = tf.function(self._train_block, input_signature=blocks, jit_compile=False)
        self._judge = tf.function(self._judge_block, input_signature=blocks, jit_compile=False)
        self.train(
            np.zeros((1, 0, 1, plan.train.width + LABEL_AND_WEIGHT), np.float32)
        )  # compiles, and does nothing yet

    def restore(self, weights: Arrays, optimizer: Arrays) -> None:
        """Go on from these, or from the first weights where there are none; rank 0's hold for everybody."""
        for variables, found in ((self._network.weights, weights), (self._optimizer.variables, optimizer)):
            for variable, value in zip(variables, found, strict=True) if found else ():
                variable.assign(value)
        self._ranks.agree([variable.value for variable in (*self._network.weights, *self._optimizer.variables)])

    def seed_dropout(self, epoch: int) -> None:
        """Set dropout to its draws of an epoch, which are the same in a fit that goes on."""
        for number, layer in enumerate(self._network.layers):
            if hasattr(layer, "seed_generator"):
                [seed] = np.random.default_rng([self._plan.seed, self._ranks.rank, number]).integers(1 << 31, size=1)
                layer.seed_generator.state.assign(np.array([seed, epoch * STEPS_A_EPOCH], np.uint32))

    def train(self, block: Singles) -> tuple[float, float]:
        """Take the steps of a block; its sum of weighted losses, and of weights, on this rank."""
        loss, weight = self._train(block)
        return float(loss), float(weight)

    def judge(self, block: Singles) -> tuple[float, float]:
        """The sum of weighted losses of a block, and of weights, on this rank."""
        loss, weight = self._judge(block)
        return float(loss), float(weight)

    def state(self) -> tuple[Arrays, Arrays]:
        """Weights of the network and variables of the optimizer."""
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

    def _judge_block(self, block: Any) -> Any:
        return self._weighted(tf.reshape(block, [-1, block.shape[-1]]), training=False)

    def _weighted(self, rows: Any, training: bool) -> Any:
        """Sum of the weighted losses of some rows, and of the weights."""
        inputs, labels, weights = tf.split(rows, [rows.shape[-1] - LABEL_AND_WEIGHT, 1, 1], axis=1)
        losses = self._losses(self._network(inputs, training=training), labels[:, 0])
        return tf.reduce_sum(losses * weights[:, 0]), tf.reduce_sum(weights)
