"""Regions of a feature's values in which customers are compared with those right beside: ranges, null, levels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.declared import NamedFeature
from models.values import Ints, Values

FEWEST_BESIDE = 100  # customers, or this share of all, whichever is more
LEAST_SHARE_BESIDE = 0.01


@dataclass(frozen=True)
class Regions:
    """Counts by label, (regions, 2), inside regions and right beside them; `words` tells both of the one at a place."""

    inside: Ints
    beside: Ints
    words: Callable[[int], tuple[str, str]]


def regions(feature: NamedFeature, values: Values) -> list[Regions]:
    """All regions of a feature.

    They are: one cell, all known values above or below a cut between cells, null, not null; of a category, a level and
    all but it. Right beside are the nearest 100 customers or 1 % of all, whichever is more, on the sides that a region
    borders; beside null, or a level, are all others.
    """
    if feature.kind == "category":
        return [_levels(feature, values)]
    return [_ranges(feature.name, values), _null(feature.name, values)]


def _ranges(name: str, values: Values) -> Regions:
    """Single cells, and all below or above a cut: known values from cell `start` to before cell `end`."""
    known = values.where(~values.is_null)
    cells = len(known.cell)
    before = np.concatenate([[[0, 0]], np.cumsum(_by_label(known), axis=0)])  # (cells + 1, 2) below each cut
    each, cut = np.arange(cells), np.arange(1, cells)
    start = np.concatenate([each, np.zeros_like(cut), cut])
    end = np.concatenate([each + 1, cut, np.full_like(cut, cells)])
    rows = before.sum(axis=1)
    near = max(FEWEST_BESIDE, LEAST_SHARE_BESIDE * _by_label(values).sum())
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

    return Regions(before[end] - before[start], before[start] - before[left] + before[right] - before[end], words)


def _null(name: str, values: Values) -> Regions:
    """Null, and all that is not."""
    counts = _by_label(values)
    both = np.array([counts[values.is_null].sum(axis=0), counts[~values.is_null].sum(axis=0)])
    words = [f"{name} is not known", f"{name} is known"]
    return Regions(both, both[::-1], lambda number: (words[number], words[1 - number]))


def _levels(feature: NamedFeature, values: Values) -> Regions:
    """Each level, null among them, and all but it."""
    counts, cells = _by_label(values), len(values.cell)
    rest = counts.sum(axis=0) - counts
    is_or_not = [_level_words(feature, cell) for cell in values.cell]

    def words(number: int) -> tuple[str, str]:
        inside, outside = is_or_not[number % cells]
        return (inside, outside) if number < cells else (outside, inside)

    return Regions(np.concatenate([counts, rest]), np.concatenate([rest, counts]), words)


def _by_label(values: Values) -> Ints:
    """(cells, 2) customers by label."""
    return np.stack([values.negatives, values.positives], axis=1)


# ---- words ----


def _level_words(feature: NamedFeature, cell: int) -> tuple[str, str]:
    """A level of a category, and all but it."""
    if cell < len(feature.levels):
        return f"{feature.name} = {feature.levels[cell]}", f"{feature.name} is not {feature.levels[cell]}"
    if cell == len(feature.levels):
        return f"{feature.name} is no declared level", f"{feature.name} is a declared level or not known"
    return f"{feature.name} is not known", f"{feature.name} is known"


def _range(name: str, known: Values, start: int, end: int) -> str:
    if known.least[start] == known.greatest[end - 1] or start > 0 and end < len(known.cell):
        return _between(name, known, start, end)
    return f"{name} < {known.least[end]:.12g}" if start == 0 else f"{name} > {known.greatest[start - 1]:.12g}"


def _between(name: str, known: Values, start: int, end: int) -> str:
    least, greatest = known.least[start], known.greatest[end - 1]
    return f"{name} = {least:.12g}" if least == greatest else f"{name} from {least:.12g} to {greatest:.12g}"
