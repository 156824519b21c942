"""A service that can be simulated: what its customers do, what is asked of them, and how its logs are written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from models.simulation.activity import Counts, OutcomeQuestion
from models.simulation.files import Archive, Simulation, Tally
from models.simulation.process import Process

Task = Callable[[], tuple[list[Archive], Tally]]


@dataclass(frozen=True)
class SimulatedService:
    """One service.

    process: makes the hidden process; days, start: of the logs, where none are given; most_customers: what its ids
    and a machine's memory have room for; ids: of the customers, by position; tasks: each makes some of the files, in
    any order and at the same time, and a tally of their lines like {"play.lines": 3}.
    """

    process: Callable[[], Process]
    question: OutcomeQuestion
    days: int
    start: date
    most_customers: int
    ids: Callable[[Simulation], pa.Array]
    tasks: Callable[[Simulation, Counts], list[Task]]
