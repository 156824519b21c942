"""Models as plain data: what is read from JSON scores like what was written."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from models.scoring.calibration import Calibration
from models.scoring.inputs import Input
from models.scoring.linear import Linear, Scorer
from models.scoring.mlp import Mlp
from models.scoring.portable import SCORERS, PortableModel
from models.scoring.trees import Trees

ONE, TWO = np.array([0.5, -1.0]), np.array([2.0, 3.0])
LEAF = -1
WITH_SCORERS: dict[str, Scorer] = {
    "linear": Linear(0.25, ONE, TWO, TWO),
    "mlp": Mlp(ONE, TWO, ((np.eye(2), ONE), (TWO[:, None], ONE[:1])), "tanh"),
    "trees": Trees(
        roots=np.array([0]),
        feature=np.array([1, LEAF, LEAF], np.int32),
        threshold=np.array([0.5, 0.0, 0.0]),
        left=np.array([1, 1, 2]),
        right=np.array([2, 1, 2]),
        value=np.array([0.1, -1.0, 2.0]),
        cover=np.array([30.0, 19.0, 11.0]),
        base=0.1,
        terms=2,
        link="log_odds",
    ),
}
INPUTS = (Input("visits", "visits", "cast(visits as double)", 3.5), Input("age", "age", "cast(age as double)", None))
ROWS = np.array([[0.0, 0.0], [1.0, 1.0], [-3.0, 9.0]])


def model(name: str) -> PortableModel:
    return PortableModel("some_kind", INPUTS, WITH_SCORERS[name], Calibration("platt", (0.5, 0.1)))


@pytest.mark.parametrize("name", SCORERS)
def test_to_json_and_back(name: str) -> None:
    again = PortableModel.from_json(json.loads(json.dumps(model(name).to_json())))
    assert type(again.scorer) is SCORERS[name]
    assert replace(again, scorer=None) == replace(model(name), scorer=None)
    assert again.probability(ROWS) == pytest.approx(model(name).probability(ROWS), abs=0)


@pytest.mark.parametrize("name", SCORERS)
def test_json_has_the_fields_by_which_the_scorer_is_found(name: str) -> None:
    data = model(name).to_json()
    assert list(data) == ["kind", "inputs", "scorer", "calibration"]
    assert set(data["scorer"]) == {field.name for field in fields(SCORERS[name])}


def test_an_unknown_scorer_is_refused() -> None:
    data = model("linear").to_json()
    data["scorer"]["curve"] = []
    with pytest.raises(ValueError, match="curve, deviation, intercept, mean, weight; train the model again"):
        PortableModel.from_json(data)
