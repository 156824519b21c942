"""Fits a model to training rows: class balance, cross-validation, the fit on all rows, calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.learning import Training
from features.declared import NamedFeature
from models.evaluation.explanation import Importances
from models.evaluation.histogram import count_scores
from models.fitting.calibration import fit_calibration
from models.fitting.class_balance import balance_labels
from models.fitting.cross_validation import Candidate, cross_validate
from models.fitting.kinds import KINDS, LOGISTIC, parameter_grid
from models.fitting.preprocessing import Preprocessing, fit_preprocessing
from models.fitting.split import is_for_calibration, is_in_share
from models.scoring.calibration import Calibration, CalibrationMethod
from models.scoring.linear import Linear
from models.scoring.portable import PortableModel, score_table

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel

ROWS_COMPARED = 1_000
FEWEST_OF_A_LABEL = 500  # rows in cross-validation, if there are so many
ROWS_OF_A_PART = 50_000  # a fit of 14,000 rows is as fast by one task as by two
SAME_PROBABILITY = 1e-5  # tolerance: XGBoost adds up in single precision
Save = Callable[["PipelineModel"], str]


@dataclass(frozen=True)
class TrainingSet:
    """Preprocessed training rows.

    rows, positive_share: number of rows of `prepared`, and their share of label 1.
    prepared: balanced rows that models are fitted on. for_calibration: rows kept for the fit of the calibration.
    """

    rows: int
    positive_share: float
    preprocessing: Preprocessing
    prepared: DataFrame
    for_calibration: DataFrame
    calibration: CalibrationMethod


@dataclass(frozen=True)
class Tuning:
    """How candidates were compared: by cross-validation in `folds` folds of `rows` rows; with 0 folds, on `rows` rows
    that none was fitted on."""

    folds: int
    rows: int


@dataclass(frozen=True)
class FittedModel:
    """A fitted model.

    candidates, tuning: the hyperparameters that were compared, and how. importances: those of the library; None where
    it gives none.
    """

    portable: PortableModel
    candidates: list[Candidate]
    tuning: Tuning
    importances: Importances | None


def make_training_set(train: DataFrame, features: Sequence[NamedFeature], how: Training) -> TrainingSet:
    """Split off the rows for calibration, preprocess and balance the others.

    Args:
        train: training rows with both labels.

    Raises:
        ValueError: no feature has two values, or the customers kept for calibration do not have both labels.
    """
    calibration = _calibration_method(how)
    kept = is_for_calibration(F.col("customer_id")) if calibration != "none" else F.lit(False)
    fitted_on, for_calibration = train.where(~kept), train.where(kept)
    if calibration != "none" and for_calibration.select("label").distinct().count() < 2:
        raise ValueError("the customers kept for calibration do not have both labels")
    preprocessing = fit_preprocessing(fitted_on, features)
    rows, positive_share = count_labels(fitted_on)
    balanced = balance_labels(preprocessing.transform(fitted_on), positive_share, how.balance, how.seed)
    prepared = _in_order(balanced, rows).cache()
    return TrainingSet(*count_labels(prepared), preprocessing, prepared, for_calibration, calibration)


def _calibration_method(how: Training) -> CalibrationMethod:
    if how.calibrate != "auto":
        return how.calibrate
    return "none" if how.balance == "none" else "isotonic"


def count_labels(rows: DataFrame) -> tuple[int, float]:
    """The number of rows, and their share of label 1."""
    row = rows.agg(F.count("*"), F.avg("label")).first()
    assert row is not None  # an aggregation without keys always has its one row
    return int(row[0]), float(row[1])


def fit_model(
    name: str, part: TrainingSet, how: Training, save: Save, tick: Callable[[], None] = lambda: None
) -> FittedModel:
    """Select hyperparameters by cross-validation, fit the model on all training rows, and calibrate it.

    Args:
        name: a key of KINDS.
        save: saves the whole pipeline and returns the folder of its last stage.
        tick: called after each fit.
    """
    from pyspark.ml import PipelineModel

    kind = KINDS[name]
    rarer = min(part.positive_share, 1.0 - part.positive_share)
    share = min(1.0, max(how.tuning_rows, FEWEST_OF_A_LABEL / rarer) / part.rows)
    some = part.prepared.where(is_in_share(F.col("customer_id"), share, "tuning")) if share < 1 else part.prepared
    grid = parameter_grid(name, how.grids)
    found = cross_validate(some, kind, grid, how.folds, how.seed, tick)
    [best] = [params for params, candidate in zip(grid, found, strict=True) if candidate.chosen]
    fitted = kind.fit(part.prepared, best, how.seed)
    tick()
    folder = save(PipelineModel([*part.preprocessing.stages.stages, *fitted.stages]))
    inputs = part.preprocessing.inputs
    raw = PortableModel(name, inputs, kind.scorer(fitted.stages, part.prepared.sparkSession, folder), Calibration())
    _require_same_scores(fitted, raw, part)
    tuning = Tuning(how.folds, round(share * part.rows))
    return FittedModel(calibrate(raw, part), found, tuning, kind.importances(fitted.stages))


def constant_model(positive_share: float) -> PortableModel:
    """A model that gives everybody the same probability."""
    none = np.zeros(0)
    log_odds = float(np.log(positive_share) - np.log1p(-positive_share))
    return PortableModel(LOGISTIC, (), Linear(log_odds, none, none, none), Calibration())


def fit_logistic(
    train: DataFrame, features: Sequence[NamedFeature], how: Training, penalty: float = 1e-6
) -> PortableModel:
    """Fit a logistic regression, not balanced and not calibrated; a constant model if no feature has two values."""
    try:
        part = make_training_set(train, features, how.model_copy(update={"balance": "none", "calibrate": "none"}))
    except ValueError:
        return constant_model(count_labels(train)[1])
    fitted = KINDS[LOGISTIC].fit(part.prepared, {"regularisation": penalty, "l1_share": 0.0}, how.seed)
    part.prepared.unpersist()
    scorer = KINDS[LOGISTIC].scorer(fitted.stages, train.sparkSession, "")
    return PortableModel(LOGISTIC, part.preprocessing.inputs, scorer, Calibration())


def calibrate(raw: PortableModel, part: TrainingSet) -> PortableModel:
    """Calibrate a model on the customers kept for that; without such customers the model is returned as it is."""
    if part.calibration == "none":
        return raw
    kept = score_table(part.for_calibration, {"probability": raw}, ["label"])
    return replace(raw, calibration=fit_calibration(count_scores(kept), part.calibration))


def _in_order(prepared: DataFrame, rows: int) -> DataFrame:
    """Partition and sort rows by their keys, so that a model is the same wherever it is fitted.

    A forest draws rows by their position, which would depend on the number of cores and on the layout of files.
    """
    parts = max(1, rows // ROWS_OF_A_PART)
    return prepared.repartition(parts, "customer_id").sortWithinPartitions("customer_id", "as_of")


def _require_same_scores(fitted: PipelineModel, raw: PortableModel, part: TrainingSet) -> None:
    """Compare the portable model with its pipeline on some rows; raise RuntimeError if they differ."""
    inputs, probability = KINDS[raw.kind].library_probabilities(fitted, part.prepared.limit(ROWS_COMPARED))
    apart = np.abs(raw.probability(inputs) - probability).max()
    if not apart < SAME_PROBABILITY:
        raise RuntimeError(f"the portable copy of {raw.kind} gives other probabilities than its pipeline, by {apart:g}")
