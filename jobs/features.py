"""`encore features`: compute feature tables, one partition per as-of date."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from typing import TypedDict

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError, InputError
from conf.load import fingerprint
from conf.schema import Service
from features.contract import broken_promises
from features.declared import table_features
from features.dictionary import HEADER, dictionary_markdown, dictionary_rows
from features.table import capped_customers, excluded_bots, feature_table
from features.windows import Moment, Window, default_moments, longest_hole
from jobs.console.options import (
    DATA,
    PROFILE,
    AsOfOption,
    DataOption,
    EngineOption,
    GapOption,
    ObservationOption,
    OutcomeOption,
    ProfileOption,
    ServiceOption,
    lengths,
)
from jobs.console.progress import say
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.lineage.bases import is_used
from jobs.lineage.walk import Lineage
from jobs.logs.coverage import LogCoverage
from jobs.logs.notices import caveats, set_aside
from jobs.records.layers import Export, ExportsRecord, FeaturesBasis, FeaturesRecord, LabelStatus
from jobs.storage.backend import export_csv, matching, write_csv, write_text
from jobs.storage.layer import Layer, write_partitions
from jobs.storage.location import Place
from jobs.storage.records import find_readable, write_record
from jobs.storage.seals import seals_of

EXAMPLE = "encore features --data /data/music --as-of 2017-04-29"
EXPORT, EXPORTS = "_export", "exports.json"
MANIFEST = (
    "sample",
    "customers",
    "eligible",
    "positives",
    "label_status",
    "thin",
    "bots_excluded",
    "capped",
    "missing_days",
    "missing_parts",
    "uncovered_days",
    "thin_days",
)


@dataclass(frozen=True)
class TableCounts:
    """The customers of a table, and what is known of their labels; see FeaturesRecord."""

    customers: int
    eligible: int
    positives: int
    label_status: LabelStatus


@dataclass(frozen=True)
class TablesMade:
    """What `features` has done.

    written: the as-of dates whose tables were written. notices: what is not known of the tables that were asked for,
    and which days were set aside, a line each.
    """

    written: list[date]
    notices: list[str]


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    as_of: AsOfOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Compute feature tables.

    Without --as-of: at the end of the logs, and at the newest date with a mature label. Tables at other dates are made
    again where they are out of date.
    """
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(data, service, profile, engine, windows=windows)
    with working("features", context) as (spark, step):
        made = features(context, spark, as_of or ())
        step.done(summary(made))
    for notice in made.notices:
        say(notice)


def features(context: Context, spark: SparkSession, as_of: Sequence[date] = ()) -> TablesMade:
    """Bring the feature tables of the as-of dates up to date; without any, the newest and the newest mature one.

    The other tables that are there are made again where they are out of date, so that no command meets an old one.

    Raises:
        UsageError: the service begins with a finished table.
        InputError: an as-of date lies outside the logs, a table has no customer, the tiles are out of date, or a table
            is out of date and cannot be made again.
        DataCheckError: a table breaks its contract.
    """
    context.require_events()
    data, service = context.data, context.service
    lineage = context.lineage
    lineage.require_tiles()
    coverage = lineage.coverage
    asked_for = _moments(data, coverage, as_of)
    again, lost = _to_make_again(context, lineage, {str(moment.as_of) for moment in asked_for})
    bases = {moment: lineage.table_basis(moment) for moment in sorted([*asked_for, *again])}
    done = data.features.up_to_date({str(moment.as_of): basis for moment, basis in bases.items()})
    changed = [moment for moment in bases if str(moment.as_of) not in done]
    if changed:
        _write_tables(data, spark, {moment: bases[moment] for moment in changed}, coverage)
    export(data.features, service)
    if lost:
        raise InputError(
            f"{data.features.partition(lost[0])}: was made from tiles that have changed, and cannot be made again, "
            f"since there are no logs of its windows; remove this folder"
        )
    not_known = [line for one in asked_for for line in caveats(coverage, one)]
    said = [*_left_out(context), *set_aside(data.root, coverage), *not_known]
    return TablesMade([moment.as_of for moment in changed], said)


def _left_out(context: Context) -> list[str]:
    """The columns that the windows of the command line leave out, in a line; none where they leave out none."""
    if not context.left_out:
        return []
    days = context.service.windows.observation_days
    return [f"left out, since the observation window has {days} days: {', '.join(context.left_out)}"]


def summary(made: TablesMade) -> str:
    """What was written, in a line."""
    return f"tables written: {', '.join(map(str, made.written)) or 'none, all up to date'}"


