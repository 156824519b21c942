"""Fits rankers to pairs of customers and titles, by MLlib or by the library `implicit`."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.linalg import lapack
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from models.recommender import cosine
from models.recommender.candidates import Als, Ease, Engine, ItemItem, RankerSettings
from models.recommender.histories import matrix_of_pairs
from models.recommender.rankers import (
    FactorRanker,
    LinearRanker,
    NeighbourRanker,
    PopularityRanker,
    Ranker,
    Scores,
    weigh,
)

ROWS_AT_ONCE = 20_000
FEWEST_BLOCKS, BLOCKS, MOST_BLOCKS = 4, 10, 500  # more blocks send more copies of factors over the network
PAIRS_OF_A_BLOCK, MOST_PAIRS_OF_A_BLOCK = 100_000, 2_000_000
LINEAGE = 4  # iterations of ALS between checkpoints, if the session has a folder for them


@dataclass(frozen=True)
class Pairs:
    """The interactions that a model is fitted on; customers and titles are numbers.

    frame: `customer`, `title`, `strength`, each pair once; a pair with a strength above 0 is liked. batches: the same
    as Arrow batches, which each call reads again. popular: (titles,) the number of customers who liked a title lately.
    """

    frame: DataFrame
    batches: Callable[[], Iterable[pa.RecordBatch]]
    customers: int
    titles: int
    popular: Scores

    @cached_property
    def matrix(self) -> csr_matrix:
        """(customers, titles) strengths of the liked pairs, in the memory of this process."""
        return matrix_of_pairs(self.batches(), self.customers, self.titles)

    @property
    def liked(self) -> DataFrame:
        """The liked pairs."""
        return self.frame.where("strength > 0")


def fit_ranker(pairs: Pairs, candidate: RankerSettings, engine: Engine, seed: int) -> Ranker:
    """Fit a ranker with these settings.

    Args:
        engine: `spark`: on the session of the pairs, which must be classic Spark for ALS. `implicit`: by the library of
            this name, on one machine and in memory.
    """
    if isinstance(candidate, Als):
        return _als_of_spark(pairs, candidate, seed) if engine == "spark" else _als_of_implicit(pairs, candidate, seed)
    if isinstance(candidate, ItemItem):
        return _neighbours_of_frames(pairs, candidate) if engine == "spark" else _cosine_of_implicit(pairs, candidate)
    if isinstance(candidate, Ease):
        return _ease(pairs.matrix, candidate)
    return PopularityRanker(pairs.popular)


def _als_of_spark(pairs: Pairs, candidate: Als, seed: int) -> FactorRanker:
    """Fit ALS by MLlib: the preference is 1 for a rating above 0, and the confidence is 1 + alpha * rating."""
    from pyspark.ml.recommendation import ALS

    weights = {"binary": F.lit(1.0), "log": F.log1p("strength"), "linear": F.col("strength")}
    rated = pairs.liked.select("customer", "title", weights[candidate.weights].cast("float").alias("weight")).cache()
    number = block_count(rated.count())
    als = ALS(
        rank=candidate.factors,
        maxIter=candidate.iterations,
        regParam=candidate.regularisation,
        alpha=candidate.alpha,
        implicitPrefs=True,
        numUserBlocks=number,
        numItemBlocks=number,
        userCol="customer",
        itemCol="title",
        ratingCol="weight",
        checkpointInterval=LINEAGE,
        seed=seed,
    )
    try:
        found = als.fit(rated).itemFactors.toArrow()  # one row per title
    finally:
        rated.unpersist()
    titles = np.zeros((pairs.titles, candidate.factors), np.float32)
    factors = found.column("features").combine_chunks().flatten().to_numpy()
    titles[found.column("id").to_numpy()] = factors.reshape(-1, candidate.factors)
    return FactorRanker(titles, candidate.alpha, candidate.weights, candidate.regularisation, is_per_interaction=True)


def block_count(pairs: int) -> int:
    """The number of blocks into which MLlib partitions customers, and titles.

    It depends on the number of pairs alone, since the initial factors depend on the blocks. It is Spark's default of 10
    unless there are few or very many pairs.
    """
    return min(max(FEWEST_BLOCKS, min(BLOCKS, pairs // PAIRS_OF_A_BLOCK), pairs // MOST_PAIRS_OF_A_BLOCK), MOST_BLOCKS)


def _als_of_implicit(pairs: Pairs, candidate: Als, seed: int) -> FactorRanker:
    from implicit.cpu.als import AlternatingLeastSquares

    confidence = weigh(pairs.matrix, candidate.weights)
    confidence.data = 1 + np.float32(candidate.alpha) * confidence.data
    regularisation = candidate.regularisation * _size(confidence)
    with threadpool_limits(1, "blas"):  # the library has threads of its own, and warns of others
        als = AlternatingLeastSquares(
            factors=candidate.factors,
            regularization=regularisation,
            iterations=candidate.iterations,
            random_state=seed,
        )
        als.fit(confidence, show_progress=False)
    titles = np.asarray(als.item_factors, np.float32)
    titles[np.bincount(confidence.indices, minlength=pairs.titles) == 0] = 0
    return FactorRanker(titles, candidate.alpha, candidate.weights, regularisation, is_per_interaction=False)


def _size(matrix: csr_matrix) -> float:
    """An estimate of the largest singular value, exact if all customers with likes like all titles equally.

    A penalty above it shrinks all factors to 0. With n customers it grows as the square root of n, and so does the
    penalty needed for the same effect: in |X|^2 + |Y|^2, X grows with n and Y does not, and the sum acts as the
    geometric mean of both, since a factor can be moved from X to Y at no cost.
    """
    customers, titles = (len(np.unique(one)) for one in matrix.nonzero())
    return float(matrix.sum() / np.sqrt(max(customers * titles, 1)))


def _cosine_of_implicit(pairs: Pairs, candidate: ItemItem) -> NeighbourRanker:
    from implicit.nearest_neighbours import CosineRecommender
    from implicit.utils import ParameterWarning

    model = CosineRecommender(K=candidate.neighbours)
    with warnings.catch_warnings(category=ParameterWarning, action="ignore"):  # the library causes this warning itself
        model.fit(weigh(pairs.matrix, candidate.weights), show_progress=False)
    return NeighbourRanker(csr_matrix(model.similarity, dtype=np.float32), candidate.weights)


def _neighbours_of_frames(pairs: Pairs, candidate: ItemItem) -> NeighbourRanker:
    found = cosine.neighbours(pairs.liked, candidate.neighbours, candidate.weights, candidate.history_titles).toArrow()
    title, other, similarity = (found.column(name).to_numpy() for name in ("title", "other", "similarity"))
    values = similarity.astype(np.float32)
    return NeighbourRanker(csr_matrix((values, (title, other)), (pairs.titles, pairs.titles)), candidate.weights)


def _ease(matrix: csr_matrix, candidate: Ease) -> LinearRanker:
    """Fit EASE. Source: Steck, Embarrassingly shallow autoencoders for sparse data (2019), algorithm 1."""
    weights = weigh(matrix, candidate.weights)
    size = matrix.shape[1]
    gram = np.zeros((size, size), order="F")
    for start in range(
        0, matrix.shape[0], ROWS_AT_ONCE
    ):  # the sum is titles by titles, whatever the number of customers
        block = weights[start : start + ROWS_AT_ONCE].astype(float)
        gram += (block.T @ block).toarray()
    diagonal = gram[np.diag_indices(size)]
    gram[np.diag_indices(size)] += candidate.regularisation * diagonal[diagonal > 0].mean()
    # In place, since the matrix may have gigabytes; LAPACK computes the lower triangle only.
    factor, failed = lapack.dpotrf(gram, lower=1, overwrite_a=1)
    inverse, failed_too = lapack.dpotri(factor, lower=1, overwrite_c=1)
    assert not failed and not failed_too, "a Gram matrix with a positive diagonal added is positive definite"
    effects = np.empty((size, size), np.float32)
    diagonal = np.diag(inverse).copy()
    for start in range(0, size, ROWS_AT_ONCE // 20):
        rows = slice(start, start + ROWS_AT_ONCE // 20)
        lower = np.tril(inverse[rows, :], start)
        upper = np.triu(inverse[:, rows].T, start + 1)
        effects[rows] = (lower + upper) / -diagonal
    np.fill_diagonal(effects, 0)
    effects[:, np.bincount(matrix.indices, minlength=size) == 0] = 0
    return LinearRanker(effects, candidate.weights)
