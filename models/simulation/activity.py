"""Draws customers' daily event counts from the hidden process, and computes the true probability of an outcome."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.simulation.process import Process

Counts = NDArray[np.int16]
Seen = NDArray[np.bool_]
CUSTOMERS_AT_ONCE = 25_000  # so that the tables of the filter take a few tens of megabytes


@dataclass(frozen=True)
class OutcomeQuestion:
    """The predicted outcome of customers with any of `events` in the observation window.

    events: positions in the process's counts; the outcome is whether one occurs in the outcome window. step_days:
    between two as-of days with a truth. about_silence: whether label 1 means that no event occurs. probability, label:
    names of the columns of the truth.
    """

    events: tuple[int, ...]
    observation_days: int
    outcome_days: int
    step_days: int
    about_silence: bool
    probability: str
    label: str

    def mature_days(self, days: int) -> list[int]:
        """As-of days, latest first, whose outcome window is inside the logs: the last one and each step before it."""
        last = days - self.outcome_days
        return [day for day in range(last, 0, -self.step_days) if day == last or day >= self.step_days]


@dataclass(frozen=True)
class Truth:
    """The truth at an as-of day (day 0 is the first of the logs) about customers with an event in the observation.

    customer: (M,) positions. probability: (M,) of label 1, given everything before the as-of day. label: (M,) 1 or 0.
    """

    as_of_day: int
    customer: NDArray[np.int64]
    probability: Floats
    label: NDArray[np.int8]


def simulate_counts(process: Process, customers: int, days: int, rng: np.random.Generator) -> Counts:
    """Draw the counts of each day, event and customer: (days, events, customers)."""
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
    """Draw once from the distribution `tables[row]` for each row, by one search in all of them concatenated."""
    width = tables.shape[1]
    ladder = (np.cumsum(tables, axis=1) + np.arange(len(tables))[:, None]).ravel()
    found = np.searchsorted(ladder, row + rng.random(len(row)), side="right") - row * width
    drawn: NDArray[np.int64] = np.clip(found, 0, width - 1)  # by rounding, a cumulative sum may end below 1
    return drawn


def compute_truths(process: Process, question: OutcomeQuestion, counts: Counts) -> list[Truth]:
    """Compute the truth at each mature as-of day of the logs, earliest first; none if the logs are too short."""
    as_of_days = sorted(question.mature_days(len(counts)))
    if not as_of_days:
        return []
    starts = range(0, counts.shape[2], CUSTOMERS_AT_ONCE)
    chunks = [filter_silence(process, question, counts[:, :, s : s + CUSTOMERS_AT_ONCE], as_of_days) for s in starts]
    silence = np.concatenate(chunks, axis=1)
    any_event: Seen = np.logical_or.reduce([counts[:, event] > 0 for event in question.events])
    return [_truth(question, day, row, any_event) for day, row in zip(as_of_days, silence, strict=True)]


def _truth(question: OutcomeQuestion, day: int, silence: Floats, any_event: Seen) -> Truth:
    customer = np.flatnonzero(any_event[max(0, day - question.observation_days) : day].any(axis=0))
    came_back: Seen = np.any(any_event[day : day + question.outcome_days, customer], axis=0)
    if question.about_silence:
        return Truth(day, customer, silence[customer], (~came_back).astype(np.int8))
    return Truth(day, customer, 1 - silence[customer], came_back.astype(np.int8))


def filter_silence(process: Process, question: OutcomeQuestion, counts: Counts, as_of_days: Sequence[int]) -> Floats:
    """The exact P(no event in the outcome window | all counts before the as-of day): (as-of days, customers)."""
    silence = process.silence(question.outcome_days, question.events)
    wanted = set(as_of_days)
    beliefs = enumerate(_forward(process, counts[: max(as_of_days)]), start=1)
    return np.array([np.einsum("nks,ks->n", belief, silence) for day, belief in beliefs if day in wanted])


def _forward(process: Process, counts: Counts) -> Iterator[Floats]:
    """After each day, P(type, state | all counts so far) of each customer: (customers, K, S)."""
    prior = process.share[:, None] * process.initial
    belief = np.broadcast_to(prior, (counts.shape[2], *prior.shape))
    for day, today in enumerate(counts):
        if day > 0:
            # One matrix product per type is several times faster than one vector product per customer.
            belief = np.matmul(belief.swapaxes(0, 1), process.transition).swapaxes(0, 1)
        belief = belief * _likelihood(process, today)
        belief /= belief.sum(axis=(1, 2), keepdims=True)
        yield belief


def _likelihood(process: Process, today: Counts) -> Floats:
    """P(counts of this day | type, state): (customers, K, S)."""
    likelihood = np.broadcast_to(process.no_event, (today.shape[1], *process.awake.shape)).copy()
    busy = np.flatnonzero(today.any(axis=0))
    tables = [np.moveaxis(table, 2, 0)[today[event, busy]] for event, table in enumerate(process.counts)]
    likelihood[busy] = process.awake * np.prod(tables, axis=0)
    return likelihood
