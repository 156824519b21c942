"""ALS and the ten best titles for everybody: by `implicit` beside Sail, and by Spark's MLlib.

    python benchmarks/recommender.py --data FOLDER [--customers 200000 --titles 50000 --pairs 5000000]

Interactions are made up: customers of twenty tastes, popular titles, 64 factors, 10 iterations. Each engine is a
process of its own, its start included. Memory is the peak of it with all its children (the JVM, the workers), looked
at ten times a second. It also says how good the lists are on titles held out, so that it is seen that something was
learned. Exit status 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from rich import box
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conf.load import load_profile  # noqa: E402
from jobs.engine import engine  # noqa: E402
from jobs.recommending.model_file import at_workers, save  # noqa: E402
from jobs.storage.layer import materialise  # noqa: E402
from models.recommender.candidates import Als  # noqa: E402
from models.recommender.fitting import Pairs, fit_ranker  # noqa: E402
from models.recommender.histories import with_histories  # noqa: E402
from models.recommender.ranking import means_of, metrics_per_customer  # noqa: E402
from models.recommender.serving import RecommenderModel, Serving, recommend_titles  # noqa: E402

TOP, TASTES, ZIPF = 10, 20, 0.7
CANDIDATES = {"implicit": Als(64, 10, 1.0, "binary", 0.1), "spark": Als(64, 10, 1.0, "binary", 0.1)}
ENGINES = {"implicit": "sail", "spark": "spark"}
MOST_MINUTES = {"implicit": 3.0, "spark": 15.0}  # the targets
MOST_GB = 8.0
JUDGED = 2_000


def main() -> int:
    """Measures, prints the table of figures; returns the exit status."""
    options = parse_options()
    if options.one:
        return measure(options.one, options.data)
    write_pairs(options.data, options.customers, options.titles, options.pairs)
    found = {name: in_a_process(name, options.data) for name in options.engine}
    return show(found, options)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="gets pairs/ and a folder for each engine")
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--titles", type=int, default=50_000)
    parser.add_argument("--pairs", type=int, default=5_000_000)
    parser.add_argument("--engine", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    parser.add_argument("--one", choices=list(CANDIDATES), help="only this, on what is in --data")
    return parser.parse_args()


def write_pairs(data: Path, customers: int, titles: int, pairs: int) -> None:
    """Distinct pairs in `pairs/`, and one title of each of some customers in `held.parquet` instead."""
    random = np.random.default_rng(1)
    share = 1 / np.arange(1, titles // TASTES + 1) ** ZIPF
    chart = np.cumsum(share / share.sum())
    weight = random.lognormal(0, 0.8, customers)
    drawn = int(pairs * 1.15)  # some come twice
    customer = random.choice(customers, drawn, p=weight / weight.sum())
    taste = np.where(random.random(drawn) < 0.8, customer % TASTES, random.integers(0, TASTES, drawn))
    title = np.minimum(np.searchsorted(chart, random.random(drawn)), len(chart) - 1) * TASTES + taste
    keys = random.permutation(np.unique(customer * titles + title))[: pairs + JUDGED]
    customer, title = keys // titles, keys % titles
    _, first = np.unique(customer, return_index=True)
    is_held = np.zeros(len(keys), bool)
    is_held[first[:JUDGED]] = True
    folder = data / "pairs"
    folder.mkdir(parents=True, exist_ok=True)
    columns = {"customer": customer.astype(np.int32), "title": title.astype(np.int32)}
    table = pa.table(columns | {"strength": np.ones(len(keys), np.float32)})
    pq.write_table(table.filter(~is_held), folder / "pairs.parquet", row_group_size=500_000)
    pq.write_table(table.filter(is_held).drop_columns(["strength"]), data / "held.parquet")
    (data / "sizes.json").write_text(json.dumps([customers, titles]))


def measure(name: str, data: Path) -> int:
    """One engine; prints its seconds and how good its lists are."""
    customers, titles = json.loads((data / "sizes.json").read_text())
    work = data / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    began = time.monotonic()
    with engine(ENGINES[name], load_profile("local")) as spark:
        frame = spark.read.parquet(str(data / "pairs"))
        source = pyarrow.dataset.dataset(data / "pairs", format="parquet")
        pairs = Pairs(frame, source.to_batches, customers, titles, np.zeros(titles, np.float32))
        started = time.monotonic()
        ranker = fit_ranker(pairs, CANDIDATES[name], name, seed=1)
        fit = time.monotonic()
        with at_workers(spark, save(RecommenderModel(ranker, np.arange(titles), titles), work)) as load:
            lists = recommend_titles(with_histories(frame), Serving(load, TOP, exclude_seen=True))
            written = materialise([lists], work / "lists")
        ended = time.monotonic()
        rows = written.count()
        quality = means_of(
            metrics_per_customer(written, spark.read.parquet(str(data / "held.parquet")), TOP), ("ndcg",)
        )
    seconds = {"start": started - began, "fit": fit - started, "top": ended - fit, "all": ended - began}
    print(json.dumps(seconds | {"rows": rows, "ndcg": quality["ndcg"].value}))
    return 0


def in_a_process(name: str, data: Path) -> dict[str, float]:
    """What `measure` prints, with the peak of memory in GB."""
    command = [sys.executable, str(Path(__file__).resolve()), "--one", name, "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak, is_over = [0.0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            peak[0] = max(peak[0], held_gb(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    is_over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{name} failed")
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found | {"gb": peak[0]}


def held_gb(pid: int) -> float:
    """Memory of a process and its children; what they share is counted once for each."""
    try:
        process = psutil.Process(pid)
        everyone = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    total = 0
    for one in everyone:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e9


def show(found: dict[str, dict[str, float]], options: argparse.Namespace) -> int:
    """Print the figures; 1 where a target is missed."""
    title = f"{options.pairs:,} interactions, {options.customers:,} customers, {options.titles:,} titles"
    table = Table(box=box.SIMPLE_HEAD, title=title)
    for column in ("", "fit s", "top 10 for all s", "with start s", "target s", "peak GB", "NDCG@10"):
        table.add_column(column, justify="left" if not column else "right")
    for name, one in found.items():
        seconds = [f"{one[key]:.1f}" for key in ("fit", "top", "all")]
        table.add_row(name, *seconds, f"{60 * MOST_MINUTES[name]:.0f}", f"{one['gb']:.2f}", f"{one['ndcg']:.4f}")
    Console(width=110).print(table)
    reached = [one["all"] < 60 * MOST_MINUTES[name] and one["gb"] < MOST_GB for name, one in found.items()]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    raise SystemExit(main())
