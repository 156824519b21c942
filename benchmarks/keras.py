"""The network's throughput: ranks that stream Parquet, against one of them, and against `model.fit` on arrays.

    python benchmarks/keras.py --data FOLDER [--rows 700000] [--columns 45] [--batch 8192 65536] [--rounds 3]

Rows are made up. Every rank has one core to itself and computes with one thread, and so does `model.fit`, which gets
the same network, optimizer and batch, and all rows in memory. Every measurement is a process of its own (ranks are
started by `horovodrun`), which fits four epochs; the first is not counted. Rounds go through all measurements in turn,
so that other work on the machine falls on all of them; ratios are taken within a round, and their median is printed.
With them comes each rank's peak memory, and the same for a table a quarter as long. Exit status 1 where a target is
missed by every batch.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

# Before this script's own folder, where `keras` would be this file.
ROOT = Path(__file__).resolve().parents[1]
sys.path[:] = [str(ROOT), *(path for path in sys.path if Path(path or ".").resolve() != ROOT / "benchmarks")]

from conf.network import Network  # noqa: E402
from models.network.checkpoint import FILE, Progress  # noqa: E402
from models.network.fit import fit_network  # noqa: E402
from models.network.job import TRAIN, VALIDATION, FitOrigin, NetworkJob  # noqa: E402
from models.network.launch import launch  # noqa: E402
from models.network.ranks import OneProcess, Ranks  # noqa: E402
from models.network.sharding import Layout, lanes_for  # noqa: E402
from models.network.shards import Singles, read_blocks, write_lanes  # noqa: E402

EPOCHS = 4
JUDGES = 1_024
PART = 50_000
SPEED_UP, OF_MEMORY = 1.7, 0.9  # the targets


def main() -> int:
    """Measures, prints the table of figures; returns the exit status."""
    options = parse_options()
    if options.one:
        return measure_one(options.one, options.folder)
    reached = [show(batch, options) for batch in options.batch]
    return 0 if any(reached) else 1


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="gets a folder for each batch")
    parser.add_argument("--rows", type=int, default=700_000)
    parser.add_argument("--columns", type=int, default=45)
    parser.add_argument("--batch", type=int, nargs="+", default=[1_024, 8_192, 65_536])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=["rank", "arrays"], help="only this, on what is in FOLDER")
    parser.add_argument("--folder", type=Path)
    return parser.parse_args()


# ---- what is measured, each in a process of its own ----


def measure_one(what: str, folder: Path) -> int:
    """One rank that streams, or `model.fit` on arrays; prints rows per second and the peak of memory in MB."""
    compute_with_one_thread()
    keep_to_core(0)
    rate = fit_arrays(folder) if what == "arrays" else fit_rank(folder, OneProcess())[0]
    print(json.dumps([rate, peak_mb()]))
    return 0


def fit_rank(folder: Path, ranks: Ranks) -> tuple[float, float]:
    """Rows per second of all ranks, and this one's peak of memory in MB."""
    keep_to_core(ranks.rank)
    fit_network(folder, ranks)
    ranks.gather([0.0])  # until rank 0 has written all of it
    counted = [epoch.seconds for epoch in Progress.read(folder).epochs[1:]]
    return NetworkJob.read(folder).train.rows * len(counted) / sum(counted), peak_mb()


def fit_arrays(folder: Path) -> float:
    """Rows per second of `model.fit` on the same rows in memory."""
    import keras

    from models.network.build import OPTIMIZERS, network_of_inputs

    plan = NetworkJob.read(folder)
    blocks = list(read_blocks(folder / TRAIN, plan.train, range(plan.train.lanes)))
    rows = np.concatenate([block.swapaxes(0, 1).reshape(-1, block.shape[-1]) for block in blocks])
    inputs, labels = rows[:, :-2].copy(), rows[:, -2].copy()
    network = network_of_inputs(plan.network, *plan.standard, plan.seed)
    model = keras.Model(network.input, keras.layers.Activation("sigmoid")(network.output))
    optimizer = OPTIMIZERS[plan.network.optimizer](plan.network.learning_rate)
    model.compile(optimizer, "binary_crossentropy", jit_compile=False)
    seconds: list[float] = []
    for _ in range(EPOCHS):
        began = time.monotonic()
        model.fit(inputs, labels, plan.network.batch, epochs=1, verbose=0)
        seconds.append(time.monotonic() - began)
    return plan.train.rows * (EPOCHS - 1) / sum(seconds[1:])


