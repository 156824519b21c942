"""Which rows train and which judge: no row of the one knows anything of the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.windows import Moment

QUARTERS = 4  # one of them is held out
FIFTHS = 5  # one of them calibrates
SHARES = 1 << 20  # resolution of a share of customers


@dataclass(frozen=True)
class Split:
    """The as-of dates to train on and the one to be judged by.

    By customer: a quarter of the customers judge and never train, at no as-of date. By time: all customers do both,
    and every training label was known by the as-of date of the test.
    """

    by: Literal["customer", "time"]
    train: tuple[date, ...]
    test: date
    unused: tuple[date, ...] = ()

    def __str__(self) -> str:
        trained = ", ".join(str(day) for day in self.train)
        if self.by == "time":
            return f"by time: trained at {trained}, whose outcomes were known by then, and judged at {self.test}"
        return f"by customer: trained at {trained} on three customers in four, judged at {self.test} on the others"

    def apply(self, table: DataFrame) -> tuple[DataFrame, DataFrame]:
        """The eligible, labelled rows that train, and those that judge."""
        usable = table.where(F.col("eligible") & F.col("label").isNotNull())
        train = usable.where(F.col("as_of").isin(list(self.train)))
        test = usable.where(F.col("as_of") == F.lit(self.test))
        if self.by == "time":
            return train, test
        held_out = is_held_out(F.col("customer_id"))
        return train.where(~held_out), test.where(held_out)


def unlabelled_histories(split: Split, train: DataFrame, test: DataFrame) -> DataFrame:
    """What is known without any label at the as-of date of the test, of customers who may be learned from.

    By time these are the rows that judge: their features are known by then, and their labels are not looked at.
    """
    return test.drop("label") if split.by == "time" else train.where(F.col("as_of") == F.lit(split.test)).drop("label")


def choose_split(mature: Sequence[Moment], by: Literal["auto", "customer", "time"] = "auto", most: int = 12) -> Split:
    """Test at the latest mature moment. By time, where an earlier one may train for it, unless told otherwise.

    Of the moments that may train, the newest `most` do.

    By time, a moment whose outcome was still open at the test's as_of is left out: its labels were not known then.

    Raises:
        ValueError: no moment is mature, or none may train for the test where the split is to be by time.
    """
    if not mature:
        raise ValueError("no as-of date has mature labels")
    *earlier, test = sorted(mature)
    usable = tuple(moment.as_of for moment in earlier if moment.may_train_for(test))
    unused = tuple(moment.as_of for moment in earlier if not moment.may_train_for(test))
    if by == "time" and not usable:
        raise ValueError(f"no as-of date has an outcome that ended by {test.as_of}, so none may train for it")
    if by == "customer" or not usable:
        return Split("customer", tuple(moment.as_of for moment in sorted(mature)[-most:]), test.as_of)
    return Split("time", usable[-most:], test.as_of, unused)


def is_held_out(customer_id: Column) -> Column:
    """Whether a customer judges and never trains: a quarter of them, whatever the sample and the as-of date."""
    return _part(customer_id, "held out", QUARTERS) == 0


def is_for_calibration(customer_id: Column) -> Column:
    """Whether a training customer is kept for calibration: a fifth of them."""
    return _part(customer_id, "calibration", FIFTHS) == 0


def fold(customer_id: Column, folds: int) -> Column:
    """The fold of cross-validation, from 0, in which a customer judges: the same at every as-of date."""
    return _part(customer_id, "fold", folds).cast("int")


def is_in_share(customer_id: Column, share: float, purpose: str) -> Column:
    """Whether a customer is among such a share of them, drawn anew for each purpose."""
    return _part(customer_id, purpose, SHARES) < round(share * SHARES)


def _part(customer_id: Column, purpose: str, parts: int) -> Column:
    """A part from 0 to parts - 1 by hash of the id's text, so that its type does not matter."""
    return F.pmod(F.xxhash64(customer_id.cast("string"), F.lit(purpose)), F.lit(parts))
