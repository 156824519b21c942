"""Days in batches, and customers in slices, that fit in memory.

No step needs two days together, so days can be processed in any batches. The embedded engine gets a few at a time: it
groups in memory, and a small table stays in the processor's cache. Spark gets all of them: it spills to disk, and a
cluster needs much work at once. Steps that combine many days process some of the customers at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def batches(sizes: Mapping[str, int], limit: int, engine: str) -> list[list[str]]:
    """The days in their order, in batches of at most `limit` altogether, or of one day that is larger.

    Args:
        sizes: the size of each day, in the unit of `limit`.
        engine: name of the engine; `spark` gets one batch.
    """
    found: list[list[str]] = []
    total = 0
    for day, size in sizes.items():
        total += size
        if found and (engine == "spark" or total <= limit):
            found[-1].append(day)
        else:
            found.append([day])
            total = size
    return found


@dataclass(frozen=True)
class Slice:
    """A part of the customers by a hash of their ids: number `number` of `of` parts."""

    number: int
    of: int

    def __call__(self, rows: DataFrame, key: str = "customer_id") -> DataFrame:
        """The rows of these customers."""
        return rows if self.of == 1 else rows.where(F.pmod(F.xxhash64(key), F.lit(self.of)) == self.number)


WHOLE = Slice(0, 1)


def slices(size: int, limit: int, engine: str) -> list[Slice]:
    """All customers, in as many slices as make about `limit` each of `size`; see `batches` for the engine."""
    number = 1 if engine == "spark" else max(1, -(-size // limit))
    return [Slice(one, number) for one in range(number)]
