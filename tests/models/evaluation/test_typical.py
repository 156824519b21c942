"""The typical customer and the direction of each feature alone, by hand, and drawn from a table of either engine."""

from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from models.evaluation.typical import TrainingSample, describe_typical, draw_training_sample, pull
from models.scoring.calibration import Calibration
from models.scoring.inputs import Input
from models.scoring.linear import Linear
from models.scoring.portable import PortableModel
from tests.support.frames import frame

COUNT = 100


def model(*names: tuple[str, str]) -> PortableModel:
    """A model with inputs of these names and features."""
    none = np.zeros(len(names))
    inputs = tuple(Input(name, feature, feature, None) for name, feature in names)
    return PortableModel("lr", inputs, Linear(0.0, none, none, none), Calibration())


def sample(labels: list[int], raw: dict[str, list[Any]], inputs: dict[str, list[float]]) -> TrainingSample:
    return TrainingSample(np.array(labels), {name: np.array(one, float) for name, one in inputs.items()}, raw)


def test_pull_by_hand() -> None:
    """All of the 50 with label 1 are above all others: AUC 1, and the standard deviation of 0 and 2 is 1."""
    values, labels = np.repeat([0.0, 2.0], 50), np.repeat([0, 1], 50)
    assert pull(values, labels) == pytest.approx(1.0)
    assert pull(-values, labels) == pytest.approx(-1.0)
    assert pull(values * 10, labels) == pytest.approx(0.1)


def test_no_pull_by_chance_and_of_one_value_or_label() -> None:
    random = np.random.default_rng(1)
    assert pull(random.normal(size=200), random.integers(0, 2, 200)) == 0.0
    assert pull(np.ones(9), np.repeat([0, 1], [4, 5])) == 0.0
    assert pull(np.arange(9.0), np.ones(9, int)) == 0.0
    assert pull(np.zeros(0), np.zeros(0, int)) == 0.0


def test_typical_number_is_a_median_that_occurs() -> None:
    labels = [0, 1] * (COUNT // 2)
    days = [float(n) for n in range(COUNT)]
    found = describe_typical(sample(labels, {"days": days}, {"days": days}), model(("days", "days")))
    assert found.features == {"days": 49.0}
    assert (found.terms["days"].typical, found.terms["days"].pull) == (49.0, 0.0)
    assert found.terms["days"].least == pytest.approx(0.1 * np.sqrt((COUNT**2 - 1) / 12))


def test_null_is_compared_with_all_values_and_numbers_with_each_other() -> None:
    """Ten of a hundred are null and all of label 1; of the others the higher half has label 1."""
    days: list[float | None] = [None] * 10 + [float(n) for n in range(90)]
    labels = [1] * 10 + [0] * 45 + [1] * 45
    inputs = {"days": [44.5] * 10 + [float(n) for n in range(90)], "days_is_missing": [1.0] * 10 + [0.0] * 90}
    names = ("days", "days"), ("days_is_missing", "days")
    found = describe_typical(sample(labels, {"days": days}, inputs), model(*names))
    assert found.features == {"days": 44.0}
    assert found.terms["days"].typical == 44.0
    assert found.terms["days"].pull == pytest.approx(1 / np.std(np.arange(90)))
    assert found.terms["days_is_missing"].typical == 0.0
    assert found.terms["days_is_missing"].pull > 0


def test_where_most_have_none_null_is_no_fact() -> None:
    """And whoever has a value is compared with the others who have one."""
    searched: list[float | None] = [None] * 60 + [float(n) for n in range(40)]
    labels = [0] * 60 + [0] * 20 + [1] * 20
    inputs = {"days": [20.0] * 60 + [float(n) for n in range(40)], "days_is_missing": [1.0] * 60 + [0.0] * 40}
    found = describe_typical(
        sample(labels, {"days": searched}, inputs), model(("days", "days"), ("days_is_missing", "days"))
    )
    assert found.features == {"days": 19.0}
    assert found.terms["days"].typical == 19.0 and found.terms["days"].pull > 0
    assert found.terms["days_is_missing"].pull == 0.0


def test_levels_are_compared_with_the_commonest() -> None:
    """Nine of ten on ip have label 1, half of the commoner ar, and one of ten on mc."""
    device = ["ar"] * 60 + ["ip"] * 20 + ["mc"] * 20
    labels = [0, 1] * 30 + [1] * 18 + [0] * 2 + [0] * 18 + [1] * 2
    inputs = {f"device_is_{level}": [float(one == level) for one in device] for level in ("ar", "ip", "mc")}
    found = describe_typical(sample(labels, {"device": device}, inputs), model(*((name, "device") for name in inputs)))
    assert found.features == {"device": "ar"}
    assert {name: float(np.sign(one.pull)) for name, one in found.terms.items()} == {
        "device_is_ar": 0.0, "device_is_ip": 1.0, "device_is_mc": -1.0,
    }  # fmt: skip


def test_the_sample_of_a_table(engine: SparkSession) -> None:
    rows = [{"customer_id": n, "label": n % 2, "days": None if n == 3 else float(n)} for n in range(30)]
    table = frame(engine, rows, {"customer_id": "bigint", "label": "int", "days": "double"})
    inputs = (
        Input("days", "days", "days * 2", 7.0),
        Input("days_is_missing", "days", "if(days is null, 1D, 0D)", None),
    )
    fitted = PortableModel("lr", inputs, Linear(0.0, np.zeros(2), np.ones(2), np.ones(2)), Calibration())
    some = draw_training_sample(table, fitted, 30)
    by_days = sorted(zip(some.raw["days"], some.inputs["days"], some.labels, strict=True), key=lambda one: one[1])
    assert len(by_days) == 30
    assert [one for one in by_days if one[0] is None] == [(None, 7.0, 1)]
    assert all((value, label) == (2 * days, days % 2) for days, value, label in by_days if days is not None)
    assert some.inputs["days_is_missing"].sum() == 1
    assert len(draw_training_sample(table, fitted, 10).labels) == 10
