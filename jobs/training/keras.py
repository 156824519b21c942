"""Networks in a course of training: rows for the ranks, the ranks, and the network that they leave behind.

Until the model is in place all of that lies in `fits/<name>/`, from which a killed fit goes on.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from math import nan
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.errors import InputError, RankError, UsageError
from conf.network import Network
from jobs.context import Context
from jobs.storage.layer import beside, local, replace_folder
from jobs.storage.location import Place, written_here
from jobs.training.epochs import told_epochs
from jobs.training.run import Course
from jobs.training.variants import Wanted, basis_of
from models.evaluation.histogram import count_scores
from models.evaluation.measures import auc
from models.fitting.class_balance import balance_labels
from models.fitting.cross_validation import Candidate
from models.fitting.encoding import terms_of
from models.fitting.fit import FittedModel, TrainingSet, Tuning, calibrate, count_labels, make_training_set
from models.fitting.split import is_in_share
from models.network.checkpoint import Epoch, Progress, read_epochs
from models.network.data import write_job
from models.network.fit import fit_network
from models.network.job import FILE as PLAN
from models.network.job import NETWORK, FitOrigin, NetworkJob
from models.network.launch import CannotLaunch, RankFailed, launch, require_launcher
from models.scoring.calibration import Calibration
from models.scoring.portable import PortableModel, score_table

FILE = "network.keras"
ROWS_COMPARED = 1_000


class RowsReady(Exception):
    """The rows for the ranks are in a folder, and nobody asked for more."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


@dataclass(frozen=True)
class Networks:
    """Fits networks by so many ranks, started by a launcher.

    resume: go on from where a killed fit has stopped.
    rows_only: raise RowsReady in the place of starting ranks.
    say: told a line for each epoch.
    """

    launcher: str = "local"
    ranks: int = 1
    resume: bool = False
    rows_only: bool = False
    say: Callable[[str], None] = lambda line: None

    def check(self, network: Network) -> None:
        """Raise UsageError, before any time is spent, where the ranks cannot be started or cannot share a batch."""
        if network.scaling == "none" and network.batch % self.ranks:
            raise UsageError(
                f"--batch {network.batch}: does not divide into {self.ranks} ranks; give a multiple of {self.ranks}"
            )
        try:
            require_launcher("local" if self.rows_only else self.launcher, 1 if self.rows_only else self.ranks)
        except CannotLaunch as error:
            raise UsageError(str(error)) from None

    def steps(self, context: Context, one: Wanted) -> int:
        """All epochs, if the fit does not end before."""
        return context.service.network.epochs

    def part(self, course: Course, one: Wanted) -> TrainingSet:
        """The training rows but those kept for early stopping."""
        return make_training_set(
            course.train.where(~_validates(course)), one.features(course.context.service), course.how
        )

    def fit(self, course: Course, one: Wanted, part: TrainingSet, new: Place) -> FittedModel:
        """The weights of the best epoch; the network that takes raw feature rows is saved in `network.keras`."""
        network, folder = course.context.service.network, course.context.fits / one.name
        basis = basis_of(course.context, course.split, one)
        if self.resume:
            self._refuse_other_fit(folder, basis, network)
        else:
            self._prepare(course, one, part, folder, basis)
        if self.rows_only:
            raise RowsReady(folder)
        with told_epochs(folder, partial(self._tell, course, one)):
            self._launch(folder)
        plan, progress = NetworkJob.read(folder), Progress.read(folder)
        best = progress.best_epoch
        if best is None:
            raise InputError(f"{folder}: the network's loss is no number; lower its learning_rate, or give a clip_norm")
        course.tick(one.title, steps=network.epochs - len(progress.epochs))
        raw = _plain(plan, progress, one, course, new)
        judged = count_scores(score_table(course.train.where(_validates(course)), {"probability": raw}, ["label"]))
        candidate = Candidate(_settings(network), auc(judged), nan, True)
        about = {
            "declared": network.model_dump(),
            "launcher": self.launcher,
            "ranks": self.ranks,
            "epochs": [asdict(epoch) for epoch in progress.epochs],
            "best_epoch": best.number,
            "throughput": asdict(progress.throughput) if progress.throughput else {},
        }
        return FittedModel(
            calibrate(raw, part), [candidate], Tuning(0, int(judged.rows.sum())), None, {"network": about}
        )

    def _refuse_other_fit(self, folder: Path, basis: dict[str, Any], network: Network) -> None:
        """Raise InputError where there is no fit to go on from, or where it is one of something else."""
        if not (folder / PLAN).is_file():
            raise InputError(f"{folder}: there is no fit to go on from; run the command without --resume")
        plan = NetworkJob.read(folder)
        if plan.about.fitted_on != basis:
            raise InputError(
                f"{folder}: this fit began with other tables or settings; give those it began with, or run the command "
                f"without --resume"
            )
        began_with = plan.about.ranks
        if plan.train.lanes % self.ranks or (network.scaling != "none" and self.ranks != began_with):
            raise InputError(f"{folder}: this fit began with {began_with} ranks; give --ranks {began_with}")

    def _prepare(self, course: Course, one: Wanted, part: TrainingSet, folder: Path, basis: dict[str, Any]) -> None:
        """Write what the ranks work on; a fit that was begun there is gone."""
        if done := len(read_epochs(folder)):
            self.say(f"{one.title}: begins anew; --resume would have gone on after epoch {done} of {folder}")
        course.tick(f"{one.title}: writing rows for the ranks", steps=0)
        network = course.context.service.network
        about = FitOrigin(basis, self.ranks, part.preprocessing.inputs)
        with beside(folder) as staging:
            new = local(staging) / one.name
            try:
                rows = part.prepared, _validation(course, part)
                write_job(new, *rows, network, course.how.seed, self.ranks, about)
            except ValueError as error:
                raise InputError(f"{course.context.features.root}: {error}; take more customers") from None
            replace_folder(new, folder)

    def _launch(self, folder: Path) -> None:
        try:
            launch(partial(fit_network, folder.absolute()), self.ranks, self.launcher)
        except CannotLaunch as error:
            raise UsageError(str(error)) from None
        except RankFailed as error:
            raise RankError(
                f"{folder}: of {self.ranks} ranks, {error}; epochs that are done are kept: mend the cause, and run the "
                f"command again with --resume",
                error.trace,
            ) from None

    def _tell(self, course: Course, one: Wanted, epoch: Epoch) -> None:
        text = (
            f"epoch {epoch.number} of {course.context.service.network.epochs}: loss {epoch.loss:.4f}, "
            f"validation {epoch.validation_loss:.4f}"
        )
        self.say(f"{one.title}: {text}, {epoch.seconds:.1f} s")
        course.tick(f"{one.title}: {text}")


