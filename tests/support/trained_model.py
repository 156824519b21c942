"""The record of a model of the small shop, as training writes it."""

from collections.abc import Mapping
from math import nan
from typing import Any

from jobs.records.layers import FeaturesBasis
from jobs.records.training import FittedOn, ModelRecord, SplitSection, TuningSection
from models.evaluation.intervals import Interval
from models.fitting.cross_validation import Candidate
from tests.support.frames import shop

NOT_KNOWN = Interval(nan, nan, nan)


def fitted_on(tiles: Mapping[str, str]) -> FittedOn:
    """What a model is fitted on, by the fingerprint of the tiles at each as-of date."""
    tables = {day: FeaturesBasis(tiles=one, configuration="declared", mature=True) for day, one in tiles.items()}
    return FittedOn(tables=tables, split="by time", shared="all", own="this", declared="these")


def model_record(**changes: Any) -> ModelRecord:
    """Gradient-boosted trees fitted on two dates and tested on a third, with other fields where they are given."""
    fields: dict[str, Any] = {
        "model": "gbt",
        "title": "gradient-boosted trees",
        "without": [],
        "service": "shop",
        "label": shop().label,
        "split": SplitSection(
            by="time",
            text="by time",
            train_as_of=["2017-03-01", "2017-04-01"],
            test_as_of="2017-05-01",
            unused_as_of=[],
        ),
        "train_rows": 400,
        "test_rows": 100,
        "train_positive_share": 0.4,
        "balance": "weights",
        "calibration": "platt",
        "tuning": TuningSection(
            folds=3,
            rows=10,
            candidates=[
                Candidate({"depth": 3, "rounds": 50}, 0.8, 0.1, False),
                Candidate({"depth": 5, "rounds": 50}, 0.9, 0.1, True),
            ],
        ),
        "left_out": {},
        "fitted_on": fitted_on({"2017-03-01": "aa", "2017-05-01": "bb"}),
        "code_version": "abc+changes",
        "seed": 7,
        "threshold": 0.5,
        "metrics": {
            "train": {"auc": Interval(0.85, 0.7, 0.9)},
            "test": {"auc": Interval(0.8, 0.7, 0.9), "ks": NOT_KNOWN},
        },
        "curves": {"roc": [[0.0, 0.0], [1.0, 1.0]]},
        "gain_over_recency": NOT_KNOWN,
        "importance": [],
        "partial_dependence": [],
    }
    return ModelRecord(**(fields | changes))
