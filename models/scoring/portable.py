"""A fitted model as plain data, and scoring a table with it on either engine."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

from pyspark.sql import DataFrame

from models.arrays import Floats
from models.scoring.arrow import BatchScorer, ScoreBatches
from models.scoring.calibration import Calibration
from models.scoring.inputs import Input
from models.scoring.linear import Linear, Scorer
from models.scoring.mlp import Mlp
from models.scoring.reason_codes import REASON_COLUMNS, ReasonCodes
from models.scoring.trees import Trees

SCORERS: Mapping[str, type[Linear | Trees | Mlp]] = {"linear": Linear, "trees": Trees, "mlp": Mlp}


@dataclass(frozen=True)
class PortableModel:
    """A fitted model as plain data: all that scoring needs.

    kind: the kind of model, for people; scoring does not depend on it. inputs: in the order of the scorer's terms.
    """

    kind: str
    inputs: tuple[Input, ...]
    scorer: Scorer
    calibration: Calibration

    @property
    def features(self) -> list[str]:
        """The features that the model reads, each once, in order."""
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
    def from_json(cls, data: dict[str, Any]) -> "PortableModel":
        """The model of `to_json`."""
        return cls(
            data["kind"],
            tuple(Input(**one) for one in data["inputs"]),
            scorer_from_json(data["scorer"]),
            Calibration.from_json(data["calibration"]),
        )


def scorer_from_json(data: dict[str, Any]) -> Scorer:
    """The scorer of `to_json`: the one of SCORERS whose fields have the names of the data's keys.

    Raises:
        ValueError: no scorer has these fields.
    """
    for scorer in SCORERS.values():
        if {field.name for field in fields(scorer)} == set(data):
            return scorer.from_json(data)
    found, known = ", ".join(sorted(data)), ", ".join(SCORERS)
    raise ValueError(f"no scorer ({known}) has the fields {found}; train the model again")


def score_table(
    table: DataFrame,
    models: Mapping[str, PortableModel],
    keep: Sequence[str],
    codes: Mapping[str, ReasonCodes] = MappingProxyType({}),
) -> DataFrame:
    """Score a feature table: the columns `keep`, and for each model a column of probabilities with its name.

    Args:
        models: by the name of the new column.
        codes: for the model by which reasons are given: the columns `reason_1`, `reason_1_effect`, …
    """
    scorers = [_batch_scorer(name, model, codes.get(name)) for name, model in models.items()]
    inputs = [
        one.value.alias(column)
        for scorer, model in zip(scorers, models.values(), strict=True)
        for one, column in zip(model.inputs, scorer.inputs, strict=True)
    ]
    schema = [f"`{field}` {kind}" for field, kind in table.select(*keep).dtypes]
    schema += [f"`{name}` double" for name in models] + (REASON_COLUMNS if codes else [])
    batches = ScoreBatches(tuple(keep), tuple(scorers))
    return table.select(*keep, *inputs).mapInArrow(batches, ", ".join(schema))


def _batch_scorer(name: str, model: PortableModel, codes: ReasonCodes | None) -> BatchScorer:
    columns = tuple(f"{name}_{number}" for number in range(len(model.inputs)))
    return BatchScorer(name, columns, model.scorer, model.calibration, codes)
