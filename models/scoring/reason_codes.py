"""Which features moved a customer's score most against the average customer, and in which direction."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.arrays import Floats

MAX_REASONS = 3
REASON_COLUMNS = [
    f"reason_{rank}{what}" for rank in range(1, MAX_REASONS + 1) for what in (" string", "_effect double")
]
# Of a margin: what is less apart is equal, else the order of reasons would follow that in which a fit adds up.
DIGITS = 9
NO_REASON = -1  # in place of a feature where there are no more reasons


def strongest_reasons(
    contributions: Floats, term_features: Sequence[str], names: Sequence[str], most: int = MAX_REASONS
) -> tuple[NDArray[np.int64], Floats]:
    """The features of the largest effects, in order of their size; of equal ones, that which comes first in `names`.

    What is below DIGITS is no effect, and effects that are less apart are equal.

    Args:
        contributions: (rows, terms) what each term adds to the margin.
        term_features: (terms,) the feature that a term is made of; the terms of one feature count together.
        names: the features.
        most: how many reasons at most.

    Returns:
        (rows, most) places in `names`, NONE where no further feature has an effect; (rows, most) effects, there 0.
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
    """(rows, features) the contributions of each feature's terms, summed; a feature without terms has none.

    Raises:
        ValueError: a term of a feature that is not among `names`.
    """
    if unknown := set(term_features) - set(names):
        raise ValueError(f"terms of unknown features: {', '.join(sorted(unknown))}")
    belongs = np.array([[term == name for name in names] for term in term_features], float)
    return np.asarray(contributions @ belongs.reshape(len(term_features), len(names)))


def reason_columns(
    contributions: Floats, term_features: Sequence[str], names: Sequence[str], most: int = MAX_REASONS
) -> dict[str, pa.Array]:
    """Columns `reason_1` (text), `reason_1_effect` (double) and so on, null where there is no such reason."""
    places, effects = strongest_reasons(contributions, term_features, names, most)
    texts, columns = pa.array(names, pa.string()), {}
    for rank in range(most):
        is_none = places[:, rank] == NO_REASON
        columns[f"reason_{rank + 1}"] = texts.take(pa.array(places[:, rank], pa.int64(), mask=is_none))
        columns[f"reason_{rank + 1}_effect"] = pa.array(effects[:, rank], pa.float64(), mask=is_none)
    return columns
