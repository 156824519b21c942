"""`encore train-keras`: fit a neural network, on one process or on many ranks by Horovod."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


import shutil
from typing import Annotated

import typer
from pyspark.sql import SparkSession

from conf.learning import Balance
from conf.network import Optimizer, Output, Scaling
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
    SplitOption,
    lengths,
)
from jobs.console.progress import say
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.records.progress import OnProgress
from jobs.records.training import ModelRecord, NetworkSection
from jobs.train import say_results, train
from jobs.training.artifacts import ModelFolder
from jobs.training.keras import KerasFitter, RowsReady
from models.network.job import NETWORK
from models.network.launch import LauncherName

EXAMPLE = "encore train-keras --data /data/music --ranks 2"


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    ranks: Annotated[int, typer.Option(min=1, help="Processes that train together.")] = 1,
    launcher: Annotated[
        LauncherName | None,
        typer.Option(help="How ranks are started. (default: horovod for more than one rank, else local)"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a killed run.")] = False,
    rows_only: Annotated[
        bool, typer.Option("--rows-only", help="Only write the rows, for ranks that are started elsewhere.")
    ] = False,
    hidden: Annotated[list[int] | None, typer.Option(min=1, help="Units of a hidden layer; may be repeated.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of hidden units left out in each step.")] = None,
    output: Annotated[Output | None, typer.Option(help="Output layer.")] = None,
    optimizer: Annotated[Optimizer | None, typer.Option(help="Optimizer.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Learning rate of the first step after warm-up.")] = None,
    scaling: Annotated[Scaling | None, typer.Option(help="How the learning rate grows with the ranks.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Rows of a step on all ranks; with scaling, on each rank.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Maximum number of epochs.")] = None,
    balance: Annotated[Balance | None, typer.Option(help="How the rarer label is balanced in training.")] = None,
    split: SplitOption = None,
    seed: SeedOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Fit a neural network, on one process or on many ranks by Horovod.

    The service's `network:` gives what is not set here.
    """
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
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(data, service, profile, "spark", {"training": training, "network": network}, windows=windows)
    how = launcher or ("horovod" if ranks > 1 else "local")
    with working("train-keras", context) as (spark, step):
        fitter = KerasFitter(context.fits, how, ranks, resume, rows_only, say)
        try:
            records = train_keras(context, spark, fitter, step.update)
        except RowsReady as ready:
            step.done(
                f"rows in {ready.folder}; fit them by "
                f"`horovodrun -np {ranks} python -m jobs.training.rank {ready.folder}`, and"
            )
            say("then run the same command with --resume instead of --rows-only, to publish the network")
            return
        step.done(records[0].split.text)
    say_results(ModelFolder(context.data.models), records)
    for record in records:
        if record.network:
            _say_throughput(record.network)


def train_keras(
    context: Context,
    spark: SparkSession,
    fitter: KerasFitter,
    on_progress: OnProgress = lambda done, total, what: None,
) -> list[ModelRecord]:
    """Fit the service's network into `models/keras/`, like `train` with all that belongs to a model.

    Returns:
        The record of the network, and of its twin where the audit flags features.

    Raises:
        UsageError: Horovod or TensorFlow is not installed, or too many ranks are asked for.
        RankError: a rank has failed.
        InputError: as `train` does; or there is no fit that `resume` could continue.
        RowsReady: only the rows were asked for.
    """
    fitter.check(context.service.network)
    records = train(context, spark, [NETWORK], on_progress, fitter)
    for record in records:
        shutil.rmtree(fitter.fits / record.model, ignore_errors=True)
    return records


def _say_throughput(network: NetworkSection) -> None:
    found, ranks = network.throughput, network.ranks
    if not found:
        return
    by_rank = ", ".join(f"{rate:,.0f}" for rate in found.by_rank)
    against = f" ({by_rank}): {found.efficiency:.0%} of {ranks} times one rank alone" if ranks > 1 else ""
    say(f"{found.rows_per_second:,.0f} rows/s on {ranks} rank{'s' if ranks > 1 else ''}{against}")
