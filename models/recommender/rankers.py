"""Recommenders as plain arrays, which score titles by a customer's history.

A ranker stores nothing about customers. So it scores new customers and new interactions like all others, and its size
depends on the catalogue, not on the number of customers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from conf.recommender import Weights
from models.arrays import Floats

Scores = NDArray[np.float32]
Flags = NDArray[np.bool_]
Arrays = Mapping[str, NDArray[Any]]
EQUATIONS_BYTES = 32_000_000
UNSCORED = np.float32(-np.inf)  # the score of a title that a ranker cannot score for a customer


class Ranker(Protocol):
    """A fitted recommender. Titles are numbered from 0 to T - 1; a history is a row of strengths above 0."""

    def scores(self, histories: csr_matrix) -> Scores:
        """(customers, T) scores in a new array; UNSCORED if there is none. histories: (customers, T) float32."""
        ...

    def arrays(self) -> Arrays:
        """The arrays of the ranker, for `ranker_of`."""
        ...

    def settings(self) -> dict[str, Any]:
        """The other values of the ranker as plain data, with its `kind`, for `ranker_of`."""
        ...


def weigh(histories: csr_matrix, weights: Weights) -> csr_matrix:
    """Turn strengths s into weights: 1, log(1 + s) or s."""
    strength = histories.data
    found = {"binary": np.ones_like(strength), "log": np.log1p(strength), "linear": strength}[weights]
    return csr_matrix((found, histories.indices, histories.indptr), histories.shape)


@dataclass(frozen=True, eq=False)
class FactorRanker:
    """ALS for implicit feedback: a score is the product of the factors of a title and those of a customer.

    The factors of a customer are those that fit the history best, given those of the titles: half a step of ALS.
    Source: Hu, Koren & Volinsky, Collaborative filtering for implicit feedback datasets (2008), equation 4.

    titles: (T, factors) float32, all 0 if nobody liked the title. alpha, weights: an interaction weighs
    1 + alpha * w(s). regularisation: per customer, or per interaction if `is_per_interaction`.
    """

    titles: Scores
    alpha: float
    weights: Weights
    regularisation: float
    is_per_interaction: bool

    def scores(self, histories: csr_matrix) -> Scores:
        """(customers, T) scores."""
        found = self.customers(histories) @ self.titles.T
        found[:, ~self.titles.any(axis=1)] = UNSCORED
        return found

    def customers(self, histories: csr_matrix) -> Scores:
        """(customers, factors) float32."""
        titles = self.titles.astype(np.float64)
        alike: Floats = titles.T @ titles
        rows = max(1, EQUATIONS_BYTES // alike.nbytes)  # customers whose equations are solved together
        starts = range(0, histories.shape[0], rows)
        found = [self._solved(alike, histories[start : start + rows]) for start in starts]
        return np.concatenate([np.empty((0, len(alike)), np.float32), *found])

    def _solved(self, alike: Floats, histories: csr_matrix) -> Scores:
        confidence = self.alpha * weigh(histories, self.weights).data.astype(float)
        size, factors = histories.shape[0], len(alike)
        left, right = np.empty((size, factors, factors)), np.empty((size, factors, 1))
        for row in range(size):
            of_row = slice(histories.indptr[row], histories.indptr[row + 1])
            seen, extra = self.titles[histories.indices[of_row]].astype(float), confidence[of_row]
            penalty = self.regularisation * (len(extra) if self.is_per_interaction else 1)
            left[row] = alike + (seen.T * extra) @ seen
            left[row][np.diag_indices(factors)] += max(penalty, 1e-9)  # without titles the equation would be singular
            right[row, :, 0] = (1.0 + extra) @ seen
        return np.linalg.solve(left, right)[:, :, 0].astype(np.float32)

    def arrays(self) -> Arrays:
        """One array, for `ranker_of`."""
        return {"titles": self.titles}

    def settings(self) -> dict[str, Any]:
        """Plain data, for `ranker_of`."""
        values = {"alpha": self.alpha, "weights": self.weights, "regularisation": self.regularisation}
        return {"kind": "factors", **values, "is_per_interaction": self.is_per_interaction}


@dataclass(frozen=True, eq=False)
class NeighbourRanker:
    """Item-item: a score is the weighted mean similarity of a title to the titles of the history.

    similarity: (T, T) sparse; rows are titles of the history, columns the titles to score.
    """

    similarity: csr_matrix
    weights: Weights

    def scores(self, histories: csr_matrix) -> Scores:
        """(customers, T) scores; UNSCORED if no title of the history is a neighbour."""
        weights = weigh(histories, self.weights)
        sums = np.asarray((weights @ self.similarity).todense(), dtype=np.float32)
        total = np.asarray(weights.sum(axis=1), dtype=np.float32)
        found = sums / np.where(total > 0, total, 1)
        return np.where(sums > 0, found, UNSCORED)

    def arrays(self) -> Arrays:
        """The arrays of the sparse matrix, for `ranker_of`."""
        matrix = self.similarity
        return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}

    def settings(self) -> dict[str, Any]:
        """Plain data, for `ranker_of`."""
        return {"kind": "neighbours", "weights": self.weights}


@dataclass(frozen=True, eq=False)
class LinearRanker:
    """A linear model from all titles to all titles (EASE): a score is the weighted sum of the history's effects.

    effects: (T, T) float32; rows are titles of the history, columns the titles to score.
    """

    effects: Scores
    weights: Weights

    def scores(self, histories: csr_matrix) -> Scores:
        """(customers, T) scores; UNSCORED for titles without effects, such as those that nobody liked."""
        found = np.asarray(weigh(histories, self.weights) @ self.effects, dtype=np.float32)
        found[:, ~self._is_known] = UNSCORED
        return found

    @cached_property
    def _is_known(self) -> Flags:
        return np.asarray(self.effects.any(axis=0))

    def arrays(self) -> Arrays:
        """One array, for `ranker_of`."""
        return {"effects": self.effects}

    def settings(self) -> dict[str, Any]:
        """Plain data, for `ranker_of`."""
        return {"kind": "linear", "weights": self.weights}


@dataclass(frozen=True, eq=False)
class PopularityRanker:
    """Popularity: a score is the number of customers who liked a title lately, the same for everybody.

    customers: (T,).
    """

    customers: Scores

    def scores(self, histories: csr_matrix) -> Scores:
        """(customers, T) scores; UNSCORED if nobody liked the title."""
        found = np.where(self.customers > 0, self.customers, UNSCORED).astype(np.float32)
        return np.tile(found, (histories.shape[0], 1))

    def arrays(self) -> Arrays:
        """One array, for `ranker_of`."""
        return {"customers": self.customers}

    def settings(self) -> dict[str, Any]:
        """Plain data, for `ranker_of`."""
        return {"kind": "popular"}


def ranker_of(arrays: Arrays, settings: Mapping[str, Any]) -> Ranker:
    """The ranker with these `arrays()` and `settings()`."""
    values = {key: value for key, value in settings.items() if key != "kind"}
    if settings["kind"] == "neighbours":
        titles = len(arrays["indptr"]) - 1
        matrix = csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), (titles, titles))
        return NeighbourRanker(matrix, **values)
    if settings["kind"] == "factors":
        return FactorRanker(arrays["titles"], **values)
    if settings["kind"] == "linear":
        return LinearRanker(arrays["effects"], **values)
    return PopularityRanker(arrays["customers"])
