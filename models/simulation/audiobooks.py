"""The audiobook shop: will customers who bought in the last two years buy again in the next six months?"""

from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa

from models.simulation.activity import Counts, OutcomeQuestion
from models.simulation.files import Simulation
from models.simulation.service import SimulatedService, Task
from models.simulation.shop_events import draw_events
from models.simulation.shop_files import month_file, months
from models.simulation.shop_process import EVENTS, PURCHASE, shop_process

BOUGHT_AGAIN = OutcomeQuestion(
    events=(PURCHASE,),
    observation_days=730,
    outcome_days=183,
    step_days=91,
    about_silence=False,
    probability="purchase_probability",
    label="bought_again",
)
MOST_CUSTOMERS = 200_000  # their daily counts take 2 GB
OWN_CHECK = "00000"  # the shop's own account, which makes the first and the last visit of every day and buys nothing
DIGITS = 5


def shop_ids(simulation: Simulation) -> pa.StringArray:
    """Ids of the customers, many with leading zeros, then the id of the shop's own account."""
    numbers = 1 + simulation.rng(1).choice(3 * simulation.customers, simulation.customers, replace=False)
    return pa.array([*np.strings.zfill(numbers.astype(str), DIGITS).tolist(), OWN_CHECK])


def shop_tasks(simulation: Simulation, counts: Counts) -> list[Task]:
    """A task for the file of each event and month."""
    ids, happened = shop_ids(simulation), draw_events(simulation, counts)
    return [
        partial(month_file, simulation, ids, event, happened[event], month)
        for month in months(simulation)
        for event in EVENTS
    ]


AUDIOBOOKS = SimulatedService(shop_process, BOUGHT_AGAIN, 913, date(2017, 1, 1), MOST_CUSTOMERS, shop_ids, shop_tasks)
