"""Reason codes: the families of features that move a customer's score most, and a fact of each that says why.

A reason is given only where it can be believed: the effect of the family has the sign of its partial dependence, and a
feature of the family differs from that of a typical customer in the direction which, alone, goes with the effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.arrays import Floats, Ints
from models.scoring.shapley import Effects

MAX_REASONS = 3
REASON_COLUMNS = [
    f"reason_{rank}{what}"
    for rank in range(1, MAX_REASONS + 1)
    for what in (" string", "_effect double", "_feature string")
]
# Decimals of a margin. Effects are rounded to them, else the order of reasons would depend on rounding errors.
DIGITS = 9
LEAST_SHARE = 0.1  # of a customer's largest effect, believed or not, that a reason has


@dataclass(frozen=True)
class TermFact:
    """How an input of a model stands for a fact.

    family, feature: what it belongs to. typical: its value for a typical customer. pull: how far a unit above that goes
    with label 1, negative: with label 0; 0 where the feature has no direction or is never named. least: the smallest
    distance from the typical value that is worth a word. fill: what it is where the feature is null; None where it
    never is.
    """

    family: str
    feature: str
    typical: float
    pull: float
    least: float
    fill: float | None


@dataclass(frozen=True)
class ReasonCodes:
    """Finds the reasons for scores; terms: the inputs of the model, in order."""

    terms: tuple[TermFact, ...]

    @cached_property
    def families(self) -> list[str]:
        """The families of the terms, each once."""
        return list(dict.fromkeys(one.family for one in self.terms))

    @cached_property
    def family(self) -> Ints:
        """(terms,) the number of each term's family."""
        return np.array([self.families.index(one.family) for one in self.terms], np.int64)

    def columns(self, inputs: Floats, effects: Effects) -> dict[str, pa.Array]:
        """Columns `reason_1` (family), `reason_1_effect`, `reason_1_feature` and so on, null without a further reason.

        The largest effect comes first; of equal effects, the family whose terms come first.

        Args:
            inputs: (rows, terms).
            effects: of the same rows, by the numbers of `family`.
        """
        moved, alone = effects.moved.round(DIGITS), effects.alone.round(DIGITS)
        facts = self._facts(inputs, moved)
        strength = np.where((facts >= 0) & (moved * alone > 0), np.abs(moved), 0.0)
        strength[strength < LEAST_SHARE * np.abs(moved).max(axis=1, keepdims=True, initial=0.0)] = 0.0
        order, row = np.argsort(-strength, axis=1, kind="stable"), np.arange(len(moved))
        columns: dict[str, pa.Array] = {}
        for rank in range(MAX_REASONS):
            if rank >= len(self.families):
                columns |= self._reason(rank, np.full((3, len(row)), -1.0))
                continue
            place = order[:, rank]
            is_one = strength[row, place] > 0
            found = np.stack([place, effects.moved[row, place], facts[row, place]])
            columns |= self._reason(rank, np.where(is_one, found, -1.0))
        return columns

    def _reason(self, rank: int, found: Floats) -> dict[str, pa.Array]:
        """The columns of one rank from (3, rows): family or -1, effect, term."""
        place, effect, term = found
        is_none, name = place < 0, f"reason_{rank + 1}"
        features = [one.feature for one in self.terms]
        return {
            name: _taken(self.families, place, is_none),
            f"{name}_effect": pa.array(effect, pa.float64(), mask=is_none),
            f"{name}_feature": _taken(features, term, is_none),
        }

    def _facts(self, inputs: Floats, moved: Floats) -> Ints:
        """(rows, families) the term whose deviation from the typical value pulls most its family's way, else -1."""
        apart = (inputs - self._typical).round(DIGITS)
        pull = apart * self._pull * ((np.abs(apart) >= self._least) & (inputs != self._fill))
        facts, row = np.full(moved.shape, -1), np.arange(len(inputs))
        for number in range(len(self.families)):
            terms = np.flatnonzero((self.family == number) & (self._pull != 0))
            if not len(terms):
                continue
            own = pull[:, terms] * np.sign(moved[:, number])[:, None]
            most = own.argmax(axis=1)
            facts[:, number] = np.where(own[row, most] > 0, terms[most], -1)
        return facts

    @cached_property
    def _typical(self) -> Floats:
        return np.array([one.typical for one in self.terms])

    @cached_property
    def _pull(self) -> Floats:
        return np.array([one.pull for one in self.terms])

    @cached_property
    def _least(self) -> Floats:
        return np.array([one.least for one in self.terms])

    @cached_property
    def _fill(self) -> Floats:
        """NaN, which equals nothing, where there is none."""
        return np.array([np.nan if one.fill is None else one.fill for one in self.terms])


def _taken(names: Sequence[str], number: Floats, is_none: NDArray[np.bool_]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(number.astype(np.int64), pa.int64(), mask=is_none))
