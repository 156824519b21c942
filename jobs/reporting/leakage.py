"""What the leakage audit flags: features that know the outcome too well to have come before it."""

import math
from dataclasses import dataclass

from conf.learning import Audit
from features.declared import NamedFeature
from jobs.formatting import UNBREAKABLE, count, percent
from jobs.records.training import AuditRecord
from jobs.reporting.model_comparison import Model, ModelComparison
from models.evaluation.intervals import Interval
from models.leakage.audit import CONFIDENCE, DecidingRegion

SHOWN = 10  # rows of the page's table, and all that are flagged
FLAGS = {"auc": "ranks alone", "decides": "decides"}


@dataclass(frozen=True)
class Suspect:
    """A feature alone: its AUC in the better direction, and what is held against it, if anything."""

    feature: str
    meaning: str
    auc: Interval
    direction: str | None
    flags: list[str]
    decides: DecidingRegion | None

    @property
    def why(self) -> str:
        """The values that decide the label, in a sentence; of a feature that others clear of it, that they do."""
        if not self.decides:
            return ""
        cleared = ": not flagged for these values, since others know nearly as much"
        return _sentence(self.decides) + ("" if "decides" in self.flags else cleared)


@dataclass(frozen=True)
class LeakageAudit:
    """All features, the flagged ones first, then by AUC; `rows` of the training set were audited."""

    rows: int
    positive_share: float
    limits: Audit
    features: list[Suspect]
    fitted_on: tuple[object, ...]

    @property
    def flagged(self) -> list[Suspect]:
        """Those that something is held against."""
        return [one for one in self.features if one.flags]

    @property
    def fewest(self) -> int:
        """Customers with values that can decide, at least: of fewer, all with one label are not yet proof."""
        return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - self.limits.other_label_share))

    def are_seen_by(self, model: Model) -> bool:
        """Whether a model looks at any that is flagged; a twin by another audit may do so, too."""
        return any(one.feature not in model.without for one in self.flagged)

    def twins(self, comparison: ModelComparison) -> list[tuple[Model, Model]]:
        """Each model that looks at none of them, and the same with them."""
        return [(one, other) for one, other in comparison.twins if not self.are_seen_by(one)]

    @property
    def shown(self) -> list[Suspect]:
        """Those that the page has room for."""
        return self.features[: max(SHOWN, len(self.flagged))]


def leakage_audit(record: AuditRecord | None, features: list[NamedFeature]) -> LeakageAudit | None:
    """The newest audit, None where there was none; meanings come from the declared features."""
    if record is None:
        return None
    meanings = {feature.name: feature.about for feature in features}
    suspects = [
        Suspect(
            feature=one.feature,
            meaning=meanings.get(one.feature, ""),
            auc=one.auc,
            direction=one.direction,
            flags=one.flags,
            decides=one.decides,
        )
        for one in record.features
    ]
    return LeakageAudit(record.rows, record.positive_share, record.limits, suspects, record.fitted_on.comparable)


def _sentence(decides: DecidingRegion) -> str:
    rows, others, label = decides.rows, decides.others, decides.label
    who = f"All {count(rows)}" if not others else f"{count(rows - others)} of {count(rows)}"
    return (
        f"{who} customers with {_whole(decides.where)} have label {label}; of the {count(decides.beside_rows)} "
        f"right beside, with {_whole(decides.beside)}, {percent(decides.beside_share)} have label {1 - label}; "
        f"a model of the features that are above suspicion expects {percent(decides.expected_share)} of those with "
        f"{_whole(decides.where)} to have it"
    )


def _whole(words: str) -> str:
    """`x > 0` on one line."""
    return (
        words.replace(" > ", f" >{UNBREAKABLE}").replace(" < ", f" <{UNBREAKABLE}").replace(" = ", f" ={UNBREAKABLE}")
    )
