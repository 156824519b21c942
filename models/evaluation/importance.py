"""Feature importance and partial dependence of a fitted model, on customers that it was not fitted on."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.evaluation.intervals import NORMAL_95, Interval
from models.scoring.linear import Scorer
from models.scoring.trees import Trees

Groups = Mapping[str, Sequence[int]]  # feature -> columns of the inputs computed from it


def permutation_importance(
    scorer: Scorer, inputs: Floats, labels: NDArray[np.int_], groups: Groups, seed: int, repeats: int = 3
) -> dict[str, Interval]:
    """By feature, the AUC that is lost when its columns are shuffled, together, among the customers.

    The interval covers the sampling of customers, and the shuffles as far as they depend on the customers. The result
    of a feature does not depend on which other features are in `groups`.

    Args:
        scorer: of inputs (rows, terms).
        inputs: (rows, terms), at most about 10,000 rows, since they are scored features * repeats times.
        labels: (rows,) 0 or 1.
        groups: feature -> its columns.
        seed: of the shuffles.
        repeats: number of shuffles of each feature, which are averaged.

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
    """For each grid row, the mean probability if all customers had the feature's columns of that row.

    Args:
        probability: of inputs (rows, terms).
        inputs: (rows, terms), one or more rows.
        columns: those of the feature.
        grid_rows: (points, terms), of which only the columns of the feature are used.

    Source: Friedman, Greedy function approximation (2001).
    """
    return [float(probability(_with(inputs, columns, row)).mean()) for row in grid_rows]


def _may_matter(scorer: Scorer, columns: Sequence[int]) -> bool:
    """Whether shuffling can change a score; if not, no row needs to be scored."""
    return not isinstance(scorer, Trees) or bool(scorer.tested[list(columns)].any())


def _with(inputs: Floats, columns: Sequence[int], source: Floats) -> Floats:
    """The inputs with some columns taken from other rows, or from one row."""
    changed = inputs.copy()
    changed[:, list(columns)] = source[..., list(columns)]
    return changed


def _below(scores: Floats, is_positive: NDArray[np.bool_]) -> Floats:
    """(rows,) for each row the share of rows of the other label with a lower score, ties counting half.

    The mean over the positives is the AUC. These are DeLong's structural components; for negatives they differ by a
    sign, which does not change the variance.

    Source: by ranks, Sun & Xu (2014).
    """
    from scipy.stats import rankdata  # takes a second to import

    rank, below = rankdata(scores), np.empty(len(scores))
    for side in (is_positive, ~is_positive):
        below[side] = (rank[side] - rankdata(scores[side])) / (~side).sum()
    return below


def _mean_difference(difference: Floats, is_positive: NDArray[np.bool_]) -> Interval:
    """A difference of AUCs and its interval from the differences of the components; labels are independent samples."""
    sides = difference[is_positive], difference[~is_positive]
    value = float(sides[0].mean())
    reach = NORMAL_95 * float(np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides)))
    return Interval(value, value - reach, value + reach)
