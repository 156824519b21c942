"""Choosing among candidates by cross-validation on training customers, whose folds never share a customer."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, stdev

from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from models.evaluation.intervals import Number
from models.fitting.kinds import ModelKind
from models.fitting.split import fold

AT_A_TIME = 2  # fits; each leaves the cores idle between its many small steps


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
    """Judge each candidate on customers that it was not fitted on, and choose the best mean AUC, the first of equals.

    Args:
        prepared: rows with `customer_id`, `inputs`, `label` and `weight`, all of them training rows.
        tick: called after each of the `len(candidates) * folds` fits.
    """
    numbered = prepared.withColumn("fold", fold(F.col("customer_id"), folds)).cache()

    def judged(params: dict[str, float], judge: int) -> float:
        fitted = kind.fit(numbered.where(F.col("fold") != judge), params, seed)
        ranked = kind.ranked(fitted, numbered.where(F.col("fold") == judge))
        value = BinaryClassificationEvaluator(numBins=0).evaluate(ranked)
        tick()
        return float(value)

    tasks = [(params, judge) for params in candidates for judge in range(folds)]
    with ThreadPoolExecutor(1 if kind.takes_all_slots else AT_A_TIME) as pool:
        found = list(pool.map(judged, *zip(*tasks, strict=True)))
    numbered.unpersist()
    per_candidate = [found[start : start + folds] for start in range(0, len(found), folds)]
    means = [fmean(values) for values in per_candidate]
    best = means.index(max(means))
    return [
        Candidate(dict(params), mean, stdev(values), number == best)
        for number, (params, mean, values) in enumerate(zip(candidates, means, per_candidate, strict=True))
    ]
