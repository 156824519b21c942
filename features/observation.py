"""Daily tiles in the windows of as-of dates. Tiles outside the window are not in the rows, so they cannot leak."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame, WindowSpec
from pyspark.sql import Window as Partition
from pyspark.sql import functions as F

from features.windows import Moment, Window


def observation_tiles(tiles: DataFrame, moments: Sequence[Moment]) -> DataFrame:
    """The tiles in the observation window of each moment, for all moments in one pass.

    Returns:
        The tiles with `as_of`, `age_days` (1 for the day before as_of) and `gap_days` (days since the customer's
        previous active day; null for the first active day in the window).
    """
    rows = _tiles_in(tiles, moments, lambda moment: moment.observation)
    return rows.withColumns(
        {
            "age_days": F.datediff("as_of", "date"),
            "gap_days": F.datediff("date", F.lag("date").over(_by_customer())),
        }
    )


def gap_days(is_counted: Column) -> Column:
    """Days from the customer's previous day that counts to this one; null for the first, and for days that do not.

    Args:
        is_counted: the condition, over the rows of `observation_tiles`; null counts as false.
    """
    before = _by_customer().rowsBetween(Partition.unboundedPreceding, -1)
    previous = F.max(F.when(is_counted, F.col("date"))).over(before)
    return F.when(is_counted, F.datediff("date", previous))


def _by_customer() -> WindowSpec:
    return Partition.partitionBy("as_of", "customer_id").orderBy("date")


def outcome_tiles(tiles: DataFrame, moments: Sequence[Moment]) -> DataFrame:
    """The tiles in the outcome window of each moment, with `as_of`."""
    return _tiles_in(tiles, moments, lambda moment: moment.outcome)


def _tiles_in(tiles: DataFrame, moments: Sequence[Moment], window: Callable[[Moment], Window]) -> DataFrame:
    """Each tile once for every moment whose window has its day."""
    dates = F.array_compact(F.array(*(_as_of_if_inside(window(moment), moment) for moment in moments)))
    inside_any = F.lit(False)
    for moment in moments:
        inside_any = inside_any | _is_inside(window(moment))
    return tiles.where(inside_any).withColumn("as_of", F.explode(dates))


def _is_inside(window: Window) -> Column:
    return (F.col("date") >= F.lit(window.start)) & (F.col("date") < F.lit(window.end))


def _as_of_if_inside(window: Window, moment: Moment) -> Column:
    return F.when(_is_inside(window), F.lit(moment.as_of))
