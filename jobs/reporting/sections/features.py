"""What matters most: importance of features, and partial dependence."""

from dataclasses import astuple

from jobs.reporting.csv_export import INTERVAL
from jobs.reporting.importance import FeatureImportances
from jobs.reporting.section import Page, Rows, Section, Sheet


def figures(page: Page) -> dict[str, str]:
    """Importance of the first features, and partial dependence."""
    from jobs.reporting import model_charts

    found = page.contents.importances
    if not found or not found.features:
        return {}
    return {"drivers": model_charts.importance_figure(found.shown)} | model_charts.dependence_figures(found.dependence)


def sheets(page: Page) -> dict[str, Sheet]:
    """Importance of all features, and the points of partial dependence."""
    found = page.contents.importances
    return {"features": _features(found), "dependence": _dependence(found)} if found else {}


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


SECTION = Section("What matters most", order=60, figures=figures, sheets=sheets)
