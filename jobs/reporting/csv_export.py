"""The numbers behind the report's page and its figures, as small tables for spreadsheets."""

import math
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from jobs.formatting import settings
from jobs.reporting.contact_plan import RULES, ContactPlan
from jobs.reporting.contents import Contents
from jobs.reporting.data_quality import DataQuality
from jobs.reporting.drift import Drift
from jobs.reporting.importance import FeatureImportances
from jobs.reporting.leakage import LeakageAudit
from jobs.reporting.learning_curve import LearningCurve
from jobs.reporting.model_comparison import Evaluated, ModelComparison
from jobs.reporting.recommendations import Recommendations
from jobs.reporting.recommender_evaluation import RecommenderEvaluation
from jobs.reporting.row_counts import RowCounts
from jobs.reporting.scores import Scores

Rows = list[tuple[Any, ...]]
Sheet = tuple[Sequence[str], Rows]
INTERVAL = ("value", "low", "high")
FORMULAS = ("=", "+", "-", "@")  # what a cell begins with that spreadsheets compute
CURVES = {
    "roc": ("false_positive_rate", "true_positive_rate"),
    "precision_recall": ("recall", "precision"),
    "gains": ("share_of_customers", "share_of_positives"),
    "lift": ("share_of_customers", "lift"),
    "calibration": ("mean_probability", "observed_share", "low", "high", "rows"),
}


def sheets(found: Contents) -> dict[str, Sheet]:
    """Header and rows of each table, by name; those of what is not there are left out."""
    counts = found.row_counts
    tables = {"flow": _flow(counts), "reasons": _reasons(counts), "customers": _customers(found.quality)}
    if found.comparison:
        evaluated = [*found.comparison.all, *([found.oracle] if found.oracle else [])]
        tables |= {"models": _models(evaluated), "tuning": _tuning(found.comparison)}
        tables |= {kind: _curve(kind, evaluated) for kind in CURVES}
    if found.learning_curves:
        tables["epochs"] = _epochs(found.learning_curves)
    if found.audit:
        tables["audit"] = _audit(found.audit)
    if found.importances:
        tables |= {"features": _features(found.importances), "dependence": _dependence(found.importances)}
    if found.scores:
        tables["deciles"] = _deciles(found.scores)
    if found.plan:
        tables["profit"] = _profit(found.plan)
    if found.plan and found.plan.uplift:
        tables["uplift"] = _uplift(found.plan)
    if found.recommendations:
        tables["recommended"] = _recommended(found.recommendations)
    if found.recommendations and found.recommendations.evaluation:
        tables["recommenders"] = _recommenders(found.recommendations.evaluation)
    if found.drift:
        tables["drift"] = _drift(found.drift)
    return tables


def _flow(counts: RowCounts) -> Sheet:
    rows: Rows = [
        (step.layer, step.what, step.rows_in, step.unit_in, step.rows_out, step.unit_out, _joined(step.rest))
        for step in counts.steps
    ]
    return ("layer", "what", "rows_in", "unit_in", "rows_out", "unit_out", "rest"), rows


def _joined(rest: dict[str, int]) -> str:
    return "; ".join(f"{number} {what}" for what, number in rest.items())


def _reasons(counts: RowCounts) -> Sheet:
    rows: Rows = [
        (done, one.layer, one.event, one.reason, one.rows, one.of_rows, one.meaning)
        for done, reasons in {"rejected": counts.rejected, "repaired": counts.repaired}.items()
        for one in reasons
    ]
    return ("done", "layer", "event", "reason", "rows", "of_rows", "meaning"), rows


def _customers(quality: DataQuality) -> Sheet:
    columns = ("as_of", "customers", "eligible", "bots_excluded", "is_mature", "positives", "days_lacking_parts")
    rows: Rows = [
        (*(getattr(table, column) for column in columns), table.positive_share, len(table.missing_days))
        for table in quality.tables
    ]
    return (*columns, "positive_share", "days_missing"), rows


def _models(evaluated: Sequence[Evaluated]) -> Sheet:
    rows: Rows = [
        (one.name, one.title, one.role, part, metric, *astuple(found))
        for one in evaluated
        for part, measured in {"train": one.train, "test": one.test}.items()
        for metric, found in measured.items()
    ]
    return ("name", "title", "role", "part", "metric", *INTERVAL), rows


def _tuning(comparison: ModelComparison) -> Sheet:
    """A network has no folds and no deviation: it is evaluated once."""
    rows: Rows = [
        (model.name, settings(one.params), _known(one.auc), _known(one.deviation), one.chosen)
        + (model.tuned_on, tuning.folds, tuning.rows)
        for model in comparison.models
        for tuning in [model.record.tuning]
        for one in model.candidates
    ]
    return ("name", "parameters", "auc", "deviation", "chosen", "judged", "folds", "rows"), rows


