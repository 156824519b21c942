"""`encore report`: write one page that says what the data, the models and the scores say, and its numbers as CSV."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pyspark.sql import SparkSession

from conf.errors import InputError
from features.windows import Moment, Window
from jobs import formatting
from jobs.console.options import DATA, PROFILE, DataOption, EngineOption, ProfileOption, ServiceOption
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.reporting.contents import Contents, gather
from jobs.reporting.csv_export import sheets
from jobs.reporting.drift import LIMITS
from jobs.reporting.leakage import FLAGS
from jobs.reporting.recommendations import OFFERED
from jobs.reporting.styles import NO_MODEL, RULES, LineStyle, model_styles, ranker_styles
from jobs.storage.backend import backend, current, replace_folder, staging_folder, write_csv, write_text
from jobs.storage.location import Place
from models.evaluation.curves import CURVES
from models.evaluation.metrics import METRICS
from models.recommender.ranking import METRICS as RANKING_METRICS

EXAMPLE = "encore report --data /data/music"
PAGE = "index.html"
LAYERS = {
    "landing": "Records unpacked",
    "events": "Events kept",
    "daily": "Customer-days",
    "features": "Customers in the table",
    "scores": "Customers scored",
}


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Write the report: one page, and its numbers as CSV."""
    context = open_context(data, service, profile, engine)
    with working("report", context) as (spark, step):
        step.done(str(report(context, spark)))


def report(context: Context, spark: SparkSession) -> Place:
    """Write `report/index.html`, which needs no other file, and its numbers in `report/csv/`.

    Returns:
        The page.

    Raises:
        InputError: the data folder holds nothing to report.
    """
    data = context.data
    contents = gather(data, context.service, spark)
    if contents.is_empty:
        raise InputError(f"{data}: there is nothing to report yet; run `encore run --data {data}` first")
    with staging_folder(data.report) as folder:
        new = folder / "report"
        write_text(new / PAGE, _page(context, contents))
        for name, (header, rows) in sheets(contents).items():
            write_csv(new / "csv" / f"{name}.csv", header, rows)
        replace_folder(new, data.report)
    page = data.report / PAGE
    if not backend(page).is_disk:  # a second copy at an address that stays the same
        page.write_bytes((current(data.report) / PAGE).read_bytes())
    return page


def _page(context: Context, contents: Contents) -> str:
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
        **vars(contents),
        outcome=_outcome(context, contents),
        metrics=METRICS,
        curves=CURVES,
        limits=LIMITS,
        flags=FLAGS,
        has_parts=any(event.landing.parts_per_day for event in context.service.events.values()),
        styles=model_styles(contents.comparison, contents.oracle) if contents.comparison else {},
        rules=RULES,
        no_model=NO_MODEL,
        ranker_styles=_ranker_styles(contents),
        ranking_metrics=RANKING_METRICS,
        titles_offered=OFFERED,
        figures={name: Markup(svg) for name, svg in _figures(context, contents).items()},
    )


def _outcome(context: Context, contents: Contents) -> Window | None:
    """The days of the outcome that the newest scores predict."""
    return Moment.at(contents.scores.as_of, context.service.windows).outcome if contents.scores else None


def _ranker_styles(contents: Contents) -> dict[str, LineStyle]:
    evaluation = contents.recommendations.evaluation if contents.recommendations else None
    return ranker_styles(evaluation.record.chosen) if evaluation else {}


def _figures(context: Context, contents: Contents) -> dict[str, str]:
    """The figures for which there are numbers, as SVG."""
    # They import matplotlib, which takes half a second that other commands need not wait.
    from jobs.reporting import charts, model_charts, recommender_charts

    figures = {}
    by_layer = contents.row_counts.by_layer
    if by_layer:
        raw = [("Lines in the archives", by_layer["landing"][0])] if "landing" in by_layer else []
        layers = [(LAYERS[layer], rows_out) for layer, (_, rows_out) in by_layer.items()]
        figures["flow"] = charts.flow_figure(raw + layers)
    if contents.comparison:
        styles = model_styles(contents.comparison, contents.oracle)
        figures["models"] = model_charts.models_figure(contents.comparison, contents.oracle, styles)
        figures |= model_charts.curve_figures(contents.comparison, contents.oracle, styles)
        figures |= model_charts.epochs_figures(contents.learning_curves, styles)
    if contents.importances and contents.importances.features:
        figures["drivers"] = model_charts.importance_figure(contents.importances.shown)
        figures |= model_charts.dependence_figures(contents.importances.dependence)
    if contents.scores:
        outcome = formatting.words(context.service.label.name)
        figures["deciles"] = charts.deciles_figure(contents.scores.deciles, outcome)
    if contents.plan and contents.plan.curve:
        figures["profit"] = charts.profit_figure(contents.plan)
    if contents.plan and contents.plan.uplift:
        figures["uplift"] = charts.uplift_figure(contents.plan.uplift)
    if contents.recommendations and contents.recommendations.evaluation:
        evaluation = contents.recommendations.evaluation
        figures |= recommender_charts.ranking_figures(evaluation, _ranker_styles(contents))
    return figures
