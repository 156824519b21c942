"""What the newest scores say: how many customers will stay or leave, and whether the scores are up to date."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.schema import Service
from jobs.data_folder import DataFolder
from jobs.records.scoring import ScoresRecord
from jobs.reporting.outlook import Outlook, outlook_of
from jobs.training.artifacts import ModelFolder


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers by score; 10 holds those with the highest scores.

    share: mean probability of what the page counts (see Outlook).
    """

    number: int
    customers: int
    share: float

    @property
    def expected(self) -> int:
        """How many of them are expected to do it."""
        return round(self.customers * self.share)


@dataclass(frozen=True)
class Scores:
    """The newest scores; `staleness` says in words why they are out of date, if they are.

    share: of the customers who are expected to do what the page counts (see Outlook). tenths: the likeliest first.
    """

    as_of: date
    customers: int
    share: float
    outlook: Outlook
    tenths: list[Tenth]
    staleness: str
    record: ScoresRecord

    @property
    def expected(self) -> int:
        """How many customers are expected to do it."""
        return round(self.customers * self.share)


def newest_scores(data: DataFolder, spark: SparkSession, service: Service) -> Scores | None:
    """The newest scores, None where there are none."""
    records = data.scores.records()
    if not records:
        return None
    day = max(records)
    record = records[day]
    per_decile = (
        spark.read.parquet(str(data.scores.verified(day)))
        .groupBy("decile")
        .agg(F.count("*").alias("customers"), F.avg("probability").alias("mean_probability"))
    )
    outlook = outlook_of(service, record.plan.aim if record.plan else None)
    tenths = [
        Tenth(row["decile"], row["customers"], outlook.share(row["mean_probability"])) for row in per_decile.collect()
    ]
    return Scores(
        as_of=date.fromisoformat(day),
        customers=record.customers,
        share=outlook.share(record.mean_probability),
        outlook=outlook,
        tenths=sorted(tenths, key=lambda one: one.number, reverse=outlook.is_label),
        staleness=_staleness(data, day, record),
        record=record,
    )


def _staleness(data: DataFolder, day: str, record: ScoresRecord) -> str:
    tables = data.features.records()
    newest = max(tables, default=day)
    if newest > day:
        return f"there is a newer table of customers, as of {newest}"
    if day in tables and tables[day].basis != record.basis.table:
        return "the table of customers has changed since"
    return _model_staleness(ModelFolder(data.models), record)


def _model_staleness(models: ModelFolder, record: ScoresRecord) -> str:
    name = record.model
    try:
        if models.version(name) != record.basis.model:
            return f"the model {name} has been trained again since"
        chosen = models.chosen()
    except InputError:  # scores alone, without their model, are shown as they are
        return ""
    return f"they are by the model {name}, and {chosen} is the chosen one" if chosen != name else ""
