"""The layout of rows on disk: every rank streams a share of its own, and together they see the same batches.

Rows are in lanes, a Parquet file each. A batch takes the same number of rows from every lane, and a rank reads whole
lanes: one rank all of them, two ranks half each. So the batches, and the shuffle of every epoch, are the same on one
rank and on many. All lanes have the same row groups, and a row group holds whole batches, so that all ranks take the
same number of steps. The last batch is filled up with rows of weight 0.
"""

import math
from dataclasses import dataclass

MOST_LANES = 8
GROUP_ROWS = 4096  # of one lane, that are read, shuffled and held in memory at a time


@dataclass(frozen=True)
class Layout:
    """`rows` rows of `width` inputs in `lanes` files, for batches of `batch` rows; `batch` is a multiple of `lanes`."""

    rows: int
    width: int
    batch: int
    lanes: int

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return math.ceil(self.rows / self.batch)

    @property
    def lane_batch(self) -> int:
        """Rows of a batch from each lane."""
        return self.batch // self.lanes

    @property
    def groups(self) -> list[int]:
        """Batches of each row group; only the last group may have fewer."""
        most = max(1, GROUP_ROWS // self.lane_batch)
        return [min(most, self.steps - start) for start in range(0, self.steps, most)]

    @property
    def row_weight(self) -> float:
        """The factor that makes up for rows of weight 0, since a loss is divided by all rows of its batch."""
        return self.steps * self.batch / self.rows

    def share(self, rank: int, ranks: int) -> range:
        """The lanes of a rank. Raises ValueError if they do not divide evenly into the ranks."""
        if self.lanes % ranks:
            raise ValueError(f"{self.lanes} lanes do not divide into {ranks} ranks")
        own = self.lanes // ranks
        return range(rank * own, (rank + 1) * own)


def lanes_for(batch: int, ranks: int) -> int:
    """A number of lanes that divides the batch and that the ranks divide; the same for 1, 2, 4 and 8 ranks if possible.

    Raises:
        ValueError: the batch does not divide into the ranks.
    """
    if batch % ranks:
        raise ValueError(f"a batch of {batch} rows does not divide into {ranks} ranks")
    return math.lcm(ranks, math.gcd(MOST_LANES, batch))
