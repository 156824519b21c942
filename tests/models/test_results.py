"""Results as they stand in records: pydantic reads the JSON of each into the dataclass that it was written from."""

import json
import math
from dataclasses import asdict
from typing import Any

import pytest
from pydantic import TypeAdapter

from models.drift import (
    CategoryReference,
    FeatureDrift,
    NumberReference,
    Reference,
    ScoreDrift,
    ScoreReference,
    TableDrift,
)
from models.evaluation.evaluate import Evaluation
from models.evaluation.explanation import Explanation, FeatureImportance, PartialDependence
from models.evaluation.intervals import Interval
from models.fitting.cross_validation import Candidate
from models.network.checkpoint import Epoch, Throughput
from models.recommender.ranking import RankingQuality
from models.recommender.ratings import RatingErrors
from models.targeting.contact_list import ContactPlan, OtherAim
from models.targeting.profit import ProfitAtShare, ProfitCurve, RuleAtShare
from models.targeting.uplift import DecileUplift, Uplift

SOME, NONE = Interval(0.5, 0.25, 0.75), Interval(math.nan, math.nan, math.nan)
RESULTS: list[Any] = [
    SOME,
    Evaluation(0.5, {"train": {"auc": SOME}, "test": {"auc": NONE}}, {"roc": [[0.0, 0.0], [1.0, 1.0]], "lift": []}),
    Explanation(
        [FeatureImportance("visits", "Visits", "visits", SOME, -0.5, None)],
        [PartialDependence("device", "Device", "device", [("ar", 0.5), (2.0, 0.25), ("not known", 0.125)])],
    ),
    Candidate({"depth": 3, "learning_rate": 0.1, "hidden": "8 relu"}, 0.75, math.nan, True),
    Epoch(3, math.nan, math.nan, 1.5),
    Throughput(12.5, [6.0, 6.5], 0.875),
    ContactPlan(2, 1, 2.0, 6.5, 0.85, 0.5, 1.5, {"segments": 3}),
    OtherAim("convert", 2, 2.0, 6.5, 1),
    ProfitCurve([ProfitAtShare(0.05, 3, {"model": RuleAtShare(SOME, NONE)}, {"random": NONE}, 2.5)], 12.0, 0.05),
    Uplift(SOME, [[0.0, 0.0], [1.0, 0.5]], [DecileUplift(10, 4, 2, SOME)]),
    RatingErrors(SOME, NONE, 7),
    RankingQuality({"ndcg": NONE}, 3, 0.5),
    Reference(
        9,
        {
            "visits": NumberReference("Visits", "count", [0.0, 3.0], [0.5, 0.25, 0.125], 0.125),
            "device": CategoryReference("Device", "category", ["ar"], [0.5, 0.25], 0.25),
        },
        ScoreReference([0.5], [0.5, 0.5], 0.0, 0.5, 8),
    ),
    TableDrift(
        9, [FeatureDrift("visits", "Visits", "count", 0.5, 0.0, 0.1, 0.0, ["psi"])], ScoreDrift(0.25, 0.5, 0.5, []), []
    ),
]


def in_json(value: Any) -> Any:
    """As records hold it: null in place of NaN."""
    if isinstance(value, dict):
        return {key: in_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [in_json(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_what_is_written_is_what_is_read(result: Any) -> None:
    text = json.dumps(in_json(asdict(result)), allow_nan=False)
    again = TypeAdapter(type(result)).validate_json(text)
    assert repr(again) == repr(TypeAdapter(type(result)).validate_python(result))  # NaN is not equal to NaN
    assert json.dumps(in_json(asdict(again)), allow_nan=False) == text


@pytest.mark.parametrize("result", [SOME, NONE], ids=["some", "none"])
def test_a_number_that_is_text_is_refused(result: Interval) -> None:
    with pytest.raises(ValueError, match="low"):
        TypeAdapter(Interval).validate_python(asdict(result) | {"low": "little"})
