"""The inputs of a fitted model: how each column of the matrix is computed from a feature table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Input:
    """A column of the matrix: `sql` over the features, and `fill` where it is null."""

    name: str
    feature: str
    sql: str
    fill: float | None

    @property
    def value(self) -> "Column":
        """The column, never null."""
        from pyspark.sql import functions as F  # ranks that fit a network need no Spark

        value = F.expr(self.sql)
        return (value if self.fill is None else F.coalesce(value, F.lit(self.fill))).alias(self.name)
