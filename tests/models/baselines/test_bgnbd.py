"""BG/NBD against the paper's formulas written down naively, customers simulated by its story, and real purchases."""

import json
from math import exp, lgamma, log, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy.optimize import approx_fprime
from scipy.special import betaln, hyp2f1
from sklearn.metrics import roc_auc_score

from conf.learning import Alive
from jobs.engine import engine as started
from models.arrays import Floats
from models.baselines.bgnbd import BgNbd, CustomerCounts, count_customers, fit_bgnbd, log_likelihood
from tests.support.engines import SMALL
from tests.support.frames import Rows, frame
from tests.support.paths import SHARED

CDNOW = SHARED / "cdnow" / "CDNOW_master.txt"
ALIVE = Alive(frequency="purchases - 1", recency_days="recency", age_days="age", unit_days=7)
TYPES = {"purchases": "bigint", "recency": "double", "age": "double"}
MODEL = BgNbd(r=0.6, alpha=5.0, a=0.8, b=2.5, unit_days=7)


def customer(x: int | None, *days: float | None) -> dict[str, Any]:
    recency, age = (None if value is None else float(value) for value in days)
    return {"purchases": None if x is None else x + 1, "recency": recency, "age": age}


def given(engine: SparkSession, customers: list[tuple[Any, Any, Any]]) -> DataFrame:
    return frame(engine, [customer(*one) for one in customers], TYPES)


def counts_of(triples: list[tuple[float, float, float]], weights: list[float] | None = None) -> CustomerCounts:
    frequency, recency, age = np.array(triples, float).reshape(-1, 3).T
    return CustomerCounts(frequency, recency, age, np.array(weights or np.ones(len(triples)), float), 1)


def found(counts: CustomerCounts) -> list[tuple[float, ...]]:
    return list(zip(counts.frequency, counts.recency, counts.age, counts.customers, strict=True))


def probabilities(engine: SparkSession, customers: list[tuple[Any, Any, Any]], model: BgNbd = MODEL) -> Rows:
    columns = {
        "alive": model.probability_alive(ALIVE),
        "active": model.probability_active(ALIVE, 28),
        "expected": model.expected_events(ALIVE, 28),
    }
    table = given(engine, customers).select(*(column.alias(name) for name, column in columns.items()))
    return [row.asDict() for row in table.collect()]


def simulated(size: int, model: BgNbd, last_day: Floats, seed: int = 1) -> tuple[Floats, Floats, Floats, Floats]:
    """(size,) each: repeat purchases, recency and age at 52 units, and purchases from then to `last_day`."""
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(model.r, 1 / model.alpha, size), rng.beta(model.a, model.b, size)
    age = rng.uniform(10, 52, size)
    x, recency, later, time = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    is_active = np.ones(size, bool)
    while is_active.any():
        time[is_active] += rng.exponential(1 / rate[is_active])
        is_active &= time < age + last_day
        before, after = is_active & (time < age), is_active & (time >= age)
        x += before
        recency[before] = time[before]
        later += after
        is_active &= rng.random(size) >= leaves
    return x, recency, age, later


# ---- the likelihood and the fit ----


def naive_likelihood(r: float, alpha: float, a: float, b: float, x: int, recency: float, age: float) -> float:
    """The paper's equation (6) as it stands."""

    def beta(u: float, v: float) -> float:
        return exp(lgamma(u) + lgamma(v) - lgamma(u + v))

    rate = exp(lgamma(r + x) - lgamma(r)) * alpha**r
    stays = beta(a, b + x) / beta(a, b) * rate / (alpha + age) ** (r + x)
    leaves = beta(a + 1, b + x - 1) / beta(a, b) * rate / (alpha + recency) ** (r + x) if x else 0
    return stays + leaves


