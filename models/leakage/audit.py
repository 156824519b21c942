"""Leakage audit: finds features that, alone, predict the outcome too well to have been known before it.

It looks for two things. One is a feature that ranks customers almost perfectly. The other is values that decide the
label: nearly all customers with them have one label, and customers with the neighbouring values do not. A share alone
does not tell leakage from behaviour, since few of those who came yesterday leave. But behaviour changes gradually: of
those who came two days ago hardly more leave. A trace of how the table was made changes abruptly.

A finding is a suspicion: somebody who knows how the table was made must explain it or remove the feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame

from conf.learning import Audit
from features.declared import NamedFeature
from models.arrays import Floats, Ints
from models.evaluation.intervals import Interval
from models.leakage.regions import RegionCounts, count_regions
from models.leakage.univariate import Direction, auc_of_levels, auc_of_numbers, of_customers
from models.leakage.value_counts import ValueCounts, count_values

CONFIDENCE = 0.95  # of one-sided confidence bounds
FEWEST = (
    30  # customers of either label; with fewer, the interval of an AUC is too short, and at an AUC of 1 it has no width
)


@dataclass(frozen=True)
class DecidingRegion:
    """Values of a feature that decide the label.

    where: the values in words.
    label: the label of nearly all customers with these values; `others` of the `rows` have the other label.
    beside: the neighbouring values in words; of their `beside_rows` customers `beside_share` have the other label.
    sql: the condition for these values.
    expected_share: of the other label among these customers, as predicted by a model without suspected features; None
        if no model was asked.
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
        """Whether the odds of the other label at a share of `other_share` are at least `odds` times those in here."""
        most = _upper(np.array([self.others]), np.array([self.rows]))
        return bool(_odds(np.array([other_share]))[0] >= odds * _odds(most)[0])


@dataclass(frozen=True)
class FeatureAudit:
    """The audit of a feature alone.

    auc: of its values in the better direction.
    direction: which values go with label 1; None for a category, whose levels are ordered by their shares of label 1.
    flags: `auc` and `decides` (see `audit_features`), or none.
    decides: values that decide the label; None if there are none.
    """

    feature: str
    auc: Interval
    direction: Direction | None
    flags: list[str]
    decides: DecidingRegion | None


@dataclass(frozen=True)
class AuditResult:
    """The audit of the training rows; flagged features come first, then by AUC."""

    rows: int
    positive_share: float
    limits: Audit
    features: list[FeatureAudit]

    @property
    def flagged(self) -> list[str]:
        """The names of the suspected features."""
        return [one.feature for one in self.features if one.flags]


def audit_features(
    train: DataFrame, features: Sequence[NamedFeature], limits: Audit, rows_per_customer: float = 1.0
) -> AuditResult:
    """Audit each feature alone, by counts of its values.

    A feature is flagged `auc` if its AUC reaches `limits.auc` with 95 % confidence, and `decides` if some of its values
    decide the label.

    Args:
        train: training rows: `label`, 0 or 1 and never null, and the features.
        rows_per_customer: how many rows a customer has on average, at as many as-of dates. They may say no more than
            one row, so the interval of an AUC is as wide as that of so many fewer rows.

    Raises:
        ValueError: there are no rows.
    """
    values = count_values(train, {feature.name: feature.levels for feature in features})
    first = next(iter(values.values()))
    rows = int(first.negatives.sum() + first.positives.sum())
    if not rows:
        raise ValueError("audit: there are no customers to learn from")
    found = [_audited(feature, values[feature.name], limits, rows_per_customer) for feature in features]
    return AuditResult(rows, float(first.positives.sum() / rows), limits, flagged_first(found))


def flagged_first(found: Sequence[FeatureAudit]) -> list[FeatureAudit]:
    """Sort features: flagged ones first, then by falling AUC."""
    return sorted(found, key=lambda one: (not one.flags, -np.nan_to_num(one.auc.value), one.feature))


def _audited(feature: NamedFeature, values: ValueCounts, limits: Audit, rows_per_customer: float) -> FeatureAudit:
    of_rows, direction = (auc_of_levels(values), None) if feature.kind == "category" else auc_of_numbers(values)
    auc = of_customers(of_rows, rows_per_customer)
    decides = _deciding(count_regions(feature, values), limits)
    has_many = min(values.negatives.sum(), values.positives.sum()) >= FEWEST * rows_per_customer
    suspicions = {"auc": has_many and auc.low >= limits.auc, "decides": decides is not None}
    return FeatureAudit(feature.name, auc, direction, [name for name, is_so in suspicions.items() if is_so], decides)


def _deciding(some: Sequence[RegionCounts], limits: Audit) -> DecidingRegion | None:
    """The largest region that decides the label; None if none does."""
    found = [region for one in some if (region := _largest(one, limits))]
    return max(found, key=lambda region: region.rows, default=None)


def _largest(some: RegionCounts, limits: Audit) -> DecidingRegion | None:
    """The largest region that decides the label; None if none does.

    A region decides the label if, with 95 % confidence each, at most `limits.other_label_share` of its customers have
    the other label, also at its edge, and right beside it the odds of that label are at least `limits.odds` times as
    high. Source of the confidence bounds: Clopper & Pearson (1934).
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
    """Upper confidence bound of the share of hits among the rows; 1 if there are no rows or all are hits."""
    from scipy.special import betaincinv

    is_sure = hits < rows
    return np.where(is_sure, betaincinv(hits + 1, np.where(is_sure, rows - hits, 1), CONFIDENCE), 1.0)


def _lower(hits: Ints, rows: Ints) -> Floats:
    """Lower confidence bound of the share of hits among the rows; 0 without hits."""
    from scipy.special import betaincinv

    is_sure = hits > 0
    return np.where(is_sure, betaincinv(np.where(is_sure, hits, 1), rows - hits + 1, 1 - CONFIDENCE), 0.0)


def _odds(share: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(share / (1 - share))
