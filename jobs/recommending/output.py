"""Recommendations: titles for customers, customers for titles, titles for the contact list."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.load import fingerprint
from jobs.data_folder import DataFolder
from jobs.recommending.fitted import fitted_folder
from jobs.recommending.model_file import at_workers
from jobs.records.recommending import (
    Example,
    MostRecommended,
    RecommendationsBasis,
    RecommendationsRecord,
    RecommenderRecord,
    TitlesRecord,
)
from jobs.records.scoring import ScoresRecord
from jobs.storage.backend import local_copy
from jobs.storage.batches import slices
from jobs.storage.input_files import Identity
from jobs.storage.layer import materialise, write_partitions
from jobs.storage.location import Place
from models.recommender.histories import with_histories
from models.recommender.serialization import popular_titles
from models.recommender.serving import OF_POPULARITY, Serving, recommend_titles
from models.targeting.contact_list import CONTACT

MANIFEST = ["model", "top", "customers", "without_history", "titles"]
EXAMPLES, EXAMPLE_TITLES, MOST_SHOWN = 5, 8, 20
SLICE_PAIRS = 6_000_000
COLUMNS = ("customer_id", "rank", "title_id", "name", "score", "source")


@dataclass(frozen=True)
class Audience:
    """To whom to recommend.

    customers: `customer_id`, each once, or None for all with a history; who: the same, for the basis;
    holds_contacts: whether everybody on the contact list is among them.
    """

    customers: DataFrame | None
    who: str | Identity
    holds_contacts: bool


@dataclass(frozen=True)
class Recommendations:
    """Recommendations at a date by the model in `recommender/`, whose record is `fitted`."""

    data: DataFolder
    spark: SparkSession
    engine: str
    exclude_seen: bool
    as_of: date
    fitted: RecommenderRecord
    audience: Audience
    top: int

    def write(self) -> TitlesRecord:
        """Write them where they are not up to date. Returns the record of the titles for customers.

        Raises:
            InputError: there is no customer to recommend to.
        """
        day, layer = str(self.as_of), self.data.titles_for_customers
        done = layer.up_to_date({day: self.basis})
        if not done:
            done = {day: self._write(day)}
        layer.write_manifest(MANIFEST)
        return done[day]

    def _write(self, day: str) -> TitlesRecord:
        layer, for_titles = self.data.titles_for_customers, self.data.customers_for_titles
        with layer.staging() as staged, for_titles.staging() as staged_for_titles:
            scored = self._scored(staged.work / "scored")
            write_partitions(self._dated(self._for_customers(scored)), staged)
            if not staged.has_rows():
                raise InputError(f"{self.data}: there is no customer to recommend to")
            write_partitions(self._dated(self._for_titles(scored)), staged_for_titles)
            rows = staged.read(self.spark)
            record = self._record(rows)
            for_titles.publish(staged_for_titles, day, RecommendationsRecord(basis=self.basis))
            if self.audience.holds_contacts and self._scores:
                self._write_contacts(rows)
            layer.publish(staged, day, record)
        return record

    @cached_property
    def basis(self) -> RecommendationsBasis:
        """What the recommendations are made from."""
        return RecommendationsBasis(
            recommender=fingerprint(self.fitted.basis),
            top=self.top,
            who=self.audience.who,
            scores=self._scores.basis if self._scores and self.audience.holds_contacts else None,
        )

    # ---- what they are made from ----

    @cached_property
    def _scores(self) -> ScoresRecord | None:
        return self.data.scores.record(str(self.as_of))

    def _read(self, name: str) -> DataFrame:
        return self.spark.read.parquet(str(self._recommender / name))

    def _liked(self) -> DataFrame:
        """What customers liked, by number."""
        return self._read("pairs").where("strength > 0")

    @cached_property
    def _recommender(self) -> Place:
        return fitted_folder(self.data)

    @property
    def _file(self) -> Place:
        return self._recommender / self.fitted.file

    def _scored(self, folder: Place) -> DataFrame:
        """Scores for the audience with a history, by number; rows are those of `recommend_titles`."""
        pairs = self._read("pairs").select("customer", "title", "strength")
        if self.audience.customers is not None:
            wanted = self._read("customers").join(self.audience.customers, "customer_id", "left_semi")
            pairs = pairs.join(wanted.select("customer"), "customer", "left_semi")
        per_title = 0 if self.fitted.chosen == "popular" else self.top  # it says the same of all customers
        with at_workers(self.spark, self._file) as load:
            serving = Serving(load, self.top, self.exclude_seen, per_title)
            parts = slices(self.fitted.pairs, SLICE_PAIRS, self.engine)
            histories = (with_histories(part(pairs, "customer")) for part in parts)
            return materialise([recommend_titles(some, serving) for some in histories], folder)

    # ---- the tables ----

    def _for_customers(self, scored: DataFrame) -> DataFrame:
        """`customer_id`, `rank`, `title_id`, `name`, `score` (null of what is popular only), `source`."""
        of_customers = scored.where("not for_title").join(self._read("customers"), "customer", "inner")
        found = of_customers.join(self._read("titles"), "title", "inner").select(*COLUMNS)
        if self.audience.customers is None:
            return found
        return found.unionByName(self._without_history(found))

    def _without_history(self, found: DataFrame) -> DataFrame:
        """The popular titles, for customers of the audience without a history."""
        with local_copy(self._file) as file:
            popular = popular_titles(file)[: self.top]
        ranks = pa.table({"title": popular.astype(np.int32), "rank": np.arange(1, len(popular) + 1, dtype=np.int32)})
        shelf = self.spark.createDataFrame(ranks).join(self._read("titles"), "title", "inner")
        assert self.audience.customers is not None
        others = self.audience.customers.join(found.select("customer_id").distinct(), "customer_id", "left_anti")
        nothing, popularity = F.lit(None).cast("float"), F.lit(OF_POPULARITY)
        given = others.crossJoin(F.broadcast(shelf))  # as many titles as are asked for
        return given.withColumn("score", nothing).withColumn("source", popularity).select(*COLUMNS)

    def _for_titles(self, scored: DataFrame) -> DataFrame:
        """`title_id`, `name`, `rank`, `customer_id`, `score`: the customers whom a title suits best."""
        order = Window.partitionBy("title").orderBy(F.col("score").desc(), F.col("customer"))
        place = F.row_number().over(order)  # each of the workers gave its own best
        best = scored.where("for_title").withColumn("rank", place).where(F.col("rank") <= self.top)
        named = best.join(self._read("titles"), "title", "inner").join(self._read("customers"), "customer", "inner")
        return named.select("title_id", "name", "rank", "customer_id", "score")

    def _write_contacts(self, rows: DataFrame) -> None:
        """Those to be contacted, why, and with which titles: one row per customer, `titles` in their order."""
        day, layer = str(self.as_of), self.data.titles_for_contacts
        title = F.struct("rank", "title_id", "name", "source")
        titles = rows.groupBy("customer_id").agg(F.array_sort(F.collect_list(title)).alias("titles"))
        listed = self.data.scores.read(self.spark, [day]).where(F.col("contact") == CONTACT).drop("contact")
        with layer.staging() as staged:
            write_partitions(listed.join(titles, "customer_id", "left"), staged)
            self.data.contact_sheet(day).unlink(missing_ok=True)  # it has no or other titles
            layer.publish(staged, day, RecommendationsRecord(basis=self.basis))

    def _dated(self, rows: DataFrame) -> DataFrame:
        return rows.withColumn("as_of", F.lit(self.as_of))

    # ---- what their record says ----

    def _record(self, rows: DataFrame) -> TitlesRecord:
        """Whom they reach, which titles stand on most lists, and some examples."""
        people = rows.select("customer_id").distinct()
        known = people.join(
            self._liked().join(self._read("customers"), "customer", "inner"), "customer_id", "left_semi"
        )
        customers = people.count()
        shown = rows.groupBy("title_id", "name").agg(F.count("*").alias("customers"))
        most = shown.orderBy(F.desc("customers"), "title_id").limit(MOST_SHOWN).collect()
        return TitlesRecord(
            basis=self.basis,
            model=self.fitted.chosen,
            top=self.top,
            customers=customers,
            without_history=customers - known.count(),
            titles=shown.count(),
            most_recommended=[MostRecommended(**row.asDict()) for row in most],
            examples=self._examples(rows),
        )

    def _examples(self, rows: DataFrame) -> list[Example]:
        """A few customers, drawn by a hash from those with some history: what they liked most, and what they get."""
        liked = self._liked()
        sizes = liked.groupBy("customer").agg(F.count("*").alias("size")).where(F.col("size") >= EXAMPLE_TITLES)
        able = sizes.join(self._read("customers"), "customer", "inner").join(rows, "customer_id", "left_semi")
        by_hash = F.xxhash64(F.col("customer_id").cast("string"))
        chosen = able.orderBy(by_hash, "customer_id").limit(EXAMPLES).collect()
        return [
            Example(
                customer_id=one["customer_id"],
                history_titles=one["size"],
                history=self._names(liked.where(F.col("customer") == one["customer"]), F.desc("strength"), "title"),
                recommended=self._names(rows.where(F.col("customer_id") == one["customer_id"]), "rank"),
            )
            for one in chosen
        ]

    def _names(self, rows: DataFrame, *order: Any) -> list[str]:
        """The names of the first titles of a customer."""
        named = rows if "name" in rows.columns else rows.join(self._read("titles"), "title", "inner")
        return [row["name"] for row in named.orderBy(*order).limit(EXAMPLE_TITLES).collect()]
