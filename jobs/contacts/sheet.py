"""The contact list for the people who write the letters: one CSV per as-of date, in words, for spreadsheets."""

import pyarrow.csv
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.schema import Service
from jobs.data_folder import DataFolder
from jobs.records.scoring import ContactPlanSection, ScoresRecord
from jobs.storage.backend import dataset, local_target, staging_folder
from jobs.storage.sheet import MARK, inert_batch
from jobs.training.reasons import with_words
from models.scoring.reason_codes import MAX_REASONS
from models.targeting.contact_list import CONTACT, reading_order

SEPARATOR = "; "  # between titles


def write_sheet(data: DataFolder, spark: SparkSession, service: Service, day: str) -> None:
    """Write the list of a date where it is missing and its scores have a plan: a batch at a time, as it may be long.

    The columns are customer_id, aim, probability (of what the aim is about), expected_profit, value, reason_1 to
    reason_3 in words, and titles, in the order in which the report shows the list.
    """
    record, target = data.scores.record(day), data.contact_sheet(day)
    if record is None or record.plan is None or target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with staging_folder(target.parent) as folder:
        _rows(data, spark, service, day, record, record.plan).write.parquet(str(folder / "rows"))
        rows = dataset(folder / "rows")
        with local_target(target) as path, path.open("wb") as file:
            file.write(MARK.encode())
            with pyarrow.csv.CSVWriter(file, rows.schema) as writer:
                for batch in rows.to_batches():
                    writer.write_batch(inert_batch(batch))


def has_titles(data: DataFolder, day: str, scores: ScoresRecord) -> bool:
    """Whether titles are recommended to the customers of the list, made of these scores."""
    layer = data.titles_for_contacts
    record = layer.record(day)
    return bool(record and layer.has_rows([day]) and record.basis.scores == scores.basis)


def _rows(
    data: DataFolder, spark: SparkSession, service: Service, day: str, record: ScoresRecord, plan: ContactPlanSection
) -> DataFrame:
    scores = spark.read.parquet(str(data.scores.verified(day))).where(F.col("contact") == CONTACT)
    listed = with_words(scores, data, spark, service, day, record.model)
    titles = F.lit(None).cast("string")
    if has_titles(data, day, record):
        offered = spark.read.parquet(str(data.titles_for_contacts.verified(day)))
        listed = listed.join(offered.select("customer_id", F.col("titles.name").alias("names")), "customer_id", "left")
        titles = F.array_join("names", SEPARATOR)
    probability = F.lit(1.0) - F.col("risk") if plan.aim == "convert" else F.col("risk")
    in_order = listed.coalesce(1).sortWithinPartitions(
        *reading_order(plan.aim)
    )  # in one file, which is read in its order
    return in_order.select(
        "customer_id",
        F.lit(plan.aim).alias("aim"),
        F.round(probability, 4).alias("probability"),
        F.round("expected_profit", 2).alias("expected_profit"),
        F.round("value", 2).alias("value"),
        *(F.col(f"reason_{rank}_words").alias(f"reason_{rank}") for rank in range(1, MAX_REASONS + 1)),
        titles.alias("titles"),
    )  # fmt: skip
