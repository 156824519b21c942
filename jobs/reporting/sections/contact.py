"""Whom to contact: the plan, its profit against other rules, uplift."""

from dataclasses import astuple

from jobs.reporting.contact_plan import ContactPlan
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
    """Of each rule profit and share reached, of the model what it earns more than the others, and what is saved."""
    named = [
        {
            **{f"{rule}_profit": one.profit[rule] for rule in one.rules},
            **{f"{rule}_reached": one.reached[rule] for rule in one.rules},
            **{f"over_{rule}": found for rule, found in one.over.items()},
        }
        for one in plan.curve
    ]
    columns = [f"{name}_{end}" for name in (named[0] if named else {}) for end in INTERVAL]
    rows: Rows = [
        (one.share, *(end for interval in intervals.values() for end in astuple(interval)), one.saved)
        for one, intervals in zip(plan.curve, named, strict=True)
    ]
    return ("share", *columns, "saved"), rows


def _uplift(plan: ContactPlan) -> Sheet:
    rows: Rows = [(one.decile, one.treated, one.untreated, *astuple(one.uplift)) for one in plan.uplift]
    return ("decile", "treated", "untreated", *(f"uplift_{end}" for end in INTERVAL)), rows


SECTION = Section("Whom to contact", order=20, figures=figures, sheets=sheets)
