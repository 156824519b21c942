"""Intervals from resamples, worked out by hand."""

from math import isnan

import numpy as np
import pytest

from models.evaluation.bootstrap import basic_interval, interval_of_absolute_sum, percentile_interval
from models.evaluation.intervals import Interval

RISING = np.arange(1_001) / 1_000


def test_the_middle_of_the_resamples() -> None:
    assert percentile_interval(0.4, RISING) == Interval(0.4, 0.025, 0.975)


def test_the_basic_interval_is_mirrored() -> None:
    """Resamples from 0.502 to 0.569 (the middle ones) about 0.5: the truth is as far below."""
    found = basic_interval(0.5, 0.5 + 0.07 * RISING)
    assert (found.value, found.high) == (0.5, 0.5)  # they are all above it
    assert found.low == pytest.approx(0.5 - 0.975 * 0.07)
    assert basic_interval(0.5, 2 * RISING) == Interval(0.5, 0, pytest.approx(0.95))
    assert basic_interval(0.9, RISING).high == 1


def test_a_value_outside_its_resamples_stays_inside() -> None:
    assert percentile_interval(2.0, RISING) == Interval(2.0, 0.025, 2.0)
    assert percentile_interval(-1.0, RISING) == Interval(-1.0, -1.0, 0.975)


@pytest.mark.parametrize("interval", [percentile_interval, basic_interval])
def test_what_is_not_defined(interval: object) -> None:
    assert callable(interval)
    assert isnan(interval(np.nan, RISING).low) and isnan(interval(np.nan, RISING).high)
    assert interval(0.4, np.full(5, np.nan)) == Interval(0.4, 0.4, 0.4)
    assert interval(0.5, np.where(RISING < 2, RISING, 0)) == interval(0.5, np.append(RISING, np.nan))


def test_an_absolute_sum_of_sure_differences_is_like_any_sum() -> None:
    """One difference, far from 0 on the negative side: its size has the resamples' spread."""
    found = interval_of_absolute_sum(np.array([-0.5]), (-0.5 + 0.1 * (RISING - 0.5))[:, None])
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 - 0.0475, 0.5 + 0.0475))


def test_an_absolute_sum_may_be_nothing_but_chance() -> None:
    """Four differences of one deviation each, in resamples that add as much of either sign."""
    chance = np.random.default_rng(0).normal(0, 0.01, (2_000, 4))
    found = interval_of_absolute_sum(np.array([0.01, -0.01, 0.01, -0.01]), np.array([1, -1, 1, -1]) * 0.01 + chance)
    assert found.value == pytest.approx(0.04)
    assert found.low == 0  # |normal| four times is 0.032 on average and passes 0.04 now and then
    assert found.high == pytest.approx(0.04 + 1.96 * 0.02, rel=0.05)


def test_an_absolute_sum_that_is_not_defined() -> None:
    assert isnan(interval_of_absolute_sum(np.full(10, np.nan), np.zeros((3, 10))).low)
    assert interval_of_absolute_sum(np.array([0.1]), np.full((3, 1), np.nan)) == Interval(0.1, 0.1, 0.1)
