"""The numbers behind the report's page and its figures, as small tables for spreadsheets."""

import math
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from jobs.formatting import settings
from jobs.reporting.contact_plan import RULES, Plan
from jobs.reporting.contents import Findings
from jobs.reporting.data_quality import Quality
from jobs.reporting.drift import Shift
from jobs.reporting.importance import Drivers
from jobs.reporting.leakage import Suspects
from jobs.reporting.learning_curve import Descent
from jobs.reporting.model_comparison import Judged, Verdict
from jobs.reporting.recommendations import Titles
from jobs.reporting.recommender_evaluation import Study
from jobs.reporting.row_counts import Flow
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


def sheets(found: Findings) -> dict[str, Sheet]:
    """Header and rows of each table, by name; those of what is not there are left out."""
    tables = {"flow": _flow(found.flow), "reasons": _reasons(found.flow), "customers": _customers(found.quality)}
    if found.verdict:
        judged = [*found.verdict.judged, *([found.best] if found.best else [])]
        tables |= {"models": _models(judged), "tuning": _tuning(found.verdict)}
        tables |= {kind: _curve(kind, judged) for kind in CURVES}
    if found.descents:
        tables["epochs"] = _epochs(found.descents)
    if found.suspects:
        tables["audit"] = _audit(found.suspects)
    if found.drivers:
        tables |= {"features": _features(found.drivers), "dependence": _dependence(found.drivers)}
    if found.scores:
        tables["deciles"] = _deciles(found.scores)
    if found.plan:
        tables["profit"] = _profit(found.plan)
    if found.plan and found.plan.uplift:
        tables["uplift"] = _uplift(found.plan)
    if found.titles:
        tables["recommended"] = _recommended(found.titles)
    if found.titles and found.titles.study:
        tables["recommenders"] = _recommenders(found.titles.study)
    if found.shift:
        tables["drift"] = _drift(found.shift)
    return tables


def _flow(flow: Flow) -> Sheet:
    rows: Rows = [
        (step.layer, step.what, step.rows_in, step.unit_in, step.rows_out, step.unit_out, _joined(step.rest))
        for step in flow.steps
    ]
    return ("layer", "what", "rows_in", "unit_in", "rows_out", "unit_out", "rest"), rows


def _joined(rest: dict[str, int]) -> str:
    return "; ".join(f"{number} {what}" for what, number in rest.items())


def _reasons(flow: Flow) -> Sheet:
    rows: Rows = [
        (done, one.layer, one.event, one.reason, one.rows, one.of_rows, one.meaning)
        for done, reasons in {"rejected": flow.rejected, "repaired": flow.repaired}.items()
        for one in reasons
    ]
    return ("done", "layer", "event", "reason", "rows", "of_rows", "meaning"), rows


def _customers(quality: Quality) -> Sheet:
    columns = ("as_of", "customers", "eligible", "bots_excluded", "is_mature", "positives", "days_lacking_parts")
    rows: Rows = [
        (*(getattr(table, column) for column in columns), table.positive_share, len(table.missing_days))
        for table in quality.tables
    ]
    return (*columns, "positive_share", "days_missing"), rows


def _models(judged: Sequence[Judged]) -> Sheet:
    rows: Rows = [
        (one.name, one.title, one.role, part, metric, *astuple(found))
        for one in judged
        for part, measured in {"train": one.train, "test": one.test}.items()
        for metric, found in measured.items()
    ]
    return ("name", "title", "role", "part", "metric", *INTERVAL), rows


def _tuning(verdict: Verdict) -> Sheet:
    """A network has no folds and no deviation: it is judged once."""
    rows: Rows = [
        (model.name, settings(one.params), _known(one.auc), _known(one.deviation), one.chosen)
        + (model.tuned_on, tuning["folds"], tuning["rows"])
        for model in verdict.models
        for tuning in [model.told["tuning"]]
        for one in model.candidates
    ]
    return ("name", "parameters", "auc", "deviation", "chosen", "judged", "folds", "rows"), rows


