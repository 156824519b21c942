"""Which rows train and which judge: never the same customer on both sides, never a label from the future."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.windows import Moment

FOLDS = 4  # one of them is held out


@dataclass(frozen=True)
class Split:
    """The as-of dates to train on and the one to be judged by; customers are split besides."""

    train: tuple[date, ...]
    test: date
    unused: tuple[date, ...]

    @property
    def is_by_time(self) -> bool:
        """Whether training ends before the test begins."""
        return self.test not in self.train

    def __str__(self) -> str:
        trained = ", ".join(str(day) for day in self.train)
        how = "by customer and by time" if self.is_by_time else "by customer"
        return f"{how}: trained at {trained} on three customers in four, judged at {self.test} on the others"


def chosen_split(mature: Sequence[Moment]) -> Split:
    """Test at the latest mature moment; train at all whose outcome had ended by then, or else at the same moment.

    A moment whose outcome was still open at the test's as_of is left out: its labels were not known then.
    Raises ValueError when no moment is mature.
    """
    if not mature:
        raise ValueError("no as-of date has mature labels")
    *earlier, test = sorted(mature)
    usable = tuple(moment.as_of for moment in earlier if moment.may_train_for(test))
    unused = tuple(moment.as_of for moment in earlier if not moment.may_train_for(test))
    return Split(usable or (test.as_of,), test.as_of, unused)


def is_held_out(customer_id: Column) -> Column:
    """Whether a customer judges and never trains: a quarter of them by hash, whatever the sample and the as-of date."""
    return F.pmod(F.xxhash64(customer_id.cast("string"), F.lit("held out")), F.lit(FOLDS)) == 0


def train_and_test(table: DataFrame, split: Split) -> tuple[DataFrame, DataFrame]:
    """The eligible, labelled rows of either side."""
    usable = table.where(F.col("eligible") & F.col("label").isNotNull())
    held_out = is_held_out(F.col("customer_id"))
    train = usable.where(F.col("as_of").isin(list(split.train)) & ~held_out)
    test = usable.where((F.col("as_of") == F.lit(split.test)) & held_out)
    return train, test
