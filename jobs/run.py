"""`encore run`: every layer in order, each skipping what is up to date."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol

from conf.errors import InputError, NothingToLearnError, UsageError
from jobs.context import Context
from jobs.drift import drift
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.recommend import Wish, library, recommend
from jobs.report import report
from jobs.rollup import rollup
from jobs.score import score
from jobs.storage.location import Place, Remote
from jobs.table import table
from jobs.train import train
from jobs.training.dataset import mature_moments
from jobs.unpack import unpack

DEFAULT_MODELS = ("lr", "gbt")


class Teller(Protocol):
    """What a step says of itself."""

    def __call__(self, text: str) -> None:
        """Say what the step did."""

    def at(self, done: int, total: int, what: str) -> None:
        """Say that `done` of `total` parts are done, and what comes next."""


# Tells that a step begins, and is told what it does.
Progress = Callable[[str], AbstractContextManager[Teller]]


def run(
    context: Context,
    progress: Progress,
    raw: Place | None = None,
    sample: float | None = None,
    as_of: Sequence[date] = (),
    models: Sequence[str] = DEFAULT_MODELS,
) -> Place:
    """From raw archives, landed lines or a finished table to the report.

    Returns the report's page; raises what the steps raise.
    """
    if context.service.table:
        _take_table(context, progress, raw, sample, as_of)
    else:
        _make_tables(context, progress, raw, sample, as_of)
    problem = None
    if has_labels(context):
        try:
            _model(context, progress, models)
        except InputError as error:  # what is known of the data is worth a page all the same
            problem = error
    if context.service.interactions:
        _recommend(context, progress)
    with progress("report") as tell, engine(context.engine, context.profile) as spark:
        page = report(context, spark)
        tell(str(page))
    if problem:
        raise problem
    return page


def _take_table(
    context: Context, progress: Progress, raw: Place | None, sample: float | None, as_of: Sequence[date]
) -> None:
    if sample is not None or len(as_of) > 1:
        raise UsageError(f"{context.service_name} begins with a finished table: no --sample, and at most one --as-of")
    if raw is None:
        raise UsageError(f"{context.service_name} begins with a finished table: give its CSV file by --raw")
    with progress("table") as tell, engine(context.engine, context.profile) as spark:
        day, record = table(context, spark, raw, *as_of)
        tell("; ".join([f"{record['customers']:,} customers at {day}", *record["source"]["warnings"]]))


def _make_tables(
    context: Context, progress: Progress, raw: Place | None, sample: float | None, as_of: Sequence[date]
) -> None:
    is_landed = isinstance(context.data, Remote) and raw is None  # by other means: nothing is unpacked to there
    if not is_landed:
        with progress("unpack") as tell:
            counts = unpack(context, raw, sample)
            tell(f"{counts['records']:,} lines in {context.landing}, {counts['rejected']:,} rejected")
    with engine(context.engine, context.profile) as spark:
        with progress("ingest") as tell:
            written = ingest(context, spark, sample if is_landed else None)
            tell(", ".join(f"{name}: {days} days" for name, days in written.items()) + " written")
        with progress("rollup") as tell:
            tell(f"{rollup(context, spark)} days written")
        with progress("features") as tell:
            tables = features(context, spark, as_of)
            tell(f"tables written: {', '.join(map(str, tables)) or 'none, all up to date'}")


def _model(context: Context, progress: Progress, models: Sequence[str]) -> None:
    """Train, score, and look for drift."""
    with progress("train") as tell, engine("spark", context.profile) as spark:
        results = train(context, spark, models, tell.at)
        tell(", ".join(f"{one['title']}: AUC {one['metrics']['test']['auc']['value']:.3f}" for one in results))
    with progress("score") as tell, engine(context.engine, context.profile) as spark:
        day, record = score(context, spark)
        tell(f"{record['customers']:,} customers at {day} by {record['model']}")
    with progress("drift") as tell, engine(context.engine, context.profile) as spark:
        day, found = drift(context, spark)
        above = len(found["above"])
        tell(f"{above} columns at {day} are above the limits" if above else f"nothing above the limits at {day}")


def _recommend(context: Context, progress: Progress) -> None:
    """Say with which titles to contact whom, where there is enough to say so by."""
    with progress("recommend") as tell, engine(context.engine, context.profile) as spark:
        try:
            day, record = recommend(context, spark, Wish(library(None, context.engine)), tell.at)
        except NothingToLearnError as nothing:
            tell(str(nothing))
        else:
            tell(f"{record['titles']:,} titles for {record['customers']:,} customers at {day} by {record['model']}")


def has_labels(context: Context) -> bool:
    """Whether some as-of date has mature labels, so that there is something to train on."""
    return bool(mature_moments(context, context.features.records()))
