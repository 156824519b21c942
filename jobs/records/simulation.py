"""The record of a simulation."""

from datetime import date
from typing import ClassVar

from jobs.storage.records import Record


class SimulationRecord(Record):
    """What was simulated, and how many lines of which kind (`play.lines`): `truth/simulation.json`."""

    COMMAND: ClassVar[str] = "`encore simulate`"
    customers: int
    days: int
    seed: int
    start: date
    tally: dict[str, int]
