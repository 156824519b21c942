"""Splits a feature table into arrays for training networks by hand: split, balanced, imputed and standardised.

The sets `train`, `validation` and `test` hold every labelled customer once; balancing then leaves some out of `train`.
Everything is fitted on training customers only: the value that replaces a missing one on all of them, so that it does
not depend on the draw of the balancing; mean and scale on those in `train`, so that its columns have mean 0 and
standard deviation 1. Validation and test keep the shares of labels as they are, so that models are evaluated on those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from conf.levels import level_names
from features.declared import NamedFeature
from models.arrays import Floats, Ints
from models.fitting.auto_levels import is_auto, with_levels_of

# scikit-learn is imported where it is used, since loading it takes longer than most commands take to start.

FEWEST = 10  # rows of a label: eight for training, one for validation and one for the test
HELD_OUT_SHARE = 0.2  # of the rows; half of them for validation, half for the test


@dataclass(frozen=True)
class Scaler:
    """Computes inputs from raw columns; arrays of shape (columns,).

    names: of the columns; a category has one column for each level, 1 if the customer has it.
    fill: replaces a missing value. mean, scale: inputs are (raw - mean) / scale. A column that is constant in `train`
    has scale 1.
    """

    names: tuple[str, ...]
    fill: Floats
    mean: Floats
    scale: Floats

    def __call__(self, raw: Floats) -> NDArray[np.float32]:
        """(rows, columns) inputs of raw values; NaN is a missing value."""
        filled = np.where(np.isnan(raw), self.fill, raw)
        return ((filled - self.mean) / self.scale).astype(np.float32)


@dataclass(frozen=True)
class ArraySet:
    """The customers of one set in random order: ids (rows,), inputs (rows, columns), labels (rows,)."""

    customer_id: NDArray[Any]
    inputs: NDArray[np.float32]
    targets: Ints


def make_arrays(
    table: pa.Table, features: Sequence[NamedFeature], seed: int, balance: bool = True
) -> tuple[dict[str, ArraySet], Scaler]:
    """Make the sets `train`, `validation` and `test`: 80, 10 and 10 % of the rows, with the same shares of labels.

    Args:
        table: `customer_id`, unique, the features, and `label`, 0 or 1 and never null. The order of its rows does not
            matter.
        seed: 0 or more; of the split, the balancing and the order of the rows.
        balance: whether to keep only as many random training customers of the commoner label as there are of the
            rarer one. The split does not depend on it.

    Raises:
        ValueError: a label has fewer than 10 rows.
    """
    ids = _ids(table["customer_id"])
    order = np.argsort(ids, kind="stable")  # the order of a file may depend on the customers
    labels = table["label"].to_numpy().astype(np.int64)[order]
    random = _random(seed)
    parts = _split(labels, random)
    names, columns = _columns(table, with_levels_of(features, _texts(table, features, order[parts["train"]])))
    raw = columns[order]
    fill = _fill(raw[parts["train"]])
    if balance:
        parts["train"] = _balanced(parts["train"], labels, random)
    mean, scale = _mean_and_scale(np.where(np.isnan(raw), fill, raw)[parts["train"]])
    scaler = Scaler(names, fill, mean, scale)
    return {name: ArraySet(ids[order][rows], scaler(raw[rows]), labels[rows]) for name, rows in parts.items()}, scaler


def _ids(column: pa.ChunkedArray) -> NDArray[Any]:
    """(rows,) integers or text, in arrays that NumPy reads without pickle."""
    if pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy(), np.int64)
    return np.array(column.cast(pa.string()).to_pylist(), dtype=np.str_)


def _texts(table: pa.Table, features: Sequence[NamedFeature], rows: Ints) -> dict[str, list[str | None]]:
    """By feature whose levels are those of the training rows, its values in these rows."""
    texts = {one.name: table[one.name].cast(pa.string()).to_pylist() for one in features if is_auto(one)}
    return {name: [values[row] for row in rows] for name, values in texts.items()}


def _columns(table: pa.Table, features: Sequence[NamedFeature]) -> tuple[tuple[str, ...], Floats]:
    """Names and (rows, columns) raw values: numbers with NaN for null, and one column per level of a category."""
    columns: dict[str, Floats] = {}
    for feature in features:
        column = table[feature.name]
        for level, name in level_names(feature.levels).items():
            is_level = pc.fill_null(pc.equal(column.cast(pa.string()), level), False)
            columns[f"{feature.name}_is_{name}"] = is_level.cast(pa.float64()).to_numpy()
        if not feature.levels:
            columns[feature.name] = column.cast(pa.float64(), safe=False).to_numpy()
    return tuple(columns), np.column_stack(list(columns.values()))


def _random(seed: int) -> np.random.RandomState:
    """The generator that scikit-learn uses, with a seed of any size; its draws are the same in every version."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))


def _split(labels: Ints, random: np.random.RandomState) -> dict[str, Ints]:
    """The row numbers of each set, in random order. Raises ValueError."""
    from sklearn.model_selection import train_test_split

    for label in (0, 1):
        count = int((labels == label).sum())
        if count < FEWEST:
            raise ValueError(
                f"{count} customers have label {label}, and a split into three sets needs at least {FEWEST}"
            )
    train, held_out = train_test_split(
        np.arange(len(labels)), test_size=HELD_OUT_SHARE, stratify=labels, random_state=random
    )
    validation, test = train_test_split(held_out, test_size=0.5, stratify=labels[held_out], random_state=random)
    return {"train": train, "validation": validation, "test": test}


def _balanced(rows: Ints, labels: Ints, random: np.random.RandomState) -> Ints:
    """All rows of the rarer label and as many of the other, in random order; `rows` are in random order too."""
    of_label = [rows[labels[rows] == label] for label in (0, 1)]
    fewest = min(map(len, of_label))
    return np.asarray(random.permutation(np.concatenate([some[:fewest] for some in of_label])))


def _fill(raw: Floats) -> Floats:
    """(columns,) the mean of the known values; 0 where there are none."""
    from sklearn.impute import SimpleImputer

    return np.asarray(SimpleImputer(strategy="mean", keep_empty_features=True).fit(raw).statistics_)


def _mean_and_scale(filled: Floats) -> tuple[Floats, Floats]:
    """(columns,) mean and standard deviation; the latter is 1 for a constant column."""
    from sklearn.preprocessing import StandardScaler

    fitted = StandardScaler().fit(filled)
    return np.asarray(fitted.mean_), np.asarray(fitted.scale_)
