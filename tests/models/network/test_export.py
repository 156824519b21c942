"""The saved network takes raw feature rows without any of Encore: on paper it gives the same probabilities."""

import json
import os
import subprocess
import sys
import sysconfig
from math import exp, log1p, nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from conf.network import Network
from models.fitting.calibration import Calibration
from models.fitting.encoding import terms_of
from models.network.job import NETWORK
from models.scoring.inputs import Input
from models.scoring.mlp import Mlp
from models.scoring.portable import PortableModel
from tests.support.customers import AGE, DEVICE, SHARE, VISITS, feature, table

HEIGHT = feature("height", "share", may_be_null=True)
TERMS = {term.name: term for term in terms_of([VISITS, SHARE, AGE, DEVICE, HEIGHT])}
FILLS = {"age": 1.75, "height": 0.25}  # means of the training rows, of the logarithm for the first
# Not in the order of the features, and some terms are left out.
NAMES = ["device_is_ip", "age", "visits", "age_is_missing", "share", "height"]
INPUTS = [Input(name, TERMS[name].feature, TERMS[name].sql, FILLS.get(name)) for name in NAMES]
MEAN, DEVIATION = np.array([0.25, 2.0, 1.0, 0.5, 0.5, 0.0]), np.array([0.5, 4.0, 8.0, 0.5, 0.25, 2.0])
HIDDEN = (
    np.array([[1.0, -1.0], [0.5, 2.0], [-1.0, 0.25], [1.5, -0.5], [0.75, 1.0], [-2.0, 1.0]]),
    np.array([4.0, 2.0]),
)
LAST = {
    "sigmoid": (np.array([[1.5], [-1.0]]), np.array([0.25])),
    "softmax": (np.array([[1.0, 2.5], [0.5, -0.5]]), np.array([0.5, 0.75])),  # their difference is the one above
}

# Each row as it is, beside its inputs as they are on paper.
ROWS: list[tuple[dict[str, Any], list[float]]] = [
    ({"device": "ip", "age": 4.5, "visits": 7, "share": 0.25, "height": 3.0}, [1, log1p(4.5), log1p(7), 0, 0.25, 3]),
    ({"device": "ar", "age": None, "visits": 0, "share": 0.0, "height": None}, [0, 1.75, 0, 1, 0, 0.25]),
    ({"device": "wp", "age": 0.0, "visits": -3, "share": 1.0, "height": 0.0}, [0, 0, -log1p(3), 0, 1, 0]),
    (
        {"device": None, "age": 2.0, "visits": 10**6, "share": 0.5, "height": -1.0},
        [0, log1p(2), log1p(1e6), 0, 0.5, -1],
    ),
    ({"device": "", "age": None, "visits": 2, "share": 0.5, "height": 1.0}, [0, 1.75, log1p(2), 1, 0.5, 1]),
    ({"device": "IP", "age": 1e4, "visits": 1, "share": 0.5, "height": 0.5}, [0, log1p(1e4), log1p(1), 0, 0.5, 0.5]),
]
EXPLAINED = [explained for _, explained in ROWS]

ALONE = """
import importlib.util, json, sys
import keras, numpy as np, tensorflow as tf
assert not any(importlib.util.find_spec(name) for name in ("conf", "features", "jobs", "models"))
rows, files = json.load(sys.stdin)
kinds = {name: ("", tf.string) if name == "device" else (float("nan"), tf.float32) for name in rows[0]}
columns = {
    name: tf.constant([[missing if row[name] is None else row[name]] for row in rows], kind)
    for name, (missing, kind) in kinds.items()
}
found = [np.asarray(keras.saving.load_model(file)(columns)).tolist() for file in files]
print("\\n" + json.dumps(found))
"""


def margin(explained: list[float]) -> float:
    """The log odds of one row of inputs."""
    standard = [(value - m) / d for value, m, d in zip(explained, MEAN, DEVIATION, strict=True)]
    (first, second), (bias_1, bias_2) = HIDDEN[0].T, HIDDEN[1]
    unit_1 = max(0.0, sum(v * w for v, w in zip(standard, first, strict=True)) + bias_1)
    unit_2 = max(0.0, sum(v * w for v, w in zip(standard, second, strict=True)) + bias_2)
    return 1.5 * unit_1 - unit_2 + 0.25


EXPECTED = [1 / (1 + exp(-margin(explained))) for explained in EXPLAINED]


@pytest.fixture(scope="module")
def keras() -> SimpleNamespace:
    """What makes networks, and what takes them."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    from models.network import build
    from models.network import export as whole

    def network(output: str) -> Any:
        made = build.network_of_inputs(Network(hidden=[2], output=output, dropout=0.5), MEAN, DEVIATION, 1)
        made.set_weights([*HIDDEN, *LAST[output]])
        return made

    return SimpleNamespace(network=network, whole=whole, build=build)


@pytest.fixture(scope="module")
def files(keras: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The saved network by its output."""
    folder = tmp_path_factory.mktemp("networks")
    files = {output: folder / f"{output}.keras" for output in LAST}
    for output, file in files.items():
        keras.whole.network_with_preprocessing(keras.network(output), output, list(TERMS.values()), INPUTS).save(file)
    return files


