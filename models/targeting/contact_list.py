"""Chooses whom to contact: the customers with the highest expected profit, within a limit; a share is held out.

The expected profit of contacting a customer is `risk * kept_share * value - cost_of_contact`. The effect of a contact
is not learned from data: `kept_share` is declared and the same for everybody. A comparison of those held out with those
contacted shows what it really is.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from conf.learning import Targeting
from conf.schema import Label

CONTACT, HOLD_OUT, NO = "contact", "hold out", "no"
HASHES = 1_000_000  # resolution of the hold-out share
FEW = 10_000  # rows that one worker may sort
BINS = 4_096


def risk(label: Label, probability: str = "probability") -> Column:
    """The probability that the customer leaves, from the column `probability` = P(label = 1)."""
    return F.col(probability) if label.leaves_is_one else F.lit(1.0) - F.col(probability)


def customer_value(economics: Targeting) -> Column:
    """The value of a customer who stays; null, NaN, infinity and negative values count as 0."""
    declared = economics.value_of_customer
    value = (F.expr(declared) if isinstance(declared, str) else F.lit(declared)).cast("double")
    return F.when((value > 0) & (value < F.lit(float("inf"))), value).otherwise(F.lit(0.0))


def expected_profit(economics: Targeting) -> Column:
    """The expected profit of contacting a customer, after the cost of the contact; reads `risk` and the value."""
    gain = F.col("risk") * F.lit(float(economics.kept_share)) * customer_value(economics)
    return gain - F.lit(float(economics.cost_of_contact))


def most_contacts(economics: Targeting) -> int | None:
    """The maximum number of contacts; None: no limit. A budget is divided by the cost in exact decimals."""
    if economics.budget is None:
        return economics.contacts
    return Fraction(str(economics.budget)) // Fraction(str(economics.cost_of_contact))


def choose_contacts(scored: DataFrame, label: Label, economics: Targeting, as_of: date, seed: int = 1) -> DataFrame:
    """Add to the rows of `scored` the columns `risk`, `expected_profit` and `contact`: 'contact', 'hold out' or 'no'.

    `scored` has one row per customer with customer_id, probability and the features that the value reads. It is read
    about six times, so it should be stored. Customers are contacted by falling expected profit, while it is above 0 and
    the limit is not reached; a hash orders equal profits. A hash of the customer and `as_of` holds out a share of them,
    and the next customers take their place: the limit is on the contacts made.
    """
    valued = scored.withColumn("risk", risk(label)).withColumn("expected_profit", expected_profit(economics))
    keys = _order(as_of, seed)
    threshold = round(economics.hold_out_share * HASHES)
    is_held_out = F.pmod(_hash("hold out", as_of, seed), F.lit(HASHES)) < threshold
    is_profitable = F.col("expected_profit") > 0
    candidates = valued.where(is_profitable & ~is_held_out).select(*(key.alias(name) for name, key in keys.items()))
    is_on_list = is_profitable & _within(candidates, most_contacts(economics), keys)
    contact = F.when(is_on_list & is_held_out, HOLD_OUT).when(is_on_list, CONTACT).otherwise(NO)
    return valued.withColumn("contact", contact)


@dataclass(frozen=True)
class ContactPlan:
    """Totals of a contact list.

    contacts, held_out: customers. cost: of all contacts, in the currency of the economics. expected_gain: expected
    profit after that cost. expected_kept: expected number of customers who stay because they are contacted.
    """

    contacts: int
    held_out: int
    cost: float
    expected_gain: float
    expected_kept: float


def summarise_contacts(contacts: DataFrame, economics: Targeting) -> ContactPlan:
    """Add up the contact list of `choose_contacts`."""
    is_contacted = F.col("contact") == CONTACT
    row = contacts.agg(
        F.count_if(is_contacted).alias("contacts"),
        F.count_if(F.col("contact") == HOLD_OUT).alias("held_out"),
        F.sum(F.when(is_contacted, F.col("expected_profit"))).alias("gain"),
        F.sum(F.when(is_contacted, F.col("risk"))).alias("leavers"),
    ).first()
    assert row is not None  # an aggregation without keys always has its one row
    return ContactPlan(
        contacts=row["contacts"],
        held_out=row["held_out"],
        cost=row["contacts"] * economics.cost_of_contact,
        expected_gain=row["gain"] or 0.0,
        expected_kept=(row["leavers"] or 0.0) * economics.kept_share,
    )


def _hash(purpose: str, as_of: date, seed: int) -> Column:
    """A hash of the customer; for other purposes and as-of dates it is independent."""
    return F.xxhash64(F.col("customer_id").cast("string"), F.lit(f"{purpose} {as_of.isoformat()} {seed}"))


def _order(as_of: date, seed: int) -> dict[str, Column]:
    """The sort keys, all ascending; no two customers are equal in all of them."""
    tie = F.shiftright(_hash("order", as_of, seed), 12).cast("double")  # 52 bits: what a double holds exactly
    return {"loss": -F.col("expected_profit"), "tie": tie, "customer": F.col("customer_id").cast("string")}


def _within(candidates: DataFrame, limit: int | None, keys: dict[str, Column]) -> Column:
    """Whether a row is not after the last candidate within the limit."""
    if limit == 0:
        return F.lit(False)
    if limit is None or candidates.count() <= limit:
        return F.lit(True)
    last = _nth(candidates, limit)
    is_before: Column = F.lit(True)
    for name, key in reversed(keys.items()):
        is_before = (key < F.lit(last[name])) | ((key == F.lit(last[name])) & is_before)
    return is_before


def _nth(candidates: DataFrame, place: int) -> Row:
    """The candidate at a place (from 1) of the order. Histograms narrow the search until few are left to be sorted."""
    for key in ("loss", "tie"):
        candidates, place = _narrowed(candidates, key, place)
    return candidates.orderBy("loss", "tie", "customer").offset(place - 1).limit(1).collect()[0]


def _narrowed(rows: DataFrame, key: str, place: int) -> tuple[DataFrame, int]:
    """Few rows, or rows of one value of `key`, that hold the row at `place`; and its place among them."""
    counts = (F.count("*").alias("rows"), F.min(key).alias("low"), F.max(key).alias("high"))
    span, within = rows.agg(*counts).collect()[0], rows
    while span["rows"] > FEW and span["low"] < span["high"]:
        position = (F.col(key) - F.lit(span["low"])) / F.lit(span["high"] - span["low"])
        histogram = within.groupBy(F.floor(position * BINS).alias("bin")).agg(*counts).orderBy("bin").collect()
        for span in histogram:
            if place <= span["rows"]:
                break
            place -= span["rows"]
        within = rows.where(F.col(key).between(F.lit(span["low"]), F.lit(span["high"])))
    return within, place
