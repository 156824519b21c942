"""Reasons from effects: the strongest believed families first, each with the feature whose fact says so."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from models.scoring.reason_codes import MAX_REASONS, ReasonCodes, TermFact
from models.scoring.shapley import Effects

# Plays go with label 1, if they are 2 or more above the typical 4; days since the last play go against it. A null share
# is filled with 0.3.
TERMS = (
    TermFact("frequency", "plays", 4.0, 0.5, 2.0, None),
    TermFact("frequency", "visits", 2.0, 2.0, 0.0, None),
    TermFact("recency", "days", 10.0, -0.1, 0.0, None),
    TermFact("depth", "share", 0.5, 1.0, 0.0, 0.3),
    TermFact("depth", "share", 0.0, -0.2, 0.0, None),  # is missing
    TermFact("taste", "device", 0.0, 0.0, 0.0, None),  # has no direction
)
FREQUENCY, RECENCY, DEPTH, TASTE = range(4)
TYPICAL = [4.0, 2.0, 10.0, 0.5, 0.0, 0.0]


def reasons(
    moved: list[float], inputs: list[float], alone: list[float] | None = None, terms: tuple[TermFact, ...] = TERMS
) -> list[tuple[str, float, str]]:
    """The reasons of one row: family, effect, feature."""
    effects = Effects(np.zeros(1), np.array([moved]), np.array([alone or moved]))
    columns = ReasonCodes(terms).columns(np.array([inputs]), effects)
    row = {name: column.to_pylist()[0] for name, column in columns.items()}
    names = [f"reason_{rank}" for rank in range(1, MAX_REASONS + 1)]
    found = [(row[name], row[f"{name}_effect"], row[f"{name}_feature"]) for name in names]
    assert all((None in one) == (set(one) == {None}) for one in found)
    return [one for one in found if one[0]]


def changed(**values: float) -> list[float]:
    """The inputs of the typical customer with others where given."""
    places = {"plays": 0, "visits": 1, "days": 2, "share": 3, "share_is_missing": 4, "device": 5}
    inputs = list(TYPICAL)
    for name, value in values.items():
        inputs[places[name]] = value
    return inputs


def test_the_strongest_family_comes_first() -> None:
    inputs = changed(plays=9, days=30, share=0.9)
    found = reasons([0.5, -2.0, 0.7, 0.0], inputs)
    assert found == [("recency", -2.0, "days"), ("depth", 0.7, "share"), ("frequency", 0.5, "plays")]


def test_the_fact_is_the_one_that_pulls_most_the_way_of_the_effect() -> None:
    inputs = changed(plays=9, visits=1)  # pulls 2.5 towards label 1, and -2 away
    assert reasons([1.0, 0, 0, 0], inputs) == [("frequency", 1.0, "plays")]
    assert reasons([-1.0, 0, 0, 0], inputs) == [("frequency", -1.0, "visits")]


def test_what_moves_less_than_a_tenth_of_the_largest_effect_is_no_reason() -> None:
    inputs = changed(plays=9, days=30, share=0.9)
    assert [one[0] for one in reasons([1.0, -0.1, 0.099, 0], inputs)] == ["frequency", "recency"]
    against = reasons([0.19, -2.0, 0.3, 0], inputs, alone=[0.19, 2.0, 0.3, 0])  # the largest is not believed
    assert [one[0] for one in against] == ["depth"]


def test_no_reason_against_its_partial_dependence() -> None:
    inputs = changed(plays=9, days=30)
    assert reasons([0.5, -2.0, 0, 0], inputs, alone=[0.5, 2.0, 0, 0]) == [("frequency", 0.5, "plays")]
    assert reasons([0.5, -2.0, 0, 0], inputs, alone=[0.5, 0.0, 0, 0]) == [("frequency", 0.5, "plays")]


@pytest.mark.parametrize(
    ("moved", "inputs"),
    [
        ([-1.0, 0, 0, 0], changed(plays=9)),  # more plays than usual are no reason to leave
        ([1.0, 0, 0, 0], TYPICAL),
        ([0, 0, 1.0, 0], changed(share=0.50000000000000011)),  # the typical value, but for rounding
        ([1.0, 0, 0, 0], changed(plays=5.9)),
        ([0, 0, 0, 5.0], changed(device=1)),
        ([0, 0, 1e-12, 0], changed(share=0.9)),
    ],
    ids=["contradicts", "typical", "rounding", "near", "no direction", "no effect"],
)
def test_no_reason_without_a_fact(moved: list[float], inputs: list[float]) -> None:
    assert reasons(moved, inputs) == []


def test_null_is_a_fact_of_its_own_and_not_the_value_that_fills_it() -> None:
    unknown = changed(share=0.3, share_is_missing=1)
    assert reasons([0, 0, -1.0, 0], unknown) == [("depth", -1.0, "share")]
    without_indicator = tuple(one for number, one in enumerate(TERMS) if number != 4)
    inputs = [value for number, value in enumerate(changed(share=0.3)) if number != 4]
    assert reasons([0, 0, -1.0, 0], inputs, terms=without_indicator) == []


def test_equal_effects_come_in_the_order_of_the_families() -> None:
    """Also where they differ by rounding only, as of a model that was fitted elsewhere."""
    for depth in (0.1 + 0.2, 0.3, 0.3 - 1e-16):
        found = reasons([0.3, 0, depth, 0], changed(plays=9, share=0.9))
        assert [one[0] for one in found] == ["frequency", "depth"]


def test_more_rows_and_their_types() -> None:
    moved = np.array([[1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, 0, 0]])
    inputs = np.array([changed(plays=9), changed(days=30), TYPICAL])
    columns = ReasonCodes(TERMS).columns(inputs, Effects(np.zeros(3), moved, moved))
    assert columns["reason_1"].to_pylist() == ["frequency", "recency", None]
    assert columns["reason_1_feature"].to_pylist() == ["plays", "days", None]
    assert columns["reason_1_effect"].to_pylist() == [1.0, -1.0, None]
    assert [column.type for column in columns.values()] == [pa.string(), pa.float64(), pa.string()] * MAX_REASONS


def test_no_rows_no_terms_and_few_families() -> None:
    def empty(rows: int, families: int) -> Effects:
        return Effects(np.zeros(rows), np.zeros((rows, families)), np.zeros((rows, families)))

    nobody: dict[str, Any] = ReasonCodes(TERMS).columns(np.zeros((0, 6)), empty(0, 4))
    assert {len(column) for column in nobody.values()} == {0}
    nothing = ReasonCodes(()).columns(np.zeros((2, 0)), empty(2, 0))
    assert {tuple(column.to_pylist()) for column in nothing.values()} == {(None, None)}
    lone = ReasonCodes(TERMS[:1]).columns(np.array([[9.0]]), Effects(np.zeros(1), np.ones((1, 1)), np.ones((1, 1))))
    assert lone["reason_1"].to_pylist() == ["frequency"] and lone["reason_2"].to_pylist() == [None]
