"""`encore score`: give every eligible customer a probability and reasons, and choose whom to contact."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from datetime import date
from typing import Annotated

import typer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.schema import Service
from features.declared import table_features
from jobs.console.contact_options import (
    AgainAfterOption,
    AimOption,
    BudgetOption,
    ContactedOption,
    ContactsOption,
    CostOption,
    CurrencyOption,
    DoNotContactOption,
    HoldOutOption,
    KeptShareOption,
    LiftOption,
    MinProbabilityOption,
    ValueAboutOption,
    ValueOption,
    economics,
)
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
from jobs.console.progress import say
from jobs.console.session import open_context, working
from jobs.contacts.history import history_sources
from jobs.contacts.plan import KEYS, features_read, make_plan
from jobs.contacts.sheet import write_sheet
from jobs.context import Context
from jobs.formatting import fixed, span
from jobs.lineage.bases import targeting_version
from jobs.records.layers import FeaturesRecord
from jobs.records.scoring import BacktestSection, ScoresBasis, ScoresRecord
from jobs.storage.layer import Partitions, write_partitions
from jobs.training.artifacts import ModelFolder
from jobs.training.backtest import backtest
from jobs.training.feature_tables import FeatureTables
from jobs.training.reasons import reason_codes
from models.evaluation.deciles import with_deciles
from models.scoring.portable import PortableModel, score_table
from models.targeting.contact_list import choose_contacts
from models.targeting.limits import with_barred
from models.targeting.response import customer_value, risk

EXAMPLE = "encore score --data /data/music --budget 5000 --cost 2 --value 40 --aim keep --kept-share 0.1"
PROBABILITY = "probability"
MANIFEST = ["sample", "model", "customers", "mean_probability"]


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    as_of: TableAsOfOption = None,
    model: Annotated[str | None, typer.Option(help="Trained model to score with. (default: the chosen one)")] = None,
    aim: AimOption = None,
    contacts: ContactsOption = None,
    budget: BudgetOption = None,
    cost: CostOption = None,
    value: ValueOption = None,
    value_about: ValueAboutOption = None,
    lift: LiftOption = None,
    kept_share: KeptShareOption = None,
    hold_out: HoldOutOption = None,
    currency: CurrencyOption = None,
    min_probability: MinProbabilityOption = None,
    do_not_contact: DoNotContactOption = None,
    contacted: ContactedOption = None,
    again_after_days: AgainAfterOption = None,
    past_list: Annotated[
        bool, typer.Option("--past-list", help="Write a contact list though the outcome is over; so do limits.")
    ] = False,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Give every eligible customer a probability and reasons, and choose whom to contact."""
    money = economics(
        aim, contacts, budget, cost, value, value_about, lift, kept_share, hold_out, currency, min_probability,
        do_not_contact, contacted, again_after_days,
    )  # fmt: skip
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(data, service, profile, engine, {"targeting": money}, windows=windows)
    with working("score", context) as (spark, step):
        is_listed = past_list or contacts is not None or budget is not None
        day, record = score(context, spark, as_of, model, is_listed)
        step.done(f"{record.customers:,} customers at {day} in {context.data.scores.partition(day)}")
    if record.backtest:
        say(_backtest_in_words(record.backtest))
    for notice in notices(context, record):
        say(notice)


def score(
    context: Context,
    spark: SparkSession,
    as_of: date | None = None,
    model: str | None = None,
    lists_past: bool = False,
) -> tuple[str, ScoresRecord]:
    """Score the newest feature table, or the one at `as_of`, into `scores/as_of=…/`.

    Where the service declares no costs and value of a contact, no customer is marked for contact. Nor is one where the
    outcome of the date is over, unless `lists_past`.

    Args:
        model: name of a trained model; the chosen one by default.

    Returns:
        The as-of date and the record of the scores.

    Raises:
        InputError: there is no model or table, one of them is out of date, or the model cannot read the table.
    """
    tables, models, layer = context.tables, ModelFolder(context.data.models), context.data.scores
    day = str(as_of) if as_of else tables.newest()
    table_record = tables.record(day)
    is_past = table_record.label_status != "immature"
    service = context.service.model_copy(update={"targeting": None}) if is_past and not lists_past else context.service
    money = service.targeting
    name = model or models.chosen()
    portable = models.model(name)
    lineage = context.lineage
    lineage.require_tables([day])
    _refuse_other_table(tables, day, table_record, models, name, portable)
    lineage.require_model(name)
    sources = history_sources(layer, money, context.engine, day)
    basis = ScoresBasis(
        table=table_record.basis,
        model=models.version(name),
        targeting=targeting_version(service),
        declared=targeting_version(tables.declared),
        history=sources.fingerprint(),
        bgnbd=models.bgnbd_version(name) if money else "",
    )
    done = layer.up_to_date({day: basis})
    if not done:
        table = tables.read(spark, [day]).where("eligible")
        with layer.staging() as staged:
            # Written once before it is ranked, since each pass over it would score everybody again.
            plainly = Partitions(staged.work / "plain", staged.key)
            kept = [*KEYS, *features_read(money)]
            codes = {PROBABILITY: reason_codes(tables.service, portable, models.typical(name))}
            scored = score_table(table, {PROBABILITY: portable}, kept, codes)
            if money:
                kind = dict(table.dtypes)["customer_id"]
                history = sources.read(spark, service, kind, staged.work / "history")
                scored = with_barred(scored, money, history, date.fromisoformat(day))
            write_partitions(scored, plainly)
            if not plainly.has_rows():
                raise InputError(
                    f"{tables.layer.partition(day)}: no customer in this table is eligible, so none is scored"
                )
            write_partitions(_with_contacts(plainly.read(spark), service, day), staged)
            rows = staged.read(spark)
            ((customers, mean),) = rows.agg(F.count("*"), F.avg(PROBABILITY)).collect()
            record = ScoresRecord(
                basis=basis,
                model=name,
                customers=customers,
                mean_probability=mean,
                sample=table_record.sample,
                plan=make_plan(tables, models, name, day, plainly.read(spark), rows) if money else None,
                backtest=backtest(tables, models.record(name), table, rows) if is_past else None,
            )
            context.data.contact_sheet(day).unlink(missing_ok=True)  # never an old list beside new scores
            layer.publish(staged, day, record)
            done = {day: record}
    write_sheet(context.data, spark, service, day)
    layer.write_manifest(MANIFEST)
    return day, done[day]


