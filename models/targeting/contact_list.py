"""Chooses whom to contact: the customers with the highest expected profit, within a limit; a share is held out.

The expected profit of contacting a customer is the expected change of the probability of the good outcome, times the
value, less the cost of the contact. The effect of a contact is not learned from data: it is declared and the same for
everybody (`models.targeting.response`). A comparison of those held out with those contacted shows what it really is.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from conf.schema import Label
from conf.targeting import Aim, Targeting
from models.targeting.limits import SEGMENTS, barred_by, is_within_segment, rules_in_force
from models.targeting.response import expected_profit, response, risk

CONTACT, HOLD_OUT, NO = "contact", "hold out", "no"
LEFT_OUT = "left_out"  # a column: the rule but for which a customer would be on the list
HASHES = 1_000_000  # resolution of the hold-out share
FEW = 10_000  # rows that one worker may sort
BINS = 4_096


def most_contacts(economics: Targeting) -> int | None:
    """The maximum number of contacts; None: no limit. A budget is divided by the cost in exact decimals."""
    if economics.budget is None:
        return economics.contacts
    return Fraction(str(economics.budget)) // Fraction(str(economics.cost_of_contact))


def choose_contacts(scored: DataFrame, label: Label, economics: Targeting, as_of: date, seed: int = 1) -> DataFrame:
    """Add to the rows of `scored` the columns `risk`, `expected_profit`, `contact` and LEFT_OUT.

    `scored` has one row per customer with customer_id, probability, the features that the economics read, and the
    column BARRED where customers may be barred. It is read about six times, so it should be stored.

    `contact` is 'contact', 'hold out' or 'no'. Customers are contacted by falling expected profit, while it is above 0
    and the limit is not reached; a hash orders equal profits. A hash of the customer and `as_of` holds out a share of
    them, and the next customers take their place: the limit is on the contacts made, and so is that of a segment.
    LEFT_OUT is the rule of `models.targeting.limits` but for which this customer would be on the list; null for others.
    """
    valued = scored.withColumn("risk", risk(label)).withColumn("expected_profit", expected_profit(label, economics))
    keys = _order(as_of, seed)
    threshold = round(economics.hold_out_share * HASHES)
    is_held_out = F.pmod(_hash("hold out", as_of, seed), F.lit(HASHES)) < threshold
    is_profitable = F.col("expected_profit") > 0
    is_barred = F.col(LEFT_OUT).isNotNull()
    ruled = valued.withColumn(LEFT_OUT, barred_by(valued, label, economics))
    if economics.segments:
        is_candidate = is_profitable & ~is_barred & ~is_held_out
        is_within = is_within_segment(economics.segments, is_candidate, list(keys.values()))
        ruled = ruled.withColumn(LEFT_OUT, F.coalesce(LEFT_OUT, F.when(~is_within, F.lit(SEGMENTS))))
    candidates = ruled.where(is_profitable & ~is_barred & ~is_held_out)
    places = candidates.select(*(key.alias(name) for name, key in keys.items()))
    is_reached = is_profitable & _within(places, most_contacts(economics), keys)
    is_on_list = is_reached & ~is_barred
    contact = F.when(is_on_list & is_held_out, HOLD_OUT).when(is_on_list, CONTACT).otherwise(NO)
    return ruled.withColumn("contact", contact).withColumn(LEFT_OUT, F.when(is_reached, F.col(LEFT_OUT)))


def reading_order(aim: Aim) -> list[Column]:
    """The order in which people read a list: for `convert` the likeliest first, else by expected profit."""
    likeliest = [F.asc("risk")] if aim == "convert" else []
    return [*likeliest, F.desc("expected_profit"), F.asc("customer_id")]


@dataclass(frozen=True)
class ContactPlan:
    """Totals of a contact list.

    contacts, held_out: customers. cost: of all contacts, in the currency of the economics. expected_gain: expected
    profit after that cost. expected_changed: expected number of customers who come back or stay because they are
    contacted. expected_good_contacted, expected_good_all: expected number of customers who come back or stay without a
    contact, of those to contact and of all that are scored. left_out: by rule that is declared, customers who would be
    on the list but for it.
    """

    contacts: int
    held_out: int
    cost: float
    expected_gain: float
    expected_changed: float
    expected_good_contacted: float
    expected_good_all: float
    left_out: dict[str, int]


def summarise_contacts(contacts: DataFrame, economics: Targeting) -> ContactPlan:
    """Add up the contact list of `choose_contacts`."""
    is_contacted = F.col("contact") == CONTACT
    leaving = F.col("risk")
    is_good = F.lit(1.0) - leaving
    changed = response(economics).expected(is_good, leaving)
    rules = rules_in_force(economics)
    row = contacts.agg(
        F.count_if(is_contacted).alias("contacts"),
        F.count_if(F.col("contact") == HOLD_OUT).alias("held_out"),
        F.sum(F.when(is_contacted, F.col("expected_profit"))).alias("gain"),
        F.sum(F.when(is_contacted, changed)).alias("changed"),
        F.sum(F.when(is_contacted, is_good)).alias("good_contacted"),
        F.sum(is_good).alias("good"),
        *(F.count_if(F.col(LEFT_OUT) == rule).alias(f"by_{rule}") for rule in rules),
    ).first()
    assert row is not None  # an aggregation without keys always has its one row
    return ContactPlan(
        contacts=row["contacts"],
        held_out=row["held_out"],
        cost=row["contacts"] * economics.cost_of_contact,
        expected_gain=row["gain"] or 0.0,
        expected_changed=row["changed"] or 0.0,
        expected_good_contacted=row["good_contacted"] or 0.0,
        expected_good_all=row["good"] or 0.0,
        left_out={rule: row[f"by_{rule}"] for rule in rules},
    )


@dataclass(frozen=True)
class OtherAim:
    """What the list of the other aim would be: contacts are customers, of whom `in_both` are on this list too."""

    aim: Aim
    contacts: int
    cost: float
    expected_gain: float
    in_both: int


def compare_with_other(contacts: DataFrame, others: DataFrame, other: Targeting) -> OtherAim:
    """Compare two lists of `choose_contacts` for the same customers; only those to contact count.

    others: the list by the economics `other`.
    """
    columns = ("customer_id", "expected_profit", "contact")
    also = contacts.where(F.col("contact") == CONTACT).select("customer_id", F.lit(True).alias("in_both"))
    row = (
        others.where(F.col("contact") == CONTACT)
        .select(*columns)
        .join(also, "customer_id", "left")
        .agg(F.count("*").alias("contacts"), F.sum("expected_profit").alias("gain"), F.count("in_both").alias("both"))
    ).first()
    assert row is not None  # as above
    cost = row["contacts"] * other.cost_of_contact
    return OtherAim(other.aim, row["contacts"], cost, row["gain"] or 0.0, row["both"])


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
    if limit is None or candidates.count() < limit:
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
