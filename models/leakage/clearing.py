"""Clears features that the leakage audit suspects, if the other features explain the finding.

An abrupt change in one feature may be one in all features: customers who have not come for a year hardly ever return,
and a trend of this year is null for them. Then the other features predict their outcome too. They do not predict a
leak.
"""

from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.learning import Training
from features.declared import NamedFeature
from models.fitting.fit import fit_logistic
from models.leakage.audit import AuditResult, DecidingRegion, FeatureAudit, flagged_first
from models.scoring.portable import score_table

PENALTY = 1e-2  # strong enough to prevent overfitting on few rows with many features
DECIDES = "decides"


def clear_suspects(
    found: AuditResult, train: DataFrame, features: Sequence[NamedFeature], how: Training
) -> AuditResult:
    """Remove the flag `decides` from features whose finding a model of the other features predicts.

    The model of all features without a flag predicts the share of the other label in each region that decides the
    label. The flag stays if the odds of that share are at least `limits.odds` times those that the audit found.

    Args:
        train: the audited rows, on Spark.
        features: all audited features.
        how: the seed of the fit.
    """
    regions = {one.feature: one.decides for one in found.features if one.decides}
    if not regions:
        return found
    others = [feature for feature in features if feature.name not in found.flagged]
    shares = _expected(train, regions, others, how)
    cleared = [_cleared(one, shares[one.feature], found.limits.odds) if one.decides else one for one in found.features]
    return replace(found, features=flagged_first(cleared))


def _expected(
    train: DataFrame, regions: dict[str, DecidingRegion], others: Sequence[NamedFeature], how: Training
) -> dict[str, float]:
    """By suspected feature, the mean predicted probability of the other label in its region."""
    model = fit_logistic(train, others, how, PENALTY)
    inside = [F.expr(region.sql).alias(f"inside_{number}") for number, region in enumerate(regions.values())]
    rows = score_table(train.select("*", *inside), {"probability": model}, [f"inside_{n}" for n in range(len(inside))])
    means = [_mean(number, region).alias(f"share_{number}") for number, region in enumerate(regions.values())]
    row = rows.agg(*means).first()
    assert row is not None  # an aggregation without keys always has its one row
    return dict(zip(regions, map(float, row), strict=True))


def _mean(number: int, region: DecidingRegion) -> Column:
    of_other = F.col("probability") if region.label == 0 else 1 - F.col("probability")
    return F.avg(F.when(F.col(f"inside_{number}"), of_other))


def _cleared(one: FeatureAudit, expected_share: float, odds: float) -> FeatureAudit:
    assert one.decides is not None  # it has a region
    region = replace(one.decides, expected_share=expected_share)
    if region.is_cliff_to(expected_share, odds):
        return replace(one, decides=region)
    return replace(one, decides=region, flags=[flag for flag in one.flags if flag != DECIDES])
