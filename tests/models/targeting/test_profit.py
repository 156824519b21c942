"""What contacting a share of the customers would have earned."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from conf.schema import Label
from conf.targeting import Targeting
from jobs.engine import engine as started
from models.targeting import profit
from models.targeting.profit import profit_curve
from tests.support.engines import SMALL
from tests.support.frames import Rows, frame

TYPES = {
    "customer_id": "bigint",
    "label": "int",
    "probability": "double",
    "recency_probability": "double",
    "spent": "double",
}
LEFT = Label(name="churned", when="true", one_if="absent", about="Gone")
CAME = Label(name="came", when="true", one_if="present", about="Here")
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
CURVES = ("model", "recency", "random")


def economics(**changes: Any) -> Targeting:
    """A contact costs 1 and keeps a leaver worth 10 in one of two cases."""
    basic = {"currency": "EUR", "cost_of_contact": 1.0, "value_of_customer": 10.0, "kept_share": 0.5}
    return Targeting.model_validate(basic | {"value_about": "what was spent"} | changes)


def customers(labels: Any, model: Any, recency: Any, spent: Any = None) -> Rows:
    """Customers 0, 1, ... with these columns."""
    amounts = [None] * len(labels) if spent is None else spent
    rows = zip(labels, model, recency, amounts, strict=True)
    return [
        {
            "customer_id": who,
            "label": int(label),
            "probability": float(p),
            "recency_probability": float(q),
            "spent": amount if amount is None else float(amount),
        }
        for who, (label, p, q, amount) in enumerate(rows)
    ]


def measured(session: SparkSession, rows: Rows, label: Label = LEFT, **changes: Any) -> dict[str, Any]:
    return asdict(profit_curve(frame(session, rows, TYPES), label, economics(**changes)))


def values(found: dict[str, Any], name: str) -> list[float]:
    """The values of a curve at 5 %, 10 % ... 100 %."""
    assert [point["share"] for point in found["curve"]] == pytest.approx([n / 20 for n in range(1, 21)])
    return [part(point, name)["value"] for point in found["curve"]]


def part(point: dict[str, Any], name: str) -> dict[str, Any]:
    """A curve's interval at a point: the profit of a rule, what it reaches, or what the model earns over it."""
    what, _, rule = name.rpartition(" ")
    return point["over"][rule] if what == "over" else point["rules"][rule][what or "profit"]


def by_brute_force(gains: NDArray[Any], keys: NDArray[Any]) -> list[float]:
    """Profit per 1,000 customers at each share by the highest keys first, as the mean over 500 orders of the ties."""
    random = np.random.default_rng(5)
    shares = np.arange(1, 21) * len(gains) // 20
    totals = [np.cumsum(gains[np.lexsort([random.random(len(gains)), -keys])])[shares - 1] for _ in range(500)]
    return [float(total) for total in 1_000 * np.mean(totals, axis=0) / len(gains)]


def test_worked_by_hand(engine: SparkSession) -> None:
    """Four customers, of whom the first and the third left: a contact brings 4 with them and -1 with the others.

    The model ranks them 0 1 2 3, recency 3 and 2 before 0 and 1, which tie: half of either is contacted at 75 %.
    """
    found = measured(engine, customers([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6], [0.2, 0.2, 0.3, 0.4]))
    quarters = slice(4, None, 5)
    assert values(found, "model")[quarters] == pytest.approx([1000, 750, 1750, 1500])
    assert values(found, "recency")[quarters] == pytest.approx([-250, 750, 1125, 1500])
    assert values(found, "random")[quarters] == pytest.approx([375, 750, 1125, 1500])
    assert values(found, "over recency")[quarters] == pytest.approx([1250, 0, 625, 0])
    assert values(found, "over random")[quarters] == pytest.approx([625, 0, 625, 0])
    assert values(found, "model")[0] == pytest.approx(200)  # a fifth of the first customer
    assert [point["customers"] for point in found["curve"]][quarters] == [1, 2, 3, 4]
    assert found["all"] == pytest.approx(1500) and found["best_share"] == 0.75
    assert set(found) == {"curve", "all", "best_share"}
    assert set(found["curve"][0]) == {"share", "customers", "rules", "over", "saved"}
    assert set(found["curve"][0]["rules"]) == set(CURVES) and set(found["curve"][0]["over"]) == {"recency", "random"}
    assert set(found["curve"][0]["rules"]["model"]["profit"]) == {"value", "low", "high"}


