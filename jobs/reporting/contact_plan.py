"""Whom to contact: what the plan costs and brings, against contacting by other rules, and the head of the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from conf.schema import Service
from features.declared import table_features
from jobs.data_folder import DataFolder
from jobs.records.scoring import ContactPlanSection
from jobs.reporting.recommendations import Offered, has_contacts, offered
from jobs.reporting.scores import Scores, leaving
from jobs.training.reasons import with_words
from models.evaluation.intervals import Interval
from models.scoring.reason_codes import MAX_REASONS
from models.targeting.uplift import DecileUplift

HEAD = 20  # customers of the list that the page shows
RULES = ("model", "recency", "random")


@dataclass(frozen=True)
class Share:
    """Profit per 1,000 customers of the test set, when each rule contacts this share of them.

    `over_recency` is what the model earns more than the recency rule, paired.
    """

    share: float
    profit: dict[str, Interval]
    over_recency: Interval

    @property
    def decimals(self) -> int:
        """Decimals of the profits, the same for all."""
        return 0 if max(abs(one.value) for one in self.profit.values()) >= 100 else 2


@dataclass(frozen=True)
class Reason:
    """A fact that moves a customer's score, in words, and whether it makes leaving likelier."""

    words: str
    raises: bool


@dataclass(frozen=True)
class Customer:
    """A line of the list."""

    customer_id: Any
    leaving: float
    expected_profit: float
    reasons: list[Reason]
    titles: list[Offered]


@dataclass(frozen=True)
class ContactPlan:
    """The plan of the newest scores; `summary` is that of their record.

    is_listed_with_titles: whether the whole list is also there with titles for each customer.
    """

    summary: ContactPlanSection
    customers: int
    head: list[Customer]
    is_listed_with_titles: bool

    @property
    def has_titles(self) -> bool:
        """Whether any customer of the head is recommended something."""
        return any(one.titles for one in self.head)

    @property
    def share(self) -> float:
        """Share of the customers on the list, the hold-out included."""
        return (self.summary.contacts + self.summary.held_out) / max(self.customers, 1)

    @property
    def value_of_customer(self) -> float | str:
        """A number, or SQL over features."""
        value = self.summary.value_of_customer
        try:
            return float(value)
        except ValueError:
            return value

    @property
    def limit(self) -> str:
        """What bounds the list: `contacts`, `budget` or, where nothing does, an empty text."""
        return next(iter(self.summary.limit), "")

    @property
    def curve(self) -> list[Share]:
        """Profit by share contacted."""
        return [
            Share(one.share, {rule: getattr(one, rule) for rule in RULES}, one.over_recency)
            for one in self.summary.curve
        ]

    @property
    def nearest(self) -> Share | None:
        """The point of the curve nearest to the share on the list."""
        return min(self.curve, key=lambda one: abs(one.share - self.share), default=None)

    @property
    def is_worth_it(self) -> bool:
        """Whether the plan is expected to earn more than it costs."""
        return bool(self.summary.contacts and self.summary.expected_gain > 0)

    @property
    def qini(self) -> Interval | None:
        """Qini coefficient, where it is known who was treated."""
        return self.summary.uplift.qini if self.summary.uplift else None

    @property
    def uplift(self) -> list[DecileUplift]:
        """Uplift by tenth, the likeliest to leave first."""
        tenths = self.summary.uplift.deciles if self.summary.uplift else []
        return sorted(tenths, key=lambda one: -one.decile)


def contact_plan(
    data: DataFolder, spark: SparkSession, service: Service, scores: Scores, has_titles: bool = True
) -> ContactPlan | None:
    """The plan of the newest scores, None where they were made without one; has_titles: whether titles are shown."""
    summary = scores.record.plan
    if not summary:
        return None
    is_listed = has_titles and has_contacts(data, str(scores.as_of), scores.record)
    return ContactPlan(summary, scores.customers, _head(data, spark, service, scores, has_titles), is_listed)


def _head(data: DataFolder, spark: SparkSession, service: Service, scores: Scores, has_titles: bool) -> list[Customer]:
    """The first customers to contact, those of the highest expected profit first."""
    listed = (
        spark.read.parquet(str(data.scores.verified(str(scores.as_of))))
        .where(F.col("contact") == "contact")
        .orderBy(F.desc("expected_profit"), "customer_id")
        .limit(HEAD)
    )
    rows = with_words(listed, data, spark, service, str(scores.as_of), scores.record.model).collect()
    rows.sort(key=lambda row: (-row["expected_profit"], row["customer_id"]))
    ids = [row["customer_id"] for row in rows] if has_titles else []
    recommended = offered(data, spark, str(scores.as_of), ids)
    meanings = {feature.name: feature.about for feature in table_features(service)}
    return [
        Customer(
            row["customer_id"],
            leaving(row["probability"], scores.leaves_is_one),
            row["expected_profit"],
            _reasons(row, meanings, scores.leaves_is_one),
            recommended.get(row["customer_id"], []),
        )
        for row in rows
    ]


def _reasons(row: Row, meanings: Mapping[str, str], leaves_is_one: bool) -> list[Reason]:
    """The reasons that a row has; an effect above 0 raises the probability of the label."""
    raises_leaving = 1 if leaves_is_one else -1
    found = []
    for rank in range(1, MAX_REASONS + 1):
        if feature := row[f"reason_{rank}_feature"]:
            words = row[f"reason_{rank}_words"] or meanings.get(feature, feature)
            found.append(Reason(words, raises_leaving * row[f"reason_{rank}_effect"] > 0))
    return found
