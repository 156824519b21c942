"""A simulated catalogue of audiobooks: lengths, prices, popularity, and titles encoded for CSV and JSON lines."""

import csv
import io
import json
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.simulation.book_titles import book_titles

BOOKS = 3_000
ZIPF = 0.85  # one in three purchases is of the fifty most popular titles
PRICES = (499, 699, 899, 1199, 1499, 1999, 2499)  # in cents


@dataclass(frozen=True)
class Books:
    """BOOKS audiobooks, the most often bought first.

    minutes, cents: (BOOKS,) length and price. chart: (BOOKS,) cumulative share of purchases. csv, json, json_ascii:
    (BOOKS,) title as a CSV cell, as a JSON string, and as a JSON string of ASCII only.
    """

    minutes: NDArray[np.int64]
    cents: NDArray[np.int64]
    chart: NDArray[np.float64]
    csv: pa.StringArray
    json: pa.StringArray
    json_ascii: pa.StringArray

    def choose(self, number: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw `number` books, popular ones more often."""
        return np.minimum(np.searchsorted(self.chart, rng.random(number), side="right"), BOOKS - 1)


@cache
def shop_books() -> Books:
    """The catalogue of all simulations, whatever their seed, so that titles mean the same."""
    rng = np.random.default_rng(20170101)
    titles = book_titles(BOOKS, rng)
    share = 1.0 / np.arange(1, BOOKS + 1) ** ZIPF
    return Books(
        minutes=np.clip(rng.lognormal(np.log(560), 0.45, BOOKS), 45, 3_000).astype(np.int64),
        cents=rng.choice(PRICES, BOOKS),
        chart=np.cumsum(share / share.sum()),
        csv=pa.array([_csv_cell(title) for title in titles]),
        json=pa.array([json.dumps(title, ensure_ascii=False) for title in titles]),
        json_ascii=pa.array([json.dumps(title) for title in titles]),
    )


def _csv_cell(text: str) -> str:
    cell = io.StringIO()
    csv.writer(cell, lineterminator="").writerow([text])
    return cell.getvalue()
