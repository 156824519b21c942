"""Reasons in words: the fact of a feature beside that of the typical customer."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from conf.says import choices, chosen, filled, shows_value

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KEY = "customer_id"
MOST_DIGITS = 6
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}  # units of a duration
Value = float | str | None


@dataclass(frozen=True)
class Fact:
    """How a feature is said: `says` as declared (see `conf.says`), null, and the value of the typical customer."""

    says: str
    kind: str
    unit: str
    null_means: str
    typical: Value

    def words(self, value: Value) -> str:
        """'last heard 16 days ago; typical: 4'. Different values never look the same."""
        if value is None or self.typical is None:
            own, typical = (self._whole(one, 2) for one in (value, self.typical))
        else:
            pairs = ((self._whole(value, n), self._whole(self.typical, n)) for n in range(2, MOST_DIGITS + 1))
            digits = next((n for n, (one, other) in enumerate(pairs, 2) if one != other), 2)
            own, typical = self._whole(value, digits), self._short(self.typical, digits)
        return f"{own}; typical: {typical}"

    def _whole(self, value: Value, digits: int) -> str:
        if value is None:
            return self.null_means
        key, texts = self._texts(value, digits)
        return filled(self.says, key, texts)

    def _short(self, value: float | str, digits: int) -> str:
        """The value without its sentence: '4', '34 %', '2.5 hours', or the text of its choice."""
        key, texts = self._texts(value, digits)
        if not shows_value(self.says):
            return " ".join(chosen(choice, key) for choice in choices(self.says))
        shown = texts["percent" if "{percent}" in self.says else "value"]
        return "none" if shown == "no" else shown

    def _texts(self, value: float | str, digits: int) -> tuple[str, dict[str, str]]:
        """What choices are chosen by, and the texts of the places."""
        if isinstance(value, str):
            return value, {"value": value, "percent": value}
        number = number_in_words(value, digits)
        shown = "no" if self.kind == "count" and value == 0 and choices(self.says) else number
        if self.kind == "duration" and self.unit in SECONDS:
            shown = duration_in_words(value * SECONDS[self.unit], digits)
        return number, {"value": shown, "percent": f"{number_in_words(100 * value, digits)} %"}


def number_in_words(value: float, digits: int) -> str:
    """(1234.5, 2) -> '1,234', (0.456, 2) -> '0.46', (0.0061, 2) -> '0.01': so many digits, or all before the point."""
    if value == round(value):
        return f"{value:,.0f}"
    decimals = min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), digits)
    shown = f"{value:,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def duration_in_words(seconds: float, digits: int) -> str:
    """45 -> '45 seconds', 300 -> '5 minutes', 9000 -> '2.5 hours', 0 -> '0 minutes'."""
    if not seconds:
        return "0 minutes"
    unit, size = next((one, size) for one, size, least in _UNITS if seconds >= least)
    number = number_in_words(seconds / size, digits)
    return f"{number} {unit if number == '1' else unit + 's'}"


_UNITS = (("hour", 3600, 5400), ("minute", 60, 60), ("second", 1, -math.inf))  # from so many seconds on


@dataclass(frozen=True)
class WordBatches:
    """The function for `mapInArrow`: the columns `keep`, then for each column of feature names one of words."""

    keep: tuple[str, ...]
    named: tuple[str, ...]
    facts: Mapping[str, Fact]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Say the facts that each row names."""
        for batch in batches:
            columns = {name: batch.column(name) for name in self.keep}
            for name in self.named:
                columns[words_of(name)] = self._words(batch, batch.column(name).to_pylist())
            yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def _words(self, batch: pa.RecordBatch, features: Sequence[str | None]) -> pa.Array:
        words: list[str | None] = [None] * len(features)
        for feature in {one for one in features if one is not None} & set(self.facts):
            values, fact = batch.column(f"value_of_{feature}"), self.facts[feature]
            for row, named in enumerate(features):
                if named == feature:
                    words[row] = fact.words(values[row].as_py())
        return pa.array(words, pa.string())


def words_of(named: str) -> str:
    """'reason_1_feature' -> 'reason_1_words'."""
    return f"{named.removesuffix('_feature')}_words"


def reasons_in_words(scored: "DataFrame", table: "DataFrame", facts: Mapping[str, Fact]) -> "DataFrame":
    """Add to scores `reason_1_words` and so on: the fact of `reason_1_feature`, null where there is none.

    Args:
        scored: scores of a day with reasons; all columns are kept, in their order.
        table: the feature table of the day; of a feature that it lacks there are no words.
        facts: by feature.
    """
    from pyspark.sql import functions as F  # not needed in workers

    named = [name for name in scored.columns if name.startswith("reason_") and name.endswith("_feature")]
    known = {name: fact for name, fact in facts.items() if name in table.columns}
    values = table.select(KEY, *(F.col(name).alias(f"value_of_{name}") for name in known))
    schema = [f"`{field}` {kind}" for field, kind in scored.dtypes] + [f"`{words_of(name)}` string" for name in named]
    batches = WordBatches(tuple(scored.columns), tuple(named), known)
    return scored.join(values, KEY, "left").mapInArrow(batches, ", ".join(schema))
