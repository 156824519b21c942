"""Drift: the newest customers against those of the training set."""

from jobs.reporting.section import Page, Rows, Section, Sheet


def sheets(page: Page) -> dict[str, Sheet]:
    """Drift of each feature."""
    drift = page.contents.drift
    if not drift:
        return {}
    columns = ("feature", "kind", "psi", "null_share", "null_share_at_training", "new_category_share")
    rows: Rows = [(*(getattr(one, name) for name in columns), "; ".join(one.above)) for one in drift.record.features]
    return {"drift": ((*columns, "above"), rows)}


SECTION = Section("Drift", order=70, sheets=sheets)
