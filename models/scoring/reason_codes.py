"""Reason codes: the features that move a customer's score most from that of the average customer, and which way."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.arrays import Floats

MAX_REASONS = 3
REASON_COLUMNS = [
    f"reason_{rank}{what}" for rank in range(1, MAX_REASONS + 1) for what in (" string", "_effect double")
]
# Decimals of a margin. Effects are rounded to them, else the order of reasons would depend on rounding errors.
DIGITS = 9
NO_REASON = -1  # stands in place of a feature where there is no further reason


def strongest_reasons(
    contributions: Floats, term_features: Sequence[str], names: Sequence[str], most: int = MAX_REASONS
) -> tuple[NDArray[np.int64], Floats]:
    """Find the features with the largest effects; of equal effects, the feature that comes first in `names` is first.

    Effects are rounded to DIGITS decimals before they are compared; an effect that rounds to 0 is none.

    Args:
        contributions: (rows, terms) what each term adds to the margin.
        term_features: (terms,) the feature that a term is computed from; effects of one feature's terms are added up.
        names: the features.
        most: maximum number of reasons.

    Returns:
        (rows, most) positions in `names`, NO_REASON where no further feature has an effect; (rows, most) effects, 0
        where there is no reason.
    """
    effects = contributions_by_feature(contributions, term_features, names)
    left, row = np.abs(effects).round(DIGITS), np.arange(len(effects))
    places = np.full((len(effects), most), NO_REASON)
    moved = np.zeros((len(effects), most))
    for rank in range(most):
        place = left.argmax(axis=1)
        moved[:, rank] = effects[row, place]
        places[:, rank] = np.where(left[row, place] > 0, place, NO_REASON)
        left[row, place] = 0.0
    moved[places == NO_REASON] = 0.0
    return places, moved


def contributions_by_feature(contributions: Floats, term_features: Sequence[str], names: Sequence[str]) -> Floats:
    """(rows, features) the sum of the contributions of each feature's terms; 0 for a feature without terms.

    Raises:
        ValueError: a term belongs to a feature that is not in `names`.
    """
    if unknown := set(term_features) - set(names):
        raise ValueError(f"terms of unknown features: {', '.join(sorted(unknown))}")
    belongs = np.array([[term == name for name in names] for term in term_features], float)
    return np.asarray(contributions @ belongs.reshape(len(term_features), len(names)))


def reason_columns(
    contributions: Floats, term_features: Sequence[str], names: Sequence[str], most: int = MAX_REASONS
) -> dict[str, pa.Array]:
    """Columns `reason_1` (text), `reason_1_effect` (double) and so on, null where there is no further reason."""
    places, effects = strongest_reasons(contributions, term_features, names, most)
    texts, columns = pa.array(names, pa.string()), {}
    for rank in range(most):
        is_none = places[:, rank] == NO_REASON
        columns[f"reason_{rank + 1}"] = texts.take(pa.array(places[:, rank], pa.int64(), mask=is_none))
        columns[f"reason_{rank + 1}_effect"] = pa.array(effects[:, rank], pa.float64(), mask=is_none)
    return columns
