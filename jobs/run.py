"""`encore run`: run everything from raw archives to the report, skipping what is up to date."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Mapping, Sequence
from datetime import date

from rich.text import Text

from conf.errors import InputError, NothingToLearnError, UsageError
from jobs.console.contact_options import (
    AgainAfterOption,
    AimOption,
    BudgetOption,
    ContactedOption,
    ContactsOption,
    CostOption,
    CurrencyOption,
    DoNotContactOption,
    HoldOutOption,
    KeptShareOption,
    LiftOption,
    MinProbabilityOption,
    ValueAboutOption,
    ValueOption,
    economics,
)
from jobs.console.options import (
    DATA,
    DEFAULT_MODELS,
    PROFILE,
    AcceptOption,
    AsOfOption,
    DataOption,
    EngineOption,
    GapOption,
    ModelsOption,
    ObservationOption,
    OutcomeOption,
    ProfileOption,
    PruneOption,
    RawOption,
    SampleOption,
    ServiceOption,
    kinds_of,
    lengths,
)
from jobs.console.progress import StartStep, console, say, start_step
from jobs.console.session import is_resolved, locked, named_place, open_context, resolve_sql
from jobs.context import Context
from jobs.engine import engine as start_engine
from jobs.lineage.shown import Part, stale_parts
from jobs.printable import printable
from jobs.storage.backend import backend
from jobs.storage.location import Place

MODELLED: tuple[Part, ...] = ("models", "scores", "drift")  # what training leads to
EXAMPLE = "encore run --service music --raw /logs/archives --data /data/music"


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    raw: RawOption = None,
    sample: SampleOption = None,
    prune: PruneOption = False,
    accept_rejected: AcceptOption = False,
    as_of: AsOfOption = None,
    model: ModelsOption = None,
    aim: AimOption = None,
    contacts: ContactsOption = None,
    budget: BudgetOption = None,
    cost: CostOption = None,
    value: ValueOption = None,
    value_about: ValueAboutOption = None,
    lift: LiftOption = None,
    kept_share: KeptShareOption = None,
    hold_out: HoldOutOption = None,
    currency: CurrencyOption = None,
    min_probability: MinProbabilityOption = None,
    do_not_contact: DoNotContactOption = None,
    contacted: ContactedOption = None,
    again_after_days: AgainAfterOption = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Run everything from raw archives to the report, skipping what is up to date."""
    money = economics(
        aim, contacts, budget, cost, value, value_about, lift, kept_share, hold_out, currency, min_probability,
        do_not_contact, contacted, again_after_days,
    )  # fmt: skip
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(data, service, profile, engine, {"targeting": money}, windows=windows)
    kinds = kinds_of(model)
    with locked(context):
        page = run(context, start_step, named_place(raw, context), sample, as_of or (), kinds, prune, accept_rejected)
    console.print(Text(printable(f"the report: {page}")))


def run(
    context: Context,
    start: StartStep,
    raw: Place | None = None,
    sample: float | None = None,
    as_of: Sequence[date] = (),
    models: Sequence[str] = DEFAULT_MODELS,
    prune: bool = False,
    accept_rejected: bool = False,
) -> Place:
    """From raw archives, landed lines or a finished table to the report; at the latest of `as_of` where it is given.

    Returns the report's page; raises what the steps raise.
    """
    warnings: list[str] = []
    if not is_resolved(context):
        with start_engine(context.engine, context.profile) as spark:
            resolve_sql(spark, context)
    if context.service.table:
        if prune:
            raise UsageError(f"{context.service_name} starts from a finished table: no --prune")
        _take_table(context, start, raw, sample, as_of)
    else:
        warnings = _make_tables(context, start, raw, sample, as_of, prune, accept_rejected)
    problem, at = None, max(as_of, default=None)
    made: set[Part] = set()
    if context.tables.mature():
        try:
            made |= _model(context, start, models, at)
        except InputError as error:  # what is known of the data is worth a page all the same
            problem = error
    if context.service.interactions:
        made |= _recommend(context, start, at)
    stale = stale_parts(context.lineage)  # such as scores at a later date than --as-of
    left_out = {part: str(error) for part, error in stale.items()}
    if problem:
        left_out |= dict.fromkeys(MODELLED, str(problem))
    page = _report(context, start, left_out)
    for warning in warnings:
        say(f"unpack: {warning}")
    for part, why in left_out.items():
        if part not in made and why != str(problem):
            say(f"not on the page: {part}, since this run did not make them again: {why}")
    problem = problem or next((error for part, error in stale.items() if part in made), None)
    if problem:
        raise problem
    return page


