"""The leakage audit: leaks that were planted are found with the right counts, and honest features are left alone."""

import json
from collections.abc import Sequence
from math import inf, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from conf.learning import Audit
from features.declared import NamedFeature
from jobs.engine import engine as started
from models.leakage.audit import AuditResult, FeatureAudit, audit_features
from models.leakage.univariate import auc_of_counts, of_customers
from models.leakage.value_counts import ValueCounts, count_values
from tests.support.customers import feature
from tests.support.engines import SMALL
from tests.support.paths import SHARED

LIMITS = Audit()
REAL = SHARED / "audiobooks" / "Audiobooks_data.csv"
X = feature("x", "ratio", may_be_null=True)
DEVICE = feature("device", "category", may_be_null=True, levels=("ar", "ip", "wp"))


def table(spark: SparkSession, labels: Any, **columns: Any) -> DataFrame:
    """Rows of labels and features; a number that is None is null."""
    frame = pd.DataFrame({"label": np.asarray(labels, dtype=np.int32)} | columns)
    text = [name for name, values in columns.items() if any(isinstance(value, str) for value in values)]
    types = ["label int", *(f"{name} {'string' if name in text else 'double'}" for name in columns)]
    return spark.createDataFrame(frame.astype(object).where(frame.notna(), None), ", ".join(types))


def audited(
    spark: SparkSession, labels: Any, values: Any, limits: Audit = LIMITS, of: NamedFeature = X
) -> FeatureAudit:
    """What is found of one feature."""
    [found] = audit_features(table(spark, labels, **{of.name: values}), [of], limits).features
    return found


def groups(*counts: tuple[Any, int, int]) -> tuple[list[int], list[Any]]:
    """Labels and values of customers, given for each value how many have label 0 and how many label 1."""
    labels = [label for _, zeros, ones in counts for label in [0] * zeros + [1] * ones]
    return labels, [value for value, zeros, ones in counts for _ in range(zeros + ones)]


# ---- counting ----


def cells(values: ValueCounts) -> list[tuple[float, ...]]:
    return [
        (float(least), float(greatest), int(zeros), int(ones))
        for least, greatest, zeros, ones in zip(
            values.least, values.greatest, values.negatives, values.positives, strict=True
        )
        if least == least
    ]


def test_values_are_counted_by_label_in_their_order_and_null_last(engine: SparkSession) -> None:
    labels = [0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0]
    values = [5.0, 0.0, -0.0, 255.0, 254.0, 256.0, 257.0, None, nan, -3.5, inf, 258.0]
    rows = engine.createDataFrame(list(zip(labels, values, strict=True)), "label int, x double")
    found = count_values(rows, {"x": ()})["x"]
    assert cells(found) == [
        (-3.5, -3.5, 0, 1),
        (0.0, 0.0, 1, 1),
        (5.0, 5.0, 1, 0),
        (254.0, 254.0, 0, 1),
        (255.0, 255.0, 0, 1),
        (256.0, 257.0, 2, 0),  # from here on two whole numbers share a cell
        (258.0, 258.0, 1, 0),
        (inf, inf, 0, 1),
    ]
    assert list(found.is_null) == [False] * 8 + [True]
    assert (found.negatives[-1], found.positives[-1]) == (1, 1)


def test_levels_are_counted_by_name(engine: SparkSession) -> None:
    rows = table(engine, [0, 1, 0, 1, 0, 1], device=["ip", "ip", "new", "newer", None, "ar"])
    found = count_values(rows, {"device": ("ar", "ip", "wp")})["device"]
    assert cells(found) == [(0, 0, 0, 1), (1, 1, 1, 1), (3, 3, 1, 1)]  # what is not declared is one level
    assert (found.negatives[-1], found.positives[-1]) == (1, 0)


rows_of = st.lists(
    st.tuples(st.integers(0, 1), st.one_of(st.none(), st.floats(allow_nan=False, allow_subnormal=False))),
    min_size=1,
    max_size=80,
)


