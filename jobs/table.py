"""`encore table`: check a finished table of customers and use it as the feature table."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer
from pyspark.sql import DataFrame, SparkSession

from conf.errors import DataCheckError, InputError
from conf.finished import FinishedTable
from conf.schema import Service
from features.finished import (
    Fill,
    Pair,
    broken_rules,
    feature_rows,
    fills,
    swapped_back,
    swapped_pairs,
    typed,
    unfilled,
    unlabelled,
)
from features.table import above_caps, uncapped
from jobs.console.options import (
    DATA,
    PROFILE,
    DataOption,
    EngineOption,
    ProfileOption,
    parse_day,
)
from jobs.console.progress import say
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.features import capped, counts, export, refuse_broken_promises
from jobs.records.layers import FeaturesBasis, FeaturesRecord, TableSource
from jobs.storage.csv_table import Source, source, write_texts
from jobs.storage.input_files import local_input
from jobs.storage.layer import Layer, write_partitions
from jobs.storage.location import Place, place
from jobs.storage.names import require_text

EXAMPLE = "encore table Audiobooks_data.csv --data /data/table"
TABLE_SERVICE = "audiobooks_table"  # of a new data folder


def command(
    file: Annotated[str, typer.Argument(help="CSV file, one row per customer, with or without a header.")],
    data: DataOption = DATA,
    service: Annotated[
        str | None,
        typer.Option(
            help=f"Name in conf/, or path of a YAML file. (default: the service of the data folder, or {TABLE_SERVICE})"
        ),
    ] = None,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of",
            parser=parse_day,
            metavar="YYYY-MM-DD",
            help="As-of date of the table. (default: the service's)",
        ),
    ] = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Check a finished table of customers and use it as the feature table, instead of raw logs."""
    context = open_context(data, service, profile, engine, default_service=TABLE_SERVICE)
    with working("table", context) as (spark, step):
        require_text("FILE", file)
        day, record = table(context, spark, place(file, context.engine), as_of)
        step.done(f"{record.customers:,} customers at {day} in {context.data.features.partition(day)}")
    for warning in warnings(record):
        say(warning)


def table(context: Context, spark: SparkSession, path: Place, as_of: date | None = None) -> tuple[str, FeaturesRecord]:
    """Check a finished table and write it as the feature table at `as_of`; the service's date by default.

    A file in which no outcome is known gives a table to score, and none to learn from.

    Returns:
        The as-of date and the record of the table, with `source`: what was found in the file, its `warnings` in words.

    Raises:
        UsageError: the service does not begin with a finished table.
        InputError: the file cannot be read, or would replace a table with outcomes by one without, or
            the same outcomes at a second date.
        DataCheckError: the file breaks a rule of the declaration; nothing is written.
    """
    declared = context.finished_table()
    day = str(as_of or declared.as_of)
    with local_input(path) as local:
        file = source(local, declared)
        bases = {mature: _basis(file, context, mature) for mature in (True, False)}
        done = context.data.features.readable().get(day)
        if not done or done.basis not in bases.values():
            done = _write_table(context, spark, file, day, bases)
    export(context.data.features, context.service)
    return day, done


def warnings(record: FeaturesRecord) -> list[str]:
    """What was corrected in the file of a table, in words."""
    return record.source.warnings if record.source else []


def _basis(file: Source, context: Context, is_mature: bool) -> FeaturesBasis:
    return FeaturesBasis(tiles=file.checksum, configuration=context.tables.version, mature=is_mature)


