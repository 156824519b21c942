"""`encore ingest`: landing lines to typed Parquet events by day; only days that changed."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError, InputError
from conf.events import Event
from features.events import clean, is_unreadable, rejected, tagged
from features.sampling import in_sample
from jobs.batches import batches
from jobs.context import Context
from jobs.storage.landing import LandedFile, landed_files, sample_rate
from jobs.storage.layer import Layer, Partitions, Record, is_one_of, write_csv, write_partitions
from jobs.storage.location import Place

BATCH_BYTES = 128 << 20  # of text: all its lines are held, since any may be a duplicate
COUNTS = ("lines", "events", "rejected", "unreadable", "duplicates", "repaired", "left_out")


@dataclass(frozen=True)
class Day:
    """A day of one event that has to be ingested."""

    files: list[LandedFile]
    basis: Record
    missing: list[str]


def ingest(context: Context, spark: SparkSession, sample: float | None = None) -> dict[str, int]:
    """Bring the events layer up to date with the landing layer.

    Returns:
        The number of days written, by event.

    Raises:
        UsageError: the service begins with a finished table.
        InputError: the landing layer is missing, inconsistent or holds another sample.
        DataCheckError: lines were lost or made on the way.
    """
    context.require_events()
    landed = landed_files(context.landing)
    rate = _rate(context, sample)
    for name in context.service.events:
        _refuse_mixture(context.events(name), rate)
    written = {}
    for name, event in context.service.events.items():
        days = {day: files for (kind, day), files in landed.items() if kind == name}
        written[name] = _ingest_event(context, spark, name, event, days, rate)
    if not landed:
        raise InputError(f"{context.landing}: there are no lines to ingest; look at manifest.csv there for the reasons")
    _write_manifest(context)
    return written


def _rate(context: Context, sample: float | None) -> float:
    landed = sample_rate(context.landing)
    if sample is not None and sample > landed:
        raise InputError(
            f"{context.landing}: holds a sample of {landed:g}, from which {sample:g} cannot be taken; "
            f"unpack again into an empty folder with --sample {sample:g}"
        )
    return landed if sample is None else sample


def _ingest_event(
    context: Context,
    spark: SparkSession,
    name: str,
    event: Event,
    landed: dict[str, list[LandedFile]],
    rate: float,
) -> int:
    layer, aside = context.events(name), context.rejected(name)
    records = layer.records()
    version = context.event_version(event)
    days = {
        day: Day(files, _basis(files, version, rate), event.landing.missing_parts([file.archive for file in files]))
        for day, files in landed.items()
    }
    changed = sorted(day for day in days if records.get(day, {}).get("basis") != days[day].basis)
    for day in set(layer.values()) - set(days):
        layer.remove(day)
    for day in set(aside.values()) - set(days):
        aside.remove(day)
    sizes = {day: sum(file.bytes for file in days[day].files) for day in changed}
    for batch in batches(sizes, BATCH_BYTES, context.engine):
        _ingest_days(context, spark, name, event, {day: days[day] for day in batch}, rate)
    return len(changed)


def _ingest_days(
    context: Context, spark: SparkSession, name: str, event: Event, days: dict[str, Day], rate: float
) -> None:
    layer, aside = context.events(name), context.rejected(name)
    lines = read_lines(spark, event, context.landing / name, list(days))
    rows = tagged(lines, event)
    sampled = rows.where(in_sample(F.col("customer_id"), rate) | F.col("customer_id").isNull()) if rate < 1 else rows
    with layer.staging() as staged, aside.staging() as staged_aside:
        write_partitions(_day_as_text(clean(sampled, event)), staged, several=len(days) > 1)
        write_partitions(_day_as_text(rejected(sampled, event)), staged_aside, several=len(days) > 1)
        left_out = _left_out(rows, rate)
        counts = _counts(spark, staged, staged_aside, list(days))
        for day in days:
            counts[day] |= {
                "lines": sum(file.records for file in days[day].files),
                "left_out": left_out.get(day, 0),
            }
            _check_conservation(name, day, counts[day])
        for day in days:
            record = {"basis": days[day].basis, "sample": rate, "missing_parts": days[day].missing} | counts[day]
            aside.publish(staged_aside, day, record)
            layer.publish(staged, day, record)


def _basis(files: Sequence[LandedFile], version: str, rate: float) -> Record:
    """What a day's events are made from: when this is the same, so are they."""
    lines = sorted(f"{file.path.name} {file.bytes} {file.checksum}" for file in files)
    return {"files": lines, "configuration": version, "sample": rate}


