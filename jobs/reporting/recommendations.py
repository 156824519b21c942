"""With which titles: what is recommended to whom, and what stands beside the customers of the contact list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.load import fingerprint
from jobs.context import Context
from jobs.reporting.recommender_evaluation import BASELINE, Study, studied, title_of
from jobs.storage.layer import Record, read_record
from models.recommender.serving import OF_POPULARITY

SHOWN = 10  # of the most recommended titles; all that are known are in the CSV
EXAMPLES = 3  # of the customers of the record
OFFERED = 3  # titles beside a customer of the contact list


@dataclass(frozen=True)
class Titles:
    """The newest recommendations; `told` is their record, `staleness` says why `study` is not of them, if so."""

    as_of: date
    told: Record
    study: Study | None
    staleness: str

    @property
    def title(self) -> str:
        """What the model is called that recommends."""
        return title_of(self.told["model"])

    @property
    def is_popular(self) -> bool:
        """Whether everybody is recommended what is popular."""
        return bool(self.told["model"] == BASELINE)

    @property
    def most(self) -> list[Record]:
        """The titles on most lists that the page has room for."""
        found: list[Record] = self.told["most_recommended"]
        return found[:SHOWN]

    @property
    def examples(self) -> list[Record]:
        """A few customers: what they liked, and what they get."""
        found: list[Record] = self.told["examples"]
        return found[:EXAMPLES]

    @property
    def coverage(self) -> float | None:
        """Share of the titles that could be recommended that are on a list."""
        known = self.study.told["titles"] if self.study and not self.staleness else 0
        return self.told["titles"] / known if known else None


@dataclass(frozen=True)
class Offered:
    """A title for a customer, and whether they get it because it is popular, and not by their own history."""

    name: str
    is_popular: bool


def titles(context: Context) -> Titles | None:
    """The newest recommendations and what is known of the model, both from records; None where there are none."""
    records = context.data.titles_for_customers.records()
    if not records:
        return None
    day = max(records)
    record = read_record(context.data.recommender)
    study = studied(record) if record else None
    return Titles(date.fromisoformat(day), records[day], study, _staleness(context, records[day], record))


def offered(context: Context, spark: SparkSession, day: str, customers: Sequence[Any]) -> dict[Any, list[Offered]]:
    """The first titles recommended to each of these few customers at `day`, by customer; none where there are none.

    Ids of another type are those of a file of ratings, and name other customers.
    """
    layer = context.data.titles_for_customers
    if not customers or not layer.has_rows([day]):
        return {}
    rows = spark.read.parquet(str(layer.partition(day)))
    is_text = dict(rows.dtypes)["customer_id"] == "string"
    if is_text != isinstance(customers[0], str):
        return {}
    record = layer.record(day) or {}
    is_first = F.col("rank") <= OFFERED
    wanted = rows.where(is_first & F.col("customer_id").isin(list(customers)))
    found: dict[Any, list[Offered]] = {}
    for row in wanted.select("customer_id", "rank", "name", "source").orderBy("customer_id", "rank").collect():
        is_popular = row["source"] == OF_POPULARITY or record.get("model") == BASELINE
        found.setdefault(row["customer_id"], []).append(Offered(row["name"], is_popular))
    return found


def has_contacts(context: Context, day: str, scores: Record) -> bool:
    """Whether the list of contacts lies there with titles, made of the scores whose record is given."""
    layer = context.data.titles_for_contacts
    record = layer.record(day)
    return bool(record and layer.has_rows([day]) and record["basis"].get("scores") == scores["basis"])


def _staleness(context: Context, told: Record, study: Record | None) -> str:
    if study is None:
        return ""
    if told["basis"]["recommender"] != fingerprint(study["basis"]):
        return f"the recommender has been fitted again since, as of {study['as_of']}"
    if study["basis"]["declared"] != fingerprint(context.service.recommender):
        return "the service declares its recommender otherwise now"
    return ""