def summary(day: str, record: ScoresRecord) -> str:
    """What was scored, in a line."""
    past = f"; {_backtest_in_words(record.backtest)}" if record.backtest else ""
    return f"{record.customers:,} customers at {day} by {record.model}{past}"


def notices(context: Context, record: ScoresRecord) -> list[str]:
    """What the contact list is, or why there is none, in lines."""
    plan = record.plan
    if plan is None:
        if record.backtest is None or context.service.targeting is None:
            return []
        today = "give customers without outcomes by `encore table FILE --as-of DAY`, or " * bool(context.service.table)
        return [
            f"no contact list, since the outcome of this date is over: {today}to write one all the same, run "
            f"`encore score --past-list`"
        ]
    left_out = ", ".join(f"{customers:,} by {rule}" for rule, customers in plan.left_out.items())
    return [
        f"contact {plan.contacts:,} for {plan.cost:,.0f} {plan.currency}, expected gain "
        f"{plan.expected_gain:,.0f} {plan.currency}; {plan.held_out:,} held out to measure the effect",
        *([f"left out: {left_out}"] if left_out else []),
    ]


def _backtest_in_words(found: BacktestSection) -> str:
    """How good the model was at a past date."""
    if "auc" not in found.metrics:
        why = "no customer is left that did not train the model" if found.left_out else "its outcome is not known"
        return f"backtest: the outcome of this date is over; {why}"
    auc = found.metrics["auc"]
    return (
        f"backtest: AUC {fixed(auc.value, 3)} ({span(auc)}) on {found.customers:,} customers; "
        f"{found.left_out:,} that trained the model are left out"
    )


def _refuse_other_table(
    tables: FeatureTables, day: str, table: FeaturesRecord, models: ModelFolder, name: str, model: PortableModel
) -> None:
    """Raise InputError where the table was made by other declarations than those the model was fitted on."""
    folder = tables.layer.partition(day)
    known = {feature.name for feature in table_features(tables.service)}
    missing = sorted(set(model.features) - known)
    if missing:
        raise InputError(
            f"{folder}: has no column {missing[0]}, which the model {name} was trained on; "
            f"train again, or compute the table with the configuration of the model"
        )
    declared = {basis.configuration for basis in models.record(name).fitted_on.tables.values()}
    if declared != {table.basis.configuration}:
        raise InputError(
            f"{folder}: was made by other declarations than the tables that the model {name} was trained on; "
            f"run `encore train` again"
        )


def _with_contacts(rows: DataFrame, service: Service, day: str) -> DataFrame:
    """The rows with decile, risk, the value of each customer, and who is to be contacted."""
    kept = [*KEYS, PROBABILITY, "decile", *(name for name in rows.columns if name.startswith("reason_"))]
    ranked, label, money = with_deciles(rows), service.label, service.targeting
    if money:
        listed = choose_contacts(ranked, label, money, date.fromisoformat(day), service.training.seed)
        listed = listed.withColumn("value", customer_value(money))
    else:
        unknown = {
            "risk": risk(label),
            "value": F.lit(None).cast("double"),
            "expected_profit": F.lit(None).cast("double"),
            "contact": F.lit(None).cast("string"),
            "left_out": F.lit(None).cast("string"),
        }
        listed = ranked.withColumns(unknown)
    return listed.select(*kept, "risk", "value", "expected_profit", "contact", "left_out")
