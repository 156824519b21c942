"""The part of scoring that runs in the engines' workers: from Arrow batches of inputs to probabilities and reasons.

A worker imports this module and its imports when it starts. So none of them is an engine or a library that fits models,
which would take seconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from models.arrays import Floats
from models.scoring.calibration import Calibration
from models.scoring.linear import Scorer
from models.scoring.reason_codes import ReasonCodes
from models.scoring.shapley import Explainer


@dataclass(frozen=True)
class BatchScorer:
    """Computes the column `name`, calibrated P(label = 1), from the columns `inputs`; with codes also reasons."""

    name: str
    inputs: tuple[str, ...]
    scorer: Scorer
    calibration: Calibration
    codes: ReasonCodes | None

    def columns(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """The new columns of a batch."""
        matrix = self._matrix(batch)
        if self.codes is None:
            return {self.name: pa.array(self.calibration(self.scorer.probability(matrix)))}
        effects = self._explain(matrix)
        probability = self.calibration(self.scorer.probability_of(effects.margin))
        return {self.name: pa.array(probability), **self.codes.columns(matrix, effects)}

    @cached_property
    def _explain(self) -> Explainer:
        """Made once in each worker."""
        assert self.codes is not None  # as nothing is explained without them
        return self.scorer.explainer(self.codes.family)

    def _matrix(self, batch: pa.RecordBatch) -> Floats:
        """(rows, inputs), each input contiguous in memory, since most scorers read one input at a time."""
        columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in self.inputs]
        return np.array(columns, dtype=float).reshape(len(columns), batch.num_rows).T


@dataclass(frozen=True)
class ScoreBatches:
    """The function for `mapInArrow`: returns the columns `keep`, then all probabilities, then the reasons."""

    keep: tuple[str, ...]
    scorers: tuple[BatchScorer, ...]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score the rows of the batches."""
        for batch in batches:
            columns = {name: batch.column(name) for name in self.keep}
            probabilities: dict[str, pa.Array] = {}
            reasons: dict[str, pa.Array] = {}
            for scorer in self.scorers:
                found = scorer.columns(batch)
                probabilities[scorer.name] = found.pop(scorer.name)
                reasons |= found
            columns |= probabilities | reasons
            yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
