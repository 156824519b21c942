"""`encore train-keras`: a network beside the other models, fitted by one process or by many to the same result."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


import shutil

from pyspark.sql import SparkSession

from jobs.context import Context
from jobs.train import train
from jobs.training.artifacts import Result
from jobs.training.keras import Networks
from jobs.training.run import Watch
from models.network.job import NETWORK


def train_keras(
    context: Context,
    spark: SparkSession,
    networks: Networks,
    watch: Watch = lambda done, total, what: None,
) -> list[Result]:
    """Fit the service's network into `models/keras/`, like `train` with all that belongs to a model.

    Returns:
        What `metrics.json` of the network holds, and of its twin where the audit flags features.

    Raises:
        UsageError: Horovod or TensorFlow is not installed, so many ranks cannot be started, or the data lies elsewhere
            than on a disk and the profile names no folder that they share.
        RankError: a rank has failed.
        InputError: as `train` does; or there is nothing that `resume` could go on from.
        RowsReady: only the rows were asked for.
    """
    networks.check(context.service.network)
    fits = context.fits  # is refused before time is spent
    results = train(context, spark, [NETWORK], watch, networks)
    for result in results:
        shutil.rmtree(fits / result["model"], ignore_errors=True)
    return results
