"""The inputs of a fitted model: how each column of the matrix is computed from a feature table."""

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Input:
    """A column of the matrix: `sql` over the features, and `fill` where it is null."""

    name: str
    feature: str
    sql: str
    fill: float | None

    @property
    def value(self) -> Column:
        """The column, never null."""
        value = F.expr(self.sql)
        return (value if self.fill is None else F.coalesce(value, F.lit(self.fill))).alias(self.name)
