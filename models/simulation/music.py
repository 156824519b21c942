"""The music service: will customers who listened in the last 30 days stay away for the next 14?"""

from datetime import date
from functools import partial

import pyarrow as pa

from models.simulation.activity import Counts, OutcomeQuestion
from models.simulation.audience import MOST_CUSTOMERS, make_audience
from models.simulation.files import Simulation
from models.simulation.music_archives import DATELESS_DAYS, dateless_archive, day_archives
from models.simulation.music_process import EVENTS, music_process
from models.simulation.service import SimulatedService, Task

CHURN = OutcomeQuestion(
    events=tuple(range(len(EVENTS))),
    observation_days=30,
    outcome_days=14,
    step_days=7,
    about_silence=True,
    probability="churn_probability",
    label="churned",
)


def music_ids(simulation: Simulation) -> pa.Array:
    """Uids of the customers, then those of the other users of the logs."""
    return pa.array(make_audience(simulation.customers, simulation.seed).uid)


def music_tasks(simulation: Simulation, counts: Counts) -> list[Task]:
    """A task for the archives of each day, and one for the archive without a date."""
    searches = counts[:DATELESS_DAYS, EVENTS.index("search")]
    days = [partial(day_archives, simulation, day, of_day) for day, of_day in enumerate(counts)]
    return [partial(dateless_archive, simulation, searches), *days]


MUSIC = SimulatedService(music_process, CHURN, 44, date(2017, 3, 30), MOST_CUSTOMERS, music_ids, music_tasks)
