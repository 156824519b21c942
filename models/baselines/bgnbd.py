"""BG/NBD: predicts who is still a customer from frequency, recency and age, as a baseline for other models.

While alive, each customer buys at a rate of their own (gamma with shape r and rate alpha, per unit of time). After each
repeat purchase they leave for good with a probability of their own (beta with a and b).

Source: Fader, Hardie & Lee 2005, "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24(2).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln, roots_jacobi

from conf.learning import Alive
from models.arrays import Floats

# If nobody leaves or nobody buys again, the best parameters are infinite; the penalty keeps them finite.
PENALTY = 1e-4  # on the squared logs of the parameters, against the mean log-likelihood of a customer
LOG_BOUNDS = [(-6.0, 6.0), (-6.0, 12.0), (-6.0, 6.0), (-6.0, 6.0)]
STARTS = ((1.0, 1.0), (0.3, 3.0), (3.0, 10.0))  # of a and b
NODES = 24  # of the integral over the probability of leaving


@dataclass(frozen=True)
class CustomerCounts:
    """Distinct combinations of customers: arrays of shape (n,), times in units of `unit_days`.

    customers: how many customers have the same frequency, recency and age.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    customers: Floats
    unit_days: float


@dataclass(frozen=True)
class BgNbd:
    """A fitted model; `alpha` is in units of `unit_days`."""

    r: float
    alpha: float
    a: float
    b: float
    unit_days: float

    def probability_alive(self, alive: Alive) -> Column:
        """P(has not left by as_of), for a table with the features that `alive` reads; null if one of them is null.

        The odds of having left at the last of x purchases are a / (b + x - 1) * ((alpha + T) / (alpha + t_x))^(r + x).
        Customers leave only after a repeat purchase, so that without one (x = 0) the probability is 1.
        """
        x, recency, age = _measures(alive, self.unit_days)
        waited = (F.lit(self.r) + x) * (F.ln(F.lit(self.alpha) + age) - F.ln(F.lit(self.alpha) + recency))
        log_odds_of_gone = F.lit(float(np.log(self.a))) - F.ln(F.lit(self.b - 1) + x) + waited
        # A power of the ratio itself would overflow for large x; exp of a large number is infinity.
        return F.when(x > 0, F.lit(1.0) / (F.lit(1.0) + F.exp(log_odds_of_gone))).when(x == 0, F.lit(1.0))

    def probability_active(self, alive: Alive, days: float) -> Column:
        """P(at least one event in the next `days` days), for the same table.

        For a customer who is alive at T, the likelihood lambda^x exp(-lambda T) makes the rate gamma with shape r + x
        and rate alpha + T. The probability of no event in the next t units is then E[exp(-lambda t)] =
        ((alpha + T) / (alpha + T + t))^(r + x). Customers leave only after an event, so that leaving does not matter
        before the first one. So P(active) = P(alive) * (1 - ((alpha + T) / (alpha + T + t))^(r + x)).

        P(alive) alone is 1 for everybody who bought once, which ranks them above everybody else.
        """
        x, _, age = _measures(alive, self.unit_days)
        before, after = F.lit(self.alpha) + age, F.lit(self.alpha + days / self.unit_days) + age
        return self.probability_alive(alive) * -F.expm1((F.lit(self.r) + x) * (F.ln(before) - F.ln(after)))

    def expected_events(self, alive: Alive, days: float) -> Column:
        """The expected number of events in the next `days` days, for the same table; it ranks better than P(active).

        For a customer who is alive at T, and p, the number is (1 - exp(-lambda p t)) / p. With the rate as above it is
        g(p) = (1 - (1 + p t / (alpha + T))^-(r + x)) / p, and p is beta with a and b + x. The paper's closed form needs
        a hypergeometric function, which SQL lacks; this is the mean of g over Gauss-Jacobi nodes of beta(a, b),
        weighted by (1 - p)^x. Its error is 1e-6 up to 50 events and 1e-4 up to 300; for thousands it is too low.
        """
        x, _, age = _measures(alive, self.unit_days)
        shape, horizon = F.lit(self.r) + x, F.lit(days / self.unit_days) / (F.lit(self.alpha) + age)
        above, below = [], []
        nodes, weights = _beta_nodes(self.a, self.b)
        stays = np.log1p(-nodes) - np.log1p(-nodes[0])  # relative to the first node, since (1 - p)^x itself underflows
        for node, weight, log_stay in zip(nodes.tolist(), weights.tolist(), stays.tolist(), strict=True):
            share = F.lit(weight) * F.exp(x * F.lit(log_stay))
            above.append(share * -F.expm1(-shape * F.log1p(F.lit(node) * horizon)) / F.lit(node))
            below.append(share)
        return self.probability_alive(alive) * _balanced_sum(above) / _balanced_sum(below)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "BgNbd":
        """The model of `to_json`."""
        return cls(**data)


