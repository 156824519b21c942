"""Networks: rows for the ranks, the ranks, and the network that they leave behind.

Until the model is published, all of that is in `fits/<name>/`, from where a killed fit is resumed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import nan
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.errors import InputError, RankError, UsageError
from conf.network import Network
from jobs.records.progress import StepCounter
from jobs.records.training import NetworkSection
from jobs.storage.backend import disk_path, local_target, replace_folder, staging_folder
from jobs.storage.location import Place
from jobs.training.dataset import LabelledRows
from jobs.training.epochs import watch_epochs
from jobs.training.fitter import FitResult
from jobs.training.variants import ModelVariant
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
from models.network.launch import LaunchError, RankFailedError, launch, require_launcher
from models.scoring.calibration import Calibration
from models.scoring.portable import PortableModel, score_table

FILE = "network.keras"
ROWS_COMPARED = 1_000


class RowsReady(Exception):  # noqa: N818 - it ends the run early, and is no error
    """The rows for the ranks are in a folder, and nothing else was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


@dataclass(frozen=True)
class KerasFitter:
    """Fits networks by so many ranks, started by a launcher.

    fits: folder that all ranks share, for fits that are not finished.
    resume: continue a killed fit.
    rows_only: raise RowsReady instead of starting ranks.
    say: called with a line for each epoch.
    """

    fits: Path
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
        except LaunchError as error:
            raise UsageError(str(error)) from None

    def steps(self, rows: LabelledRows, variant: ModelVariant) -> int:
        """All epochs, if the fit does not stop early."""
        return rows.tables.service.network.epochs

    def prepare(self, rows: LabelledRows, variant: ModelVariant) -> TrainingSet:
        """The training set without the rows kept for early stopping."""
        service = rows.tables.service
        kept = rows.train.where(~_is_for_validation(service.network))
        return make_training_set(kept, variant.features(rows.features), service.training)

    def fit(
        self, rows: LabelledRows, variant: ModelVariant, part: TrainingSet, folder: Place, steps: StepCounter
    ) -> FitResult:
        """The weights of the best epoch; the network that takes raw feature rows is saved in `network.keras`."""
        network, work = rows.tables.service.network, self.fits / variant.name
        if self.resume:
            self._refuse_other_fit(rows, variant, work)
        else:
            self._write_rows(rows, variant, part, work, steps)
        if self.rows_only:
            raise RowsReady(work)
        with watch_epochs(work, partial(self._say_epoch, variant, network, steps)):
            self._launch(work)
        plan, progress = NetworkJob.read(work), Progress.read(work)
        best = progress.best_epoch
        if best is None:
            raise InputError(f"{work}: the network's loss is not a number; lower its learning_rate, or set a clip_norm")
        steps.tick(variant.title, steps=network.epochs - len(progress.epochs))
        raw = _portable(plan, progress, rows, variant, folder)
        validation = rows.train.where(_is_for_validation(network))
        validated = count_scores(score_table(validation, {"probability": raw}, ["label"]))
        candidate = Candidate(_settings(network), auc(validated), nan, True)
        fitted = FittedModel(calibrate(raw, part), [candidate], Tuning(0, int(validated.rows.sum())), None)
        return FitResult(fitted, self._section(network, progress, best))

    def _section(self, network: Network, progress: Progress, best: Epoch) -> NetworkSection:
        return NetworkSection(
            declared=network,
            launcher=self.launcher,
            ranks=self.ranks,
            epochs=list(progress.epochs),
            best_epoch=best.number,
            throughput=progress.throughput,
        )

    def _refuse_other_fit(self, rows: LabelledRows, variant: ModelVariant, folder: Path) -> None:
        """Raise InputError where there is no fit to continue, or where it is one of something else."""
        if not (folder / PLAN).is_file():
            raise InputError(f"{folder}: there is no fit to continue; run the command without --resume")
        network, plan = rows.tables.service.network, NetworkJob.read(folder)
        if plan.about.fitted_on != _origin(rows, variant):
            raise InputError(
                f"{folder}: this fit began with other tables or settings; give those it began with, or run the command "
                f"without --resume"
            )
        began_with = plan.about.ranks
        if plan.train.lanes % self.ranks or (network.scaling != "none" and self.ranks != began_with):
            raise InputError(f"{folder}: this fit began with {began_with} ranks; give --ranks {began_with}")

    def _write_rows(
        self, rows: LabelledRows, variant: ModelVariant, part: TrainingSet, folder: Path, steps: StepCounter
    ) -> None:
        """Write what the ranks work on; a fit that was begun there is discarded."""
        if done := len(read_epochs(folder)):
            self.say(f"{variant.title}: starts again; --resume would have continued after epoch {done} of {folder}")
        steps.tick(f"{variant.title}: writing rows for the ranks", steps=0)
        service, tables = rows.tables.service, rows.tables
        about = FitOrigin(_origin(rows, variant), self.ranks, part.preprocessing.inputs)
        with staging_folder(folder) as staging:
            new = disk_path(staging) / variant.name
            try:
                sets = part.prepared, _validation_set(rows, part)
                write_job(new, *sets, service.network, service.training.seed, self.ranks, about)
            except ValueError as error:
                raise InputError(f"{tables.layer.root}: {error}; take more customers") from None
            replace_folder(new, folder)

    def _launch(self, folder: Path) -> None:
        try:
            launch(partial(fit_network, folder.absolute()), self.ranks, self.launcher)
        except LaunchError as error:
            raise UsageError(str(error)) from None
        except RankFailedError as error:
            raise RankError(
                f"{folder}: of {self.ranks} ranks, {error}; finished epochs are kept: fix the cause, and run the "
                f"command again with --resume",
                error.trace,
            ) from None

    def _say_epoch(self, variant: ModelVariant, network: Network, steps: StepCounter, epoch: Epoch) -> None:
        text = (
            f"epoch {epoch.number} of {network.epochs}: loss {epoch.loss:.4f}, validation {epoch.validation_loss:.4f}"
        )
        self.say(f"{variant.title}: {text}, {epoch.seconds:.1f} s")
        steps.tick(f"{variant.title}: {text}")


