"""Splits feature tables into training set and test set, so that nothing of the test set is known in training."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.windows import Moment

QUARTERS = 4  # of the customers; one of them is held out
FIFTHS = 5  # of the training customers; one of them is for calibration
SHARES = 1 << 20  # resolution of a share of customers


@dataclass(frozen=True)
class Split:
    """The as-of dates of the training set and of the test set.

    By customer: a quarter of the customers is held out for the test, at every as-of date. By time: all customers are in
    both sets, and every training label was known by the as-of date of the test.
    """

    by: Literal["customer", "time"]
    train: tuple[date, ...]
    test: date
    unused: tuple[date, ...] = ()

    def __str__(self) -> str:
        trained = ", ".join(str(day) for day in self.train)
        if self.by == "time":
            return f"by time: trained at {trained}, whose outcomes were known by then, and tested at {self.test}"
        return f"by customer: trained at {trained} on three customers in four, tested at {self.test} on the others"

    def apply(self, table: DataFrame) -> tuple[DataFrame, DataFrame]:
        """The eligible, labelled rows of the training set and of the test set."""
        usable = table.where(F.col("eligible") & F.col("label").isNotNull())
        train = usable.where(F.col("as_of").isin(list(self.train)))
        test = usable.where(F.col("as_of") == F.lit(self.test))
        if self.by == "time":
            return train, test
        held_out = is_held_out(F.col("customer_id"))
        return train.where(~held_out), test.where(held_out)


def unlabelled_histories(split: Split, train: DataFrame, test: DataFrame) -> DataFrame:
    """Rows without labels at the as-of date of the test, of customers whose features may be used in training.

    By time these are the rows of the test set: their features are known by then, and their labels are dropped.
    """
    return test.drop("label") if split.by == "time" else train.where(F.col("as_of") == F.lit(split.test)).drop("label")


def choose_split(mature: Sequence[Moment], by: Literal["auto", "customer", "time"] = "auto", most: int = 12) -> Split:
    """Choose the split: the test is at the latest mature moment, and the newest `most` others are for training.

    `auto` splits by time if an earlier moment may be used for training, else by customer. By time, a moment whose
    outcome window was still open at the as-of date of the test is left out, since its labels were not known then.

    Raises:
        ValueError: no moment is mature, or the split is to be by time and no moment may be used for training.
    """
    if not mature:
        raise ValueError("no as-of date has mature labels")
    *earlier, test = sorted(mature)
    usable = tuple(moment.as_of for moment in earlier if moment.may_train_for(test))
    unused = tuple(moment.as_of for moment in earlier if not moment.may_train_for(test))
    if by == "time" and not usable:
        raise ValueError(f"no as-of date has an outcome that ended by {test.as_of}, so none may be used for training")
    if by == "customer" or not usable:
        return Split("customer", tuple(moment.as_of for moment in sorted(mature)[-most:]), test.as_of)
    return Split("time", usable[-most:], test.as_of, unused)


def is_held_out(customer_id: Column) -> Column:
    """Whether a customer is held out for the test: a quarter of all, whatever the sample and the as-of date."""
    return _part(customer_id, "held out", QUARTERS) == 0


def is_for_calibration(customer_id: Column) -> Column:
    """Whether a training customer is kept for calibration: a fifth of all."""
    return _part(customer_id, "calibration", FIFTHS) == 0


def fold(customer_id: Column, folds: int) -> Column:
    """The fold of cross-validation, from 0, in which a customer is held out: the same at every as-of date."""
    return _part(customer_id, "fold", folds).cast("int")


def is_in_share(customer_id: Column, share: float, purpose: str) -> Column:
    """Whether a customer is in a random share of all; draws for different purposes are independent."""
    return _part(customer_id, purpose, SHARES) < round(share * SHARES)


def _part(customer_id: Column, purpose: str, parts: int) -> Column:
    """A part from 0 to parts - 1, by a hash of the id as text, so that the type of the id does not matter."""
    return F.pmod(F.xxhash64(customer_id.cast("string"), F.lit(purpose)), F.lit(parts))
