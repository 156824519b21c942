"""Who is cleared of deciding the label: where other features know as much, and not where none of them does."""

import math
import random

import pytest
from pyspark.sql import SparkSession

from conf.learning import Audit
from models.leakage.audit import FeatureAudit, audit_features
from models.leakage.clearing import clear_suspects
from tests.support.customers import AGE, QUICK, SHARE, VISITS, table
from tests.support.frames import AS_OF, Rows


def customers(count: int) -> Rows:
    """Days since a visit stand in `visits`: the longer, the rarer is label 1. `age` is a trend of the year, not known
    of who has not come in it. `share` is above 0 for half of those with label 0 and for nobody else."""
    draw = random.Random(3)
    rows = []
    for n in range(count):
        days = draw.randrange(1, 731)
        label = int(draw.random() < 0.9 * math.exp(-days / 80))
        age = None if days > 365 else float(draw.randrange(5))
        share = 0.0 if label or draw.random() < 0.5 else draw.random() / 2 + 0.5
        rows.append({"customer_id": n, "as_of": AS_OF, "visits": days, "age": age, "share": share, "label": label})
    return rows


def test_a_far_end_that_others_know_is_cleared_and_a_leak_is_not(spark: SparkSession) -> None:
    rows, features = customers(8_000), [VISITS, AGE, SHARE]
    train = table(spark, rows)
    found = audit_features(train, features, Audit())
    assert set(found.flagged) == {"age", "share"}
    judged = clear_suspects(found, train, features, QUICK)
    assert judged.flagged == ["share"]
    told = {one.feature: one for one in judged.features}
    assert _expected(told["age"]) < 0.05
    assert told["age"].auc == next(one.auc for one in found.features if one.feature == "age")
    inside = [row for row in rows if row["share"] > 0]  # all have label 0, which their visits do not explain
    by_chance = sum(0.9 * math.exp(-row["visits"] / 80) for row in inside) / len(inside)
    assert _expected(told["share"]) == pytest.approx(by_chance, abs=0.03)


def test_where_all_are_suspected_the_overall_share_is_expected(spark: SparkSession) -> None:
    rows = customers(8_000)
    train = table(spark, rows)
    judged = clear_suspects(audit_features(train, [SHARE], Audit()), train, [SHARE], QUICK)
    assert judged.flagged == ["share"]
    assert _expected(judged.features[0]) == pytest.approx(sum(row["label"] for row in rows) / len(rows), abs=1e-9)


def test_nobody_suspected_costs_nothing(spark: SparkSession) -> None:
    found = audit_features(table(spark, customers(2_000)), [VISITS], Audit())
    assert clear_suspects(found, table(spark, []), [VISITS], QUICK) is found


def _expected(one: FeatureAudit) -> float:
    assert one.decides and one.decides.expected_share is not None
    return one.decides.expected_share
