"""`encore simulate`: raw archives of a music service that never was, and the truth about its customers."""

import json
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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
from models.simulation.process import music_process

RECORD = "simulation.json"
WORTH_A_POOL = 100_000  # customer-days; starting workers takes longer than less than that
Written = tuple[list[tuple[str, int]], Tally]


@dataclass(frozen=True)
class Simulated:
    """What a simulation wrote: archives and their bytes, dates with a truth, and a tally like {'play.lines': 3}."""

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
    out: Path, customers: int, days: int, seed: int, start: date = date(2017, 3, 30), workers: int | None = None
) -> Simulated:
    """Write `out/raw/*` and `out/truth/as_of=…/`. A kill leaves the folders of before, or those of now.

    workers: processes, one per core by default; the bytes do not depend on it. Raises UsageError where the numbers
    cannot be, InputError where `out/raw` holds files that no simulation wrote.
    """
    _check(customers, days, seed)
    raw, truth = out / "raw", out / "truth"
    _check_replaceable(raw, truth)
    new_raw, new_truth = out / "raw.partial", out / "truth.partial"
    for folder in (new_raw, new_truth):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    simulation = Simulation(customers, days, seed, start)
    counts = simulation.counts()
    written, tally = _write_archives(simulation, counts, new_raw, workers or os.cpu_count() or 1)
    as_of = [_write_truth(simulation, one, new_truth) for one in truths(music_process(), counts)]
    write_text(new_truth / RECORD, json.dumps(asdict(simulation) | {"tally": tally}, default=str, indent=1))
    # The truth first: its record tells the next simulation that it may replace raw.
    replace_folder(new_truth, truth)
    replace_folder(new_raw, raw)
    return Simulated(raw, truth, len(written), sum(size for _, size in written), as_of, dict(tally))
