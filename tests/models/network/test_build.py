"""Networks by their declaration: layers, losses and learning rates by hand, optimizers by the steps they take."""

from math import cos, exp, log, pi
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

from conf.errors import UsageError
from conf.load import load_service
from conf.network import Network
from tests.support.frames import SHOP

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "rmsprop": "RMSprop", "sgd": "SGD"}


@pytest.fixture(scope="module")
def build() -> ModuleType:
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    from models.network import build

    return build


# ---- declaration ----

MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "both limits": ({"clip_norm": 1.0, "global_clip_norm": 2.0}, "network: clip_norm, global_clip_norm: both are"),
    "limit of nothing": ({"clip_norm": 0.0}, "network.clip_norm: Input should be greater than 0"),
    "no rows": ({"batch": 0}, "network.batch: Input should be greater than 0"),
    "no layer": ({"hidden": []}, "network.hidden: List should have at least 1 item"),
    "no units": ({"hidden": [50, 0]}, "network.hidden.1: Input should be greater than 0"),
    "optimizer": ({"optimizer": "lion"}, "network.optimizer: Input should be 'adam', 'adamw',"),
    "activation": ({"activation": "sigmoid"}, "network.activation: Input should be 'relu', 'tanh' or 'elu'"),
    "all dropped": ({"dropout": 1.0}, "network.dropout: Input should be less than 1"),
    "endless rate": ({"learning_rate": float("inf")}, "network.learning_rate: Input should be a finite number"),
    "no epochs": ({"epochs": 0}, "network.epochs: Input should be greater than 0"),
    "no patience": ({"patience": 0}, "network.patience: Input should be greater than 0"),
    "no decay": ({"decay": 0.0}, "network.decay: Input should be greater than 0"),
    "growth": ({"decay": 1.1}, "network.decay: Input should be less than or equal to 1"),
    "nobody validates": ({"validation_share": 0.0}, "network.validation_share: Input should be greater than 0"),
    "nobody trains": ({"validation_share": 1.0}, "network.validation_share: Input should be less than 1"),
    "before the start": ({"warmup_epochs": -1}, "network.warmup_epochs: Input should be greater than or equal to 0"),
    "unknown key": ({"layers": 2}, "network.layers: unknown key"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_name_their_key(tmp_path: Path, mistake: str) -> None:
    declared, message = MISTAKES[mistake]
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump(SHOP | {"network": declared}))
    with pytest.raises(UsageError) as caught:
        load_service(str(file))
    assert str(caught.value).startswith(f"{file}: {message}")


def test_edges_are_allowed() -> None:
    edges = {"hidden": [1], "dropout": 0.0, "decay": 1.0, "patience": None, "warmup_epochs": 0, "global_clip_norm": 1.0}
    assert Network.model_validate(edges | {"batch": 1, "epochs": 1, "momentum": 0.0}).hidden == [1]


# ---- layers ----


def made(build: ModuleType, seed: int = 1, inputs: int = 3, **declared: Any) -> Any:
    return build.network_of_inputs(Network(**declared), np.zeros(inputs), np.ones(inputs), seed)


def test_layers_are_those_declared(build: ModuleType) -> None:
    layers = made(build, hidden=[5, 4, 7], activation="tanh", dropout=0.25, output="softmax").layers
    assert [type(layer).__name__ for layer in layers] == [
        "InputLayer",
        "Normalization",
        *["Dense", "Dropout"] * 3,
        "Dense",
    ]
    dense = [layer for layer in layers if type(layer).__name__ == "Dense"]
    assert [layer.units for layer in dense] == [5, 4, 7, 2]
    assert [layer.activation.__name__ for layer in dense] == ["tanh", "tanh", "tanh", "linear"]
    assert [layer.rate for layer in layers if type(layer).__name__ == "Dropout"] == [0.25] * 3


def test_without_dropout_there_is_no_layer_of_it(build: ModuleType) -> None:
    layers = made(build, hidden=[6]).layers
    assert [type(layer).__name__ for layer in layers] == ["InputLayer", "Normalization", "Dense", "Dense"]
    assert [layer.units for layer in layers[2:]] == [6, 1]


def test_inputs_are_standardised(build: ModuleType) -> None:
    """A row at the mean is 0 to the network, one a deviation above is 1."""
    network = build.network_of_inputs(Network(hidden=[1]), np.array([10.0]), np.array([4.0]), 1)
    network.set_weights([np.ones((1, 1)), np.zeros(1), np.ones((1, 1)), np.zeros(1)])
    assert np.array(network(np.array([[10.0], [14.0], [22.0]])))[:, 0] == pytest.approx([0, 1, 3])


def test_first_weights_follow_from_the_seed(build: ModuleType) -> None:
    first, again, other = (made(build, seed, hidden=[3, 3]).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first[::2], other[::2], strict=True))
    assert not np.array_equal(first[0], first[2])  # two layers of the same shape


def test_dropout_follows_from_the_seed(build: ModuleType) -> None:
    rows, found = np.ones((20, 3), np.float32), []
    for seed in (1, 1, 2):
        network = made(build, seed, hidden=[8, 8], dropout=0.5)
        network.set_weights([np.full(weights.shape, 0.1) for weights in network.get_weights()])
        found.append(np.array(network(rows, training=True)))
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])


def test_the_greatest_seed(build: ModuleType) -> None:
    """Which a configuration may have, and to which ranks add theirs."""
    network = made(build, 2**63 + 7, hidden=[3], dropout=0.5)
    assert np.isfinite(np.array(network(np.ones((2, 3), np.float32), training=True))).all()


# ---- losses ----

