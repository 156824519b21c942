"""What a recommender learns from: the interactions of the logs, or a file of ratings."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Protocol

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError, NothingToLearnError
from conf.load import fingerprint
from conf.recommender import Interactions
from features.interactions import best_names, dictionary_rows, without_bots
from features.interactions import interactions as merged_interactions
from features.windows import Window
from jobs.data_folder import DataFolder
from jobs.engine import is_classic
from jobs.records.layers import InteractionsBasis, InteractionsRecord
from jobs.records.recommending import RatingsBasis
from jobs.storage.backend import write_csv
from jobs.storage.batches import WHOLE, Slice, slices
from jobs.storage.input_files import for_workers, identity
from jobs.storage.layer import Layer, Staged, materialise, write_partitions
from jobs.storage.location import Place
from models.recommender.splits import history_window

SLICE_ROWS = 6_000_000
HEADER = ("customer", "title", "strength")
TIME = "time"


class InteractionSource(Protocol):
    """What customers did with titles."""

    @property
    def days(self) -> Window:
        """The days that it covers; they end with as_of."""
        ...

    @property
    def is_dated(self) -> bool:
        """Whether the day of each interaction is known."""
        ...

    @property
    def is_explicit(self) -> bool:
        """Whether strengths are ratings, good and bad, and not amounts of use."""
        ...

    @property
    def history_days(self) -> int | None:
        """How many days before a date count; None: all."""
        ...

    @property
    def basis(self) -> InteractionsBasis | RatingsBasis:
        """What it is made from."""
        ...

    def slices(self, window: Window) -> list[Slice]:
        """Parts of the customers whose pairs fit in memory."""
        ...

    def pairs(self, window: Window, part: Slice = WHOLE) -> DataFrame:
        """As it looks at the window's end: `customer_id`, `title_id`, `strength`, each pair once; 0: seen, not liked.

        Explicit ratings also have `rating`.
        """
        ...

    def ids(self, window: Window, key: str) -> DataFrame:
        """The ids, `customer_id` or `title_id`, that the pairs of a window have, once or more often."""
        ...

    def names(self) -> DataFrame:
        """`title_id`, `name` of the titles that have one."""
        ...


def logged_basis(data: DataFolder, declared: Interactions, as_of: date) -> InteractionsBasis:
    """The interactions and, for the bots, the tiles of the days before as_of, and how they are declared."""
    layers: dict[str, Layer[Any]] = {"interactions": data.title_days, "tiles": data.daily}
    used = {
        name: {day: record.basis for day, record in layer.records().items() if day < str(as_of)}
        for name, layer in layers.items()
    }
    return InteractionsBasis(days=fingerprint(used), configuration=fingerprint(declared))


@dataclass(frozen=True)
class LoggedInteractions:
    """The interactions of a service's logs before `as_of`."""

    data: DataFolder
    spark: SparkSession
    declared: Interactions
    engine: str
    as_of: date
    is_dated = True
    is_explicit = False

    @property
    def history_days(self) -> int | None:
        """As declared."""
        return self.declared.history_days

    @cached_property
    def days(self) -> Window:
        """From the first day with logs to as_of."""
        return Window(self.data.logs().start, self.as_of)

    @cached_property
    def basis(self) -> InteractionsBasis:
        """See `logged_basis`."""
        return logged_basis(self.data, self.declared, self.as_of)

    @property
    def window(self) -> Window:
        """The days before as_of that count."""
        return history_window(self.as_of, self.days, self.history_days)

    def slices(self, window: Window) -> list[Slice]:
        """See InteractionSource."""
        records = self.data.title_days.records().items()
        rows = sum(record.rows for day, record in records if date.fromisoformat(day) in window)
        return slices(rows, SLICE_ROWS, self.engine)

    def pairs(self, window: Window, part: Slice = WHOLE) -> DataFrame:
        """See InteractionSource."""
        return self._merged(window, part).select(
            "customer_id", F.col("title").alias("title_id"), F.greatest("strength", F.lit(0.0)).alias("strength")
        )

    def ids(self, window: Window, key: str) -> DataFrame:
        """See InteractionSource."""
        return self._days(window).select(F.col("title").alias("title_id") if key == "title_id" else key)

    def names(self) -> DataFrame:
        """See InteractionSource."""
        if not self.data.title_names.has_rows():
            return self.spark.createDataFrame([], "title_id string, name string")
        names = self.data.title_names.read(self.spark)
        return best_names(names.where(F.col("date") < F.lit(self.as_of))).withColumnRenamed("title", "title_id")

    def write(self) -> None:
        """Bring `interactions/titles/as_of=…/`, one row per customer and title, up to date."""
        layer, day = self.data.interactions, str(self.as_of)
        # The underscore makes readers of the layer pass over it.
        write_csv(layer.root / "_dictionary.csv", ("column", "meaning"), dictionary_rows(self.declared))
        if layer.up_to_date({day: self.basis}):
            return
        with layer.staging() as staged:
            for part in self.slices(self.window):
                rows = self._merged(self.window, part).withColumn("as_of", F.lit(self.as_of))
                write_partitions(rows, staged, mode="append")
            layer.publish(staged, day, self._record(staged))
        layer.write_manifest(["from", "pairs", "customers", "titles"])

    def _record(self, staged: Staged) -> InteractionsRecord:
        counts: Mapping[str, Any] = {"pairs": 0, "customers": 0, "titles": 0}
        if staged.has_rows():
            counted = {
                "pairs": F.count("*"),
                "customers": F.countDistinct("customer_id"),
                "titles": F.countDistinct("title"),
            }
            (row,) = staged.read(self.spark).agg(*(one.alias(name) for name, one in counted.items())).collect()
            counts = row.asDict()
        return InteractionsRecord(basis=self.basis, since=self.window.start, **counts)

    def _merged(self, window: Window, part: Slice) -> DataFrame:
        return merged_interactions(part(self._days(window)), self.declared, window)

    def _days(self, window: Window) -> DataFrame:
        """What customers, who were no bots before the window's end, did on its days."""
        layer = self.data.title_days
        if not layer.has_rows():
            raise NothingToLearnError(
                f"{layer.root}: there are no interactions with titles, so there is nothing to learn from"
            )
        inside = [str(day) for day in window.dates()]
        rows = layer.read(self.spark, inside) if layer.has_rows(inside) else layer.read(self.spark).limit(0)
        return without_bots(rows, self.data.daily.read(self.spark), window)


