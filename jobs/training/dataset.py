"""What there is to learn from: the split of the feature tables, and all that a model's fit depends on."""

from collections.abc import Mapping
from datetime import date

from conf.errors import InputError
from conf.load import fingerprint
from features.windows import Moment
from jobs.context import Context
from jobs.storage.layer import Record
from jobs.training.artifacts import Result
from jobs.training.feature_tables import table_record
from models.fitting.split import Split, choose_split


def split_of(context: Context) -> Split:
    """How the tables of the configuration in force are split. Raises InputError where they cannot be."""
    layer, how = context.features, context.service.training
    records = layer.records()
    mature = mature_moments(context, records)
    if not mature:
        _refuse_others(context, records)
        raise InputError(
            f"{layer.root}: no as-of date has mature labels, and a model learns from nothing else; "
            f"{way_to_labels(context)}"
        )
    try:
        return choose_split(mature, how.split, how.as_of_dates)
    except ValueError as error:
        raise InputError(
            f"{layer.root}: {error}; run `encore features` at an earlier --as-of, or split by customer"
        ) from None


def way_to_labels(context: Context) -> str:
    """What to do where no label is known."""
    if context.service.table:
        return "run `encore table` on a file that says what came of the customers"
    windows = context.service.windows
    days = windows.gap_days + windows.outcome_days
    return f"run `encore features` with an --as-of at least {days} days before the end of the logs"


def mature_moments(context: Context, records: Mapping[str, Record]) -> list[Moment]:
    """The as-of dates with known labels, of tables that the configuration in force has made; older ones lie idle."""
    return [
        Moment.at(date.fromisoformat(day), context.service.windows)
        for day, record in records.items()
        if record["label_status"] == "mature" and record["basis"]["configuration"] == context.features_version
    ]


def split_as_data(split: Split) -> Result:
    """The split as `metrics.json` holds it."""
    return {
        "by": split.by,
        "text": str(split),
        "train_as_of": [str(day) for day in split.train],
        "test_as_of": str(split.test),
        "unused_as_of": [str(day) for day in split.unused],
    }


def fitted_on(context: Context, split: Split, *own: object) -> Result:
    """What a model, the baselines or the audit rest on: the tables, what all models share, and what is their own."""
    service, how = context.service, context.service.training
    days = sorted({str(day) for day in (*split.train, split.test)})
    return {
        "tables": {day: table_record(context, day)["basis"] for day in days},
        "split": str(split),
        "shared": fingerprint(how.model_dump(exclude={"grids"}), service.recency_feature),
        "own": fingerprint(*own),
    }


def _refuse_others(context: Context, records: Mapping[str, Record]) -> None:
    """Raise InputError where there are labels, but of tables made by another configuration."""
    for day in sorted(records, reverse=True):
        if records[day]["label_status"] == "mature":
            table_record(context, day)
