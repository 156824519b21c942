"""A fitted model as plain data, and scoring with it in Arrow batches on either engine."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from models.calibration import Calibration
from models.kinds import KINDS
from models.preparation import Input
from models.reasons import REASONS, reason_columns
from models.scorer import Floats, Scorer


@dataclass(frozen=True)
class PlainModel:
    """All that scoring needs. `kind` is a key of KINDS; inputs stand in the order of the scorer's terms."""

    kind: str
    inputs: tuple[Input, ...]
    scorer: Scorer
    calibration: Calibration

    @property
    def features(self) -> list[str]:
        """The features that it reads, each once, in order."""
        return list(dict.fromkeys(one.feature for one in self.inputs))

    def probability(self, matrix: Floats) -> Floats:
        """(rows,) calibrated P(label = 1) of a matrix (rows, inputs)."""
        return self.calibration(self.scorer.probability(matrix))

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `from_json`."""
        return {
            "kind": self.kind,
            "inputs": [asdict(one) for one in self.inputs],
            "scorer": self.scorer.to_json(),
            "calibration": self.calibration.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "PlainModel":
        """The model of `to_json`."""
        return cls(
            data["kind"],
            tuple(Input(**one) for one in data["inputs"]),
            KINDS[data["kind"]].scorer_from_json(data["scorer"]),
            Calibration.from_json(data["calibration"]),
        )


def scored(
    table: DataFrame, models: Mapping[str, PlainModel], keep: Sequence[str], reasons_of: str | None = None
) -> DataFrame:
    """Columns `keep` of a feature table, and a column of probabilities for each of the models by name.

    Args:
        reasons_of: name of the model whose strongest reasons are given beside, as `reason_1`, `reason_1_effect`, …
    """
    named = {name: [f"{name}_{number}" for number in range(len(model.inputs))] for name, model in models.items()}
    values = [
        one.value.alias(column)
        for name, model in models.items()
        for one, column in zip(model.inputs, named[name], strict=True)
    ]
    kept = table.select(*keep)
    schema = [f"`{field}` {kind}" for field, kind in kept.dtypes]
    schema += [f"{name} double" for name in models] + (REASONS if reasons_of else [])

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            arrays = [batch.column(name) for name in keep]
            for name, model in models.items():
                matrix = _matrix(batch, named[name])
                arrays.append(pa.array(model.probability(matrix)))
                if name == reasons_of:
                    terms = [one.feature for one in model.inputs]
                    reasons = reason_columns(model.scorer.contributions(matrix), terms, model.features)
            names = [*keep, *models]
            if reasons_of:
                arrays, names = [*arrays, *reasons.values()], [*names, *reasons]
            yield pa.RecordBatch.from_arrays(arrays, names=names)

    return table.select(*keep, *values).mapInArrow(score, ", ".join(schema))


def _matrix(batch: pa.RecordBatch, names: Sequence[str]) -> Floats:
    """(rows, inputs), the inputs of one row apart in memory, as most scorers read one input at a time."""
    columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
    return np.array(columns, dtype=float).T.reshape(batch.num_rows, len(names))