def compute_with_one_thread() -> None:
    """Also of TensorFlow's own work between operations."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def keep_to_core(number: int) -> None:
    """All threads of this process, Horovod's too."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {number})


def peak_mb() -> float:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# ---- rows, rounds and figures ----


def write_rows(folder: Path, rows: int, columns: int, batch: int) -> None:
    """A plan of made-up rows, a part of them at a time."""
    shutil.rmtree(folder, ignore_errors=True)
    lanes = lanes_for(batch, 2)
    train, validation = Layout(rows, columns, batch, lanes), Layout(JUDGES, columns, JUDGES, lanes)
    write_lanes(folder / TRAIN, train, made_up(rows, columns))
    write_lanes(folder / VALIDATION, validation, made_up(JUDGES, columns))
    network = Network(batch=batch, epochs=EPOCHS, patience=None)
    NetworkJob(network, 1, (0.0,) * columns, (1.0,) * columns, train, validation, FitOrigin({}, 1, ())).write(folder)


def made_up(rows: int, columns: int) -> Iterator[Singles]:
    """Inputs, a label that follows two of them, weight 1."""
    random = np.random.default_rng(1)
    for start in range(0, rows, PART):
        inputs = random.normal(size=(min(PART, rows - start), columns))
        labels = random.random(len(inputs)) < 1 / (1 + np.exp(-inputs[:, 0] - inputs[:, 1]))
        yield np.column_stack([inputs, labels, np.ones(len(inputs))]).astype(np.float32)


def alone(what: str, folder: Path) -> tuple[float, float]:
    """What `measure_one` prints."""
    (folder / FILE).unlink(missing_ok=True)
    command = [sys.executable, str(Path(__file__).resolve()), "--one", what, "--folder", str(folder)]
    rate, memory = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return rate, memory


def together(folder: Path) -> tuple[float, float]:
    """Two ranks: rows per second, and the larger peak."""
    (folder / FILE).unlink(missing_ok=True)
    found = launch(partial(fit_rank, folder), 2, "horovodrun")
    return found[0][0], max(memory for _, memory in found)


def show(batch: int, options: argparse.Namespace) -> bool:
    """Measure with a batch, print the figures, and say whether they reach the targets."""
    folder, short = options.data / f"batch-{batch}", options.data / f"batch-{batch}-short"
    write_rows(folder, options.rows, options.columns, batch)
    write_rows(short, options.rows // 4, options.columns, batch)
    rounds = [
        {"one": alone("rank", folder), "two": together(folder), "arrays": alone("arrays", folder)}
        for _ in range(options.rounds)
    ]
    speed_up = median(one["two"][0] / one["one"][0] for one in rounds)
    of_memory = median(one["one"][0] / one["arrays"][0] for one in rounds)
    table = Table(box=box.SIMPLE_HEAD, title=f"{options.rows:,} rows x {options.columns} columns, batch {batch:,}")
    for name in ("", "rows/s (median)", "peak MB of a rank"):
        table.add_column(name, justify="left" if not name else "right")
    titles = {"one": "one rank, Parquet", "two": "two ranks, Parquet", "arrays": "model.fit, arrays in memory"}
    for name, title in titles.items():
        table.add_row(title, f"{median(r[name][0] for r in rounds):,.0f}", f"{median(r[name][1] for r in rounds):,.0f}")
    table.add_row("one rank, a quarter of the rows", "", f"{alone('rank', short)[1]:,.0f}")
    console = Console(width=100)
    console.print(table)
    each = ", ".join(f"{one['two'][0] / one['one'][0]:.2f}" for one in rounds)
    console.print(f"two ranks / one: {speed_up:.2f} (target {SPEED_UP}; rounds {each})")
    console.print(f"one rank of Parquet / model.fit in memory: {of_memory:.2f} (target {OF_MEMORY})\n")
    return speed_up >= SPEED_UP and of_memory >= OF_MEMORY


if __name__ == "__main__":
    sys.exit(main())
