"""The data: rows of each layer, what was rejected and repaired, missing days and parts, feature tables."""

from jobs.reporting.data_quality import DataQuality
from jobs.reporting.row_counts import RowCounts
from jobs.reporting.section import Page, Rows, Section, Sheet

LAYERS = {
    "landing": "Records unpacked",
    "events": "Events kept",
    "daily": "Customer-days",
    "features": "Customers in the table",
    "scores": "Customers scored",
}


def figures(page: Page) -> dict[str, str]:
    """Rows of each layer."""
    from jobs.reporting import charts

    by_layer = page.contents.row_counts.by_layer
    if not by_layer:
        return {}
    raw = [("Lines in the archives", by_layer["landing"][0])] if "landing" in by_layer else []
    layers = [(LAYERS[layer], rows_out) for layer, (_, rows_out) in by_layer.items()]
    return {"flow": charts.flow_figure(raw + layers)}


def sheets(page: Page) -> dict[str, Sheet]:
    """Rows, reasons, and customers of each feature table."""
    counts = page.contents.row_counts
    return {"flow": _flow(counts), "reasons": _reasons(counts), "customers": _customers(page.contents.quality)}


def _flow(counts: RowCounts) -> Sheet:
    rows: Rows = [
        (step.layer, step.what, step.rows_in, step.unit_in, step.rows_out, step.unit_out, _joined(step.rest))
        for step in counts.steps
    ]
    return ("layer", "what", "rows_in", "unit_in", "rows_out", "unit_out", "rest"), rows


def _joined(rest: dict[str, int]) -> str:
    return "; ".join(f"{number} {what}" for what, number in rest.items())


def _reasons(counts: RowCounts) -> Sheet:
    rows: Rows = [
        (done, one.layer, one.event, one.reason, one.rows, one.of_rows, one.meaning)
        for done, reasons in {"rejected": counts.rejected, "repaired": counts.repaired}.items()
        for one in reasons
    ]
    return ("done", "layer", "event", "reason", "rows", "of_rows", "meaning"), rows


def _customers(quality: DataQuality) -> Sheet:
    columns = ("as_of", "customers", "eligible", "bots_excluded", "is_mature", "positives", "days_lacking_parts")
    rows: Rows = [
        (*(getattr(table, column) for column in columns), table.positive_share, len(table.missing_days))
        for table in quality.tables
    ]
    return (*columns, "positive_share", "days_missing"), rows


SECTION = Section("The data", order=80, figures=figures, sheets=sheets)
