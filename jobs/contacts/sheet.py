"""The contact list for the people who write the letters: one CSV per as-of date, in words, for spreadsheets."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.schema import Service
from jobs.data_folder import DataFolder
from jobs.records.scoring import ContactPlanSection, ScoresRecord
from jobs.storage.backend import export_csv, staging_folder, write_csv
from jobs.training.reasons import with_words
from models.scoring.reason_codes import MAX_REASONS
from models.targeting.contact_list import CONTACT, reading_order

REASONS = [f"reason_{rank}" for rank in range(1, MAX_REASONS + 1)]
COLUMNS = ["customer_id", "aim", "probability", "expected_profit", "value", *REASONS, "titles"]
SEPARATOR = "; "  # between titles


def write_sheet(data: DataFolder, spark: SparkSession, service: Service, day: str) -> None:
    """Write the list of a date where it is missing and its scores have a plan: a batch at a time, as it may be long.

    Its columns are COLUMNS: `probability` is of what the aim is about, and reasons are in words. The customers stand in
    the order in which the report shows them.
    """
    record, target = data.scores.record(day), data.contact_sheet(day)
    if record is None or record.plan is None or target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if not record.plan.contacts:  # an engine may write no file for no rows
        write_csv(target, COLUMNS, [])
        return
    with staging_folder(target.parent) as folder:
        _rows(data, spark, service, day, record, record.plan).write.parquet(str(folder / "rows"))
        export_csv(folder / "rows", target)


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
    # In one file, which is read in its order.
    in_order = listed.coalesce(1).sortWithinPartitions(*reading_order(plan.aim))
    shown = {
        "aim": F.lit(plan.aim),
        "probability": F.round(probability, 4),
        "expected_profit": F.round("expected_profit", 2),
        "value": F.round("value", 2),
        **{name: F.col(f"{name}_words") for name in REASONS},
        "titles": titles,
    }
    return in_order.withColumns(shown).select(*COLUMNS)
