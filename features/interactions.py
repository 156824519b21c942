"""Events to interactions: one row per customer and title, merged from one row per customer, title and day.

A new day changes only its own rows. The interactions at an as-of date are merged from the rows of the days before it.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.recommender import Interactions, SourceEvent
from features import windows
from features.table import first_bot_days
from features.tiles import merged, united

GRAIN = ("customer_id", "title")


def title_days(events: dict[str, DataFrame], declared: Interactions) -> DataFrame:
    """Aggregate events to one row per customer, title and day.

    Args:
        events: by name of the event, the events layer of some days; it has all events in `declared.sources`.

    Returns:
        `customer_id`, `title`, `date` and the measures. Without an event of its source, a count or sum is 0 and any
        other measure is null.
    """
    parts = [
        _titled_events(events[name], source)
        .groupBy(*GRAIN, "date")
        .agg(*(F.expr(measure.sql).alias(key) for key, measure in source.measures.items()))
        for name, source in declared.sources.items()
    ]
    return united(parts).groupBy(*GRAIN, "date").agg(*_merged(declared))


def title_names(events: dict[str, DataFrame], declared: Interactions) -> DataFrame:
    """Count the events of each title, name and day: `title`, `name`, `date`, `events`. A blank name has no row."""
    parts = [
        _titled_events(events[name], source).select("title", F.expr(source.name).cast("string").alias("name"), "date")
        for name, source in declared.sources.items()
    ]
    named = united(parts).where("name <> ''")
    return named.groupBy("title", "name", "date").agg(F.count("*").alias("events"))


def best_names(names: DataFrame) -> DataFrame:
    """The most frequent name of each title, of equally frequent ones the first in the alphabet: `title`, `name`."""
    totals = names.groupBy("title", "name").agg(F.sum("events").alias("events"))
    order = Window.partitionBy("title").orderBy(F.col("events").desc(), F.col("name"))
    return totals.withColumn("place", F.row_number().over(order)).where("place = 1").select("title", "name")


def interactions(days: DataFrame, declared: Interactions, window: windows.Window) -> DataFrame:
    """Merge the days of `window` to the interactions at its end.

    Args:
        days: rows of `title_days`.

    Returns:
        One row per customer and title: `customer_id`, `title`, the measures, the declared columns, `strength`, `days`
        (number of days with an event), `first_date`, `last_date`.
    """
    inside = days.where(F.col("date").between(F.lit(window.start), F.lit(window.dates()[-1])))
    # As a column of its own: Sail names a sum by its plan, and refuses two of one name where a measure is the strength.
    inside = inside.withColumn("strength", _strength(declared, window))
    pairs = inside.groupBy(*GRAIN).agg(
        *_merged(declared),
        F.sum("strength").alias("strength"),
        F.count("*").alias("days"),
        F.min("date").alias("first_date"),
        F.max("date").alias("last_date"),
    )
    derived = [F.expr(column.sql).alias(name) for name, column in declared.columns.items()]
    return pairs.select(*GRAIN, *declared.measures, *derived, "strength", "days", "first_date", "last_date")


def dictionary_rows(declared: Interactions) -> list[tuple[str, str]]:
    """The name and the meaning of each column of `interactions`, in their order."""
    decay = f", with a half-life of {declared.half_life_days} days" if declared.half_life_days else ""
    return [
        ("customer_id", "Id of the customer"),
        ("title", "Id of the title"),
        *((name, measure.about) for name, measure in declared.measures.items()),
        *((name, column.about) for name, column in declared.columns.items()),
        ("strength", f"Sum over the days of {declared.strength}{decay}; not above 0: seen, but not liked"),
        ("days", "Days with an event"),
        ("first_date", "First day with an event"),
        ("last_date", "Last day with an event"),
    ]


def without_bots(pairs: DataFrame, tiles: DataFrame, window: windows.Window) -> DataFrame:
    """Remove the pairs of customers who were bots on a day before the end of the window.

    Args:
        tiles: the daily layer.
    """
    bots = first_bot_days(tiles).where(F.col("first_bot_day") < F.lit(window.end)).select("customer_id")
    return pairs.join(bots, "customer_id", "left_anti")


def _titled_events(events: DataFrame, source: SourceEvent) -> DataFrame:
    """The events that count, with `title`; events without a title are left out."""
    counting = events.where(F.expr(source.where))
    # The declared column may have the name `title`, too, so the other conditions come first.
    return counting.withColumn("title", F.col(source.title)).where("title is not null")


def _merged(declared: Interactions) -> list[Column]:
    return [merged(name, measure.merged_by) for name, measure in declared.measures.items()]


def _strength(declared: Interactions, window: windows.Window) -> Column:
    """The strength of one day at the end of the window; the last day has the decay of one day."""
    strength = F.expr(declared.strength).cast("double")
    if declared.half_life_days is None:
        return strength
    age_days = F.datediff(F.lit(window.end), F.col("date"))
    return strength * F.pow(F.lit(0.5), age_days / F.lit(float(declared.half_life_days)))
