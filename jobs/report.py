"""`encore report`: one page that says what the data, the models and the scores say, and its numbers as CSV."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pyspark.sql import SparkSession

from conf.errors import InputError
from features.windows import Moment, Window
from jobs import formatting
from jobs.context import Context
from jobs.reporting.contents import Findings, findings
from jobs.reporting.csv_export import sheets
from jobs.reporting.drift import LIMITS
from jobs.reporting.leakage import FLAGS
from jobs.reporting.recommendations import OFFERED
from jobs.reporting.styles import NO_MODEL, RULES, Look, looks, ranker_looks
from jobs.storage.layer import beside, replace_folder, write_csv, write_text
from jobs.storage.location import Place, Remote
from jobs.storage.versions import current
from models.evaluation.curves import CURVES
from models.evaluation.metrics import METRICS
from models.recommender.ranking import METRICS as RANKING_METRICS

PAGE = "index.html"
LAYERS = {
    "landing": "Records unpacked",
    "events": "Events kept",
    "daily": "Customer-days",
    "features": "Customers in the table",
    "scores": "Customers scored",
}


def report(context: Context, spark: SparkSession) -> Place:
    """Write `report/index.html`, which needs no other file, and its numbers in `report/csv/`.

    Returns:
        The page.

    Raises:
        InputError: the data folder holds nothing to report.
    """
    found = findings(context, spark)
    if found.is_empty:
        raise InputError(
            f"{context.data.root}: there is nothing to report yet; run `encore run --data {context.data.root}` first"
        )
    with beside(context.data.report) as folder:
        new = folder / "report"
        write_text(new / PAGE, _page(context, found))
        for name, (header, rows) in sheets(found).items():
            write_csv(new / "csv" / f"{name}.csv", header, rows)
        replace_folder(new, context.data.report)
    page = context.data.report / PAGE
    if isinstance(page, Remote):  # once more under a name that stays, for whoever was sent its address
        page.write_bytes((current(context.data.report) / PAGE).read_bytes())
    return page


def _page(context: Context, found: Findings) -> str:
    """The page as HTML; every word that comes from data or configuration is escaped."""
    environment = Environment(
        loader=PackageLoader("jobs.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(formatting.FILTERS)
    environment.globals.update(plural=formatting.plural, spans=formatting.spans)
    return environment.get_template("report.html.j2").render(
        service=context.service,
        service_name=context.service_name,
        version=context.version,
        **vars(found),
        outcome=_outcome(context, found),
        metrics=METRICS,
        curves=CURVES,
        limits=LIMITS,
        flags=FLAGS,
        has_parts=any(event.landing.parts_per_day for event in context.service.events.values()),
        looks=looks(found.verdict, found.best) if found.verdict else {},
        rules=RULES,
        no_model=NO_MODEL,
        ranker_looks=_ranker_looks(found),
        ranking_metrics=RANKING_METRICS,
        titles_offered=OFFERED,
        figures={name: Markup(svg) for name, svg in _figures(context, found).items()},
    )


def _outcome(context: Context, found: Findings) -> Window | None:
    """The days that the newest scores look at."""
    return Moment.at(found.scores.as_of, context.service.windows).outcome if found.scores else None


def _ranker_looks(found: Findings) -> dict[str, Look]:
    """How the recommenders look."""
    return ranker_looks(found.titles.study.told["chosen"]) if found.titles and found.titles.study else {}


def _figures(context: Context, found: Findings) -> dict[str, str]:
    """The figures for which there are numbers, as SVG."""
    # With matplotlib: half a second that other commands need not wait.
    from jobs.reporting import charts, model_charts, recommender_charts

    drawn = {}
    by_layer = found.flow.by_layer
    if by_layer:
        raw = [("Lines in the archives", by_layer["landing"][0])] if "landing" in by_layer else []
        layers = [(LAYERS[layer], rows_out) for layer, (_, rows_out) in by_layer.items()]
        drawn["flow"] = charts.flow_figure(raw + layers)
    if found.verdict:
        look = looks(found.verdict, found.best)
        drawn["models"] = model_charts.models_figure(found.verdict, found.best, look)
        drawn |= model_charts.curve_figures(found.verdict, found.best, look)
        drawn |= model_charts.epochs_figures(found.descents, look)
    if found.drivers and found.drivers.features:
        drawn["drivers"] = model_charts.drivers_figure(found.drivers.shown)
        drawn |= model_charts.dependence_figures(found.drivers.dependence)
    if found.scores:
        drawn["deciles"] = charts.deciles_figure(found.scores.deciles, formatting.words(context.service.label.name))
    if found.plan and found.plan.curve:
        drawn["profit"] = charts.profit_figure(found.plan)
    if found.titles and found.titles.study:
        drawn |= recommender_charts.ranking_figures(found.titles.study, _ranker_looks(found))
    if found.plan and found.plan.uplift:
        drawn["uplift"] = charts.uplift_figure(found.plan.uplift)
    return drawn
