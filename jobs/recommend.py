"""`encore recommend`: recommend titles to customers, and customers for titles."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from typing import Annotated, Literal

import typer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.declaration import NULL_MARKERS
from conf.errors import InputError, UsageError
from conf.load import fingerprint, load_profile
from features.interactions import without_bots
from features.values import normalised_id, unmarked, value_of
from features.windows import Moment
from jobs.console.options import (
    DATA,
    PROFILE,
    DataOption,
    GapOption,
    ObservationOption,
    OutcomeOption,
    ProfileOption,
    SeedOption,
    ServiceOption,
    lengths,
    parse_day,
)
from jobs.console.progress import say
from jobs.console.session import Overrides, named_place, open_context, working
from jobs.contacts.sheet import write_sheet
from jobs.context import Context
from jobs.engine import engine as start_engine
from jobs.features import refuse_outside
from jobs.formatting import fixed, percent, span
from jobs.interactions import declared_interactions, interactions
from jobs.recommending.dataset import InteractionDataset
from jobs.recommending.evaluation import AUTO, RecommenderEvaluation
from jobs.recommending.fitted import find_fitted, find_readable_fitted, fitted_folder
from jobs.recommending.model_file import save
from jobs.recommending.output import Audience, Recommendations
from jobs.recommending.sources import InteractionSource, LoggedInteractions, read_ratings
from jobs.records.progress import OnProgress
from jobs.records.recommending import RecommenderBasis, RecommenderRecord, TitlesRecord
from jobs.reporting.recommender_evaluation import evaluation_of
from jobs.storage.backend import replace_folder, staging_folder
from jobs.storage.input_files import for_workers, identity, in_nfc, require_file
from jobs.storage.layer import RECORD
from jobs.storage.location import Place
from jobs.storage.records import write_record
from jobs.storage.seals import sealed_tree
from models.recommender.candidates import Engine
from models.recommender.ids import is_drawn
from models.recommender.ratings import RatingErrors, rating_errors
from models.targeting.contact_list import CONTACT

EXAMPLE = "encore recommend --data /data/music --top 10"
SEGMENT = "contact"
ModelChoice = Literal["auto", "als", "item-item", "ease", "popular"]


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    top: Annotated[int, typer.Option(min=1, max=1_000, help="Titles for a customer, and customers for a title.")] = 10,
    customers: Annotated[str | None, typer.Option(help="File of customer ids, one per line. (default: all)")] = None,
    segment: Annotated[
        Literal["contact"] | None, typer.Option(help="Only these customers; contact: those on the contact list.")
    ] = None,
    model: Annotated[
        ModelChoice, typer.Option(help="Recommender; auto: the best of als, item-item and popular on past days.")
    ] = "auto",
    engine: Annotated[
        Engine | None,
        typer.Option(help="Library that fits the models. (default: implicit beside sail, if installed, else spark)"),
    ] = None,
    ratings: Annotated[
        str | None,
        typer.Option("--interactions", help="CSV file customer,title,strength[,time] to learn from instead of logs."),
    ] = None,
    explicit: Annotated[
        bool, typer.Option("--explicit", help="Strengths in the file are ratings, good and bad, not amounts of use.")
    ] = False,
    liked_from: Annotated[
        float | None, typer.Option(help="Explicit rating from which a title counts as liked. (default: the mean)")
    ] = None,
    exclude_seen: Annotated[
        bool | None, typer.Option(help="Recommend only titles that are new to the customer.")
    ] = None,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of", parser=parse_day, metavar="YYYY-MM-DD", help="Learn from the days before. (default: all days)"
        ),
    ] = None,
    seed: SeedOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Recommend titles to customers and customers for titles, by models that are evaluated beside simple ones."""
    if segment and (customers or ratings):
        raise UsageError(f"--segment {segment}: give neither --customers nor --interactions beside it")
    if (explicit or liked_from is not None) and not ratings:
        raise UsageError("--explicit and --liked-from describe a file of ratings: give it by --interactions")
    chosen = library(engine, load_profile(profile).engine)
    overrides: Overrides = {
        "recommender": {"exclude_seen": exclude_seen, "liked_from": liked_from},
        "training": {"seed": seed},
    }
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(data, service, profile, "spark" if chosen == "spark" else None, overrides, windows=windows)
    request = RecommendRequest(
        chosen,
        model,
        top,
        as_of,
        customers=named_place(customers, context),
        segment=segment,
        ratings=named_place(ratings, context),
        is_explicit=explicit or liked_from is not None,
    )
    with working("recommend", context) as (spark, step):
        day, record = recommend(context, spark, request, step.update)
        step.done(f"{summary(day, record)} in {context.data.titles_for_customers.partition(day)}")
    _say_ranking(context)


