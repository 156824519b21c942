"""A service that can be simulated: its hidden process, the predicted outcome, and how its logs are written."""

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
    """A service that can be simulated.

    process: makes the hidden process. question: the predicted outcome. days, start: defaults for the logs.
    most_customers: maximum by the range of ids and by memory. ids: makes the ids of the customers, by position. tasks:
    makes tasks that each make some files and a tally of their lines like {"play.lines": 3}; they can run in any order
    and at the same time.
    """

    process: Callable[[], Process]
    question: OutcomeQuestion
    days: int
    start: date
    most_customers: int
    ids: Callable[[Simulation], pa.Array]
    tasks: Callable[[Simulation, Counts], list[Task]]