@dataclass(frozen=True)
class RatedInteractions:
    """A file of ratings, typed by `read_ratings`: rows of customer_id, title_id, value, and a date or null."""

    rows: DataFrame
    parts: list[Slice]
    days: Window
    is_dated: bool
    liked_from: float | None  # of explicit ratings
    basis: RatingsBasis
    history_days: int | None = None

    @property
    def is_explicit(self) -> bool:
        """See InteractionSource."""
        return self.liked_from is not None

    def slices(self, window: Window) -> list[Slice]:
        """See InteractionSource."""
        return self.parts

    def pairs(self, window: Window, part: Slice = WHOLE) -> DataFrame:
        """See InteractionSource; what stands twice is added up, explicit ratings are averaged."""
        rows = part(self._inside(window))
        if self.liked_from is None:
            values = rows.groupBy("customer_id", "title_id").agg(F.sum("value").alias("strength"))
            return values.withColumn("strength", F.greatest("strength", F.lit(0.0)))
        rated = rows.groupBy("customer_id", "title_id").agg(F.avg("value").alias("rating"))
        # Of a scale that begins below 0, too, what is liked has a strength above it.
        is_liked = F.col("rating") >= F.lit(self.liked_from)
        strength = F.when(is_liked, F.greatest("rating", F.lit(1.0))).otherwise(F.lit(0.0))
        return rated.withColumn("strength", strength)

    def ids(self, window: Window, key: str) -> DataFrame:
        """See InteractionSource."""
        return self._inside(window).select(key)

    def _inside(self, window: Window) -> DataFrame:
        is_inside = F.col("date").between(F.lit(window.start), F.lit(window.dates()[-1]))
        return self.rows.where(is_inside) if self.is_dated else self.rows

    def names(self) -> DataFrame:
        """See InteractionSource; a file has ids only."""
        return self.rows.select("title_id").distinct().withColumn("name", F.col("title_id"))


