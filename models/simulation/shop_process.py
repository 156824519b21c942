"""The hidden process of the audiobook shop: visitors look around, buy, stay for a while or not, and some return."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats
from models.simulation.process import Process, negative_binomial

STATES = ("waiting", "looking", "arriving", "engaged", "fading", "gone")
EVENTS = ("purchase", "listening", "review", "support", "visit")
PURCHASE, LISTENING, REVIEW, SUPPORT, VISIT = range(len(EVENTS))
MOST_PER_DAY = (6, 12, 3, 3, 12)


@dataclass(frozen=True)
class ShopHabit:
    """A type of customer: daily probabilities, and mean counts on a day with a visit.

    gone_at_once: leaves after the day of the first purchase. awake, awake_fading: visits on a day. tires: from engaged
    to fading. recovers: from fading to engaged. leaves: from fading to gone. listens: sittings, of those who listen.
    """

    share: float
    gone_at_once: float
    awake: float
    awake_fading: float
    tires: float
    recovers: float
    leaves: float
    purchases: float
    listens: float
    reviews: float


HABITS = (
    ShopHabit(0.32, 0.45, 0.040, 0.012, 0.0060, 0.0010, 0.002, 0.004, 2.5, 0.030),  # buys once, and visits again
    ShopHabit(0.37, 0.15, 0.017, 0.005, 0.0014, 0.0022, 0.002, 0.450, 3.0, 0.050),  # comes rarely, to buy
    ShopHabit(0.27, 0.10, 0.040, 0.008, 0.0060, 0.0025, 0.004, 0.220, 2.5, 0.030),  # comes often for a while
)
GIFT_READER = ShopHabit(
    0.04, 0.50, 0.040, 0.005, 0.0200, 0.0010, 0.010, 0.0, 0.0, 0.6
)  # got a book as a gift, buys none
LISTENERS = 0.6  # share of each type but the last; half of those who ever bought listen
SEEN_BEFORE = 0.08  # share of customers who are engaged or fading when the logs begin
JOINS_PER_DAY, LOOKS_FIRST = 0.003, 0.3
AWAKE_LOOKING, BUYS_AT_LAST, LOSES_INTEREST = 0.20, 0.08, 0.03
SUPPORT_REQUESTS = 0.012
EXTRA_VISITS = 0.4
FIRST_PURCHASES = 0.15  # mean number besides the first one, on the day of arrival
FADED_PURCHASES = 0.4  # mean purchases of a fading customer, relative to an engaged one


def shop_process() -> Process:
    """The process of the shop, calibrated so that one in six buys again."""
    habits = [(habit, listens) for habit in HABITS for listens in (True, False)] + [(GIFT_READER, False)]
    share = [habit.share * _of_habit(habit, listens) for habit, listens in habits]
    tables = [_tables(habit, listens) for habit, listens in habits]
    return Process(
        share=np.array(share),
        initial=np.array([[1 - SEEN_BEFORE, 0, 0, SEEN_BEFORE / 2, SEEN_BEFORE / 2, 0]] * len(habits)),
        transition=np.array([_transition(habit) for habit, _ in habits]),
        awake=np.array([[0, AWAKE_LOOKING, 1, h.awake, h.awake_fading, 0] for h, _ in habits], dtype=float),
        counts=tuple(np.array([of_habit[event] for of_habit in tables]) for event in range(len(EVENTS))),
    )


def _of_habit(habit: ShopHabit, listens: bool) -> float:
    if habit is GIFT_READER:
        return 1.0
    return LISTENERS if listens else 1 - LISTENERS


def _transition(habit: ShopHabit) -> list[list[float]]:
    looks = JOINS_PER_DAY * LOOKS_FIRST
    return [
        [1 - JOINS_PER_DAY, looks, JOINS_PER_DAY - looks, 0, 0, 0],
        [0, 1 - BUYS_AT_LAST - LOSES_INTEREST, BUYS_AT_LAST, 0, 0, LOSES_INTEREST],
        [0, 0, 0, 1 - habit.gone_at_once, 0, habit.gone_at_once],
        [0, 0, 0, 1 - habit.tires, habit.tires, 0],
        [0, 0, 0, habit.recovers, 1 - habit.recovers - habit.leaves, habit.leaves],
        [0, 0, 0, 0, 0, 1],
    ]


def _tables(habit: ShopHabit, listens: bool) -> list[Floats]:
    """For each event (S, most + 1), the distribution of its count on a day with a visit."""
    buys = habit.purchases > 0
    sittings = habit.listens if listens else 0.0
    purchase = _counts(PURCHASE, habit.purchases, habit.purchases * FADED_PURCHASES)
    if buys:
        purchase[STATES.index("arriving")] = _one_more(negative_binomial(FIRST_PURCHASES, MOST_PER_DAY[PURCHASE]))
    visit = _counts(VISIT, EXTRA_VISITS, EXTRA_VISITS)
    return [
        purchase,
        _counts(LISTENING, sittings, sittings),
        _counts(REVIEW, habit.reviews, habit.reviews),
        _counts(SUPPORT, SUPPORT_REQUESTS, SUPPORT_REQUESTS),
        np.array([_one_more(row) for row in visit]),
    ]


def _counts(event: int, usual: float, faded: float) -> Floats:
    """(S, most + 1): arriving and engaged customers have the usual counts, fading ones fewer, all others none."""
    none, high, low = (negative_binomial(mean, MOST_PER_DAY[event]) for mean in (0.0, usual, faded))
    return np.array([none, none, high, high, low, none])


def _one_more(table: Floats) -> Floats:
    """Shift a distribution of counts by one; the two largest counts are merged."""
    return np.asarray([0.0, *table[:-2], table[-2] + table[-1]])
