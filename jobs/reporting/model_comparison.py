"""How far the models can be trusted: each beside the others and the baselines, and which one is chosen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict, TypeVar

from jobs.formatting import plural
from jobs.records.training import EvaluationSection, FittedOn, ModelRecord
from jobs.training.artifacts import ModelFolder
from jobs.training.selection import choosable, reason
from jobs.training.variants import UNFLAGGED
from models.evaluation.curves import Points
from models.evaluation.intervals import Interval
from models.fitting.cross_validation import Candidate

UNKNOWN = Interval(math.nan, math.nan, math.nan)
CALIBRATED = 0.02  # a mean error of the probabilities below this counts as calibrated
UNSEEN = {
    "customer": "customers the model never saw",
    "time": "outcomes later than all the model learned from",
}
Measures = Mapping[str, Interval]


@dataclass(frozen=True)
class Evaluated:
    """A model, a baseline or the truth, evaluated on the training set and on the test set.

    fitted_on: what must be equal for two of them to be compared.
    """

    name: str
    title: str
    role: str
    train: Measures
    test: Measures
    curves: Mapping[str, Points]
    fitted_on: tuple[object, ...]

    @property
    def auc(self) -> Interval:
        """On the test set."""
        return self.test.get("auc", UNKNOWN)


E = TypeVar("E", bound=Evaluated)


@dataclass(frozen=True)
class Model(Evaluated):
    """A trained model and its record."""

    record: ModelRecord

    @property
    def kind(self) -> str:
        """Its name, the same for its twin that does without flagged features."""
        return self.name.removesuffix(UNFLAGGED)

    @property
    def without(self) -> list[str]:
        """The features that it must not use, since the leakage audit flags them."""
        return self.record.without

    @property
    def candidates(self) -> list[Candidate]:
        """The grid, the best first."""
        return sorted(self.record.tuning.candidates, key=lambda one: (not one.chosen, -one.auc))

    @property
    def is_cross_validated(self) -> bool:
        """Whether candidates were compared in folds; a network is evaluated once, on rows kept for early stopping."""
        return bool(self.record.tuning.folds)

    @property
    def tuned_on(self) -> str:
        """What the candidates were compared on, in words."""
        folds, rows = self.record.tuning.folds, plural(self.record.tuning.rows, "row")
        return f"{folds} folds, {rows}" if folds else f"once, on {rows} kept for early stopping"

    @property
    def tuned_auc(self) -> float:
        """AUC in tuning of what was chosen from the grid."""
        return max((one.auc for one in self.candidates if one.chosen), default=-math.inf)

    @property
    def gain(self) -> Interval:
        """Paired difference of its AUC to that of the recency rule."""
        return self.record.gain_over_recency

    @property
    def calibration_error(self) -> float:
        """Mean absolute error of its probabilities; NaN where it is not known."""
        return self.test.get("calibration_error", UNKNOWN).value

    @property
    def is_calibrated(self) -> bool | None:
        """Whether its probabilities are calibrated; None where that is not known."""
        return None if math.isnan(self.calibration_error) else self.calibration_error < CALIBRATED

    @property
    def comparison(self) -> str:
        """How it compares with the recency rule, by the interval of the paired difference."""
        if self.gain.low > 0:
            return "better than"
        return "worse than" if self.gain.high < 0 else "not clearly better than"


@dataclass(frozen=True)
class ModelComparison:
    """The models and the baselines beside them, the best on the test set first.

    Models without flagged features, which are those to trust, stand before all others. `left_out` says by name why a
    baseline is missing.
    """

    models: list[Model]
    baselines: list[Evaluated]
    left_out: Mapping[str, str]
    chosen: Model
    why: str

    @property
    def unseen(self) -> str:
        """What the test set is, in words; by time the same customers are in both sets."""
        return UNSEEN[self.chosen.record.split.by]

    @property
    def kinds(self) -> list[str]:
        """The kinds of the models, twins once."""
        return sorted({one.kind for one in self.models})

    @property
    def twins(self) -> list[tuple[Model, Model]]:
        """Each model without flagged features, and the same with them, where there are both."""
        others = {one.kind: one for one in self.models if not one.without}
        return [(one, others[one.kind]) for one in self.models if one.without and one.kind in others]

    def is_doubted(self, model: Evaluated) -> bool:
        """Whether it looks at flagged features, and there is a twin that does not."""
        return any(model is other for _, other in self.twins)

    @property
    def recency(self) -> Evaluated | None:
        """The recency rule."""
        return next((one for one in self.baselines if one.name == "recency"), None)

    @property
    def stronger_baseline(self) -> Evaluated | None:
        """A baseline that beats the recency rule, where there is one."""
        bar = self.recency.auc.value if self.recency else 0.5
        return max((one for one in self.baselines if one.auc.value > bar), key=lambda one: one.auc.value, default=None)

    @property
    def all(self) -> list[Evaluated]:
        """All of them."""
        return [*self.models, *self.baselines]

    @property
    def elsewhere(self) -> list[Evaluated]:
        """Those fitted on other tables or by other declarations than the chosen one, so not comparable with it."""
        return [one for one in self.all if one.fitted_on != self.chosen.fitted_on]


def compare_models(models: ModelFolder) -> ModelComparison | None:
    """The trained models of the data folder, None where there are none."""
    found = [
        Model(**_evaluated(one.model, one.title, "model", one, one.fitted_on), record=one) for one in models.records()
    ]
    if not found:
        return None
    beside = models.baselines()
    baselines = [
        Evaluated(**_evaluated(one.name, one.title, "baseline", one, beside.fitted_on))
        for one in (beside.baselines if beside else [])
        if beside
    ]
    chosen, why = _chosen(models, found)
    in_order = sorted(_best_first(found), key=lambda one: not one.without)
    return ModelComparison(in_order, _best_first(baselines), beside.left_out if beside else {}, chosen, why)


class _EvaluatedFields(TypedDict):
    """The fields of Evaluated."""

    name: str
    title: str
    role: str
    train: Measures
    test: Measures
    curves: Mapping[str, Points]
    fitted_on: tuple[object, ...]


def _evaluated(
    name: str, title: str, role: str, evaluation: EvaluationSection, fitted_on: FittedOn
) -> _EvaluatedFields:
    return {
        "name": name,
        "title": title,
        "role": role,
        "train": evaluation.metrics.get("train", {}),
        "test": evaluation.metrics.get("test", {}),
        "curves": evaluation.curves,
        "fitted_on": fitted_on.comparable,
    }


def _chosen(folder: ModelFolder, models: list[Model]) -> tuple[Model, str]:
    """The model of chosen.json; where it names none of them, the choosable one with the highest AUC in tuning."""
    record = folder.find_chosen()
    named = next((one for one in models if record and one.name == record.model), None)
    if record and named:
        return named, record.why
    best = max(choosable(models), key=lambda one: one.tuned_auc)
    return best, reason(best.kind)


def _best_first(found: list[E]) -> list[E]:
    return sorted(found, key=lambda one: -one.auc.value if not math.isnan(one.auc.value) else 1.0)