@pytest.mark.parametrize("parameters", [(0.24, 4.4, 0.8, 2.4), (3.0, 0.5, 2.0, 0.3)])
@pytest.mark.parametrize("triple", [(0, 0, 0), (0, 0, 30), (1, 4, 30), (1, 30, 30), (5, 12.5, 38.9), (9, 1, 9)])
def test_likelihood_is_the_papers(parameters: tuple[float, ...], triple: tuple[int, float, float]) -> None:
    value, _ = log_likelihood(np.array(parameters), counts_of([triple]))
    assert value == pytest.approx(log(naive_likelihood(*parameters, *triple)), rel=1e-12, abs=1e-12)


def test_slopes_are_those_of_the_likelihood() -> None:
    counts = counts_of([(0, 0, 20), (1, 4, 30), (7, 12, 14)], [5, 2, 1])
    at = np.array([0.4, 3.0, 0.7, 1.9])
    expected = approx_fprime(at, lambda parameters: log_likelihood(parameters, counts)[0], 1e-7)
    assert log_likelihood(at, counts)[1] == pytest.approx(expected, rel=1e-4)


def test_likelihood_of_very_active_customers_is_finite() -> None:
    value, slope = log_likelihood(np.array([0.3, 4, 0.8, 2.5]), counts_of([(100_000, 0.01, 700), (0, 0, 1e6)]))
    assert np.isfinite(value) and np.isfinite(slope).all()


def test_a_weight_is_as_many_equal_rows() -> None:
    triples = [(0, 0, 20), (1, 4, 30), (7, 12, 14), (2, 20, 25)]
    weights = [3, 1, 2, 2]
    repeated = [triple for triple, weight in zip(triples, weights, strict=True) for _ in range(weight)]
    weighted, whole = fit_bgnbd(counts_of(triples, weights)), fit_bgnbd(counts_of(repeated))
    assert weighted.to_json() == pytest.approx(whole.to_json(), rel=1e-4)
    assert weighted.r != pytest.approx(fit_bgnbd(counts_of(triples)).r, rel=1e-2)  # weights do count


def test_fit_finds_the_parameters_of_simulated_customers() -> None:
    true = BgNbd(r=0.8, alpha=4.0, a=0.9, b=2.5, unit_days=1)
    x, recency, age, _ = simulated(20_000, true, np.zeros(20_000))
    fitted = fit_bgnbd(CustomerCounts(x, recency, age, np.ones_like(x), 1))
    assert (fitted.r, fitted.alpha) == pytest.approx((true.r, true.alpha), rel=0.06)
    assert (fitted.a, fitted.b) == pytest.approx((true.a, true.b), rel=0.15)
    assert fitted.a / (fitted.a + fitted.b) == pytest.approx(true.a / (true.a + true.b), rel=0.05)


@pytest.mark.parametrize(
    "triples",
    [
        [(0, 0, 30)],  # one customer, and nobody buys again
        [(0, 0, 0)],  # nothing is known
        [(29, 30, 30)] * 3,  # everybody always buys, nobody leaves
        [(400, 1, 700), (0, 0, 700)],  # everybody leaves
    ],
)
def test_fit_ends_where_the_data_say_little(triples: list[tuple[float, float, float]]) -> None:
    fitted = fit_bgnbd(counts_of(triples))
    assert all(np.isfinite(value) and value > 0 for value in fitted.to_json().values())


def test_fit_refuses_no_customers() -> None:
    with pytest.raises(ValueError, match="no customers"):
        fit_bgnbd(counts_of([]))


@pytest.mark.filterwarnings("ignore:invalid value")
def test_fit_says_when_it_does_not_converge() -> None:
    with pytest.raises(ValueError, match="does not converge on 1 customers"):
        fit_bgnbd(counts_of([(1, nan, 3)]))


# ---- counting ----


