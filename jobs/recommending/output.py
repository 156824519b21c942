"""What a recommender says: titles for customers, customers for titles, titles for the list of contacts."""

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
from jobs.batches import slices
from jobs.context import Context
from jobs.recommending.model_file import at_workers
from jobs.storage.layer import Record, stored, write_manifest, write_partitions
from jobs.storage.location import Place, here
from jobs.storage.versions import current
from models.recommender.histories import with_histories
from models.recommender.serialization import popular_titles
from models.recommender.serving import OF_POPULARITY, Serving, recommend_titles
from models.targeting.contact_list import CONTACT

TITLES, CUSTOMERS, CONTACTS = "titles", "customers", "contacts"
MANIFEST = ["model", "top", "customers", "without_history", "titles"]
EXAMPLES, EXAMPLE_TITLES, MOST_SHOWN = 5, 8, 20
SLICE_PAIRS = 6_000_000
COLUMNS = ("customer_id", "rank", "title_id", "name", "score", "source")


@dataclass(frozen=True)
class Asked:
    """To whom to recommend.

    customers: `customer_id`, each once, or None for all with a history; who: the same, as part of a basis;
    holds_contacts: whether those on the list of contacts are among them.
    """

    customers: DataFrame | None
    who: Any
    holds_contacts: bool


