"""`encore ingest`: type and check landed lines, and write events by day; only days that changed."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError, InputError
from conf.events import Event
from features.events import clean, is_unreadable, rejected, tagged
from features.sampling import in_sample
from jobs.console.options import (
    DATA,
    PROFILE,
    DataOption,
    EngineOption,
    ProfileOption,
    SampleOption,
    ServiceOption,
)
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.lineage.bases import event_version, events_basis
from jobs.records.layers import EventsBasis, EventsRecord
from jobs.storage.backend import write_csv
from jobs.storage.batches import batches
from jobs.storage.landing import LandedFile, landed_files, sample_rate
from jobs.storage.layer import Layer, Partitions, is_one_of, write_partitions
from jobs.storage.location import Place

EXAMPLE = "encore ingest --data /data/music"
BATCH_BYTES = 128 << 20  # of text: all its lines are held, since any may be a duplicate
COUNTS = ("lines", "events", "rejected", "unreadable", "duplicates", "repaired", "left_out")


@dataclass(frozen=True)
class Day:
    """A day of one event that has to be ingested."""

    files: list[LandedFile]
    basis: EventsBasis
    missing: list[str]


@dataclass(frozen=True)
class Source:
    """One kind of event: its declaration, its layers and the share of the customers to keep."""

    name: str
    event: Event
    data: DataFolder
    rate: float

    @property
    def layer(self) -> Layer[EventsRecord]:
        """The layer of its events."""
        return self.data.events(self.name)

    @property
    def rejected(self) -> Layer[EventsRecord]:
        """The layer of its rejected rows."""
        return self.data.rejected(self.name)


@dataclass
class Counts:
    """What became of the lines of a day; see EventsRecord."""

    events: int = 0
    rejected: int = 0
    unreadable: int = 0
    duplicates: int = 0
    repaired: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
    sample: SampleOption = None,
) -> None:
    """Type and check landed lines; write events by day."""
    context = open_context(data, service, profile, engine)
    with working("ingest", context) as (spark, step):
        step.done(summary(ingest(context, spark, sample)))


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
    landed = landed_files(context.data.landing)
    rate = _rate(context.data.landing, sample)
    for name in context.service.events:
        _refuse_mixture(context.data.events(name), rate)
    written: dict[str, int] = {}
    for name, event in context.service.events.items():
        days = {day: files for (kind, day), files in landed.items() if kind == name}
        source = Source(name, event, context.data, rate)
        written[name] = _ingest_event(source, spark, days, context.engine)
    if not landed:
        raise InputError(
            f"{context.data.landing}: there are no lines to ingest; look at manifest.csv there for the reasons"
        )
    _write_manifest(context.data, list(context.service.events))
    return written


def summary(written: Mapping[str, int]) -> str:
    """What was written, in a line."""
    return ", ".join(f"{name}: {days} days" for name, days in written.items()) + " written"


def _rate(landing: Place, sample: float | None) -> float:
    landed = sample_rate(landing)
    if sample is not None and sample > landed:
        raise InputError(
            f"{landing}: holds a sample of {landed:g}, from which {sample:g} cannot be taken; "
            f"unpack again into an empty folder with --sample {sample:g}"
        )
    return landed if sample is None else sample


def _ingest_event(source: Source, spark: SparkSession, landed: dict[str, list[LandedFile]], engine: str) -> int:
    version = event_version(source.event)
    days = {
        day: Day(
            files,
            events_basis(files, version, source.rate),
            source.event.landing.missing_parts([file.archive for file in files]),
        )
        for day, files in landed.items()
    }
    done = source.layer.up_to_date({day: one.basis for day, one in days.items()})
    changed = sorted(set(days) - set(done))
    for layer in (source.layer, source.rejected):
        for day in set(layer.values()) - set(days):
            layer.remove(day)
    sizes = {day: sum(file.bytes for file in days[day].files) for day in changed}
    for batch in batches(sizes, BATCH_BYTES, engine):
        _ingest_days(source, spark, {day: days[day] for day in batch})
    return len(changed)


def _ingest_days(source: Source, spark: SparkSession, days: dict[str, Day]) -> None:
    event, rate = source.event, source.rate
    rows = tagged(read_lines(spark, event, source.data.landing / source.name, list(days)), event)
    sampled = rows.where(in_sample(F.col("customer_id"), rate) | F.col("customer_id").isNull()) if rate < 1 else rows
    with source.layer.staging() as staged, source.rejected.staging() as staged_rejected:
        write_partitions(_day_as_text(clean(sampled, event)), staged, several=len(days) > 1)
        write_partitions(_day_as_text(rejected(sampled, event)), staged_rejected, several=len(days) > 1)
        left_out = _left_out(rows, rate)
        counts = _counts(spark, staged, staged_rejected, list(days))
        records = {
            day: EventsRecord(
                basis=one.basis,
                sample=rate,
                missing_parts=one.missing,
                lines=sum(file.records for file in one.files),
                left_out=left_out.get(day, 0),
                **asdict(counts[day]),
            )
            for day, one in days.items()
        }
        for day, record in records.items():
            _check_conservation(source.name, day, record)
        for day, record in records.items():
            source.rejected.publish(staged_rejected, day, record)
            source.layer.publish(staged, day, record)


def _refuse_mixture(layer: Layer[EventsRecord], rate: float) -> None:
    for day, record in layer.readable().items():
        if record.sample != rate:
            raise InputError(
                f"{layer.partition(day)}: holds a sample of {record.sample:g}, and {rate:g} was asked for; "
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


def _counts(spark: SparkSession, staged: Partitions, rejected: Partitions, days: Sequence[str]) -> dict[str, Counts]:
    """The counts of each day, read from what was written."""
    counts = {day: Counts() for day in days}
    if staged.has_rows():
        rows = staged.read(spark, days)
        per_repair = rows.groupBy("date", "repairs").agg(F.count("*").alias("rows"), F.sum("copies").alias("lines"))
        for row in per_repair.collect():
            day = counts[str(row["date"])]
            day.events += row["rows"]
            day.duplicates += row["lines"] - row["rows"]
            for repair in (row["repairs"] or "").split(","):
                if repair:
                    day.repaired[repair] = day.repaired.get(repair, 0) + row["rows"]
    if rejected.has_rows():
        rows = rejected.read(spark, days)
        per_reason = rows.groupBy("date", "reason", is_unreadable(F.col("reason")).alias("unreadable")).count()
        for row in per_reason.collect():
            day = counts[str(row["date"])]
            day.rejected += row["count"]
            day.unreadable += row["count"] if row["unreadable"] else 0
            day.reasons[row["reason"]] = row["count"]
    for day in counts.values():  # each engine returns rows in an order of its own
        day.repaired, day.reasons = dict(sorted(day.repaired.items())), dict(sorted(day.reasons.items()))
    return counts


def _check_conservation(name: str, day: str, record: EventsRecord) -> None:
    places = {key: getattr(record, key) for key in ("events", "rejected", "duplicates", "left_out")}
    if record.lines != sum(places.values()):
        parts = " + ".join(f"{count} {place}" for place, count in places.items())
        raise DataCheckError(
            f"ingest of {name}, {day}: {record.lines} lines were landed, but {parts} came out; the days ingested "
            f"together with it were not kept. Unpack the day again; if it stays so, report it with the day's archives"
        )


def _write_manifest(data: DataFolder, names: Sequence[str]) -> None:
    """One CSV of all days for people; programs read the records."""
    rows = []
    for name in names:
        for day, record in data.events(name).readable().items():
            counts = record.model_dump() | {"repaired": sum(record.repaired.values())}
            reasons = " ".join(f"{reason}={count}" for reason, count in sorted(record.reasons.items()))
            rows.append([name, day, record.sample, *(counts[count] for count in COUNTS), reasons])
    header = ["event", "date", "sample", *COUNTS, "rejected_by_reason"]
    write_csv(data.root / "events" / "manifest.csv", header, rows)
