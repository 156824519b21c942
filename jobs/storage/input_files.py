"""Files that are named on the command line, and that lie outside of the data folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unicodedata import normalize

from pyspark.sql import SparkSession

from conf.errors import EncoreError, InputError
from jobs.engine import is_classic
from jobs.storage.backend import backend, check_reachable, disk_path, local_copy, local_target
from jobs.storage.location import Place
from jobs.storage.names import require_no_pattern

Identity = tuple[str, int, float]  # absolute place, size in bytes, time of writing in seconds since 1970


def identity(file: Place) -> Identity:
    """Equal for the same file with the same content."""
    status = file.stat()
    return str(backend(file).absolute(file)), status.st_size, status.st_mtime


def require_file(file: Place, option: str = "") -> None:
    """Raise InputError where there is no such file, or where its store cannot be reached."""
    check_reachable(file)
    if not file.is_file():
        raise InputError(f"{option} {file}: there is no such file".lstrip())


def for_workers(spark: SparkSession, file: Place, work: Place) -> Place:
    """The file at a place where the workers of a session can read it.

    Args:
        work: a folder beside the data. Where Spark's executors run on other machines, a file of this machine is copied
            there.
    """
    require_no_pattern("FILE", file)
    if not (backend(file).is_disk and is_classic(spark)):
        return file
    if backend(work).is_disk and (spark.sparkContext.master or "").startswith("local"):
        return file
    copy = work / "named" / file.name
    backend(work).copy_in(disk_path(file), copy)
    return copy


def in_nfc(file: Place, work: Place) -> Place:
    """The same text file, or a copy of it in `work` if it is not ASCII: in NFC, for which no engine has a function.

    Raises:
        InputError: it is not UTF-8.
    """
    try:
        with file.open(encoding="utf-8", newline="\n") as lines:
            if all(map(str.isascii, lines)):
                return file
        copy = work / f"nfc-{file.name}"
        work.mkdir(parents=True, exist_ok=True)
        with (
            file.open(encoding="utf-8", newline="\n") as lines,
            local_target(copy) as target,
            target.open("w", encoding="utf-8", newline="\n") as out,
        ):
            out.writelines(normalize("NFC", line) for line in lines)
        return copy
    except UnicodeDecodeError:
        raise InputError(f"{file}: cannot be read as UTF-8 text; write it in UTF-8") from None


@contextmanager
def local_input(file: Place) -> Iterator[Path]:
    """A named file as one of this machine; errors in the block name the place that was given.

    Raises:
        InputError: a store does not have it.
    """
    if not backend(file).is_disk:
        require_file(file)
    with local_copy(file) as local:
        try:
            yield local
        except EncoreError as error:
            error.args = (str(error).replace(str(local), str(file)),)
            raise
