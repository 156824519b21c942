"""`encore train`: feature tables to fitted models, judged beside baselines on rows that none of them was fitted on."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

from conf.errors import InputError
from conf.load import fingerprint
from features.declared import table_features
from features.windows import Moment
from jobs.context import Context
from jobs.storage import beside, replace_folder, write_text
from jobs.tables import read_tables, table_record
from jobs.tracking import code_version, log_model_run
from models.baselines import SCORED, Baseline, bgnbd_baseline, plain_baselines, recency_rule
from models.drift import reference
from models.explanation import explained, sample
from models.gain import auc_gain
from models.judgement import judged
from models.kinds import KINDS, candidates
from models.plain import PlainModel, scored
from models.split import Split, chosen_split, histories
from models.training import Fitted, TrainingPart, fit_model, training_part

BASELINES = "baselines"
CHOSEN = "chosen.json"
FEWEST = 50  # rows of either label without which nothing is learned
STEPS_BESIDE = 3  # of a model, beside the fits of its cross-validation: the last fit, judging, explaining
Result = dict[str, Any]
# Told how many steps are done, of how many, and what comes next.
Watch = Callable[[int, int, str], None]


def train(
    context: Context, spark: SparkSession, names: Sequence[str], watch: Watch = lambda done, total, what: None
) -> list[Result]:
    """Fit models, keys of KINDS, and write `models/<name>/`, `models/baselines/` and `models/chosen.json`.

    A model that was fitted on the same tables with the same declarations is left as it is.

    Returns:
        What `metrics.json` of each of these models holds.

    Raises:
        InputError: no as-of date has mature labels, or there are too few rows of a label to learn from.
    """
    split = _split(context)
    basis = {name: _basis(context, split, name) for name in (*names, BASELINES)}
    stale = [name for name in basis if (_result(context, name) or {}).get("fitted_on") != basis[name]]
    if stale:
        _Course(context, spark, split, basis, watch).fit(stale)
    write_text(context.models / CHOSEN, json.dumps(_choice(context, split), indent=1))
    return [_result(context, name) or {} for name in names]


def chosen_model(context: Context) -> str:
    """The model to score with. Raises InputError where there is none."""
    path = context.models / CHOSEN
    if not path.is_file():
        raise InputError(f"{path}: there is no trained model; run `encore train --data {context.data}` first")
    return str(json.loads(path.read_text(encoding="utf-8"))["model"])


def plain_model(context: Context, name: str) -> PlainModel:
    """A trained model. Raises InputError where it is not there."""
    path = context.models / name / "model.json"
    if not path.is_file():
        raise InputError(f"{path}: there is no such model; run `encore train --model {name}` first")
    return PlainModel.from_json(json.loads(path.read_text(encoding="utf-8")))


def model_result(context: Context, name: str) -> Result:
    """What is said of a trained model. Raises InputError where it is not there."""
    result = _result(context, name)
    if result is None:
        raise InputError(f"{context.models / name}: there is no such model; run `encore train --model {name}` first")
    return result


def model_basis(context: Context, name: str) -> str:
    """Fingerprint of a trained model; fitting is repeatable, so it is that of what the model was fitted on."""
    return fingerprint(name, model_result(context, name)["fitted_on"])


class _Course:
    """One course of training: the parts of the table, made once for all models."""

    def __init__(
        self, context: Context, spark: SparkSession, split: Split, basis: Mapping[str, Result], watch: Watch
    ) -> None:
        self.context, self.split, self.basis, self.watch = context, split, basis, watch
        self.how = context.service.training
        self.declared = table_features(context.service)
        table = read_tables(context, spark, sorted({str(day) for day in (*split.train, split.test)}))
        self.train, self.test = split.parts(table)
        self.done = self.total = 0

    def fit(self, stale: Sequence[str]) -> None:
        """Fit what is not up to date: the baselines, then each of the models."""
        names = [name for name in stale if name != BASELINES]
        self.total = 1 + sum(len(candidates(name, self.how.grids)) * self.how.folds + STEPS_BESIDE for name in names)
        self.tick("baselines", steps=0)
        self.rows = {"training": self._labels("training", self.train, FEWEST), "test": self._labels("test", self.test)}
        if names:
            self.part.prepared.count()  # what cannot be learned from is met before any time is spent
        if BASELINES in stale:
            self._fit_baselines()
        self.tick("models")
        for name in names:
            self._fit_model(name)
        if names:
            self.part.prepared.unpersist()

    def tick(self, what: str, steps: int = 1) -> None:
        """Say that steps are done, and what comes next."""
        self.done += steps
        self.watch(self.done, self.total, what)

    @cached_property
    def part(self) -> TrainingPart:
        """The training part made ready."""
        try:
            return training_part(self.train, self.declared, self.how)
        except ValueError as error:
            raise InputError(
                f"{self.context.features.root}: {error} ({self.split}), so nothing can be learned"
            ) from None

    @cached_property
    def recency(self) -> PlainModel:
        """The rule by recency alone."""
        return recency_rule(self.train, self.context.service)

    def _labels(self, side: str, rows: DataFrame, fewest: int = 1) -> dict[int, int]:
        """How many rows have each label. Raises InputError where one of them is too rare."""
        found = {0: 0, 1: 0} | {row["label"]: row["count"] for row in rows.groupBy("label").count().collect()}
        rare = min(found, key=lambda label: found[label])
        if found[rare] < fewest:
            raise InputError(
                f"{self.context.features.root}: in the {side} part {found[rare]} of {sum(found.values())} rows have "
                f"label {rare} ({self.split}), and at least {fewest} are needed; take more customers or another --as-of"
            )
        return found

    def _fit_baselines(self) -> None:
        service, left_out = self.context.service, {}
        found = plain_baselines(self.train, self.test, self.recency, service)
        if service.alive:
            try:
                known = histories(self.split, self.train, self.test)
                found.append(bgnbd_baseline(known, self.train, self.test, service, service.alive))
            except ValueError as error:  # a baseline less is no reason to have no model
                left_out["bgnbd"] = str(error)
        result = {
            "split": _split_as_data(self.split),
            "baselines": [self._judged_baseline(one) for one in found],
            "left_out": left_out,
            "fitted_on": self.basis[BASELINES],
        }
        with beside(self.context.models / BASELINES) as folder:
            write_text(folder / "new" / "metrics.json", json.dumps(result, indent=1))
            replace_folder(folder / "new", self.context.models / BASELINES)

    def _judged_baseline(self, one: Baseline) -> Result:
        return {"name": one.name, "title": one.title, **judged(one.train, one.test, self.how.seed)}

    def _fit_model(self, name: str) -> None:
        title = KINDS[name].title
        self.tick(f"{title}: cross-validation", steps=0)
        with beside(self.context.models / name) as folder:
            new = folder / name
            save = partial(_save, folder=new / "pipeline")
            fitted = fit_model(name, self.part, self.how, save, lambda: self.tick(f"{title}: cross-validation"))
            self.tick(f"{title}: judging", steps=0)
            result = self._written(fitted, new)
            self.tick(f"{title}: what matters")
            some = sample(self.test, fitted.plain)
            result |= explained(some, fitted.plain, fitted.importances, self.declared, self.how.seed)
            write_text(new / "metrics.json", json.dumps(result, indent=1))
            self._log(new, result)
            replace_folder(new, self.context.models / name)
            self.tick(f"{title}: done")

    def _log(self, folder: Path, result: Result) -> None:
        files = [folder / "model.json", folder / "reference.json"]
        logged = log_model_run(folder, result, files, self.context.data, self.context.service)
        if logged.warning:
            logging.getLogger("encore").warning(logged.warning)

    def _written(self, fitted: Fitted, new: Path) -> Result:
        """Write the model and its test scores; what is said of it but for what matters to it."""
        write_text(new / "model.json", json.dumps(fitted.plain.to_json()))
        both = {"probability": fitted.plain, "recency_probability": self.recency}
        scored(self.test, both, SCORED).write.parquet(str(new / "test_scores"))
        tested = self.test.sparkSession.read.parquet(str(new / "test_scores"))
        features = [feature.name for feature in self.declared]
        trained = scored(self.train, {"probability": fitted.plain}, ["customer_id", "label", *features]).cache()
        write_text(new / "reference.json", json.dumps(reference(trained, self.declared), indent=1))
        name, context = fitted.plain.kind, self.context
        result = {
            "model": name,
            "title": KINDS[name].title,
            "service": context.service_name,
            "label": context.service.label.model_dump(),
            "split": _split_as_data(self.split),
            "train_rows": sum(self.rows["training"].values()),
            "test_rows": sum(self.rows["test"].values()),
            "train_positive_share": self.rows["training"][1] / sum(self.rows["training"].values()),
            "balance": self.how.balance,
            "calibration": self.part.calibration,
            "tuning": {
                "folds": self.how.folds,
                "customers": min(self.how.tuning_customers, self.part.rows),
                "candidates": [one.to_json() for one in fitted.candidates],
            },
            **judged(trained, tested, self.how.seed),
            "gain_over_recency": self._gain(tested),
            "left_out": dict(self.part.preparation.left_out),
            "fitted_on": self.basis[name],
            "code_version": code_version(),
            "seed": self.how.seed,
        }
        trained.unpersist()
        return result

    def _gain(self, tested: DataFrame) -> Result:
        other = tested.withColumnRenamed("recency_probability", "other_probability")
        return dict(vars(auc_gain(other)))


def _save(pipeline: PipelineModel, folder: Path) -> str:
    """Save a pipeline; returns the folder of its last stage."""
    pipeline.write().overwrite().save(f"file:{folder.absolute()}")
    [last] = (folder / "stages").glob(f"*_{pipeline.stages[-1].uid}")
    return f"file:{last.absolute()}"


def _split(context: Context) -> Split:
    layer = context.features
    records = layer.records()
    moments = [Moment.at(date.fromisoformat(day), context.service.windows) for day in records]
    mature = [moment for moment in moments if records[str(moment.as_of)]["label_status"] == "mature"]
    if not mature:
        raise InputError(
            f"{layer.root}: no as-of date has mature labels, and a model learns from nothing else; "
            f"run `encore features` with an --as-of at least {moments[0].outcome.days if moments else 'an outcome of'} "
            f"days before the end of the logs"
        )
    try:
        return chosen_split(mature, context.service.training.split)
    except ValueError as error:
        raise InputError(
            f"{layer.root}: {error}; run `encore features` at an earlier --as-of, or split by customer"
        ) from None


def _split_as_data(split: Split) -> Result:
    return {
        "by": split.by,
        "text": str(split),
        "train_as_of": [str(day) for day in split.train],
        "test_as_of": str(split.test),
        "unused_as_of": [str(day) for day in split.unused],
    }


def _basis(context: Context, split: Split, name: str) -> Result:
    """What a model is fitted on: the tables and all that is declared for it."""
    service, how = context.service, context.service.training
    grid = getattr(how.grids, name) if name in KINDS else service.alive
    shared = how.model_dump(exclude={"grids"})
    days = sorted({str(day) for day in (*split.train, split.test)})
    return {
        "tables": {day: table_record(context, day)["basis"] for day in days},
        "split": str(split),
        "configuration": fingerprint(shared, grid, service.recency_feature),
    }


def _result(context: Context, name: str) -> Result | None:
    """What `metrics.json` of a model or of the baselines holds, None where there is none."""
    path = context.models / name / "metrics.json"
    if not path.is_file():
        return None
    result: Result = json.loads(path.read_text(encoding="utf-8"))
    return result


def _choice(context: Context, split: Split) -> Result:
    """Of the models that were fitted on these tables, the one with the highest AUC in cross-validation."""
    auc = {}
    for name in KINDS:
        result = _result(context, name)
        if result and result["fitted_on"] == _basis(context, split, name):
            auc[name] = max(one["auc"] for one in result["tuning"]["candidates"] if one["chosen"])
    best = max(auc, key=lambda name: auc[name])
    others = ", ".join(f"{KINDS[name].title} {value:.4f}" for name, value in auc.items())
    return {"model": best, "why": f"the highest AUC in cross-validation on training customers ({others})"}
