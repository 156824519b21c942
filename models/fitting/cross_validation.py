"""Selects hyperparameters by cross-validation on the training set; no customer is in two folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, stdev

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.evaluation.intervals import Number
from models.fitting.kinds import ModelKind
from models.fitting.split import fold

AT_A_TIME = 2  # fits at the same time; each leaves cores idle between its many small steps


@dataclass(frozen=True)
class Candidate:
    """Parameters, and mean and standard deviation of the AUC over the folds; the deviation is NaN without folds."""

    params: Mapping[str, int | float | str]
    auc: Number
    deviation: Number
    chosen: bool


def cross_validate(
    prepared: DataFrame,
    kind: ModelKind,
    candidates: Sequence[dict[str, float]],
    folds: int,
    seed: int,
    tick: Callable[[], None] = lambda: None,
) -> list[Candidate]:
    """Measure the AUC of each candidate on the folds it was not fitted on, and mark the one with the best mean.

    Of equal candidates the first is chosen.

    Args:
        prepared: training rows with `customer_id`, `inputs`, `label` and `weight`.
        tick: called after each of the `len(candidates) * folds` fits.
    """
    from pyspark.ml.evaluation import BinaryClassificationEvaluator

    numbered = prepared.withColumn("fold", fold(F.col("customer_id"), folds)).cache()

    def measure_auc(params: dict[str, float], held_out: int) -> float:
        fitted = kind.fit(numbered.where(F.col("fold") != held_out), params, seed)
        ranked = kind.rank(fitted, numbered.where(F.col("fold") == held_out))
        value = BinaryClassificationEvaluator(numBins=0).evaluate(ranked)
        tick()
        return float(value)

    tasks = [(params, held_out) for params in candidates for held_out in range(folds)]
    with ThreadPoolExecutor(1 if kind.takes_all_slots else AT_A_TIME) as pool:
        found = list(pool.map(measure_auc, *zip(*tasks, strict=True)))
    numbered.unpersist()
    per_candidate = [found[start : start + folds] for start in range(0, len(found), folds)]
    means = [fmean(values) for values in per_candidate]
    best = means.index(max(means))
    return [
        Candidate(dict(params), mean, stdev(values), number == best)
        for number, (params, mean, values) in enumerate(zip(candidates, means, per_candidate, strict=True))
    ]
