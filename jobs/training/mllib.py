"""Models of Spark's libraries in a course of training: chosen by cross-validation from the grids of the service."""

from functools import partial

from pyspark.ml import PipelineModel

from jobs.context import Context
from jobs.storage.location import Place, Remote
from jobs.training.run import Course
from jobs.training.variants import Wanted
from models.fitting.fit import FittedModel, TrainingSet, fit_model, make_training_set
from models.fitting.kinds import parameter_grid


class Grids:
    """Fits by the grids; each model's whole pipeline is saved in `pipeline/`."""

    def steps(self, context: Context, one: Wanted) -> int:
        """Each candidate in each fold, and the best on all rows."""
        how = context.service.training
        return len(parameter_grid(one.kind, how.grids)) * how.folds + 1

    def part(self, course: Course, one: Wanted) -> TrainingSet:
        """All training rows."""
        return make_training_set(course.train, one.features(course.context.service), course.how)

    def fit(self, course: Course, one: Wanted, part: TrainingSet, new: Place) -> FittedModel:
        """The best of the grid."""
        what = f"{one.title}: cross-validation"
        course.tick(what, steps=0)
        save = partial(_save, folder=new / "pipeline")
        return fit_model(one.kind, part, course.how, save, lambda: course.tick(what))


def _save(pipeline: PipelineModel, folder: Place) -> str:
    """Save a pipeline; returns the folder of its last stage."""
    pipeline.write().overwrite().save(_url(folder))
    [last] = (folder / "stages").glob(f"*_{pipeline.stages[-1].uid}")
    return _url(last)


def _url(folder: Place) -> str:
    """A path by which Spark does not take a disk of this machine for its default file system."""
    return str(folder) if isinstance(folder, Remote) else f"file:{folder.absolute()}"
