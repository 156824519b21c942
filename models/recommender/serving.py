"""Recommends in the engines' workers: from histories to the best titles, block by block, for any model.

Memory is that of one block of scores and of the model, whatever the number of customers.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from scipy.sparse import csr_matrix

from models.arrays import Ints
from models.recommender.histories import liked, matrix_of_histories
from models.recommender.rankers import UNSCORED, Flags, PopularityRanker, Ranker, Scores
from models.recommender.top_k import TopOfColumns, top_k

BLOCK_BYTES = 64_000_000
BLOCK_ROWS = 512
OF_HISTORY, OF_POPULARITY = "history", "popular"
SCHEMA = "for_title boolean, customer int, title int, rank int, score float, source string"
FIELDS = pa.schema(
    {
        "for_title": pa.bool_(),
        "customer": pa.int32(),
        "title": pa.int32(),
        "rank": pa.int32(),
        "score": pa.float32(),
        "source": pa.string(),
    }
)


@dataclass(frozen=True, eq=False)
class RecommenderModel:
    """A ranker, and all titles by falling popularity, which fill up lists with too few scored titles."""

    ranker: Ranker
    popular: Ints
    titles: int


@dataclass(frozen=True)
class Serving:
    """The function for `mapInArrow`: from `customer` and `history` to rows of SCHEMA.

    load: returns the model, once per worker. top: titles per customer. per_title: customers per title; 0: none.
    """

    load: Callable[[], RecommenderModel]
    top: int
    exclude_seen: bool
    per_title: int = 0

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Recommend to the customers of the batches."""
        model = self.load()
        best = TopOfColumns(model.titles, self.per_title) if self.per_title else None
        rows = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (4 * model.titles)))
        for batch in batches:
            for start in range(0, batch.num_rows, rows):
                block = batch.slice(start, rows)
                customers = block.column("customer").to_numpy(zero_copy_only=False)
                histories = matrix_of_histories(block.column("history"), model.titles)
                scores = self._scores(model, histories)
                if best:
                    best.add(customers, scores)
                yield self._for_customers(model, customers, histories, scores)
        if best:
            yield _for_titles(best)

    def _scores(self, model: RecommenderModel, histories: csr_matrix) -> Scores:
        known = liked(histories)
        scores = model.ranker.scores(known)
        scores[np.diff(known.indptr) == 0] = UNSCORED
        if self.exclude_seen:
            row, title = _entries(histories)
            scores[row, title] = UNSCORED
        return scores

    def _for_customers(
        self, model: RecommenderModel, customers: Ints, histories: csr_matrix, scores: Scores
    ) -> pa.RecordBatch:
        titles, values = top_k(scores, self.top)
        is_scored = values > UNSCORED
        for row in np.flatnonzero(~is_scored.all(axis=1)):
            found = titles[row, is_scored[row]]
            seen = histories.indices[histories.indptr[row] : histories.indptr[row + 1]] if self.exclude_seen else []
            more = _others(model.popular, np.union1d(found, seen), titles.shape[1] - len(found))
            titles[row] = np.pad(
                np.append(found, more), (0, titles.shape[1] - len(found) - len(more)), constant_values=-1
            )
        rank = np.tile(np.arange(1, titles.shape[1] + 1), len(titles))
        customer, flat = np.repeat(customers, titles.shape[1]), is_scored.ravel()
        is_of_history = flat & (not isinstance(model.ranker, PopularityRanker))
        source = np.where(is_of_history, OF_HISTORY, OF_POPULARITY)
        score = pa.array(values.ravel(), pa.float32(), mask=~is_of_history)
        return _batch(False, customer, titles.ravel(), rank, score, source, titles.ravel() >= 0)


def recommend_titles(histories: DataFrame, serving: Serving) -> DataFrame:
    """Recommend titles to the customers of `histories`, and customers for each title if `serving` says so.

    Each partition returns its own best customers for a title, and `rank` is the rank within the partition.
    """
    return histories.select("customer", "history").mapInArrow(serving, SCHEMA)


def _others(popular: Ints, taken: Ints, number: int) -> Ints:
    """The most popular titles that are not taken."""
    first = popular[: number + len(taken)]
    return first[~np.isin(first, taken)][:number]


def _entries(matrix: csr_matrix) -> tuple[Ints, Ints]:
    """Rows and columns of all stored values."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices


def _for_titles(best: TopOfColumns) -> pa.RecordBatch:
    titles, number = best.rows.shape
    title, rank = np.repeat(np.arange(titles), number), np.tile(np.arange(1, number + 1), titles)
    rows, source = best.rows.ravel(), np.full(titles * number, OF_HISTORY)
    return _batch(True, rows, title, rank, pa.array(best.scores.ravel(), pa.float32()), source, rows >= 0)


def _batch(
    for_title: bool,
    customer: Ints,
    title: Ints,
    rank: Ints,
    score: pa.Array,
    source: NDArray[np.str_],
    keep: Flags,
) -> pa.RecordBatch:
    columns = [pa.array(np.full(len(customer), for_title)), customer, title, rank, score, source]
    arrays = [pa.array(column).cast(field.type) for column, field in zip(columns, FIELDS, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=FIELDS).filter(pa.array(keep))
