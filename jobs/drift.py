"""`encore drift`: are the customers that are scored now still those that the model was trained on?"""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from dataclasses import asdict
from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from conf.errors import DataCheckError, InputError
from conf.load import fingerprint
from jobs.context import Context
from jobs.storage.layer import Record, write_csv, write_manifest
from jobs.training.artifacts import drift_reference, model_basis, model_result
from jobs.training.feature_tables import read_tables, table_record
from models.drift import measure_drift

COLUMNS = ("feature", "kind", "psi", "null_share", "null_share_at_training", "new_category_share", "above")
MANIFEST = ["model", "customers"]
KEYS = ["customer_id", "as_of"]


def drift(context: Context, spark: SparkSession, as_of: date | None = None) -> tuple[str, Record]:
    """Compare the newest scores, or those at `as_of`, and their features with those at training; write `drift/`.

    Returns:
        The as-of date, and what was found, with `above`: what is above its limit, in words.

    Raises:
        InputError: there are no scores, or no model that they were made with.
    """
    day = str(as_of) if as_of else max(context.data.scores.records(), default="")
    record = context.data.scores.records().get(day)
    if record is None:
        raise InputError(
            f"{context.data.scores.root}: there are no scores {f'at {day}' if day else 'at all'}; run `encore score` first"
        )
    name, limits = record["model"], context.service.drift
    basis: Record = {"scores": record["basis"], "limits": fingerprint(limits)}
    done = context.data.drift.records().get(day)
    if done and done["basis"] == basis:
        write_manifest(context.data.drift, MANIFEST)  # it may have been killed before this
        return day, done
    _refuse_old_scores(context, day, record)
    reference = drift_reference(context, name)
    scores = context.data.scores.read(spark, [day]).select(*KEYS, "probability")
    table = read_tables(context, spark, [day]).where("eligible").join(scores, KEYS)
    found: Record = {
        "basis": basis,
        "as_of": day,
        "model": name,
        "reference_as_of": model_result(context, name)["split"]["train_as_of"],
        "limits": limits.model_dump(),
        **asdict(measure_drift(table, reference, limits)),
    }
    with context.data.drift.staging() as staged:
        write_csv(staged.partition(day) / "_drift.csv", COLUMNS, [_row(one) for one in found["features"]])
        context.data.drift.publish(staged, day, found)
    write_manifest(context.data.drift, MANIFEST)
    return day, found


def _refuse_old_scores(context: Context, day: str, record: Record) -> None:
    """What has been made anew since the scores were cannot be compared with them."""
    made_of = {"table": table_record(context, day)["basis"], "model": model_basis(context, record["model"])}
    if any(record["basis"][key] != basis for key, basis in made_of.items()):
        raise InputError(
            f"{context.data.scores.partition(day)}: the table or the model {record['model']} has changed since; "
            f"run `encore score --as-of {day}` first"
        )


def refuse_drift(day: str, found: Record) -> None:
    """Raise DataCheckError where something is above its limit."""
    above = [f"{one['feature']} ({', '.join(one['above'])})" for one in found["features"] if one["above"]]
    above += ["the score"] if found["score"]["above"] else []
    if above:
        more = f" and {len(above) - 3} more" if len(above) > 3 else ""
        raise DataCheckError(
            f"drift at {day} against {', '.join(found['reference_as_of'])}: above the limits are "
            f"{', '.join(above[:3])}{more}; look at `encore report`, then train again or mend the data"
        )


def _row(one: dict[str, Any]) -> list[Any]:
    return [" ".join(one[name]) if name == "above" else one[name] for name in COLUMNS]