def test_the_order_is_by_expected_profit_and_not_by_risk(sail: SparkSession) -> None:
    """Risks of .9 and .2 at values of 2 and 50: the second is contacted first, and its loss weighs 50."""
    found = measured(sail, customers([0, 1], [0.9, 0.2], [0.5, 0.5], [2, 50]), value_of_customer="spent")
    assert values(found, "model")[9::10] == pytest.approx([500 * 24, 500 * 23])
    assert values(found, "recency")[9] == pytest.approx(500 * 24)  # 25 is more than 1
    assert found["best_share"] == 0.5


def test_where_label_1_is_to_come_back_those_with_0_leave(sail: SparkSession) -> None:
    rows = customers([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [0.8, 0.8, 0.7, 0.6])
    assert values(measured(sail, rows, CAME), "model")[4::5] == pytest.approx([1000, 750, 1750, 1500])


def test_a_perfect_model_contacts_the_leavers_first(sail: SparkSession) -> None:
    """Of 200 customers 50 left: up to a quarter each contact brings 4, and costs 1 from there on."""
    labels = [1] * 50 + [0] * 150
    found = measured(sail, customers(labels, [0.9] * 50 + [0.1] * 150, [0.5] * 200))
    shares = np.arange(1, 21) / 20
    expected = 1000 * (5 * np.minimum(shares, 0.25) - shares)
    assert values(found, "model") == pytest.approx(list(expected))
    assert found["best_share"] == 0.25 and found["all"] == pytest.approx(250)
    assert values(found, "recency") == pytest.approx(values(found, "random"))
    quarter = part(found["curve"][4], "over random")
    assert quarter["value"] == pytest.approx(1000 - 62.5) and 600 < quarter["low"] < 850


def test_a_model_that_knows_nothing_gains_nothing(sail: SparkSession) -> None:
    random = np.random.default_rng(3)
    labels, p, q = random.random(4_000) < 0.3, random.random(4_000), random.random(4_000)
    curve = measured(sail, customers(labels, p, q))["curve"]
    for name in ("over recency", "over random"):
        covered = [part(point, name)["low"] <= 1e-9 and part(point, name)["high"] >= -1e-9 for point in curve]
        assert sum(covered) >= 18


def test_nothing_pays(sail: SparkSession) -> None:
    found = measured(sail, customers([0, 0, 1], [0.9, 0.5, 0.1], [0.5, 0.5, 0.5]), cost_of_contact=50.0)
    assert found["best_share"] == 0.0 and found["all"] == pytest.approx(1000 * (5 / 3 - 50))


def test_nobody_is_worth_anything(sail: SparkSession) -> None:
    found = measured(sail, customers([1, 0], [0.9, 0.5], [0.5, 0.5]), value_of_customer="spent")
    assert values(found, "model") == pytest.approx([-50 * n for n in range(1, 21)])


def three_thousand(uneven: bool) -> tuple[Rows, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Customers, the realised gain of contacting each, and the keys of both orders; recency has 30 values."""
    random = np.random.default_rng(7)
    risk = random.beta(2, 4, 3_000)
    left = random.random(3_000) < risk
    recency = np.floor(30 * np.clip(risk + random.normal(0, 0.2, 3_000), 0, 0.999)) / 30
    worth = np.round(random.lognormal(3, 1, 3_000), 2) if uneven else np.full(3_000, 20.0)
    return customers(left, risk, recency, worth), 0.2 * left * worth - 1.5, risk * worth, recency * worth


@pytest.mark.parametrize("uneven", [False, True])
def test_as_by_brute_force(sail: SparkSession, uneven: bool) -> None:
    rows, gains, by_model, by_recency = three_thousand(uneven)
    found = measured(sail, rows, value_of_customer="spent", kept_share=0.2, cost_of_contact=1.5)
    # A few of 3,000 customers count as tied with their neighbours; the intervals are 15 to 90 wide, and 250 to 400.
    near = 5 if uneven else 2.5
    assert values(found, "model") == pytest.approx(by_brute_force(gains, by_model), abs=near)
    assert values(found, "recency") == pytest.approx(by_brute_force(gains, by_recency), abs=near)
    assert values(found, "random") == pytest.approx([1000 * gains.mean() * n / 20 for n in range(1, 21)])
    assert found["all"] == pytest.approx(1000 * gains.mean())


def test_intervals_as_of_a_bootstrap_of_customers(sail: SparkSession) -> None:
    """Against the intervals of 1,000 resamples of the customers themselves."""
    rows, gains, by_model, by_recency = three_thousand(uneven=True)
    money = economics(value_of_customer="spent", kept_share=0.2, cost_of_contact=1.5)
    found = asdict(profit_curve(frame(sail, rows, TYPES), LEFT, money, replicates=1_000))
    random, cut = np.random.default_rng(11), 300 * np.arange(1, 11) - 1
    drawn = []
    for _ in range(1_000):
        who = random.integers(0, 3_000, 3_000)
        model, recency = (
            np.cumsum(gains[who][np.lexsort([random.random(3_000), -key[who]])])[cut] / 3
            for key in (by_model, by_recency)
        )
        drawn.append([model, recency, model - recency])
    widths = np.subtract(*np.quantile(drawn, [0.975, 0.025], axis=0))
    for row, name in enumerate(("model", "recency", "over recency")):
        points = [part(point, name) for point in found["curve"]][1::2]
        ratio = [(point["high"] - point["low"]) / width for point, width in zip(points, widths[row], strict=True)]
        until_all = ratio if name != "over recency" else ratio[:-1]  # there both are the same
        assert np.mean(until_all) == pytest.approx(1, abs=0.1)
        assert until_all == pytest.approx([1] * len(until_all), abs=0.25)
    assert part(found["curve"][-1], "over recency") == pytest.approx({"value": 0, "low": 0, "high": 0}, abs=1e-9)


def test_differences_are_paired(sail: SparkSession) -> None:
    """Two orders that are the same differ by nothing in every resample."""
    rows, *_ = three_thousand(uneven=False)
    same = [row | {"recency_probability": row["probability"]} for row in rows]
    for point in measured(sail, same)["curve"]:
        assert part(point, "over recency") == pytest.approx({"value": 0, "low": 0, "high": 0}, abs=1e-9)
        assert part(point, "model")["high"] - part(point, "model")["low"] > 1


def test_groups_are_bounded_and_a_large_bin_stands_alone() -> None:
    many = profit._groups(np.ones(16_000, dtype=np.int64), 100)
    assert len(many) == 16_000 and list(np.unique(np.bincount(many))) == [160]
    assert list(profit._groups(np.array([500, 1, 1, 1, 600]), 100)) == [0, 1, 1, 1, 2]
    worst = np.tile([1, 99], 100)
    assert profit._groups(worst, 100).max() < 3 * 100
    assert list(profit._groups(np.array([7]), 100)) == [0]


def test_both_engines_and_two_runs_agree() -> None:
    rows = three_thousand(uneven=True)[0][:500]
    found = []
    for name in ("sail", "sail", "spark"):
        with started(name, SMALL) as session:
            found.append(measured(session, rows if len(found) != 1 else rows[::-1], value_of_customer="spent"))
    assert found[0] == found[1]
    for name in ("model", "recency", "random", "over recency", "over random"):
        for end in ("value", "low", "high"):
            ours, theirs = ([part(point, name)[end] for point in each["curve"]] for each in (found[0], found[2]))
            assert ours == pytest.approx(theirs, rel=1e-7, abs=1e-4)


@pytest.mark.parametrize("change", [{"label": None}, {"label": 2}, {"probability": None}, {"recency_probability": 1.5}])
def test_what_is_not_known_is_an_error(sail: SparkSession, change: dict[str, Any]) -> None:
    rows = customers([1, 0], [0.9, 0.5], [0.5, 0.5])
    with pytest.raises(ValueError, match="every label must be 0 or 1"):
        measured(sail, [rows[0], rows[1] | change])


def test_no_customers_are_an_error(sail: SparkSession) -> None:
    with pytest.raises(ValueError, match="no customer with a known label"):
        measured(sail, [])


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(-5, 1e6)), min_size=1, max_size=30
    )
)
def test_all_orders_meet_when_everybody_is_contacted(sail: SparkSession, drawn: list[Any]) -> None:
    labels, p, q, spent = zip(*drawn, strict=True)
    found = measured(sail, customers(labels, p, q, spent), value_of_customer="spent")
    gains = [5 * (label * max(amount, 0)) / 10 - 1 for label, amount in zip(labels, spent, strict=True)]
    for name in CURVES:
        assert values(found, name)[-1] == pytest.approx(1000 * np.mean(gains), rel=1e-9, abs=1e-6)
    for point in found["curve"]:
        assert all(
            part(point, name)["low"] <= part(point, name)["value"] <= part(point, name)["high"] for name in CURVES
        )
        assert part(point, "random")["value"] == pytest.approx(point["share"] * found["all"], rel=1e-9, abs=1e-6)
