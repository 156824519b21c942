"""Which titles: the recommendations, and how good the recommender is."""

from dataclasses import astuple

from jobs.reporting.csv_export import INTERVAL, known
from jobs.reporting.recommendations import Recommendations
from jobs.reporting.recommender_evaluation import RecommenderEvaluation
from jobs.reporting.section import Page, Rows, Section, Sheet
from jobs.reporting.styles import ranker_styles


def figures(page: Page) -> dict[str, str]:
    """How well each recommender ranks."""
    from jobs.reporting import recommender_charts

    found = page.contents.recommendations
    if not found or not found.evaluation:
        return {}
    styles = ranker_styles(found.evaluation.record.chosen)
    return recommender_charts.ranking_figures(found.evaluation, styles)


def sheets(page: Page) -> dict[str, Sheet]:
    """The titles on most lists, and the evaluation."""
    found = page.contents.recommendations
    if not found:
        return {}
    evaluation = {"recommenders": _recommenders(found.evaluation)} if found.evaluation else {}
    return {"recommended": _recommended(found)} | evaluation


def _recommenders(evaluation: RecommenderEvaluation) -> Sheet:
    """Besides the metrics, the paired difference of the NDCG to that of popular titles."""
    rows: Rows = [
        (part.name, one.name, one.title, one.is_chosen, metric, *map(known, astuple(found)))
        + (one.customers, one.coverage)
        for part in evaluation.parts
        for one in part.rankers
        for metric, found in (one.metrics | {"ndcg_over_popular": one.over_popular}).items()
    ]
    return ("part", "name", "title", "chosen", "metric", *INTERVAL, "customers", "coverage"), rows


def _recommended(recommendations: Recommendations) -> Sheet:
    record = recommendations.record
    rows: Rows = [
        (one.title_id, one.name, one.customers, one.customers / record.customers) for one in record.most_recommended
    ]
    return ("title_id", "name", "customers", "share_of_customers"), rows


SECTION = Section(
    "Which titles",
    order=30,
    figures=figures,
    sheets=sheets,
    is_shown=lambda page: bool(page.contents.recommendations or page.service.interactions),
)
