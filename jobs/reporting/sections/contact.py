"""Whom to contact: the plan, its profit against other rules, uplift."""

from dataclasses import astuple

from jobs.reporting.contact_plan import RULES, ContactPlan
from jobs.reporting.csv_export import INTERVAL
from jobs.reporting.section import Page, Rows, Section, Sheet


def figures(page: Page) -> dict[str, str]:
    """Profit by share contacted, and uplift by tenth."""
    from jobs.reporting import charts

    plan = page.contents.plan
    found = {"profit": charts.profit_figure(plan)} if plan and plan.curve else {}
    return found | ({"uplift": charts.uplift_figure(plan.uplift)} if plan and plan.uplift else {})


def sheets(page: Page) -> dict[str, Sheet]:
    """The same as tables."""
    plan = page.contents.plan
    if not plan:
        return {}
    return {"profit": _profit(plan)} | ({"uplift": _uplift(plan)} if plan.uplift else {})


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


SECTION = Section("Whom to contact", order=20, figures=figures, sheets=sheets)