def _write_table(
    context: Context, spark: SparkSession, file: Source, day: str, bases: Mapping[bool, FeaturesBasis]
) -> FeaturesRecord:
    layer, service = context.data.features, context.service
    with layer.staging() as staged:
        texts = staged.work / "texts"
        rows = write_texts(file, texts)
        checked, about = _checked(spark.read.parquet(str(texts)), file, rows, context.finished_table())
        is_mature = _is_mature(checked, file, rows, service)
        _refuse_losing_outcomes(layer, day, file, is_mature)
        if is_mature:
            _refuse_other_date(layer, day, file, bases[True])
        as_of = date.fromisoformat(day)
        write_partitions(feature_rows(checked, service, as_of, is_mature), staged)
        above = capped(service, lambda: above_caps(feature_rows(checked, uncapped(service), as_of, is_mature), service))
        made = staged.read(spark)
        refuse_broken_promises(made, service, f"{file.path} at {day}", "file")
        record = FeaturesRecord(
            basis=bases[is_mature],
            **asdict(counts(made)[as_of]),
            sample=1.0,
            missing_days=[],
            missing_parts={},
            bots_excluded=0,
            capped=above.get(as_of, {}),
            source=about,
        )
        layer.publish(staged, day, record)
    return record


def _checked(
    texts: DataFrame, file: Source, rows_of_file: int, declared: FinishedTable
) -> tuple[DataFrame, TableSource]:
    """The rows of the file, corrected, and what was corrected. Raises DataCheckError where they break a rule."""
    as_given = typed(texts, declared)
    pairs = swapped_pairs(as_given, declared)
    in_place = swapped_back(as_given, list(pairs))
    found = fills(in_place, declared)
    rows = unfilled(in_place, declared, found)
    broken = broken_rules(rows, declared)
    if broken:
        first, *more = broken
        example = f", that of customer {first.customer} for one" if first.customer is not None else ""
        others = f" (and {len(more)} more rules are broken)" if more else ""
        raise DataCheckError(
            f"{file.path}: {first.rule} in {first.rows} of its rows{example}{others}; nothing was written. Fix "
            f"the file{'' if file.has_header else ', or check that its columns are in the order of the service'}"
        )
    about = TableSource(
        file=file.path.name,
        rows=rows_of_file,
        header=file.has_header,
        swapped=list(pairs),
        unfilled={name: fill.rows for name, fill in found.items()},
        warnings=[*_swapped_in_words(pairs), *_unfilled_in_words(found, declared)],
    )
    return rows, about


def _is_mature(rows: DataFrame, file: Source, number: int, service: Service) -> bool:
    """Whether the file has the outcomes: of all customers, or of none."""
    unknown = unlabelled(rows, service)
    if 0 < unknown < number:
        raise DataCheckError(
            f"{file.path}: the outcome ({service.label.when}) is empty in {unknown} of {number} rows; nothing was "
            f"written. Give customers whose outcome is not known yet in a file of their own"
        )
    return not unknown


def _refuse_losing_outcomes(layer: Layer[FeaturesRecord], day: str, file: Source, is_mature: bool) -> None:
    """Raise InputError where a table with outcomes would be replaced by one without."""
    there = layer.readable().get(day)
    if not is_mature and there and there.label_status == "mature":
        raise InputError(
            f"{file.path}: has no outcomes, and would replace {layer.partition(day)}, which has them; "
            f"give the date of these customers by --as-of"
        )


def _refuse_other_date(layer: Layer[FeaturesRecord], day: str, file: Source, basis: FeaturesBasis) -> None:
    """Outcomes belong to one date: at a second one, the same rows would be in the training and in the test set."""
    for other, record in layer.readable().items():
        if other != day and record.basis == basis:
            raise InputError(
                f"{file.path}: is the table at {other} already, and its outcomes belong to one date "
                f"alone; keep that date, or remove {layer.partition(other)} first"
            )


def _swapped_in_words(pairs: dict[Pair, int]) -> list[str]:
    return [
        f"{low} was above {high} in {rows:,} rows and below it in none: their labels are swapped in the file; Encore "
        f"swapped them back"
        for (low, high), rows in pairs.items()
    ]


def _unfilled_in_words(found: dict[str, Fill], declared: FinishedTable) -> list[str]:
    return [
        f"{name} was {float(fill.value):g} for {fill.rows:,} of the {fill.of_rows:,} customers with "
        f"{declared.fills[name]}: a filled-in value, which Encore took out again"
        for name, fill in found.items()
    ]