def test_counts_in_whole_weeks(engine: SparkSession) -> None:
    rows = [
        (0, 0, 70), (0, 0, 72), (0, 0, 3), (0, 5, 70),  # recency is 0 without a repeat purchase, whatever is said
        (2, 14, 21), (2, 17.4, 24.4), (2, 17.5, 24.5),  # 17.5 days are two weeks and a half, rounded up
        (1, 1, 2), (1, 0, 70),  # rounded to 0 only where it is 0
        (3, 7, 5), (-1, 0, 14),  # never more recency than age; no purchase at all is no repeat purchase
        (None, 7, 14), (1, None, 14), (0, 0, None),
    ]  # fmt: skip
    assert found(count_customers(given(engine, rows), ALIVE)) == [
        (0, 0, 0, 1), (0, 0, 2, 1), (0, 0, 10, 3), (1, 0, 10, 1), (1, 1, 1, 1),
        (2, 2, 3, 2), (2, 3, 4, 1), (3, 1, 1, 1),
    ]  # fmt: skip


def test_counts_of_an_empty_table(engine: SparkSession) -> None:
    assert found(count_customers(given(engine, []), ALIVE)) == []


def test_distinct_customers_do_not_grow_with_customers(sail: SparkSession) -> None:
    many = sail.range(200_000).selectExpr(
        "id % 5 + 1 as purchases", "cast(id % 97 as double) as recency", "cast(100 as double) as age"
    )
    counts = count_customers(many, ALIVE)
    assert counts.customers.sum() == 200_000
    assert len(counts.customers) <= 5 * 15


# ---- probabilities ----


