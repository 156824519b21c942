"""The command line: `encore <command>`. Every command is one call of the module of its name."""

import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer
from pyspark.sql import SparkSession
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from conf.errors import EncoreError, RankError, UsageError
from conf.load import load_profile, load_service, overridden
from jobs.context import Context
from jobs.drift import drift as find_drift
from jobs.drift import refuse_drift
from jobs.engine import engine as engine_of
from jobs.engine import is_submitted
from jobs.features import features as feature_tables
from jobs.formatting import fixed, percent, span
from jobs.ingest import ingest as ingest_lines
from jobs.interactions import interactions as write_interactions
from jobs.prepare import prepare as prepare_arrays
from jobs.recommend import SEGMENT, Wish, library
from jobs.recommend import recommend as recommend_titles
from jobs.recommending.evaluation import AUTO
from jobs.report import report as write_report
from jobs.reporting.recommender_evaluation import studied
from jobs.rollup import rollup as rollup_events
from jobs.run import DEFAULT_MODELS, Teller
from jobs.run import run as run_all
from jobs.score import score as score_customers
from jobs.simulate import SERVICES
from jobs.simulate import simulate as simulate_logs
from jobs.storage.layer import local, read_record, sole_writer, write_text
from jobs.storage.location import Place, Remote, place, require_reachable
from jobs.storage.shared_folder import require_shared
from jobs.table import table as take_table
from jobs.train import train as train_models
from jobs.train_keras import train_keras as train_networks
from jobs.training.artifacts import Result
from jobs.training.keras import Networks, RowsReady
from jobs.training.leakage import find_audit
from jobs.unpack import unpack as unpack_archives
from models.fitting.kinds import KINDS
from models.network.launch import LAUNCHERS
from models.recommender.candidates import MODELS

