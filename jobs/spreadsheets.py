"""The numbers behind the report's page and its figures, as small tables for spreadsheets."""

from collections.abc import Sequence
from typing import Any

from jobs.flow import Flow
from jobs.outlook import Scores, Verdict
from jobs.quality import Quality

Rows = list[tuple[Any, ...]]
Sheet = tuple[Sequence[str], Rows]


def sheets(flow: Flow, quality: Quality, verdict: Verdict | None, scores: Scores | None) -> dict[str, Sheet]:
    """Header and rows of each table, by name; those of the model and of the scores only where there are any."""
    return {
        "flow": _flow(flow),
        "reasons": _reasons(flow),
        "customers": _customers(quality),
        **({"models": _models(verdict), "roc": _roc(verdict), "drivers": _drivers(verdict)} if verdict else {}),
        **({"deciles": _deciles(scores)} if scores else {}),
    }


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


def _models(verdict: Verdict) -> Sheet:
    columns = ("name", "role", "rows", "positives", "auc", "auc_margin", "accuracy", "log_loss")
    rows: Rows = [tuple(getattr(one, column) for column in columns) for one in verdict.judged]
    if verdict.best:
        rows.append(("best possible", "truth", verdict.best.rows, None, verdict.best.auc, None, None, None))
    return columns, rows


def _roc(verdict: Verdict) -> Sheet:
    curves = {one.name: one.roc for one in verdict.judged}
    if verdict.best:
        curves["best possible"] = verdict.best.roc
    rows: Rows = [(name, *point) for name, points in curves.items() for point in points]
    return ("name", "false_positive_rate", "true_positive_rate"), rows


def _drivers(verdict: Verdict) -> Sheet:
    rows: Rows = [(one.term, one.weight, one.odds_ratio, one.meaning) for one in verdict.drivers]
    return ("term", "weight_per_deviation", "odds_ratio", "meaning"), rows


def _deciles(scores: Scores) -> Sheet:
    rows: Rows = [(one.decile, one.customers, one.mean_probability) for one in scores.deciles]
    return ("decile", "customers", "mean_probability"), rows