@dataclass(frozen=True)
class RecommendRequest:
    """What is asked for.

    model: a name of MODELS or AUTO; top: titles for a customer and customers for a title; as_of: by default the day
    after the last day of the logs; customers: a file of ids, segment: `contact`, else everybody; ratings: a file to
    learn from instead of the logs, of explicit ratings if is_explicit.
    """

    library: Engine
    model: str = AUTO
    top: int = 10
    as_of: date | None = None
    customers: Place | None = None
    segment: str | None = None
    ratings: Place | None = None
    is_explicit: bool = False


def library(name: Engine | None, engine_name: str) -> Engine:
    """The library that fits the models: as named, or `implicit` where it is installed and the embedded engine runs.

    Raises UsageError where it is not installed.
    """
    is_installed = find_spec("implicit") is not None
    if name == "implicit" and not is_installed:
        raise UsageError("--engine implicit: the library is not installed; pip install implicit, or use --engine spark")
    return name or ("implicit" if is_installed and engine_name == "sail" else "spark")


def recommend(
    context: Context, spark: SparkSession, request: RecommendRequest, on_progress: OnProgress
) -> tuple[str, TitlesRecord]:
    """Recommend into `recommendations/…/as_of=…/`; the model is fitted and evaluated where it is not up to date.

    Returns:
        The as-of date and the record of the titles for customers.

    Raises:
        UsageError: the service declares no interactions and no file is given.
        InputError: there is nothing to learn from, no customer to recommend to, a file cannot be read, or tiles or
            scores are out of date.
    """
    with staging_folder(context.data.recommender) as work:
        source = _source(context, spark, request, work)
        fitted = _fitted(context, spark, source, request, work, on_progress)
        audience = _audience(context, spark, source, request, work)
        as_of, exclude_seen = source.days.end, context.service.recommender.exclude_seen
        recommendations = Recommendations(
            context.data, spark, context.engine, exclude_seen, as_of, fitted, audience, request.top
        )
        record = recommendations.write()
        write_sheet(context.data, spark, context.service, str(as_of))
        return str(as_of), record


def summary(day: str, record: TitlesRecord) -> str:
    """What was recommended, in a line."""
    return f"{record.titles:,} titles for {record.customers:,} customers at {day} by {record.model}"


def _say_ranking(context: Context) -> None:
    """How well each recommender ranks, on the first part on which they were evaluated."""
    fitted = find_fitted(context.data)
    found = evaluation_of(fitted) if fitted else None
    if not found or not found.parts:
        return
    for one in found.parts[0].rankers:
        ndcg, recall = (one.metrics[name] for name in ("ndcg", "recall"))
        say(
            f"{one.title:<10} {found.called('ndcg')} {fixed(ndcg.value, 4)} ({span(ndcg, 4)})  "
            f"recall {fixed(recall.value, 4)}  coverage {percent(one.coverage)}"
        )


def _source(context: Context, spark: SparkSession, request: RecommendRequest, work: Place) -> InteractionSource:
    if request.ratings:
        return read_ratings(
            spark,
            request.ratings,
            work / "ratings",
            request.is_explicit,
            context.service.recommender.liked_from,
            request.as_of,
            context.service.has_whole_customers,
            context.service.has_whole_titles,
        )
    interactions(context, spark)
    context.lineage.require_tiles()
    logs = context.data.logs()
    as_of = request.as_of or logs.end
    refuse_outside(context.data, logs, Moment.at(as_of, context.service.windows))
    source = LoggedInteractions(context.data, spark, declared_interactions(context), context.engine, as_of)
    source.write()
    return source


