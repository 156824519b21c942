"""Chooses which of their books customers listen to and review."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Ints
from models.simulation.books import Books

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class OwnedBooks:
    """The N books of all customers, sorted by customer, then by day of purchase.

    customer_day: (N,) customer * days + day. book: (N,). days: number of days of the logs.
    """

    customer_day: Ints
    book: Ints
    days: int

    @classmethod
    def of(cls, customer: Ints, second: Ints, book: Ints, days: int) -> "OwnedBooks":
        """The books that these customers bought at these seconds of the logs."""
        customer_day = customer * days + second // SECONDS_PER_DAY
        order = np.argsort(customer_day, kind="stable")
        return cls(customer_day[order], book[order], days)

    def choose(self, customer: Ints, second: Ints, books: Books, rng: np.random.Generator) -> Ints:
        """Draw for each customer a book bought until that day, later ones more often; any book if there is none."""
        low = np.searchsorted(self.customer_day, customer * self.days, side="left")
        high = np.searchsorted(self.customer_day, customer * self.days + second // SECONDS_PER_DAY, side="right")
        chosen = low + (np.sqrt(rng.random(len(customer))) * (high - low)).astype(np.int64)
        any_book = books.choose(len(customer), rng)
        if not len(self.book):
            return any_book
        return np.where(high > low, self.book[np.minimum(chosen, len(self.book) - 1)], any_book)