def _epochs(descents: Sequence[Descent]) -> Sheet:
    rows: Rows = [
        (one.name, epoch.number, _known(epoch.loss), _known(epoch.validation_loss), epoch.seconds, epoch is one.best)
        for one in descents
        for epoch in one.epochs
    ]
    return ("name", "epoch", "loss", "validation_loss", "seconds", "is_best"), rows


def _known(number: float) -> float | None:
    """An empty cell where it is none."""
    return None if math.isnan(number) else number


def _curve(kind: str, judged: Sequence[Judged]) -> Sheet:
    return ("name", *CURVES[kind]), [(one.name, *point) for one in judged for point in one.curves.get(kind, [])]


def _audit(suspects: Suspects) -> Sheet:
    columns = ("where", "label", "rows", "others", "beside", "beside_rows", "beside_share", "expected_share")
    rows: Rows = [
        (
            *(one.feature, *astuple(one.auc), one.direction, "; ".join(one.flags)),
            *((one.decides or {}).get(column) for column in columns),
            one.meaning,
        )
        for one in suspects.features
    ]
    auc = tuple(f"auc_{end}" for end in INTERVAL)
    return ("feature", *auc, "direction", "flags", *columns, "meaning"), rows


def _features(drivers: Drivers) -> Sheet:
    rows: Rows = [
        (one.feature, *astuple(one.permutation), one.coefficient, one.tree_importance, one.unit, one.meaning)
        for one in drivers.features
    ]
    importance = tuple(f"permutation_{end}" for end in INTERVAL)
    return ("feature", *importance, "coefficient", "tree_importance", "unit", "meaning"), rows


def _dependence(drivers: Drivers) -> Sheet:
    rows: Rows = [(one.feature, *point) for one in drivers.dependence for point in one.points]
    return ("feature", "value", "mean_probability"), rows


def _deciles(scores: Scores) -> Sheet:
    rows: Rows = [(one.decile, one.customers, one.mean_probability) for one in scores.deciles]
    return ("decile", "customers", "mean_probability"), rows


def _profit(plan: Plan) -> Sheet:
    columns = tuple(f"{rule}_{end}" for rule in (*RULES, "over_recency") for end in INTERVAL)
    rows: Rows = [
        (one.share, *(end for rule in RULES for end in astuple(one.profit[rule])), *astuple(one.over_recency))
        for one in plan.curve
    ]
    return ("share", *columns), rows


def _uplift(plan: Plan) -> Sheet:
    rows: Rows = [(one.decile, one.treated, one.untreated, *astuple(one.uplift)) for one in plan.uplift]
    return ("decile", "treated", "untreated", *(f"uplift_{end}" for end in INTERVAL)), rows


def _recommenders(study: Study) -> Sheet:
    """Besides the metrics, the paired difference of the NDCG to that of popular titles."""
    rows: Rows = [
        (part.name, one.name, one.title, one.is_chosen, metric, *map(_known, astuple(found)))
        + (one.customers, one.coverage)
        for part in study.parts
        for one in part.rankers
        for metric, found in (one.metrics | {"ndcg_over_popular": one.over_popular}).items()
    ]
    return ("part", "name", "title", "chosen", "metric", *INTERVAL, "customers", "coverage"), rows


def _recommended(titles: Titles) -> Sheet:
    """The titles on most lists."""
    rows: Rows = [
        (_inert(one["title_id"]), _inert(one["name"]), one["customers"], one["customers"] / titles.told["customers"])
        for one in titles.told["most_recommended"]
    ]
    return ("title_id", "name", "customers", "share_of_customers"), rows


def _inert(value: Any) -> Any:
    """A name of the data, of which a spreadsheet must make neither a formula, `=1+1` -> `'=1+1`, nor a second row."""
    if not isinstance(value, str):
        return value
    line = value.replace("\r", " ").replace("\n", " ")
    return f"'{line}" if line.lstrip().startswith(FORMULAS) else line


def _drift(shift: Shift) -> Sheet:
    columns = ("feature", "kind", "psi", "null_share", "null_share_at_training", "new_category_share")
    rows: Rows = [(*(getattr(one, name) for name in columns), "; ".join(one.above)) for one in shift.features]
    return (*columns, "above"), rows
