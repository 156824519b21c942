"""The leakage audit: features that know the outcome too well."""

from dataclasses import astuple

from jobs.reporting.csv_export import INTERVAL
from jobs.reporting.section import Page, Rows, Section, Sheet


def sheets(page: Page) -> dict[str, Sheet]:
    """Every feature alone."""
    audit = page.contents.audit
    if not audit:
        return {}
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
    return {"audit": (("feature", *auc, "direction", "flags", *columns, "meaning"), rows)}


SECTION = Section("Leakage audit", order=50, sheets=sheets)
