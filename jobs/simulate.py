"""`encore simulate`: raw logs of a service that never was, and the truth about its customers."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


import json
import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from conf.errors import InputError, UsageError
from jobs.storage.layer import replace_folder, write_text
from models.simulation.activity import OutcomeQuestion, Truth, compute_truths, simulate_counts
from models.simulation.audiobooks import AUDIOBOOKS
from models.simulation.files import Archive, Simulation, Tally, listing
from models.simulation.music import MUSIC
from models.simulation.service import SimulatedService, Task

SERVICES = {"music": MUSIC, "audiobooks": AUDIOBOOKS}

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
        """Events of all kinds, before any line was duplicated, damaged or lost."""
        return sum(number for key, number in self.tally.items() if key.endswith(".events"))


def simulate(
    out: Path,
    customers: int,
    days: int | None,
    seed: int,
    start: date | None = None,
    workers: int | None = None,
    service: str = "music",
) -> Simulated:
    """Write `out/raw/*` and `out/truth/as_of=…/`; a kill leaves each folder as it was or as it is to be.

    days, start: the service's by default; workers: threads, one per core by default; the bytes do not depend on it.
    Raises UsageError where the numbers cannot be or the service has no simulation, InputError where `out/raw` holds
    what no simulation left there.
    """
    if service not in SERVICES:
        known = " or ".join(SERVICES)
        raise UsageError(f"simulating logs: --service {service} has no simulation; give {known}")
    simulated = SERVICES[service]
    days = simulated.days if days is None else days
    _check_numbers(simulated, customers, days, seed)
    raw, truth = out / "raw", out / "truth"
    _check_replaceable(raw)
    new_raw, new_truth = _empty(out / "raw.partial"), _empty(out / "truth.partial")
    simulation = Simulation(customers, days, seed, start or simulated.start)
    process = simulated.process()
    counts = simulate_counts(process, customers, days, simulation.rng(0))
    files, tally = _write_files(simulated.tasks(simulation, counts), new_raw, workers or os.cpu_count() or 1)
    ids = simulated.ids(simulation)
    answers = compute_truths(process, simulated.question, counts)
    as_of = [_write_truth(simulation, simulated.question, one, ids, new_truth) for one in answers]
    record = {**asdict(simulation), "tally": tally}
    write_text(new_truth / "simulation.json", json.dumps(record, default=str, indent=1))
    replace_folder(new_truth, truth)
    replace_folder(new_raw, raw)
    return Simulated(raw, truth, len(files), sum(size for _, size in files), as_of, dict(tally))


def _check_numbers(service: SimulatedService, customers: int, days: int, seed: int) -> None:
    if not 1 <= customers <= service.most_customers:
        raise UsageError(f"simulating logs: --customers {customers} cannot be; give 1 to {service.most_customers}")
    if days < 1:
        needs = service.question.outcome_days + 1
        raise UsageError(f"simulating logs: --days {days} cannot be; give at least 1 (a truth needs {needs})")
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


def _write_files(tasks: list[Task], folder: Path, workers: int) -> Written:
    """Every file of raw, those of each task by one of the workers."""
    files: list[tuple[str, int]] = []
    tally: Tally = Counter()

    def work(task: Task) -> Written:
        archives, some_tally = task()
        return [_write(archive, folder) for archive in archives], some_tally

    # numpy, Arrow and zlib let go of the interpreter's lock: threads do what processes would, and start at once.
    with ThreadPoolExecutor(workers) as pool:
        for some_files, some_tally in pool.map(work, tasks):
            files += some_files
            tally.update(some_tally)
    return [*files, _write(listing(files), folder)], tally


def _write(archive: Archive, folder: Path) -> tuple[str, int]:
    (folder / archive.name).write_bytes(archive.data)
    return archive.name, len(archive.data)


def _write_truth(simulation: Simulation, question: OutcomeQuestion, truth: Truth, ids: pa.Array, folder: Path) -> date:
    """One row per customer with an event in the observation before as_of."""
    as_of = simulation.date_of(truth.as_of_day)
    columns = {
        "customer_id": ids.take(pa.array(truth.customer)),
        question.probability: truth.probability,
        question.label: truth.label,
    }
    partition = folder / f"as_of={as_of}"
    partition.mkdir()
    pq.write_table(pa.table(columns), partition / "part-0.parquet")
    return as_of
