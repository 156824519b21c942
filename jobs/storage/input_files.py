"""Files that a command is told by name, and that lie outside of its data folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from pyspark.sql import SparkSession

from conf.errors import EncoreError, InputError
from jobs.engine import is_classic
from jobs.storage.location import Place, Remote, here, reaching


def identity(file: Place) -> list[str | float]:
    """What tells whether it is the same file with the same content: its place, size and time."""
    status = file.stat()
    where = file if isinstance(file, Remote) else file.absolute()
    return [str(where), status.st_size, status.st_mtime]


def require_file(file: Place, option: str = "") -> None:
    """Raise InputError where there is no such file, or where its store cannot be reached."""
    with reaching(file) if isinstance(file, Remote) else nullcontext():
        if not file.is_file():
            raise InputError(f"{option} {file}: there is no such file".lstrip())


def for_workers(spark: SparkSession, file: Place, work: Place) -> Place:
    """The file where those who work for a session read it.

    Args:
        work: a folder beside the data. Where it lies elsewhere, or Spark's executors do, a file of this machine is
            copied there, since no executor sees it.
    """
    if isinstance(file, Remote) or not is_classic(spark):
        return file
    copy = work / "named" / file.name
    if isinstance(copy, Remote):
        copy.put(file)
    elif (spark.sparkContext.master or "").startswith("local"):
        return file
    else:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    return copy


@contextmanager
def brought(file: Place) -> Iterator[Path]:
    """A file as one of this machine. What is said of it in errors names the place that it was brought from.

    Raises InputError where a store does not have it.
    """
    if isinstance(file, Remote):
        require_file(file)
    with here(file) as local:
        try:
            yield local
        except EncoreError as error:
            error.args = (str(error).replace(str(local), str(file)),)
            raise
