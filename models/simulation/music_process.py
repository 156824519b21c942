"""The hidden process of the music service: customers join, play on some days, lose interest and leave."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats
from models.simulation.process import Process, negative_binomial

STATES = ("waiting", "arriving", "alive", "fading", "gone")
EVENTS = ("play", "down", "search")
# 400 plays are 14 hours, 20 with the longest titles, so that no customer is taken for a bot.
MOST_PER_DAY = (400, 120, 120)


@dataclass(frozen=True)
class MusicHabit:
    """A type of customer: daily probabilities, and mean counts on a day awake.

    seen_before: share of customers from before the logs begin (the others join later, by a constant daily hazard).
    gone_at_once: leaves after the day of arrival. tires: from alive to fading. recovers: from fading to alive.
    leaves: from fading to gone.
    """

    share: float
    seen_before: float
    gone_at_once: float
    awake: float
    awake_fading: float
    tires: float
    recovers: float
    leaves: float
    plays: float
    downloads: float
    searches: float


HABITS = (
    MusicHabit(0.33, 0.40, 0.50, 0.09, 0.03, 0.042, 0.02, 0.15, 7.0, 1.2, 1.5),  # comes briefly
    MusicHabit(0.28, 0.50, 0.25, 0.20, 0.06, 0.042, 0.02, 0.18, 9.0, 1.3, 1.7),  # once a week
    MusicHabit(0.22, 0.65, 0.10, 0.35, 0.10, 0.034, 0.03, 0.16, 12.0, 1.3, 1.7),  # twice a week
    MusicHabit(0.17, 0.75, 0.04, 0.66, 0.20, 0.020, 0.03, 0.13, 15.0, 1.6, 2.0),  # most days
)
JOINS_PER_DAY = 0.05
AWAKE_ON_ARRIVAL = 0.97
PLAY_SPREAD = 1.1  # standard deviation of the log of a day's plays: one day in forty has more than six times the median
FADED_VOLUME = 0.55


def music_process() -> Process:
    """The process of the music service, calibrated to the published churn of 62 % and best AUC of 0.92."""
    return Process(
        share=np.array([habit.share for habit in HABITS]),
        initial=np.array([_initial(habit) for habit in HABITS]),
        transition=np.array([_transition(habit) for habit in HABITS]),
        awake=np.array([[0.0, AWAKE_ON_ARRIVAL, h.awake, h.awake_fading, 0.0] for h in HABITS]),
        counts=(
            _by_state(
                [_log_normal(h.plays, MOST_PER_DAY[0]) for h in HABITS],
                [_log_normal(h.plays * FADED_VOLUME, MOST_PER_DAY[0]) for h in HABITS],
            ),
            _by_state(
                [negative_binomial(h.downloads, MOST_PER_DAY[1]) for h in HABITS],
                [negative_binomial(h.downloads * FADED_VOLUME, MOST_PER_DAY[1]) for h in HABITS],
            ),
            _by_state(
                [negative_binomial(h.searches, MOST_PER_DAY[2]) for h in HABITS],
                [negative_binomial(h.searches * FADED_VOLUME, MOST_PER_DAY[2]) for h in HABITS],
            ),
        ),
    )


def _initial(habit: MusicHabit) -> list[float]:
    return [
        (1 - habit.seen_before) * 0.85,
        (1 - habit.seen_before) * 0.15,
        habit.seen_before * 0.8,
        habit.seen_before * 0.2,
        0.0,
    ]


def _transition(habit: MusicHabit) -> list[list[float]]:
    stays = 1 - habit.tires
    return [
        [1 - JOINS_PER_DAY, JOINS_PER_DAY, 0, 0, 0],
        [0, 0, 1 - habit.gone_at_once, 0, habit.gone_at_once],
        [0, 0, stays, habit.tires, 0],
        [0, 0, habit.recovers, 1 - habit.recovers - habit.leaves, habit.leaves],
        [0, 0, 0, 0, 1],
    ]


def _by_state(usual: list[Floats], faded: list[Floats]) -> Floats:
    """(K, S, most + 1): arriving and alive customers have the usual counts, fading ones fewer, all others none."""
    none = np.zeros_like(usual[0])
    none[0] = 1.0
    return np.array([[none, high, high, low, none] for high, low in zip(usual, faded, strict=True)])


def _log_normal(median: float, most: int) -> Floats:
    """Distribution on 0..most with a heavy tail: 5 % of the days awake have no play, the others are log-normal."""
    count = np.arange(1, most + 1)
    weight = np.exp(-0.5 * (np.log(count / median) / PLAY_SPREAD) ** 2) / count
    return np.concatenate([[0.05], 0.95 * weight / weight.sum()])
