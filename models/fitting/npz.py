"""A feature table as the arrays that people train networks on by hand: split, balanced, filled in and standardised.

The three parts hold every labelled customer once; only from `train` does balancing leave some out again. All that is
learned of the data is learned of the training customers: what stands for a missing value of all of them, so that it
does not hang on whom balancing drew; mean and scale of those that `train` holds, so that its columns have mean 0 and
deviation 1. Validation and test keep the shares of labels that customers have, by which a model is to be judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.declared import NamedFeature
from models.arrays import Floats

# scikit-learn is imported where it is used: it takes longer to load than most commands take to start.

Rows = NDArray[np.int64]
FEWEST = 10  # rows of a label: eight train, one validates and one tests
JUDGING = 0.2  # share of the rows that do not train; half of them validate, half test


@dataclass(frozen=True)
class Scaler:
    """How raw columns become inputs; arrays of shape (columns,).

    names: of the features; a category has one column for each level, 1 where the customer has it.
    fill: what stands for a missing value. mean, scale: inputs are (raw - mean) / scale. A column that is the same in
    all of `train` has scale 1.
    """

    names: tuple[str, ...]
    fill: Floats
    mean: Floats
    scale: Floats

    def __call__(self, raw: Floats) -> NDArray[np.float32]:
        """(rows, columns) inputs of raw values, which are NaN where they are missing."""
        filled = np.where(np.isnan(raw), self.fill, raw)
        return ((filled - self.mean) / self.scale).astype(np.float32)


@dataclass(frozen=True)
class ArraySet:
    """Customers of one part, in random order: ids (rows,), inputs (rows, columns), labels (rows,)."""

    customer_id: NDArray[Any]
    inputs: NDArray[np.float32]
    targets: Rows


def make_arrays(
    table: pa.Table, features: Sequence[NamedFeature], seed: int, balance: bool = True
) -> tuple[dict[str, ArraySet], Scaler]:
    """The parts `train`, `validation` and `test`: 80, 10 and 10 % of the rows, the labels in the same shares in each.

    Args:
        table: `customer_id`, which no two rows share, the features, and `label`, which is 0 or 1 everywhere. The
            order of its rows makes no difference.
        seed: 0 or more; of the split, the balancing and the order of the rows.
        balance: draw as many training customers of the commoner label, at random, as there are of the rarer. The
            split is the same without it.

    Raises:
        ValueError: a label has fewer than 10 rows.
    """
    ids = _ids(table["customer_id"])
    order = np.argsort(ids, kind="stable")  # the order of a file says something of the customers
    names, columns = _columns(table, features)
    raw, labels = columns[order], table["label"].to_numpy().astype(np.int64)[order]
    random = _random(seed)
    parts = _split(labels, random)
    fill = _fill(raw[parts["train"]])
    if balance:
        parts["train"] = _balanced(parts["train"], labels, random)
    mean, scale = _mean_and_scale(np.where(np.isnan(raw), fill, raw)[parts["train"]])
    scaler = Scaler(names, fill, mean, scale)
    return {name: ArraySet(ids[order][rows], scaler(raw[rows]), labels[rows]) for name, rows in parts.items()}, scaler


def _ids(column: pa.ChunkedArray) -> NDArray[Any]:
    """(rows,) whole numbers, or text: arrays that can be read again without pickle."""
    if pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy(), np.int64)
    return np.array(column.cast(pa.string()).to_pylist(), dtype=np.str_)


def _columns(table: pa.Table, features: Sequence[NamedFeature]) -> tuple[tuple[str, ...], Floats]:
    """Names and (rows, columns) raw values: a number as it is, NaN for null, a category as one column per level."""
    columns: dict[str, Floats] = {}
    for feature in features:
        column = table[feature.name]
        for level in feature.levels:
            is_level = pc.fill_null(pc.equal(column.cast(pa.string()), level), False)
            columns[f"{feature.name}_is_{level}"] = is_level.cast(pa.float64()).to_numpy()
        if not feature.levels:
            columns[feature.name] = column.cast(pa.float64(), safe=False).to_numpy()
    return tuple(columns), np.column_stack(list(columns.values()))


def _random(seed: int) -> np.random.RandomState:
    """The kind that scikit-learn draws from, with seeds of any size; unlike newer ones it never changes its draws."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))


def _split(labels: Rows, random: np.random.RandomState) -> dict[str, Rows]:
    """The numbers of the rows of each part, in random order. Raises ValueError."""
    from sklearn.model_selection import train_test_split

    for label in (0, 1):
        count = int((labels == label).sum())
        if count < FEWEST:
            raise ValueError(f"{count} customers have label {label}, and a split in three needs at least {FEWEST}")
    train, judging = train_test_split(np.arange(len(labels)), test_size=JUDGING, stratify=labels, random_state=random)
    validation, test = train_test_split(judging, test_size=0.5, stratify=labels[judging], random_state=random)
    return {"train": train, "validation": validation, "test": test}


def _balanced(rows: Rows, labels: Rows, random: np.random.RandomState) -> Rows:
    """All rows of the rarer label and as many of the other, in random order; `rows` come in random order too."""
    of_label = [rows[labels[rows] == label] for label in (0, 1)]
    fewest = min(map(len, of_label))
    return np.asarray(random.permutation(np.concatenate([some[:fewest] for some in of_label])))


def _fill(raw: Floats) -> Floats:
    """(columns,) the mean of the values that are there; 0 where there are none."""
    from sklearn.impute import SimpleImputer

    return np.asarray(SimpleImputer(strategy="mean", keep_empty_features=True).fit(raw).statistics_)


def _mean_and_scale(filled: Floats) -> tuple[Floats, Floats]:
    """(columns,) mean and standard deviation; 1 for the latter where all values are the same."""
    from sklearn.preprocessing import StandardScaler

    fitted = StandardScaler().fit(filled)
    return np.asarray(fitted.mean_), np.asarray(fitted.scale_)