@settings(max_examples=15)
@given(rows=rows_of)
def test_no_customer_is_lost_and_cells_are_narrow_and_apart(
    sail: SparkSession, rows: list[tuple[int, float | None]]
) -> None:
    found = count_values(sail.createDataFrame(rows, "label int, x double"), {"x": ()})["x"]
    greatest_before = -inf
    for least, greatest, zeros, ones in cells(found):
        inside = [label for label, value in rows if value is not None and least <= value <= greatest]
        assert (zeros, ones) == (inside.count(0), inside.count(1))
        assert least > greatest_before or greatest_before == -inf
        assert least == greatest or abs(greatest - least) < 0.01 * max(abs(least), abs(greatest))
        greatest_before = greatest
    unknown = [label for label, value in rows if value is None]
    assert int(found.positives[found.is_null].sum()) == unknown.count(1)
    assert int(found.negatives[found.is_null].sum()) == unknown.count(0)


# ---- the AUC of one feature ----


def test_auc_by_hand(sail: SparkSession) -> None:
    # Pairs of a 1 (3, 2, 2) and a 0 (1, 2, 4): 3>1 3>2 3<4, twice 2>1 2=2 2<4: 2 + 2 * 1.5 of 9 are in order.
    found = audited(sail, [1, 1, 1, 0, 0, 0], [3, 2, 2, 1, 2, 4])
    assert found.auc.value == pytest.approx(5 / 9) and found.direction == "higher"
    turned = audited(sail, [0, 0, 0, 1, 1, 1], [3, 2, 2, 1, 2, 4])
    assert turned.auc.value == pytest.approx(5 / 9) and turned.direction == "lower"


@pytest.mark.parametrize("seed", range(3))
def test_auc_is_that_of_scikit_learn(sail: SparkSession, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, 2_000)
    values = random.poisson(3 + (seed - 1) * labels).astype(float)
    expected = roc_auc_score(labels, values)
    found = audited(sail, labels, values)
    assert found.auc.value == pytest.approx(max(expected, 1 - expected), abs=1e-12)
    # Numbers in a cell are tied, which hardly matters.
    fine = values + random.random(2_000)
    expected = roc_auc_score(labels, fine)
    assert audited(sail, labels, fine).auc.value == pytest.approx(max(expected, 1 - expected), abs=2e-3)


@pytest.mark.parametrize("unknown_label", [0, 1])
def test_null_stands_first_or_last_whichever_separates_more(sail: SparkSession, unknown_label: int) -> None:
    labels = np.arange(300) % 2
    values = [None if label == unknown_label and n % 3 == 0 else float(label + n % 2) for n, label in enumerate(labels)]
    filled = [[fill if value is None else value for value in values] for fill in (-1.0, 9.0)]
    expected = [roc_auc_score(labels, one) for one in filled]
    found = audited(sail, labels, values)
    assert found.auc.value == pytest.approx(max(*expected, *(1 - one for one in expected)), abs=1e-12)


def test_levels_stand_in_the_order_of_their_shares(sail: SparkSession) -> None:
    labels, devices = groups(("ip", 60, 40), ("ar", 30, 70), ("wp", 90, 10), (None, 50, 50))
    share = {"ip": 0.4, "ar": 0.7, "wp": 0.1, None: 0.5}
    found = audited(sail, labels, devices, of=DEVICE)
    assert found.auc.value == pytest.approx(roc_auc_score(labels, [share[device] for device in devices]))
    assert found.direction is None


def reference_interval(negatives: NDArray[Any], positives: NDArray[Any]) -> tuple[float, float, float]:
    """DeLong's interval by all pairs."""
    wins = (positives[:, None] > negatives[None, :]) + 0.5 * (positives[:, None] == negatives[None, :])
    variance = np.var(wins.mean(axis=1), ddof=1) / len(positives) + np.var(wins.mean(axis=0), ddof=1) / len(negatives)
    return wins.mean(), wins.mean() - 1.959964 * variance**0.5, wins.mean() + 1.959964 * variance**0.5


