"""`encore train`: feature tables to fitted models, judged beside baselines on rows that none of them was fitted on."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

from conf.errors import InputError
from features.declared import table_features
from jobs.context import Context
from jobs.learning import fitted_on, split_as_data, split_of
from jobs.storage import beside, replace_folder
from jobs.tables import read_tables
from jobs.tracking import code_version, log_model_run
from jobs.trained import BASELINES, CHOSEN, METRICS, MODEL, REFERENCE, Result, find_result, model_result, write_json
from models.baselines import SCORED, Baseline, bgnbd_baseline, plain_baselines, recency_rule
from models.drift import reference
from models.explanation import explained, sample
from models.gain import auc_gain
from models.judgement import judged
from models.kinds import KINDS, candidates
from models.plain import PlainModel, scored
from models.split import Split, histories
from models.training import Fitted, TrainingPart, fit_model, training_part

FEWEST = {"training": 50, "test": 2}  # rows of either label; fewer in the test part than 50 show in the intervals
STEPS_BESIDE = 3  # of a model, beside the fits of its cross-validation: the last fit, judging, explaining
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
    split = split_of(context)
    basis = {name: fitted_on(context, split, name) for name in (*names, BASELINES)}
    stale = [name for name in basis if (find_result(context, name) or {}).get("fitted_on") != basis[name]]
    if stale:
        _Course(context, spark, split, basis, watch).fit(stale)
    write_json(context.models / CHOSEN, _choice(context, split))
    return [model_result(context, name) for name in names]


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
        self.rows = {"training": self._labels("training", self.train), "test": self._labels("test", self.test)}
        if names:
            self.part  # noqa: B018 (what cannot be learned from is met before any time is spent)
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

    def _labels(self, side: str, rows: DataFrame) -> dict[int, int]:
        """How many rows have each label. Raises InputError where one of them is too rare."""
        found = {0: 0, 1: 0} | {row["label"]: row["count"] for row in rows.groupBy("label").count().collect()}
        rare = min(found, key=lambda label: found[label])
        if found[rare] < FEWEST[side]:
            raise InputError(
                f"{self.context.features.root}: in the {side} part {found[rare]} of {sum(found.values())} rows have "
                f"label {rare} ({self.split}), and at least {FEWEST[side]} are needed; "
                f"take more customers or another --as-of"
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
            "split": split_as_data(self.split),
            "baselines": [self._judged_baseline(one) for one in found],
            "left_out": left_out,
            "fitted_on": self.basis[BASELINES],
        }
        with beside(self.context.models / BASELINES) as folder:
            write_json(folder / "new" / METRICS, result)
            replace_folder(folder / "new", self.context.models / BASELINES)

    def _judged_baseline(self, one: Baseline) -> Result:
        return {"name": one.name, "title": one.title, **judged(one.train, one.test, self.how.seed)}

    def _fit_model(self, name: str) -> None:
        title, target = KINDS[name].title, self.context.models / name
        self.tick(f"{title}: cross-validation", steps=0)
        with beside(target) as folder:
            new = folder / name
            save = partial(_save, folder=new / "pipeline")
            fitted = fit_model(name, self.part, self.how, save, lambda: self.tick(f"{title}: cross-validation"))
            self.tick(f"{title}: judging", steps=0)
            result = self._described(fitted) | self._judged(fitted, new)
            self.tick(f"{title}: what matters")
            some = sample(self.test, fitted.plain)
            result |= explained(some, fitted.plain, fitted.importances, self.declared, self.how.seed)
            write_json(new / METRICS, result)
            replace_folder(new, target)
        self._log(target, result)
        self.tick(f"{title}: done")

    def _judged(self, fitted: Fitted, new: Path) -> Result:
        """Write the model, its test scores and what drift compares with; how good it is."""
        write_json(new / MODEL, fitted.plain.to_json(), indent=None)
        both = {"probability": fitted.plain, "recency_probability": self.recency}
        scored(self.test, both, SCORED).write.parquet(str(new / "test_scores"))
        tested = self.test.sparkSession.read.parquet(str(new / "test_scores"))
        columns = ["customer_id", "label", *(feature.name for feature in self.declared)]
        trained = scored(self.train, {"probability": fitted.plain}, columns).cache()
        # Scores of rows that a model was fitted on are further apart than any it will give.
        unseen = reference(tested, ())
        score = {"score": unseen["score"] | {"customers": unseen["customers"]}}
        write_json(new / REFERENCE, reference(trained, self.declared) | score)
        other = tested.withColumnRenamed("recency_probability", "other_probability")
        gain = dict(vars(auc_gain(other, self.how.seed)))
        result = judged(trained, tested, self.how.seed) | {"gain_over_recency": gain}
        trained.unpersist()
        return result

    def _described(self, fitted: Fitted) -> Result:
        """What the model is and what it was fitted on."""
        name, context = fitted.plain.kind, self.context
        rows = self.rows["training"]
        return {
            "model": name,
            "title": KINDS[name].title,
            "service": context.service_name,
            "label": context.service.label.model_dump(),
            "split": split_as_data(self.split),
            "train_rows": sum(rows.values()),
            "test_rows": sum(self.rows["test"].values()),
            "train_positive_share": rows[1] / sum(rows.values()),
            "balance": self.how.balance,
            "calibration": self.part.calibration,
            "tuning": {
                "folds": self.how.folds,
                "rows": fitted.tuning_rows,
                "candidates": [one.to_json() for one in fitted.candidates],
            },
            "left_out": dict(self.part.preparation.left_out),
            "fitted_on": self.basis[name],
            "code_version": code_version(),
            "seed": self.how.seed,
        }

    def _log(self, folder: Path, result: Result) -> None:
        files = [folder / MODEL, folder / REFERENCE]
        logged = log_model_run(folder, result, files, self.context.data, self.context.service)
        if logged.warning:
            logging.getLogger("encore").warning(logged.warning)


def _save(pipeline: PipelineModel, folder: Path) -> str:
    """Save a pipeline; returns the folder of its last stage."""
    pipeline.write().overwrite().save(f"file:{folder.absolute()}")
    [last] = (folder / "stages").glob(f"*_{pipeline.stages[-1].uid}")
    return f"file:{last.absolute()}"


def _choice(context: Context, split: Split) -> Result:
    """Of the models that were fitted on these tables, the one with the highest AUC in cross-validation."""
    auc = {}
    for name in KINDS:
        result = find_result(context, name)
        if result and result["fitted_on"] == fitted_on(context, split, name):
            auc[name] = max(one["auc"] for one in result["tuning"]["candidates"] if one["chosen"])
    best = max(auc, key=lambda name: auc[name])
    others = ", ".join(f"{KINDS[name].title} {value:.4f}" for name, value in auc.items())
    return {"model": best, "why": f"the highest AUC in cross-validation on training rows ({others})"}
