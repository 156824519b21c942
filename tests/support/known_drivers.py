"""Customers whose log odds are a sum of terms by family, so that what drives each of them is known."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, Ints

FAMILIES = ("recency", "frequency", "depth", "trend", "money", "taste")
SCALES = (1.4, 1.1, 0.9, 0.7, 0.5, 0.3)  # of a family's term, in log odds
COLUMNS = 4  # of a family
WITHIN, BETWEEN = 0.9, 0.25  # correlations of the columns of a family, and of families


@dataclass(frozen=True)
class Drawn:
    """inputs (rows, terms), labels (rows,), effects (rows, families): true log odds less those of the average."""

    inputs: Floats
    labels: Ints
    effects: Floats

    @property
    def drivers(self) -> list[str]:
        """The family that truly moves each customer most."""
        return [FAMILIES[place] for place in np.abs(self.effects).argmax(axis=1)]


def family_of_terms() -> Ints:
    """(terms,) the number of each term's family."""
    return np.repeat(np.arange(len(FAMILIES)), COLUMNS)


def draw(rows: int, seed: int, is_bent: bool = True) -> Drawn:
    """Draw customers. The columns of a family measure one thing with errors, and each of them counts a little.

    Args:
        is_bent: whether the terms of recency, trend and money level off.
    """
    random = np.random.default_rng(seed)
    common = random.normal(size=(rows, 1))
    things = np.sqrt(BETWEEN) * common + np.sqrt(1 - BETWEEN) * random.normal(size=(rows, len(FAMILIES)))
    errors = random.normal(size=(rows, len(FAMILIES), COLUMNS))
    columns = np.sqrt(WITHIN) * things[:, :, None] + np.sqrt(1 - WITHIN) * errors
    terms = columns.mean(axis=2)
    if is_bent:
        terms[:, ::2] = np.tanh(1.5 * terms[:, ::2])
    effects = (terms - terms.mean(axis=0)) * (np.array(SCALES) * np.array([-1, 1, 1, 1, 1, -1]))
    labels = random.random(rows) < 1 / (1 + np.exp(0.5 - effects.sum(axis=1)))
    return Drawn(columns.reshape(rows, -1), labels.astype(np.int64), effects)