app = typer.Typer(
    help="Who comes back? From raw logs to features, labels, models and lists.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True, highlight=False, soft_wrap=True)

Data = Annotated[str, typer.Option(help="Folder of all layers: a path, or a URL (hdfs, s3a, gs).")]
ServiceName = Annotated[
    str | None,
    typer.Option(
        "--service", help="Name in conf/, or path of a YAML file. [default: the first named for the folder, or music]"
    ),
]
Simulated = Annotated[str, typer.Option(help=" or ".join(SERVICES) + ".")]
ProfileName = Annotated[str, typer.Option("--profile", help="Where to run: name in conf/profiles/, or path.")]
EngineName = Annotated[str | None, typer.Option("--engine", help="sail or spark; the profile's by default.")]
Sample = Annotated[float | None, typer.Option(help="Share of the customers to keep, above 0 and at most 1.")]
AsOf = Annotated[list[str] | None, typer.Option(help="First day of the outcome, YYYY-MM-DD; may be repeated.")]
TableAt = Annotated[str | None, typer.Option("--as-of", help="Which one, YYYY-MM-DD. [default: the newest]")]
Split = Annotated[str | None, typer.Option(help="customer or time. [default: the service's]")]
Seed = Annotated[int | None, typer.Option(min=0, help="Of sampling, forests and networks. [default: the service's]")]
Models = Annotated[list[str] | None, typer.Option("--model", help="lr, rf, gbt, xgb or all; may be repeated.")]
Raw = Annotated[str | None, typer.Option(help="The service's archives: a folder or one file. [default: DATA/raw]")]

DATA, SERVICE, PROFILE = "data", "music", "cluster" if is_submitted() else "local"
TABLE_SERVICE = "audiobooks_table"
DAYS = ", ".join(f"{service.days} of {name}" for name, service in SERVICES.items())
NAMED = ".service"  # in a data folder: the first service that was named for it
NONE: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


@app.command()
def simulate(
    out: Annotated[str, typer.Option(help="Folder that gets raw/ and truth/.")],
    service: Simulated = SERVICE,
    customers: Annotated[int, typer.Option(min=1)] = 20_000,
    days: Annotated[int | None, typer.Option(min=1, help=f"Days of the logs. [default: {DAYS}]")] = None,
    seed: int = 1,
) -> None:
    """Make raw logs of simulated customers, dirt included, and the truth about them."""
    folder = _on_disk("--out", out)
    with sole_writer(folder), progress("simulate") as tell:
        simulate_logs(folder, customers, days, seed, service=service)
        _remember(folder, service)
        tell(f"archives in {folder / 'raw'}")


@app.command()
def unpack(
    data: Data = DATA,
    service: ServiceName = None,
    raw: Raw = None,
    sample: Sample = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Archives at a time. [default: number of cores]")] = None,
) -> None:
    """Unpack raw archives into text lines by day (shell/unpack.sh with the service's layouts)."""
    context = _context(data, service, PROFILE, None)
    with holding(context), progress("unpack") as tell:
        counts = unpack_archives(context, _place(raw, context), _checked_sample(sample), jobs)
        tell(f"{counts['records']:,} lines in {context.landing}, {counts['rejected']:,} rejected")


@app.command()
def ingest(
    data: Data = DATA,
    service: ServiceName = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
    sample: Sample = None,
) -> None:
    """Type and check landed lines; write events by day."""
    context = _context(data, service, profile, engine)
    rate = _checked_sample(sample)
    with working("ingest", context) as (spark, tell):
        written = ingest_lines(context, spark, rate)
        tell(", ".join(f"{name}: {days} days" for name, days in written.items()) + " written")


@app.command()
def rollup(
    data: Data = DATA,
    service: ServiceName = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Roll events up to one row per customer and day."""
    context = _context(data, service, profile, engine)
    with working("rollup", context) as (spark, tell):
        tell(f"{rollup_events(context, spark)} days written")


@app.command()
def features(
    data: Data = DATA,
    service: ServiceName = None,
    as_of: AsOf = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Compute feature tables; without --as-of, at the end of the logs and at the newest date with a mature label."""
    context, days = _context(data, service, profile, engine), _dates(as_of)
    with working("features", context) as (spark, tell):
        written = feature_tables(context, spark, days)
        tell(f"tables written: {', '.join(map(str, written)) or 'none, all up to date'}")


@app.command()
def table(
    file: Annotated[str, typer.Argument(help="CSV file, one row per customer, with or without a header.")],
    data: Data = DATA,
    service: ServiceName = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Its date, YYYY-MM-DD. [default: the service's]")] = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Check a finished table of customers and take it as the feature table, in the place of raw logs."""
    context = _context(data, service, profile, engine, unnamed=TABLE_SERVICE)
    chosen = _dates([as_of])[0] if as_of else None
    with working("table", context) as (spark, tell):
        day, record = take_table(context, spark, place(file, context.engine), chosen)
        tell(f"{record['customers']:,} customers at {day} in {context.features.partition(day)}")
    for warning in record["source"]["warnings"]:
        console.print(f"  {warning}")


@app.command()
def prepare(
    out: Annotated[str, typer.Option(help="Folder that gets train.npz, validation.npz and test.npz.")],
    data: Data = DATA,
    service: ServiceName = None,
    as_of: TableAt = None,
    balance: Annotated[bool, typer.Option(help="As many of one label as of the other, in the training part.")] = True,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every draw. [default: the service's]")] = None,
    without: Annotated[list[str] | None, typer.Option(help="A feature to leave out; may be repeated.")] = None,
) -> None:
    """Write a feature table as arrays: split 80/10/10 by label, balanced, filled and standardised by the first part."""
    folder = _on_disk("--out", out)
    context = _context(data, service, PROFILE, None)
    with holding(context), progress("prepare") as tell:
        chosen = _dates([as_of])[0] if as_of else None
        told = prepare_arrays(context, folder, chosen, balance, seed, without or ())
        rows = ", ".join(f"{part} {told[part]['rows']:,}" for part in ("train", "validation", "test"))
        tell(f"{len(told['names'])} columns at {told['as_of']} in {out}; rows: {rows}")


@app.command()
def train(
    data: Data = DATA,
    service: ServiceName = None,
    model: Models = None,
    split: Split = None,
    seed: Seed = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Fit models and judge them beside baselines on rows they never saw (always on Spark, for MLlib)."""
    names = _model_names(model)
    context = _context(data, service, profile, "spark", {"training": {"split": split, "seed": seed}})
    with working("train", context) as (spark, tell):
        results = train_models(context, spark, names, tell.at)
        tell(results[0]["split"]["text"])
    _say_results(context, results)


@app.command()
def train_keras(
    data: Data = DATA,
    service: ServiceName = None,
    ranks: Annotated[int, typer.Option(min=1, help="Processes that train together.")] = 1,
    launcher: Annotated[
        str | None, typer.Option(help=f"{', '.join(LAUNCHERS)}. [default: horovod for more than one rank, else local]")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where a killed run has stopped.")] = False,
    rows_only: Annotated[
        bool, typer.Option("--rows-only", help="Write the rows, for ranks started elsewhere.")
    ] = False,
    hidden: Annotated[list[int] | None, typer.Option(min=1, help="Units of a hidden layer; may be repeated.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of hidden units left out in each step.")] = None,
    output: Annotated[str | None, typer.Option(help="sigmoid or softmax.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="adam, adamw, nadam, rmsprop or sgd.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the first step after any warm-up.")] = None,
    scaling: Annotated[str | None, typer.Option(help="Of the learning rate: none, linear or square_root.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Rows of a step on all ranks; with scaling, on each.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="At most.")] = None,
    balance: Annotated[str | None, typer.Option(help="none, weights or undersample.")] = None,
    split: Split = None,
    seed: Seed = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Fit a neural network, on one process or on many ranks by Horovod; what is not given is the service's."""
    network = {
        "hidden": hidden or None,
        "dropout": dropout,
        "output": output,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "scaling": scaling,
        "batch": batch,
        "epochs": epochs,
    }
    training = {"split": split, "seed": seed, "balance": balance}
    context = _context(data, service, profile, "spark", {"training": training, "network": network})
    how = launcher or ("horovod" if ranks > 1 else "local")
    with working("train-keras", context) as (spark, tell):
        networks = Networks(how, ranks, resume, rows_only, lambda line: console.print(f"  {line}"))
        try:
            results = train_networks(context, spark, networks, tell.at)
        except RowsReady as ready:
            tell(
                f"rows in {ready.folder}; fit them by `horovodrun -np {ranks} python -m jobs.rank {ready.folder}`, and"
            )
            console.print("  then take up the network by the same command with --resume in the place of --rows-only")
            return
        tell(results[0]["split"]["text"])
    _say_results(context, results)
    for result in results:
        _say_throughput(result["network"])


@app.command()
def score(
    data: Data = DATA,
    service: ServiceName = None,
    as_of: TableAt = None,
    model: Annotated[str | None, typer.Option(help="A trained model. [default: the chosen one]")] = None,
    contacts: Annotated[int | None, typer.Option(min=1, help="Most customers to contact.")] = None,
    budget: Annotated[float | None, typer.Option(help="Most money to spend on contacts.")] = None,
    cost: Annotated[float | None, typer.Option(help="Cost of a contact.")] = None,
    value: Annotated[str | None, typer.Option(help="Value of a customer kept: a number, or SQL over features.")] = None,
    kept_share: Annotated[float | None, typer.Option(help="Share of the contacted leavers who stay.")] = None,
    hold_out: Annotated[float | None, typer.Option(help="Share of the list not to contact, to measure by.")] = None,
    currency: Annotated[str | None, typer.Option(help="What the money is called.")] = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Give every eligible customer a probability and reasons, and choose whom to contact."""
    economics = {
        "contacts": contacts,
        "budget": budget,
        "cost_of_contact": cost,
        "value_of_customer": _number(value),
        "kept_share": kept_share,
        "hold_out_share": hold_out,
        "currency": currency,
    }
    context = _context(data, service, profile, engine, {"targeting": economics})
    chosen = _dates([as_of])[0] if as_of else None
    with working("score", context) as (spark, tell):
        day, record = score_customers(context, spark, chosen, model)
        tell(f"{record['customers']:,} customers at {day} in {context.scores.partition(day)}")
    plan = record["plan"]
    if plan:
        console.print(
            f"  contact {plan['contacts']:,} for {plan['cost']:,.0f} {plan['currency']}, expected gain "
            f"{plan['expected_gain']:,.0f} {plan['currency']}; {plan['held_out']:,} held out to measure it by"
        )


@app.command()
def interactions(
    data: Data = DATA,
    service: ServiceName = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Roll events up to one row per customer, title and day, for `encore recommend`, which does it by itself."""
    context = _context(data, service, profile, engine)
    with working("interactions", context) as (spark, tell):
        tell(f"{write_interactions(context, spark)} days written")


@app.command()
def recommend(
    data: Data = DATA,
    service: ServiceName = None,
    top: Annotated[int, typer.Option(min=1, max=1_000, help="Titles for a customer, and customers for a title.")] = 10,
    customers: Annotated[str | None, typer.Option(help="File of customers' ids, one a line. [default: all]")] = None,
    segment: Annotated[str | None, typer.Option(help="contact: only those on the list of contacts.")] = None,
    model: Annotated[
        str, typer.Option(help=f"{', '.join(MODELS)}, or {AUTO}: the better of als and item-item on past days.")
    ] = AUTO,
    engine: Annotated[
        str | None, typer.Option(help="spark or implicit. [default: implicit, where it is installed, beside sail]")
    ] = None,
    ratings: Annotated[
        str | None,
        typer.Option("--interactions", help="CSV file customer,title,strength[,time] to learn from, not the logs."),
    ] = None,
    explicit: Annotated[
        bool, typer.Option("--explicit", help="Its strengths are ratings, good and bad, and not how much was done.")
    ] = False,
    liked_from: Annotated[
        float | None, typer.Option(help="Explicit ratings from here on say that a title is liked. [default: the mean]")
    ] = None,
    exclude_seen: Annotated[bool | None, typer.Option(help="Only titles that are new to the customer.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Learn from the days before it. [default: from all]")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of every draw. [default: the service's]")] = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Recommend titles to customers and customers for titles, by models that are judged beside simple ones."""
    if model not in (AUTO, *MODELS):
        raise UsageError(f"--model {model}: there is no such recommender; give {', '.join(MODELS)} or {AUTO}")
    if segment not in (None, SEGMENT) or (segment and (customers or ratings)):
        raise UsageError(f"--segment {segment}: give {SEGMENT}, and neither --customers nor --interactions beside it")
    if (explicit or liked_from is not None) and not ratings:
        raise UsageError("--explicit and --liked-from say how a file of ratings is meant: give it by --interactions")
    chosen = library(engine, load_profile(profile).engine)
    overrides: dict[str, dict[str, Any]] = {
        "recommender": {"exclude_seen": exclude_seen, "liked_from": liked_from},
        "training": {"seed": seed},
    }
    context = _context(data, service, profile, "spark" if chosen == "spark" else None, overrides)
    day_asked = _dates([as_of])[0] if as_of else None
    wish = Wish(
        chosen,
        model,
        top,
        day_asked,
        customers=_place(customers, context),
        segment=segment,
        ratings=_place(ratings, context),
        is_explicit=explicit or liked_from is not None,
    )
    with working("recommend", context) as (spark, tell):
        day, record = recommend_titles(context, spark, wish, tell.at)
        tell(
            f"{record['titles']:,} titles for {record['customers']:,} customers at {day} by {record['model']} in "
            f"{context.recommendations('titles').partition(day)}"
        )
    _say_ranking(context)


@app.command()
def drift(
    data: Data = DATA,
    service: ServiceName = None,
    as_of: TableAt = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Compare scores and features with those at training; exit code 4 when they moved too far."""
    context = _context(data, service, profile, engine)
    chosen = _dates([as_of])[0] if as_of else None
    with working("drift", context) as (spark, tell):
        day, found = find_drift(context, spark, chosen)
        furthest = found["features"][0]
        tell(f"{day}: score PSI {found['score']['psi']:.3f}; furthest {furthest['feature']} {furthest['psi']:.3f}")
    refuse_drift(day, found)


@app.command()
def report(
    data: Data = DATA,
    service: ServiceName = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Write the page that people read."""
    context = _context(data, service, profile, engine)
    with working("report", context) as (spark, tell):
        tell(str(write_report(context, spark)))


@app.command()
def run(
    data: Data = DATA,
    service: ServiceName = None,
    raw: Raw = None,
    sample: Sample = None,
    as_of: AsOf = None,
    model: Models = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Do everything from raw archives to the report, skipping what is up to date."""
    context, days, rate = _context(data, service, profile, engine), _dates(as_of), _checked_sample(sample)
    names = _model_names(model)
    with holding(context):
        page = run_all(context, progress, _place(raw, context), rate, days, names)
    console.print(f"the report: {page}")


@app.command()
def demo(
    data: Data = "encore-demo",
    service: Simulated = SERVICE,
    customers: Annotated[int, typer.Option(min=1)] = 20_000,
    model: Models = None,
    engine: EngineName = None,
) -> None:
    """Simulate a service and do everything on it."""
    folder = _on_disk("--data", data)
    context, names = _context(data, service, PROFILE, engine), _model_names(model)
    with holding(context):
        with progress("simulate") as tell:
            simulate_logs(folder, customers, days=None, seed=1, service=service)
            tell(f"archives in {context.raw}")
        page = run_all(context, progress, models=names)
    for name in ("features", "models", "scores"):
        console.print(f"  {name:<9} {(folder / name).absolute()}")
    console.print(f"  report    {local(page).absolute()}")


@contextmanager
def working(step: str, context: Context) -> Iterator[tuple[SparkSession, Teller]]:
    """Hold the data folder, show progress and have the engine, all for one step."""
    with (
        holding(context),
        progress(step) as tell,
        engine_of(context.engine, context.profile) as spark,
    ):
        yield spark, tell


class Told:
    """What a step says of itself: at the end in words, on the way by how much of it is done."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self.words, self._bar, self._task = "", bar, task

    def __call__(self, text: str) -> None:
        """Say what the step did."""
        self.words = text

    def at(self, done: int, total: int, what: str) -> None:
        """Say that `done` of `total` parts are done, and what comes next."""
        self._bar.update(self._task, completed=done, total=total, what=what)


@contextmanager
def progress(step: str) -> Iterator[Teller]:
    """Show that a step runs and how far it is, and when it ends how long it took and what it did."""
    began = time.monotonic()
    columns = (SpinnerColumn(), TextColumn(f"{step} … {{task.fields[what]}}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        told = Told(bar, bar.add_task(step, total=None, what=""))
        yield told
    console.print(f"[bold]{step:<9}[/bold] {time.monotonic() - began:6.1f} s  {told.words}")


def summary(metrics: dict[str, dict[str, float]]) -> str:
    """The metrics of a model that are looked at first, on one line."""
    auc, lift, error = (metrics[name] for name in ("auc", "top_decile_lift", "calibration_error"))
    return (
        f"AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})  "
        f"lift in the top tenth {lift['value']:.2f}  calibration error {error['value']:.3f}"
    )


def _say_results(context: Context, results: list[Result]) -> None:
    for result in results:
        console.print(f"  {result['title']:<22} {summary(result['metrics']['test'])}")
    flagged = (find_audit(context) or {"flagged": []})["flagged"]
    if flagged:
        console.print(
            f"  the leakage audit flags {', '.join(flagged)}: believe no model that looks at them; see the report"
        )


def _say_ranking(context: Context) -> None:
    """How well each recommender ranks, on the first part by which they were judged."""
    record = read_record(context.recommender)
    study = studied(record) if record else None
    if not study or not study.parts:
        return
    for one in study.parts[0].rankers:
        ndcg, recall = (one.metrics[name] for name in ("ndcg", "recall"))
        console.print(
            f"  {one.title:<10} {study.called('ndcg')} {fixed(ndcg.value, 4)} ({span(ndcg, 4)})  "
            f"recall {fixed(recall.value, 4)}  coverage {percent(one.coverage)}"
        )


def _say_throughput(network: Result) -> None:
    found, ranks = network["throughput"], network["ranks"]
    if not found:
        return
    by_rank = ", ".join(f"{rate:,.0f}" for rate in found["by_rank"])
    against = f" ({by_rank}): {found['efficiency']:.0%} of {ranks} times what one manages alone" if ranks > 1 else ""
    console.print(f"  {found['rows_per_second']:,.0f} rows/s on {ranks} rank{'s' if ranks > 1 else ''}{against}")


def _context(
    data: str,
    service: str | None,
    profile: str,
    engine: str | None,
    overrides: Mapping[str, Mapping[str, Any]] = NONE,
    unnamed: str = SERVICE,
) -> Context:
    """Where no service is given, it is the first that was named for the data folder, or else `unnamed`.

    overrides: values of the command line by section and key of the service; None leaves what the service says.
    """
    where = load_profile(profile)
    chosen = engine or where.engine
    if chosen not in ("sail", "spark"):
        raise UsageError(f"--engine {chosen}: there is no such engine; give sail or spark")
    folder = place(data, chosen)
    if isinstance(folder, Remote) and chosen == "spark":
        with engine_of(chosen, where):  # by whose file systems everything there is looked at
            pass
    require_reachable(folder)
    named = folder / NAMED
    name = service or (named.read_text(encoding="utf-8").strip() if named.is_file() else unnamed)
    at = str(Path(name).absolute()) if Path(name).is_file() else name
    return Context(
        folder, Path(name).stem, overridden(load_service(name), overrides), where, chosen, at if service else ""
    )


@contextmanager
def holding(context: Context) -> Iterator[None]:
    """Hold the data folder, which remembers the first service named for it, or with which a step has succeeded."""
    with sole_writer(context.data):
        if is_submitted() and isinstance(context.data, Path):
            with engine_of("spark", context.profile) as spark:
                require_shared(spark, context.data)
        if context.service_from:
            _remember(context.data, context.service_from)
        yield
        _remember(context.data, context.service_name)


def _remember(data: Place, service: str) -> None:
    if not (data / NAMED).is_file():
        write_text(data / NAMED, f"{service}\n")


def _on_disk(option: str, text: str) -> Path:
    """A folder of this machine. Raises UsageError where it is none."""
    folder = place(text, "spark")
    if isinstance(folder, Remote):
        raise UsageError(f"{option} {text}: this can only be written to a disk of this machine; give a path")
    return folder


def _place(text: str | None, context: Context) -> Place | None:
    """The place that an option names, where it is given."""
    return place(text, context.engine) if text else None


def _model_names(given: list[str] | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(KINDS if "all" in (given or []) else given or DEFAULT_MODELS))
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise UsageError(f"--model {unknown[0]}: there is no such model; give {', '.join(KINDS)} or all")
    return names


def _number(text: str | None) -> float | str | None:
    """A number where the text is one, else the text, which is SQL."""
    try:
        return float(text) if text is not None else None
    except ValueError:
        return text


def _dates(texts: list[str] | None) -> list[date]:
    try:
        return [date.fromisoformat(text) for text in texts or []]
    except ValueError:
        raise UsageError(f"--as-of {' '.join(texts or [])}: give a date as YYYY-MM-DD") from None


def _checked_sample(rate: float | None) -> float | None:
    if rate is not None and not 0 < rate <= 1:
        raise UsageError(f"--sample {rate:g}: give a share of the customers above 0 and at most 1, such as 0.1")
    return rate


def main() -> None:
    """The program `encore`."""
    try:
        app()
    except EncoreError as error:
        one_line = " ".join(str(error).split())
        if isinstance(error, RankError) and error.trace:
            print(error.trace, file=sys.stderr)
        print(f"encore: {one_line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        traceback.print_exc()
        print(
            f"encore: a defect of ours ({type(error).__name__}); please report it with the lines above",
            file=sys.stderr,
        )
        sys.exit(1)
