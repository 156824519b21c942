"""The users in the music logs: the customers of the hidden process, some bots, and uid 0 for all not signed in."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.simulation.catalogue import FAVOURITES, SINGERS, STYLES

DEVICES = pa.array(["\tar", "\tip", "\tmc", "\twp"])
DEVICE_SHARE = (0.868, 0.131, 0.0005, 0.0005)
IPHONE = 1
OLDEST_UID, NEWEST_UID, LAST_UID = 150_000_000, 168_500_000, 170_000_000
NEW_SHARE = 0.7  # share of the highest uids, so close that a 32-bit float cannot tell them apart
MOST_CUSTOMERS = 1_000_000  # more do not fit into the range of new uids
BOT_PLAYS = (500, 1_500)  # per day, all to the end: 32 to 95 hours of play
ANONYMOUS_SHARE = 0.008  # of a day's plays


@dataclass(frozen=True)
class Audience:
    """All M users of the logs, in this order: customers, bots, uid 0.

    uid: (M,) int64. uid_device: (M,) text of the first two fields. is_iphone: (M,) bool. taste: (M,) favourite style.
    favourites: (first_bot, FAVOURITES) favourite singers, which only customers have. first_bot: position of the first
    bot.
    """

    uid: NDArray[np.int64]
    uid_device: pa.StringArray
    is_iphone: NDArray[np.bool_]
    taste: NDArray[np.int64]
    favourites: NDArray[np.int64]
    first_bot: int


@cache
def make_audience(customers: int, seed: int) -> Audience:
    """Make the audience of a simulation; uids are independent of what a customer does."""
    rng = np.random.default_rng([seed, 2])
    members = customers + number_of_bots(customers)
    new = round(NEW_SHARE * members)
    recent = NEWEST_UID + rng.choice(min(2 * new + 1, LAST_UID - NEWEST_UID), new, replace=False)
    older = OLDEST_UID + rng.choice(NEWEST_UID - OLDEST_UID, members - new, replace=False)
    uid = np.append(rng.permutation(np.concatenate([recent, older])), 0)
    device = rng.choice(len(DEVICES), members + 1, p=DEVICE_SHARE)
    text = pc.binary_join_element_wise(pa.array(uid).cast(pa.string()), DEVICES.take(pa.array(device)), "")
    taste = rng.integers(0, STYLES, members + 1)
    return Audience(uid, text, device == IPHONE, taste, _favourite_singers(taste[:customers], rng), customers)


def _favourite_singers(taste: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """(C, FAVOURITES) distinct singers of each customer's style, all of them equally likely."""
    chosen = np.empty((len(taste), FAVOURITES), np.int64)
    # Floyd's sampling without replacement: a customer who draws a singer again gets the newly added last singer.
    for i, last in enumerate(range(SINGERS // STYLES - FAVOURITES, SINGERS // STYLES)):
        drawn = rng.integers(0, last + 1, len(taste))
        again = (chosen[:, :i] == drawn[:, None]).any(axis=1)
        chosen[:, i] = np.where(again, last, drawn)
    return chosen * STYLES + taste[:, None]


def number_of_bots(customers: int) -> int:
    """The number of bots: one per 5,000 customers, at least one; they have about 5 % of all plays."""
    return max(1, customers // 5_000)


def plays_of_all(plays: NDArray[np.int16], day: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The plays of a day for the whole audience; each bot starts three days after the one before it."""
    bots = number_of_bots(len(plays))
    from_bots = np.where(np.arange(bots) * 3 % 30 <= day, rng.integers(*BOT_PLAYS, bots), 0)
    from_anyone = rng.binomial(int(plays.sum()), ANONYMOUS_SHARE)
    return np.concatenate([plays, from_bots, [from_anyone]])
