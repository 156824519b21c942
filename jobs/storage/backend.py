"""One interface to both kinds of storage: a disk of this machine, and an object store or HDFS.

This is the only module that asks which of them a place belongs to.
"""

import csv
import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jobs.storage.disk import Disk
from jobs.storage.location import Place, Remote
from jobs.storage.object_store import ObjectStore
from jobs.storage.sheet import MARK, inert, inert_batch

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset


class Backend(Protocol):
    """A kind of storage. Places that are given to its methods belong to it."""

    @property
    def is_disk(self) -> bool:
        """Whether it is a disk of this machine, so that its places are paths."""
        ...

    def check_reachable(self, place: Any, engine: str | None = None) -> None:
        """Raise InputError where the storage does not answer to an engine; by default, to that of the place."""
        ...

    def absolute(self, place: Any) -> Place:
        """The same place, independent of the working directory."""
        ...

    def spark_url(self, place: Any) -> str:
        """A URL that means the same to Spark, whatever its default file system is."""
        ...

    def current(self, folder: Any) -> Place:
        """The published content of a folder; the folder itself where nothing is published."""
        ...

    def matching(self, folder: Any, pattern: str) -> Sequence[Place]:
        """The entries below a folder that match a pattern with one part for each level, such as `*/date=*/*`.

        None where the folder does not exist. Raises InputError where a folder may not be read.
        """
        ...

    def staging_folder(self, target: Any) -> AbstractContextManager[Place]:
        """A new folder, where no reader looks, to write what `replace_folder` publishes as `target`.

        It is removed at the end, except for what was published.
        """
        ...

    def replace_folder(self, new: Any, old: Any) -> None:
        """Replace the folder `old` by `new` in one step; readers find it by `current(old)`."""
        ...

    def remove_folder(self, folder: Any) -> None:
        """Remove a published folder."""
        ...

    def write_text(self, path: Any, text: str) -> None:
        """Write a whole file, or leave the old one as it was."""
        ...

    def dataset(self, folder: Any) -> "Dataset":
        """The Parquet files of a folder."""
        ...

    def local_copy(self, file: Any) -> AbstractContextManager[Path]:
        """The file on this machine: itself, or a copy that is removed at the end."""
        ...

    def local_target(self, file: Any) -> AbstractContextManager[Path]:
        """Where on this machine to write a file that is put in its place at the end, unless the block fails.

        Both have the same suffix.
        """
        ...

    def copy_in(self, source: Path, target: Any) -> None:
        """Copy a file of this machine to a place in this storage."""
        ...

    def sole_writer(self, data: Any) -> AbstractContextManager[None]:
        """Hold a data folder for this process, and remove what a killed command has left there.

        Raises:
            InputError: another process writes there, or the storage cannot be reached.
        """
        ...


_DISK, _OBJECT_STORE = Disk(), ObjectStore()


def backend(place: Place) -> Backend:
    """The storage that a place belongs to."""
    return _OBJECT_STORE if isinstance(place, Remote) else _DISK


def disk_path(place: Place) -> Path:
    """A place that is known to be a path. Raises TypeError where it is a URL."""
    if isinstance(place, Remote):
        raise TypeError(f"{place}: a path of this machine is needed here")
    return place


def current(folder: Place) -> Place:
    """See Backend."""
    return backend(folder).current(folder)


def matching(folder: Place, pattern: str = "*") -> Sequence[Place]:
    """See Backend."""
    return backend(folder).matching(folder, pattern)


def staging_folder(target: Place) -> AbstractContextManager[Place]:
    """See Backend."""
    return backend(target).staging_folder(target)


def replace_folder(new: Place, old: Place) -> None:
    """See Backend."""
    backend(old).replace_folder(new, old)


def remove_folder(folder: Place) -> None:
    """See Backend."""
    backend(folder).remove_folder(folder)


def subfolders(parent: Place) -> list[Place]:
    """The folders in a folder, by name; none where it is missing."""
    return sorted(path for path in matching(parent) if path.is_dir())


def write_text(path: Place, text: str) -> None:
    """See Backend."""
    backend(path).write_text(path, text)


def write_csv(path: Place, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a small table as a whole CSV file for spreadsheets, or leave the old one as it was."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *([inert(cell) for cell in row] for row in rows)])
    write_text(path, MARK + text.getvalue())


def export_csv(folder: Place, target: Place) -> None:
    """Write the Parquet files of a folder as one CSV file for spreadsheets, a batch at a time."""
    import pyarrow.csv  # not needed by most commands

    rows = dataset(folder)
    with local_target(target) as path, path.open("wb") as file:
        file.write(MARK.encode())
        with pyarrow.csv.CSVWriter(file, rows.schema) as writer:
            for batch in rows.to_batches():
                writer.write_batch(inert_batch(batch))


def dataset(folder: Place) -> "Dataset":
    """See Backend."""
    return backend(folder).dataset(folder)


def local_copy(file: Place) -> AbstractContextManager[Path]:
    """See Backend."""
    return backend(file).local_copy(file)


def local_target(file: Place) -> AbstractContextManager[Path]:
    """See Backend."""
    return backend(file).local_target(file)


def check_reachable(place: Place, engine: str | None = None) -> None:
    """See Backend."""
    backend(place).check_reachable(place, engine)


def sole_writer(data: Place) -> AbstractContextManager[None]:
    """See Backend."""
    return backend(data).sole_writer(data)
