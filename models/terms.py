"""Features as terms of a linear model: SQL that both engines understand, written down once.

Counts, amounts, durations and days are heavy-tailed: they enter as signed log1p. A null enters as the mean of the
training rows with an indicator beside it, a category as one indicator per level.
"""

from dataclasses import dataclass

from features.declared import NamedFeature

LOGGED = frozenset({"count", "amount", "duration", "days", "ratio"})


@dataclass(frozen=True)
class Term:
    """One input of a linear model: `sql` gives a double, or null where the training mean is to stand."""

    name: str
    feature: str
    sql: str
    is_nullable: bool


def linear_terms(features: list[NamedFeature]) -> list[Term]:
    """The terms of features, in order."""
    return [term for feature in features for term in _terms(feature)]


def _terms(feature: NamedFeature) -> list[Term]:
    name = feature.name
    if feature.kind == "category":
        return [
            Term(f"{name}_is_{level}", name, f"coalesce(cast({name} = '{level}' as double), 0.0D)", False)
            for level in feature.levels
        ]
    value = f"cast({name} as double)"
    if feature.kind in LOGGED:
        value = f"sign({value}) * ln(1.0D + abs({value}))"
    terms = [Term(name, name, value, feature.may_be_null)]
    if feature.may_be_null:
        terms.append(Term(f"{name}_is_missing", name, f"if({name} is null, 1.0D, 0.0D)", False))
    return terms
