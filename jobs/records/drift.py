"""The record of drift: how far scores and features have moved since training."""

from typing import Any, ClassVar

from jobs.records.scoring import ScoresBasis
from jobs.storage.records import PartitionRecord, Section


class DriftBasis(Section):
    """What was compared: the scores, and a fingerprint of the limits."""

    scores: ScoresBasis
    limits: str


class DriftRecord(PartitionRecord):
    """Drift of the scores at a date against training: `drift/as_of=…/`."""

    COMMAND: ClassVar[str] = "`encore drift --as-of {partition}`"
    basis: DriftBasis
    as_of: str
    model: str
    reference_as_of: list[str]
    limits: dict[str, float]
    customers: int
    features: list[dict[str, Any]]
    score: dict[str, Any]
    above: list[Any]
