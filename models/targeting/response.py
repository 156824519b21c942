"""How customers respond to a contact, by aim: what a contact is expected to change, and what it changed on test data.

The effect of a contact is not learned from data: it is declared, and the same for everybody. p is the probability of
the good outcome: that the customer comes back or stays.

- `keep`: a share k of the contacted leavers stays, so that a contact raises p by k (1 - p).
- `convert`: a contact raises p to (1 + l) p, at most 1; so by min(l p, 1 - p).

On test data the outcome is known, and that without a contact. What a contact would have changed is then counted so that
its expectation, if p is calibrated, is what is expected of p:

- `keep`: k for a customer who left, 0 for one who stayed. The expectation is (1 - p) k.
- `convert`: where p <= 1 / (1 + l), l p is the smaller of the two: count l for a customer who came back, 0 for others;
  the expectation is p l. Where p is above, 1 - p is the smaller one: count 1 for a customer who did not come back, 0
  for others; the expectation is (1 - p) 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from conf.schema import Label
from conf.targeting import Aim, Targeting


@dataclass(frozen=True)
class Response:
    """How customers respond to a contact.

    is_about_good: whether the aim is about customers with the good outcome (those who come back), or about those
        without it (leavers).
    expected: from P(good) and P(leaving), the expected change of P(good).
    counted: from whether the outcome was good, and P(good), what a contact would have changed.
    """

    is_about_good: bool
    expected: Callable[[Column, Column], Column]
    counted: Callable[[Column, Column], Column]


def _keep(kept_share: float) -> Response:
    kept, nothing = F.lit(kept_share), F.lit(0.0)
    return Response(
        is_about_good=False,
        expected=lambda good, leaving: kept * leaving,
        counted=lambda is_good, good: F.when(is_good, nothing).otherwise(kept),
    )


def _convert(lift: float) -> Response:
    lifted, nothing, certain = F.lit(lift), F.lit(0.0), F.lit(1.0)
    highest = F.lit(1.0 / (1.0 + lift))  # up to here the lift is not cut off at 1
    return Response(
        is_about_good=True,
        expected=lambda good, leaving: F.least(lifted * good, leaving),
        counted=lambda is_good, good: F.when(good <= highest, F.when(is_good, lifted).otherwise(nothing)).otherwise(
            F.when(is_good, nothing).otherwise(certain)
        ),
    )


def response(economics: Targeting) -> Response:
    """The response that the economics declare for their aim."""
    return RESPONSES[economics.aim](economics)


RESPONSES: dict[Aim, Callable[[Targeting], Response]] = {
    "keep": lambda economics: _keep(float(economics.kept_share or 0.0)),
    "convert": lambda economics: _convert(float(economics.lift or 0.0)),
}


def good(label: Label, probability: str = "probability") -> Column:
    """The probability that the customer comes back or stays, from the column `probability` = P(label = 1)."""
    return F.lit(1.0) - F.col(probability) if label.leaves_is_one else F.col(probability)


def risk(label: Label, probability: str = "probability") -> Column:
    """The probability that the customer leaves, from the column `probability` = P(label = 1)."""
    return F.col(probability) if label.leaves_is_one else F.lit(1.0) - F.col(probability)


def customer_value(economics: Targeting) -> Column:
    """The value of a customer who comes back or stays; null, NaN, infinity and negative values count as 0."""
    declared = economics.value_of_customer
    value = (F.expr(declared) if isinstance(declared, str) else F.lit(declared)).cast("double")
    return F.when((value > 0) & (value < F.lit(float("inf"))), value).otherwise(F.lit(0.0))


def expected_profit(label: Label, economics: Targeting) -> Column:
    """The expected profit of contacting a customer, after the cost; reads `probability` and the value."""
    change = response(economics).expected(good(label), risk(label))
    return change * customer_value(economics) - F.lit(float(economics.cost_of_contact))
