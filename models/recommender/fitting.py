"""Fitting: pairs of customers and titles to rankers, each model by a library that is kept well."""

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
FEWEST_BLOCKS, BLOCKS, MOST_BLOCKS = 4, 10, 500  # the more, the more copies of factors are sent around
PAIRS_OF_A_BLOCK, MOST_PAIRS_OF_A_BLOCK = 100_000, 2_000_000
LINEAGE = 4  # iterations of ALS between checkpoints, where the session has a folder for them


@dataclass(frozen=True)
class Pairs:
    """The interactions that a model is fitted on, by number.

    frame: `customer`, `title`, `strength`, each pair once; only those above 0 are liked. batches: the same as Arrow
    batches, read anew at each call. popular: (titles,) customers who liked a title of late.
    """

    frame: DataFrame
    batches: Callable[[], Iterable[pa.RecordBatch]]
    customers: int
    titles: int
    popular: Scores

    @cached_property
    def matrix(self) -> csr_matrix:
        """(customers, titles) of what is liked, in this process's memory: for engines of one machine."""
        return matrix_of_pairs(self.batches(), self.customers, self.titles)

    @property
    def liked(self) -> DataFrame:
        """The pairs that are liked."""
        return self.frame.where("strength > 0")


def fit_ranker(pairs: Pairs, candidate: RankerSettings, engine: Engine, seed: int) -> Ranker:
    """The model that a candidate stands for, fitted.

    Args:
        engine: `spark`: on the session of the pairs, which must be classic Spark for ALS. `implicit`: by the library of
            that name, on one machine and in memory.
    """
    if isinstance(candidate, Als):
        return _als_of_spark(pairs, candidate, seed) if engine == "spark" else _als_of_implicit(pairs, candidate, seed)
    if isinstance(candidate, ItemItem):
        return _neighbours_of_frames(pairs, candidate) if engine == "spark" else _cosine_of_implicit(pairs, candidate)
    if isinstance(candidate, Ease):
        return _ease(pairs.matrix, candidate)
    return PopularityRanker(pairs.popular)


def _als_of_spark(pairs: Pairs, candidate: Als, seed: int) -> FactorRanker:
    """MLlib, its preference 1 for whatever is above 0 and its confidence 1 + alpha * rating."""
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
        found = als.fit(rated).itemFactors.toArrow()  # as many as there are titles
    finally:
        rated.unpersist()
    titles = np.zeros((pairs.titles, candidate.factors), np.float32)
    factors = found.column("features").combine_chunks().flatten().to_numpy()
    titles[found.column("id").to_numpy()] = factors.reshape(-1, candidate.factors)
    return FactorRanker(titles, candidate.alpha, candidate.weights, candidate.regularisation, is_per_interaction=True)


def block_count(pairs: int) -> int:
    """Into how many blocks MLlib deals customers, and titles: by the pairs alone, since each block has first factors of
    its own, and another number gives another model. Spark's own 10 where they are neither few nor very many."""
    return min(max(FEWEST_BLOCKS, min(BLOCKS, pairs // PAIRS_OF_A_BLOCK), pairs // MOST_PAIRS_OF_A_BLOCK), MOST_BLOCKS)


def _als_of_implicit(pairs: Pairs, candidate: Als, seed: int) -> FactorRanker:
    from implicit.cpu.als import AlternatingLeastSquares

    confidence = weigh(pairs.matrix, candidate.weights)
    confidence.data = 1 + np.float32(candidate.alpha) * confidence.data
    regularisation = candidate.regularisation * _size(confidence)
    with threadpool_limits(1, "blas"):  # it has threads of its own, and would warn
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
    """About the largest singular value: exactly that where all customers who like anything like all titles alike.

    A penalty above it leaves nothing of ALS. With n customers it grows as the root of n, and so does what a penalty
    does: |X|^2 + |Y|^2, where X grows with n and Y does not, counts by the geometric mean of both, since factors may be
    moved from one to the other for nothing.
    """
    customers, titles = (len(np.unique(one)) for one in matrix.nonzero())
    return float(matrix.sum() / np.sqrt(max(customers * titles, 1)))


def _cosine_of_implicit(pairs: Pairs, candidate: ItemItem) -> NeighbourRanker:
    from implicit.nearest_neighbours import CosineRecommender
    from implicit.utils import ParameterWarning

    model = CosineRecommender(K=candidate.neighbours)
    with warnings.catch_warnings(category=ParameterWarning, action="ignore"):  # of how it calls itself
        model.fit(weigh(pairs.matrix, candidate.weights), show_progress=False)
    return NeighbourRanker(csr_matrix(model.similarity, dtype=np.float32), candidate.weights)


def _neighbours_of_frames(pairs: Pairs, candidate: ItemItem) -> NeighbourRanker:
    found = cosine.neighbours(pairs.liked, candidate.neighbours, candidate.weights, candidate.history_titles).toArrow()
    title, other, similarity = (found.column(name).to_numpy() for name in ("title", "other", "similarity"))
    values = similarity.astype(np.float32)
    return NeighbourRanker(csr_matrix((values, (title, other)), (pairs.titles, pairs.titles)), candidate.weights)


def _ease(matrix: csr_matrix, candidate: Ease) -> LinearRanker:
    """Source: Steck, Embarrassingly shallow autoencoders for sparse data (2019), algorithm 1."""
    weights = weigh(matrix, candidate.weights)
    size = matrix.shape[1]
    gram = np.zeros((size, size), order="F")
    for start in range(0, matrix.shape[0], ROWS_AT_ONCE):  # titles by titles, however many customers
        block = weights[start : start + ROWS_AT_ONCE].astype(float)
        gram += (block.T @ block).toarray()
    diagonal = gram[np.diag_indices(size)]
    gram[np.diag_indices(size)] += candidate.regularisation * diagonal[diagonal > 0].mean()
    # In place: the matrix may be of gigabytes. Only the lower triangle is computed.
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