@pytest.fixture(scope="module")
def scored_alone(files: dict[str, Path]) -> dict[str, np.ndarray]:
    """What a process without Encore makes of the rows; without `site`, it does not know where Encore is installed."""
    asked = json.dumps([[row for row, _ in ROWS], [str(file) for file in files.values()]])
    home = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", ALONE],
        input=asked,
        cwd=files["sigmoid"].parent,
        env=home | {"PYTHONPATH": sysconfig.get_path("purelib"), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(files, map(np.array, json.loads(done.stdout.splitlines()[-1])), strict=True))


def test_rows_on_paper_are_apart() -> None:
    assert np.abs(np.diff(sorted(EXPECTED))).min() > 0.01


def test_probabilities_without_encore(scored_alone: dict[str, np.ndarray]) -> None:
    assert scored_alone["sigmoid"].shape == (6, 1)
    assert scored_alone["sigmoid"][:, 0] == pytest.approx(EXPECTED, abs=1e-6)


def test_probabilities_of_both_labels_without_encore(scored_alone: dict[str, np.ndarray]) -> None:
    assert scored_alone["softmax"].shape == (6, 2)
    assert scored_alone["softmax"][:, 1] == pytest.approx(EXPECTED, abs=1e-6)
    assert scored_alone["softmax"][:, 0] == pytest.approx([1 - one for one in EXPECTED], abs=1e-6)


@pytest.mark.parametrize("output", LAST)
def test_plain_copy_says_the_same(keras: SimpleNamespace, output: str) -> None:
    copy = keras.whole.portable_copy(keras.network(output), MEAN, DEVIATION, "relu")
    assert copy.margin(np.array(EXPLAINED)) == pytest.approx([margin(explained) for explained in EXPLAINED])


def test_missing_value_is_the_mean_beside_its_indicator(keras: SimpleNamespace) -> None:
    """By a network that adds up its two inputs, the second ten times: nothing but what is missing takes the mean."""
    inputs = [one for one in INPUTS if one.feature == "age"]
    network = keras.build.network_of_inputs(Network(hidden=[1]), np.zeros(2), np.ones(2), 1)
    network.set_weights([np.array([[1.0], [10.0]]), np.zeros(1), np.ones((1, 1)), np.zeros(1)])
    whole = keras.whole.network_with_preprocessing(network, "sigmoid", list(TERMS.values()), inputs)
    ages = np.array([[nan], [0.0], [1e-9], [9.0]], np.float32)
    odds = np.array(whole({"age": ages}, training=False), float)[:, 0]
    assert np.log(odds / (1 - odds)) == pytest.approx([1.75 + 10, 0, 0, log1p(9)], abs=0.01)


@pytest.mark.parametrize("output", LAST)
def test_columns_of_a_table(keras: SimpleNamespace, output: str) -> None:
    """Whole numbers and others, with nulls, and texts; of one unit what it says, of two the latter."""
    whole = keras.whole.network_with_preprocessing(keras.network(output), output, list(TERMS.values()), INPUTS)
    rows = pa.Table.from_pylist([row for row, _ in ROWS])
    found = keras.whole.probabilities(whole, {name: rows[name] for name in rows.column_names})
    assert found.shape == (6,)
    assert found == pytest.approx(EXPECTED, abs=1e-6)


def test_a_copy_that_scores_otherwise_is_refused(
    keras: SimpleNamespace, files: dict[str, Path], sail: SparkSession
) -> None:
    inputs = [one for one in INPUTS if one.feature != "height"]
    mean, deviation = MEAN[:-1], DEVIATION[:-1]
    layers = (HIDDEN[0][:-1], HIDDEN[1]), LAST["sigmoid"]
    network = keras.build.network_of_inputs(Network(hidden=[2]), mean, deviation, 1)
    network.set_weights([array for layer in layers for array in layer])
    file = files["sigmoid"].parent / "few.keras"
    keras.whole.network_with_preprocessing(network, "sigmoid", list(TERMS.values()), inputs).save(file)
    nobody = {"device": None, "age": None, "visits": 9, "share": 0.5}
    rows = table(sail, [nobody, nobody | {"age": 2.0, "device": "ip"}])

    def compare(shift: float) -> None:
        copy = Mlp(mean, deviation, (layers[0], (layers[1][0], layers[1][1] + shift)), "relu")
        keras.whole.require_same_scores(file, PortableModel(NETWORK, tuple(inputs), copy, Calibration()), rows)

    compare(0.0)
    for shift in (0.5, nan):
        with pytest.raises(RuntimeError, match="other probabilities than its portable copy"):
            compare(shift)
