"""A training run: baselines and models fitted on one training set, and evaluated on one test set."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.version import code_version
from features.declared import NamedFeature
from jobs.data_folder import DataFolder
from jobs.records.progress import StepCounter
from jobs.records.training import (
    BaselineSection,
    BaselinesRecord,
    ModelRecord,
    PortableRecord,
    ReferenceRecord,
    TuningSection,
    TypicalRecord,
)
from jobs.storage.backend import matching, replace_folder, staging_folder
from jobs.storage.location import Place
from jobs.storage.records import write_record
from jobs.storage.seals import sealed_tree
from jobs.training.artifacts import (
    BASELINES,
    BGNBD_PROBABILITY,
    METRICS,
    MODEL,
    REFERENCE,
    TEST_SCORES,
    TYPICAL,
    ModelFolder,
)
from jobs.training.dataset import LabelledRows, fitted_on, split_section
from jobs.training.fitter import FitResult, Fitter
from jobs.training.mlflow import log_model_run
from jobs.training.variants import ModelVariant
from models.baselines.baselines import BGNBD, SCORED, Baseline, bgnbd_baseline, fit_recency, simple_baselines
from models.drift import make_reference
from models.evaluation.evaluate import Evaluation, evaluate
from models.evaluation.explanation import Explanation, draw_sample, explain
from models.evaluation.intervals import Interval
from models.evaluation.paired_auc import auc_gain
from models.evaluation.typical import describe_typical, draw_training_sample
from models.fitting.fit import TrainingSet
from models.fitting.split import unlabelled_histories
from models.scoring.portable import PortableModel, score_table

KEYS = ("customer_id", "as_of")  # of test scores
STEPS_BESIDE = 2  # of a model, beside those of its fit: evaluation, explanation


@dataclass(frozen=True)
class TrainingRun:
    """Fits models and baselines into the data folder."""

    data: DataFolder
    rows: LabelledRows
    service_name: str
    fitter: Fitter
    steps: StepCounter

    def fit(self, stale: Sequence[ModelVariant]) -> None:
        """Fit the baselines, where they are not up to date, and these models."""
        self.steps.total = 1 + sum(self.fitter.steps(self.rows, one) + STEPS_BESIDE for one in stale)
        self.steps.tick("baselines", steps=0)
        groups = [list(some) for _, some in groupby(stale, key=lambda one: one.without)]
        first = self._prepare(groups[0][0]) if groups else None  # fails before time is spent
        self._fit_baselines()
        self.steps.tick("models")
        for number, variants in enumerate(groups):
            part = first if first and number == 0 else self._prepare(variants[0])
            for variant in variants:
                self._fit_model(variant, part)
            part.prepared.unpersist()

    @property
    def models(self) -> ModelFolder:
        """Where the models go."""
        return ModelFolder(self.data.models)

    @property
    def _seed(self) -> int:
        return self.rows.tables.service.training.seed

    def _evaluated(self, train: DataFrame, test: DataFrame) -> Evaluation:
        """The metrics on both sets; a customer is in the training set once for each of its as-of dates."""
        return evaluate(train, test, self._seed, repeats=len(self.rows.split.train) > 1)

    @cached_property
    def _recency(self) -> PortableModel:
        """The rule by recency alone."""
        return fit_recency(self.rows.train, self.rows.tables.service)

    def _prepare(self, variant: ModelVariant) -> TrainingSet:
        try:
            return self.fitter.prepare(self.rows, variant)
        except ValueError as error:
            raise InputError(
                f"{self.data.features.root}: {error} ({self.rows.split}), so nothing can be learned"
            ) from None

    # ---- baselines ----

    def _fit_baselines(self) -> None:
        rows, left_out = self.rows, {}
        service, split = rows.tables.service, rows.split
        basis = fitted_on(rows.tables, split, lambda service: [service.alive])
        known = self.models.readable(BaselinesRecord, BASELINES)
        if known and known.fitted_on == basis:
            return
        found = simple_baselines(rows.train, rows.test, self._recency, service)
        if service.alive:
            try:
                past = unlabelled_histories(split, rows.train, rows.test)
                found.append(bgnbd_baseline(past, rows.train, rows.test, service, service.alive))
            except ValueError as error:  # models can be trained without this baseline
                left_out[BGNBD] = str(error)
        record = BaselinesRecord(
            split=split_section(split),
            baselines=[self._evaluate_baseline(one) for one in found],
            left_out=left_out,
            fitted_on=basis,
        )
        target = self.data.models / BASELINES
        with staging_folder(target) as folder:
            new = folder / "new"
            new.mkdir()
            for one in found:
                if one.name == BGNBD:
                    scores = one.test.select(*KEYS, F.col("probability").alias(BGNBD_PROBABILITY))
                    scores.write.parquet(str(new / TEST_SCORES))
            write_record(new / METRICS, sealed_tree(record, new))
            replace_folder(new, target)

    def _evaluate_baseline(self, one: Baseline) -> BaselineSection:
        return BaselineSection(name=one.name, title=one.title, **vars(self._evaluated(one.train, one.test)))

    # ---- models ----

    def _fit_model(self, variant: ModelVariant, part: TrainingSet) -> None:
        """Fit, evaluate, explain, write, log."""
        target, features = self.data.models / variant.name, variant.features(self.rows.features)
        with staging_folder(target) as folder:
            new = folder / variant.name
            new.mkdir()
            result = self.fitter.fit(self.rows, variant, part, new, self.steps)
            model = result.fitted.portable
            self.steps.tick(f"{variant.title}: evaluation", steps=0)
            write_record(new / MODEL, PortableRecord(**model.to_json()), indent=None)
            typical = describe_typical(draw_training_sample(self.rows.train, model), model)
            write_record(new / TYPICAL, TypicalRecord(**vars(typical)))
            evaluation, gain = self._evaluate(model, features, new)
            self.steps.tick(f"{variant.title}: importance")
            some = draw_sample(self.rows.test, model)
            explanation = explain(some, model, result.fitted.importances, features, self._seed)
            record = self._record(variant, part, result, evaluation, gain, explanation)
            write_record(new / METRICS, sealed_tree(record, new))
            replace_folder(new, target)
        self._log(variant.name, record)
        self.steps.tick(f"{variant.title}: done")

    def _evaluate(
        self, model: PortableModel, features: Sequence[NamedFeature], new: Place
    ) -> tuple[Evaluation, Interval]:
        """Write test scores and the reference of drift; returns metrics and the gain over the recency rule."""
        rows, spark = self.rows, self.rows.spark
        both = {"probability": model, "recency_probability": self._recency}
        score_table(rows.test, both, SCORED).write.parquet(str(new / TEST_SCORES))
        tested = spark.read.parquet(str(new / TEST_SCORES))
        columns = ["customer_id", "label", *(feature.name for feature in features)]
        trained = score_table(rows.train, {"probability": model}, columns).cache()
        self._write_reference(trained, tested, features, new)
        other = tested.withColumnRenamed("recency_probability", "other_probability")
        gain = auc_gain(other, self._seed)
        evaluation = self._evaluated(trained, tested)
        trained.unpersist()
        return evaluation, gain

    def _write_reference(
        self, trained: DataFrame, tested: DataFrame, features: Sequence[NamedFeature], new: Place
    ) -> None:
        """Write the reference of drift: features of the training set, and scores of the test set.

        Scores of the training set would be further apart than any that the model gives later.
        """
        reference = replace(make_reference(trained, features), score=make_reference(tested, ()).score)
        write_record(new / REFERENCE, ReferenceRecord(**vars(reference)))

    def _record(
        self,
        variant: ModelVariant,
        part: TrainingSet,
        result: FitResult,
        evaluation: Evaluation,
        gain: Interval,
        explanation: Explanation,
    ) -> ModelRecord:
        tables, split, counts = self.rows.tables, self.rows.split, self.rows.train_counts
        how, fitted = tables.service.training, result.fitted
        return ModelRecord(
            model=variant.name,
            title=variant.title,
            without=list(variant.without),
            service=self.service_name,
            label=tables.service.label,
            split=split_section(split),
            train_rows=counts.rows,
            test_rows=self.rows.test_counts.rows,
            train_positive_share=counts.positives / counts.rows,
            balance=how.balance,
            calibration=part.calibration,
            tuning=TuningSection(**vars(fitted.tuning), candidates=fitted.candidates),
            left_out=dict(part.preprocessing.left_out),
            levels={one.name: list(one.levels) for one in variant.features(self.rows.features) if one.levels},
            fitted_on=variant.fitted_on(tables, split),
            code_version=code_version(),
            seed=how.seed,
            **vars(evaluation),
            gain_over_recency=gain,
            **vars(explanation),
            network=result.network,
        )

    def _log(self, name: str, record: ModelRecord) -> None:
        folder = self.models.folder(name)
        files = [folder / MODEL, folder / REFERENCE, *matching(folder, "*.keras")]
        logged = log_model_run(folder, record, files, self.data.root, self.rows.tables.service)
        if logged.warning:
            logging.getLogger("encore").warning(logged.warning)
