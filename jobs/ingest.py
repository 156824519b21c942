"""`encore ingest`: type and check landed lines, and write events by day; only days that changed.

A day with more rejected lines than the service allows is not ingested: its rejected lines are written, to be looked at,
and its events stay as they were before, or stay away. It is tried again by each run until its lines are better, or
until `--accept-rejected` takes it as it is.
"""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError, InputError
from conf.events import Event
from conf.schema import Rejections, Service
from conf.sql import columns_of
from features.events import UNREADABLE, clean, example_of, is_unreadable, lines_but, lines_where, rejected, tagged
from features.sampling import in_sample
from jobs.console.options import (
    DATA,
    PROFILE,
    AcceptOption,
    DataOption,
    EngineOption,
    ProfileOption,
    SampleOption,
    ServiceOption,
)
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.engine import is_classic
from jobs.formatting import plural
from jobs.lineage.bases import event_version, events_basis
from jobs.printable import printable
from jobs.records.layers import EventsBasis, EventsRecord
from jobs.storage.backend import write_csv
from jobs.storage.batches import batches
from jobs.storage.landing import LandedFile, landed_files, sample_rate
from jobs.storage.layer import Layer, Partitions, is_one_of, write_partitions
from jobs.storage.location import Place

EXAMPLE = "encore ingest --data /data/music"
BATCH_BYTES = 128 << 20  # of text: all its lines are held, since any may be a duplicate
EXAMPLES = 3  # raw values of a day that is not ingested
COUNTS = ("lines", "events", "rejected", "unreadable", "duplicates", "repaired", "left_out", "elsewhere", "unclaimed")


@dataclass(frozen=True)
class Day:
    """A day of one event that has to be ingested."""

    files: list[LandedFile]
    basis: EventsBasis
    missing: list[str]


@dataclass(frozen=True)
class Source:
    """One kind of event: its declaration, its layers, the share of the customers to keep, and what may be rejected.

    version: fingerprint of its declaration.
    limit: None accepts any number of rejected lines.
    claims: conditions for the lines that are of some event, where it has the lines that several events share.
    """

    name: str
    event: Event
    version: str
    data: DataFolder
    rate: float
    limit: Rejections | None
    claims: Sequence[str] = ()

    @property
    def lines(self) -> str:
        """The event that has the lines."""
        return self.event.landing.lines_of or self.name

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


@dataclass
class Ingested:
    """What became of the lines of one kind of event in a run.

    Attributes:
        days: number of days written.
        examples: by reason of a rejection, the raw values of one line.
        refused: by day that was not ingested for its rejected lines, why not.
        unclaimed: lines that are of no event, and an example of them.
    """

    days: int = 0
    lines: int = 0
    events: int = 0
    duplicates: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unclaimed: int = 0
    example: str = ""

    def add(self, record: EventsRecord) -> None:
        """Add a day that was written."""
        self.days += 1
        self.lines += record.lines_in
        self.unclaimed += record.unclaimed
        self.events += record.events
        self.duplicates += record.duplicates
        self.reasons.update(record.reasons)
        unreadable = {name: count for name, count in record.repaired.items() if name.endswith(UNREADABLE)}
        self.nulls.update({name.removesuffix(UNREADABLE): count for name, count in unreadable.items()})

    @property
    def text(self) -> str:
        """What became of the lines, in words."""
        parts = [f"{plural(self.lines, 'line')}: {plural(self.events, 'event')}", self._rejected()]
        parts.append(plural(self.duplicates, "duplicate"))
        if self.unclaimed:
            parts.append(f"{self.unclaimed:,} of no event (such as {self.example})")
        if self.nulls:
            columns = ", ".join(f"{name} {count:,}" for name, count in self.nulls.most_common())
            parts.append(f"unreadable values that became null: {columns}")
        return ", ".join(parts)

    def _rejected(self) -> str:
        if not self.reasons:
            return "0 rejected"
        ((reason, count),) = self.reasons.most_common(1)
        return f"{self.reasons.total():,} rejected (most often {reason}, {count:,}, such as {self.examples[reason]})"


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
    sample: SampleOption = None,
    accept_rejected: AcceptOption = False,
) -> None:
    """Type and check landed lines; write events by day."""
    context = open_context(data, service, profile, engine)
    with working("ingest", context) as (spark, step):
        step.done(summary(ingest(context, spark, sample, accept_rejected)))


