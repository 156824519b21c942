"""The record of drift: how far scores and features have moved since training."""

from typing import ClassVar

from conf.learning import Drift
from jobs.records.scoring import ScoresBasis
from jobs.storage.records import PartitionRecord, Section
from models.drift import FeatureDrift, ScoreDrift


class DriftBasis(Section):
    """What was compared: the scores, and a fingerprint of the limits."""

    scores: ScoresBasis
    limits: str


class DriftRecord(PartitionRecord):
    """Drift of the scores at a date against training: `drift/as_of=…/`; see `models.drift`.

    reference_as_of: as-of dates of the training set. above: features, and `probability`, that exceed a limit.
    """

    COMMAND: ClassVar[str] = "`encore drift --as-of {partition}`"
    basis: DriftBasis
    as_of: str
    model: str
    reference_as_of: list[str]
    limits: Drift
    customers: int
    features: list[FeatureDrift]
    score: ScoreDrift
    above: list[str]
