"""A file of ratings by customers of two tastes."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


def write_ratings(file: Path, has_time: bool = True, scale: float = 1.0) -> Path:
    """Forty customers of two tastes and thirty titles; each likes some of his own kind, a few each day of 30."""
    random = np.random.default_rng(1)
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(["customer", "title", "strength", *(["time"] if has_time else [])])
        for customer in range(40):
            for number, title in enumerate(random.permutation(30)):
                is_own = (customer + title) % 2 == 0
                if random.random() < (0.6 if is_own else 0.05):
                    rating = scale * (random.integers(4, 6) if is_own else 1)
                    time_of = [f"2024-01-{1 + (number + customer) % 30:02d}"] if has_time else []
                    writer.writerow([f"c{customer:02d}", f"t{title:02d}", rating, *time_of])
    return file


def share_of_own_kind(rows: Iterable[Mapping[str, Any]]) -> float:
    """Share of the rows whose title is of the customer's own kind."""
    return float(np.mean([(int(row["customer_id"][1:]) + int(row["title_id"][1:])) % 2 == 0 for row in rows]))