def _to_make_again(context: Context, lineage: Lineage, asked_for: Collection[str]) -> tuple[list[Moment], list[str]]:
    """Of the other tables that are out of date, those that can be made again, and the dates of those that cannot.

    No command reads a table of other declarations, so of these only as many are made again as training uses.
    """
    again, lost, records = [], [], context.data.features.readable()
    used = sorted(records)[-context.service.training.as_of_dates :]
    for day, record in records.items():
        moment = Moment.at(date.fromisoformat(day), context.service.windows)
        is_idle = record.basis.configuration != context.tables.version and day not in used
        if day in asked_for or is_idle or record.basis == lineage.table_basis(moment):
            continue
        try:
            _refuse_without_logs(context.data, lineage.coverage, moment)
            again.append(moment)
        except InputError:
            if record.basis.configuration == context.tables.version:
                lost.append(day)
    return again, lost


def _moments(data: DataFolder, coverage: LogCoverage, as_of: Sequence[date]) -> list[Moment]:
    """The moments of the as-of dates, or the default ones."""
    windows, logs = coverage.service.windows, coverage.logs
    days = _days_with_logs(coverage)
    if as_of:
        moments = sorted({Moment.at(day, windows) for day in as_of})
    else:
        moments = default_moments(
            logs,
            windows,
            lambda moment: any(day in moment.observation for day in days) and coverage.status(moment) == "mature",
        )
        _refuse_stray_end(data.daily.root, days, coverage, moments[-1])
    for moment in moments:
        _refuse_without_logs(data, coverage, moment)
    return moments


def _refuse_without_logs(data: DataFolder, coverage: LogCoverage, moment: Moment) -> None:
    """Raise InputError where the as-of date is outside the logs, or its observation has none."""
    refuse_outside(data, coverage.logs, moment)
    _refuse_silence(data.daily.root, _days_with_logs(coverage), moment, moment.observation)


def _days_with_logs(coverage: LogCoverage) -> list[date]:
    return [day for day in coverage.records if day in coverage.logs]


def refuse_outside(data: DataFolder, logs: Window, moment: Moment) -> None:
    """Raise InputError where the as-of date is not after the first day of the logs, or over a day after the last."""
    if not moment.is_inside(logs):
        raise InputError(
            f"as_of {moment.as_of} is outside the logs in {data.daily.root}, which go from {logs.start} up to "
            f"{logs.dates()[-1]}; give an --as-of after {logs.start} and not after {logs.end}"
        )


def _refuse_silence(root: Place, days: Sequence[date], moment: Moment, window: Window) -> None:
    """Raise InputError where the window has no logs at all: every customer would look gone."""
    if not any(day in window for day in days):
        raise InputError(
            f"as_of {moment.as_of}: there are no logs of the {window.days} days from {window.start} in "
            f"{root}; unpack the days that are missing, or give an --as-of with logs around it"
        )


def _refuse_stray_end(root: Place, days: Sequence[date], coverage: LogCoverage, newest: Moment) -> None:
    """Raise InputError where the last days may be strays, with too few events to tell: all would look gone."""
    observation = newest.observation
    hole = longest_hole(days, Window(max(observation.start, coverage.logs.start), observation.end))
    if hole.days >= newest.outcome_days and not set(hole.dates()) & set(coverage.thin_days(newest)):
        raise InputError(
            f"{root}: there are no logs from {hole.start} for {hole.days} days, but some after them; "
            f"if the last days are strays, remove their archive, else unpack what is missing or give an --as-of"
        )


def _write_tables(
    data: DataFolder, spark: SparkSession, bases: Mapping[Moment, FeaturesBasis], coverage: LogCoverage
) -> None:
    layer, moments, service, logs = data.features, list(bases), coverage.service, coverage.logs
    days = [str(day) for day in sorted(coverage.records) if any(is_used(day, one, coverage) for one in moments)]
    tiles = data.daily.read(spark, days)
    uncertain = [moment.as_of for moment in moments if coverage.status(moment) == "uncertain"]
    with layer.staging() as staged:
        write_partitions(feature_table(tiles, moments, logs, service, uncertain), staged, several=len(moments) > 1)
        written = {date.fromisoformat(value) for value in staged.values()}
        for moment in moments:
            if moment.as_of not in written:
                raise InputError(
                    f"as_of {moment.as_of}: no customer was active in the {moment.observation_days} days before it; "
                    f"take a larger sample or another --as-of"
                )
        table = staged.read(spark)
        dates = ", ".join(str(moment.as_of) for moment in moments)
        refuse_broken_promises(table, service, f"features at {dates}", "events")
        counted = counts(table)
        excluded = {row["as_of"]: row["bots"] for row in excluded_bots(tiles, moments).collect()}
        above = capped(service, lambda: capped_customers(tiles, moments, service))
        for moment, basis in bases.items():
            record = FeaturesRecord(
                basis=basis,
                **asdict(counted[moment.as_of]),
                **_caveats(coverage, moment),
                bots_excluded=excluded.get(moment.as_of, 0),
                capped=above.get(moment.as_of, {}),
            )
            layer.publish(staged, str(moment.as_of), record)


