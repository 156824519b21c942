"""Who will stay or leave: the newest scores by tenth."""

from jobs.reporting.section import Page, Rows, Section, Sheet


def figures(page: Page) -> dict[str, str]:
    """How likely each tenth is to do what the page counts."""
    from jobs.reporting import charts

    scores = page.contents.scores
    return {"deciles": charts.deciles_figure(scores.tenths, scores.outlook.do)} if scores else {}


def sheets(page: Page) -> dict[str, Sheet]:
    """Tenths of the customers."""
    scores = page.contents.scores
    rows: Rows = [(one.number, one.customers, one.share) for one in (scores.tenths if scores else [])]
    return {"deciles": (("decile", "customers", "mean_probability"), rows)} if scores else {}


SECTION = Section("Who will {do}", order=10, figures=figures, sheets=sheets)