def _epochs(curves: Sequence[LearningCurve]) -> Sheet:
    rows: Rows = [
        (curve.name, epoch.number, _known(epoch.loss), _known(epoch.validation_loss), epoch.seconds)
        + (epoch.number == curve.network.best_epoch,)
        for curve in curves
        for epoch in curve.network.epochs
    ]
    return ("name", "epoch", "loss", "validation_loss", "seconds", "is_best"), rows


def _known(number: float) -> float | None:
    """An empty cell where it is none."""
    return None if math.isnan(number) else number


def _curve(kind: str, evaluated: Sequence[Evaluated]) -> Sheet:
    return ("name", *CURVES[kind]), [(one.name, *point) for one in evaluated for point in one.curves.get(kind, [])]


def _audit(audit: LeakageAudit) -> Sheet:
    columns = ("where", "label", "rows", "others", "beside", "beside_rows", "beside_share", "expected_share")
    rows: Rows = [
        (
            *(one.feature, *astuple(one.auc), one.direction, "; ".join(one.flags)),
            *(getattr(one.decides, column, None) for column in columns),
            one.meaning,
        )
        for one in audit.features
    ]
    auc = tuple(f"auc_{end}" for end in INTERVAL)
    return ("feature", *auc, "direction", "flags", *columns, "meaning"), rows


def _features(importances: FeatureImportances) -> Sheet:
    rows: Rows = [
        (one.feature, *astuple(one.permutation), one.coefficient, one.tree_importance, one.unit, one.meaning)
        for one in importances.features
    ]
    importance = tuple(f"permutation_{end}" for end in INTERVAL)
    return ("feature", *importance, "coefficient", "tree_importance", "unit", "meaning"), rows


def _dependence(importances: FeatureImportances) -> Sheet:
    rows: Rows = [(one.feature, *point) for one in importances.dependence for point in one.points]
    return ("feature", "value", "mean_probability"), rows


def _deciles(scores: Scores) -> Sheet:
    rows: Rows = [(one.decile, one.customers, one.mean_probability) for one in scores.deciles]
    return ("decile", "customers", "mean_probability"), rows


def _profit(plan: ContactPlan) -> Sheet:
    columns = tuple(f"{rule}_{end}" for rule in (*RULES, "over_recency") for end in INTERVAL)
    rows: Rows = [
        (one.share, *(end for rule in RULES for end in astuple(one.profit[rule])), *astuple(one.over_recency))
        for one in plan.curve
    ]
    return ("share", *columns), rows


def _uplift(plan: ContactPlan) -> Sheet:
    rows: Rows = [(one.decile, one.treated, one.untreated, *astuple(one.uplift)) for one in plan.uplift]
    return ("decile", "treated", "untreated", *(f"uplift_{end}" for end in INTERVAL)), rows


def _recommenders(evaluation: RecommenderEvaluation) -> Sheet:
    """Besides the metrics, the paired difference of the NDCG to that of popular titles."""
    rows: Rows = [
        (part.name, one.name, one.title, one.is_chosen, metric, *map(_known, astuple(found)))
        + (one.customers, one.coverage)
        for part in evaluation.parts
        for one in part.rankers
        for metric, found in (one.metrics | {"ndcg_over_popular": one.over_popular}).items()
    ]
    return ("part", "name", "title", "chosen", "metric", *INTERVAL, "customers", "coverage"), rows


def _recommended(recommendations: Recommendations) -> Sheet:
    """The titles on most lists."""
    record = recommendations.record
    rows: Rows = [
        (_inert(one.title_id), _inert(one.name), one.customers, one.customers / record.customers)
        for one in record.most_recommended
    ]
    return ("title_id", "name", "customers", "share_of_customers"), rows


def _inert(value: Any) -> Any:
    """A name of the data, of which a spreadsheet must make neither a formula, `=1+1` -> `'=1+1`, nor a second row."""
    if not isinstance(value, str):
        return value
    line = value.replace("\r", " ").replace("\n", " ")
    return f"'{line}" if line.lstrip().startswith(FORMULAS) else line


def _drift(drift: Drift) -> Sheet:
    columns = ("feature", "kind", "psi", "null_share", "null_share_at_training", "new_category_share")
    rows: Rows = [(*(getattr(one, name) for name in columns), "; ".join(one.above)) for one in drift.record.features]
    return (*columns, "above"), rows
