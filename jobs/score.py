"""`encore score`: for every eligible customer a probability, reasons, and whether to contact them."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.learning import Targeting
from conf.load import fingerprint
from conf.sql import columns_of
from features.declared import table_features
from jobs.context import Context
from jobs.storage.layer import Partitions, Record, write_manifest, write_partitions
from jobs.storage.versions import current
from jobs.training.artifacts import chosen_model, model_basis, model_result, plain_model
from jobs.training.feature_tables import read_tables, table_record
from models.evaluation.deciles import with_deciles
from models.scoring.portable import PortableModel, score_table
from models.targeting.contact_list import choose_contacts, risk, summarise_contacts
from models.targeting.profit import profit_curve
from models.targeting.uplift import measure_uplift

KEYS = ("customer_id", "as_of")
PROBABILITY = "probability"
MANIFEST = ["sample", "model", "customers", "mean_probability"]


def score(
    context: Context,
    spark: SparkSession,
    as_of: date | None = None,
    model: str | None = None,
) -> tuple[str, Record]:
    """Score the newest feature table, or the one at `as_of`, into `scores/as_of=…/`.

    Where the service does not say what a contact costs and brings, nobody is marked to be contacted.

    Args:
        model: name of a trained model; the chosen one by default.

    Returns:
        The as-of date and the record of the scores.

    Raises:
        InputError: there is no model or table, or the table is not one that the model can read.
    """
    day = str(as_of) if as_of else max(context.features.records(), default="")
    table_told = table_record(context, day)
    table_basis = table_told["basis"]
    name = model or chosen_model(context)
    plain = plain_model(context, name)
    _refuse_other_table(context, day, name, plain, table_basis)
    money = context.service.targeting
    seed = context.service.training.seed
    basis: Record = {"table": table_basis, "model": model_basis(context, name), "targeting": fingerprint(money, seed)}
    done = context.scores.records().get(day)
    if done and done["basis"] == basis:
        write_manifest(context.scores, MANIFEST)  # it may have been killed before this
        return day, done
    table = read_tables(context, spark, [day]).where("eligible")
    with context.scores.staging() as staged:
        # Written once before it is ranked, since each pass over it would score everybody again.
        plainly = Partitions(staged.work / "plain", staged.key)
        write_partitions(score_table(table, {PROBABILITY: plain}, [*KEYS, *_read_by(money)], PROBABILITY), plainly)
        if not plainly.has_rows():
            raise InputError(
                f"{context.features.partition(day)}: nobody in this table is eligible, so nobody is scored"
            )
        write_partitions(_listed(plainly.read(spark), context, money, day), staged)
        rows = staged.read(spark)
        ((customers, mean),) = rows.agg(F.count("*"), F.avg(PROBABILITY)).collect()
        record: Record = {
            "basis": basis,
            "model": name,
            "customers": customers,
            "mean_probability": mean,
            "sample": table_told["sample"],
            "plan": _plan(context, spark, name, rows, money) if money else None,
        }
        context.scores.publish(staged, day, record)
    write_manifest(context.scores, MANIFEST)
    return day, record


def _refuse_other_table(context: Context, day: str, name: str, plain: PortableModel, basis: Record) -> None:
    """A model reads the features that it was fitted on, made by the same declarations, and no others."""
    folder = context.features.partition(day)
    fitted_on = model_result(context, name)["fitted_on"]["tables"].values()
    declared = {table["configuration"] for table in fitted_on}
    known = {feature.name for feature in table_features(context.service)}
    missing = sorted(set(plain.features) - known)
    if missing:
        raise InputError(
            f"{folder}: has no column {missing[0]}, which the model {name} was trained on; "
            f"train again, or compute the table with the configuration of the model"
        )
    if declared != {basis["configuration"]}:
        raise InputError(
            f"{folder}: was made by other declarations than the tables that the model {name} was trained on; "
            f"run `encore train` again"
        )


def _read_by(money: Targeting | None) -> list[str]:
    """The features that the economics read."""
    return sorted({column for text in (money.expressions if money else {}).values() for column in columns_of(text)})


def _listed(rows: DataFrame, context: Context, money: Targeting | None, day: str) -> DataFrame:
    """The rows with decile, risk, and who is to be contacted."""
    kept = [*KEYS, PROBABILITY, "decile", *(name for name in rows.columns if name.startswith("reason_"))]
    ranked, label = with_deciles(rows), context.service.label
    if money:
        listed = choose_contacts(ranked, label, money, date.fromisoformat(day), context.service.training.seed)
    else:
        nothing = {
            "risk": risk(label),
            "expected_profit": F.lit(None).cast("double"),
            "contact": F.lit(None).cast("string"),
        }
        listed = ranked.withColumns(nothing)
    return listed.select(*kept, "risk", "expected_profit", "contact")


def _plan(context: Context, spark: SparkSession, name: str, rows: DataFrame, money: Targeting) -> dict[str, Any]:
    """What the list costs and is expected to bring, and what such lists brought on the customers that judged."""
    label = context.service.label
    tested = _tested(context, spark, name, _read_by(money))
    declared = money.model_dump(include={"currency", "cost_of_contact", "kept_share", "hold_out_share"})
    limits = {key: value for key, value in (("contacts", money.contacts), ("budget", money.budget)) if value}
    return {
        **declared,
        "value_of_customer": str(money.value_of_customer),
        "limit": limits,
        **asdict(summarise_contacts(rows, money)),
        **asdict(profit_curve(tested, label, money, context.service.training.seed)),
        "uplift": _uplift(tested, context, money.treated) if money.treated else None,
    }


def _tested(context: Context, spark: SparkSession, name: str, features: list[str]) -> DataFrame:
    """The test scores of a model, with what the economics read of their customers."""
    tested = spark.read.parquet(str(current(context.models / name) / "test_scores"))
    if not features:
        return tested
    told = model_result(context, name)
    day = told["split"]["test_as_of"]
    if told["fitted_on"]["tables"][day] != table_record(context, day)["basis"]:
        raise InputError(
            f"{context.features.partition(day)}: has changed since the model {name} was judged on it, so what its "
            f"customers were worth is not known; run `encore train` again"
        )
    return tested.join(read_tables(context, spark, [day]).select(*KEYS, *features), list(KEYS))


def _uplift(tested: DataFrame, context: Context, treated: str) -> Mapping[str, Any]:
    good = 1 - F.col("label") if context.service.label.leaves_is_one else F.col("label")
    known = {"label_good": good, "treated": F.expr(treated).cast("boolean"), "risk": risk(context.service.label)}
    try:
        return asdict(measure_uplift(tested.withColumns(known)))
    except ValueError as error:
        raise InputError(f"targeting.treated: {error}") from None
