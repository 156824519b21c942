"""Leakage audit: whether a feature, alone, knows the outcome too well to have come before it.

Two things are looked for. One is a feature that ranks customers nearly without fault. The other are values that decide
the label: nearly all customers with them have one label, and there is a cliff around them. A share alone does not tell
a leak from behaviour: of those who were here yesterday hardly anybody leaves either. But behaviour fades, and who was
here two days ago leaves hardly more often. A trace of how the table was made ends at once.

A finding is a suspicion: somebody who knows how the table was made must explain it or take the feature out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from scipy.special import betaincinv

from conf.learning import Audit
from features.declared import NamedFeature
from models.arrays import Floats, Ints
from models.evaluation.intervals import Interval
from models.leakage.regions import RegionCounts, count_regions
from models.leakage.univariate import Direction, auc_of_levels, auc_of_numbers
from models.leakage.value_counts import ValueCounts, count_values

CONFIDENCE = 0.95  # one-sided
FEWEST = 30  # customers of either label, below which an AUC's interval is too short: at 1 it has no width


@dataclass(frozen=True)
class DecidingRegion:
    """Values that decide the label.

    where: the values in words.
    label: that nearly all customers with them have; `others` of the `rows` have the other one.
    beside: the values next to them, with `beside_rows` customers, of whom `beside_share` have the other label.
    sql: the condition for having such values.
    expected_share: of the other label in there, as a model without any suspect expects it; None where none was asked.
    """

    where: str
    label: int
    rows: int
    others: int
    beside: str
    beside_rows: int
    beside_share: float
    sql: str
    expected_share: float | None = None

    def is_cliff_to(self, other_share: float, odds: float) -> bool:
        """Whether the odds of the other label, where its share is `other_share`, are so many times those in here."""
        most = _upper(np.array([self.others]), np.array([self.rows]))
        return bool(_odds(np.array([other_share]))[0] >= odds * _odds(most)[0])


@dataclass(frozen=True)
class FeatureAudit:
    """A feature alone.

    auc: of its values in the better direction.
    direction: which values go with label 1; None of a category, whose levels are taken in the order of their shares.
    decides: values that decide the label, where there are any.
    """

    feature: str
    auc: Interval
    direction: Direction | None
    flags: list[str]
    decides: DecidingRegion | None


@dataclass(frozen=True)
class AuditResult:
    """What the audit found in the training rows; flagged features first, then by AUC."""

    rows: int
    positive_share: float
    limits: Audit
    features: list[FeatureAudit]

    @property
    def flagged(self) -> list[str]:
        """The features that are suspected."""
        return [one.feature for one in self.features if one.flags]


def audit_features(train: DataFrame, features: Sequence[NamedFeature], limits: Audit) -> AuditResult:
    """Look at each feature alone, by counts of its values.

    A feature is flagged `auc` where its AUC reaches `limits.auc` with 95 % confidence, and `decides` where some of its
    values decide the label.

    Args:
        train: `label`, 0 or 1 and never null, and the features; rows that a model would be fitted on.

    Raises:
        ValueError: there are no rows.
    """
    values = count_values(train, {feature.name: feature.levels for feature in features})
    first = next(iter(values.values()))
    rows = int(first.negatives.sum() + first.positives.sum())
    if not rows:
        raise ValueError("audit: there are no customers to learn from")
    found = [_audited(feature, values[feature.name], limits) for feature in features]
    return AuditResult(rows, float(first.positives.sum() / rows), limits, flagged_first(found))


def flagged_first(found: Sequence[FeatureAudit]) -> list[FeatureAudit]:
    """In the order in which they are told: then by AUC."""
    return sorted(found, key=lambda one: (not one.flags, -np.nan_to_num(one.auc.value), one.feature))


def _audited(feature: NamedFeature, values: ValueCounts, limits: Audit) -> FeatureAudit:
    auc, direction = (auc_of_levels(values), None) if feature.kind == "category" else auc_of_numbers(values)
    decides = _deciding(count_regions(feature, values), limits)
    has_many = min(values.negatives.sum(), values.positives.sum()) >= FEWEST
    suspicions = {"auc": has_many and auc.low >= limits.auc, "decides": decides is not None}
    return FeatureAudit(feature.name, auc, direction, [name for name, is_so in suspicions.items() if is_so], decides)


def _deciding(some: Sequence[RegionCounts], limits: Audit) -> DecidingRegion | None:
    """The region with the most customers of those that decide the label, None where none does."""
    found = [region for one in some if (region := _largest(one, limits))]
    return max(found, key=lambda region: region.rows, default=None)


def _largest(some: RegionCounts, limits: Audit) -> DecidingRegion | None:
    """The largest that decides: with 95 % confidence each, at most `limits.other_label_share` of its customers have the
    other label, also at its edge, and right beside it the odds of that label are `limits.odds` times as high at least.

    Source: of the confidence bounds, Clopper & Pearson (1934).
    """
    inside, beside = some.inside, some.beside
    label = (inside[:, 1] > inside[:, 0]).astype(np.int64)
    each = np.arange(len(label))
    others, rows = inside[each, 1 - label], inside.sum(axis=1)
    beside_others, beside_rows = beside[each, 1 - label], beside.sum(axis=1)
    most, least_beside = _upper(others, rows), _lower(beside_others, beside_rows)
    is_cliff = _odds(least_beside) >= limits.odds * _odds(most)
    least_at_edge = _lower(some.edge[each, 1 - label], some.edge.sum(axis=1))
    decides = (most <= limits.other_label_share) & (least_at_edge <= limits.other_label_share) & is_cliff
    if not decides.any():
        return None
    first = int(np.argmax(np.where(decides, rows, -1)))
    where, around = some.words(first)
    share = float(beside_others[first] / beside_rows[first])
    return DecidingRegion(
        where=where,
        label=int(label[first]),
        rows=int(rows[first]),
        others=int(others[first]),
        beside=around,
        beside_rows=int(beside_rows[first]),
        beside_share=share,
        sql=some.sql(first),
    )


def _upper(hits: Ints, rows: Ints) -> Floats:
    """The greatest share with which so few hits among the rows are not surprising; 1 of no rows, and where all hit."""
    is_sure = hits < rows
    return np.where(is_sure, betaincinv(hits + 1, np.where(is_sure, rows - hits, 1), CONFIDENCE), 1.0)


def _lower(hits: Ints, rows: Ints) -> Floats:
    """The least share with which so many hits among the rows are not surprising; 0 of no hits."""
    is_sure = hits > 0
    return np.where(is_sure, betaincinv(np.where(is_sure, hits, 1), rows - hits + 1, 1 - CONFIDENCE), 0.0)


def _odds(share: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(share / (1 - share))
