"""Layers on disk: folders of partitions, each wholly old or wholly new at any moment.

A partition is written beside its layer, in a staging folder, with its record (`_encore.json`: what it was made
from, with which configuration and sample, its counts) inside it. One rename then puts both in place. To replace a
partition, the two folders are swapped in one step (`jobs.storage.swap`), so that a kill at any moment leaves the old or
the new one, never half and never none.

Object stores and HDFS have no such rename. `jobs.storage.versions` describes how a folder is published there, and the
functions here follow it.
"""

import csv
import fcntl
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from jobs.engine import is_classic
from jobs.storage.lease import GRACE, Lease
from jobs.storage.location import Place, Remote, reaching
from jobs.storage.swap import put_back, put_in_place
from jobs.storage.versions import STAGING, Versions, current, fresh, is_littered, sweep

RECORD = "_encore.json"
Record = dict[str, Any]


@dataclass(frozen=True)
class Partitions:
    """A folder of Hive partitions `key=value/`, as they lie."""

    root: Place
    key: str

    def partition(self, value: str) -> Place:
        """Folder of the partition of `value`."""
        return self.root / f"{self.key}={value}"

    def values(self) -> list[str]:
        """Values of the partitions that are there, sorted."""
        return sorted(path.name.split("=", 1)[1] for path in self.root.glob(f"{self.key}=*"))

    def has_rows(self, values: Sequence[str] | None = None) -> bool:
        """Whether any of the partitions (all of them by default) has rows."""
        return any(
            any(self.partition(value).glob("*.parquet")) for value in (self.values() if values is None else values)
        )

    def read(self, spark: SparkSession, values: Sequence[str] | None = None) -> DataFrame:
        """The rows of the partitions of `values` (all by default), their key a date. Raises InputError."""
        if not self.has_rows(values):
            raise InputError(f"{self.root}: there are no rows to read; run the command that writes this layer first")
        rows = self._that_count(spark.read.parquet(str(self.root)))
        wanted = rows if values is None else rows.where(is_one_of(self.key, values))
        return wanted.withColumn(self.key, F.col(self.key).cast("date"))  # Sail leaves the key as text

    def _that_count(self, rows: DataFrame) -> DataFrame:
        return rows


@dataclass(frozen=True)
class Staged(Partitions):
    """Partitions that are not published yet; `work` is for whatever else is needed until they are."""

    work: Place


@dataclass(frozen=True)
class Layer(Partitions):
    """A folder of Hive partitions, each published with its record."""

    def record(self, value: str) -> Record | None:
        """The record of a partition, None where it has none."""
        return read_record(self.partition(value))

    def records(self) -> dict[str, Record]:
        """The record of every partition that has one, by value."""
        found = {value: self.record(value) for value in self.values()}
        return {value: record for value, record in found.items() if record is not None}

    def changed(self, value: str) -> float:
        """When a partition was published, in seconds since 1970."""
        return self.partition(value).stat().st_mtime

    @contextmanager
    def staging(self) -> Iterator[Staged]:
        """Partitions of this layer to write; what was not published from them is removed at the end."""
        self.root.mkdir(parents=True, exist_ok=True)
        with beside(self.root) as folder:
            yield Staged(folder / "rows", self.key, folder)

    def publish(self, staged: Partitions, value: str, record: Record) -> None:
        """Put the staged partition of `value` in place, with its record."""
        new = staged.partition(value)
        new.mkdir(parents=True, exist_ok=True)
        write_text(new / RECORD, json.dumps(record, indent=1, sort_keys=True, default=str))
        replace_folder(new, self.partition(value))

    def remove(self, value: str) -> None:
        """Remove a partition: first out of sight in one step, then from the disk."""
        with beside(self.root) as folder:
            local(self.partition(value)).rename(local(folder) / "old")


def local(place: Place) -> Path:
    """A place that is one of this machine's, where no other can be."""
    assert isinstance(place, Path), place
    return place


def read_record(folder: Place) -> Record | None:
    """The record in a published folder, None where there is none."""
    try:
        record: Record = json.loads((current(folder) / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return record


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


def stored(parts: Sequence[DataFrame], folder: Place) -> DataFrame:
    """The rows of the parts, each computed once, one after the other, and kept in `folder`, which is not there yet.

    Of no rows Sail writes nothing, which has no columns to read.
    """
    for part in parts:
        part.write.mode("append").parquet(str(folder))
    spark = parts[0].sparkSession
    is_there = any(folder.glob("*.parquet"))
    return spark.read.parquet(str(folder)) if is_there else spark.createDataFrame([], parts[0].schema)


@contextmanager
def beside(target: Place) -> Iterator[Place]:
    """A new folder, where no reader looks, to make in it what `replace_folder` puts in the place of `target`.

    On a disk it lies beside `target`, on the same file system. It is removed at the end, but for what was published.
    """
    if isinstance(target, Remote):
        with fresh(target) as version:
            yield version
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{STAGING}{target.name}-", dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def replace_folder(new: Place, old: Place) -> None:
    """Put the folder `new` where `old` is, in one step; `old` is gone afterwards. Readers go by `current(old)`."""
    if isinstance(old, Remote):
        assert isinstance(new, Remote), new
        Versions(old).publish(new, {})
        return
    new = local(new)
    if not old.exists():
        new.rename(old)
        return
    put_in_place(new, old)


def remove_folder(folder: Place) -> None:
    """Remove what is published in a folder."""
    if isinstance(folder, Remote):
        for child in Versions(folder).newest():
            Versions(folder).forget(child)
        folder.remove_all()
        return
    shutil.rmtree(folder)


def published(parent: Place) -> list[Place]:
    """The folders in a folder, by name; none where it is not there."""
    return sorted(path for path in parent.glob("*") if path.is_dir())


def write_text(path: Place, text: str) -> None:
    """Write a whole file, or leave the old one as it was."""
    if isinstance(path, Remote):
        path.write_text(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    Path(temporary).replace(path)


def write_csv(path: Place, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a small table as a whole CSV file, or leave the old one as it was."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_text(path, text.getvalue())


def write_manifest(layer: Layer, columns: Sequence[str]) -> None:
    """The records of a layer as one CSV for people; the records in the partitions are what counts.

    The file's name begins with an underscore so that readers of the layer as a whole pass over it.
    """
    # An older version may not have written every column.
    rows = [[value, *(_cell(record.get(column)) for column in columns)] for value, record in layer.records().items()]
    write_csv(layer.root / "_manifest.csv", [layer.key, *columns], rows)


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_cell(item)}" for key, item in sorted(value.items()))
    return value


@contextmanager
def sole_writer(data: Place) -> Iterator[None]:
    """Hold the data folder for this process, and clean up what a killed one left in it.

    Raises:
        InputError: another process writes there, or the store cannot be reached.
    """
    if isinstance(data, Remote):
        with _leased(data):
            yield
        return
    data.mkdir(parents=True, exist_ok=True)
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{data}: another encore command is writing here; wait for it or use another --data"
            ) from None
        for depth in ("", "*/", "*/*/"):
            for left_over in data.glob(f"{depth}{STAGING}*"):
                put_back(left_over)
                shutil.rmtree(left_over)
        yield


@contextmanager
def _leased(data: Remote) -> Iterator[None]:
    lease = Lease(data)
    with reaching(data):
        lease.take()
    try:
        with reaching(data):
            if is_littered(data):
                time.sleep(GRACE)
                sweep(data)
        yield
    finally:
        lease.release()
