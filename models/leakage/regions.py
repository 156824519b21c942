"""Regions of a feature's values: counts of customers inside and right beside ranges, null and levels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conf.levels import sql_text
from features.declared import NamedFeature
from models.arrays import Ints
from models.leakage.value_counts import ValueCounts

FEWEST_BESIDE = 100  # customers right beside a region, or LEAST_SHARE_BESIDE of all, whichever is more
LEAST_SHARE_BESIDE = 0.01


@dataclass(frozen=True)
class RegionCounts:
    """Counts of customers by label, (regions, 2), inside regions and right beside them.

    edge: of the customers inside, those most similar to those beside; all if there is no such difference.
    words: for the number of a region, its values and the neighbouring values in words.
    sql: for the number of a region, the condition for being inside; never null.
    """

    inside: Ints
    beside: Ints
    edge: Ints
    words: Callable[[int], tuple[str, str]]
    sql: Callable[[int], str]


def count_regions(feature: NamedFeature, values: ValueCounts) -> list[RegionCounts]:
    """Count customers in all regions of a feature.

    Regions are: one cell, all known values above or below a cut between cells, null, not null; for a category, a level
    and all values but a level. Right beside a region are the nearest 100 customers or 1 % of all, whichever is more, on
    each side; beside a level are all other customers.

    Null often means the far end of a feature: a customer who has not come for a year has no trend of this year. So null
    is taken as a neighbour of that end of the known values which is more similar to it.
    """
    if feature.kind == "category":
        return [_levels(feature, values)]
    return [_ranges(feature.name, values), _null(feature.name, values)]


def _ranges(name: str, values: ValueCounts) -> RegionCounts:
    """Single cells, and all cells below or above a cut: known values from cell `start` to before cell `end`."""
    known = values.where(~values.is_null)
    cells = len(known.cell)
    before = np.concatenate([[[0, 0]], np.cumsum(_by_label(known), axis=0)])  # (cells + 1, 2) below each cut
    each, cut = np.arange(cells), np.arange(1, cells)
    start = np.concatenate([each, np.zeros_like(cut), cut])
    end = np.concatenate([each + 1, cut, np.full_like(cut, cells)])
    rows = before.sum(axis=1)
    near = _near(values)
    left = np.maximum(np.searchsorted(rows, rows[start] - near, side="right") - 1, 0)
    right = np.minimum(np.searchsorted(rows, rows[end] + near), cells)

    def words(number: int) -> tuple[str, str]:
        first, last = start[number], end[number]
        sides = [
            _between(name, known, one, other)
            for one, other in ((left[number], first), (last, right[number]))
            if one < other
        ]
        return _range(name, known, first, last), " and ".join(sides)

    def sql(number: int) -> str:
        least, greatest = float(known.least[start[number]]), float(known.greatest[end[number] - 1])
        value = f"cast({name} as double)"
        return f"coalesce({value} between cast('{least!r}' as double) and cast('{greatest!r}' as double), false)"

    inside = before[end] - before[start]
    return RegionCounts(inside, before[start] - before[left] + before[right] - before[end], inside, words, sql)


def _null(name: str, values: ValueCounts) -> RegionCounts:
    """Null, and all known values."""
    known = values.where(~values.is_null)
    counts, cells = _by_label(known), len(known.cell)
    unknown, near = _by_label(values)[values.is_null].sum(axis=0), _near(values)
    first = min(int(np.searchsorted(np.cumsum(counts.sum(axis=1)), near)) + 1, cells)
    last = max(cells - 1 - int(np.searchsorted(np.cumsum(counts[::-1].sum(axis=1)), near)), 0)
    ends = [(0, first), (last, cells)]
    start, end = min(ends, key=lambda one: abs(_share(counts[one[0] : one[1]].sum(axis=0)) - _share(unknown)))
    like_null, all_known = counts[start:end].sum(axis=0), counts.sum(axis=0)

    def words(number: int) -> tuple[str, str]:
        is_null, is_known = f"{name} is not known", f"{name} is known"
        return (is_null, _between(name, known, start, end)) if number == 0 else (is_known, is_null)

    def sql(number: int) -> str:
        return f"{name} is {'null' if number == 0 else 'not null'}"

    inside, beside = np.array([unknown, all_known]), np.array([like_null, unknown])
    return RegionCounts(inside, beside, np.array([unknown, like_null]), words, sql)


def _near(values: ValueCounts) -> float:
    """The minimum number of customers right beside a region."""
    return max(FEWEST_BESIDE, LEAST_SHARE_BESIDE * float(_by_label(values).sum()))


def _share(counts: Ints) -> float:
    """The share of label 1; 0 without customers."""
    return float(counts[1] / max(counts.sum(), 1))


def _levels(feature: NamedFeature, values: ValueCounts) -> RegionCounts:
    """Each level, with null as a level, and all values but that level."""
    counts, cells = _by_label(values), len(values.cell)
    rest = counts.sum(axis=0) - counts
    is_or_not = [_level_words(feature, cell) for cell in values.cell]

    def words(number: int) -> tuple[str, str]:
        inside, outside = is_or_not[number % cells]
        return (inside, outside) if number < cells else (outside, inside)

    def sql(number: int) -> str:
        is_level = _level_sql(feature, values.cell[number % cells])
        return is_level if number < cells else f"not ({is_level})"

    inside = np.concatenate([counts, rest])
    return RegionCounts(inside, np.concatenate([rest, counts]), inside, words, sql)


def _by_label(values: ValueCounts) -> Ints:
    """(cells, 2) customers by label."""
    return np.stack([values.negatives, values.positives], axis=1)


# ---- words and SQL ----


def _level_sql(feature: NamedFeature, cell: int) -> str:
    if cell < len(feature.levels):
        return f"coalesce({feature.name} = {sql_text(feature.levels[cell])}, false)"
    if cell == len(feature.levels):
        declared = ", ".join(map(sql_text, feature.levels))
        return f"coalesce({feature.name} not in ({declared}), false)"
    return f"{feature.name} is null"


def _level_words(feature: NamedFeature, cell: int) -> tuple[str, str]:
    """A level of a category, and all values but that level, in words."""
    if cell < len(feature.levels):
        return f"{feature.name} = {feature.levels[cell]}", f"{feature.name} is not {feature.levels[cell]}"
    if cell == len(feature.levels):
        return f"{feature.name} is no declared level", f"{feature.name} is a declared level or not known"
    return f"{feature.name} is not known", f"{feature.name} is known"


def _range(name: str, known: ValueCounts, start: int, end: int) -> str:
    if known.least[start] == known.greatest[end - 1] or start > 0 and end < len(known.cell):
        return _between(name, known, start, end)
    return f"{name} < {known.least[end]:.12g}" if start == 0 else f"{name} > {known.greatest[start - 1]:.12g}"


def _between(name: str, known: ValueCounts, start: int, end: int) -> str:
    least, greatest = known.least[start], known.greatest[end - 1]
    return f"{name} = {least:.12g}" if least == greatest else f"{name} from {least:.12g} to {greatest:.12g}"