def count_customers(rows: DataFrame, alive: Alive) -> CustomerCounts:
    """Count customers by frequency, recency and age, in one aggregation.

    Times are rounded to whole units, but not to 0 if there is a repeat purchase, and age is never below recency. So the
    number of combinations is bounded by the calendar and not by the customers: age is at most the observation window,
    recency is at most age, and a frequency that counts days is at most recency in days. Rows with a null among the
    three are left out. The order is by value, so that sums are reproducible.
    """
    frequency, recency, age = _measures(alive, alive.unit_days)
    is_later = recency > 0
    whole_recency = F.when(is_later, F.greatest(_rounded(recency), F.lit(1.0))).otherwise(F.lit(0.0))
    units = rows.where(frequency.isNotNull() & recency.isNotNull() & age.isNotNull()).select(
        frequency.alias("frequency"),
        whole_recency.alias("recency"),
        F.greatest(_rounded(age), whole_recency).alias("age"),
    )
    keys = ("frequency", "recency", "age")
    table = units.groupBy(*keys).agg(F.count("*").cast("double").alias("customers")).toArrow()
    values = {name: np.asarray(table.column(name).to_numpy(), np.float64) for name in table.column_names}
    order = np.lexsort([values[key] for key in reversed(keys)])
    return CustomerCounts(**{name: array[order] for name, array in values.items()}, unit_days=alive.unit_days)


def fit_bgnbd(counts: CustomerCounts) -> BgNbd:
    """Fit the parameters by maximum penalised likelihood, from several starting points.

    Raises:
        ValueError: there are no customers, or the fit does not converge.
    """
    customers = counts.customers.sum()
    if not customers:
        raise ValueError("BG/NBD: there are no customers to fit to; frequency, recency and age are null in all rows")
    typical_age = max(float(counts.customers @ counts.age / customers), 1.0)
    found = [
        minimize(_loss, np.log([1.0, typical_age, *start]), (counts,), "L-BFGS-B", jac=True, bounds=LOG_BOUNDS)
        for start in STARTS
    ]
    converged = [one for one in found if one.success and np.isfinite(one.fun)]
    if not converged:
        raise ValueError(
            f"BG/NBD does not converge on {customers:.0f} customers ({found[0].message}); "
            f"try a longer unit_days than {counts.unit_days:g}, or leave `alive` out of the configuration"
        )
    best = min(converged, key=lambda one: float(one.fun))
    r, alpha, a, b = (float(value) for value in np.exp(best.x))
    return BgNbd(r, alpha, a, b, counts.unit_days)


def log_likelihood(parameters: Floats, counts: CustomerCounts) -> tuple[float, Floats]:
    """The mean log-likelihood of a customer at (r, alpha, a, b), and its four derivatives."""
    r, alpha, a, b = parameters
    x, shape = counts.frequency, r + counts.frequency
    now, then = np.log(alpha + counts.age), np.log(alpha + counts.recency)
    again = x > 0
    lost = b + np.where(again, x, 1.0) - 1
    # Two reasons for no purchase since: (1) alive, with log weight 0, and (2) gone since the last purchase.
    log_odds_of_gone = np.where(again, np.log(a) - np.log(lost) + shape * (now - then), -np.inf)
    gone = expit(log_odds_of_gone)
    each = (
        gammaln(shape) - gammaln(r) + r * np.log(alpha) - shape * now
        + gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        + np.logaddexp(0.0, log_odds_of_gone)
    )  # fmt: skip
    slopes = (
        digamma(shape) - digamma(r) + np.log(alpha) - (1 - gone) * now - gone * then,
        r / alpha - shape * ((1 - gone) / (alpha + counts.age) + gone / (alpha + counts.recency)),
        digamma(a + b) - digamma(a + b + x) + gone / a,
        digamma(a + b) - digamma(a + b + x) + digamma(b + x) - digamma(b) - gone / lost,
    )
    share = counts.customers / counts.customers.sum()
    return float(share @ each), np.array([share @ slope for slope in slopes])


def _loss(logs: Floats, counts: CustomerCounts) -> tuple[float, Floats]:
    parameters = np.exp(logs)
    value, slope = log_likelihood(parameters, counts)
    return PENALTY * float(logs @ logs) - value, 2 * PENALTY * logs - slope * parameters


def _measures(alive: Alive, unit_days: float) -> tuple[Column, Column, Column]:
    """Repeat purchases (an integer), recency (0 without one) and age in units, as doubles."""
    number, recency, age = (F.expr(sql).cast("double") for sql in (alive.frequency, alive.recency_days, alive.age_days))
    unit = F.lit(float(unit_days))
    frequency = F.when(number > 0, _rounded(number)).when(number <= 0, F.lit(0.0))
    return frequency, F.when(number > 0, recency / unit).when(number <= 0, F.lit(0.0)), age / unit


def _beta_nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Gauss-Jacobi nodes and weights of the beta distribution with a and b."""
    nodes, weights = roots_jacobi(NODES, b - 1, a - 1)
    return (1 + nodes) / 2, weights / weights.sum()


def _balanced_sum(parts: Sequence[Column]) -> Column:
    """The sum as a balanced tree, since Spark Connect does not accept a chain of so many nested terms."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return _balanced_sum(parts[:middle]) + _balanced_sum(parts[middle:])


def _rounded(value: Column) -> Column:
    return F.floor(value + F.lit(0.5)).cast("double")
