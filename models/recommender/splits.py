"""Holds out interactions for the evaluation of recommenders: later ones, or a random share."""

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame

from features.windows import Window

PAIR = ("customer", "title")


@dataclass(frozen=True)
class TimeSplit:
    """The windows of fitting, `before`, and of held-out interactions, `after`, which begins where the former ends."""

    before: Window
    after: Window


def time_splits(logs: Window, holdout_days: int, history_days: int | None) -> tuple[TimeSplit, TimeSplit] | None:
    """The splits for validation and for the test: the test is the last days, validation the same number of days before.

    Each has as long a history as the final model, as far as the logs go back, and at least `holdout_days` of it. None
    if there are not enough days.
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
    """The days of history before `end`."""
    return Window(logs.start if history_days is None else max(logs.start, end - timedelta(days=history_days)), end)


def held_out_later(before: DataFrame, after: DataFrame, exclude_seen: bool) -> DataFrame:
    """What known customers liked later: `customer`, `title`.

    Args:
        before, after: `customer`, `title`, `strength`, each pair once.
        exclude_seen: whether to leave out titles that the customer had seen before, as recommendations do.
    """
    liked = _of_known(before, after.where("strength > 0"))
    return liked.join(before.select(*PAIR), list(PAIR), "left_anti") if exclude_seen else liked


def held_out_by_hash(stays: DataFrame, out: DataFrame) -> DataFrame:
    """What customers liked of the held-out interactions, if they are still known: `customer`, `title`."""
    return _of_known(stays, out.where("strength > 0"))


def _of_known(before: DataFrame, liked: DataFrame) -> DataFrame:
    known = before.where("strength > 0").select("customer").distinct()
    return liked.join(known, "customer", "left_semi").select(*PAIR)