@dataclass(frozen=True)
class Offers:
    """Recommendations at a date by the model that lies in `recommender/`, whose record is `fitted`."""

    context: Context
    spark: SparkSession
    as_of: date
    fitted: Record
    asked: Asked
    top: int

    def write(self) -> Record:
        """Write them where they are not up to date. Returns the record of the titles for customers.

        Raises:
            InputError: there is nobody to recommend anything to.
        """
        day, layer = str(self.as_of), self.context.recommendations(TITLES)
        done = layer.records().get(day)
        if done and done["basis"] == self.basis:
            write_manifest(layer, MANIFEST)  # it may have been killed before this
            return done
        with layer.staging() as staged, self.context.recommendations(CUSTOMERS).staging() as for_titles:
            scored = self._scored(staged.work / "scored")
            write_partitions(self._dated(self._for_customers(scored)), staged)
            if not staged.has_rows():
                raise InputError(f"{self.context.data}: there is nobody to recommend anything to")
            write_partitions(self._dated(self._for_titles(scored)), for_titles)
            rows = staged.read(self.spark)
            record = {"basis": self.basis, "model": self.fitted["chosen"], "top": self.top, **self._told(rows)}
            self.context.recommendations(CUSTOMERS).publish(for_titles, day, {"basis": self.basis})
            if self.asked.holds_contacts and self._scores:
                self._write_contacts(rows)
            layer.publish(staged, day, record)
        write_manifest(layer, MANIFEST)
        return record

    @cached_property
    def basis(self) -> Record:
        """What the recommendations are made from."""
        return {
            "recommender": fingerprint(self.fitted["basis"]),
            "top": self.top,
            "who": self.asked.who,
            "scores": self._scores["basis"] if self._scores and self.asked.holds_contacts else None,
        }

    # ---- what they are made from ----

    @cached_property
    def _scores(self) -> Record | None:
        return self.context.scores.records().get(str(self.as_of))

    def _read(self, name: str) -> DataFrame:
        return self.spark.read.parquet(str(self._recommender / name))

    def _liked(self) -> DataFrame:
        """What customers liked, by number."""
        return self._read("pairs").where("strength > 0")

    @cached_property
    def _recommender(self) -> Place:
        return current(self.context.recommender)

    @property
    def _file(self) -> Place:
        return self._recommender / str(self.fitted["file"])

    def _scored(self, folder: Place) -> DataFrame:
        """What the model says of those who are asked for and have a history, by number; rows as of SCHEMA."""
        pairs = self._read("pairs").select("customer", "title", "strength")
        if self.asked.customers is not None:
            wanted = self._read("customers").join(self.asked.customers, "customer_id", "left_semi")
            pairs = pairs.join(wanted.select("customer"), "customer", "left_semi")
        per_title = 0 if self.fitted["chosen"] == "popular" else self.top  # it says the same of all customers
        exclude_seen = self.context.service.recommender.exclude_seen
        with at_workers(self.spark, self._file) as load:
            serving = Serving(load, self.top, exclude_seen, per_title)
            parts = slices(self.fitted["pairs"], SLICE_PAIRS, self.context.engine)
            return stored(
                [recommend_titles(with_histories(part(pairs, "customer")), serving) for part in parts], folder
            )

    # ---- the tables ----

    def _for_customers(self, scored: DataFrame) -> DataFrame:
        """`customer_id`, `rank`, `title_id`, `name`, `score` (null of what is popular only), `source`."""
        of_customers = scored.where("not for_title").join(self._read("customers"), "customer", "inner")
        found = of_customers.join(self._read("titles"), "title", "inner").select(*COLUMNS)
        if self.asked.customers is None:
            return found
        return found.unionByName(self._without_history(found))

    def _without_history(self, found: DataFrame) -> DataFrame:
        """The popular titles, for those who are asked for and of whom nothing is known."""
        with here(self._file) as file:
            popular = popular_titles(file)[: self.top]
        ranks = pa.table({"title": popular.astype(np.int32), "rank": np.arange(1, len(popular) + 1, dtype=np.int32)})
        shelf = self.spark.createDataFrame(ranks).join(self._read("titles"), "title", "inner")
        assert self.asked.customers is not None
        others = self.asked.customers.join(found.select("customer_id").distinct(), "customer_id", "left_anti")
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
        day, layer = str(self.as_of), self.context.recommendations(CONTACTS)
        title = F.struct("rank", "title_id", "name", "source")
        titles = rows.groupBy("customer_id").agg(F.array_sort(F.collect_list(title)).alias("titles"))
        listed = self.context.scores.read(self.spark, [day]).where(F.col("contact") == CONTACT).drop("contact")
        with layer.staging() as staged:
            write_partitions(listed.join(titles, "customer_id", "left"), staged)
            layer.publish(staged, day, {"basis": self.basis})

    def _dated(self, rows: DataFrame) -> DataFrame:
        return rows.withColumn("as_of", F.lit(self.as_of))

    # ---- what is told of them ----

    def _told(self, rows: DataFrame) -> Record:
        """Whom they reach, which titles stand on most lists, and some examples."""
        people = rows.select("customer_id").distinct()
        known = people.join(
            self._liked().join(self._read("customers"), "customer", "inner"), "customer_id", "left_semi"
        )
        customers = people.count()
        shown = rows.groupBy("title_id", "name").agg(F.count("*").alias("customers"))
        most = shown.orderBy(F.desc("customers"), "title_id").limit(MOST_SHOWN).collect()
        return {
            "customers": customers,
            "without_history": customers - known.count(),
            "titles": shown.count(),
            "most_recommended": [row.asDict() for row in most],
            "examples": self._examples(rows),
        }

    def _examples(self, rows: DataFrame) -> list[Record]:
        """A few customers, drawn by a hash from those with some history: what they liked most, and what they get."""
        liked = self._liked()
        sizes = liked.groupBy("customer").agg(F.count("*").alias("size")).where(F.col("size") >= EXAMPLE_TITLES)
        able = sizes.join(self._read("customers"), "customer", "inner").join(rows, "customer_id", "left_semi")
        by_hash = F.xxhash64(F.col("customer_id").cast("string"))
        chosen = able.orderBy(by_hash, "customer_id").limit(EXAMPLES).collect()
        return [
            {
                "customer_id": one["customer_id"],
                "history_titles": one["size"],
                "history": self._names(liked.where(F.col("customer") == one["customer"]), F.desc("strength"), "title"),
                "recommended": self._names(rows.where(F.col("customer_id") == one["customer_id"]), "rank"),
            }
            for one in chosen
        ]

    def _names(self, rows: DataFrame, *order: Any) -> list[str]:
        """The names of the first titles of a customer."""
        named = rows if "name" in rows.columns else rows.join(self._read("titles"), "title", "inner")
        return [row["name"] for row in named.orderBy(*order).limit(EXAMPLE_TITLES).collect()]
