"""Levels of a category that are declared as `auto`: its most frequent values in the training rows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.declared import NamedFeature

MOST_LEVELS = 20
NOBODY = "no value"  # the level of a category without any value, which is constant and so no input of a model


def is_auto(feature: NamedFeature) -> bool:
    """Whether the levels of a feature are those of the training rows."""
    return feature.kind == "category" and not feature.levels


def with_levels(features: Sequence[NamedFeature], train: DataFrame) -> list[NamedFeature]:
    """The features with the most frequent levels of the training rows, where they are `auto`.

    Of equally frequent ones the first in the alphabet are taken, so that the levels do not depend on the order of rows.
    """
    return _resolved(features, {one.name: _counts(train, one.name) for one in features if is_auto(one)})


def with_levels_of(features: Sequence[NamedFeature], train: Mapping[str, Iterable[str | None]]) -> list[NamedFeature]:
    """The same for values of the training rows in memory, by feature."""
    counts = {one.name: Counter(value for value in train[one.name] if value) for one in features if is_auto(one)}
    return _resolved(features, counts)


def _counts(train: DataFrame, name: str) -> dict[str, int]:
    value = F.col(name).cast("string")
    counted = train.where(value != "").groupBy(value.alias("value")).count()
    most = counted.orderBy(F.desc("count"), "value").limit(MOST_LEVELS).collect()
    return {row["value"]: row["count"] for row in most}


def _resolved(features: Sequence[NamedFeature], counts: Mapping[str, Mapping[str, int]]) -> list[NamedFeature]:
    return [replace(one, levels=_most(counts[one.name])) if one.name in counts else one for one in features]


def _most(counts: Mapping[str, int]) -> tuple[str, ...]:
    found = sorted(counts, key=lambda value: (-counts[value], value))[:MOST_LEVELS]
    return tuple(found) or (NOBODY,)
