"""The interactions by number, and the parts of them that are fitted on and held out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.recommender import Recommender
from features.windows import Window
from jobs.recommending.sources import InteractionSource
from jobs.storage.backend import dataset
from jobs.storage.layer import materialise
from jobs.storage.location import Place
from models.arrays import Ints
from models.recommender.fitting import Pairs
from models.recommender.ids import draw, is_drawn, number_ids
from models.recommender.splits import TimeSplit, held_out_by_hash, held_out_later, history_window, time_splits

VALIDATION, LATER, DRAWN = "validation", "later", "drawn"
KEPT = ("customers", "titles", "pairs")  # with the model
FITTED_ON = ("customer", "title", "strength")
PARTS = {
    LATER: "what customers did in the last days",
    DRAWN: "a share of each customer's titles, drawn by hash",
}


@dataclass(frozen=True)
class HoldOut:
    """Pairs to fit on, and pairs held out: `customer`, `title`; none for the final model.

    likers: number of customers who liked a title; known_by: (titles,) number of customers who liked each title; order:
    the liked titles, the most popular first.
    """

    pairs: Pairs
    held: DataFrame | None
    likers: int
    known_by: Ints
    order: Ints

    def known(self, spark: SparkSession) -> DataFrame:
        """`title` and number of `customers`, of the liked titles."""
        liked = np.flatnonzero(self.known_by)
        rows = pa.table({"title": liked.astype(np.int32), "customers": self.known_by[liked]})
        return spark.createDataFrame(rows)


@dataclass(frozen=True)
class InteractionDataset:
    """Interactions by number, written into a folder as `customers`, `titles` and `pairs`, with `parts` beside it."""

    spark: SparkSession
    source: InteractionSource
    work: Place
    declared: Recommender
    seed: int

    @cached_property
    def _end(self) -> Window:
        """The days that the final model is fitted on."""
        return history_window(self.source.days.end, self.source.days, self.source.history_days)

    @cached_property
    def _cuts(self) -> tuple[TimeSplit, TimeSplit] | None:
        if not self.source.is_dated:
            return None
        return time_splits(self.source.days, self.declared.holdout_days, self.source.history_days)

    @cached_property
    def _ids(self) -> tuple[DataFrame, DataFrame]:
        """Customers and titles of all days in use, with their numbers."""
        start = self._cuts[0].before.start if self._cuts else self._end.start
        window = Window(min(start, self._end.start), self._end.end)
        customers, titles = (
            number_ids(self.stored(f"{key}s", self.source.ids(window, key).distinct()), key, number)
            for key, number in (("customer_id", "customer"), ("title_id", "title"))
        )
        titles = titles.join(self.source.names(), "title_id", "left")
        named = titles.withColumn("name", F.coalesce("name", F.col("title_id").cast("string")))
        return self.stored("customers", customers), self.stored("titles", named)

    @cached_property
    def pairs(self) -> DataFrame:
        """The pairs that the final model is fitted on."""
        return self._numbered("pairs", self._end)

    @cached_property
    def whole(self) -> HoldOut:
        """All pairs, with nothing held out."""
        return self._part("whole", "pairs", self.pairs, None, self._end if self.source.is_dated else None)

    def _numbered(self, name: str, window: Window) -> DataFrame:
        """The pairs of a window by number, with the draws that part them."""
        parts = self.source.slices(window)
        return self.stored(name, *(self._with_numbers(self.source.pairs(window, part)) for part in parts))

    def _with_numbers(self, pairs: DataFrame) -> DataFrame:
        customers, titles = self._ids
        found = pairs.join(customers, "customer_id", "inner").join(titles, "title_id", "inner")
        return found.select(
            "customer",
            "title",
            F.col("strength").cast("float").alias("strength"),
            *(["rating"] if self.source.is_explicit else []),
            draw("test", self.seed, "customer_id", "title_id").alias("test_draw"),
            draw("validation", self.seed, "customer_id", "title_id").alias("validation_draw"),
            draw("sample", self.seed, "customer_id").alias("customer_draw"),
        )

    def part(self, name: str) -> HoldOut | None:
        """A part to evaluate on; None where there are too few days for it."""
        if name == DRAWN or not self.source.is_dated:
            return self._part_by_hash(name) if name != LATER else None
        if self._cuts is None:
            return self._part_by_hash(name) if name == VALIDATION else None
        cut = self._cuts[0 if name == VALIDATION else 1]
        stored_as = f"{name}_before"
        before, after = self._numbered(stored_as, cut.before), self._numbered(f"{name}_after", cut.after)
        if name == VALIDATION:
            stored_as = f"{name}_sample"
            before = self.stored(stored_as, self._sampled(before.where(~self._is_drawn)))
            after = self._sampled(after.where(~self._is_drawn))
        held = held_out_later(before, after, self.declared.exclude_seen)
        return self._part(name, stored_as, before, held, cut.before)

    def _part_by_hash(self, name: str) -> HoldOut:
        rows, is_out = self.pairs, self._is_drawn
        if name == VALIDATION:
            rows = self._sampled(rows.where(~is_out))
            is_out = is_drawn("validation_draw", self.declared.holdout_share)
        stored_as = f"{name}_before"
        stays = self.stored(stored_as, rows.where(~is_out))
        return self._part(name, stored_as, stays, held_out_by_hash(stays, rows.where(is_out)), None)

    @property
    def _is_drawn(self) -> Column:
        """Whether a pair is held out by hash; the choice of settings must not use it either."""
        return is_drawn("test_draw", self.declared.holdout_share)

    def _sampled(self, pairs: DataFrame) -> DataFrame:
        """Pairs of the customers that candidates are tried on."""
        return pairs.where(is_drawn("customer_draw", self._share_of(self.declared.tuning_customers)))

    def _share_of(self, customers: int) -> float:
        return min(1.0, customers / max(self._sizes[0], 1))

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        customers, titles = self._ids
        return customers.count(), titles.count()

    def _part(
        self, name: str, stored_as: str, pairs: DataFrame, held: DataFrame | None, window: Window | None
    ) -> HoldOut:
        """A part of the stored `pairs`; popularity counts the last days of `window`, or all of it."""
        fitted_on = pairs.select(*FITTED_ON)
        customers, titles = self._sizes
        known_by = self._likes([fitted_on.where("strength > 0")])
        recent = self._likes(self._recent(window)) if window else known_by
        order = np.lexsort((-known_by, -recent))
        share = self._share_of(self.declared.judged_customers)
        judged = None
        if held is not None:
            customer_draws = pairs.select("customer", "customer_draw").distinct()
            wanted = customer_draws.where(is_drawn("customer_draw", share)).select("customer")
            judged = self.stored(f"{name}_held", held.join(wanted, "customer", "left_semi"))
        popular = recent + known_by / (1.0 + known_by.max(initial=0))  # in the same order
        found = Pairs(fitted_on, self._batches(stored_as), customers, titles, popular.astype(np.float32))
        likers = fitted_on.where("strength > 0").select("customer").distinct().count()
        return HoldOut(found, judged, likers, known_by, order[known_by[order] > 0])

    def _recent(self, window: Window) -> list[DataFrame]:
        """Liked pairs of the last days of a window, some customers at a time."""
        days = Window(window.dates()[-min(self.declared.popular_days, window.days)], window.end)
        titles = self._ids[1].select("title_id", "title")
        pairs = (self.source.pairs(days, part) for part in self.source.slices(days))
        return [rows.where("strength > 0").join(titles, "title_id", "inner") for rows in pairs]

    def _likes(self, liked: list[DataFrame]) -> Ints:
        """(titles,) number of customers of each title; the pairs come in several parts by customer."""
        found = np.zeros(self._sizes[1], np.int64)
        for part in liked:
            rows = part.groupBy("title").agg(F.count("*").alias("customers")).toArrow()
            found[rows.column("title").to_numpy()] += rows.column("customers").to_numpy()
        return found

    def stored(self, name: str, *parts: DataFrame) -> DataFrame:
        """Rows, computed once and stored under a name."""
        return materialise(parts, self._folder(name))

    def _batches(self, name: str) -> Callable[[], Iterable[pa.RecordBatch]]:
        """The pairs of a folder."""
        return lambda: dataset(self._folder(name)).to_batches(columns=list(FITTED_ON))

    def _folder(self, name: str) -> Place:
        return (self.work if name in KEPT else self.work.parent / "parts") / name
