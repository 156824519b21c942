"""`encore report`: one page that says what the data, the model and the scores say, and its numbers as CSV."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pyspark.sql import SparkSession

from conf.errors import InputError
from features.windows import Moment, Window
from jobs import wording
from jobs.context import Context
from jobs.figures import deciles_figure, drivers_figure, flow_figure, roc_figure
from jobs.flow import Flow, flow
from jobs.outlook import Scores, Verdict, scores, verdict
from jobs.quality import Quality, quality
from jobs.storage import STAGING, replace_folder, write_csv, write_text

PAGE = "index.html"
SAME_AUC = 0.005  # a smaller difference is said to be none
LAYERS = {
    "landing": "Records unpacked",
    "events": "Events kept",
    "daily": "Customer-days",
    "features": "Customers in the table",
    "scores": "Customers scored",
}


@dataclass(frozen=True)
class Findings:
    """What the page tells; `verdict` and `scores` are None where there is no model or are no scores yet."""

    flow: Flow
    quality: Quality
    verdict: Verdict | None
    scores: Scores | None


def report(context: Context, spark: SparkSession) -> Path:
    """Write `report/index.html`, which needs no other file, and its numbers in `report/csv/`.

    Returns:
        The page.

    Raises:
        InputError: the data folder holds nothing to report.
    """
    found = Findings(flow(context), quality(context), verdict(context, spark), scores(context, spark))
    if not (found.flow.steps or found.verdict):
        raise InputError(
            f"{context.data}: there is nothing to report yet; run `encore run --data {context.data}` first"
        )
    for left_over in context.data.glob(f"{STAGING}report-*"):
        shutil.rmtree(left_over)
    aside = Path(tempfile.mkdtemp(prefix=f"{STAGING}report-", dir=context.data))
    try:
        write_text(aside / "report" / PAGE, page(context, found))
        for name, (header, rows) in tables(found).items():
            write_csv(aside / "report" / "csv" / f"{name}.csv", header, rows)
        replace_folder(aside / "report", context.report)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return context.report / PAGE


def page(context: Context, found: Findings) -> str:
    """The page as HTML; every word that comes from data or configuration is escaped."""
    environment = Environment(
        loader=PackageLoader("jobs"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(wording.FILTERS)
    environment.globals.update(plural=wording.plural, spans=wording.spans)
    return environment.get_template("report.html.j2").render(
        service=context.service,
        service_name=context.service_name,
        flow=found.flow,
        quality=found.quality,
        verdict=found.verdict,
        scores=found.scores,
        comparison=comparison(found.verdict),
        outcome=_outcome(context, found),
        rejected_share=found.flow.rejected_share,
        has_parts=any(event.landing.parts_per_day for event in context.service.events.values()),
        version=context.version,
        figures={name: Markup(svg) for name, svg in figures(context, found).items()},
    )


def tables(found: Findings) -> dict[str, tuple[Sequence[str], list[Sequence[Any]]]]:
    """The numbers behind the page and its figures: header and rows of each CSV."""
    steps = [
        (step.layer, step.what, step.rows_in, step.unit_in, step.rows_out, step.unit_out, _joined(step.rest))
        for step in found.flow.steps
    ]
    reasons = [
        (kind, one.layer, one.event, one.reason, one.rows, one.of_rows, one.meaning)
        for kind, some in {"rejected": found.flow.rejected, "repaired": found.flow.repaired}.items()
        for one in some
    ]
    customers = [
        (t.as_of, t.customers, t.eligible, t.bots_excluded, t.is_mature, t.positive_share, len(t.missing_days))
        for t in found.quality.tables
    ]
    written: dict[str, tuple[Sequence[str], list[Sequence[Any]]]] = {
        "flow": (("layer", "what", "rows_in", "unit_in", "rows_out", "unit_out", "rest"), steps),
        "reasons": (("what", "layer", "event", "reason", "rows", "of_rows", "meaning"), reasons),
        "customers": (
            ("as_of", "customers", "eligible", "bots_excluded", "is_mature", "positive_share", "missing_days"),
            customers,
        ),
    }
    if found.verdict:
        judged = found.verdict.judged
        metrics = [(o.name, o.role, o.rows, o.positives, o.auc, o.auc_margin, o.accuracy, o.log_loss) for o in judged]
        curves = {one.name: one.roc for one in judged}
        if found.verdict.best:
            best = found.verdict.best
            metrics.append(("best possible", "truth", best.rows, None, best.auc, None, None, None))
            curves["best possible"] = best.roc
        header = ("name", "role", "rows", "positives", "auc", "auc_margin_95", "accuracy", "log_loss")
        written["models"] = (header, metrics)
        written["roc"] = (
            ("name", "false_positive_rate", "true_positive_rate"),
            [(name, *point) for name, points in curves.items() for point in points],
        )
        drivers = [(one.term, one.weight, one.odds_ratio, one.meaning) for one in found.verdict.drivers]
        written["drivers"] = (("term", "weight_per_deviation", "odds_ratio", "meaning"), drivers)
    if found.scores:
        deciles = [(one.decile, one.customers, one.mean_probability) for one in found.scores.deciles]
        written["deciles"] = (("decile", "customers", "mean_probability"), deciles)
    return written


def _joined(rest: dict[str, int]) -> str:
    return "; ".join(f"{number} {what}" for what, number in rest.items())


def _outcome(context: Context, found: Findings) -> Window | None:
    """The days that the newest scores look at."""
    return Moment.at(found.scores.as_of, context.service.windows).outcome if found.scores else None


def figures(context: Context, found: Findings) -> dict[str, str]:
    """The figures for which there are numbers, as SVG."""
    drawn = {}
    by_layer = found.flow.by_layer
    if by_layer:
        raw = [("Lines in the archives", by_layer["landing"][0])] if "landing" in by_layer else []
        drawn["flow"] = flow_figure(raw + [(LAYERS[layer], rows_out) for layer, (_, rows_out) in by_layer.items()])
    if found.verdict:
        drawn["roc"] = roc_figure(found.verdict.judged, found.verdict.best)
        drawn["drivers"] = drivers_figure(found.verdict.drivers)
    if found.scores:
        drawn["deciles"] = deciles_figure(found.scores.deciles, wording.words(context.service.label.name))
    return drawn


def comparison(found: Verdict | None) -> str:
    """How the model stands against the best baseline: 'better than', 'about as good as' or 'worse than'."""
    if not found or not found.baseline:
        return ""
    gain = found.model.auc - found.baseline.auc
    if abs(gain) < SAME_AUC:
        return "about as good as"
    return "better than" if gain > 0 else "worse than"
