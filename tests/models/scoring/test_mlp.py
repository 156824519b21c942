"""A network as plain arrays beside paper, a row after the other, and Keras, where that is installed."""

import json
from itertools import pairwise
from math import exp, tanh
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.network import Network
from models.scoring.mlp import ACTIVATIONS, BLOCK_ROWS, PATH_POINTS, Mlp

# Of two inputs with two hidden units; the rows are (1, -1) and (2, 1) when standardised, for which the units sum up
# (-1, -0.5) and (4, -0.5).
BY_HAND: dict[str, Any] = {
    "mean": np.array([1.0, 2.0]),
    "deviation": np.array([2.0, 1.0]),
    "layers": (
        (np.array([[1.0, -1.0], [2.0, 0.5]]), np.array([0.0, 1.0])),
        (np.array([[3.0], [-2.0]]), np.array([0.5])),
    ),
}
ROWS = np.array([[3.0, 1.0], [5.0, 3.0]])


@pytest.fixture(scope="module")
def keras() -> SimpleNamespace:
    """Keras, and what makes networks of it."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    import keras

    from models.network import build
    from models.network import export as whole

    return SimpleNamespace(ops=keras.ops, network=build.network_of_inputs, plain_copy=whole.portable_copy)


def drawn(seed: int, units: list[int], activation: str, terms: int = 3) -> Mlp:
    """A network of random weights."""
    random = np.random.default_rng(seed)
    sizes = [terms, *units, 1]
    layers = tuple(
        (random.normal(size=(before, after)), random.normal(size=after)) for before, after in pairwise(sizes)
    )
    return Mlp(random.normal(size=terms), random.uniform(0.5, 3, terms), layers, activation)


def walked(dense: Mlp, row: np.ndarray) -> float:
    """The log odds of one row, unit by unit."""
    of_a_unit = {"relu": lambda z: max(z, 0.0), "tanh": tanh, "elu": lambda z: z if z > 0 else exp(z) - 1}
    values = [(x - m) / d for x, m, d in zip(row, dense.mean, dense.deviation, strict=True)]
    *hidden, (weights, bias) = dense.layers
    for before, offset in hidden:
        sums = [sum(v * w for v, w in zip(values, unit, strict=True)) for unit in before.T]
        values = [of_a_unit[dense.activation](z + b) for z, b in zip(sums, offset, strict=True)]
    return float(sum(v * w for v, w in zip(values, weights[:, 0], strict=True)) + bias[0])


shapes = st.tuples(
    st.integers(0, 2**32), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.sampled_from(sorted(ACTIVATIONS))
)


@pytest.mark.parametrize(
    ("activation", "margins"),
    [
        ("relu", [0.5, 3 * 4 + 0.5]),
        ("tanh", [3 * tanh(-1) - 2 * tanh(-0.5) + 0.5, 3 * tanh(4) - 2 * tanh(-0.5) + 0.5]),
        ("elu", [3 * (exp(-1) - 1) - 2 * (exp(-0.5) - 1) + 0.5, 3 * 4 - 2 * (exp(-0.5) - 1) + 0.5]),
    ],
)
def test_network_by_hand(activation: str, margins: list[float]) -> None:
    dense = Mlp(**BY_HAND, activation=activation)
    assert dense.margin(ROWS) == pytest.approx(margins)
    assert dense.probability(ROWS) == pytest.approx([1 / (1 + exp(-margin)) for margin in margins])


def test_activation_is_not_on_the_log_odds() -> None:
    """Which may be below 0."""
    no_hidden = Mlp(np.zeros(1), np.ones(1), ((np.array([[2.0]]), np.array([-1.0])),), "relu")
    assert no_hidden.margin(np.array([[-3.0], [4.0]])).tolist() == [-7.0, 7.0]


@given(shapes)
def test_like_a_walk_of_each_row(shape: tuple[int, list[int], str]) -> None:
    dense = drawn(*shape)
    rows = np.random.default_rng(1).normal(size=(5, 3), scale=3)
    assert dense.margin(rows).tolist() == pytest.approx([walked(dense, row) for row in rows])


def test_many_rows_are_as_each_alone() -> None:
    dense = drawn(4, [3, 2], "elu")
    rows = np.random.default_rng(2).normal(size=(2 * BLOCK_ROWS + 3, 3))
    margins, contributions = dense.margin(rows), dense.contributions(rows)
    for place in (0, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS - 1, 2 * BLOCK_ROWS, 2 * BLOCK_ROWS + 2):
        assert margins[place] == pytest.approx(walked(dense, rows[place]))
        assert contributions[place] == pytest.approx(dense.contributions(rows[place : place + 1])[0])
    assert np.isfinite(margins).all() and np.abs(contributions).min() > 0


def test_no_rows() -> None:
    dense, nobody = Mlp(**BY_HAND, activation="relu"), np.empty((0, 2))
    assert dense.margin(nobody).shape == (0,)
    assert dense.contributions(nobody).shape == (0, 2)


def test_far_values_do_not_overflow() -> None:
    far = np.array([[1e6, 1e6], [-1e6, -1e6]])
    with np.errstate(over="raise", invalid="raise"):
        for activation in ACTIVATIONS:
            dense = Mlp(**BY_HAND, activation=activation)
            assert ((dense.probability(far) >= 0) & (dense.probability(far) <= 1)).all()
            assert np.isfinite(dense.contributions(far)).all()


@given(shapes)
def test_round_trip_of_json(shape: tuple[int, list[int], str]) -> None:
    dense = drawn(*shape)
    again = Mlp.from_json(json.loads(json.dumps(dense.to_json())))
    rows = np.random.default_rng(3).normal(size=(4, 3))
    assert again.activation == dense.activation
    assert np.array_equal(again.margin(rows), dense.margin(rows))
    assert np.array_equal(again.contributions(rows), dense.contributions(rows))


# ---- contributions ----


def test_contributions_by_hand() -> None:
    """relu(x + 3y - 2) from (0, 0) to (1, 1): flat to the middle of the way, from there on it rises by 1 and 3."""
    layers = (np.array([[1.0], [3.0]]), np.array([-2.0])), (np.array([[1.0]]), np.array([7.0]))
    dense = Mlp(np.zeros(2), np.ones(2), layers, "relu")
    assert dense.contributions(np.array([[1.0, 1.0]]))[0] == pytest.approx([0.5, 1.5])


@given(shapes)
def test_contributions_are_the_mean_slope_on_the_way(shape: tuple[int, list[int], str]) -> None:
    """Slopes by differences of the margin, at the points that stand in the middle of equal steps."""
    dense, step = drawn(*shape), 1e-6
    row = np.random.default_rng(5).normal(size=3, scale=2)
    for term in range(3):
        slopes = []
        for point in (np.arange(PATH_POINTS) + 0.5) / PATH_POINTS:
            there = np.tile(dense.mean + point * (row - dense.mean), (2, 1))
            there[:, term] += step, -step
            slopes.append(np.diff(dense.margin(there))[0] / (-2 * step))
        expected = np.mean(slopes) * (row[term] - dense.mean[term])
        assert dense.contributions(row[None])[0, term] == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("activation", "apart"), [("tanh", 0.003), ("elu", 0.001), ("relu", 0.03)])
def test_contributions_add_up_to_the_difference_of_margins(activation: str, apart: float) -> None:
    """But for the steps: nearly where slopes change slowly, less so where they jump. On average of the customers, as a
    share of the range of margins."""
    for seed in range(20):
        dense = drawn(seed, [6, 5], activation, terms=4)
        rows = np.random.default_rng(seed + 100).normal(size=(50, 4))
        difference = dense.margin(rows) - dense.margin(dense.mean[None])
        assert np.abs(dense.contributions(rows).sum(axis=1) - difference).mean() < apart * np.ptp(difference)


def test_contributions_of_a_straight_network_are_exact() -> None:
    """All of its units are so high that none has its kink on the way: what is left are products of matrices."""
    dense = drawn(6, [4, 3], "relu")
    raised = tuple((np.abs(weights), bias + 1000) for weights, bias in dense.layers)
    dense = Mlp(dense.mean, dense.deviation, raised, "relu")
    rows = np.random.default_rng(7).normal(size=(30, 3), scale=3)
    weight = np.linalg.multi_dot([weights for weights, _ in raised])[:, 0]
    assert dense.contributions(rows) == pytest.approx((rows - dense.mean) / dense.deviation * weight, rel=1e-12)
    difference = dense.margin(rows) - dense.margin(dense.mean[None])
    assert dense.contributions(rows).sum(axis=1) == pytest.approx(difference, abs=1e-9)


@given(shapes, st.integers(0, 2))
def test_term_without_weight_contributes_nothing(shape: tuple[int, list[int], str], term: int) -> None:
    dense = drawn(*shape)
    dense.layers[0][0][term] = 0.0
    rows = np.random.default_rng(8).normal(size=(4, 3), scale=9)
    assert dense.contributions(rows)[:, term].tolist() == [0.0] * 4


@given(shapes)
def test_average_customer_has_no_contributions(shape: tuple[int, list[int], str]) -> None:
    dense = drawn(*shape)
    assert dense.contributions(dense.mean[None]).tolist() == [[0.0] * 3]


# ---- Keras ----


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("hidden", [[7], [5, 4, 3]], ids=str)
def test_like_keras(keras: SimpleNamespace, activation: str, output: str, hidden: list[int]) -> None:
    random = np.random.default_rng(7)
    mean, deviation = random.normal(size=4, scale=5), random.uniform(0.1, 10, 4)
    declared = Network(hidden=hidden, activation=activation, output=output, dropout=0.5)
    network = keras.network(declared, mean, deviation, seed=1)
    network.set_weights([random.normal(size=weights.shape) for weights in network.get_weights()])
    dense = keras.plain_copy(network, mean, deviation, activation)
    rows = mean + deviation * random.normal(size=(200, 4))
    sums = network(rows.astype(np.float32), training=False)
    by_keras = keras.ops.softmax(sums)[:, 1] if output == "softmax" else keras.ops.sigmoid(sums)[:, 0]
    assert dense.probability(rows) == pytest.approx(np.array(by_keras), abs=2e-5, rel=0)
    assert np.ptp(dense.probability(rows)) > 0.1


def test_both_outputs_can_be_one_network(keras: SimpleNamespace) -> None:
    """Two units of which the first always says 0 are one unit."""
    mean, deviation = np.zeros(3), np.ones(3)
    one = keras.network(Network(hidden=[4]), mean, deviation, seed=2)
    *hidden, last, bias = one.get_weights()
    bias = bias + 0.5
    two = keras.network(Network(hidden=[4], output="softmax"), mean, deviation, seed=3)
    one.set_weights([*hidden, last, bias])
    two.set_weights([*hidden, np.hstack([np.zeros_like(last), last]), np.append(0.0, bias)])
    by_one, by_two = (keras.plain_copy(network, mean, deviation, "relu") for network in (one, two))
    assert by_one.to_json() == by_two.to_json()
