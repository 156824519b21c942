"""Fitting a network on one process or many, epoch by epoch, from where a killed fit has stopped.

The result is that of one process: every rank takes its share of each batch, gradients are averaged over all ranks
before the optimizer clips and applies them, and everybody begins with rank 0's weights. Only dropout draws other units
on each rank.
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
    """Fit the plan of a folder; every rank calls this, and rank 0 writes the progress there after every epoch.

    Raises:
        ValueError: the lanes do not divide into the ranks, or the ranks do not see the same files.
    """
    from models.network.trainer import Trainer  # loads TensorFlow

    plan, progress = NetworkJob.read(folder), Progress.read(folder)
    lanes = plan.train.share(ranks.rank, ranks.size)
    if np.ptp(ranks.gather([len(progress.epochs)])):
        raise ValueError(f"{folder}: the ranks see different progress there; it must be on a file system they share")
    if progress.is_done:
        return
    solo = _solo(folder, plan, Trainer(plan, OneProcess())) if ranks.size > 1 and ranks.rank == 0 else None
    trainer = Trainer(plan, ranks)
    trainer.restore(progress.variables, progress.optimizer)
    spent = np.zeros(ranks.size)
    passed = 0
    while not progress.is_over(plan.network.epochs, plan.network.patience):
        number = len(progress.epochs) + 1
        trainer.seed_dropout(number)
        shuffle = (plan.seed, number) if plan.network.shuffle else None
        began = time.monotonic()
        trained = _sums(trainer.train, read_blocks(folder / TRAIN, plan.train, lanes, shuffle))
        seconds = time.monotonic() - began
        judged = _sums(trainer.judge, read_blocks(folder / VALIDATION, plan.validation, lanes))
        said = ranks.gather([*trained, *judged, seconds])
        loss, weight, judged_loss, judged_weight, _ = said.sum(axis=0)
        spent, passed = spent + said[:, -1], passed + 1
        epoch = Epoch(number, loss / weight, judged_loss / judged_weight, float(said[:, -1].max()))
        progress = progress.after(epoch, *(trainer.state() if ranks.rank == 0 else ((), ())))
        if ranks.rank == 0:
            progress.write(folder)
    if ranks.rank == 0:
        replace(progress, is_done=True, throughput=_throughput(plan.train.rows, passed, spent, solo)).write(folder)


def _sums(function: Callable[[Singles], tuple[float, float]], blocks: Iterator[Singles]) -> Floats:
    """(2,) what the function adds up over all blocks; the next one is read meanwhile."""
    total = np.zeros(2)
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, blocks, None)
            total += function(block)
    return total


def _throughput(rows: int, epochs: int, seconds: Floats, solo: float | None) -> Throughput | None:
    """Rows per second of all ranks, of each of them, and against as many times what one rank alone has managed."""
    if not epochs:
        return None
    by_rank = rows * epochs / len(seconds) / seconds
    all_ranks = rows * epochs / seconds.max()
    efficiency = all_ranks / (len(seconds) * solo) if solo else 1.0
    return Throughput(float(all_ranks), by_rank.tolist(), float(efficiency))


def _solo(folder: Path, plan: NetworkJob, trainer: Any) -> float:
    """Rows per second of one rank that takes whole batches while the others wait; of a copy, which is thrown away."""
    block = next(read_blocks(folder / TRAIN, plan.train, range(plan.train.lanes)))[:, :SOLO_STEPS]
    trainer.train(block)
    began, rows = time.monotonic(), 0
    while time.monotonic() - began < SOLO_SECONDS:
        trainer.train(block)
        rows += block[..., 0].size
    return rows / (time.monotonic() - began)
