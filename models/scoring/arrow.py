"""The part of scoring that runs in the engines' workers: from Arrow batches of inputs to probabilities and reasons.

A worker imports this module and its imports when it starts. So none of them is an engine or a library that fits models,
which would take seconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from models.arrays import Floats
from models.scoring.calibration import Calibration
from models.scoring.linear import Scorer
from models.scoring.reason_codes import reason_columns


@dataclass(frozen=True)
class BatchScorer:
    """Computes the column `name`, calibrated P(label = 1), from the columns `inputs`, and on request reasons.

    features: the feature that each input is computed from.
    """

    name: str
    inputs: tuple[str, ...]
    features: tuple[str, ...]
    scorer: Scorer
    calibration: Calibration
    gives_reasons: bool

    def columns(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """The new columns of a batch."""
        matrix = self._matrix(batch)
        found = {self.name: pa.array(self.calibration(self.scorer.probability(matrix)))}
        if not self.gives_reasons:
            return found
        return found | reason_columns(
            self.scorer.contributions(matrix), self.features, list(dict.fromkeys(self.features))
        )

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
