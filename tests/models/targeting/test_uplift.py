"""What a treatment changed."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from jobs.engine import engine as started
from models.targeting.uplift import difference_interval, measure_uplift
from tests.support.engines import SMALL
from tests.support.frames import Rows, frame

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
TYPES = {"customer_id": "bigint", "label_good": "int", "treated": "boolean", "risk": "double"}


def customers(good: Any, treated: Any, risk: Any) -> Rows:
    """Customers 0, 1, ... with these columns."""
    return [
        {
            "customer_id": who,
            "label_good": int(outcome),
            "treated": None if was is None else bool(was),
            "risk": float(p),
        }
        for who, (outcome, was, p) in enumerate(zip(good, treated, risk, strict=True))
    ]


def measured(session: SparkSession, rows: Rows) -> dict[str, Any]:
    return asdict(measure_uplift(frame(session, rows, TYPES)))


def by_brute_force(good: NDArray[Any], treated: NDArray[Any], risk: NDArray[Any]) -> tuple[list[float], list[float]]:
    """Shares and values of the qini curve, walking down the distinct risks."""
    shares, values = [0.0], [0.0]
    for limit in sorted(set(risk), reverse=True):
        first = risk >= limit
        n_treated, n_untreated = (first & treated).sum(), (first & ~treated).sum()
        gained = (good & first & treated).sum()
        gained = gained - (good & first & ~treated).sum() * n_treated / n_untreated if n_untreated else 0
        shares.append(first.mean())
        values.append(gained / treated.sum())
    return shares, values


def area(shares: list[float], values: list[float]) -> float:
    """Between the curve and the straight line to its end, by trapezoids."""
    steps = range(1, len(shares))
    under = sum((shares[n] - shares[n - 1]) * (values[n] + values[n - 1]) / 2 for n in steps)
    return under - values[-1] / 2


def test_worked_by_hand(engine: SparkSession) -> None:
    """Four customers in the order treated and good, untreated and bad, treated and bad, untreated and good.

    At a half one good treated stands against no good untreated: 1 of 2 treated. At three quarters the same, with two
    treated per untreated; at the end one good each. A fifth, of whom nothing is known, is left out.
    """
    rows = customers([1, 0, 0, 1, 1], [True, False, True, False, None], [0.9, 0.8, 0.7, 0.6, 0.95])
    found = measured(engine, rows)
    assert set(found) == {"qini", "curve", "deciles"}
    assert found["curve"][::25] == [[0.0, 0.0], [0.25, 0.0], [0.5, 0.5], [0.75, 0.5], [1.0, 0.0]]
    assert found["curve"][40] == pytest.approx([0.4, 0.3]) and len(found["curve"]) == 101
    assert found["qini"]["value"] == pytest.approx(0.25)
    assert set(found["qini"]) == {"value", "low", "high"} and found["deciles"] == []


def test_uplift_of_two_tenths(sail: SparkSession) -> None:
    """At a high risk 3 of 4 treated and 1 of 2 others did well, at a low one 1 of 2 and all 4."""
    rows = customers(
        [1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1],
        [True] * 4 + [False] * 2 + [True] * 2 + [False] * 4,
        [0.9] * 6 + [0.2] * 6,
    )
    found = measured(sail, rows)["deciles"]
    # The middle of the upper half stands at three quarters, in the eighth tenth; that of the lower in the third.
    told = [(one["decile"], one["treated"], one["untreated"], one["uplift"]["value"]) for one in found]
    assert told == [(8, 4, 2, pytest.approx(0.25)), (3, 2, 4, pytest.approx(-0.5))]


def test_ties_count_as_one_step(sail: SparkSession) -> None:
    """Of equal risks no order is made: the curve is a straight line, whatever the rows' order."""
    found = measured(sail, customers([1, 1, 0, 0], [True, False, True, False], [0.5] * 4))
    assert found["qini"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    one_sided = measured(sail, customers([1, 1, 0, 0], [True, True, False, False], [0.5] * 4))
    assert one_sided["curve"][50] == [0.5, 0.5] and one_sided["curve"][100] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("good", "rows", "expected"),
    [((56, 48), (70, 80), (0.2, 0.0524, 0.3339)), ((9, 3), (10, 10), (0.6, 0.1705, 0.8090))],
)
def test_interval_of_the_published_examples(good: Any, rows: Any, expected: Any) -> None:
    """Newcombe 1998, table II, method 10."""
    found = difference_interval(np.array(good, float), np.array(rows, float))
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=5e-5)