def refuse_broken_promises(table: DataFrame, service: Service, what: str, made_of: str) -> None:
    """Raise DataCheckError where a table, named by `what`, breaks the contract."""
    broken = broken_promises(table, service)
    if broken:
        promise, rows = next(iter(broken.items()))
        raise DataCheckError(
            f"{what}: {promise} in {rows} rows ({len(broken)} promises broken in all); nothing was kept. "
            f"Fix the declaration or the {made_of}"
        )


def counts(table: DataFrame) -> dict[date, TableCounts]:
    """The counts of each as-of date."""
    rows = table.groupBy("as_of").agg(
        F.count("*").alias("customers"),
        F.count_if("eligible").alias("eligible"),
        F.count_if(F.col("eligible") & (F.col("label") == 1)).alias("positives"),
        F.max("label_status").alias("label_status"),
    )
    return {row.pop("as_of"): TableCounts(**row) for row in (one.asDict() for one in rows.collect())}


def capped(service: Service, counted: Callable[[], DataFrame]) -> dict[date, dict[str, int]]:
    """By as-of date and feature, the customers whose value was above the cap; nothing is counted without a cap.

    Args:
        counted: gives the frame of `above_caps`.
    """
    if not any(feature.cap is not None for feature in table_features(service)):
        return {}
    rows = [row.asDict() for row in counted().collect()]
    return {row.pop("as_of"): row for row in rows}


class Caveats(TypedDict):
    """What makes features or labels lower than the customers were; see FeaturesRecord."""

    sample: float
    missing_days: list[date]
    missing_parts: dict[str, list[str]]
    uncovered_days: list[date]
    thin_days: list[date]
    thin: bool


def _caveats(coverage: LogCoverage, moment: Moment) -> Caveats:
    records, thin_days = coverage.records, coverage.thin_days(moment)
    is_over = moment.is_over(coverage.logs)
    used = [*moment.observation.dates(), *(moment.outcome.dates() if is_over else [])]
    return {
        "sample": next(iter(records.values())).sample,
        "missing_days": [day for day in used if day not in records],
        "missing_parts": {
            str(day): records[day].missing_parts for day in used if day in records and records[day].missing_parts
        },
        "uncovered_days": coverage.uncovered(moment),
        "thin_days": thin_days,
        "thin": not coverage.is_enough(thin_days),
    }


def export(layer: Layer[FeaturesRecord], service: Service) -> None:
    """Write the manifest, the dictionary, and each table as CSV, for people.

    The name of the folder `_export` makes readers of the layer pass over it.
    """
    folder = layer.root / EXPORT
    write_text(folder / "dictionary.md", dictionary_markdown(service))
    write_csv(folder / "dictionary.csv", HEADER, dictionary_rows(service))
    _export_tables(layer, folder)
    layer.write_manifest(MANIFEST)


def _export_tables(layer: Layer[FeaturesRecord], folder: Place) -> None:
    """Each table as a CSV file, unless it was written of the same content and is still there whole."""
    known = find_readable(ExportsRecord, folder / EXPORTS) or ExportsRecord(tables={})
    made_of = {_csv_of(day): fingerprint(record.basis, record.content) for day, record in layer.readable().items()}
    there = seals_of({folder: matching(folder)}, whole=[])[folder]
    done = {
        name
        for name, made in known.tables.items()
        if made.made_of == made_of.get(name) and name in there and made.size == there[name].size
    }
    for name in known.tables.keys() - made_of.keys():  # of tables that are gone
        (folder / name).unlink(missing_ok=True)
    with ThreadPoolExecutor() as pool:  # Arrow releases the interpreter's lock
        days = [day for day in layer.values() if _csv_of(day) not in done]
        list(pool.map(lambda day: export_csv(layer.verified(day), folder / _csv_of(day)), days))
    new = {name: Export(made_of=one, size=(folder / name).stat().st_size) for name, one in made_of.items()}
    if new != known.tables:
        write_record(folder / EXPORTS, ExportsRecord(tables=new))


def _csv_of(day: str) -> str:
    return f"features_{day}.csv"
