"""Who will leave: the newest scores by tenth."""

from jobs.formatting import words
from jobs.reporting.section import Page, Rows, Section, Sheet


def figures(page: Page) -> dict[str, str]:
    """Mean probability by tenth."""
    from jobs.reporting import charts

    scores = page.contents.scores
    return {"deciles": charts.deciles_figure(scores.deciles, words(page.service.label.name))} if scores else {}


def sheets(page: Page) -> dict[str, Sheet]:
    """Tenths of the customers."""
    scores = page.contents.scores
    rows: Rows = [(one.decile, one.customers, one.mean_probability) for one in (scores.deciles if scores else [])]
    return {"deciles": (("decile", "customers", "mean_probability"), rows)} if scores else {}


SECTION = Section("Who will leave", order=10, figures=figures, sheets=sheets)
