"""Histories of customers: as rows per pair, as rows per customer, and as sparse matrices."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.sparse import coo_matrix, csr_matrix

PAIRS = "customer int, title int, strength float"  # customers and titles are numbers; a strength of 0 is not liked


def with_histories(pairs: DataFrame) -> DataFrame:
    """Group pairs into one row per customer: `customer`, `history` (an array of structs of title and strength)."""
    return pairs.groupBy("customer").agg(F.collect_list(F.struct("title", "strength")).alias("history"))


def matrix_of_pairs(batches: Iterable[pa.RecordBatch], customers: int, titles: int) -> csr_matrix:
    """(customers, titles) float32 strengths of the pairs with a strength above 0."""
    parts = [[batch.column(name).to_numpy() for name in ("customer", "title", "strength")] for batch in batches]
    customer, title, strength = map(np.concatenate, zip(*parts, strict=True)) if parts else (np.empty(0, int),) * 3
    liked = strength > 0
    customer, title, strength = customer[liked], title[liked], strength[liked].astype(np.float32)
    found = coo_matrix((strength, (customer, title)), (customers, titles)).tocsr()
    found.sort_indices()  # the order of the rows may differ between runs
    return found


def matrix_of_histories(histories: pa.ListArray, titles: int) -> csr_matrix:
    """(customers, titles) float32 strengths; pairs that are not liked are stored values of 0 or less."""
    entries = histories.flatten()
    lengths = histories.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    # Copies, since sorting must not change Arrow's memory.
    title, strength = (np.array(entries.field(number)) for number in (0, 1))
    found = csr_matrix((strength.astype(np.float32), title, starts), (len(histories), titles))
    found.sort_indices()
    return found


def liked(histories: csr_matrix) -> csr_matrix:
    """The entries of a matrix of histories that are above 0."""
    found = histories.copy()
    found.data = np.maximum(found.data, 0)
    found.eliminate_zeros()
    return found
