"""What matters to a fitted model, measured on a sample of customers that it was not fitted on."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from models.arrays import Floats
from models.evaluation.intervals import NORMAL_95, Interval
from models.scoring.linear import Scorer
from models.scoring.trees import Trees

Groups = Mapping[str, Sequence[int]]  # feature -> columns of the inputs that are made of it


def permutation_importance(
    scorer: Scorer, inputs: Floats, labels: NDArray[np.int_], groups: Groups, seed: int, repeats: int = 3
) -> dict[str, Interval]:
    """By feature, how much AUC is lost when the feature's columns are shuffled, together, among the customers.

    The interval covers the choice of customers, and of the shuffles through the customers they fall on. A feature's
    result does not hang on which other features are asked for.

    Args:
        scorer: of inputs (rows, terms).
        inputs: (rows, terms), at most some 10,000 rows: they are scored features * repeats times.
        labels: (rows,) 0 or 1.
        groups: feature -> its columns.
        seed: of the shuffles.
        repeats: shuffles of each feature, averaged.

    Raises:
        ValueError: fewer than two rows of a label.

    Source: Breiman, Random forests (2001); the interval of a paired difference of AUCs: DeLong, DeLong &
    Clarke-Pearson (1988), with structural components averaged over the shuffles.
    """
    is_positive = np.asarray(labels) == 1
    if min(is_positive.sum(), (~is_positive).sum()) < 2:
        raise ValueError("permutation importance needs at least two rows of each label")
    random = np.random.default_rng(seed)
    orders = [random.permutation(len(inputs)) for _ in range(repeats)]
    whole = _below(scorer.margin(inputs), is_positive)

    def lost(columns: Sequence[int]) -> Interval:
        if not _may_matter(scorer, columns):
            return Interval(0.0, 0.0, 0.0)
        shuffled = [_with(inputs, columns, inputs[order]) for order in orders]
        kept = np.mean([_below(scorer.margin(rows), is_positive) for rows in shuffled], axis=0)
        return _mean_difference(whole - kept, is_positive)

    return {feature: lost(columns) for feature, columns in groups.items()}


def partial_dependence(
    probability: Callable[[Floats], Floats], inputs: Floats, columns: Sequence[int], grid_rows: Floats
) -> list[float]:
    """For each grid row, the mean probability if all customers had that row's columns of the feature.

    Args:
        probability: of inputs (rows, terms).
        inputs: (rows, terms), one or more rows.
        columns: those of the feature that is set.
        grid_rows: (points, terms), of which the columns of the feature count.

    Source: Friedman, Greedy function approximation (2001).
    """
    return [float(probability(_with(inputs, columns, row)).mean()) for row in grid_rows]


def _may_matter(scorer: Scorer, columns: Sequence[int]) -> bool:
    """Whether shuffling could move a score at all; where not, many rows need no scoring."""
    return not isinstance(scorer, Trees) or bool(scorer.tested[list(columns)].any())


def _with(inputs: Floats, columns: Sequence[int], source: Floats) -> Floats:
    """The inputs with some columns of other rows, or of one row."""
    changed = inputs.copy()
    changed[:, list(columns)] = source[..., list(columns)]
    return changed


def _below(scores: Floats, is_positive: NDArray[np.bool_]) -> Floats:
    """(rows,) the share of the rows of the other label that score lower than each row, ties counting half.

    The mean over the positives is the AUC. These are DeLong's structural components, for negatives but for a sign
    that does not move the variance.

    Source: by ranks, Sun & Xu (2014).
    """
    rank, below = rankdata(scores), np.empty(len(scores))
    for side in (is_positive, ~is_positive):
        below[side] = (rank[side] - rankdata(scores[side])) / (~side).sum()
    return below


def _mean_difference(difference: Floats, is_positive: NDArray[np.bool_]) -> Interval:
    """A difference of AUCs from that of the components: the two labels are two independent samples."""
    sides = difference[is_positive], difference[~is_positive]
    value = float(sides[0].mean())
    reach = NORMAL_95 * float(np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides)))
    return Interval(value, value - reach, value + reach)
