"""How far the newest customers are from those the model learned from: what `encore drift` found."""

from dataclasses import dataclass
from datetime import date

from jobs.records.drift import DriftRecord
from jobs.storage.layer import Layer
from models.drift import FeatureDrift

SHOWN = 10  # rows of the page's table, and all that are above a limit
LIMITS = {"psi": "PSI", "null_share": "nulls", "new_category_share": "new categories"}


@dataclass(frozen=True)
class Drift:
    """The newest drift: all features, the most drifted first, and the score."""

    as_of: date
    record: DriftRecord

    @property
    def above(self) -> list[FeatureDrift]:
        """The features above a limit."""
        return [one for one in self.record.features if one.above]

    @property
    def is_above(self) -> bool:
        """Whether a feature or the score is above a limit."""
        return bool(self.above or self.record.score.above)

    @property
    def shown(self) -> list[FeatureDrift]:
        """Those that the page has room for."""
        others = [one for one in self.record.features if not one.above]
        return self.above + others[: max(SHOWN - len(self.above), 0)]


def newest_drift(layer: Layer[DriftRecord]) -> Drift | None:
    """The newest drift, None where it was never looked for."""
    records = layer.records()
    return Drift(date.fromisoformat(max(records)), records[max(records)]) if records else None
