"""What is held out to judge recommenders by: what customers did later, or a share of what they did."""

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame

from features.windows import Window

PAIR = ("customer", "title")


@dataclass(frozen=True)
class TimeSplit:
    """A moment that parts what is fitted on from what is held out: `after` begins where `before` ends."""

    before: Window
    after: Window


def time_splits(logs: Window, holdout_days: int, history_days: int | None) -> tuple[TimeSplit, TimeSplit] | None:
    """The validation and the test part: the last days, and as many before them; None where there are not enough days.

    Each has the history that the model itself will have, as far as the logs go back, and at least `holdout_days` of it.
    """
    if logs.days < 3 * holdout_days:
        return None
    test = logs.end - timedelta(days=holdout_days)
    validation = test - timedelta(days=holdout_days)
    return (
        TimeSplit(history_window(validation, logs, history_days), Window(validation, test)),
        TimeSplit(history_window(test, logs, history_days), Window(test, logs.end)),
    )


def history_window(end: date, logs: Window, history_days: int | None) -> Window:
    """The days before `end` that count."""
    return Window(logs.start if history_days is None else max(logs.start, end - timedelta(days=history_days)), end)


def held_out_later(before: DataFrame, after: DataFrame, exclude_seen: bool) -> DataFrame:
    """What customers who are known liked later: `customer`, `title`.

    Args:
        before, after: `customer`, `title`, `strength`, each pair once.
        exclude_seen: whether only titles count that the customer had not seen before, since no others are recommended.
    """
    liked = _of_known(before, after.where("strength > 0"))
    return liked.join(before.select(*PAIR), list(PAIR), "left_anti") if exclude_seen else liked


def held_out_by_hash(stays: DataFrame, out: DataFrame) -> DataFrame:
    """What customers who are still known liked of what was drawn: `customer`, `title`."""
    return _of_known(stays, out.where("strength > 0"))


def _of_known(before: DataFrame, liked: DataFrame) -> DataFrame:
    known = before.where("strength > 0").select("customer").distinct()
    return liked.join(known, "customer", "left_semi").select(*PAIR)
