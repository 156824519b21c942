"""What the newest scores say: how many customers will leave, and whether the scores are up to date."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.schema import Label
from jobs.data_folder import DataFolder
from jobs.records.scoring import ScoresRecord
from jobs.training.artifacts import ModelFolder


@dataclass(frozen=True)
class Decile:
    """A tenth of the customers by score."""

    decile: int
    customers: int
    mean_probability: float


@dataclass(frozen=True)
class Scores:
    """The newest scores; `staleness` says in words why they are out of date, if they are.

    A probability is that of label 1, which means leaving or coming back, as the service declares.
    """

    as_of: date
    customers: int
    mean_probability: float
    leaves_is_one: bool
    deciles: list[Decile]
    staleness: str
    record: ScoresRecord

    @property
    def leaving_share(self) -> float:
        """Share of the customers expected to leave."""
        return leaving(self.mean_probability, self.leaves_is_one)

    @property
    def leavers(self) -> int:
        """How many customers are expected to leave."""
        return round(self.customers * self.leaving_share)

    def leavers_in(self, tenth: Decile) -> int:
        """How many customers of a tenth are expected to leave."""
        return round(tenth.customers * leaving(tenth.mean_probability, self.leaves_is_one))


def leaving(probability: float, leaves_is_one: bool) -> float:
    """Probability of leaving, given that of the label: label 1 is who left, or else who came back."""
    return probability if leaves_is_one else 1 - probability


def newest_scores(data: DataFolder, spark: SparkSession, label: Label) -> Scores | None:
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
    return Scores(
        as_of=date.fromisoformat(day),
        customers=record.customers,
        mean_probability=record.mean_probability,
        leaves_is_one=label.leaves_is_one,
        deciles=[Decile(**row.asDict()) for row in per_decile.orderBy("decile").collect()],
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
