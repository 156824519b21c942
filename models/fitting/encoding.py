"""Encodes features as terms of a model, by SQL that both engines understand.

Counts, amounts, durations, days and ratios are heavy-tailed: a model gets their signed log1p. For a null it gets the
mean of the training rows and an indicator, for a category one indicator per level.
"""

from dataclasses import dataclass
from typing import Literal

from conf.levels import level_names, sql_text
from features.declared import NamedFeature

LOGGED = frozenset({"count", "amount", "duration", "days", "ratio"})
Encoding = Literal["value", "signed_log", "is_level", "is_missing"]


@dataclass(frozen=True)
class Term:
    """One input of a model: how it is computed from a feature.

    level: the level of a category that an `is_level` indicates. is_nullable: whether it may be null, which the mean of
    the training rows replaces.
    """

    name: str
    feature: str
    how: Encoding
    level: str = ""
    is_nullable: bool = False

    @property
    def sql(self) -> str:
        """The SQL expression of the term: a double, or null."""
        value = f"cast({self.feature} as double)"
        return {
            "value": value,
            "signed_log": f"sign({value}) * ln(1.0D + abs({value}))",
            "is_level": f"coalesce(cast({self.feature} = {sql_text(self.level)} as double), 0.0D)",
            "is_missing": f"if({self.feature} is null, 1.0D, 0.0D)",
        }[self.how]


def terms_of(features: list[NamedFeature]) -> list[Term]:
    """The terms of all features, in their order."""
    return [term for feature in features for term in _terms(feature)]


def _terms(feature: NamedFeature) -> list[Term]:
    name = feature.name
    if feature.kind == "category":
        return [Term(f"{name}_is_{one}", name, "is_level", level) for level, one in level_names(feature.levels).items()]
    how: Encoding = "signed_log" if feature.kind in LOGGED else "value"
    missing = [Term(f"{name}_is_missing", name, "is_missing")] if feature.may_be_null else []
    return [Term(name, name, how, is_nullable=feature.may_be_null), *missing]
