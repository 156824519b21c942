"""Which titles: what is recommended to whom, and the titles beside the customers of the contact list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.load import fingerprint
from conf.recommender import Recommender
from jobs.data_folder import DataFolder
from jobs.recommending.fitted import find_fitted, fitted_folder
from jobs.records.recommending import Example, MostRecommended, RecommenderRecord, TitlesRecord
from jobs.reporting.recommender_evaluation import BASELINE, RecommenderEvaluation, evaluation_of, title_of
from models.recommender.serving import OF_POPULARITY

SHOWN = 10  # of the most recommended titles; all that are known are in the CSV
EXAMPLES = 3  # of the customers of the record
OFFERED = 3  # titles beside a customer of the contact list


@dataclass(frozen=True)
class Recommendations:
    """The newest recommendations; `staleness` says why `evaluation` is not of them, if it is not."""

    as_of: date
    record: TitlesRecord
    evaluation: RecommenderEvaluation | None
    staleness: str

    @property
    def title(self) -> str:
        """Title of the model that recommends."""
        return title_of(self.record.model)

    @property
    def is_popular(self) -> bool:
        """Whether everybody is recommended popular titles."""
        return self.record.model == BASELINE

    @property
    def most(self) -> list[MostRecommended]:
        """The titles on most lists that the page has room for."""
        return self.record.most_recommended[:SHOWN]

    @property
    def examples(self) -> list[Example]:
        """A few customers: what they liked, and what they get."""
        return self.record.examples[:EXAMPLES]

    @property
    def coverage(self) -> float | None:
        """Share of the titles that could be recommended that are on a list."""
        known = self.evaluation.record.titles if self.evaluation and not self.staleness else 0
        return self.record.titles / known if known else None


@dataclass(frozen=True)
class Offered:
    """A title for a customer, and whether they get it because it is popular, and not by their own history."""

    name: str
    is_popular: bool


def newest_recommendations(data: DataFolder, declared: Recommender) -> Recommendations | None:
    """The newest recommendations and the evaluation of their model, from records; None where there are none."""
    records = data.titles_for_customers.records()
    if not records:
        return None
    day = max(records)
    fitted = find_fitted(data)
    if fitted:
        fitted_folder(data)  # each file is as it was published
    evaluation = evaluation_of(fitted) if fitted else None
    staleness = _staleness(declared, records[day], fitted)
    return Recommendations(date.fromisoformat(day), records[day], evaluation, staleness)


def offered(data: DataFolder, spark: SparkSession, day: str, customers: Sequence[Any]) -> dict[Any, list[Offered]]:
    """The first titles recommended to each of these few customers at `day`, by customer; none where there are none.

    Ids of another type come from a file of ratings, and name other customers.
    """
    layer = data.titles_for_customers
    if not customers or not layer.has_rows([day]):
        return {}
    rows = spark.read.parquet(str(layer.verified(day)))
    is_text = dict(rows.dtypes)["customer_id"] == "string"
    if is_text != isinstance(customers[0], str):
        return {}
    record = layer.record(day)
    is_first = F.col("rank") <= OFFERED
    wanted = rows.where(is_first & F.col("customer_id").isin(list(customers)))
    found: dict[Any, list[Offered]] = {}
    for row in wanted.select("customer_id", "rank", "name", "source").orderBy("customer_id", "rank").collect():
        is_popular = row["source"] == OF_POPULARITY or (record is not None and record.model == BASELINE)
        found.setdefault(row["customer_id"], []).append(Offered(row["name"], is_popular))
    return found


def _staleness(declared: Recommender, record: TitlesRecord, fitted: RecommenderRecord | None) -> str:
    if fitted is None:
        return ""
    if record.basis.recommender != fingerprint(fitted.basis):
        return f"the recommender has been fitted again since, as of {fitted.as_of}"
    if fitted.basis.declared != fingerprint(declared):
        return "the service declares its recommender otherwise now"
    return ""
