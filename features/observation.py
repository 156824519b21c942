"""Tiles seen from as-of dates. What lies in no window of a moment is not even in the rows that are handed on."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Partition
from pyspark.sql import functions as F

from features.windows import Moment, Window


def observed(tiles: DataFrame, moments: Sequence[Moment]) -> DataFrame:
    """The tiles of each moment's observation window, several moments in one pass.

    Returns:
        The tiles with `as_of`, `age_days` (1 for the day before as_of) and `gap_days` (days since the customer's
        active day before, null for the first of the window).
    """
    rows = _seen_from(tiles, moments, lambda moment: moment.observation)
    by_customer = Partition.partitionBy("as_of", "customer_id").orderBy("date")
    return rows.withColumns(
        {
            "age_days": F.datediff("as_of", "date"),
            "gap_days": F.datediff("date", F.lag("date").over(by_customer)),
        }
    )


def foretold(tiles: DataFrame, moments: Sequence[Moment]) -> DataFrame:
    """The tiles of each moment's outcome window, with `as_of`."""
    return _seen_from(tiles, moments, lambda moment: moment.outcome)


def _seen_from(tiles: DataFrame, moments: Sequence[Moment], window: Callable[[Moment], Window]) -> DataFrame:
    """Each tile once for every moment whose window holds its day."""
    seen_by = F.array_compact(F.array(*(_if_inside(window(moment), moment) for moment in moments)))
    inside_any = F.lit(False)
    for moment in moments:
        inside_any = inside_any | _is_inside(window(moment))
    return tiles.where(inside_any).withColumn("as_of", F.explode(seen_by))


def _is_inside(window: Window) -> Column:
    return (F.col("date") >= F.lit(window.start)) & (F.col("date") < F.lit(window.end))


def _if_inside(window: Window, moment: Moment) -> Column:
    return F.when(_is_inside(window), F.lit(moment.as_of))
