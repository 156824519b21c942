"""The communication between ranks, for one process and for Horovod, behind one interface.

Keras 3 does not support Horovod: `hvd.DistributedOptimizer` with `model.fit` averages nothing, without an error. So the
training loop averages gradients itself, by an explicit call. Every operation has an explicit name: the default is made
from the names of layers, which differ between ranks if one of them has built a network before, and Horovod would then
wait for ever.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from models.arrays import Floats


class Ranks(Protocol):
    """The processes that train together."""

    rank: int
    size: int

    def average(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """The mean of tensors over all ranks; every rank must call this equally often."""
        ...

    def agree(self, variables: Sequence[Any]) -> None:
        """Set variables to the values that they have on rank 0."""
        ...

    def gather(self, numbers: Sequence[float]) -> Floats:
        """(ranks, numbers) the numbers of every rank, the same on all ranks to the last bit."""
        ...


class OneProcess:
    """A single process."""

    rank = 0
    size = 1

    def average(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """Return the gradients as they are."""
        return gradients

    def agree(self, variables: Sequence[Any]) -> None:
        """Do nothing."""

    def gather(self, numbers: Sequence[float]) -> Floats:
        """(1, numbers) the numbers of this process."""
        return np.array([numbers], float)


class HorovodRanks:
    """The ranks of a Horovod job; `horovod.tensorflow.init` has been called."""

    def __init__(self) -> None:
        import horovod.tensorflow as hvd

        self._hvd = hvd
        self.rank, self.size = hvd.rank(), hvd.size()

    def average(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """Average all gradients in one operation."""
        averaged: Sequence[Any] = self._hvd.grouped_allreduce(
            list(gradients), op=self._hvd.Average, name="gradients", ignore_name_scope=True
        )
        return averaged

    def agree(self, variables: Sequence[Any]) -> None:
        """Broadcast the variables of rank 0."""
        for number, variable in enumerate(variables):
            name = f"variable_{number}"
            variable.assign(self._hvd.broadcast(variable, root_rank=0, name=name, ignore_name_scope=True))

    def gather(self, numbers: Sequence[float]) -> Floats:
        """Gather the numbers in the order of the ranks."""
        import tensorflow as tf

        own = tf.constant([numbers], tf.float64)
        return np.asarray(self._hvd.allgather(own, name="numbers", ignore_name_scope=True).numpy())
