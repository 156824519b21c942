"""`encore simulate`: make raw logs of simulated customers, dirt included, and the truth about them."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from conf.errors import InputError, UsageError
from jobs.console.options import SimulatedOption
from jobs.console.progress import start_step
from jobs.console.session import folder_on_disk, remember_service
from jobs.records.simulation import SimulationRecord
from jobs.storage.backend import matching, replace_folder, sole_writer
from jobs.storage.records import write_record
from models.simulation.activity import OutcomeQuestion, Truth, compute_truths, simulate_counts
from models.simulation.audiobooks import AUDIOBOOKS
from models.simulation.files import Archive, Simulation, Tally, listing
from models.simulation.music import MUSIC
from models.simulation.service import SimulatedService, Task

SERVICES = {"music": MUSIC, "audiobooks": AUDIOBOOKS}
DAYS = ", ".join(f"{service.days} of {name}" for name, service in SERVICES.items())
EXAMPLE = "encore simulate --out /tmp/music --customers 20000"

Written = tuple[list[tuple[str, int]], Tally]


def command(
    out: Annotated[str, typer.Option(help="Folder to write raw/ and truth/ into.")],
    service: SimulatedOption = "music",
    customers: Annotated[int, typer.Option(min=1, help="Number of customers.")] = 20_000,
    days: Annotated[int | None, typer.Option(min=1, help=f"Days of the logs. (default: {DAYS})")] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 1,
) -> None:
    """Make raw logs of simulated customers, dirt included, and the truth about them."""
    folder = folder_on_disk("--out", out)
    with sole_writer(folder), start_step("simulate") as step:
        simulated = simulate(folder, customers, days, seed, service=service)
        remember_service(folder, service)
        step.done(summary(simulated))


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
    write_record(new_truth / "simulation.json", SimulationRecord(**asdict(simulation), tally=dict(tally)))
    replace_folder(new_truth, truth)
    replace_folder(new_raw, raw)
    return Simulated(raw, truth, len(files), sum(size for _, size in files), as_of, dict(tally))


def summary(simulated: Simulated) -> str:
    """Where the logs are, in a line."""
    return f"archives in {simulated.raw}"


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
    files = [(path.name, path.stat().st_size) for path in matching(raw)]
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
