"""Tiles to the feature table: one row per customer and as-of date.

The features see only the rows of `observed`, which end before as_of; the label sees only those of `foretold`, which
begin at it. Neither function has the other's rows at hand.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.schema import Service
from features.declared import NamedFeature, named_features, table_features
from features.observation import foretold, observed
from features.windows import Moment, Window

KEYS = ("customer_id", "as_of")


def feature_table(tiles: DataFrame, moments: Sequence[Moment], logs: Window, service: Service) -> DataFrame:
    """The features and labels of every customer seen in an observation window who is no bot.

    Args:
        tiles: the daily layer, from the first day before the earliest moment to the end of the latest outcome.
        logs: the days that the logs reach over; it decides which labels are mature.

    Returns:
        One row per customer and moment: `customer_id`, `as_of`, the features, `eligible`, `label`, `label_status`.
    """
    people = _people(tiles, moments, service)
    labelled = people.join(outcomes(tiles, moments, service), list(KEYS), "left")
    mature = [moment.as_of for moment in moments if moment.is_mature(logs)]
    is_mature = F.col("as_of").isin(mature) if mature else F.lit(False)
    return labelled.select(*table_columns(service, F.coalesce(F.col("happened"), F.lit(False)), is_mature))


def table_columns(service: Service, happened: Column, is_mature: Column) -> list[Column]:
    """The columns of the feature table, in their order, of rows that have the keys and the features.

    Args:
        happened: whether the label's condition was met in the outcome.
        is_mature: whether the outcome is over, so that the label is known.
    """
    is_positive = happened if service.label.one_if == "present" else ~happened
    return [
        *map(F.col, KEYS),
        *(_described(feature) for feature in table_features(service)),
        F.coalesce(F.expr(service.eligible.when), F.lit(False)).alias("eligible"),
        F.when(is_mature, is_positive.cast("int")).alias("label"),
        F.when(is_mature, F.lit("mature")).otherwise(F.lit("immature")).alias("label_status"),
    ]


def computed_features(rows: DataFrame, service: Service) -> DataFrame:
    """The declared features, internal ones included, of rows that `observed` gives."""
    declared = named_features(service)
    from_tiles = [_from_tiles(feature).alias(feature.name) for feature in declared if feature.from_tiles]
    return derived_features(rows.groupBy(*KEYS).agg(*from_tiles), service)


def derived_features(table: DataFrame, service: Service) -> DataFrame:
    """The rows with the features that are declared over other columns, in the order of declaration."""
    for feature in named_features(service):
        if feature.from_features:
            table = table.withColumn(feature.name, _finished(F.expr(feature.from_features), feature))
    return table


def capped_customers(tiles: DataFrame, moments: Sequence[Moment], service: Service) -> DataFrame:
    """What `above_caps` says of the customers of the table."""
    return above_caps(_people(tiles, moments, uncapped(service)), service)


def uncapped(service: Service) -> Service:
    """The service as if no feature had a cap."""
    features = {name: one.model_copy(update={"cap": None}) for name, one in service.features.items()}
    return service.model_copy(update={"features": features})


def above_caps(rows: DataFrame, service: Service) -> DataFrame:
    """`as_of`, and for each feature with a cap the number of rows above it, of rows made without the caps."""
    capped = {feature.name: feature.cap for feature in table_features(service) if feature.cap is not None}
    return rows.groupBy("as_of").agg(*(F.count_if(F.col(name) > cap).alias(name) for name, cap in capped.items()))


def _people(tiles: DataFrame, moments: Sequence[Moment], service: Service) -> DataFrame:
    """The features of every customer seen in an observation window who was no bot by then."""
    features = computed_features(observed(tiles, moments), service)
    marked = features.join(first_bot_days(tiles), "customer_id", "left")
    is_bot_before = F.coalesce(F.col("first_bot_day") < F.col("as_of"), F.lit(False))
    return marked.where(~is_bot_before)


def first_bot_days(tiles: DataFrame) -> DataFrame:
    """For each customer ever marked a bot: `customer_id` and `first_bot_day`. A later mark must not count earlier."""
    return tiles.where("is_bot").groupBy("customer_id").agg(F.min("date").alias("first_bot_day"))


def excluded_bots(tiles: DataFrame, moments: Sequence[Moment]) -> DataFrame:
    """`as_of` and `bots`: the customers active in its observation window who are left out as bots."""
    tiles_of_bots = tiles.join(first_bot_days(tiles), "customer_id")
    seen = observed(tiles_of_bots, moments).where(F.col("first_bot_day") < F.col("as_of"))
    return seen.groupBy("as_of").agg(F.countDistinct("customer_id").alias("bots"))


def outcomes(tiles: DataFrame, moments: Sequence[Moment], service: Service) -> DataFrame:
    """Keys of the customers for whom the label's condition was met in the outcome, with `happened` true."""
    rows = foretold(tiles, moments).where(F.expr(service.label.when))
    return rows.select(*KEYS).distinct().withColumn("happened", F.lit(True))


def _described(feature: NamedFeature) -> Column:
    """The column with its meaning as comment, which Spark keeps in the file (Sail drops it)."""
    return F.col(feature.name).alias(feature.name, metadata={"comment": f"{feature.about} [{feature.unit}]"})


def _from_tiles(feature: NamedFeature) -> Column:
    inside = f"age_days <= {feature.days}" + (f" and ({feature.where})" if feature.where else "")
    return _finished(F.expr(f"{feature.from_tiles} filter (where {inside})"), feature)


def _finished(value: Column, feature: NamedFeature) -> Column:
    typed = value.cast(feature.type) if feature.type else value
    if feature.cap is not None:
        typed = F.when(typed > feature.cap, F.lit(feature.cap).cast(feature.type)).otherwise(typed)
    return typed if feature.fill is None else F.coalesce(typed, F.lit(feature.fill).cast(feature.type))