def _refuse_mixture(layer: Layer, rate: float) -> None:
    for day, record in layer.records().items():
        if record["sample"] != rate:
            raise InputError(
                f"{layer.partition(day)}: holds a sample of {record['sample']:g}, and {rate:g} was asked for; "
                f"use the same --sample, another --data, or remove {layer.root.parent} first"
            )


def read_lines(spark: SparkSession, event: Event, landing: Place, days: Sequence[str]) -> DataFrame:
    """The landed lines of an event on some days: its fields as text, and `date`."""
    schema = ", ".join(f"`{field}` string" for field in event.landing.fields) + ", `date` date"
    # NUL is no character of a landed line, so with it as quote and escape every character is taken as it stands.
    reader = spark.read.schema(schema).options(sep="\t", quote="\0", escape="\0", lineSep="\n")
    return reader.csv(str(landing)).where(is_one_of("date", days))


def _day_as_text(rows: DataFrame) -> DataFrame:
    """The day as it will stand in the folder's name: Sail makes that for every row, and from a date slowly."""
    return rows.withColumn("date", F.col("date").cast("string"))


def _left_out(rows: DataFrame, rate: float) -> dict[str, int]:
    if rate == 1:
        return {}
    outside = rows.where(~in_sample(F.col("customer_id"), rate))
    return {str(row["date"]): row["count"] for row in outside.groupBy("date").count().collect()}


def _counts(spark: SparkSession, staged: Partitions, aside: Partitions, days: Sequence[str]) -> dict[str, Record]:
    """The counts of each day, read from what was written."""
    counts: dict[str, Record] = {
        day: {"events": 0, "rejected": 0, "unreadable": 0, "duplicates": 0, "repaired": {}, "reasons": {}}
        for day in days
    }
    if staged.has_rows():
        rows = staged.read(spark, days)
        per_repair = rows.groupBy("date", "repairs").agg(F.count("*").alias("rows"), F.sum("copies").alias("lines"))
        for row in per_repair.collect():
            day = counts[str(row["date"])]
            day["events"] += row["rows"]
            day["duplicates"] += row["lines"] - row["rows"]
            for repair in (row["repairs"] or "").split(","):
                if repair:
                    day["repaired"][repair] = day["repaired"].get(repair, 0) + row["rows"]
    if aside.has_rows():
        rows = aside.read(spark, days)
        per_reason = rows.groupBy("date", "reason", is_unreadable(F.col("reason")).alias("unreadable")).count()
        for row in per_reason.collect():
            day = counts[str(row["date"])]
            day["rejected"] += row["count"]
            day["unreadable"] += row["count"] if row["unreadable"] else 0
            day["reasons"][row["reason"]] = row["count"]
    return counts


def _check_conservation(name: str, day: str, counts: Record) -> None:
    places = ("events", "rejected", "duplicates", "left_out")
    if counts["lines"] != sum(counts[place] for place in places):
        parts = " + ".join(f"{counts[place]} {place}" for place in places)
        raise DataCheckError(
            f"ingest of {name}, {day}: {counts['lines']} lines were landed, but {parts} came out; the days ingested "
            f"together with it were not kept. Unpack the day again; if it stays so, report it with the day's archives"
        )


def _write_manifest(context: Context) -> None:
    """One CSV of all days for people; the records in the partitions are what counts."""
    rows = []
    for name in context.service.events:
        for day, record in context.events(name).records().items():
            counts = {**record, "repaired": sum(record["repaired"].values())}
            reasons = " ".join(f"{reason}={count}" for reason, count in sorted(record["reasons"].items()))
            rows.append([name, day, record["sample"], *(counts[count] for count in COUNTS), reasons])
    header = ["event", "date", "sample", *COUNTS, "rejected_by_reason"]
    write_csv(context.data / "events" / "manifest.csv", header, rows)
