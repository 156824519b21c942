"""The hidden process of customers' activity, as finite tables: types of customers, and the events of their days.

It is a discrete-time hidden Markov model. A customer has one type for life and one state per day; the counts of a day's
events depend on both and on nothing else. Every distribution is a finite table, and the sampler and the forward filter
read the same tables, so that the posterior is exact.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.arrays import Floats


@dataclass(frozen=True)
class Process:
    """The tables of the hidden process, for K types and S states.

    share: (K,) share of each type. initial: (K, S) state on the first day. transition: (K, S, S) from one day to the
    next; rows sum to 1. awake: (K, S) probability that a customer opens the service on a day. counts: for each event a
    table (K, S, most + 1), the distribution of its count on a day awake.
    """

    share: Floats
    initial: Floats
    transition: Floats
    awake: Floats
    counts: tuple[Floats, ...]

    @cached_property
    def no_event(self) -> Floats:
        """(K, S) probability of a day without any event: not awake, or awake with all counts 0."""
        return self.without(range(len(self.counts)))

    def without(self, events: Iterable[int]) -> Floats:
        """(K, S) probability of a day without any of these events, given by their positions in `counts`."""
        all_zero = np.prod([self.counts[event][:, :, 0] for event in events], axis=0)
        return np.asarray(1.0 - self.awake * (1.0 - all_zero))

    def silence(self, days: int, events: Iterable[int]) -> Floats:
        """(K, S) probability of none of the events in the next `days` days, given the state on the last day."""
        quiet, quiet_day = np.ones_like(self.awake), self.without(events)
        for _ in range(days):
            quiet = np.einsum("kst,kt->ks", self.transition, quiet_day * quiet)
        return quiet


def negative_binomial(mean: float, most: int, shape: float = 0.35) -> Floats:
    """The distribution of counts on 0..most, truncated, with many zeros and a long tail (shape < 1)."""
    count = np.arange(most)
    ratio = (count + shape) / (count + 1) * mean / (mean + shape)
    weight = np.concatenate([[1.0], np.cumprod(ratio)])
    return np.asarray(weight / weight.sum())
