"""The command line: `encore <command>`. Every command is one call of the module of its name."""

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import SparkSession
from rich.console import Console

from conf.errors import EncoreError, UsageError
from conf.load import load_profile, load_service
from jobs.context import Context
from jobs.engine import engine as engine_of
from jobs.features import features as feature_tables
from jobs.ingest import ingest as ingest_lines
from jobs.report import report as write_report
from jobs.rollup import rollup as rollup_events
from jobs.run import run as run_all
from jobs.score import score as score_customers
from jobs.simulate import simulate as simulate_logs
from jobs.storage import sole_writer
from jobs.train import train as train_model
from jobs.unpack import unpack as unpack_archives

app = typer.Typer(
    help="Who comes back? From raw logs to features, labels, models and lists.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True, highlight=False, soft_wrap=True)

Data = Annotated[Path, typer.Option(help="Folder of all layers.")]
ServiceName = Annotated[str, typer.Option("--service", help="Name in conf/, or path of a YAML file.")]
ProfileName = Annotated[str, typer.Option("--profile", help="Where to run: name in conf/profiles/, or path.")]
EngineName = Annotated[str | None, typer.Option("--engine", help="sail or spark; the profile's by default.")]
Sample = Annotated[float | None, typer.Option(help="Share of the customers to keep, above 0 and at most 1.")]
AsOf = Annotated[list[str] | None, typer.Option(help="First day of the outcome, YYYY-MM-DD; may be repeated.")]
Raw = Annotated[Path | None, typer.Option(help="The service's archives: a folder or one file. [default: DATA/raw]")]

DATA, SERVICE, PROFILE = Path("data"), "music", "local"


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder that gets raw/ and truth/.")],
    customers: Annotated[int, typer.Option(min=1)] = 20_000,
    days: Annotated[int, typer.Option(min=1)] = 44,
    seed: int = 1,
) -> None:
    """Make raw archives of simulated customers, dirt included, and the truth about them."""
    with sole_writer(out), progress("simulate") as tell:
        simulate_logs(out, customers, days, seed)
        tell(f"archives in {out / 'raw'}")


@app.command()
def unpack(
    data: Data = DATA,
    service: ServiceName = SERVICE,
    raw: Raw = None,
    sample: Sample = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Archives at a time. [default: number of cores]")] = None,
) -> None:
    """Unpack raw archives into text lines by day (shell/unpack.sh with the service's layouts)."""
    context = _context(data, service, PROFILE, None)
    with sole_writer(data), progress("unpack") as tell:
        unpack_archives(context, raw, _checked_sample(sample), jobs)
        tell(f"text lines in {context.landing}")


@app.command()
def ingest(
    data: Data = DATA,
    service: ServiceName = SERVICE,
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
    service: ServiceName = SERVICE,
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
    service: ServiceName = SERVICE,
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
def train(data: Data = DATA, service: ServiceName = SERVICE, profile: ProfileName = PROFILE) -> None:
    """Fit the model and judge it on held-out customers (always on Spark, for MLlib)."""
    context = _context(data, service, profile, "spark")
    with working("train", context) as (spark, tell):
        result = train_model(context, spark)
        tell(result["split"])
    for model in result["models"]:
        console.print(
            f"  {model['name']:<40} AUC {model['auc']:.3f}  accuracy {model['accuracy']:.3f}"
            f"  log loss {model['log_loss']:.3f}"
        )


@app.command()
def score(
    data: Data = DATA,
    service: ServiceName = SERVICE,
    as_of: Annotated[str | None, typer.Option(help="Table to score, YYYY-MM-DD. [default: the newest]")] = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Give every eligible customer a probability and a decile."""
    context = _context(data, service, profile, engine)
    chosen = _dates([as_of])[0] if as_of else None
    with working("score", context) as (spark, tell):
        day, customers = score_customers(context, spark, chosen)
        tell(f"{customers:,} customers at {day} in {context.scores.partition(day)}")


@app.command()
def report(
    data: Data = DATA,
    service: ServiceName = SERVICE,
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
    service: ServiceName = SERVICE,
    raw: Raw = None,
    sample: Sample = None,
    as_of: AsOf = None,
    engine: EngineName = None,
    profile: ProfileName = PROFILE,
) -> None:
    """Do everything from raw archives to the report, skipping what is up to date."""
    context, days, rate = _context(data, service, profile, engine), _dates(as_of), _checked_sample(sample)
    with sole_writer(data):
        page = run_all(context, progress, raw, rate, days)
    console.print(f"the report: {page}")


@app.command()
def demo(
    data: Data = Path("encore-demo"),
    customers: Annotated[int, typer.Option(min=1)] = 20_000,
    engine: EngineName = None,
) -> None:
    """Simulate a music service and do everything on it."""
    context = _context(data, SERVICE, PROFILE, engine)
    with sole_writer(data):
        with progress("simulate") as tell:
            simulate_logs(data, customers, days=44, seed=1)
            tell(f"archives in {context.raw}")
        page = run_all(context, progress)
    folders = {
        "features": context.features.root,
        "model": context.models,
        "scores": context.scores.root,
        "report": page,
    }
    for name, path in folders.items():
        console.print(f"  {name:<9} {path.absolute()}")


@contextmanager
def working(step: str, context: Context) -> Iterator[tuple[SparkSession, Callable[[str], None]]]:
    """Hold the data folder, show progress and have the engine, all for one step."""
    with (
        sole_writer(context.data),
        progress(step) as tell,
        engine_of(context.engine, context.profile) as spark,
    ):
        yield spark, tell


@contextmanager
def progress(step: str) -> Iterator[Callable[[str], None]]:
    """Show that a step runs, and when it ends how long it took and what it did."""
    began, words = time.monotonic(), [""]
    with console.status(f"{step} …"):
        yield lambda text: words.__setitem__(0, text)
    console.print(f"[bold]{step:<9}[/bold] {time.monotonic() - began:6.1f} s  {words[0]}")


def _context(data: Path, service: str, profile: str, engine: str | None) -> Context:
    where = load_profile(profile)
    chosen = engine or where.engine
    if chosen not in ("sail", "spark"):
        raise UsageError(f"--engine {chosen}: there is no such engine; give sail or spark")
    return Context(data, Path(service).stem, load_service(service), where, chosen)


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
        print(f"encore: {one_line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        traceback.print_exc()
        print(
            f"encore: a defect of ours ({type(error).__name__}); please report it with the lines above",
            file=sys.stderr,
        )
        sys.exit(1)