def _plain(plan: NetworkJob, progress: Progress, one: Wanted, course: Course, new: Place) -> PortableModel:
    """Save the network that takes raw feature rows; returns its plain copy, not calibrated yet."""
    from models.network.build import network_of_inputs  # loads TensorFlow
    from models.network.export import network_with_preprocessing, portable_copy, require_same_scores

    network = network_of_inputs(plan.network, *plan.standard, plan.seed)
    network.set_weights(list(progress.best))
    terms = terms_of(one.features(course.context.service))
    copy = portable_copy(network, *plan.standard, plan.network.activation)
    plain = PortableModel(NETWORK, plan.about.inputs, copy, Calibration())
    with written_here(new / FILE) as file:
        network_with_preprocessing(network, plan.network.output, terms, plan.about.inputs).save(file)
        require_same_scores(file, plain, course.train.limit(ROWS_COMPARED))
    return plain


def _validates(course: Course) -> Column:
    """Whether a training customer is kept for early stopping."""
    return is_in_share(F.col("customer_id"), course.context.service.network.validation_share, "validation")


def _validation(course: Course, part: TrainingSet) -> DataFrame:
    """The rows for early stopping, prepared and balanced like those that train. Raises ValueError."""
    rows = course.train.where(_validates(course))
    if rows.select("label").distinct().count() < 2:
        raise ValueError("the customers kept for early stopping do not have both labels")
    return balance_labels(
        part.preprocessing.transform(rows), count_labels(rows)[1], course.how.balance, course.how.seed
    )


def _settings(network: Network) -> dict[str, float | str]:
    """What the page says of it."""
    layers = " and ".join(map(str, network.hidden))
    said: dict[str, float | str] = {"hidden": f"{layers} {network.activation}"}
    if network.dropout:
        said["dropout"] = network.dropout
    return said | {"optimizer": network.optimizer, "learning_rate": network.learning_rate, "batch": network.batch}