def drawn(n: int, effect: float, seed: int = 2) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Risks spread evenly; a third is treated at random, which keeps `effect` of those who would leave."""
    random = np.random.default_rng(seed)
    risk = np.floor(500 * random.random(n)) / 500 + 0.001
    treated = random.random(n) < 1 / 3
    return random.random(n) >= risk * (1 - effect * treated), treated, risk


def test_a_known_effect_is_found(sail: SparkSession) -> None:
    """Treating at a risk of r keeps 0.4 r more; so the curve is 0.4 (s - s^2 / 2), and 0.4 / 12 above the line."""
    found = measured(sail, customers(*drawn(20_000, 0.4)))
    assert found["qini"]["low"] < 0.4 / 12 < found["qini"]["high"]
    assert found["qini"]["low"] > 0.02 and found["qini"]["high"] < 0.05
    assert all(value == pytest.approx(0.4 * (s - s * s / 2), abs=0.03) for s, value in found["curve"])
    assert [one["decile"] for one in found["deciles"]] == list(range(10, 0, -1))
    inside = []
    for one in found["deciles"]:
        true = 0.4 * (one["decile"] - 0.5) / 10
        inside.append(one["uplift"]["low"] < true < one["uplift"]["high"])
        assert one["uplift"]["high"] - one["uplift"]["low"] < 0.12
        assert one["treated"] + one["untreated"] == pytest.approx(2_000, abs=60)
    assert sum(inside) >= 9


def test_no_effect_is_none(sail: SparkSession) -> None:
    found = measured(sail, customers(*drawn(20_000, 0.0)))
    assert found["qini"]["low"] < 0 < found["qini"]["high"]
    assert sum(one["uplift"]["low"] < 0 < one["uplift"]["high"] for one in found["deciles"]) >= 9


def test_as_by_brute_force(sail: SparkSession) -> None:
    """Curve, coefficient, and its interval against that of 500 resamples of the customers."""
    good, treated, risk = drawn(2_000, 0.5, seed=4)
    risk = np.ceil(50 * risk) / 51
    found = measured(sail, customers(good, treated, risk))
    shares, values = by_brute_force(good, treated, risk)
    assert [value for _, value in found["curve"]] == pytest.approx(
        list(np.interp(np.arange(101) / 100, shares, values))
    )
    assert found["qini"]["value"] == pytest.approx(area(shares, values))
    random = np.random.default_rng(6)
    resamples = [
        area(*by_brute_force(good[who], treated[who], risk[who])) for who in random.integers(0, 2_000, (500, 2_000))
    ]
    low, high = np.quantile(resamples, [0.025, 0.975])
    assert found["qini"]["high"] - found["qini"]["low"] == pytest.approx(high - low, rel=0.2)
    assert (found["qini"]["low"], found["qini"]["high"]) == pytest.approx((low, high), abs=0.2 * (high - low))


@pytest.mark.parametrize(("treated", "text"), [(True, "2 were treated and 0"), (False, "0 were treated and 2")])
def test_nobody_to_compare_with_is_an_error(sail: SparkSession, treated: bool, text: str) -> None:
    with pytest.raises(ValueError, match=f"nobody to compare: .*{text} were not"):
        measured(sail, customers([1, 0, 1], [treated, treated, None], [0.1, 0.2, 0.3]))


def test_nothing_known_is_an_error(sail: SparkSession) -> None:
    with pytest.raises(ValueError, match="0 were treated and 0 were not"):
        measured(sail, customers([1], [None], [0.1]))


@pytest.mark.parametrize("change", [{"label_good": None}, {"label_good": 2}, {"risk": None}, {"risk": 1.5}])
def test_what_is_not_known_is_an_error(sail: SparkSession, change: dict[str, Any]) -> None:
    rows = customers([1, 0], [True, False], [0.1, 0.2])
    with pytest.raises(ValueError, match="every label must be 0 or 1"):
        measured(sail, [rows[0], rows[1] | change])


def test_both_engines_and_two_runs_agree() -> None:
    rows = customers(*drawn(500, 0.4))
    found = []
    for name, given_rows in (("sail", rows), ("sail", rows[::-1]), ("spark", rows)):
        with started(name, SMALL) as session:
            found.append(measured(session, given_rows))
    assert found[0] == found[1] == found[2]


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0])), min_size=2).filter(
        lambda rows: len({treated for _, treated, _ in rows}) == 2
    )
)
def test_any_few_customers(sail: SparkSession, rows: list[Any]) -> None:
    good, treated, risk = (np.array(column) for column in zip(*rows, strict=True))
    found = measured(sail, customers(good, treated, risk))
    shares, values = by_brute_force(good, treated, risk)
    assert found["qini"]["value"] == pytest.approx(area(shares, values))
    assert found["qini"]["low"] <= found["qini"]["value"] <= found["qini"]["high"]
    assert found["curve"][-1] == pytest.approx([1.0, good[treated].mean() - good[~treated].mean()])
    for one in found["deciles"]:
        assert -1 <= one["uplift"]["low"] <= one["uplift"]["value"] <= one["uplift"]["high"] <= 1
