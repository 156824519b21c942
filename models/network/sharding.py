"""How rows stand on disk, so that every rank streams a share of its own and all together see the same batches.

Rows stand in lanes, a Parquet file each. A batch takes as many rows from every lane, and a rank reads whole lanes: one
rank all of them, two ranks half each. So the batches, and the shuffle of every epoch, are the same on one rank and on
many. All lanes have the same row groups, and a row group holds whole batches: that all ranks take the same number of
steps follows from the files. What is lacking to whole batches is filled up with rows of weight 0.
"""

import math
from dataclasses import dataclass

MOST_LANES = 8
GROUP_ROWS = 4096  # of one lane: what is read, shuffled and held at a time


@dataclass(frozen=True)
class Layout:
    """`rows` rows of `width` inputs in `lanes` files, for batches of `batch` rows, which the lanes divide evenly."""

    rows: int
    width: int
    batch: int
    lanes: int

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return math.ceil(self.rows / self.batch)

    @property
    def lane_batch(self) -> int:
        """Rows that a batch takes from each lane."""
        return self.batch // self.lanes

    @property
    def groups(self) -> list[int]:
        """Batches of each row group; only the last may have fewer than the others."""
        most = max(1, GROUP_ROWS // self.lane_batch)
        return [min(most, self.steps - start) for start in range(0, self.steps, most)]

    @property
    def row_weight(self) -> float:
        """By which a row counts for those of weight 0 too: a batch is always divided by all its rows."""
        return self.steps * self.batch / self.rows

    def share(self, rank: int, ranks: int) -> range:
        """The lanes of a rank. Raises ValueError where they do not divide evenly."""
        if self.lanes % ranks:
            raise ValueError(f"{self.lanes} lanes do not divide into {ranks} ranks")
        own = self.lanes // ranks
        return range(rank * own, (rank + 1) * own)


def lanes_for(batch: int, ranks: int) -> int:
    """Lanes that the batch and the ranks divide into evenly: the same for 1, 2, 4 and 8 ranks where the batch allows.

    Raises:
        ValueError: the batch does not divide into the ranks.
    """
    if batch % ranks:
        raise ValueError(f"a batch of {batch} rows does not divide into {ranks} ranks")
    return math.lcm(ranks, math.gcd(MOST_LANES, batch))