# Each step imports its command when it runs: one that is left out need not be loaded.


def _take_table(
    context: Context, start: StartStep, raw: Place | None, sample: float | None, as_of: Sequence[date]
) -> None:
    from jobs.table import table, warnings

    if sample is not None or len(as_of) > 1:
        raise UsageError(f"{context.service_name} starts from a finished table: no --sample, and at most one --as-of")
    if raw is None:
        raise UsageError(f"{context.service_name} starts from a finished table: give its CSV file by --raw")
    with start("table") as step, start_engine(context.engine, context.profile) as spark:
        day, record = table(context, spark, raw, *as_of)
        step.done("; ".join([f"{record.customers:,} customers at {day}", *warnings(record)]))


def _make_tables(
    context: Context,
    start: StartStep,
    raw: Place | None,
    sample: float | None,
    as_of: Sequence[date],
    prune: bool,
    accept_rejected: bool,
) -> list[str]:
    """From raw archives, or landed lines, to feature tables; returns what is to be said again at the end of the run."""
    from jobs import features, ingest, rollup, unpack

    landing, is_disk = context.data.landing, backend(context.data.root).is_disk
    has_raw = context.data.raw.exists() or not (landing / "days.csv").is_file()
    # Landed by other means, since nothing is unpacked to a place that is no disk; or earlier, from files elsewhere.
    is_landed = raw is None and not prune and not (is_disk and has_raw)
    if is_landed and is_disk:
        say(f"no raw files are named, and there are none in {context.data.raw}: the lines in {landing} are used")
    warnings: list[str] = []
    if not is_landed:
        with start("unpack") as step:
            found = unpack.unpack(context, raw, sample, prune, step=step, accept_rejected=accept_rejected)
            step.done(unpack.summary(context, found))
            warnings = unpack.warnings(context, found)
    with start_engine(context.engine, context.profile) as spark:
        with start("ingest") as step:
            step.done(ingest.summary(ingest.ingest(context, spark, sample if is_landed else None, accept_rejected)))
        with start("rollup") as step:
            step.done(rollup.summary(rollup.rollup(context, spark)))
        with start("features") as step:
            tables = features.features(context, spark, as_of)
            step.done(features.summary(tables))
    for notice in tables.notices:
        say(notice)
    return warnings


def _model(context: Context, start: StartStep, models: Sequence[str], as_of: date | None) -> set[Part]:
    """Train; score and look for drift at a date, by default the newest one. Returns the parts of the page made so."""
    from jobs import drift, score, train

    with start("train") as step, start_engine("spark", context.profile) as spark:
        step.done(train.summary(train.train(context, spark, models, step.update)))
    with start("score") as step, start_engine(context.engine, context.profile) as spark:
        day, scores = score.score(context, spark, as_of)
        step.done(score.summary(day, scores))
    for notice in score.notices(context, scores):
        say(notice)
    with start("drift") as step, start_engine(context.engine, context.profile) as spark:
        step.done(drift.summary(*drift.drift(context, spark, date.fromisoformat(day))))
    return {*MODELLED} if day == max(context.data.scores.values()) else {"models"}


def _recommend(context: Context, start: StartStep, as_of: date | None) -> set[Part]:
    """Recommend titles at a date, where there is enough to learn from. Returns the parts of the page made so."""
    from jobs import recommend

    with start("recommend") as step, start_engine(context.engine, context.profile) as spark:
        request = recommend.RecommendRequest(recommend.library(None, context.engine), as_of=as_of)
        try:
            step.done(recommend.summary(*recommend.recommend(context, spark, request, step.update)))
        except NothingToLearnError as nothing:
            step.done(str(nothing))
            return set()
    return {"titles"}


def _report(context: Context, start: StartStep, left_out: Mapping[Part, str]) -> Place:
    from jobs.report import report

    with start("report") as step, start_engine(context.engine, context.profile) as spark:
        page = report(context, spark, left_out)
        step.done(str(page))
    return page
