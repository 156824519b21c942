"""Layers: folders of partitions, each wholly old or wholly new at any moment.

A partition is written in a staging folder beside its layer, with its record (`_encore.json`: what it was made from,
with which configuration and sample, its counts, its files with their checksums) inside it. One rename then publishes
both. To replace a partition, the two folders are swapped in one step (`jobs.storage.swap`), so that a kill at any
moment leaves the old or the new one.

Object stores and HDFS have no such rename: `jobs.storage.remote_layer` publishes versions there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError, InputError
from jobs.engine import is_classic
from jobs.storage.backend import disk_path, matching, replace_folder, staging_folder, write_csv, write_text
from jobs.storage.location import Place
from jobs.storage.records import PartitionRecord, from_text, readable, text_of, to_text
from jobs.storage.seals import require_unchanged, seals, seals_of

RECORD = "_encore.json"
R = TypeVar("R", bound=PartitionRecord)


@dataclass(frozen=True)
class Partitions:
    """A folder of Hive partitions `key=value/`."""

    root: Place
    key: str

    def partition(self, value: str) -> Place:
        """Folder of the partition of `value`."""
        return self.root / f"{self.key}={value}"

    def values(self) -> list[str]:
        """Values of the partitions that are there, sorted."""
        return sorted(path.name.split("=", 1)[1] for path in matching(self.root, f"{self.key}=*"))

    def has_rows(self, values: Sequence[str] | None = None) -> bool:
        """Whether any of the partitions (all of them by default) has rows."""
        return any(
            any(matching(self.partition(value), "*.parquet")) for value in (self.values() if values is None else values)
        )

    def read(self, spark: SparkSession, values: Sequence[str] | None = None) -> DataFrame:
        """The rows of the partitions of `values` (all by default), their key a date. Raises InputError."""
        if not self.has_rows(values):
            raise InputError(f"{self.root}: there are no rows to read; run the command that writes this layer first")
        self.verify(self.values() if values is None else values, is_layer_read=True)
        rows = self._published(spark.read.parquet(str(self.root)))
        wanted = rows if values is None else rows.where(is_one_of(self.key, values))
        return wanted.withColumn(self.key, F.col(self.key).cast("date"))  # Sail leaves the key as text

    def verify(self, values: Sequence[str], is_layer_read: bool = False) -> None:
        """Do nothing: there are no records to compare the files with."""

    def _published(self, rows: DataFrame) -> DataFrame:
        return rows


@dataclass(frozen=True)
class Staged(Partitions):
    """Partitions that are not published yet; `work` is a folder for whatever else is needed until they are."""

    work: Place


@dataclass(frozen=True)
class Layer(Partitions, Generic[R]):
    """A folder of Hive partitions, each published with a record of the type `kind`."""

    kind: type[R]

    def record(self, value: str) -> R | None:
        """The record of a partition, None where it has none. Raises as `from_text` does."""
        text = self._text(value)
        return None if text is None else from_text(self.kind, text, self.partition(value), value)

    def records(self) -> dict[str, R]:
        """The record of every partition that has one, by value. Raises as `from_text` does."""
        texts = self._texts()
        return {value: from_text(self.kind, text, self.partition(value), value) for value, text in texts.items()}

    def readable(self) -> dict[str, R]:
        """The records that this version of Encore can read; a command that writes the layer replaces the others."""
        found = {value: readable(self.kind, text) for value, text in self._texts().items()}
        return {value: record for value, record in found.items() if record is not None}

    def up_to_date(self, bases: Mapping[str, Any]) -> dict[str, R]:
        """The records of the partitions that were made from these bases, by value."""
        return {
            value: record
            for value, record in self.readable().items()
            if value in bases and record.basis == bases[value]
        }

    def has_rows(self, values: Sequence[str] | None = None) -> bool:
        """See Partitions. The records decide: where a file is missing, `verify` says so."""
        records = self._records_of(self.values() if values is None else values)
        return any(record is not None and record.content for record in records.values())

    def verify(self, values: Sequence[str], is_layer_read: bool = False) -> None:
        """Raise DataCheckError where a file of these partitions is not as it was published.

        is_layer_read: whether an engine reads them by the whole layer. It then opens files of the others too, to learn
        the columns; so their names and sizes must be right.
        """
        records = self._records_of(values)
        others = {value: one for value, one in self.readable().items() if value not in records} if is_layer_read else {}
        folders = self._folders([*records, *others])
        entries = self._entries(list(folders.values()))
        now = seals_of(entries, whole=[folders[value] for value in records])
        for value, folder in folders.items():
            record = records[value] if value in records else others[value]
            if record is None:
                raise DataCheckError(f"{folder}: this folder has no record, so Encore did not write it; remove it")
            require_unchanged(folder, record.content, now[folder], self.kind.COMMAND.format(partition=value))

    def verified(self, value: str) -> Place:
        """Folder of a partition, for reading. Raises DataCheckError where a file is not as it was published."""
        self.verify([value])
        return self.partition(value)

    @contextmanager
    def staging(self) -> Iterator[Staged]:
        """Partitions of this layer to write; what was not published from them is removed at the end."""
        self.root.mkdir(parents=True, exist_ok=True)
        with staging_folder(self.root) as folder:
            yield Staged(folder / "rows", self.key, folder)

    def publish(self, staged: Partitions, value: str, record: R) -> None:
        """Put the staged partition of `value` in place, with its record."""
        new = staged.partition(value)
        new.mkdir(parents=True, exist_ok=True)
        write_text(new / RECORD, to_text(sealed(record, new)))
        replace_folder(new, self.partition(value))

    def remove(self, value: str) -> None:
        """Remove a partition: first out of sight in one step, then from the disk."""
        with staging_folder(self.root) as folder:
            disk_path(self.partition(value)).rename(disk_path(folder) / "old")

    def write_manifest(self, columns: Sequence[str]) -> None:
        """Write these fields of the records as one CSV for people; programs read the records.

        The underscore in the file's name makes readers of the whole layer pass over it.
        """
        records = {value: record.model_dump(by_alias=True) for value, record in self.readable().items()}
        rows = [[value, *(_cell(record[column]) for column in columns)] for value, record in records.items()]
        write_csv(self.root / "_manifest.csv", [self.key, *columns], rows)

    def _records_of(self, values: Sequence[str]) -> dict[str, R | None]:
        """The records of those of the partitions that are there."""
        return {value: self.record(value) for value in sorted({*values} & {*self.values()})}

    def _folders(self, values: Iterable[str]) -> dict[str, Place]:
        """The folders of partitions, by value."""
        return {value: self.partition(value) for value in values}

    def _entries(self, folders: Sequence[Place]) -> Mapping[Place, Sequence[Place]]:
        """What lies in each of the folders."""
        return {folder: matching(folder) for folder in folders}

    def _text(self, value: str) -> str | None:
        try:
            return text_of(self.partition(value) / RECORD)
        except FileNotFoundError:
            return None

    def _texts(self) -> dict[str, str]:
        found = {value: self._text(value) for value in self.values()}
        return {value: text for value, text in found.items() if text is not None}


def sealed(record: R, folder: Place) -> R:
    """The record of a partition whose files are whole, with their names, sizes and checksums."""
    return record.model_copy(update={"content": seals(folder)})


def is_one_of(key: str, values: Sequence[str]) -> Column:
    """Whether the partition's key is one of `values`; both engines then read only those partitions."""
    return F.col(key).cast("string").isin(list(values))


def write_partitions(rows: DataFrame, staged: Partitions, mode: str = "overwrite", several: bool = False) -> None:
    """Write rows as the partitions of a staged layer, or `append` them to it.

    several: the rows are of several partitions, in any order. Each of Spark's many tasks would write a file into each
    of them; so there the rows of a partition are brought together first.
    """
    if several and is_classic(rows.sparkSession):
        rows = rows.hint("rebalance", staged.key)
    rows.write.mode(mode).partitionBy(staged.key).parquet(str(staged.root))


def materialise(parts: Sequence[DataFrame], folder: Place) -> DataFrame:
    """The rows of the parts, each computed once, one after the other, and kept in `folder`, which is new.

    Sail writes no file where there are no rows, so that there are no columns to read: then the frame is empty.
    """
    for part in parts:
        part.write.mode("append").parquet(str(folder))
    spark = parts[0].sparkSession
    is_there = any(matching(folder, "*.parquet"))
    return spark.read.parquet(str(folder)) if is_there else spark.createDataFrame([], parts[0].schema)


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_cell(item)}" for key, item in sorted(value.items()))
    return value