def expected_by_the_closed_form(model: BgNbd, x: float, recency: float, age: float, horizon: float) -> float:
    """The paper's equation (10)."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    log_gone = betaln(a + 1, b + x - 1) - betaln(a, b + x) + (r + x) * log((alpha + age) / (alpha + recency))
    alive = 1 / (1 + exp(log_gone)) if x else 1
    shrunk = ((alpha + age) / (alpha + age + horizon)) ** (r + x)
    sum_ = hyp2f1(r + x, b + x, a + b + x - 1, horizon / (alpha + age + horizon))
    return alive * (a + b + x - 1) / (a - 1) * (1 - shrunk * sum_)


TRIPLES = [(0, 0, 0), (0, 0, 350), (1, 1, 350), (1, 350, 350), (6, 210.5, 361), (40, 300, 310), (150, 364, 365)]


def test_alive_and_active_by_hand(engine: SparkSession) -> None:
    """x = 2 in weeks 0 to 4, seen to week 7: odds of gone a/(b + 1) * (12/9)^2.6, and four weeks to come."""
    (two,) = probabilities(engine, [(2, 28, 49)])
    alive = 1 / (1 + 0.8 / 3.5 * (12 / 9) ** 2.6)
    assert two["alive"] == pytest.approx(alive, rel=1e-12)
    assert two["active"] == pytest.approx(alive * (1 - (12 / 16) ** 2.6), rel=1e-12)


def test_expected_events_are_the_closed_form(engine: SparkSession) -> None:
    rows = probabilities(engine, TRIPLES)
    closed = [expected_by_the_closed_form(MODEL, x, t / 7, age / 7, 4) for x, t, age in TRIPLES]
    assert [row["expected"] for row in rows] == pytest.approx(closed, rel=1e-5)


def test_who_never_bought_again_is_alive_and_less_active_the_longer_ago(engine: SparkSession) -> None:
    young, old = probabilities(engine, [(0, 0, 30), (0, 0, 300)])
    assert young["alive"] == old["alive"] == 1
    assert young["active"] > old["active"] > 0


def test_extreme_customers_have_probabilities(engine: SparkSession) -> None:
    """Odds of e^(hundreds) and more are no overflow, and null in one feature is null."""
    gone, here = probabilities(engine, [(100_000, 1, 700), (100_000, 700, 700)])
    assert gone["alive"] == gone["active"] == gone["expected"] == 0
    assert here["alive"] > 0.99 and here["active"] > 0.99 and here["expected"] > 1
    nothing = dict.fromkeys(("alive", "active", "expected"))
    unknown = probabilities(engine, [(None, 1, 7), (1, None, 7)])
    assert unknown == [nothing, nothing]
    assert probabilities(engine, [(0, 0, None)]) == [nothing | {"alive": 1}]


def test_both_engines_say_the_same(sail: SparkSession) -> None:
    on_sail = pd.DataFrame(probabilities(sail, TRIPLES))
    with started("spark", SMALL) as spark:
        on_spark = pd.DataFrame(probabilities(spark, TRIPLES))
    assert on_sail.to_numpy() == pytest.approx(on_spark.to_numpy(), rel=1e-9)


def test_probabilities_are_the_shares_of_simulated_customers(sail: SparkSession) -> None:
    """Among customers alike, as many buy in the next four weeks, and as often, as the model said."""
    true = BgNbd(r=0.8, alpha=4.0, a=0.9, b=2.5, unit_days=7)
    size = 60_000
    x, recency, age, later = simulated(size, true, np.full(size, 4.0))
    known = pd.DataFrame({"purchases": (x + 1).astype(int), "recency": 7 * recency, "age": 7 * age, "later": later})
    said = sail.createDataFrame(known).select(
        "*", true.probability_active(ALIVE, 28).alias("active"), true.expected_events(ALIVE, 28).alias("expected")
    )
    table = said.toPandas()
    table["came"] = table["later"] > 0
    silent = pd.cut(table["age"] - table["recency"], [-1, 30, 90, 180, 365])
    groups = table.groupby([np.minimum(table["purchases"], 4), silent], observed=True)
    checked = 0
    for _, group in groups:
        if len(group) >= 300:
            checked += 1
            for column, outcome in (("active", "came"), ("expected", "later")):
                surplus = group[outcome] - group[column]
                assert abs(surplus.mean()) < 4.5 * max(surplus.std(), 0.05) / len(group) ** 0.5
    assert checked >= 10


def test_json_keeps_the_model() -> None:
    assert BgNbd.from_json(json.loads(json.dumps(MODEL.to_json()))) == MODEL


# ---- real purchases ----


@pytest.mark.skipif(not CDNOW.is_file(), reason=f"the real purchases are not at {CDNOW}")
def test_ranks_real_customers(sail: SparkSession) -> None:
    """CDNOW, a year of purchases to 1998-01-01, and who bought again in the next 181 days."""
    as_of = pd.Timestamp("1998-01-01")
    bought = pd.read_csv(CDNOW, sep=r"\s+", header=None, skiprows=1, usecols=[0, 1], names=["id", "day"])
    bought["day"] = pd.to_datetime(bought["day"].astype(str))
    seen = bought[bought["day"].between(as_of - pd.Timedelta(days=365), as_of, inclusive="left")].groupby("id")["day"]
    outcome = bought[bought["day"].between(as_of, as_of + pd.Timedelta(days=181), inclusive="left")]
    table = pd.DataFrame(
        {
            "purchases": seen.nunique(),
            "recency": (seen.max() - seen.min()).dt.days.astype(float),
            "age": (as_of - seen.min()).dt.days.astype(float),
        }
    )
    table["again"] = table.index.isin(outcome["id"])
    assert (len(table), table["again"].sum()) == (23_570, 5_374)
    rows = sail.createDataFrame(table)
    model = fit_bgnbd(count_customers(rows, ALIVE))
    said = rows.select(
        "again",
        model.probability_alive(ALIVE).alias("alive"),
        model.probability_active(ALIVE, 181).alias("active"),
        model.expected_events(ALIVE, 181).alias("expected"),
    ).toPandas()
    assert roc_auc_score(said["again"], said["expected"]) == pytest.approx(0.7986, abs=5e-4)
    assert roc_auc_score(said["again"], said["active"]) == pytest.approx(0.7880, abs=5e-4)
    assert roc_auc_score(said["again"], said["alive"]) < 0.5  # all who bought once stand above everybody else
    assert said["active"].mean() == pytest.approx(said["again"].mean(), abs=0.01)
