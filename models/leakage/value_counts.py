"""Counts the values of features by label, in one pass and in memory that does not grow with the customers.

Workers import this module, so that it imports no library that fits models.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.arrays import Floats, Ints

CUT_BITS = 52 - 7  # bits of a double's mantissa, which has 52, after the first 7
INFINITE = 2047 << 7  # the cell of infinity
NULL = 1 << 20  # the cell of null, above all other cells
COUNTS = "feature int, cell bigint, negatives bigint, positives bigint, least double, greatest double"


@dataclass(frozen=True)
class ValueCounts:
    """Counts of customers by label and cell; arrays of shape (cells,), the lowest value first and null last.

    A cell holds the numbers with the same sign, exponent and first 7 bits of the mantissa: they differ by less than
    1 %, and 0 and integers up to 256 have cells of their own. For a category, a cell is a declared level, or all other
    values.

    cell: number of the cell, in the order of the values; for a category, that of the level.
    negatives, positives: customers with label 0 and 1.
    least, greatest: the lowest and the highest value in the cell; NaN for null.
    """

    cell: Ints
    negatives: Ints
    positives: Ints
    least: Floats
    greatest: Floats

    @property
    def is_null(self) -> NDArray[np.bool_]:
        """(cells,) whether a cell is that of null."""
        return np.equal(self.cell, NULL)

    def where(self, chosen: NDArray[np.bool_]) -> "ValueCounts":
        """Select cells by a mask, (cells,)."""
        return ValueCounts(*(column[chosen] for column in astuple(self)))


def count_values(rows: DataFrame, levels: Mapping[str, Sequence[str]]) -> dict[str, ValueCounts]:
    """Count the values of each feature; NaN counts as null.

    Args:
        rows: `label`, 0 or 1 and never null, and the features.
        levels: by feature, the declared levels of a category; empty for a number.
    """
    columns = [_text(name) if declared else _number(name) for name, declared in levels.items()]
    parts = rows.select(F.col("label").cast("double").alias("label"), *columns)
    per_part = parts.mapInArrow(partial(_count, [tuple(declared) for declared in levels.values()]), COUNTS)
    sums = [F.sum(name).alias(name) for name in ("negatives", "positives")]
    ends = [F.min("least").alias("least"), F.max("greatest").alias("greatest")]
    table = per_part.groupBy("feature", "cell").agg(*sums, *ends).orderBy("feature", "cell").toArrow()
    feature, *found = (column.to_numpy() for column in table.columns)
    return {
        name: _with_infinity(ValueCounts(*(column[feature == number] for column in found)))
        for number, name in enumerate(levels)
    }


def _with_infinity(values: ValueCounts) -> ValueCounts:
    """Set the ends of the cell of infinity, whose minimum is a finite number on Sail."""
    least, greatest = (
        np.where(np.abs(values.cell) == INFINITE, np.copysign(np.inf, values.cell), ends)
        for ends in (values.least, values.greatest)
    )
    return replace(values, least=least, greatest=greatest)


def _count(levels: Sequence[Sequence[str]], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Counts of one part of the table."""
    found = [_NOTHING] * len(levels)
    for batch in batches:
        positives = batch.column("label").to_numpy().astype(np.int64)
        for number, (values, declared) in enumerate(zip(batch.columns[1:], levels, strict=True)):
            found[number] = _grouped(found[number], _each(values, declared, positives))
    for number, values in enumerate(found):
        columns = [np.full(len(values.cell), number, dtype=np.int32), *astuple(values)]
        yield pa.RecordBatch.from_arrays(
            [pa.array(column) for column in columns],
            names=["feature", "cell", "negatives", "positives", "least", "greatest"],
        )


def _each(values: pa.Array, levels: Sequence[str], positives: Ints) -> ValueCounts:
    """Counts in which each customer has a cell alone."""
    if levels:
        place = pc.fill_null(pc.index_in(values, pa.array(levels, values.type)), len(levels))
        values = pc.if_else(pc.is_null(values), None, pc.cast(place, pa.float64()))
    numbers = np.asarray(values.to_numpy(zero_copy_only=False), np.float64) + 0.0  # -0 becomes 0
    cell = np.where(np.isnan(numbers), NULL, numbers).astype(np.int64) if levels else _cells(numbers)
    return ValueCounts(cell, 1 - positives, positives, numbers, numbers)


def _cells(numbers: Floats) -> Ints:
    """(rows,) the cell of each row: the upper bits of doubles, read as integers, have the order of the doubles."""
    upper = np.abs(numbers).view(np.int64) >> CUT_BITS
    return np.where(np.isnan(numbers), NULL, np.where(numbers < 0, -upper, upper))


def _grouped(some: ValueCounts, others: ValueCounts) -> ValueCounts:
    """Merge counts; equal cells are added up."""
    cell, *columns = (np.concatenate(both) for both in zip(astuple(some), astuple(others), strict=True))
    if not len(cell):
        return some
    order = np.argsort(cell)
    ordered = cell[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    joined = zip((np.add, np.add, np.minimum, np.maximum), columns, strict=True)
    return ValueCounts(ordered[starts], *(join.reduceat(column[order], starts) for join, column in joined))


_NONE, _NO_NUMBERS = np.zeros(0, dtype=np.int64), np.zeros(0)
_NOTHING = ValueCounts(_NONE, _NONE, _NONE, _NO_NUMBERS, _NO_NUMBERS)


def _number(name: str) -> Column:
    return F.col(name).cast("double").alias(name)


def _text(name: str) -> Column:
    return F.col(name).cast("string").alias(name)
