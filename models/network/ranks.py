"""One process or many, behind one interface: what training needs of the others.

Keras 3 and Horovod do not know each other: `hvd.DistributedOptimizer` with `model.fit` averages nothing and says
nothing. So nothing is hooked here: whoever trains averages the gradients itself, by a call that is there to be read.
Every operation has a name of ours: Horovod would make one of those of layers, which are others where a rank has built
another network before, and wait for ever.
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
        """The mean over all ranks of tensors that each of them has; every rank must come here as often."""
        ...

    def agree(self, variables: Sequence[Any]) -> None:
        """Give variables the values that they have on rank 0."""
        ...

    def gather(self, numbers: Sequence[float]) -> Floats:
        """(ranks, numbers) what every rank says, the same on all of them to the last bit."""
        ...


class OneProcess:
    """Nobody else."""

    rank = 0
    size = 1

    def average(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """They are the mean."""
        return gradients

    def agree(self, variables: Sequence[Any]) -> None:
        """There is nobody to agree with."""

    def gather(self, numbers: Sequence[float]) -> Floats:
        """(1, numbers)."""
        return np.array([numbers], float)


class HorovodRanks:
    """The ranks of a Horovod job; `horovod.tensorflow.init` has been called."""

    def __init__(self) -> None:
        import horovod.tensorflow as hvd

        self._hvd = hvd
        self.rank, self.size = hvd.rank(), hvd.size()

    def average(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """By one operation for all of them."""
        averaged: Sequence[Any] = self._hvd.grouped_allreduce(
            list(gradients), op=self._hvd.Average, name="gradients", ignore_name_scope=True
        )
        return averaged

    def agree(self, variables: Sequence[Any]) -> None:
        """By broadcasts."""
        for number, variable in enumerate(variables):
            name = f"variable_{number}"
            variable.assign(self._hvd.broadcast(variable, root_rank=0, name=name, ignore_name_scope=True))

    def gather(self, numbers: Sequence[float]) -> Floats:
        """In the order of the ranks."""
        import tensorflow as tf

        said = tf.constant([numbers], tf.float64)
        return np.asarray(self._hvd.allgather(said, name="numbers", ignore_name_scope=True).numpy())