def read_ratings(
    spark: SparkSession, file: Place, work: Place, is_explicit: bool, liked_from: float | None, as_of: date | None
) -> RatedInteractions:
    """Read `customer,title,strength[,time]`, a CSV file with a header, by way of Parquet in `work`.

    A time is a date, a timestamp or seconds since 1970. What is not before `as_of` is not known yet; by default it is
    the day after the last, or today where there are no times.

    Raises:
        InputError: it is not such a file, or a row lacks a customer, a title, a number or a readable time.
    """
    names = _header(file)
    # A quote inside quotes is written twice.
    raw = spark.read.option("escape", '"').csv(
        str(for_workers(spark, file, work)), header=True, schema=", ".join(f"`{name}` string" for name in names)
    )
    time = _date() if TIME in names else F.lit(None).cast("date")
    typed = raw.select(
        F.col("customer").alias("customer_id"),
        F.col("title").alias("title_id"),
        F.expr("try_cast(trim(strength) as double)").alias("value"),
        time.alias("date"),
    )
    try:
        rows = materialise([typed], work / "rows")
    except Exception as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"{file}: this is no CSV file with {len(names)} columns in every row ({problem})") from None
    is_number = F.col("value").isNotNull() & ~F.isnan("value") & (F.abs("value") < F.lit(float("inf")))
    is_whole = F.col("customer_id").isNotNull() & F.col("title_id").isNotNull() & is_number
    if TIME in names:
        is_whole &= F.col("date").isNotNull()
    is_known = F.col("date") < F.lit(as_of) if as_of and TIME in names else F.lit(True)
    total, broken, first, last, mean = rows.agg(
        F.count("*"), F.count_if(~is_whole), F.min("date"), F.max("date"), F.avg(F.when(is_known, F.col("value")))
    ).collect()[0]
    if broken or not total:
        what = (
            f"{broken} of {total} rows lack a customer, a title, a number as strength or a time" if total else "no row"
        )
        raise InputError(f"{file}: {what}; fix the file, whose header is {','.join(names)}")
    if first is None:
        days = Window((as_of or date.today()) - timedelta(days=1), as_of or date.today())
    else:
        days = Window(first, as_of or last + timedelta(days=1))
    if days.days < 1:
        raise InputError(f"{file}: nothing in it was before {as_of}; its times go from {first} up to {last}")
    liked = (mean if liked_from is None else liked_from) if is_explicit else None
    basis = RatingsBasis(file=identity(file), liked_from=liked)
    parts = slices(total, SLICE_ROWS, "spark" if is_classic(spark) else "sail")
    return RatedInteractions(rows, parts, days, first is not None, liked, basis)


def _header(file: Place) -> list[str]:
    wanted = f"the header must be {','.join(HEADER)} or {','.join((*HEADER, TIME))}, in any order"
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            names = [name.strip().lower() for name in next(csv.reader(text), [])]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read as UTF-8 text ({error.__class__.__name__}); {wanted}") from None
    if sorted(names) not in (sorted(HEADER), sorted((*HEADER, TIME))):
        raise InputError(f"{file}: has the columns {','.join(names) or 'none'}; {wanted}")
    return names


def _date() -> Column:
    """The day of a time as text; null where it is none, or so far off that it must be another unit."""
    seconds = "timestamp_seconds(try_cast(trim(time) as bigint))"
    is_seconds, is_number = "trim(time) rlike '^[0-9]{1,10}$'", "trim(time) rlike '^[0-9]+$'"
    moment = f"case when {is_seconds} then {seconds} when not {is_number} then try_cast(trim(time) as timestamp) end"
    return F.expr(f"cast({moment} as date)")
