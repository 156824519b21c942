"""Models of Spark's libraries, chosen by cross-validation from the grids of the service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jobs.records.progress import StepCounter
from jobs.storage.backend import backend, matching
from jobs.storage.location import Place
from jobs.training.dataset import LabelledRows
from jobs.training.fitter import FitResult
from jobs.training.variants import ModelVariant
from models.fitting.fit import TrainingSet, fit_model, make_training_set
from models.fitting.kinds import parameter_grid

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel


class MllibFitter:
    """Fits by the grids; each model's whole pipeline is saved in `pipeline/`."""

    def steps(self, rows: LabelledRows, variant: ModelVariant) -> int:
        """Each candidate in each fold, and the best on all rows."""
        how = rows.tables.service.training
        return len(parameter_grid(variant.kind, how.grids)) * how.folds + 1

    def prepare(self, rows: LabelledRows, variant: ModelVariant) -> TrainingSet:
        """The whole training set."""
        service = rows.tables.service
        return make_training_set(rows.train, variant.features(rows.features), service.training)

    def fit(
        self, rows: LabelledRows, variant: ModelVariant, part: TrainingSet, folder: Place, steps: StepCounter
    ) -> FitResult:
        """The best candidate of the grid."""
        what = f"{variant.title}: cross-validation"
        steps.tick(what, steps=0)
        save = partial(_save, folder=folder / "pipeline")
        return FitResult(fit_model(variant.kind, part, rows.tables.service.training, save, lambda: steps.tick(what)))


def _save(pipeline: PipelineModel, folder: Place) -> str:
    """Save a pipeline; returns the folder of its last stage."""
    url = backend(folder).spark_url
    pipeline.write().overwrite().save(url(folder))
    [last] = matching(folder / "stages", f"*_{pipeline.stages[-1].uid}")
    return url(last)
