"""Draws the events of the audiobook shop in detail: who, when, which book, how long, what price, which rating.

The details depend on the counts and on earlier details, not on a customer's hidden state. So the truth, which is
computed from the counts alone, stays exact.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.arrays import Ints
from models.simulation.activity import Counts
from models.simulation.books import Books, shop_books
from models.simulation.files import Simulation
from models.simulation.owned import SECONDS_PER_DAY, OwnedBooks
from models.simulation.shop_process import EVENTS, LISTENING, PURCHASE, REVIEW, SUPPORT, VISIT

Texts = dict[str, pa.StringArray]
DISCOUNTS, DISCOUNT_SHARE = (
    (100, 80, 50, 0),
    (0.69, 0.2, 0.1, 0.01),
)  # percent of the price that is paid; some books are free
NO_LENGTHS, NO_LENGTH_SHARE = ("", "0"), 0.02
RETURNED, RETURNED_WITHIN_DAYS = 0.04, 30
SITTING_MINUTES, LONGEST_SITTING = 28.0, 480.0
OF_A_BOUGHT_BOOK = 0.8  # share of the reviews; the others are of books that were gifts
UNRATED = 0.25
RATING, TASTES, MOODS = 8.9, 1.1, 0.7  # mean, and standard deviations between customers and between books
TOPICS, PAGES = ("payment", "download", "refund", "account"), ("home", "search", "library", "offers")
CHANNELS, DEVICES, LANGUAGES = ("web", "app", "partner"), ("phone", "tablet", "speaker"), ("en", "fr", "de", "zh")


@dataclass(frozen=True)
class ShopEvents:
    """N events of one kind, in the order of time.

    customer: (N,) positions; the shop's own account follows the last customer. second: (N,) since the first midnight of
    the logs. book: (N,), None if the event has no title. texts: further fields, (N,) each, '' if not known.
    """

    customer: Ints
    second: Ints
    book: Ints | None
    texts: Texts

    def take(self, rows: Ints) -> "ShopEvents":
        """Select rows, in this order."""
        texts = {name: column.take(pa.array(rows)) for name, column in self.texts.items()}
        return ShopEvents(self.customer[rows], self.second[rows], None if self.book is None else self.book[rows], texts)

    def by_time(self) -> "ShopEvents":
        """Sort by time."""
        return self.take(np.argsort(self.second, kind="stable"))


def draw_events(simulation: Simulation, counts: Counts) -> dict[str, ShopEvents]:
    """Draw all events of the logs from the counts (days, events, customers)."""
    books = shop_books()
    when = {event: _when(counts[:, event], simulation.rng(2, event)) for event in range(len(EVENTS))}
    rng = [simulation.rng(3, event) for event in range(len(EVENTS))]
    bought = books.choose(len(when[PURCHASE][0]), rng[PURCHASE])
    owned = OwnedBooks.of(*when[PURCHASE], bought, simulation.days)
    happened = {
        PURCHASE: _purchases(*when[PURCHASE], bought, books, rng[PURCHASE]),
        LISTENING: _listening(*when[LISTENING], owned, books, rng[LISTENING]),
        REVIEW: _reviews(*when[REVIEW], owned, books, simulation, rng[REVIEW]),
        SUPPORT: ShopEvents(*when[SUPPORT], None, {"topic": _any_of(TOPICS, len(when[SUPPORT][0]), rng[SUPPORT])}),
        VISIT: _visits(*when[VISIT], simulation, rng[VISIT]),
    }
    return {EVENTS[event]: rows.by_time() for event, rows in happened.items()}


def _when(counts: NDArray[np.int16], rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Customer and second of each event of (days, customers), no second twice for one customer."""
    day, customer = np.nonzero(counts)
    number = counts[day, customer].astype(np.int64)
    of_day, first = np.repeat(number, number), np.repeat(np.cumsum(number) - number, number)
    slot = np.arange(number.sum()) - first + rng.random(number.sum())
    second = np.repeat(day, number) * SECONDS_PER_DAY + (slot / of_day * SECONDS_PER_DAY).astype(np.int64)
    return np.repeat(customer, number), second