def _fitted(
    context: Context,
    spark: SparkSession,
    source: InteractionSource,
    request: RecommendRequest,
    work: Place,
    on_progress: OnProgress,
) -> RecommenderRecord:
    """The record of a model of this source, which is published in `recommender/`."""
    declared, seed = context.service.recommender, context.service.training.seed
    basis = RecommenderBasis(
        evidence=source.basis,
        as_of=str(source.days.end),
        declared=fingerprint(declared),
        seed=seed,
        model=request.model,
        library=request.library,
    )
    done = find_readable_fitted(context.data)
    if done and done.basis == basis:
        return done
    new = work / "new"
    dataset = InteractionDataset(spark, source, new, declared, seed)
    model, findings = RecommenderEvaluation(dataset, request.library, on_progress).run(request.model)
    record = RecommenderRecord(
        basis=basis,
        as_of=str(source.days.end),
        **vars(findings),
        ratings=_rating_errors(context, new, seed) if source.is_explicit else None,
        file=save(model, new).name,
    )
    write_record(new / RECORD, sealed_tree(record, new))
    replace_folder(new, context.data.recommender)
    return record


def _rating_errors(context: Context, new: Place, seed: int) -> RatingErrors | None:
    """None where there are too few ratings to hold some out."""
    with start_engine("spark", context.profile) as spark:
        pairs = spark.read.parquet(str(new / "pairs"))
        is_out = is_drawn("test_draw", context.service.recommender.holdout_share)
        known, held_out = pairs.where(~is_out), pairs.where(is_out)
        if known.isEmpty() or held_out.isEmpty():
            return None
        return rating_errors(known, held_out, seed)


def _audience(
    context: Context, spark: SparkSession, source: InteractionSource, request: RecommendRequest, work: Place
) -> Audience:
    data, day = context.data, str(source.days.end)
    if request.customers:
        known = spark.read.parquet(str(fitted_folder(data) / "customers"))
        ids = _ids_of(spark, request.customers, work, known, context.service.has_whole_customers)
        return Audience(ids, identity(request.customers), holds_contacts=False)
    if request.segment:
        if not data.scores.has_rows([day]):
            raise InputError(
                f"{data.scores.partition(day)}: there is no contact list at {day}; run `encore score` first"
            )
        _refuse_old_scores(context, day)
        listed = data.scores.read(spark, [day]).where(F.col("contact") == CONTACT)
        return Audience(listed.select("customer_id"), request.segment, holds_contacts=True)
    if not isinstance(source, LoggedInteractions):
        return Audience(None, "everybody", holds_contacts=False)
    _refuse_old_scores(context, day)  # the contact list gets titles
    tiles = data.daily.read(spark)
    inside = F.col("date").between(F.lit(source.window.start), F.lit(source.window.dates()[-1]))
    seen = tiles.where(inside).select("customer_id").distinct()
    return Audience(without_bots(seen, tiles, source.window), "everybody", holds_contacts=True)


def _refuse_old_scores(context: Context, day: str) -> None:
    """Raise InputError where the scores at a date, if there are any, are out of date."""
    scores = context.data.scores.record(day)
    if scores:
        context.lineage.require_scores(day, scores)


def _ids_of(spark: SparkSession, file: Place, work: Place, known: DataFrame, has_whole_numbers: bool) -> DataFrame:
    """The first column of a file, or its lines, as customers; a heading, a blank and a null marker are skipped."""
    require_file(file, "--customers")
    kind = dict(known.dtypes)["customer_id"]
    texts = spark.read.text(str(for_workers(spark, in_nfc(file, work), work))).select(
        F.trim(F.regexp_replace(F.split("value", ",")[0], "\ufeff", "")).alias("text")
    )
    given = texts.select(unmarked(normalised_id(F.regexp_replace("text", '^"|"$', "")), NULL_MARKERS).alias("text"))
    ids = given.where(~F.lower("text").isin("customer", "customer_id"))
    typed = ids.select("text", value_of(normalised_id(F.col("text"), has_whole_numbers), kind).alias("customer_id"))
    broken = typed.where("customer_id is null").limit(1).collect()
    if broken:
        raise InputError(
            f"--customers {file}: {broken[0]['text']!r} is not a customer id ({kind}); give one id per line"
        )
    return typed.select("customer_id").distinct()
