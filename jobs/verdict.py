"""How far the models can be believed: each beside the others and the baselines, and which one is chosen."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.context import Context
from models.intervals import Interval

UNKNOWN = Interval(math.nan, math.nan, math.nan)
CALIBRATED = 0.02  # an average error of the probabilities below this is called none
BY_TUNING = "the highest cross-validated AUC"
Points = list[list[float]]
Measures = dict[str, Interval]
Json = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """A model, a baseline or the truth, on the customers it learned from (`train`) and on those it never saw."""

    name: str
    title: str
    role: str
    train: Measures
    test: Measures
    curves: dict[str, Points]
    fitted_on: Any

    @property
    def auc(self) -> Interval:
        """On the customers it never saw."""
        return self.test.get("auc", UNKNOWN)


@dataclass(frozen=True)
class Candidate:
    """What a model was tried with, and its cross-validated AUC."""

    params: Mapping[str, Any]
    auc: float
    deviation: float
    chosen: bool


@dataclass(frozen=True)
class Model(Judged):
    """A trained model; `told` holds all of its metrics.json."""

    told: Mapping[str, Any]

    @property
    def candidates(self) -> list[Candidate]:
        """The grid, the best first."""
        found = [Candidate(**one) for one in self.told["tuning"]["candidates"]]
        return sorted(found, key=lambda one: (not one.chosen, -one.auc))

    @property
    def tuned_auc(self) -> float:
        """Cross-validated AUC of what was chosen from the grid."""
        return max((one.auc for one in self.candidates if one.chosen), default=-math.inf)

    @property
    def gain(self) -> Interval:
        """Paired difference of its AUC to that of the recency rule."""
        return interval(self.told["gain_over_recency"])

    @property
    def is_calibrated(self) -> bool:
        """Whether its probabilities are, on average, as often right as they say."""
        return self.test.get("calibration_error", UNKNOWN).value < CALIBRATED

    @property
    def comparison(self) -> str:
        """How it stands against the recency rule, by the interval of the paired difference."""
        if self.gain.low > 0:
            return "better than"
        return "worse than" if self.gain.high < 0 else "not clearly better than"


@dataclass(frozen=True)
class Verdict:
    """The models, the best on unseen customers first, and the baselines beside them."""

    models: list[Model]
    baselines: list[Judged]
    chosen: Model
    why: str

    @property
    def recency(self) -> Judged | None:
        """The recency rule."""
        return next((one for one in self.baselines if one.name == "recency"), None)

    @property
    def stronger_baseline(self) -> Judged | None:
        """A baseline that beats the recency rule, where there is one."""
        bar = self.recency.auc.value if self.recency else 0.5
        return max((one for one in self.baselines if one.auc.value > bar), key=lambda one: one.auc.value, default=None)

    @property
    def judged(self) -> list[Judged]:
        """All of them."""
        return [*self.models, *self.baselines]

    @property
    def elsewhere(self) -> list[Judged]:
        """Those fitted on other tables than the chosen one, with which they cannot be compared."""
        return [one for one in self.judged if one.fitted_on != self.chosen.fitted_on]


def verdict(context: Context) -> Verdict | None:
    """The trained models of the data folder, None where there are none."""
    told = [_read(path) for path in sorted(context.models.glob("*/metrics.json"))]
    models = [Model(**_judged(one, one["model"], "model", one), told=one) for one in told if "model" in one]
    if not models:
        return None
    baselines = [
        Judged(**_judged(one, one["name"], "baseline", folder))
        for folder in told
        for one in folder.get("baselines", [])
    ]
    chosen, why = _chosen(context.models / "chosen.json", models)
    return Verdict(_best_first(models), _best_first(baselines), chosen, why)


def interval(told: Mapping[str, Any] | None) -> Interval:
    """An interval of JSON, where what is no number is null."""
    ends = ((told or {}).get(key) for key in ("value", "low", "high"))
    return Interval(*(math.nan if end is None else float(end) for end in ends))


def _judged(told: Json, name: str, role: str, folder: Json) -> Json:
    """The fields of Judged, by name; `folder` is all of the metrics.json."""
    measured = {
        part: {metric: interval(one) for metric, one in told["metrics"].get(part, {}).items()}
        for part in ("train", "test")
    }
    about = {"name": name, "title": told["title"], "role": role, "curves": told["curves"]}
    fitted_on = {key: folder["fitted_on"][key] for key in ("tables", "split")}  # beside it stands the model's own grid
    return about | measured | {"fitted_on": fitted_on}


def _chosen(path: Path, models: list[Model]) -> tuple[Model, str]:
    """The model of chosen.json; where that names none of them, the one that tuning favours."""
    told = _read(path) if path.is_file() else {}
    named = next((one for one in models if one.name == told.get("model")), None)
    if named:
        return named, told["why"]
    return max(models, key=lambda one: one.tuned_auc), BY_TUNING


def _best_first(judged: list[Any]) -> list[Any]:
    return sorted(judged, key=lambda one: -one.auc.value if not math.isnan(one.auc.value) else 1.0)


def _read(path: Path) -> Json:
    told: Json = json.loads(path.read_text(encoding="utf-8"))
    return told
