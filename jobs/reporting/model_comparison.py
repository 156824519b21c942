"""How far the models can be believed: each beside the others and the baselines, and which one is chosen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.context import Context
from jobs.formatting import plural
from jobs.storage.location import Place
from jobs.training.artifacts import BASELINES, CHOSEN, METRICS, files_of_models, find_result, read_json
from jobs.training.selection import choosable, reason
from jobs.training.variants import UNFLAGGED
from models.evaluation.intervals import Interval
from models.fitting.cross_validation import Candidate

UNKNOWN = Interval(math.nan, math.nan, math.nan)
CALIBRATED = 0.02  # an average error of the probabilities below this is called none
UNSEEN = {
    "customer": "customers the model never saw",
    "time": "outcomes later than all the model learned from",
}
COMPARABLE = ("tables", "split", "shared")  # of what a model is fitted on; the rest is its own grid
Points = list[list[float]]
Measures = dict[str, Interval]
Json = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """A model, a baseline or the truth, on the rows it learned from (`train`) and on those that judge (`test`)."""

    name: str
    title: str
    role: str
    train: Measures
    test: Measures
    curves: dict[str, Points]
    fitted_on: Any

    @property
    def auc(self) -> Interval:
        """On the rows that judge."""
        return self.test.get("auc", UNKNOWN)


@dataclass(frozen=True)
class Model(Judged):
    """A trained model; `told` holds all of its metrics.json."""

    told: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its name, the same for its twin that does without flagged features."""
        return self.name.removesuffix(UNFLAGGED)

    @property
    def without(self) -> list[str]:
        """The features that it must do without, since the leakage audit flags them."""
        return list(self.told.get("without", []))

    @property
    def candidates(self) -> list[Candidate]:
        """The grid, the best first."""
        found = [_candidate(one) for one in self.told["tuning"]["candidates"]]
        return sorted(found, key=lambda one: (not one.chosen, -one.auc))

    @property
    def is_cross_validated(self) -> bool:
        """Whether candidates were judged in folds; a network is judged once, on rows kept for early stopping."""
        return bool(self.told["tuning"]["folds"])

    @property
    def tuned_on(self) -> str:
        """What the candidates were judged on, in words."""
        folds, rows = self.told["tuning"]["folds"], plural(self.told["tuning"]["rows"], "row")
        return f"{folds} folds, {rows}" if folds else f"once, on {rows} kept for early stopping"

    @property
    def tuned_auc(self) -> float:
        """AUC in tuning of what was chosen from the grid."""
        return max((one.auc for one in self.candidates if one.chosen), default=-math.inf)

    @property
    def gain(self) -> Interval:
        """Paired difference of its AUC to that of the recency rule."""
        return interval(self.told["gain_over_recency"])

    @property
    def calibration_error(self) -> float:
        """How far its probabilities are off on average; no number where that is not known."""
        return self.test.get("calibration_error", UNKNOWN).value

    @property
    def is_calibrated(self) -> bool | None:
        """Whether its probabilities are, on average, as often right as they say; None where that is not known."""
        return None if math.isnan(self.calibration_error) else self.calibration_error < CALIBRATED

    @property
    def comparison(self) -> str:
        """How it stands against the recency rule, by the interval of the paired difference."""
        if self.gain.low > 0:
            return "better than"
        return "worse than" if self.gain.high < 0 else "not clearly better than"


@dataclass(frozen=True)
class Verdict:
    """The models and the baselines beside them, of each the best on the rows that judge first.

    Models that do without flagged features, which are those to believe, stand before all others. `left_out` says by
    name why there is no such baseline.
    """

    models: list[Model]
    baselines: list[Judged]
    left_out: Mapping[str, str]
    chosen: Model
    why: str

    @property
    def unseen(self) -> str:
        """What all quality is measured on, in words; by time the same customers train and judge."""
        return UNSEEN[self.chosen.told["split"]["by"]]

    @property
    def kinds(self) -> list[str]:
        """Of models, twins once."""
        return sorted({one.kind for one in self.models})

    @property
    def twins(self) -> list[tuple[Model, Model]]:
        """Each model without flagged features, and the same with them, where there are both."""
        others = {one.kind: one for one in self.models if not one.without}
        return [(one, others[one.kind]) for one in self.models if one.without and one.kind in others]

    def is_doubted(self, model: Judged) -> bool:
        """Whether it looks at flagged features, and there is a twin that does not."""
        return any(model is other for _, other in self.twins)

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
        """Those fitted on other tables or by other declarations than the chosen one, so not comparable with it."""
        return [one for one in self.judged if one.fitted_on != self.chosen.fitted_on]


def verdict(context: Context) -> Verdict | None:
    """The trained models of the data folder, None where there are none."""
    told = [read_json(path) for _, path in files_of_models(context, METRICS)]
    models = [Model(**_judged(one, one["model"], "model", one), told=one) for one in told if "model" in one]
    if not models:
        return None
    beside = find_result(context, BASELINES) or {"baselines": [], "left_out": {}}
    baselines = [Judged(**_judged(one, one["name"], "baseline", beside)) for one in beside["baselines"]]
    chosen, why = _chosen(context.data.models / CHOSEN, models)
    in_order = sorted(_best_first(models), key=lambda one: not one.without)
    return Verdict(in_order, _best_first(baselines), beside["left_out"], chosen, why)


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
    return about | measured | {"fitted_on": comparable(folder["fitted_on"])}


def comparable(fitted_on: Json) -> Json:
    """What must be the same for two of them to be compared."""
    return {key: fitted_on[key] for key in COMPARABLE}


def _candidate(told: Json) -> Candidate:
    """A line of the grid; an AUC that is no number is null in JSON."""
    measured = {key: math.nan if told[key] is None else told[key] for key in ("auc", "deviation")}
    return Candidate(**told | measured)


def _chosen(path: Place, models: list[Model]) -> tuple[Model, str]:
    """The model of chosen.json; where that names none of them, the one that tuning favours of those to choose from."""
    told = read_json(path) if path.is_file() else {}
    named = next((one for one in models if one.name == told.get("model")), None)
    if named:
        return named, told["why"]
    best = max(choosable(models), key=lambda one: one.tuned_auc)
    return best, reason(best.kind)


def _best_first(judged: list[Any]) -> list[Any]:
    return sorted(judged, key=lambda one: -one.auc.value if not math.isnan(one.auc.value) else 1.0)
