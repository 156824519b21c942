"""Events to interactions: one row per customer and title, by way of one row per customer, title and day.

A new day touches only its own rows; what is known at an as-of date is merged from the days before it.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.recommender import Interactions, SourceEvent
from features import windows
from features.table import first_bot_days
from features.tiles import merged, united

GRAIN = ("customer_id", "title")


def title_days(events: dict[str, DataFrame], declared: Interactions) -> DataFrame:
    """One row per customer, title and day.

    Args:
        events: the events layer of some days by the name of the event, each source among them.

    Returns:
        `customer_id`, `title`, `date` and the measures; a count or sum over nothing is 0, any other measure is null.
    """
    parts = [
        _counted(events[name], source)
        .groupBy(*GRAIN, "date")
        .agg(*(F.expr(measure.sql).alias(key) for key, measure in source.measures.items()))
        for name, source in declared.sources.items()
    ]
    return united(parts).groupBy(*GRAIN, "date").agg(*_merged(declared))


def title_names(events: dict[str, DataFrame], declared: Interactions) -> DataFrame:
    """How often a title went by a name on a day: `title`, `name`, `date`, `events`. Without a name it has no row."""
    parts = [
        _counted(events[name], source).select("title", F.expr(source.name).cast("string").alias("name"), "date")
        for name, source in declared.sources.items()
    ]
    named = united(parts).where("name <> ''")
    return named.groupBy("title", "name", "date").agg(F.count("*").alias("events"))


def best_names(names: DataFrame) -> DataFrame:
    """The name that each title has most often, of equally many the first in the alphabet: `title`, `name`."""
    totals = names.groupBy("title", "name").agg(F.sum("events").alias("events"))
    order = Window.partitionBy("title").orderBy(F.col("events").desc(), F.col("name"))
    return totals.withColumn("place", F.row_number().over(order)).where("place = 1").select("title", "name")


def interactions(days: DataFrame, declared: Interactions, window: windows.Window) -> DataFrame:
    """What customers did with titles on the days of `window`, as it looks at its end.

    Args:
        days: rows as of `title_days`.

    Returns:
        One row per customer and title: `customer_id`, `title`, the measures and declared columns, `strength`, `days`
        (with an event), `first_date`, `last_date`.
    """
    inside = days.where(F.col("date").between(F.lit(window.start), F.lit(window.dates()[-1])))
    pairs = inside.groupBy(*GRAIN).agg(
        *_merged(declared),
        F.sum(_strength(declared, window)).alias("strength"),
        F.count("*").alias("days"),
        F.min("date").alias("first_date"),
        F.max("date").alias("last_date"),
    )
    derived = [F.expr(column.sql).alias(name) for name, column in declared.columns.items()]
    return pairs.select(*GRAIN, *declared.measures, *derived, "strength", "days", "first_date", "last_date")


def dictionary_rows(declared: Interactions) -> list[tuple[str, str]]:
    """Name and meaning of each column that `interactions` gives, in their order."""
    decay = f", each worth half as much every {declared.half_life_days} days" if declared.half_life_days else ""
    return [
        ("customer_id", "Who"),
        ("title", "With which title"),
        *((name, measure.about) for name, measure in declared.measures.items()),
        *((name, column.about) for name, column in declared.columns.items()),
        ("strength", f"Sum over the days of {declared.strength}{decay}; not above 0: seen, but not liked"),
        ("days", "Days on which there was anything"),
        ("first_date", "The first of them"),
        ("last_date", "The last of them"),
    ]


def without_bots(pairs: DataFrame, tiles: DataFrame, window: windows.Window) -> DataFrame:
    """The pairs of those who were no bot on any day before the end of the window (tiles: the daily layer)."""
    bots = first_bot_days(tiles).where(F.col("first_bot_day") < F.lit(window.end)).select("customer_id")
    return pairs.join(bots, "customer_id", "left_anti")


def _counted(events: DataFrame, source: SourceEvent) -> DataFrame:
    """The events that count, with `title`; what has no title is left out."""
    titled = events.where(F.expr(source.where))
    # The column may itself be called title.
    return titled.withColumn("title", F.col(source.title)).where("title is not null")


def _merged(declared: Interactions) -> list[Column]:
    return [merged(name, measure.merged_by) for name, measure in declared.measures.items()]


def _strength(declared: Interactions, window: windows.Window) -> Column:
    """Of one day, as it looks at the window's end: the day before it counts whole, but for that one day's decay."""
    strength = F.expr(declared.strength).cast("double")
    if declared.half_life_days is None:
        return strength
    age_days = F.datediff(F.lit(window.end), F.col("date"))
    return strength * F.pow(F.lit(0.5), age_days / F.lit(float(declared.half_life_days)))
