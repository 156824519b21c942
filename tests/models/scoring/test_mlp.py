"""A network as plain arrays beside paper, a row after the other, and Keras, where that is installed."""

import json
from itertools import pairwise, permutations
from math import exp, tanh
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.network import Network
from models.scoring.mlp import ACTIVATIONS, BLOCK_ROWS, Mlp

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
    margins, effects = dense.margin(rows), dense.explainer(np.arange(3))(rows)
    for place in (0, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS - 1, 2 * BLOCK_ROWS, 2 * BLOCK_ROWS + 2):
        assert margins[place] == pytest.approx(walked(dense, rows[place]))
        alone = dense.explainer(np.arange(3))(rows[place : place + 1])
        assert effects.moved[place] == pytest.approx(alone.moved[0])
    assert np.isfinite(margins).all() and np.isfinite(effects.moved).all()


def test_no_rows() -> None:
    dense, nobody = Mlp(**BY_HAND, activation="relu"), np.empty((0, 2))
    assert dense.margin(nobody).shape == (0,)
    assert dense.explainer(np.arange(2))(nobody).moved.shape == (0, 2)


def test_far_values_do_not_overflow() -> None:
    far = np.array([[1e6, 1e6], [-1e6, -1e6]])
    with np.errstate(over="raise", invalid="raise"):
        for activation in ACTIVATIONS:
            dense = Mlp(**BY_HAND, activation=activation)
            assert ((dense.probability(far) >= 0) & (dense.probability(far) <= 1)).all()
            assert np.isfinite(dense.explainer(np.arange(2))(far).moved).all()


@given(shapes)
def test_round_trip_of_json(shape: tuple[int, list[int], str]) -> None:
    dense = drawn(*shape)
    again = Mlp.from_json(json.loads(json.dumps(dense.to_json())))
    rows = np.random.default_rng(3).normal(size=(4, 3))
    assert again.activation == dense.activation
    assert np.array_equal(again.margin(rows), dense.margin(rows))
    assert np.array_equal(again.explainer(np.arange(3))(rows).moved, dense.explainer(np.arange(3))(rows).moved)


# ---- effects ----


def test_effects_by_hand() -> None:
    """relu(x + 3y - 2) + 7 from (0, 0) to (1, 1): x alone does nothing, y alone adds 1, x beside y 1 more."""
    layers = (np.array([[1.0], [3.0]]), np.array([-2.0])), (np.array([[1.0]]), np.array([7.0]))
    effects = Mlp(np.zeros(2), np.ones(2), layers, "relu").explainer(np.arange(2))(np.array([[1.0, 1.0]]))
    assert effects.margin.tolist() == [9.0]
    assert effects.moved[0] == pytest.approx([0.5, 1.5])
    assert effects.alone[0] == pytest.approx([0.0, 1.0])


@given(shapes, st.sampled_from([[0, 1, 2], [0, 0, 1], [1, 0, 1], [0, 0, 0]]))
def test_effects_are_the_means_over_all_orders_of_the_families(
    shape: tuple[int, list[int], str], family: list[int]
) -> None:
    dense, families = drawn(*shape), max(family) + 1
    rows = np.random.default_rng(5).normal(size=(3, 3), scale=2)
    effects = dense.explainer(np.array(family))(rows)
    for row, moved, alone in zip(rows, effects.moved, effects.alone, strict=True):

        def worth(own: tuple[int, ...], row: np.ndarray = row) -> float:
            return walked(dense, np.where(np.isin(family, own), row, dense.mean))

        orders = list(permutations(range(families)))
        expected = np.zeros(families)
        for order in orders:
            for place, one in enumerate(order):
                expected[one] += (worth(order[: place + 1]) - worth(order[:place])) / len(orders)
        assert moved == pytest.approx(expected)
        assert alone == pytest.approx(np.array([worth((one,)) - worth(()) for one in range(families)]))


@given(shapes)
def test_effects_add_up_to_the_difference_of_margins(shape: tuple[int, list[int], str]) -> None:
    dense = drawn(*shape)
    rows = np.random.default_rng(6).normal(size=(5, 3), scale=3)
    difference = dense.margin(rows) - dense.margin(dense.mean[None])
    assert dense.explainer(np.arange(3))(rows).moved.sum(axis=1) == pytest.approx(difference)


@given(shapes)
def test_average_customer_has_no_effects(shape: tuple[int, list[int], str]) -> None:
    dense = drawn(*shape)
    assert dense.explainer(np.arange(3))(dense.mean[None]).moved == pytest.approx(np.zeros((1, 3)), abs=1e-12)


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
