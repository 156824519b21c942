"""A way to fit a family of models: the interface that a training run uses."""

from dataclasses import dataclass
from typing import Protocol

from jobs.records.progress import StepCounter
from jobs.records.training import NetworkSection
from jobs.storage.location import Place
from jobs.training.dataset import LabelledRows
from jobs.training.variants import ModelVariant
from models.fitting.fit import FittedModel, TrainingSet


@dataclass(frozen=True)
class FitResult:
    """A fitted model; `network` is set for a neural network."""

    fitted: FittedModel
    network: NetworkSection | None = None


class Fitter(Protocol):
    """A way to fit a family of models."""

    def steps(self, rows: LabelledRows, variant: ModelVariant) -> int:
        """How many steps `fit` ticks."""
        ...

    def prepare(self, rows: LabelledRows, variant: ModelVariant) -> TrainingSet:
        """The training set made ready; raises ValueError where nothing can be learned from it."""
        ...

    def fit(
        self, rows: LabelledRows, variant: ModelVariant, part: TrainingSet, folder: Place, steps: StepCounter
    ) -> FitResult:
        """Fit a model; its own files are written into the folder."""
        ...
