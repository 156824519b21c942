"""Daily tiles to the feature table: one row per customer and as-of date.

Features are computed from `observation_tiles`, which end before the as-of date, and labels from `outcome_tiles`, which
begin at it. Neither has access to the tiles of the other.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.schema import Service
from conf.sql import columns_of, renamed
from features.declared import NamedFeature, named_features, table_features
from features.observation import gap_days, observation_tiles, outcome_tiles
from features.windows import Moment, Window

KEYS = ("customer_id", "as_of")
GAP_DAYS = "gap_days"


def feature_table(
    tiles: DataFrame, moments: Sequence[Moment], logs: Window, service: Service, uncertain: Collection[date] = ()
) -> DataFrame:
    """Compute features and labels of every customer who is active in an observation window and not a bot.

    Args:
        tiles: the daily layer from the first day of the logs, since any earlier day may mark a bot, to the end of the
            latest outcome window.
        logs: the window of the logs, which decides whether outcomes are over.
        uncertain: as-of dates whose outcome the logs do not cover.

    Returns:
        One row per customer and moment: `customer_id`, `as_of`, the features, `eligible`, `label`, `label_status`.
    """
    features = _features_of_customers(tiles, moments, service)
    labelled = features.join(outcomes(tiles, moments, service), list(KEYS), "left")
    over = {moment.as_of for moment in moments if moment.is_over(logs)}
    is_mature, is_uncertain = _is_as_of(over - set(uncertain)), _is_as_of(over & set(uncertain))
    happened = F.coalesce(F.col("happened"), F.lit(False))
    return labelled.select(*table_columns(service, happened, is_mature, is_uncertain))


def _is_as_of(days: Collection[date]) -> Column:
    return F.col("as_of").isin(sorted(days)) if days else F.lit(False)


def table_columns(
    service: Service, happened: Column, is_mature: Column, is_uncertain: Column | None = None
) -> list[Column]:
    """The columns of the feature table, in their order, for rows with the keys and the features.

    Args:
        happened: whether the condition of the label was true in the outcome window.
        is_mature: whether the outcome is over and covered by logs, so that the label is known.
        is_uncertain: whether the outcome is over and not covered; by default nowhere.
    """
    open_status = F.lit("immature")
    unknown = open_status if is_uncertain is None else F.when(is_uncertain, F.lit("uncertain")).otherwise(open_status)
    is_positive = happened if service.label.one_if == "present" else ~happened
    return [
        *map(F.col, KEYS),
        *(_with_comment(feature) for feature in table_features(service)),
        F.coalesce(F.expr(service.eligible.when), F.lit(False)).alias("eligible"),
        F.when(is_mature, is_positive.cast("int")).alias("label"),
        F.when(is_mature, F.lit("mature")).otherwise(unknown).alias("label_status"),
    ]


def computed_features(rows: DataFrame, service: Service) -> DataFrame:
    """Compute the declared features, with internal ones, from rows of `observation_tiles`."""
    declared = [feature for feature in named_features(service) if feature.from_tiles]
    gaps = {name: gap_days(F.expr(where)) for where, name in _gap_columns(declared).items()}
    rows = rows.withColumns(gaps) if gaps else rows
    from_tiles = [_from_tiles(feature, _gap_columns(declared)).alias(feature.name) for feature in declared]
    return derived_features(rows.groupBy(*KEYS).agg(*from_tiles), service)


def derived_features(table: DataFrame, service: Service) -> DataFrame:
    """Add the features that are declared over other columns (`from_features`), in the order of declaration."""
    for feature in named_features(service):
        if feature.from_features:
            table = table.withColumn(feature.name, _typed_and_filled(F.expr(feature.from_features), feature))
    return table


def capped_customers(tiles: DataFrame, moments: Sequence[Moment], service: Service) -> DataFrame:
    """Count the customers of the feature table above each cap; the result is that of `above_caps`."""
    return above_caps(_features_of_customers(tiles, moments, uncapped(service)), service)


def uncapped(service: Service) -> Service:
    """The service without the caps of its features."""
    features = {name: one.model_copy(update={"cap": None}) for name, one in service.features.items()}
    return service.model_copy(update={"features": features})


def above_caps(rows: DataFrame, service: Service) -> DataFrame:
    """Count the rows above each cap.

    Args:
        rows: rows with features that were computed by the `uncapped` service.

    Returns:
        One row per as-of date: `as_of`, and for each feature with a cap the number of rows above it.
    """
    capped = {feature.name: feature.cap for feature in table_features(service) if feature.cap is not None}
    return rows.groupBy("as_of").agg(*(F.count_if(F.col(name) > cap).alias(name) for name, cap in capped.items()))


def _features_of_customers(tiles: DataFrame, moments: Sequence[Moment], service: Service) -> DataFrame:
    """The features of every customer who is active in an observation window and was not a bot before its as-of date."""
    features = computed_features(observation_tiles(tiles, moments), service)
    marked = features.join(first_bot_days(tiles), "customer_id", "left")
    is_bot_before = F.coalesce(F.col("first_bot_day") < F.col("as_of"), F.lit(False))
    return marked.where(~is_bot_before)


def first_bot_days(tiles: DataFrame) -> DataFrame:
    """The first day on which each bot was marked: `customer_id`, `first_bot_day`. Before it, the mark is not known."""
    return tiles.where("is_bot").groupBy("customer_id").agg(F.min("date").alias("first_bot_day"))


def excluded_bots(tiles: DataFrame, moments: Sequence[Moment]) -> DataFrame:
    """Count the bots among the customers who are active in each observation window: `as_of`, `bots`."""
    tiles_of_bots = tiles.join(first_bot_days(tiles), "customer_id")
    seen = observation_tiles(tiles_of_bots, moments).where(F.col("first_bot_day") < F.col("as_of"))
    return seen.groupBy("as_of").agg(F.countDistinct("customer_id").alias("bots"))


def outcomes(tiles: DataFrame, moments: Sequence[Moment], service: Service) -> DataFrame:
    """The customers for whom the condition of the label was true in the outcome window: KEYS, and `happened`, true."""
    rows = outcome_tiles(tiles, moments).where(F.expr(service.label.when))
    return rows.select(*KEYS).distinct().withColumn("happened", F.lit(True))


def _with_comment(feature: NamedFeature) -> Column:
    """The column with its meaning as comment, which Spark writes into the file and Sail does not."""
    return F.col(feature.name).alias(feature.name, metadata={"comment": f"{feature.about} [{feature.unit}]"})


def _gap_columns(declared: Sequence[NamedFeature]) -> dict[str, str]:
    """By condition of the features that read `gap_days`, the column with the gaps between the days that meet it.

    A condition that reads the gaps itself asks for those between active days.
    """
    reading = [one for one in declared if one.where and GAP_DAYS in columns_of(one.from_tiles or "")]
    conditions = dict.fromkeys(one.where or "" for one in reading if GAP_DAYS not in columns_of(one.where or ""))
    return {where: f"_{GAP_DAYS}_{number}" for number, where in enumerate(conditions)}  # no measure begins with _


def _from_tiles(feature: NamedFeature, gap_columns: Mapping[str, str]) -> Column:
    """The feature as an aggregate over the tiles in its window."""
    where, aggregate = feature.where, feature.from_tiles or ""
    if where and where in gap_columns:
        aggregate = renamed(aggregate, GAP_DAYS, gap_columns[where])
    inside = f"age_days <= {feature.days}" + (f" and ({where})" if where else "")
    return _typed_and_filled(F.expr(f"{aggregate} filter (where {inside})"), feature)


def _typed_and_filled(value: Column, feature: NamedFeature) -> Column:
    """The value in the type of the feature, limited by its cap, and with its fill instead of null."""
    typed = value.cast(feature.type) if feature.type else value
    if feature.cap is not None:
        typed = F.when(typed > feature.cap, F.lit(feature.cap).cast(feature.type)).otherwise(typed)
    return typed if feature.fill is None else F.coalesce(typed, F.lit(feature.fill).cast(feature.type))