@pytest.mark.parametrize("shift", [-2, 0, 1])
def test_interval_is_that_of_delong(sail: SparkSession, shift: int) -> None:
    random = np.random.default_rng(shift + 2)
    zeros, ones = random.integers(0, 10, 150).astype(float), random.integers(0, 10, 90) + float(shift)
    found = audited(sail, [0] * 150 + [1] * 90, [*zeros, *ones]).auc
    value, low, high = reference_interval(zeros, ones)
    expected = (value, low, high) if value >= 0.5 else (1 - value, 1 - high, 1 - low)
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=1e-9)


def test_interval_stays_between_0_and_1() -> None:
    found = auc_of_counts(np.array([5, 1, 0]), np.array([0, 0, 4]))
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert auc_of_counts(np.array([3, 1]), np.array([0, 2])).high == 1


def test_without_a_pair_there_is_no_auc_and_without_two_of_a_label_no_interval(sail: SparkSession) -> None:
    alone = audited(sail, [0, 0, 0], [1, 2, 3])
    assert np.isnan([alone.auc.value, alone.auc.low, alone.auc.high]).all() and alone.flags == []
    one = auc_of_counts(np.array([2, 2]), np.array([0, 1]))
    assert one.value == 0.75 and np.isnan([one.low, one.high]).all()


def test_auc_is_flagged_from_its_lower_end_on(sail: SparkSession) -> None:
    random = np.random.default_rng(5)
    zeros, ones = random.integers(0, 12, 400).astype(float), random.integers(7, 30, 300).astype(float)
    labels, values = [0] * 400 + [1] * 300, [*zeros, *ones]
    _, low, _ = reference_interval(zeros, ones)
    for limit, flags in ((low - 1e-6, ["auc"]), (low + 1e-6, [])):
        assert audited(sail, labels, values, Audit(auc=limit, odds=1e300)).flags == flags


@pytest.mark.parametrize(("ones", "flags"), [(29, []), (30, ["auc"])])
def test_an_auc_of_few_customers_says_nothing(sail: SparkSession, ones: int, flags: list[str]) -> None:
    assert audited(sail, *groups((1, 80, 0), (2, 0, ones))).flags == flags


# ---- values that decide the label ----


def label_of(n: int) -> int:
    """One in four has label 1."""
    return int(n % 4 == 0)