def ingest(
    context: Context, spark: SparkSession, sample: float | None = None, accept_rejected: bool = False
) -> dict[str, Ingested]:
    """Bring the events layer up to date with the landing layer.

    Returns:
        What became of the lines that were read, by event.

    Raises:
        UsageError: the service begins with a finished table.
        InputError: the landing layer is missing, inconsistent or holds another sample.
        DataCheckError: lines were lost or made on the way, or a day has too many rejected lines; all other days are
            ingested then.
    """
    context.require_events()
    landed = landed_files(context.data.landing)
    rate = _rate(context.data.landing, sample)
    for name in context.service.events:
        _refuse_mixture(context.data.events(name), rate)
    limit = None if accept_rejected else context.service.rejections
    found: dict[str, Ingested] = {}
    for name, event in context.service.events.items():
        version, claims = event_version(context.service, name), _claims(context.service, name)
        source = Source(name, event, version, context.data, rate, limit, claims)
        days = {day: files for (kind, day), files in landed.items() if kind == source.lines}
        found[name] = _ingest_event(source, spark, days, context.engine)
    if not landed:
        raise InputError(
            f"{context.data.landing}: there are no lines to ingest; look at manifest.csv there for the reasons"
        )
    _write_manifest(context.data, list(context.service.events))
    _raise_refused(context.data, found)
    return found


def _claims(service: Service, name: str) -> list[str]:
    """The conditions of the events that share the lines of this one.

    None where it has no lines of its own, or every line is of some event.
    """
    claims = service.sharing(name).values() if not service.events[name].landing.lines_of else []
    return [claim for claim in claims if claim is not None] if None not in claims else []


def summary(found: Mapping[str, Ingested]) -> str:
    """What was written, and below it a line for each event."""
    written = ", ".join(f"{name}: {plural(one.days, 'day')}" for name, one in found.items()) + " written"
    return "\n".join([written, *(f"  {name}: {one.text}" for name, one in found.items() if one.days)])


def _raise_refused(data: DataFolder, found: Mapping[str, Ingested]) -> None:
    refused = [(name, day, why) for name, one in found.items() for day, why in one.refused.items()]
    if refused:
        name, day, why = refused[0]
        more = f" {plural(len(refused) - 1, 'more day')} of an event, too." if len(refused) > 1 else ""
        raise DataCheckError(
            f"ingest of {name}, {day}: {why}. The day was not ingested; its events, if any, are those of before."
            f"{more} Look at {data.rejected(name).partition(day)}, and fix the archives or the declaration of {name}, "
            f"or run it again with --accept-rejected"
        )


def _rate(landing: Place, sample: float | None) -> float:
    landed = sample_rate(landing)
    if sample is not None and sample > landed:
        raise InputError(
            f"{landing}: holds a sample of {landed:g}, from which {sample:g} cannot be taken; "
            f"unpack again into an empty folder with --sample {sample:g}"
        )
    return landed if sample is None else sample


