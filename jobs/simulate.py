"""`encore simulate`: raw archives of a music service that never was, and the truth about its customers."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from conf.errors import InputError, UsageError
from jobs.storage import replace_folder, write_text
from models.simulation.activity import Counts, Truth, truths
from models.simulation.audience import MOST_CUSTOMERS
from models.simulation.music_archives import (
    DATELESS_DAYS,
    Archive,
    Simulation,
    Tally,
    dateless_archive,
    day_archives,
    listing,
)
from models.simulation.process import EVENTS, music_process

Written = tuple[list[tuple[str, int]], Tally]


@dataclass(frozen=True)
class Simulated:
    """What a simulation wrote: files and their bytes, dates with a truth, a tally like {'play.lines': 3}."""

    raw: Path
    truth: Path
    archives: int
    archive_bytes: int
    as_of: list[date]
    tally: dict[str, int]

    @property
    def events(self) -> int:
        """Plays, downloads and searches, before any line was duplicated, damaged or lost."""
        return sum(number for key, number in self.tally.items() if key.endswith(".events"))


def simulate(
    out: Path,
    customers: int,
    days: int,
    seed: int,
    start: date = date(2017, 3, 30),
    workers: int | None = None,
) -> Simulated:
    """Write `out/raw/*` and `out/truth/as_of=…/`; a kill leaves each folder as it was or as it is to be.

    workers: threads, one per core by default; the bytes do not depend on it. Raises UsageError where the
    numbers cannot be, InputError where `out/raw` holds what no simulation left there.
    """
    _check_numbers(customers, days, seed)
    raw, truth = out / "raw", out / "truth"
    _check_replaceable(raw)
    new_raw, new_truth = _empty(out / "raw.partial"), _empty(out / "truth.partial")
    simulation = Simulation(customers, days, seed, start)
    counts = simulation.counts()
    files, tally = _write_archives(simulation, counts, new_raw, workers or os.cpu_count() or 1)
    as_of = [_write_truth(simulation, one, new_truth) for one in truths(music_process(), counts)]
    record = {**asdict(simulation), "tally": tally}
    write_text(new_truth / "simulation.json", json.dumps(record, default=str, indent=1))
    replace_folder(new_truth, truth)
    replace_folder(new_raw, raw)
    return Simulated(raw, truth, len(files), sum(size for _, size in files), as_of, dict(tally))


def _check_numbers(customers: int, days: int, seed: int) -> None:
    if not 1 <= customers <= MOST_CUSTOMERS:
        raise UsageError(f"simulating logs: --customers {customers} cannot be; give 1 to {MOST_CUSTOMERS}")
    if days < 1:
        raise UsageError(f"simulating logs: --days {days} cannot be; give at least 1 (a truth needs 15)")
    if seed < 0:
        raise UsageError(f"simulating logs: --seed {seed} cannot be; give 0 or more")


def _check_replaceable(raw: Path) -> None:
    """Only a simulation's own archives are replaced: those that its list.html names, with their sizes."""
    files = [(path.name, path.stat().st_size) for path in raw.glob("*")]
    page = listing([file for file in files if file[0] != "list.html"])
    if files and not ((raw / page.name).is_file() and (raw / page.name).read_bytes() == page.data):
        raise InputError(f"simulating logs: {raw} holds what no simulation left there; choose another --out")


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _write_archives(simulation: Simulation, counts: Counts, folder: Path, workers: int) -> Written:
    """Every file of raw, each day by one of the workers."""
    search = EVENTS.index("search")
    first_searches = counts[:DATELESS_DAYS, search]
    tasks: list[Callable[[], Written]] = [partial(_write_dateless, simulation, first_searches, folder)]
    tasks += [partial(_write_day, simulation, day, counts[day], folder) for day in range(simulation.days)]
    files: list[tuple[str, int]] = []
    tally: Tally = Counter()
    # numpy, Arrow and zlib let go of the interpreter's lock: threads do what processes would, and start at once.
    with ThreadPoolExecutor(workers) as pool:
        for some_files, some_tally in pool.map(lambda task: task(), tasks):
            files += some_files
            tally.update(some_tally)
    return [*files, _write(listing(files), folder)], tally


def _write_day(simulation: Simulation, day: int, counts: NDArray[np.int16], folder: Path) -> Written:
    archives, tally = day_archives(simulation, day, counts)
    return [_write(archive, folder) for archive in archives], tally


def _write_dateless(simulation: Simulation, searches: NDArray[np.int16], folder: Path) -> Written:
    archive, tally = dateless_archive(simulation, searches)
    return [_write(archive, folder)], tally


def _write(archive: Archive, folder: Path) -> tuple[str, int]:
    (folder / archive.name).write_bytes(archive.data)
    return archive.name, len(archive.data)


def _write_truth(simulation: Simulation, truth: Truth, folder: Path) -> date:
    """One row per customer with an event in the 30 days before as_of."""
    as_of = simulation.date_of(truth.as_of_day)
    columns = {
        "customer_id": simulation.audience.uid[truth.customer],
        "churn_probability": truth.churn_probability,
        "churned": truth.churned,
    }
    partition = folder / f"as_of={as_of}"
    partition.mkdir()
    pq.write_table(pa.table(columns), partition / "part-0.parquet")
    return as_of
