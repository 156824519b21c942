"""Limits of contact: the rules by which customers with a positive expected profit are not contacted all the same.

A customer whom several rules keep off the list counts for the first of RULES.
"""

from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.schema import Label
from conf.targeting import SegmentLimit, Targeting
from models.targeting.response import good, response, risk

DO_NOT_CONTACT, CONTACTED, MIN_PROBABILITY, SEGMENTS = "do_not_contact", "contacted", "min_probability", "segments"
RULES = (DO_NOT_CONTACT, CONTACTED, MIN_PROBABILITY, SEGMENTS)
BARRED = "barred"  # a column: the first rule that does not depend on the scores and keeps a customer off; null: none
ROUNDING = 1e-12  # of a probability that is 1 minus another one


@dataclass(frozen=True)
class ContactHistory:
    """Customers whom files and earlier lists name.

    do_not_contact: `customer_id`. contacted: `customer_id`, `date`, one row per contact. None: there are none.
    """

    do_not_contact: DataFrame | None = None
    contacted: DataFrame | None = None


def rules_in_force(economics: Targeting) -> list[str]:
    """The rules that the economics declare."""
    return [rule for rule in RULES if getattr(economics, rule) is not None]


def with_barred(rows: DataFrame, economics: Targeting, history: ContactHistory, as_of: date) -> DataFrame:
    """Add the column BARRED to rows of customers, which have the features that the rules read."""
    by_rule: dict[str, list[Column]] = {}
    declared = economics.do_not_contact
    if declared and declared.when:
        by_rule.setdefault(DO_NOT_CONTACT, []).append(F.coalesce(F.expr(declared.when).cast("boolean"), F.lit(False)))
    named = {DO_NOT_CONTACT: history.do_not_contact, CONTACTED: _lately(history.contacted, economics, as_of)}
    for rule, customers in named.items():
        if customers is not None:
            flag = f"is_{rule}"
            marked = customers.select("customer_id").distinct().withColumn(flag, F.lit(True))
            rows = rows.join(marked, "customer_id", "left")
            by_rule.setdefault(rule, []).append(F.col(flag).isNotNull())
    found = [F.when(reduce(Column.__or__, by_rule[rule]), F.lit(rule)) for rule in RULES if rule in by_rule]
    barred = F.coalesce(*found) if found else F.lit(None).cast("string")
    return rows.withColumn(BARRED, barred).drop(*(f"is_{rule}" for rule in named))


def barred_by(rows: DataFrame, label: Label, economics: Targeting) -> Column:
    """The first rule but that of segments that keeps a customer off the list; null: none."""
    before = F.col(BARRED) if BARRED in rows.columns else F.lit(None).cast("string")
    if economics.min_probability is None:
        return before
    asked = good(label) if response(economics).is_about_good else risk(label)
    is_below = asked < F.lit(economics.min_probability - ROUNDING)
    return F.coalesce(before, F.when(is_below, F.lit(MIN_PROBABILITY)))


def is_within_segment(segments: SegmentLimit, is_candidate: Column, order: list[Column]) -> Column:
    """Whether fewer candidates of the same segment than may be contacted come before a customer."""
    earlier = Window.partitionBy(F.expr(segments.by)).orderBy(*order).rowsBetween(Window.unboundedPreceding, -1)
    before = F.sum(is_candidate.cast("bigint")).over(earlier)
    return F.coalesce(before, F.lit(0)) < F.lit(segments.most_contacts)


def _lately(contacts: DataFrame | None, economics: Targeting, as_of: date) -> DataFrame | None:
    """The contacts before `as_of` after which it is too early for the next one."""
    declared = economics.contacted
    if contacts is None or declared is None:
        return None
    days = F.datediff(F.lit(as_of), F.col("date"))
    return contacts.where((days > 0) & (days < declared.again_after_days))
