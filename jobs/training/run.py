"""A course of training: models and baselines fitted to one split of the feature tables, and what is said of each."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from itertools import groupby
from typing import Protocol

from pyspark.sql import DataFrame, SparkSession

from conf.errors import InputError
from features.declared import NamedFeature
from jobs.context import Context
from jobs.storage.layer import beside, replace_folder
from jobs.storage.location import Place, Remote, require_reachable
from jobs.storage.versions import current
from jobs.training.artifacts import BASELINES, METRICS, MODEL, REFERENCE, Result, find_result, write_json
from jobs.training.dataset import fitted_on, split_as_data
from jobs.training.feature_tables import read_tables
from jobs.training.leakage import write_audit
from jobs.training.mlflow import code_version, log_model_run
from jobs.training.variants import Wanted, basis_of
from models.baselines.baselines import SCORED, Baseline, bgnbd_baseline, fit_recency, simple_baselines
from models.drift import make_reference
from models.evaluation.evaluate import evaluate
from models.evaluation.explanation import draw_sample, explain
from models.evaluation.paired_auc import auc_gain
from models.fitting.fit import FittedModel, TrainingSet
from models.fitting.split import Split, unlabelled_histories
from models.scoring.portable import PortableModel, score_table

FEWEST = {"training": 50, "test": 2}  # rows of either label; fewer in the test part than 50 show in the intervals
STEPS_BESIDE = 2  # of a model, beside those of its fit: judging, explaining
# Told how many steps are done, of how many, and what comes next.
Watch = Callable[[int, int, str], None]


class Fitting(Protocol):
    """A way to fit a family of models in a course."""

    def steps(self, context: Context, one: Wanted) -> int:
        """How often `fit` ticks."""
        ...

    def part(self, course: "Course", one: Wanted) -> TrainingSet:
        """The training rows made ready; raises ValueError where nothing can be learned from them."""
        ...

    def fit(self, course: "Course", one: Wanted, part: TrainingSet, new: Place) -> FittedModel:
        """A fitted model, whose own files are put into the folder `new`."""
        ...


class Course:
    """The parts of the tables, made once for all models."""

    def __init__(self, context: Context, spark: SparkSession, split: Split, watch: Watch, fitting: Fitting) -> None:
        self.context, self.spark, self.split, self.watch, self.fitting = context, spark, split, watch, fitting
        self.how = context.service.training
        self.done = self.total = 0

    @cached_property
    def parts(self) -> tuple[DataFrame, DataFrame]:
        """The rows that train, and those that judge. Raises InputError where Spark has no way to the data."""
        if isinstance(self.context.data, Remote):  # Sail, which made the tables, may have one of its own
            require_reachable(replace(self.context.data, engine="spark"))
        days = sorted({str(day) for day in (*self.split.train, self.split.test)})
        return self.split.apply(read_tables(self.context, self.spark, days))

    @property
    def train(self) -> DataFrame:
        """The rows that train."""
        return self.parts[0]

    @property
    def test(self) -> DataFrame:
        """The rows that judge."""
        return self.parts[1]

    @cached_property
    def rows(self) -> dict[str, dict[int, int]]:
        """How many rows have each label, by side. Raises InputError where one of them is too rare."""
        return {"training": self._labels("training", self.train), "test": self._labels("test", self.test)}

    def audit(self) -> Result:
        """Which features know more than they should."""
        self.watch(0, 1, "leakage audit")
        return write_audit(self.context, self.split, self.train, sum(self.rows["training"].values()))

    def fit(self, stale: Sequence[Wanted]) -> None:
        """Fit the baselines, where they are not up to date, and these models."""
        self.total = 1 + sum(self.fitting.steps(self.context, one) + STEPS_BESIDE for one in stale)
        self.tick("baselines", steps=0)
        groups = [list(some) for _, some in groupby(stale, key=lambda one: one.without)]
        first = self._part(groups[0][0]) if groups else None  # what cannot be learned from is met before time is spent
        self._fit_baselines()
        self.tick("models")
        for number, some in enumerate(groups):
            part = first if first and number == 0 else self._part(some[0])
            for one in some:
                self._fit_model(one, part)
            part.prepared.unpersist()

    def tick(self, what: str, steps: int = 1) -> None:
        """Say that steps are done, and what comes next."""
        self.done += steps
        self.watch(self.done, self.total, what)

    def _part(self, one: Wanted) -> TrainingSet:
        """The training part made ready for a model."""
        try:
            return self.fitting.part(self, one)
        except ValueError as error:
            raise InputError(
                f"{self.context.features.root}: {error} ({self.split}), so nothing can be learned"
            ) from None

    @cached_property
    def recency(self) -> PortableModel:
        """The rule by recency alone."""
        return fit_recency(self.train, self.context.service)

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
        basis = fitted_on(self.context, self.split, service.alive)
        if (find_result(self.context, BASELINES) or {}).get("fitted_on") == basis:
            return
        found = simple_baselines(self.train, self.test, self.recency, service)
        if service.alive:
            try:
                known = unlabelled_histories(self.split, self.train, self.test)
                found.append(bgnbd_baseline(known, self.train, self.test, service, service.alive))
            except ValueError as error:  # a baseline less is no reason to have no model
                left_out["bgnbd"] = str(error)
        result = {
            "split": split_as_data(self.split),
            "baselines": [self._judged_baseline(one) for one in found],
            "left_out": left_out,
            "fitted_on": basis,
        }
        with beside(self.context.models / BASELINES) as folder:
            write_json(folder / "new" / METRICS, result)
            replace_folder(folder / "new", self.context.models / BASELINES)

    def _judged_baseline(self, one: Baseline) -> Result:
        return {"name": one.name, "title": one.title, **asdict(evaluate(one.train, one.test, self.how.seed))}

    def _fit_model(self, one: Wanted, part: TrainingSet) -> None:
        target, declared = self.context.models / one.name, one.features(self.context.service)
        with beside(target) as folder:
            new = folder / one.name
            new.mkdir()
            fitted = self.fitting.fit(self, one, part, new)
            self.tick(f"{one.title}: judging", steps=0)
            result = self._described(one, part, fitted) | self._judged(fitted, declared, new)
            self.tick(f"{one.title}: what matters")
            some = draw_sample(self.test, fitted.portable)
            result |= asdict(explain(some, fitted.portable, fitted.importances, declared, self.how.seed))
            write_json(new / METRICS, result)
            replace_folder(new, target)
        self._log(current(target), result)
        self.tick(f"{one.title}: done")

    def _judged(self, fitted: FittedModel, declared: Sequence[NamedFeature], new: Place) -> Result:
        """Write the model, its test scores and what drift compares with; how good it is."""
        write_json(new / MODEL, fitted.portable.to_json(), indent=None)
        both = {"probability": fitted.portable, "recency_probability": self.recency}
        score_table(self.test, both, SCORED).write.parquet(str(new / "test_scores"))
        tested = self.spark.read.parquet(str(new / "test_scores"))
        columns = ["customer_id", "label", *(feature.name for feature in declared)]
        trained = score_table(self.train, {"probability": fitted.portable}, columns).cache()
        # Scores of rows that a model was fitted on are further apart than any it will give.
        reference = replace(make_reference(trained, declared), score=make_reference(tested, ()).score)
        write_json(new / REFERENCE, asdict(reference))
        other = tested.withColumnRenamed("recency_probability", "other_probability")
        gain = dict(vars(auc_gain(other, self.how.seed)))
        result = asdict(evaluate(trained, tested, self.how.seed)) | {"gain_over_recency": gain}
        trained.unpersist()
        return result

    def _described(self, one: Wanted, part: TrainingSet, fitted: FittedModel) -> Result:
        """What the model is and what it was fitted on."""
        context, rows = self.context, self.rows["training"]
        return {
            "model": one.name,
            "title": one.title,
            "without": list(one.without),
            "service": context.service_name,
            "label": context.service.label.model_dump(),
            "split": split_as_data(self.split),
            "train_rows": sum(rows.values()),
            "test_rows": sum(self.rows["test"].values()),
            "train_positive_share": rows[1] / sum(rows.values()),
            "balance": self.how.balance,
            "calibration": part.calibration,
            "tuning": asdict(fitted.tuning) | {"candidates": [asdict(one) for one in fitted.candidates]},
            "left_out": dict(part.preprocessing.left_out),
            "fitted_on": basis_of(context, self.split, one),
            "code_version": code_version(),
            "seed": self.how.seed,
            **fitted.about,
        }

    def _log(self, folder: Place, result: Result) -> None:
        files = [folder / MODEL, folder / REFERENCE, *folder.glob("*.keras")]
        logged = log_model_run(folder, result, files, self.context.data, self.context.service)
        if logged.warning:
            logging.getLogger("encore").warning(logged.warning)
