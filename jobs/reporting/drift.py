"""How far the newest customers are from those the model learned from: what `encore drift` found."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from jobs.context import Context

SHOWN = 10  # rows of the page's table, and all that are above a limit
LIMITS = {"psi": "PSI", "null_share": "nulls", "new_category_share": "new categories"}


@dataclass(frozen=True)
class Shifted:
    """A feature now against training; `above` names the limits that it passes."""

    feature: str
    meaning: str
    kind: str
    psi: float | None
    null_share: float | None
    null_share_at_training: float | None
    new_category_share: float | None
    above: list[str]


@dataclass(frozen=True)
class Shift:
    """All features, the most drifted first, and the score itself."""

    as_of: date
    model: str
    reference_as_of: list[str]
    customers: int
    limits: dict[str, float]
    features: list[Shifted]
    score: dict[str, Any]

    @property
    def above(self) -> list[Shifted]:
        """The features above a limit."""
        return [one for one in self.features if one.above]

    @property
    def is_above(self) -> bool:
        """Whether a feature or the score is above a limit."""
        return bool(self.above or self.score["above"])

    @property
    def shown(self) -> list[Shifted]:
        """Those that the page has room for."""
        return self.above + [one for one in self.features if not one.above][: max(SHOWN - len(self.above), 0)]


def shift(context: Context) -> Shift | None:
    """The newest drift, None where it was never looked for."""
    records = context.data.drift.records()
    if not records:
        return None
    told = records[max(records)]
    return Shift(
        as_of=date.fromisoformat(max(records)),
        model=told["model"],
        reference_as_of=told["reference_as_of"],
        customers=told["customers"],
        limits=told["limits"],
        features=[Shifted(**{field.name: one[field.name] for field in fields(Shifted)}) for one in told["features"]],
        score=told["score"],
    )