def _purchases(customer: Ints, second: Ints, book: Ints, books: Books, rng: np.random.Generator) -> ShopEvents:
    """Purchases, and the returns of some of them; those after the end of the logs come into no file."""
    n = len(customer)
    cents = books.cents[book] * rng.choice(DISCOUNTS, n, p=DISCOUNT_SHARE) // 100
    unknown = rng.random(n) < NO_LENGTH_SHARE
    known_length = pa.array(books.minutes[book]).cast(pa.string())
    length = pc.if_else(pa.array(unknown), _any_of(NO_LENGTHS, n, rng), known_length)
    later = second + rng.integers(SECONDS_PER_DAY, RETURNED_WITHIN_DAYS * SECONDS_PER_DAY, n)
    back = np.flatnonzero((rng.random(n) < RETURNED) & (cents > 0))
    is_negative = (rng.random(len(back)) < 0.5) & ~unknown[back]  # some tills negate the length as well
    minus = pa.array(["", "-"]).take(pa.array(is_negative.astype(np.int64)))
    length_back = pc.binary_join_element_wise(minus, length.take(pa.array(back)), "")
    return ShopEvents(
        np.append(customer, customer[back]),
        np.append(second, later[back]),
        np.append(book, book[back]),
        {
            "length_minutes": pa.concat_arrays([length, length_back]),
            "price": pa.array(np.append(cents, -cents[back]) / 100).cast(pa.string()),
            "order_id": pa.array(np.append(np.arange(n), back) + 1_000_000).cast(pa.string()),
            "channel": _any_of(CHANNELS, n + len(back), rng),
        },
    )


def _listening(customer: Ints, second: Ints, owned: OwnedBooks, books: Books, rng: np.random.Generator) -> ShopEvents:
    book = owned.choose(customer, second, books, rng)
    minutes = np.clip(rng.exponential(SITTING_MINUTES, len(customer)), 0.5, LONGEST_SITTING)
    texts = {"minutes": pa.array(np.round(minutes, 1)).cast(pa.string())}
    return ShopEvents(customer, second, book, {**texts, "device": _any_of(DEVICES, len(customer), rng)})


def _reviews(
    customer: Ints,
    second: Ints,
    owned: OwnedBooks,
    books: Books,
    simulation: Simulation,
    rng: np.random.Generator,
) -> ShopEvents:
    """Reviews, their ratings by a taste that a customer keeps."""
    n = len(customer)
    is_bought = rng.random(n) < OF_A_BOUGHT_BOOK
    book = np.where(is_bought, owned.choose(customer, second, books, rng), books.choose(n, rng))
    taste = simulation.rng(4).normal(RATING, TASTES, simulation.customers)
    rating = np.clip(np.rint(taste[customer] + rng.normal(0, MOODS, n)), 1, 10).astype(np.int64)
    given = pc.if_else(pa.array(rng.random(n) < UNRATED), "", pa.array(rating).cast(pa.string()))
    return ShopEvents(customer, second, book, {"rating": given, "language": _any_of(LANGUAGES, n, rng)})


def _visits(customer: Ints, second: Ints, simulation: Simulation, rng: np.random.Generator) -> ShopEvents:
    """Visits, and those of the shop's own check in the first and the last second of each day."""
    midnights = np.arange(simulation.days) * SECONDS_PER_DAY
    checks = np.concatenate([midnights, midnights + SECONDS_PER_DAY - 1])
    who = np.append(customer, np.full(len(checks), simulation.customers))
    return ShopEvents(who, np.append(second, checks), None, {"page": _any_of(PAGES, len(who), rng)})


def _any_of(texts: tuple[str, ...], number: int, rng: np.random.Generator) -> pa.StringArray:
    return pa.array(texts).take(pa.array(rng.integers(0, len(texts), number)))
