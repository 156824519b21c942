"""`encore score`: a probability and a decile for every eligible customer at an as-of date."""

import json
from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.load import fingerprint
from jobs.context import Context
from jobs.storage import Record, write_manifest, write_partitions
from jobs.train import MODEL
from models.deciles import with_deciles
from models.logistic import Formula


def score(context: Context, spark: SparkSession, as_of: date | None = None) -> tuple[str, int]:
    """Score the newest feature table, or the one at `as_of`, into `scores/as_of=…/`.

    Returns:
        The as-of date and the number of customers scored.

    Raises:
        InputError: there is no model or table, or the table lacks features of the model.
    """
    formula = _formula(context)
    records = context.features.records()
    day = str(as_of) if as_of else max(records, default="")
    if day not in records:
        raise InputError(
            f"{context.features.root}: there is no feature table {f'at {day}' if day else 'at all'}; "
            f"run `encore features{f' --as-of {day}' if day else ''}` first"
        )
    basis: Record = {"table": records[day]["basis"], "model": fingerprint(formula.to_json())}
    done = context.scores.records().get(day)
    if done and done["basis"] == basis:
        return day, done["customers"]
    table = context.features.read(spark, [day])
    missing = sorted({term.feature for term in formula.terms} - set(table.columns))
    if missing:
        raise InputError(
            f"{context.features.partition(day)}: has no column {missing[0]}, which the model {MODEL} was trained on; "
            f"train again, or compute the table with the configuration of the model"
        )
    scored = table.where("eligible").select("customer_id", "as_of", formula.probability().alias("probability"))
    with context.scores.staging() as staged:
        write_partitions(with_deciles(scored), staged)
        if not staged.has_rows():
            raise InputError(
                f"{context.features.partition(day)}: nobody in this table is eligible, so nobody is scored"
            )
        ((customers, mean),) = staged.read(spark).agg(F.count("*"), F.avg("probability")).collect()
        record = {"basis": basis, "customers": customers, "mean_probability": mean, "sample": records[day]["sample"]}
        context.scores.publish(staged, day, record)
    write_manifest(context.scores, ["sample", "customers", "mean_probability"])
    return day, int(customers)


def _formula(context: Context) -> Formula:
    path = context.models / MODEL / "formula.json"
    if not path.is_file():
        raise InputError(f"{path}: there is no trained model; run `encore train --data {context.data}` first")
    return Formula.from_json(json.loads(path.read_text(encoding="utf-8")))
