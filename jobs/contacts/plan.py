"""The plan of a contact list: what it costs and brings, by the other aim too, and what such lists earn on test data."""

from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.schema import Label, Service
from conf.sql import columns_of
from conf.targeting import Targeting
from jobs.records.scoring import ContactPlanSection
from jobs.training.artifacts import ModelFolder
from jobs.training.feature_tables import FeatureTables
from models.targeting.contact_list import OtherAim, choose_contacts, compare_with_other, summarise_contacts
from models.targeting.profit import profit_curve
from models.targeting.response import risk
from models.targeting.uplift import Uplift, measure_uplift

KEYS = ("customer_id", "as_of")
DECLARED = {
    "aim", "currency", "cost_of_contact", "kept_share", "lift", "hold_out_share", "value_about",
}  # fmt: skip


def features_read(money: Targeting | None) -> list[str]:
    """The features that the economics read."""
    return sorted({column for text in (money.expressions if money else {}).values() for column in columns_of(text)})


def make_plan(
    tables: FeatureTables, models: ModelFolder, name: str, day: str, plain: DataFrame, listed: DataFrame
) -> ContactPlanSection:
    """The plan of a list by the economics in force.

    Args:
        name: of the model.
        plain: the scores of the day, with what the economics read.
        listed: the same customers with the list.
    """
    service, spark = tables.service, listed.sparkSession
    money, label = service.targeting, service.label
    assert money is not None  # else there is no list
    tested = _test_set(tables, models, spark, name, features_read(money))
    limits = {key: value for key, value in (("contacts", money.contacts), ("budget", money.budget)) if value}
    return ContactPlanSection(
        **money.model_dump(include=DECLARED),
        value_of_customer=str(money.value_of_customer),
        limit=limits,
        **vars(summarise_contacts(listed, money)),
        other=_other_aim(service, day, plain, listed),
        **vars(profit_curve(tested, label, money, service.training.seed)),
        uplift=_uplift(tested, label, money.treated) if money.treated else None,
    )


def _other_aim(service: Service, day: str, plain: DataFrame, listed: DataFrame) -> OtherAim | None:
    """What the list of the other aim would be, None where it is not declared."""
    other = service.targeting.other if service.targeting else None
    if other is None:
        return None
    others = choose_contacts(plain, service.label, other, date.fromisoformat(day), service.training.seed)
    return compare_with_other(listed, others, other)


def _test_set(
    tables: FeatureTables, models: ModelFolder, spark: SparkSession, name: str, features: list[str]
) -> DataFrame:
    """The test scores of a model and of BG/NBD, with the features of its customers that the economics read."""
    tested, bgnbd = spark.read.parquet(str(models.test_scores(name))), models.bgnbd_scores(name)
    if bgnbd:
        tested = tested.join(spark.read.parquet(str(bgnbd)), list(KEYS))
    if not features:
        return tested
    record = models.record(name)
    day = record.split.test_as_of
    if record.fitted_on.tables[day] != tables.record(day).basis:
        raise InputError(
            f"{tables.layer.partition(day)}: has changed since the model {name} was evaluated on it, so the value of "
            f"its customers is not known; run `encore train` again"
        )
    return tested.join(tables.read(spark, [day]).select(*KEYS, *features), list(KEYS))


def _uplift(tested: DataFrame, label: Label, treated: str) -> Uplift:
    good = 1 - F.col("label") if label.leaves_is_one else F.col("label")
    known = {"label_good": good, "treated": F.expr(treated).cast("boolean"), "risk": risk(label)}
    try:
        return measure_uplift(tested.withColumns(known))
    except ValueError as error:
        raise InputError(f"targeting.treated: {error}") from None
