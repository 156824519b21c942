"""The record of scores and of the contact plan that was made from them."""

from typing import Any, ClassVar

from jobs.records.layers import FeaturesBasis
from jobs.storage.records import PartitionRecord, Section


class ScoresBasis(Section):
    """What scores are made from: the feature table, and fingerprints of the model and of the economics."""

    table: FeaturesBasis
    model: str
    targeting: str


class ScoresRecord(PartitionRecord):
    """Scores, one row per eligible customer: `scores/as_of=…/`; `plan` is None where no economics are declared."""

    COMMAND: ClassVar[str] = "`encore score --as-of {partition}`"
    basis: ScoresBasis
    model: str
    customers: int
    mean_probability: float
    sample: float
    plan: dict[str, Any] | None
