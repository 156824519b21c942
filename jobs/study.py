"""Fitting recommenders and judging them: which candidate is best, and how good it is beside the others."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError, NothingToLearnError
from conf.recommender import Recommender
from features.windows import Window
from jobs.evidence import Evidence
from jobs.shelf import at_workers, save
from jobs.storage import Record, stored
from models.intervals import Interval
from models.recommender.candidates import ALWAYS, Candidate, Engine, candidates, plainly
from models.recommender.fitting import Pairs, fitted
from models.recommender.histories import with_histories
from models.recommender.numbering import draw, drawn, numbered
from models.recommender.parts import Cut, cuts, held_out_by_hash, held_out_later, known_before
from models.recommender.rankers import Numbers
from models.recommender.ranking import difference, judgement, means_of, per_customer
from models.recommender.serving import Model, Serving, served

AUTO = "auto"
VALIDATION, LATER, DRAWN = "validation", "later", "drawn"
PARTS = {
    LATER: "what customers did in the last days",
    DRAWN: "a share of each customer's titles, drawn by hash",
}
Teller = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Part:
    """Pairs to fit on, and what is held out: `customer`, `title`, none for the model itself.

    likers: customers who liked anything; known_by: (titles,) those who liked a title; order: the titles that anybody
    liked, the most popular first.
    """

    pairs: Pairs
    held: DataFrame | None
    likers: int
    known_by: Numbers
    order: Numbers

    def known(self, spark: SparkSession) -> DataFrame:
        """`title`, `customers` of the titles that anybody liked."""
        liked = np.flatnonzero(self.known_by)
        rows = pa.table({"title": liked.astype(np.int32), "customers": self.known_by[liked]})
        return spark.createDataFrame(rows)


@dataclass(frozen=True)
class Study:
    """One study of the evidence, in a folder of its own, where it leaves `customers`, `titles` and `pairs`."""

    spark: SparkSession
    evidence: Evidence
    work: Path
    declared: Recommender
    engine: Engine
    seed: int
    tell: Teller

    def done(self, model: str) -> tuple[Model, Record]:
        """Fit, judge and choose.

        Args:
            model: a name of MODELS, which is then taken, or AUTO for the best on the validation part.

        Returns:
            The model, fitted on everything, and what is said of it and the others.

        Raises:
            InputError: nobody likes anything, or the catalogue is too large for the model.
        """
        whole = self._part("whole", self._whole, None, None)
        if not len(whole.order):
            raise NothingToLearnError("no interaction has a strength above 0, so there is nothing to recommend by")
        names = list(dict.fromkeys(["als" if model == AUTO else model, *ALWAYS]))
        self._refuse_large(names, whole.pairs.titles)
        tried = self._tried(names)
        best = {name: max(found, key=lambda one: _rank(one[1])) for name, found in tried.items()}
        judged = {part: self._judged(part, {name: one for name, (one, _) in best.items()}) for part in PARTS}
        chosen = max(names, key=lambda name: _rank(best[name][1])) if model == AUTO else model
        self.tell(9, 10, "fitting")
        ranker = fitted(whole.pairs, best[chosen][0], self.engine, self.seed)
        record: Record = {
            "chosen": chosen,
            "chosen_by": "validation" if model == AUTO else "command line",
            "engine": self.engine,
            "customers": whole.likers,
            "titles": len(whole.order),
            "pairs": self._whole.count(),
            "judged_titles": self.declared.judged_titles,
            "tried": {name: [_told(*one) for one in found] for name, found in tried.items()},
            "settings": {name: plainly(one) for name, (one, _) in best.items()},
            "parts": {part: found for part, found in judged.items() if found},
        }
        return Model(ranker, whole.order, whole.pairs.titles), record

    # ---- the parts ----

    @cached_property
    def _end(self) -> Window:
        """The days that the model itself is fitted on."""
        return known_before(self.evidence.days.end, self.evidence.days, self.evidence.history_days)

    @cached_property
    def _cuts(self) -> tuple[Cut, Cut] | None:
        if not self.evidence.is_dated:
            return None
        return cuts(self.evidence.days, self.declared.holdout_days, self.evidence.history_days)

    @cached_property
    def _ids(self) -> tuple[DataFrame, DataFrame]:
        """The numbers of customers and titles, of all the days that are looked at."""
        start = self._cuts[0].before.start if self._cuts else self._end.start
        window = Window(min(start, self._end.start), self._end.end)
        customers, titles = (
            numbered(self._stored(f"{key}s", self.evidence.ids(window, key).distinct()), key, number)
            for key, number in (("customer_id", "customer"), ("title_id", "title"))
        )
        titles = titles.join(self.evidence.names(), "title_id", "left")
        named = titles.withColumn("name", F.coalesce("name", F.col("title_id").cast("string")))
        return self._stored("customers", customers), self._stored("titles", named)

    @cached_property
    def _whole(self) -> DataFrame:
        return self._numbered("pairs", self._end)

    def _numbered(self, name: str, window: Window) -> DataFrame:
        """The pairs of a window by number, with the draws that part them."""
        parts = self.evidence.slices(window)
        return self._stored(name, *(self._with_numbers(self.evidence.pairs(window, part)) for part in parts))

    def _with_numbers(self, pairs: DataFrame) -> DataFrame:
        customers, titles = self._ids
        found = pairs.join(customers, "customer_id", "inner").join(titles, "title_id", "inner")
        return found.select(
            "customer",
            "title",
            F.col("strength").cast("float").alias("strength"),
            *(["rating"] if self.evidence.is_explicit else []),
            draw("test", self.seed, "customer_id", "title_id").alias("test_draw"),
            draw("validation", self.seed, "customer_id", "title_id").alias("validation_draw"),
            draw("sample", self.seed, "customer_id").alias("customer_draw"),
        )

    def _part_of(self, name: str) -> Part | None:
        """A part that something is judged on; None where the evidence has too few days for it."""
        if name == DRAWN or not self.evidence.is_dated:
            return self._part_by_hash(name) if name != LATER else None
        if self._cuts is None:
            return self._part_by_hash(name) if name == VALIDATION else None
        cut = self._cuts[0 if name == VALIDATION else 1]
        before, after = self._numbered(f"{name}_before", cut.before), self._numbered(f"{name}_after", cut.after)
        if name == VALIDATION:
            before, after = self._sampled(before), self._sampled(after)
        held = held_out_later(before, after, self.declared.exclude_seen)
        return self._part(name, before, held, cut.before)

    def _part_by_hash(self, name: str) -> Part:
        share, rows = self.declared.holdout_share, self._whole
        is_out = drawn("test_draw", share)
        if name == VALIDATION:  # inside what the test part leaves
            rows, is_out = self._sampled(rows.where(~is_out)), drawn("validation_draw", share)
        stays = self._stored(f"{name}_before", rows.where(~is_out))
        return self._part(name, stays, held_out_by_hash(stays, rows.where(is_out)), None)

    def _sampled(self, pairs: DataFrame) -> DataFrame:
        """Pairs of so many customers as candidates are tried on."""
        return pairs.where(drawn("customer_draw", self._share_of(self.declared.tuning_customers)))

    def _share_of(self, customers: int) -> float:
        return min(1.0, customers / max(self._sizes[0], 1))

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        customers, titles = self._ids
        return customers.count(), titles.count()

    def _part(self, name: str, pairs: DataFrame, held: DataFrame | None, window: Window | None) -> Part:
        """A part of `pairs`; what is popular is what was liked in the last days of `window`, or in all of it."""
        fitted_on = self._stored(f"{name}_fit", pairs.select("customer", "title", "strength"))
        customers, titles = self._sizes
        known_by = self._likes([fitted_on.where("strength > 0")])
        recent = known_by
        if window or (self.evidence.is_dated and name == "whole"):
            recent = self._likes(self._recent(window or self._end))
        order = np.lexsort((-known_by, -recent))
        share = self._share_of(self.declared.judged_customers)
        judged = None
        if held is not None:
            customer_draws = pairs.select("customer", "customer_draw").distinct()
            wanted = customer_draws.where(drawn("customer_draw", share)).select("customer")
            judged = self._stored(f"{name}_held", held.join(wanted, "customer", "left_semi"))
        popular = np.where(recent > 0, recent, known_by / (1.0 + known_by.max(initial=0)))  # those of late come first
        found = Pairs(fitted_on, self._batches(f"{name}_fit"), customers, titles, popular.astype(np.float32))
        likers = fitted_on.where("strength > 0").select("customer").distinct().count()
        return Part(found, judged, likers, known_by, order[known_by[order] > 0])

    def _recent(self, window: Window) -> list[DataFrame]:
        """What was liked in the last days of a window, some customers at a time."""
        days = Window(window.dates()[-min(self.declared.popular_days, window.days)], window.end)
        titles = self._ids[1].select("title_id", "title")
        pairs = (self.evidence.pairs(days, part) for part in self.evidence.slices(days))
        return [rows.where("strength > 0").join(titles, "title_id", "inner") for rows in pairs]

    def _likes(self, liked: list[DataFrame]) -> Numbers:
        """(titles,) the customers of each, of pairs that lie in several parts by customer."""
        found = np.zeros(self._sizes[1], np.int64)
        for part in liked:
            rows = part.groupBy("title").agg(F.count("*").alias("customers")).toArrow()
            found[rows.column("title").to_numpy()] += rows.column("customers").to_numpy()
        return found

    # ---- what is done with them ----

    def _tried(self, names: list[str]) -> dict[str, list[tuple[Candidate, Interval | None]]]:
        """By model, its candidates with their NDCG on the validation part."""
        part = self._part_of(VALIDATION)
        grids = {name: candidates(name, self.engine, self.declared.grids) for name in names}
        if part is None or part.held is None or part.held.isEmpty():
            return {name: [(grid[0], None)] for name, grid in grids.items()}
        number, total = count(), sum(map(len, grids.values()))
        found: dict[str, list[tuple[Candidate, Interval | None]]] = {}
        for name, grid in grids.items():
            found[name] = []
            for one in grid:
                self.tell(next(number), 2 * total, f"{name} {plainly(one)}")
                _, measured = self._measured(part, one, f"{VALIDATION}-{name}-{len(found[name])}")
                found[name].append((one, means_of(measured, ("ndcg",))["ndcg"]))
        return found

    def _judged(self, name: str, chosen: dict[str, Candidate]) -> Record | None:
        """By model, how good it is on a part; None where nobody can be judged."""
        part = self._part_of(name)
        if part is None or part.held is None or part.held.isEmpty():
            return None
        found, measured = {}, {}
        known, number = part.known(self.spark), self.declared.judged_titles
        for model, one in chosen.items():
            self.tell(3, 4, f"judging {model} by {PARTS[name]}")
            lists, measured[model] = self._measured(part, one, f"{name}-{model}")
            found[model] = judgement(measured[model], lists, known, part.likers, number)
        over = {model: difference(rows, measured["popular"]) for model, rows in measured.items() if model != "popular"}
        return {
            model: {
                "metrics": {metric: asdict(value) for metric, value in one.metrics.items()},
                "customers": one.customers,
                "coverage": one.coverage,
                "ndcg_over_popular": asdict(over[model]) if model in over else None,
            }
            for model, one in found.items()
        }

    def _measured(self, part: Part, candidate: Candidate, name: str) -> tuple[DataFrame, DataFrame]:
        """What a candidate, fitted on a part, recommends to those who are judged, and how good it is for each."""
        assert part.held is not None
        model = Model(fitted(part.pairs, candidate, self.engine, self.seed), part.order, part.pairs.titles)
        wanted = part.pairs.frame.join(part.held.select("customer").distinct(), "customer", "left_semi")
        with at_workers(self.spark, save(model, self.work)) as load:
            serving = Serving(load, self.declared.judged_titles, self.declared.exclude_seen)
            lists = self._stored(f"{name}-lists", served(with_histories(wanted), serving))
        measured = per_customer(lists, part.held, self.declared.judged_titles)
        return lists, self._stored(f"{name}-measured", measured)

    def _refuse_large(self, names: list[str], titles: int) -> None:
        most = self.declared.grids.ease.most_titles
        if "ease" in names and titles > most:
            raise InputError(
                f"--model ease: it inverts a matrix of titles by titles, and there are {titles:,} titles; the service "
                f"allows {most:,} (recommender.grids.ease.most_titles)"
            )

    # ---- files ----

    def _stored(self, name: str, *parts: DataFrame) -> DataFrame:
        return stored(parts, self.work / name)

    def _batches(self, name: str) -> Callable[[], Iterable[pa.RecordBatch]]:
        return lambda: pyarrow.dataset.dataset(self.work / name, format="parquet").to_batches()


def _rank(ndcg: Interval | None) -> float:
    return ndcg.value if ndcg and not np.isnan(ndcg.value) else -1.0


def _told(candidate: Candidate, ndcg: Interval | None) -> dict[str, Any]:
    return {"settings": plainly(candidate), "ndcg": asdict(ndcg) if ndcg else None}
