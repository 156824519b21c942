"""Calibrated probabilities against those that outcomes were drawn by."""

import json

import numpy as np
import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from models.evaluation.histogram import ScoreHistogram
from models.fitting.calibration import fit_calibration
from models.scoring.calibration import Calibration

TRUE = np.linspace(0.02, 0.98, 49)


def distorted(true: np.ndarray) -> np.ndarray:
    """Probabilities as a model of balanced labels would give them: the odds are nine times too high."""
    return 9 * true / (9 * true + 1 - true)


def cells_of(probability: np.ndarray, true: np.ndarray, rows: float = 10_000) -> ScoreHistogram:
    """Cells in which exactly the true share is positive."""
    nothing = np.zeros_like(probability)
    return ScoreHistogram(
        np.arange(len(true)), rows * (1 - true), rows * true, probability, probability, nothing, nothing
    )


@pytest.mark.parametrize("how", ["isotonic", "platt"])
def test_distorted_odds_are_set_right(how: str) -> None:
    calibration = fit_calibration(cells_of(distorted(TRUE), TRUE), how)
    assert calibration(distorted(TRUE)) == pytest.approx(TRUE, abs=2e-3)
    assert np.abs(distorted(TRUE) - TRUE).max() > 0.4  # what there was to mend


def test_none_leaves_them(tmp_path: object) -> None:
    assert fit_calibration(cells_of(distorted(TRUE), TRUE), "none")(TRUE) is TRUE


def test_isotonic_by_hand() -> None:
    """Pool adjacent violators: shares 0.1, 0.5, 0.3, 0.8 of equal weight become 0.1, 0.4, 0.4, 0.8."""
    calibration = fit_calibration(cells_of(np.array([0.2, 0.4, 0.6, 0.8]), np.array([0.1, 0.5, 0.3, 0.8])), "isotonic")
    assert calibration(np.array([0.2, 0.4, 0.5, 0.6, 0.7, 0.8])) == pytest.approx([0.1, 0.4, 0.4, 0.4, 0.6, 0.8])
    assert calibration(np.array([0.0, 1.0])) == pytest.approx([0.1, 0.8])  # beyond what was seen: as at the edge


def test_nobody_is_certain() -> None:
    calibration = fit_calibration(cells_of(np.array([0.1, 0.9]), np.array([0.0, 1.0])), "isotonic")
    assert 0 < calibration(np.array([0.1]))[0] < 1e-5 and 1 - 1e-5 < calibration(np.array([0.9]))[0] < 1


@pytest.mark.parametrize("how", ["isotonic", "platt"])
@for_any(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_order_is_never_turned_around(how: str, shares: list[float]) -> None:
    """Not even where the model is worse than chance, in which case all may become the same."""
    true = np.array([0.5, *shares])
    calibration = fit_calibration(cells_of(np.linspace(0, 1, len(true)), true), how)
    found = calibration(np.linspace(0, 1, 101))
    assert (np.diff(found) >= -1e-12).all() and (found >= 0).all() and (found <= 1).all()


@pytest.mark.parametrize("how", ["none", "isotonic", "platt"])
def test_to_json_and_back(how: str) -> None:
    calibration = fit_calibration(cells_of(distorted(TRUE), TRUE), how)
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration
