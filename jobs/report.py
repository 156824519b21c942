"""`encore report`: write one page about the data, the models and the scores, and its numbers as CSV."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pyspark.sql import SparkSession

from conf.errors import InputError
from features.windows import Moment, Window
from jobs import formatting
from jobs.console.options import (
    DATA,
    PROFILE,
    DataOption,
    EngineOption,
    GapOption,
    ObservationOption,
    OutcomeOption,
    ProfileOption,
    ServiceOption,
    lengths,
)
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.lineage.shown import Part, stale_parts
from jobs.printable import printable
from jobs.reporting.contact_plan import LEFT_OUT
from jobs.reporting.contents import NOTHING, Contents, gather
from jobs.reporting.drift import LIMITS
from jobs.reporting.leakage import FLAGS
from jobs.reporting.recommendations import OFFERED
from jobs.reporting.section import Page, Section, all_sections
from jobs.reporting.styles import NO_MODEL, RULE_NAMES, RULES, LineStyle, model_styles, ranker_styles
from jobs.storage.backend import backend, current, replace_folder, staging_folder, write_csv, write_text
from jobs.storage.location import Place
from models.evaluation.curves import CURVES
from models.evaluation.metrics import METRICS
from models.recommender.ranking import METRICS as RANKING_METRICS

EXAMPLE = "encore report --data /data/shop"
PAGE = "index.html"


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Write the report: one page, and its numbers as CSV."""
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(data, service, profile, engine, windows=windows)
    with working("report", context) as (spark, step):
        for error in stale_parts(context.lineage).values():
            raise error
        step.done(str(report(context, spark)))


def report(context: Context, spark: SparkSession, left_out: Mapping[Part, str] = NOTHING) -> Place:
    """Write `report/index.html`, which needs no other file, and its numbers in `report/csv/`.

    Args:
        left_out: parts that are not shown, each with the reason, which the page gives.

    Returns:
        The page.

    Raises:
        InputError: the data folder holds nothing to report.
    """
    data, service = context.data, context.service
    contents = gather(data, service, spark, left_out)
    if contents.is_empty:
        raise InputError(f"{data}: there is nothing to report yet; run `encore run --data {data}` first")
    sections = all_sections()
    page = Page(service, contents, {name: one.read(data, service, spark) for name, one in sections.items()})
    shown = {name: one for name, one in sections.items() if one.is_shown(page)}
    with staging_folder(data.report) as folder:
        new = folder / "report"
        write_text(new / PAGE, _html(context, page, shown))
        for section in sections.values():
            for name, (header, rows) in section.sheets(page).items():
                write_csv(new / "csv" / f"{name}.csv", header, rows)
        replace_folder(new, data.report)
    target = data.report / PAGE
    if not backend(target).is_disk:  # a second copy at an address that stays the same
        target.write_bytes((current(data.report) / PAGE).read_bytes())
    return target


def _printable(value: Any) -> Any:
    """A text of the data without control characters, and without those that turn the direction of what follows."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _html(context: Context, page: Page, sections: dict[str, Section]) -> str:
    """The page as HTML; every word that comes from data or configuration is escaped."""
    environment = Environment(
        loader=PackageLoader("jobs.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters.update(formatting.FILTERS)
    environment.globals.update(plural=formatting.plural, spans=formatting.spans)
    figures = {name: Markup(svg) for section in sections.values() for name, svg in section.figures(page).items()}
    return environment.get_template("report.html.j2").render(
        **_names(context, page.contents), sections=sections, own=page.own, figures=figures
    )


def _names(context: Context, contents: Contents) -> dict[str, Any]:
    """The names that all templates have."""
    service = context.service
    return {
        "service": service,
        "service_name": context.service_name,
        "version": context.version,
        **vars(contents),
        "outcome": _outcome(context, contents),
        "metrics": METRICS,
        "curves": CURVES,
        "limits": LIMITS,
        "flags": FLAGS,
        "has_parts": any(event.landing.parts_per_day for event in service.events.values()),
        "styles": model_styles(contents.comparison, contents.oracle) if contents.comparison else {},
        "rules": RULES,
        "rule_names": RULE_NAMES,
        "left_out_names": LEFT_OUT,
        "no_model": NO_MODEL,
        "ranker_styles": _ranker_styles(contents),
        "ranking_metrics": RANKING_METRICS,
        "titles_offered": OFFERED,
    }


def _outcome(context: Context, contents: Contents) -> Window | None:
    """The days of the outcome that the newest scores predict."""
    return Moment.at(contents.scores.as_of, context.service.windows).outcome if contents.scores else None


def _ranker_styles(contents: Contents) -> dict[str, LineStyle]:
    evaluation = contents.recommendations.evaluation if contents.recommendations else None
    return ranker_styles(evaluation.record.chosen) if evaluation else {}
