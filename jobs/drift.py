"""`encore drift`: compare the customers that are scored now with those that the model was trained on."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from conf.errors import DataCheckError, InputError
from conf.load import fingerprint
from jobs.console.options import (
    DATA,
    PROFILE,
    DataOption,
    EngineOption,
    GapOption,
    ObservationOption,
    OutcomeOption,
    ProfileOption,
    ServiceOption,
    TableAsOfOption,
    lengths,
)
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.records.drift import DriftBasis, DriftRecord
from jobs.storage.backend import write_csv
from jobs.training.artifacts import ModelFolder
from models.drift import FeatureDrift, measure_drift

EXAMPLE = "encore drift --data /data/music"
COLUMNS = ("feature", "kind", "psi", "null_share", "null_share_at_training", "new_category_share", "above")
MANIFEST = ["model", "customers"]
KEYS = ["customer_id", "as_of"]


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    as_of: TableAsOfOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Compare scores and features with those at training; exit code 4 where a limit is exceeded."""
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(data, service, profile, engine, windows=windows)
    with working("drift", context) as (spark, step):
        day, record = drift(context, spark, as_of)
        furthest = record.features[0]
        step.done(f"{day}: score PSI {record.score.psi:.3f}; furthest {furthest.feature} {furthest.psi:.3f}")
    refuse_drift(day, record)


def drift(context: Context, spark: SparkSession, as_of: date | None = None) -> tuple[str, DriftRecord]:
    """Compare the newest scores, or those at `as_of`, and their features with those at training; write `drift/`.

    Returns:
        The as-of date, and what was found.

    Raises:
        InputError: there are no scores, or they, their table or their model are out of date or missing.
    """
    data, models, layer = context.data, ModelFolder(context.data.models), context.data.drift
    day = str(as_of) if as_of else max(data.scores.values(), default="")
    scores = data.scores.record(day) if day else None
    if scores is None:
        at = f" at {day}" if day else ""
        raise InputError(f"{data.scores.root}: there are no scores{at}; run `encore score` first")
    name, limits = scores.model, context.service.drift
    context.tables.record(day)
    context.lineage.require_scores(day, scores)
    basis = DriftBasis(scores=scores.basis, limits=fingerprint(limits))
    done = layer.up_to_date({day: basis})
    if not done:
        rows = data.scores.read(spark, [day]).select(*KEYS, "probability")
        table = context.tables.read(spark, [day]).where("eligible").join(rows, KEYS)
        record = DriftRecord(
            basis=basis,
            as_of=day,
            model=name,
            reference_as_of=models.record(name).split.train_as_of,
            limits=limits,
            **vars(measure_drift(table, models.reference(name), limits)),
        )
        with layer.staging() as staged:
            write_csv(staged.partition(day) / "_drift.csv", COLUMNS, [_row(one) for one in record.features])
            layer.publish(staged, day, record)
        done = {day: record}
    layer.write_manifest(MANIFEST)
    return day, done[day]


def summary(day: str, record: DriftRecord) -> str:
    """How many columns have drifted, in a line."""
    above = len(record.above)
    return f"{above} columns at {day} are above the limits" if above else f"nothing above the limits at {day}"


def refuse_drift(day: str, record: DriftRecord) -> None:
    """Raise DataCheckError where something is above its limit."""
    above = [f"{one.feature} ({', '.join(one.above)})" for one in record.features if one.above]
    above += ["the score"] if record.score.above else []
    if above:
        more = f" and {len(above) - 3} more" if len(above) > 3 else ""
        raise DataCheckError(
            f"drift at {day} against {', '.join(record.reference_as_of)}: above the limits are "
            f"{', '.join(above[:3])}{more}; look at `encore report`, then train again or fix the data"
        )


def _row(one: FeatureDrift) -> list[Any]:
    return [" ".join(one.above) if name == "above" else getattr(one, name) for name in COLUMNS]
