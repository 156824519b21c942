"""Whom files and earlier lists rule out: those who must not be contacted, and those who were contacted lately."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.declaration import NULL_MARKERS
from conf.errors import InputError
from conf.load import fingerprint
from conf.schema import Service
from conf.targeting import Targeting
from features.values import normalised_id, unmarked, value_of
from jobs.contacts.named_file import write_named
from jobs.records.scoring import ScoresRecord
from jobs.storage.input_files import local_input, require_file
from jobs.storage.layer import Layer
from jobs.storage.location import Place, place
from models.targeting.contact_list import CONTACT
from models.targeting.limits import ContactHistory

INTEGERS = ("bigint", "int")
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class HistorySources:
    """What limits of contact read beside the table, for the list of a day.

    do_not_contact, contacted: files. lists: as-of dates of the earlier lists that count.
    """

    scores: Layer[ScoresRecord]
    do_not_contact: Place | None
    contacted: Place | None
    lists: Sequence[str]

    def fingerprint(self) -> str:
        """Of the content of all of them, empty where there are none. Raises InputError where a file is missing."""
        files = [file for file in (self.do_not_contact, self.contacted) if file]
        if not files and not self.lists:
            return ""
        records = self.scores.readable()
        lists = {day: records[day].content if day in records else {} for day in self.lists}
        return fingerprint([_checksum(file) for file in files], lists)

    def read(self, spark: SparkSession, service: Service, kind: str, work: Place) -> ContactHistory:
        """Read them.

        Args:
            kind: type of the customers' ids.
            work: a folder, which is new, for what is read from the files.

        Raises:
            InputError: a file cannot be read, lacks a column, or has a row that cannot be understood.
        """
        refused = contacts = None
        if self.do_not_contact:
            texts = _texts(spark, self.do_not_contact, ("customer_id",), work / "do_not_contact")
            refused = _typed(texts, self.do_not_contact, service, kind)
        parts = [self._list(spark, day) for day in self.lists]
        if self.contacted:
            texts = _texts(spark, self.contacted, ("customer_id", "date"), work / "contacted")
            parts.append(_typed(texts, self.contacted, service, kind))
        if parts:
            contacts = reduce(DataFrame.unionByName, parts)
        return ContactHistory(refused, contacts)

    def _list(self, spark: SparkSession, day: str) -> DataFrame:
        """The contacts of the list of a day: `customer_id`, `date`."""
        # The list of an older version of Encore has a record that cannot be read; its customers were contacted too.
        is_known = day in self.scores.readable()
        folder = self.scores.verified(day) if is_known else self.scores.partition(day)
        contacted = spark.read.parquet(str(folder)).where(F.col("contact") == CONTACT)
        return contacted.select("customer_id", F.lit(date.fromisoformat(day)).alias("date"))


def history_sources(scores: Layer[ScoresRecord], money: Targeting | None, engine: str, day: str) -> HistorySources:
    """What the limits of contact of the economics read, for the list of a day."""
    files = {
        key: place(declared.file, engine) if declared and declared.file else None
        for key, declared in (
            ("do_not_contact", money.do_not_contact if money else None),
            ("contacted", money.contacted if money else None),
        )
    }
    again_after = money.contacted.again_after_days if money and money.contacted else 0
    return HistorySources(scores, **files, lists=_earlier_lists(scores, day, again_after))


def _earlier_lists(scores: Layer[ScoresRecord], day: str, again_after_days: int) -> list[str]:
    """The as-of dates of the lists after which it is too early for another contact; never `day` or a later one."""
    as_of, records = date.fromisoformat(day), scores.readable()
    near = [one for one in scores.values() if 0 < (as_of - date.fromisoformat(one)).days < again_after_days]
    return [one for one in near if one not in records or records[one].plan]


def _texts(spark: SparkSession, file: Place, columns: Sequence[str], folder: Place) -> DataFrame:
    with local_input(file) as local:
        write_named(local, columns, folder)
    return spark.read.parquet(str(folder))


def _typed(texts: DataFrame, file: Place, service: Service, kind: str) -> DataFrame:
    """The ids, and the dates where there are some. Raises InputError where a row cannot be understood."""
    is_whole = service.has_whole_customers or kind in INTEGERS
    customer = value_of(unmarked(normalised_id(F.col("customer_id"), is_whole), NULL_MARKERS), kind)
    typed = {"customer_id": customer}
    if "date" in texts.columns:
        typed["date"] = value_of(F.col("date"), "date")
    rows = texts.select(*(F.col(name).alias(f"{name}_text") for name in typed), *(v.alias(n) for n, v in typed.items()))
    meant = {"customer_id": f"a customer id ({kind})", "date": "a date (YYYY-MM-DD)"}
    for name in typed:
        broken = rows.where(F.col(name).isNull())
        for row in broken.limit(1).collect():
            text = row[f"{name}_text"]
            given = "an empty cell" if text is None else repr(text)
            others = broken.count() - 1
            more = f" ({others} more such {'row' if others == 1 else 'rows'})" if others else ""
            raise InputError(f"{file}: {given} in the column {name} is not {meant[name]}{more}; fix or remove the rows")
    return rows.select(*typed)


def _checksum(file: Place) -> str:
    require_file(file)
    found = hashlib.sha256()
    with local_input(file) as local, local.open("rb") as content:
        while block := content.read(BLOCK_BYTES):
            found.update(block)
    return found.hexdigest()[:16]
