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
from jobs.reporting.outlook import Outlook
from jobs.reporting.recommendations import Offered, offered
from jobs.reporting.scores import Scores
from jobs.training.reasons import with_words
from models.evaluation.intervals import Interval
from models.scoring.reason_codes import MAX_REASONS
from models.targeting.contact_list import CONTACT, reading_order
from models.targeting.limits import CONTACTED, DO_NOT_CONTACT, MIN_PROBABILITY, SEGMENTS
from models.targeting.uplift import DecileUplift

HEAD = 20  # customers of the list that the page shows
SHOWN_SHARES = (0.1, 0.2, 0.3, 0.5)  # of the curve, in the table of the page
# In words, why customers are not on the list who would be on it but for a rule; by the names in the record.
LEFT_OUT = {
    DO_NOT_CONTACT: "not to be contacted",
    CONTACTED: "contacted not long ago",
    MIN_PROBABILITY: "less likely than the least probability of a contact",
    SEGMENTS: "in segments that have their contacts",
}


@dataclass(frozen=True)
class Share:
    """What each rule earns and reaches when it contacts this share of the test set; by rule, the model first.

    profit: per 1,000 customers. reached: share of those who do what the page counts. over: what the model earns more
    than another rule, paired. saved: cost of contacting everybody less the cost of this share, per 1,000 customers.
    """

    share: float
    profit: dict[str, Interval]
    reached: dict[str, Interval]
    over: dict[str, Interval]
    saved: float

    @property
    def rules(self) -> list[str]:
        """The rules that were measured."""
        return list(self.profit)

    @property
    def decimals(self) -> int:
        """Decimals of the profits, the same for all."""
        return 0 if max(abs(one.value) for one in self.profit.values()) >= 100 else 2


@dataclass(frozen=True)
class Reason:
    """A fact about a customer, in words, and whether it speaks for what the page counts or against it."""

    words: str
    speaks_for: bool


@dataclass(frozen=True)
class Customer:
    """A line of the list; probability: of what the page counts."""

    customer_id: Any
    probability: float
    expected_profit: float
    reasons: list[Reason]
    titles: list[Offered]


@dataclass(frozen=True)
class ContactPlan:
    """The plan of the newest scores; `summary` is that of their record.

    sheet: name of the CSV with the whole list in words.
    """

    summary: ContactPlanSection
    customers: int
    head: list[Customer]
    sheet: str

    @property
    def has_titles(self) -> bool:
        """Whether any customer of the head is recommended something."""
        return any(one.titles for one in self.head)

    @property
    def share(self) -> float:
        """Share of the customers on the list, the hold-out included."""
        return (self.summary.contacts + self.summary.held_out) / max(self.customers, 1)

    @property
    def contacted_share(self) -> float:
        """Share of the customers who are contacted."""
        return self.summary.contacts / max(self.customers, 1)

    @property
    def reached_share(self) -> float:
        """Share of those expected to do what the page counts who are contacted."""
        contacted, everybody = self.summary.expected_good_contacted, self.summary.expected_good_all
        if self.summary.aim == "keep":
            contacted, everybody = self.summary.contacts - contacted, self.customers - everybody
        return contacted / everybody if everybody else 0.0

    @property
    def saved(self) -> float:
        """What contacting everybody would cost more."""
        return (self.customers - self.summary.contacts) * self.summary.cost_of_contact

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
            Share(
                one.share,
                {name: rule.profit for name, rule in one.rules.items()},
                {name: rule.reached for name, rule in one.rules.items()},
                one.over,
                one.saved,
            )
            for one in self.summary.curve
        ]

    @property
    def shown_shares(self) -> list[Share]:
        """The points of the curve in the table of the page."""
        return [one for one in self.curve if round(one.share, 9) in SHOWN_SHARES]

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
    head = _head(data, spark, service, scores, has_titles)
    return ContactPlan(summary, scores.customers, head, data.contact_sheet(str(scores.as_of)).name)


def _head(data: DataFolder, spark: SparkSession, service: Service, scores: Scores, has_titles: bool) -> list[Customer]:
    """The first customers to contact, in the order of the whole list."""
    assert scores.record.plan is not None
    day, order = str(scores.as_of), reading_order(scores.record.plan.aim)
    listed = spark.read.parquet(str(data.scores.verified(day))).where(F.col("contact") == CONTACT)
    first = listed.orderBy(*order).limit(HEAD)
    rows = with_words(first, data, spark, service, day, scores.record.model).orderBy(*order).collect()
    ids = [row["customer_id"] for row in rows] if has_titles else []
    recommended = offered(data, spark, day, ids)
    meanings = {feature.name: feature.about for feature in table_features(service)}
    return [
        Customer(
            row["customer_id"],
            scores.outlook.share(row["probability"]),
            row["expected_profit"],
            _reasons(row, meanings, scores.outlook),
            recommended.get(row["customer_id"], []),
        )
        for row in rows
    ]


def _reasons(row: Row, meanings: Mapping[str, str], outlook: Outlook) -> list[Reason]:
    """The reasons that a row has; an effect above 0 raises the probability of the label."""
    found = []
    for rank in range(1, MAX_REASONS + 1):
        if feature := row[f"reason_{rank}_feature"]:
            words = row[f"reason_{rank}_words"] or meanings.get(feature, feature)
            found.append(Reason(words, (row[f"reason_{rank}_effect"] > 0) == outlook.is_label))
    return found