def planted(decided: float | str | None, whom: int, others: Sequence[Any]) -> list[Any]:
    """A value for half of the customers with label `whom`, others for everybody else."""
    return [decided if label_of(n) == whom and n // 4 % 2 else others[n * 7 % 11 % len(others)] for n in range(4_000)]


# By label, half of the 3,000 or 1,000 customers; how many others there are, and their share with the other label.
HALF = {0: (1_500, 2_500, 1_000 / 2_500), 1: (500, 3_500, 3_000 / 3_500)}


@pytest.mark.parametrize(
    ("decided", "whom", "others", "where", "beside"),
    [
        (7.25, 0, [0.0], "x = 7.25", "x = 0"),
        (-7.25, 1, [0.0], "x = -7.25", "x = 0"),
        (5.0, 0, [3.0, 8.5], "x = 5", "x = 3 and x = 8.5"),
        (None, 0, [4.0], "x is not known", "x = 4"),
        (None, 1, [4.0], "x is not known", "x = 4"),
        (4.0, 1, [None], "x is known", "x is not known"),
        (4.0, 0, [None], "x is known", "x is not known"),
        ("ip", 0, ["ar", "wp"], "device = ip", "device is not ip"),
        ("ip", 1, ["ar", None], "device = ip", "device is not ip"),
        ("new", 0, ["ar"], "device is no declared level", "device is a declared level or not known"),
        (None, 0, ["ar", "ip"], "device is not known", "device is known"),
    ],
)
def test_value_that_decides_is_found(
    sail: SparkSession, decided: Any, whom: int, others: list[Any], where: str, beside: str
) -> None:
    of = DEVICE if any(isinstance(value, str) for value in (decided, *others)) else X
    found = audited(sail, [label_of(n) for n in range(4_000)], planted(decided, whom, others), of=of)
    region = found.decides
    assert region and found.flags == ["decides"]
    rows, beside_rows, beside_share = HALF[whom]
    assert (region.where, region.label, region.rows, region.others) == (where, whom, rows, 0)
    assert (region.beside, region.beside_rows, region.beside_share) == (beside, beside_rows, beside_share)


@pytest.mark.parametrize(("sign", "where", "beside"), [(1, "x > 3", "x = 3"), (-1, "x < -3", "x = -3")])
def test_range_that_decides_is_found_with_those_beside_it(
    sail: SparkSession, sign: int, where: str, beside: str
) -> None:
    """Of 500 customers with each of 0 to 3 half have label 1; above, 5 in 2,000 have it."""
    low = [(sign * value, 250, 250) for value in range(4)]
    high = [(sign * (4 + number * 0.125), 399, 1) for number in range(5)]
    region = audited(sail, *groups(*low, *high)).decides
    assert region
    assert (region.where, region.label, region.rows, region.others) == (where, 0, 2_000, 5)
    assert (region.beside, region.beside_rows, region.beside_share) == (beside, 500, 0.5)


def test_all_but_a_level_that_decides_is_found(sail: SparkSession) -> None:
    region = audited(sail, *groups(("ar", 500, 900), ("ip", 700, 0), ("wp", 800, 1)), of=DEVICE).decides
    assert region
    assert (region.where, region.label, region.rows, region.others) == ("device is not ar", 0, 1_501, 1)
    assert (region.beside, region.beside_rows, region.beside_share) == ("device = ar", 1_400, 900 / 1_400)


def test_of_numbers_that_share_a_cell_both_ends_are_told(sail: SparkSession) -> None:
    region = audited(sail, *groups((500, 300, 300), (1000, 300, 0), (1003, 300, 0), (2000, 300, 300))).decides
    assert region and region.where == "x from 1000 to 1003" and region.beside == "x = 500 and x = 2000"
    assert region.beside_rows == 1_200


def test_nothing_below_zero_is_zero(sail: SparkSession) -> None:
    region = audited(sail, *groups((-0.0, 400, 0), (1, 300, 300))).decides
    assert region and (region.where, region.rows) == ("x = 0", 400)


def test_of_several_the_one_with_the_most_customers_is_told(sail: SparkSession) -> None:
    region = audited(sail, *groups((1, 400, 0), (2, 300, 300), (3, 900, 0), (4, 300, 300), (5, 600, 0))).decides
    assert region and (region.where, region.rows) == ("x = 3", 900)
    region = audited(sail, *groups((1, 300, 300), (2, 400, 0), (3, 300, 300), (None, 900, 0))).decides
    assert region and (region.where, region.rows) == ("x is not known", 900)


@pytest.mark.parametrize("sign", [1, -1])
def test_null_lies_beside_the_end_that_is_more_like_it(sail: SparkSession, sign: int) -> None:
    """A trend is not known of those who have long been gone: of them 10 in 3,010 have label 1, of those who were hardly
    here 12 in 412, of all who were here 18 %."""
    fading = [(0, 400, 12), (sign, 400, 60), (2 * sign, 400, 200)]
    assert audited(sail, *groups(*fading, (None, 3_000, 10))).decides is None
    cliff = [(0, 400, 200), (sign, 400, 60), (2 * sign, 400, 200)]
    region = audited(sail, *groups(*cliff, (None, 3_000, 10))).decides
    assert region and (region.where, region.rows, region.others) == ("x is not known", 3_010, 10)
    assert (region.beside_rows, region.beside_share) == (600, 200 / 600)


def test_what_fades_towards_null_does_not_decide(sail: SparkSession) -> None:
    """Of those who have come of late 14 in 2,564 have label 1, of those who came 30 days ago 12 in 162."""
    assert audited(sail, *groups((1, 2_400, 2), (30, 150, 12), (None, 300, 700))).decides is None
    region = audited(sail, *groups((1, 2_400, 2), (30, 150, 0), (None, 300, 700))).decides
    assert region and (region.where, region.rows, region.others) == ("x is known", 2_552, 2)


def bound(hits: int, rows: int, side: str) -> float:
    """One-sided, with 95 % confidence."""
    return float(getattr(binomtest(hits, rows).proportion_ci(0.9, method="exact"), side))


@pytest.mark.parametrize("others", [0, 3])
def test_share_of_the_other_label_must_be_low_with_confidence(sail: SparkSession, others: int) -> None:
    counts = groups((0, 500, 500), (1, 1_000 - others, others))
    edge = bound(others, 1_000, "high")
    for limit, flags in ((edge + 1e-6, ["decides"]), (edge - 1e-6, [])):
        assert audited(sail, *counts, Audit(other_label_share=limit)).flags == flags


def test_few_customers_decide_nothing(sail: SparkSession) -> None:
    """With 0 of 298 the share may still be 1.0003 %, with 0 of 299 it is 0.99696 % at most."""
    for rows, flags in ((298, []), (299, ["decides"])):
        assert audited(sail, *groups((0, 500, 500), (1, rows, 0))).flags == flags
    assert audited(sail, *groups((0, 3, 0), (1, 0, 3))).flags == []


def test_odds_beside_must_be_higher_with_confidence(sail: SparkSession) -> None:
    low, high = bound(60, 1_000, "low"), bound(1, 2_000, "high")
    edge = low / (1 - low) / (high / (1 - high))
    for limit, flags in ((edge - 1e-6, ["decides"]), (edge + 1e-6, [])):
        assert audited(sail, *groups((0, 940, 60), (1, 1_999, 1)), Audit(odds=limit)).flags == flags


@pytest.mark.parametrize(
    ("between", "far", "flags"),
    [
        (100, 0, []),  # those right beside are the 100 with 1, of whom a tenth have label 1
        (99, 0, ["decides"]),  # they are fewer than 100, so those with 2 are beside too
        (100, 20_000, ["decides"]),  # they are fewer than one in a hundred of all
    ],
)
def test_right_beside_are_a_hundred_customers_or_one_in_a_hundred(
    sail: SparkSession, between: int, far: int, flags: list[str]
) -> None:
    labels, values = groups((0, 1_000, 0), (1, between - 10, 10), (2, 400, 600), (3, far // 2, far // 2))
    for sign, beside in ((1, "x from 1 to 2"), (-1, "x from -2 to -1")):
        found = audited(sail, labels, [sign * value for value in values])
        assert found.flags == flags
        if found.decides:
            assert (found.decides.where, found.decides.beside) == ("x = 0", beside)


# ---- honest features ----


@pytest.mark.parametrize("seed", range(4))
def test_steep_slopes_are_no_leaks(sail: SparkSession, seed: int) -> None:
    """Of those far down each slope next to nobody has label 1; but no step of it is a cliff."""
    random = np.random.default_rng(seed)
    rows = 20_000
    normal, days = random.normal(size=rows), random.integers(0, 30, rows).astype(float)
    count = random.poisson(4, rows).astype(float)
    for x, log_odds in ((normal, 3 * normal), (days, 3 - 0.3 * days), (count, 2 - 1.2 * count)):
        labels = random.random(rows) < 1 / (1 + np.exp(-log_odds))
        found = audited(sail, labels, x)
        assert found.flags == [] and found.auc.value > 0.8


def test_slope_that_leaves_no_doubt_is_flagged_by_its_auc(sail: SparkSession) -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=20_000)
    assert audited(sail, random.random(20_000) < 1 / (1 + np.exp(-12 * x)), x).flags == ["auc"]


def test_value_that_says_nothing_is_no_leak(sail: SparkSession) -> None:
    found = audited(sail, *groups((3, 900, 100)))
    assert (found.auc.value, found.auc.low, found.auc.high) == (0.5, 0.5, 0.5) and found.flags == []
    nothing = audited(sail, *groups((None, 900, 100)))
    assert nothing.auc.value == 0.5 and nothing.flags == []
    # Label 1 is so rare that nearly all values have one label only; none of them stands out.
    rare = [(value, 995, 5) for value in range(10)]
    assert audited(sail, *groups(*rare, (None, 1_000, 0))).flags == []


# ---- all of it ----


def shop(spark: SparkSession) -> AuditResult:
    random = np.random.default_rng(3)
    rows = 3_000
    labels = random.random(rows) < 0.3
    heard = np.where(labels | (random.random(rows) < 0.4), 0, 1 + random.poisson(90, rows)).astype(float)
    known = np.where(random.random(rows) < 0.05, nan, random.normal(size=rows) + 2 * labels)
    clock = np.where(labels, 1_000.0, 0.0) + random.random(rows)
    device = np.where(random.random(rows) < 0.5, "ar", "ip")
    found = table(spark, labels, heard=heard, known=known, clock=clock, device=device)
    heard_and_so_on = [feature(name, "ratio") for name in ("heard", "known", "clock")]
    return audit_features(found, [*heard_and_so_on, DEVICE], LIMITS)


def test_flagged_features_come_first_then_by_auc(sail: SparkSession) -> None:
    found = shop(sail)
    assert found.flagged == ["clock", "heard"]
    assert [one.feature for one in found.features] == ["clock", "heard", "known", "device"]
    assert [one.flags for one in found.features] == [["auc", "decides"], ["decides"], [], []]
    aucs = [one.auc.value for one in found.features]
    assert aucs[0] > aucs[2] > aucs[1] and aucs[2] > aucs[3]
    told = json.loads(TypeAdapter(AuditResult).dump_json(found))
    assert list(told) == ["rows", "positive_share", "limits", "features"]
    assert TypeAdapter(AuditResult).validate_python(told) == found
    assert (told["rows"], told["limits"]) == (3_000, {"auc": 0.95, "other_label_share": 0.01, "odds": 30.0})
    assert set(told["features"][1]) == {"feature", "auc", "direction", "flags", "decides"}
    assert set(told["features"][1]["auc"]) == {"value", "low", "high"}
    decides = told["features"][1]["decides"]
    assert {"where": "heard > 0", "label": 0, "others": 0, "beside": "heard = 0"}.items() <= decides.items()
    assert set(decides) == {
        "where",
        "label",
        "rows",
        "others",
        "beside",
        "beside_rows",
        "beside_share",
        "sql",
        "expected_share",
    }


@pytest.mark.skipif(not REAL.is_file(), reason=f"the real table is not at {REAL}")
def test_real_table_gives_its_making_away(sail: SparkSession) -> None:
    """Nobody who ever listened buys again. And all who bought more minutes than the longest book has do."""
    names = ["length_avg", "length_sum", "price_avg", "price_sum", "review", "review_out_of_10", "completion"]
    names += ["minutes_listened", "support_requests", "days"]
    real = pd.read_csv(REAL, header=None, names=["customer_id", *names, "label"])
    found = audit_features(
        table(sail, real["label"], **{name: real[name] for name in names}),
        [feature(name, "amount") for name in names],
        LIMITS,
    )
    assert found.flagged == ["completion", "minutes_listened", "length_sum"]
    regions = [one.decides for one in found.features[:3]]
    assert [(one.where, one.label, one.rows, one.others, one.beside_rows) for one in regions if one] == [
        ("completion > 0", 0, 5_789, 0, 8_295),
        ("minutes_listened > 0", 0, 5_789, 0, 8_295),
        ("length_sum > 2160", 1, 569, 0, 4_719),
    ]


def test_both_engines_find_the_same(sail: SparkSession) -> None:
    on_sail = shop(sail)
    with started("spark", SMALL) as spark:
        assert shop(spark) == on_sail


def test_no_customers_are_refused(engine: SparkSession) -> None:
    with pytest.raises(ValueError, match="no customers"):
        audit_features(table(engine, [0], x=[1.0]).where("false"), [X], LIMITS)


def test_copies_of_customers_make_no_interval_narrower() -> None:
    """Nine as-of dates of the same customers: DeLong's variance of the mean is that of one row of each."""
    once = auc_of_counts(np.array([50, 30, 20]), np.array([10, 30, 60]))
    copied = auc_of_counts(9 * np.array([50, 30, 20]), 9 * np.array([10, 30, 60]))
    found = of_customers(copied, 9)
    assert found.value == once.value
    assert (found.low, found.high) == pytest.approx((once.low, once.high), abs=5e-4)
    assert of_customers(once, 1) == once