LABELS, ODDS = np.array([1.0, 0.0, 1.0, 0.0], np.float32), np.array([-2.0, 0.0, 3.0, 1.5], np.float32)
OF_THE_LABEL = [1 / (1 + exp(2)), 0.5, 1 / (1 + exp(-3)), 1 / (1 + exp(1.5))]  # its probability
BY_HAND = {
    "cross_entropy": [-log(p) for p in OF_THE_LABEL],
    "focal": [-log(p) * (1 - p) ** 2 for p in OF_THE_LABEL],
    "squared": [(1 - p) ** 2 for p in OF_THE_LABEL],
}


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("loss", BY_HAND)
def test_losses_by_hand(build: ModuleType, loss: str, output: str) -> None:
    """By softmax, only the difference of the two units counts, and the loss is that of one unit that says it."""
    losses = build.row_losses(Network(loss=loss, output=output))
    for base in (0.0, 1.5) if output == "softmax" else (0.0,):
        sums = np.column_stack([np.full(4, base), base + ODDS])[:, 1 if output == "sigmoid" else 0 :]
        found = np.array(losses(sums.astype(np.float32), LABELS))
        assert found.shape == (4,)
        assert found == pytest.approx(BY_HAND[loss], rel=1e-4)


# ---- optimizers ----


def taken(build: ModuleType, gradients: list[list[list[float]]], ranks: int = 1, **declared: Any) -> Any:
    """Where variables that begin at 0 are after steps with these gradients, and the optimizer."""
    import keras

    variables = [keras.Variable(np.zeros(len(one), np.float32)) for one in gradients[0]]
    optimizer = build.optimizer_of(Network(**declared), ranks, steps=1)
    for step in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(np.array(one, np.float32)) for one in step], variables)
    return [variable.numpy().tolist() for variable in variables], optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_go_down(build: ModuleType, name: str) -> None:
    [place], optimizer = taken(build, [[[2.0, -3.0]]], optimizer=name, learning_rate=0.01)
    assert type(optimizer).__name__ == OPTIMIZERS[name]
    assert place[0] < 0 < place[1]


@pytest.mark.parametrize(
    ("scaling", "ranks", "rate"),
    [("none", 9, 0.1), ("linear", 1, 0.1), ("linear", 9, 0.9), ("square_root", 9, 0.3)],
)
def test_first_step_is_at_the_declared_rate(build: ModuleType, scaling: str, ranks: int, rate: float) -> None:
    declared = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.1}
    [place], _ = taken(build, [[[1.0]]], ranks, scaling=scaling, **declared)
    assert place == pytest.approx([-rate])


def test_each_step_has_its_rate(build: ModuleType) -> None:
    """Of 1, a half and a quarter, an epoch being one step."""
    declared = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 1.0, "schedule": "exponential", "decay": 0.5}
    assert taken(build, [[[1.0]]] * 3, **declared)[0] == [[-1.75]]


@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_momentum_is_the_declared_one(build: ModuleType, name: str) -> None:
    """After a step that was given a gradient comes one without: what it moves is momentum."""
    for momentum in (0.0, 0.5):
        (once, twice) = (
            taken(build, steps, optimizer=name, learning_rate=0.1, momentum=momentum)[0][0][0]
            for steps in ([[[1.0]]], [[[1.0]], [[0.0]]])
        )
        assert twice - once == pytest.approx(momentum * once)


LONG, SHORT = [3.0, 4.0], [0.3, 0.4]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({}, [LONG, SHORT]),
        ({"clip_norm": 1.0}, [[0.6, 0.8], SHORT]),
        ({"global_clip_norm": 1.0}, [[x / 25.25**0.5 for x in one] for one in (LONG, SHORT)]),
    ],
    ids=str,
)
def test_limits_of_gradients(build: ModuleType, limit: dict[str, float], expected: list[list[float]]) -> None:
    places, _ = taken(build, [[LONG, SHORT]], optimizer="sgd", momentum=0.0, learning_rate=1.0, **limit)
    assert -np.array(places) == pytest.approx(np.array(expected), rel=1e-5)


# ---- learning rates ----


@pytest.mark.parametrize(
    ("declared", "rates"),
    [
        ({}, {0: 0.1, 20: 0.1, 39: 0.1}),
        ({"schedule": "cosine"}, {0: 0.1, 20: 0.05, 39: 0.05 * (1 + cos(pi * 39 / 40)), 40: 0, 50: 0}),
        ({"schedule": "exponential", "decay": 0.5}, {0: 0.1, 9: 0.1, 10: 0.05, 19: 0.05, 39: 0.0125}),
        ({"warmup_epochs": 2}, {0: 0.005, 9: 0.05, 19: 0.1, 20: 0.1, 39: 0.1}),
        ({"warmup_epochs": 2, "schedule": "exponential", "decay": 0.5}, {0: 0.005, 10: 0.0275, 39: 0.0125}),
        ({"warmup_epochs": 1, "schedule": "cosine"}, {4: 0.025 * (1 + cos(pi / 10)), 20: 0.05}),
        ({"scaling": "linear"}, {0: 0.4, 39: 0.4}),
        ({"scaling": "square_root"}, {0: 0.2, 39: 0.2}),
        ({"scaling": "linear", "warmup_epochs": 4}, {0: 0.01, 39: 0.4}),
    ],
    ids=str,
)
def test_rate_by_hand(build: ModuleType, declared: dict[str, Any], rates: dict[int, float]) -> None:
    """Of 4 epochs with 10 steps each, on 4 ranks."""
    rate = build.LearningRate(Network(learning_rate=0.1, epochs=4, **declared), ranks=4, steps=10)
    assert {step: float(rate(step)) for step in rates} == pytest.approx(rates, rel=1e-5, abs=1e-8)
