"""`encore table`: a table that somebody else has made, one row per customer, to a feature table."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


from datetime import date

from pyspark.sql import DataFrame, SparkSession

from conf.errors import DataCheckError, InputError
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
from jobs.context import Context
from jobs.features import MANIFEST, capped, counts, refuse_broken_promises, write_for_people
from jobs.storage.csv_table import Source, source, write_texts
from jobs.storage.input_files import brought
from jobs.storage.layer import Layer, Record, write_manifest, write_partitions
from jobs.storage.location import Place


def table(context: Context, spark: SparkSession, path: Place, as_of: date | None = None) -> tuple[str, Record]:
    """Check a finished table and write it as the feature table at `as_of`; the service's date by default.

    A file in which no outcome is known gives a table to score, and none to learn from.

    Returns:
        The as-of date and the record of the table, with `source`: what was found in the file, its `warnings` in words.

    Raises:
        UsageError: the service does not begin with a finished table.
        InputError: the file cannot be read, or would put a table without outcomes in the place of one with them, or
            the same outcomes at a second date.
        DataCheckError: the file breaks a rule of the declaration; nothing is written.
    """
    declared = context.finished_table()
    day = str(as_of or declared.as_of)
    with brought(path) as local:
        file = source(local, declared)
        made_of = {"tiles": file.checksum, "configuration": context.features_version}
        done = context.features.records().get(day)
        if not done or {key: done["basis"][key] for key in made_of} != made_of:
            done = _write_table(context, spark, file, day, made_of)
    write_for_people(context)
    write_manifest(context.features, MANIFEST)
    return day, done


def _write_table(context: Context, spark: SparkSession, file: Source, day: str, made_of: Record) -> Record:
    layer, service = context.features, context.service
    with layer.staging() as staged:
        texts = staged.work / "texts"
        rows = write_texts(file, texts)
        checked, told = _checked(spark.read.parquet(str(texts)), file, context)
        is_mature = _is_mature(checked, file, rows, service)
        _refuse_losing_outcomes(layer, day, file, is_mature)
        if is_mature:
            _refuse_other_date(layer, day, file, made_of)
        as_of = date.fromisoformat(day)
        write_partitions(feature_rows(checked, service, as_of, is_mature), staged)
        above = capped(service, lambda: above_caps(feature_rows(checked, uncapped(service), as_of, is_mature), service))
        made = staged.read(spark)
        refuse_broken_promises(made, service, f"{file.path} at {day}", "file")
        record: Record = {
            "basis": made_of | {"mature": is_mature},
            **counts(made)[as_of],
            "sample": 1.0,
            "missing_days": [],
            "missing_parts": {},
            "bots_excluded": 0,
            "capped": above.get(as_of, {}),
            "source": {"file": file.path.name, "rows": rows, "header": file.has_header, **told},
        }
        layer.publish(staged, day, record)
    return record


def _checked(texts: DataFrame, file: Source, context: Context) -> tuple[DataFrame, Record]:
    """The rows of the file, mended; and what was mended. Raises DataCheckError where they break a rule."""
    declared = context.finished_table()
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
            f"{file.path}: {first.rule} in {first.rows} of its rows{example}{others}; nothing was written. Mend the "
            f"file{'' if file.has_header else ', or look whether its columns are in the order of the service'}"
        )
    told = {
        "swapped": [list(pair) for pair in pairs],
        "unfilled": {name: fill.rows for name, fill in found.items()},
        "warnings": [*_swapped_in_words(pairs), *_unfilled_in_words(found, context)],
    }
    return rows, told


def _is_mature(rows: DataFrame, file: Source, number: int, service: Service) -> bool:
    """Whether the file knows the outcomes: of everybody, or of nobody."""
    unknown = unlabelled(rows, service)
    if 0 < unknown < number:
        raise DataCheckError(
            f"{file.path}: the outcome ({service.label.when}) is empty in {unknown} of {number} rows; nothing was "
            f"written. Give customers whose outcome is not known yet in a file of their own"
        )
    return not unknown


def _refuse_losing_outcomes(layer: Layer, day: str, file: Source, is_mature: bool) -> None:
    """New customers have an as-of date of their own, and models learn from the table with the outcomes."""
    if not is_mature and layer.records().get(day, {}).get("label_status") == "mature":
        raise InputError(
            f"{file.path}: knows no outcome, and would take the place of {layer.partition(day)}, which does; "
            f"give the date of these customers by --as-of"
        )


def _refuse_other_date(layer: Layer, day: str, file: Source, made_of: Record) -> None:
    """Outcomes are of one date: at a second one the same rows would judge the models that have learned from them."""
    for other, record in layer.records().items():
        if other != day and record["label_status"] == "mature" and made_of.items() <= record["basis"].items():
            raise InputError(
                f"{file.path}: is the table at {other} already, and what came of its customers is known of one date "
                f"alone; keep that date, or remove {layer.partition(other)} first"
            )


def _swapped_in_words(pairs: dict[Pair, int]) -> list[str]:
    return [
        f"{low} was above {high} in {rows:,} rows and below it in none: their labels are swapped in the file, and were "
        f"swapped back"
        for (low, high), rows in pairs.items()
    ]


def _unfilled_in_words(found: dict[str, Fill], context: Context) -> list[str]:
    conditions = context.finished_table().fills
    return [
        f"{name} was {float(fill.value):g} for {fill.rows:,} of the {fill.of_rows:,} customers with "
        f"{conditions[name]}: a value filled in where there was none, and taken out again"
        for name, fill in found.items()
    ]
