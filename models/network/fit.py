"""Fits a network by one process or many, epoch by epoch, and resumes a fit that was killed.

The result is that of one process: every rank takes its share of each batch, gradients are averaged over all ranks
before the optimizer clips and applies them, and all ranks begin with the weights of rank 0. Only dropout draws other
units on each rank.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.arrays import Floats
from models.network.checkpoint import Epoch, Progress, Throughput
from models.network.job import TRAIN, VALIDATION, NetworkJob
from models.network.ranks import OneProcess, Ranks
from models.network.shards import Singles, read_blocks

SOLO_SECONDS = 1.0
SOLO_STEPS = 8


def fit_network(folder: Path, ranks: Ranks) -> None:
    """Fit the job of a folder; every rank calls this, and rank 0 writes a checkpoint there after every epoch.

    Raises:
        ValueError: the lanes do not divide into the ranks, or the ranks do not see the same files.
    """
    from models.network.trainer import Trainer  # loads TensorFlow

    job, progress = NetworkJob.read(folder), Progress.read(folder)
    lanes = job.train.share(ranks.rank, ranks.size)
    if np.ptp(ranks.gather([len(progress.epochs)])):
        raise ValueError(
            f"{folder}: the ranks see different checkpoints there; put the folder on a file system that they share"
        )
    if progress.is_done:
        return
    solo = _solo(folder, job, Trainer(job, OneProcess())) if ranks.size > 1 and ranks.rank == 0 else None
    trainer = Trainer(job, ranks)
    trainer.restore(progress.variables, progress.optimizer)
    spent = np.zeros(ranks.size)
    passed = 0
    while not progress.is_over(job.network.epochs, job.network.patience):
        number = len(progress.epochs) + 1
        trainer.seed_dropout(number)
        shuffle = (job.seed, number) if job.network.shuffle else None
        began = time.monotonic()
        trained = _sums(trainer.train, read_blocks(folder / TRAIN, job.train, lanes, shuffle))
        seconds = time.monotonic() - began
        validated = _sums(trainer.validate, read_blocks(folder / VALIDATION, job.validation, lanes))
        sums = ranks.gather([*trained, *validated, seconds])
        loss, weight, validation_loss, validation_weight, _ = sums.sum(axis=0)
        spent, passed = spent + sums[:, -1], passed + 1
        epoch = Epoch(number, loss / weight, validation_loss / validation_weight, float(sums[:, -1].max()))
        progress = progress.after(epoch, *(trainer.state() if ranks.rank == 0 else ((), ())))
        if ranks.rank == 0:
            progress.write(folder)
    if ranks.rank == 0:
        replace(progress, is_done=True, throughput=_throughput(job.train.rows, passed, spent, solo)).write(folder)


def _sums(function: Callable[[Singles], tuple[float, float]], blocks: Iterator[Singles]) -> Floats:
    """(2,) the sums of a function over all blocks; the next block is read meanwhile."""
    total = np.zeros(2)
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, blocks, None)
            total += function(block)
    return total


def _throughput(rows: int, epochs: int, seconds: Floats, solo: float | None) -> Throughput | None:
    """The throughput of the epochs trained now; None if there were none. solo: rows per second of one rank alone."""
    if not epochs:
        return None
    by_rank = rows * epochs / len(seconds) / seconds
    all_ranks = rows * epochs / seconds.max()
    efficiency = all_ranks / (len(seconds) * solo) if solo else 1.0
    return Throughput(float(all_ranks), by_rank.tolist(), float(efficiency))


def _solo(folder: Path, job: NetworkJob, trainer: Any) -> float:
    """Rows per second of one rank that trains a copy on whole batches, while the other ranks wait."""
    block = next(read_blocks(folder / TRAIN, job.train, range(job.train.lanes)))[:, :SOLO_STEPS]
    trainer.train(block)
    began, rows = time.monotonic(), 0
    while time.monotonic() - began < SOLO_SECONDS:
        trainer.train(block)
        rows += block[..., 0].size
    return rows / (time.monotonic() - began)
