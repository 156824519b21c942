"""Suspects of the leakage audit whom other features clear.

A cliff in one feature may be where customers part in all of them: who has not come for a year hardly ever comes back,
and of such a customer no trend of this year is known. The other features know that as well. Of a leak they do not.
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

PENALTY = 1e-2  # enough that few rows with many features are not learned by heart
DECIDES = "decides"


def clear_suspects(
    found: AuditResult, train: DataFrame, features: Sequence[NamedFeature], how: Training
) -> AuditResult:
    """The audit without the suspicion of deciding, where a model without any suspect expects much the same.

    Of each region that decides the label, that model gives the share of the other label that it expects in there. The
    suspicion stays where the odds of that are `limits.odds` times, at least, those that were found.

    Args:
        train: the rows that were audited, on Spark.
        features: all that were audited.
        how: the seed of the fit.
    """
    regions = {one.feature: one.decides for one in found.features if one.decides}
    if not regions:
        return found
    others = [feature for feature in features if feature.name not in found.flagged]
    shares = _expected(train, regions, others, how)
    judged = [_judged(one, shares[one.feature], found.limits.odds) if one.decides else one for one in found.features]
    return replace(found, features=flagged_first(judged))


def _expected(
    train: DataFrame, regions: dict[str, DecidingRegion], others: Sequence[NamedFeature], how: Training
) -> dict[str, float]:
    """By suspect, the mean probability of the other label in its region."""
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


def _judged(one: FeatureAudit, expected_share: float, odds: float) -> FeatureAudit:
    assert one.decides is not None  # it has a region
    region = replace(one.decides, expected_share=expected_share)
    if region.is_cliff_to(expected_share, odds):
        return replace(one, decides=region)
    return replace(one, decides=region, flags=[flag for flag in one.flags if flag != DECIDES])
