"""`encore report`: one page that says what the data, the model and the scores say, and its numbers as CSV."""

from dataclasses import dataclass
from pathlib import Path

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
from jobs.spreadsheets import sheets
from jobs.storage import beside, replace_folder, write_csv, write_text

PAGE = "index.html"
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
    if not (found.flow.steps or found.quality.archives or found.verdict):
        raise InputError(
            f"{context.data}: there is nothing to report yet; run `encore run --data {context.data}` first"
        )
    with beside(context.report) as folder:
        new = folder / "report"
        write_text(new / PAGE, _page(context, found))
        for name, (header, rows) in sheets(found.flow, found.quality, found.verdict, found.scores).items():
            write_csv(new / "csv" / f"{name}.csv", header, rows)
        replace_folder(new, context.report)
    return context.report / PAGE


def _page(context: Context, found: Findings) -> str:
    """The page as HTML; every word that comes from data or configuration is escaped."""
    environment = Environment(
        loader=PackageLoader("jobs"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(wording.FILTERS)
    environment.globals.update(plural=wording.plural, spans=wording.spans)
    return environment.get_template("report.html.j2").render(
        service=context.service,
        service_name=context.service_name,
        version=context.version,
        flow=found.flow,
        quality=found.quality,
        verdict=found.verdict,
        scores=found.scores,
        outcome=_outcome(context, found.scores),
        has_parts=any(event.landing.parts_per_day for event in context.service.events.values()),
        figures={name: Markup(svg) for name, svg in _figures(context, found).items()},
    )


def _outcome(context: Context, found: Scores | None) -> Window | None:
    """The days that the newest scores look at."""
    return Moment.at(found.as_of, context.service.windows).outcome if found else None


def _figures(context: Context, found: Findings) -> dict[str, str]:
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
