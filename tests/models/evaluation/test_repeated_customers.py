"""Rows of one customer at several as-of dates say no more than one row: intervals are as wide as with one."""

import numpy as np
import pytest
from pyspark.sql import SparkSession

from conf.schema import Label
from conf.targeting import Targeting
from models.evaluation.histogram import count_scores
from models.evaluation.metrics import compute_metrics
from models.evaluation.paired_auc import auc_gain
from models.targeting.profit import profit_curve
from tests.support.frames import frame

TYPES = {"customer_id": "bigint", "label": "int", "probability": "double"}
PAIRED = TYPES | {"other_probability": "double", "recency_probability": "double"}
MONEY = Targeting(currency="EUR", cost_of_contact=1.0, value_of_customer=20.0, kept_share=0.2)
LEFT = Label(name="left", when="true", one_if="absent", about="Left")
CUSTOMERS = 1_500
COPIES = 9


def customers() -> list[dict[str, float]]:
    """Customers whose label follows the probability, so that all metrics are defined."""
    random = np.random.default_rng(4)
    chance = random.beta(1, 3, CUSTOMERS)
    labels = random.random(CUSTOMERS) < chance
    return [
        {"customer_id": n, "label": int(label), "probability": float(p)}
        for n, (label, p) in enumerate(zip(labels, chance, strict=True))
    ]


def widths(spark: SparkSession, copies: int, repeats: bool) -> dict[str, float]:
    rows = [row for row in customers() for _ in range(copies)]
    found = compute_metrics(count_scores(frame(spark, rows, TYPES), repeats), threshold=0.3, replicates=400)
    return {name: one.high - one.low for name, one in found.items()}


def test_copies_make_no_interval_narrower(sail: SparkSession) -> None:
    """By rows nine copies would make it a third as wide; random groups make the width itself vary a little."""
    once, copied = widths(sail, 1, repeats=False), widths(sail, COPIES, repeats=True)
    by_rows = widths(sail, COPIES, repeats=False)
    for name in ("auc", "average_precision", "log_loss", "brier", "top_decile_lift", "accuracy"):
        assert copied[name] == pytest.approx(once[name], rel=0.25), name
        assert by_rows[name] < 0.5 * once[name], name


def test_groups_hold_the_rows_of_the_histogram(sail: SparkSession) -> None:
    rows = frame(sail, customers() * 2, TYPES)
    found, plain = count_scores(rows, repeats=True), count_scores(rows)
    assert found.groups
    assert found.positives.tolist() == plain.positives.tolist()
    assert np.bincount(found.groups.at, found.groups.negatives).tolist() == plain.negatives.tolist()
    assert set(found.groups.positives) <= {0, 2, 4, 6}, "both rows of a customer are in one group"


def paired(copies: int) -> list[dict[str, float]]:
    """The customers with two other scores, each that of a quarter of them and otherwise the mean."""
    rows = []
    for row in customers():
        other = row["probability"] if row["customer_id"] % 4 == 0 else 0.25
        rows.append(row | {"other_probability": other, "recency_probability": other})
    return [row for row in rows for _ in range(copies)]


def test_copies_make_no_paired_interval_narrower(sail: SparkSession) -> None:
    once, copied = (
        auc_gain(frame(sail, paired(copies), PAIRED), replicates=400, repeats=copies > 1) for copies in (1, COPIES)
    )
    assert copied.value == pytest.approx(once.value)
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.25)


def test_copies_make_no_interval_of_a_profit_narrower(sail: SparkSession) -> None:
    once, copied = (
        profit_curve(frame(sail, paired(copies), PAIRED), LEFT, MONEY, replicates=400) for copies in (1, COPIES)
    )
    for one, other in zip(once.curve[::4], copied.curve[::4], strict=True):
        assert other.rules["model"].profit.value == pytest.approx(one.rules["model"].profit.value)
        for name in ("model", "random", "over"):
            wide, found = (
                point.over["recency"] if name == "over" else point.rules[name].profit for point in (one, other)
            )
            assert found.high - found.low == pytest.approx(wide.high - wide.low, rel=0.25, abs=1e-9), name