def _ingest_event(source: Source, spark: SparkSession, landed: dict[str, list[LandedFile]], engine: str) -> Ingested:
    days = {
        day: Day(
            files,
            events_basis(files, source.version, source.rate),
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
    found = Ingested()
    for batch in batches(sizes, BATCH_BYTES, engine):
        _ingest_days(source, spark, {day: days[day] for day in batch}, found)
    return found


def _ingest_days(source: Source, spark: SparkSession, days: dict[str, Day], found: Ingested) -> None:
    event, rate = source.event, source.rate
    lines = read_lines(spark, event, source.data.landing / source.lines, list(days))
    mine = lines_where(lines, event, event.landing.where)
    rows = tagged(mine, event)
    sampled = rows.where(in_sample(F.col("customer_id"), rate) | F.col("customer_id").isNull()) if rate < 1 else rows
    with source.layer.staging() as staged, source.rejected.staging() as staged_rejected:
        write_partitions(_day_as_text(clean(sampled, event)), staged, several=len(days) > 1)
        write_partitions(_day_as_text(rejected(sampled, event)), staged_rejected, several=len(days) > 1)
        left_out = _left_out(rows, rate)
        elsewhere = _per_day(lines_but(lines, event, [event.landing.where])) if event.landing.where else {}
        nobody = lines_but(lines, event, source.claims) if source.claims else None
        unclaimed = _per_day(nobody) if nobody else {}
        if nobody and unclaimed and not found.example:
            found.example = _example_of_unclaimed(nobody, event, source.claims)
        counts = _counts(spark, staged, list(days))
        _count_rejected(spark, staged_rejected, event, counts, found.examples)
        records = {
            day: EventsRecord(
                basis=one.basis,
                sample=rate,
                missing_parts=one.missing,
                lines=sum(file.records for file in one.files),
                left_out=left_out.get(day, 0),
                elsewhere=elsewhere.get(day, 0),
                unclaimed=unclaimed.get(day, 0),
                **asdict(counts[day]),
            )
            for day, one in days.items()
        }
        for day, record in records.items():
            _check_conservation(source.name, day, record)
        for day, record in records.items():
            if source.limit and source.limit.are_too_many(record.rejected, record.judged):
                found.refused[day] = _why_refused(spark, staged_rejected, event, day, record)
        for day, record in records.items():
            source.rejected.publish(staged_rejected, day, record)
            if day not in found.refused:
                source.layer.publish(staged, day, record)
                found.add(record)


def _refuse_mixture(layer: Layer[EventsRecord], rate: float) -> None:
    for day, record in layer.readable().items():
        if record.sample != rate:
            raise InputError(
                f"{layer.partition(day)}: holds a sample of {record.sample:g}, and {rate:g} was asked for; "
                f"use the same --sample, another --data, or remove {layer.root.parent} first"
            )


def read_lines(spark: SparkSession, event: Event, landing: Place, days: Sequence[str]) -> DataFrame:
    """The landed lines of an event on some days: its fields as text, and `date`."""
    if is_classic(spark):  # its reader of CSV drops a line of tabs only
        rows = spark.read.schema("value string, date date").option("lineSep", "\n").text(str(landing))
        cells = F.split("value", "\t", -1)
        texts = [F.nullif(cells[number], F.lit("")).alias(field) for number, field in enumerate(event.landing.names)]
        return rows.where(is_one_of("date", days)).select(*texts, "date")
    schema = ", ".join(f"`{field}` string" for field in event.landing.names) + ", `date` date"
    # NUL is no character of a landed line, so with it as quote and escape every character is taken as it stands.
    reader = spark.read.schema(schema).options(sep="\t", quote="\0", escape="\0", lineSep="\n")
    return reader.csv(str(landing)).where(is_one_of("date", days))


def _day_as_text(rows: DataFrame) -> DataFrame:
    """The day as it will stand in the folder's name: Sail makes that for every row, and from a date slowly."""
    return rows.withColumn("date", F.col("date").cast("string"))


def _left_out(rows: DataFrame, rate: float) -> dict[str, int]:
    if rate == 1:
        return {}
    return _per_day(rows.where(~in_sample(F.col("customer_id"), rate)))


def _per_day(rows: DataFrame) -> dict[str, int]:
    """The number of rows by day."""
    return {str(row["date"]): row["count"] for row in rows.groupBy("date").count().collect()}


def _example_of_unclaimed(lines: DataFrame, event: Event, claims: Sequence[str]) -> str:
    """The commonest texts of lines that are of no event, in the fields that the conditions read."""
    fields = [name for name in event.landing.names if any(name in columns_of(claim) for claim in claims)]
    common = lines.groupBy(*fields).count().orderBy(F.desc("count"), *fields).limit(1).collect()[0]
    return ", ".join(f"{name}: {printable(common[name] or '(empty)')}" for name in fields) + f", {common['count']:,}"


def _counts(spark: SparkSession, staged: Partitions, days: Sequence[str]) -> dict[str, Counts]:
    """The counts of the events of each day, read from what was written."""
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
    for day in counts.values():  # each engine returns rows in an order of its own
        day.repaired = dict(sorted(day.repaired.items()))
    return counts


def _count_rejected(
    spark: SparkSession, rejected: Partitions, event: Event, counts: Mapping[str, Counts], examples: dict[str, str]
) -> None:
    """Add the counts of the rejected rows that were written, and an example of each reason."""
    if not rejected.has_rows():
        return
    rows = rejected.read(spark, list(counts))
    example = F.min(example_of(event)).alias("example")
    per_reason = rows.groupBy("date", "reason", is_unreadable(F.col("reason")).alias("unreadable"))
    for row in sorted(per_reason.agg(F.count("*").alias("rows"), example).collect()):
        day = counts[str(row["date"])]
        day.rejected += row["rows"]
        day.unreadable += row["rows"] if row["unreadable"] else 0
        day.reasons[row["reason"]] = row["rows"]
        examples.setdefault(row["reason"], printable(row["example"]))


def _why_refused(spark: SparkSession, rejected: Partitions, event: Event, day: str, record: EventsRecord) -> str:
    """How many lines of a day were rejected, and three raw values of the commonest reason."""
    reason = max(record.reasons, key=lambda name: record.reasons[name])
    example = example_of(event).alias("example")
    rows = rejected.read(spark, [day]).where(F.col("reason") == reason).select(example).distinct()
    values = "; ".join(printable(row["example"]) for row in rows.orderBy("example").limit(EXAMPLES).collect())
    share = f"{record.rejected:,} of its {plural(record.judged, 'line')} ({record.rejected / record.judged:.1%})"
    return f"{share} were rejected, most often {reason} ({record.reasons[reason]:,}), such as {values}"


def _check_conservation(name: str, day: str, record: EventsRecord) -> None:
    places = {key: getattr(record, key) for key in ("events", "rejected", "duplicates", "left_out", "elsewhere")}
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
