"""How good the model is: all models and baselines beside each other, and how networks learned."""

from collections.abc import Sequence
from dataclasses import astuple

from jobs.formatting import settings
from jobs.reporting.csv_export import INTERVAL, known
from jobs.reporting.learning_curve import LearningCurve
from jobs.reporting.model_comparison import Evaluated, ModelComparison
from jobs.reporting.section import Page, Rows, Section, Sheet
from jobs.reporting.styles import model_styles

CURVES = {
    "roc": ("false_positive_rate", "true_positive_rate"),
    "precision_recall": ("recall", "precision"),
    "gains": ("share_of_customers", "share_of_positives"),
    "lift": ("share_of_customers", "lift"),
    "calibration": ("mean_probability", "observed_share", "low", "high", "rows"),
}


def figures(page: Page) -> dict[str, str]:
    """AUC of each model, curves, losses of networks."""
    from jobs.reporting import model_charts

    comparison, oracle = page.contents.comparison, page.contents.oracle
    if not comparison:
        return {}
    styles = model_styles(comparison, oracle)
    return {
        "models": model_charts.models_figure(comparison, oracle, styles),
        **model_charts.curve_figures(comparison, oracle, styles),
        **model_charts.epochs_figures(page.contents.learning_curves, styles),
    }


def sheets(page: Page) -> dict[str, Sheet]:
    """Metrics, tuning, curves, epochs."""
    comparison, oracle = page.contents.comparison, page.contents.oracle
    if not comparison:
        return {}
    evaluated = [*comparison.all, *([oracle] if oracle else [])]
    curves = {kind: _curve(kind, evaluated) for kind in CURVES}
    networks = {"epochs": _epochs(page.contents.learning_curves)} if page.contents.learning_curves else {}
    return {"models": _models(evaluated), "tuning": _tuning(comparison)} | curves | networks


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
        (model.name, settings(one.params), known(one.auc), known(one.deviation), one.chosen)
        + (model.tuned_on, model.record.tuning.folds, model.record.tuning.rows)
        for model in comparison.models
        for one in model.candidates
    ]
    return ("name", "parameters", "auc", "deviation", "chosen", "judged", "folds", "rows"), rows


def _epochs(curves: Sequence[LearningCurve]) -> Sheet:
    rows: Rows = [
        (curve.name, epoch.number, known(epoch.loss), known(epoch.validation_loss), epoch.seconds)
        + (epoch.number == curve.network.best_epoch,)
        for curve in curves
        for epoch in curve.network.epochs
    ]
    return ("name", "epoch", "loss", "validation_loss", "seconds", "is_best"), rows


def _curve(kind: str, evaluated: Sequence[Evaluated]) -> Sheet:
    return ("name", *CURVES[kind]), [(one.name, *point) for one in evaluated for point in one.curves.get(kind, [])]


SECTION = Section("How good is the model", order=40, figures=figures, sheets=sheets)
