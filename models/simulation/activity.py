"""Customers' daily event counts drawn from the hidden process, and the exact churn probability given them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulation.process import Floats, Process

Counts = NDArray[np.int16]
Seen = NDArray[np.bool_]
OBSERVATION_DAYS = 30
OUTCOME_DAYS = 14
CUSTOMERS_AT_ONCE = 25_000  # keeps the filter's tables in a few tens of megabytes


@dataclass(frozen=True)
class Truth:
    """What is true of the customers with an event in the 30 days before an as-of day (0 is the logs' first).

    customer: (M,) positions; churn_probability: (M,) given everything before as_of; churned: (M,) 1 where
    the process gives no event in the 14 days from as_of.
    """

    as_of_day: int
    customer: NDArray[np.int64]
    churn_probability: Floats
    churned: NDArray[np.int8]


def simulate_counts(process: Process, customers: int, days: int, rng: np.random.Generator) -> Counts:
    """Counts of each event, customer and day: (days, events, customers)."""
    kind = rng.choice(len(process.share), size=customers, p=process.share)
    state = _draw(process.initial, kind, rng)
    n_states = process.awake.shape[1]
    counts = np.zeros((days, len(process.counts), customers), dtype=np.int16)
    for day in range(days):
        if day > 0:
            state = _draw(process.transition.reshape(-1, n_states), kind * n_states + state, rng)
        awake = np.flatnonzero(rng.random(customers) < process.awake[kind, state])
        cell = kind[awake] * n_states + state[awake]
        for event, table in enumerate(process.counts):
            counts[day, event, awake] = _draw(table.reshape(-1, table.shape[2]), cell, rng)
    return counts


def _draw(tables: Floats, row: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """One draw from the distribution `tables[row]` for each row, by one search in all of them end to end."""
    width = tables.shape[1]
    ladder = (np.cumsum(tables, axis=1) + np.arange(len(tables))[:, None]).ravel()
    found = np.searchsorted(ladder, row + rng.random(len(row)), side="right") - row * width
    drawn: NDArray[np.int64] = np.clip(found, 0, width - 1)  # a rounded cumulative sum may end below 1
    return drawn


def mature_days(days: int) -> list[int]:
    """As-of days, latest first, whose outcome is inside the logs: the last one and each week before it."""
    last = days - OUTCOME_DAYS
    return [day for day in range(last, 0, -7) if day == last or day >= 7]


def truths(process: Process, counts: Counts) -> list[Truth]:
    """The truth at each mature as-of day of these logs, earliest first; none if they are too short."""
    as_of_days = sorted(mature_days(len(counts)))
    if not as_of_days:
        return []
    starts = range(0, counts.shape[2], CUSTOMERS_AT_ONCE)
    chunks = [filter_churn(process, counts[:, :, s : s + CUSTOMERS_AT_ONCE], as_of_days) for s in starts]
    probability = np.concatenate(chunks, axis=1)
    any_event: Seen = np.any(counts, axis=1)
    return [_truth(day, row, any_event) for day, row in zip(as_of_days, probability, strict=True)]


def _truth(day: int, probability: Floats, any_event: Seen) -> Truth:
    customer = np.flatnonzero(any_event[max(0, day - OBSERVATION_DAYS) : day].any(axis=0))
    came_back: Seen = np.any(any_event[day : day + OUTCOME_DAYS, customer], axis=0)
    return Truth(day, customer, probability[customer], (~came_back).astype(np.int8))


def filter_churn(process: Process, counts: Counts, as_of_days: Sequence[int]) -> Floats:
    """P(no event in the 14 days from as_of | all counts before it), exactly: (as-of days, customers)."""
    silence = process.silence(OUTCOME_DAYS)
    wanted = set(as_of_days)
    beliefs = enumerate(_forward(process, counts), start=1)
    return np.array([np.einsum("nks,ks->n", belief, silence) for day, belief in beliefs if day in wanted])


def _forward(process: Process, counts: Counts) -> Iterator[Floats]:
    """After each day, P(type, state | all counts so far) of each customer: (customers, K, S)."""
    prior = process.share[:, None] * process.initial
    belief = np.broadcast_to(prior, (counts.shape[2], *prior.shape))
    for day, today in enumerate(counts):
        if day > 0:
            belief = np.matmul(belief[:, :, None, :], process.transition)[:, :, 0, :]
        belief = belief * _likelihood(process, today)
        belief /= belief.sum(axis=(1, 2), keepdims=True)
        yield belief


def _likelihood(process: Process, today: Counts) -> Floats:
    """P(this day's counts | type, state): (customers, K, S)."""
    likelihood = np.broadcast_to(process.no_event, (today.shape[1], *process.awake.shape)).copy()
    busy = np.flatnonzero(today.any(axis=0))
    tables = [np.moveaxis(table, 2, 0)[today[event, busy]] for event, table in enumerate(process.counts)]
    likelihood[busy] = process.awake * np.prod(tables, axis=0)
    return likelihood