def _origin(rows: LabelledRows, variant: ModelVariant) -> dict[str, object]:
    """What the model is fitted on, as a plan holds it."""
    return variant.fitted_on(rows.tables, rows.split).model_dump(mode="json")


def _portable(
    plan: NetworkJob, progress: Progress, rows: LabelledRows, variant: ModelVariant, folder: Place
) -> PortableModel:
    """Save the network that takes raw feature rows; returns its portable copy, not calibrated yet."""
    from models.network.build import network_of_inputs  # loads TensorFlow
    from models.network.export import network_with_preprocessing, portable_copy, require_same_scores

    network = network_of_inputs(plan.network, *plan.standard, plan.seed)
    network.set_weights(list(progress.best))
    terms = terms_of(variant.features(rows.features))
    copy = portable_copy(network, *plan.standard, plan.network.activation)
    portable = PortableModel(NETWORK, plan.about.inputs, copy, Calibration())
    with local_target(folder / FILE) as file:
        network_with_preprocessing(network, plan.network.output, terms, plan.about.inputs).save(file)
        require_same_scores(file, portable, rows.train.limit(ROWS_COMPARED))
    return portable


def _is_for_validation(network: Network) -> Column:
    """Whether a training customer is kept for early stopping."""
    return is_in_share(F.col("customer_id"), network.validation_share, "validation")


def _validation_set(rows: LabelledRows, part: TrainingSet) -> DataFrame:
    """The rows for early stopping, prepared and balanced like the training set. Raises ValueError."""
    service = rows.tables.service
    kept = rows.train.where(_is_for_validation(service.network))
    if kept.select("label").distinct().count() < 2:
        raise ValueError("the customers kept for early stopping do not have both labels")
    how = service.training
    return balance_labels(part.preprocessing.transform(kept), count_labels(kept)[1], how.balance, how.seed)


def _settings(network: Network) -> dict[str, int | float | str]:
    """The settings that the report shows."""
    layers = " and ".join(map(str, network.hidden))
    shown: dict[str, int | float | str] = {"hidden": f"{layers} {network.activation}"}
    if network.dropout:
        shown["dropout"] = network.dropout
    return shown | {"optimizer": network.optimizer, "learning_rate": network.learning_rate, "batch": network.batch}
